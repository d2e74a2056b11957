//! A bank at one moment.

use std::time::Instant;

use super::{
    finding::Finding,
    flow::Flow,
    pack::Pack,
    text::{about, energy, power},
    totals::Totals,
    unit::Unit,
    verdict::Verdict,
};

/// Everything that is shown of a bank.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Overview {
    /// Name of the bank; empty if it has none.
    pub(crate) name: String,
    /// State in a few words.
    pub(crate) verdict: Verdict,
    /// The units, in the order in which they were given.
    pub(crate) units: Vec<Unit>,
    /// The battery packs, in the order in which they were given; empty if none were.
    pub(crate) packs: Vec<Pack>,
    /// What was found, the most severe first.
    pub(crate) findings: Vec<Finding>,
}

/// The four numbers of a bank in words, without the names of their parts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Summary {
    /// Power of the sun, and the strings that give it.
    pub(crate) sun: String,
    /// Power of the load, and what feeds it.
    pub(crate) load: String,
    /// What the battery does, in watts and amperes.
    pub(crate) battery: String,
    /// Whether the grid is used, and its voltage.
    pub(crate) grid: String,
}

impl Overview {
    /// Returns the sums over the units with fresh values.
    pub(crate) fn totals(&self, now: Instant) -> Totals {
        Totals::of(&self.units, now)
    }
}

impl Summary {
    /// Puts sums into words. What is not known is `–`.
    pub(crate) fn of(totals: &Totals) -> Self {
        let unknown = || "–".to_owned();
        let flow = Flow::of(totals);
        let today = totals.today.map(|today| format!("{} today", energy(today)));
        let strings = totals.solar.map(|solar| match totals.strings {
            0 => "0 W, no sun".to_owned(),
            strings => format!("{}, on {strings} of {} strings", power(solar), 2 * totals.units),
        });
        let sun = [strings.unwrap_or_else(unknown)].into_iter().chain(today);
        let load = totals.load.map(|load| {
            let sources = flow.map_or(Vec::new(), |flow| flow.sources());
            let percent = totals.load_percent.map(|percent| format!(", {percent:.0} %"));
            let from = match sources.as_slice() {
                [] => String::new(),
                sources => format!(", from the {}", sources.join(" and ")),
            };
            format!("{}{}{from}", power(load), percent.unwrap_or_default())
        });
        Self {
            sun: sun.collect::<Vec<_>>().join("; "),
            load: load.unwrap_or_else(unknown),
            battery: battery(totals).unwrap_or_else(unknown),
            grid: grid(totals, flow),
        }
    }
}

fn battery(totals: &Totals) -> Option<String> {
    let (watts, amperes) = (totals.battery?, totals.current?);
    let doing = if amperes > 0.0 {
        format!("charging {}, {amperes:.0} A", about(watts))
    } else if amperes < 0.0 {
        format!("giving {}, {:.0} A", about(watts), amperes.abs())
    } else {
        "idle".to_owned()
    };
    let charge = totals.charge.map(|charge| format!(", {charge:.0} %"));
    Some(format!("{doing}, {:.1} V{}", totals.voltage?, charge.unwrap_or_default()))
}

fn grid(totals: &Totals, flow: Option<Flow>) -> String {
    let Some(volts) = totals.grid else { return "–".to_owned() };
    if volts < MIN_GRID {
        return "not there".to_owned();
    }
    let hertz = totals.grid_frequency.map(|hertz| format!(" {hertz:.1} Hz"));
    let there = format!("{volts:.1} V{}", hertz.unwrap_or_default());
    match totals.line.as_deref() {
        Some("input") => {
            let watts = flow.map_or(0.0, |flow| flow.grid_to_load + flow.grid_to_battery);
            format!("in use, {}; {there}", about(watts))
        }
        Some("output") => format!("receives power; {there}"),
        _ => format!("not used; {there}"),
    }
}

/// Voltage below which there is no grid.
const MIN_GRID: f64 = 20.0;
