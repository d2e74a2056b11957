//! One battery pack.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use lvx_parallel::{PackSnapshot, Reason, pack::Live};
use lvx_settings::Millivolts;
use pi18_transport::printable;

use super::{
    unit::{LinkState, reason},
    value::Datum,
};

/// A battery pack with its measurements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pack {
    /// Name for people, which identifies the pack: its port.
    pub(crate) name: String,
    /// Model; `None` if the pack did not report it.
    pub(crate) model: Option<String>,
    /// Whether it answers.
    pub(crate) link: LinkState,
    /// Why it was not read, in a word or two.
    missing: &'static str,
    /// Last measurements with their time; `None` if the last attempt to read the pack failed.
    live: Option<(Measured, Instant)>,
    /// Limit of age of the measurements.
    limit: Duration,
}

/// The measurements of a pack that are shown; `None` for a value that is not known.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Measured {
    /// Voltage.
    pub(super) voltage: Option<Datum>,
    /// Current, above 0 while the pack is charged; a text if its scale is not known.
    pub(super) current: Option<Datum>,
    /// State of charge.
    pub(super) state_of_charge: Option<Datum>,
    /// Lowest cell voltage.
    pub(super) lowest_cell: Option<Datum>,
    /// Highest cell voltage.
    pub(super) highest_cell: Option<Datum>,
    /// Difference between both.
    pub(super) cell_spread: Option<Datum>,
    /// Highest temperature of the cells.
    pub(super) temperature: Option<Datum>,
    /// Status.
    pub(super) status: Option<Datum>,
    /// Names of the warnings that are on.
    pub(super) warnings: Option<Datum>,
    /// Names of the protections that are on.
    pub(super) protections: Option<Datum>,
}

impl From<&Live> for Measured {
    fn from(live: &Live) -> Self {
        let number = |number, unit, decimals| Some(Datum::Number { number, unit, decimals });
        let cell =
            |(_, voltage): (usize, Millivolts)| number(f64::from(voltage.0) / 1000.0, "V", 3);
        let current = live.current.value().and_then(|current| number(current.in_unit(), "A", 2));
        let spread = live.cell_spread().and_then(|spread| number(spread.0.into(), "mV", 0));
        let temperature = live.temperature_1.max(live.temperature_2);
        Self {
            voltage: number(live.voltage.in_unit(), "V", 2),
            current: current.or_else(|| Some(Datum::text(&live.current.to_string()))),
            state_of_charge: number(live.state_of_charge.0.into(), "%", 0),
            lowest_cell: live.lowest_cell().and_then(cell),
            highest_cell: live.highest_cell().and_then(cell),
            cell_spread: spread,
            temperature: number(temperature.0.into(), "°C", 0),
            status: live.status.map(|bits| Datum::text(&bits.to_string())),
            warnings: live.warnings.map(|bits| Datum::text(&bits.to_string())),
            protections: live.protections.map(|bits| Datum::text(&bits.to_string())),
        }
    }
}

impl Pack {
    /// Creates a pack that was not read yet.
    pub(crate) fn new(name: &str, limit: Duration) -> Self {
        Self {
            name: printable(name).into_owned(),
            model: None,
            link: LinkState::Starting,
            missing: "not read yet",
            live: None,
            limit,
        }
    }

    /// Takes measurements.
    pub(crate) fn read(&mut self, live: Live, at: Instant) {
        (self.live, self.link) = (Some((Measured::from(&live), at)), LinkState::Up);
    }

    /// Takes the measurements of another program; without them, why there are none, in a word or two.
    #[cfg(feature = "watch")]
    pub(super) fn put(&mut self, live: Result<(Measured, Instant), &'static str>) {
        match live {
            Ok(live) => self.live = Some(live),
            Err(missing) => (self.live, self.missing) = (None, missing),
        }
    }

    /// Takes the reason why the pack could not be read. It then has no measurements.
    pub(crate) fn lose(&mut self, read: &PackSnapshot, since: Option<Timestamp>) {
        let Some(gap) = &read.lost else { return };
        self.missing = match gap.reason {
            _ if read.is_aggregate => "sums of a chain",
            Reason::Silent => "no answer",
            Reason::Refused | Reason::Unreadable => "not a pack",
            _ => "no port",
        };
        (self.live, self.link) = (None, LinkState::Down { why: reason(gap), since });
    }

    /// Returns the measurements.
    pub(crate) fn live(&self) -> Option<&Measured> {
        self.live.as_ref().map(|(live, _)| live)
    }

    /// Returns the measurements if they are fresh.
    pub(crate) fn fresh(&self, now: Instant) -> Option<&Measured> {
        let (live, at) = self.live.as_ref()?;
        (now.saturating_duration_since(*at) <= self.limit).then_some(live)
    }

    /// Returns the values that are shown in a line, in the order of [`COLUMNS`](Self::COLUMNS). A pack that was not read
    /// has none.
    pub(crate) fn cells(&self, now: Instant) -> [String; Self::COLUMNS.len()] {
        let unknown = || "–".to_owned();
        let Some(live) = self.live() else {
            let mut cells = std::array::from_fn(|_| unknown());
            if let Some(last) = cells.last_mut() {
                self.missing.clone_into(last);
            }
            return cells;
        };
        let text = |datum: &Option<Datum>| datum.as_ref().map_or_else(unknown, Datum::to_string);
        let cells = match (&live.lowest_cell, &live.highest_cell) {
            (Some(low), Some(high)) => {
                format!("{} – {high}", low.to_string().trim_end_matches(" V"))
            }
            _ => unknown(),
        };
        let state = if self.fresh(now).is_some() { state(live) } else { "old".to_owned() };
        [
            text(&live.state_of_charge),
            text(&live.voltage),
            text(&live.current),
            cells,
            text(&live.cell_spread),
            text(&live.temperature),
            state,
        ]
    }

    /// Names of the values of [`cells`](Self::cells).
    pub(crate) const COLUMNS: [&str; 7] =
        ["Charge", "Voltage", "Current", "Cells", "Spread", "Heat", "State"];
}

/// Returns what a pack says about itself.
fn state(live: &Measured) -> String {
    let bits = |name: &str, bits: &Option<Datum>| {
        let bits = bits.as_ref()?.to_string();
        (bits != "none").then(|| format!("{name}: {bits}"))
    };
    let parts = [
        bits("protects", &live.protections),
        bits("warns", &live.warnings),
        live.status.as_ref().map(Datum::to_string),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "–".to_owned() } else { parts.join("; ") }
}

/// Returns all packs in a few words, such as `3, 54.6 V, 76 to 77 %`; `None` without packs.
#[cfg(feature = "watch")]
pub(crate) fn packs_in_short(packs: &[Pack], now: Instant) -> Option<String> {
    let fresh: Vec<_> = packs.iter().filter_map(|pack| pack.fresh(now)).collect();
    let count = match (packs.len(), fresh.len()) {
        (0, _) => return None,
        (all, fresh) if all == fresh => all.to_string(),
        (all, fresh) => format!("{fresh} of {all}"),
    };
    let range = |value: fn(&Measured) -> Option<&Datum>| {
        let mut values: Vec<_> = fresh
            .iter()
            .filter_map(|live| match value(live)? {
                datum @ Datum::Number { number, .. } => Some((*number, datum.to_string())),
                Datum::Text(_) => None,
            })
            .collect();
        values.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        match values.as_slice() {
            [] => None,
            [(_, first), .., (_, last)] if first != last => {
                let unit = first.rfind(' ').map_or("", |at| &first[at..]);
                Some(format!("{} to {last}", first.trim_end_matches(unit)))
            }
            [(_, first), ..] => Some(first.clone()),
        }
    };
    let volts = range(|live| live.voltage.as_ref());
    let charge = range(|live| live.state_of_charge.as_ref());
    Some([Some(count), volts, charge].into_iter().flatten().collect::<Vec<_>>().join(", "))
}
