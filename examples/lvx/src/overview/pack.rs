//! One battery pack.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use lvx_parallel::{PackSnapshot, Reason, pack::Live};
use pi18_transport::printable;

use super::unit::{LinkState, reason};

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
    live: Option<(Live, Instant)>,
    /// Limit of age of the measurements.
    limit: Duration,
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
        (self.live, self.link) = (Some((live, at)), LinkState::Up);
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
    pub(crate) fn live(&self) -> Option<&Live> {
        self.live.as_ref().map(|(live, _)| live)
    }

    /// Returns the measurements if they are fresh.
    pub(crate) fn fresh(&self, now: Instant) -> Option<&Live> {
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
        let cells = match (live.lowest_cell(), live.highest_cell()) {
            (Some((_, low)), Some((_, high))) => {
                format!("{} – {high}", low.to_string().trim_end_matches(" V"))
            }
            _ => unknown(),
        };
        let spread = live.cell_spread().map(|spread| format!("{} mV", spread.0));
        let state = if self.fresh(now).is_some() { state(live) } else { "old".to_owned() };
        [
            live.state_of_charge.to_string(),
            live.voltage.to_string(),
            live.current.to_string(),
            cells,
            spread.unwrap_or_else(unknown),
            live.temperature_1.max(live.temperature_2).to_string(),
            state,
        ]
    }

    /// Names of the values of [`cells`](Self::cells).
    pub(crate) const COLUMNS: [&str; 7] =
        ["Charge", "Voltage", "Current", "Cells", "Spread", "Heat", "State"];
}

/// Returns what a pack says about itself.
fn state(live: &Live) -> String {
    let protections = live.protections.filter(|bits| !bits.is_empty());
    let warnings = live.warnings.filter(|bits| !bits.is_empty());
    let parts = [
        protections.map(|bits| format!("protects: {bits}")),
        warnings.map(|bits| format!("warns: {bits}")),
        live.status.map(|status| status.to_string()),
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
    let range = |values: Vec<String>| match values.as_slice() {
        [] => None,
        [first, .., last] if first != last => {
            let unit = first.rfind(' ').map_or("", |at| &first[at..]);
            Some(format!("{} to {last}", first.trim_end_matches(unit)))
        }
        [first, ..] => Some(first.clone()),
    };
    let mut volts: Vec<_> = fresh.iter().map(|live| live.voltage).collect();
    let mut charge: Vec<_> = fresh.iter().map(|live| live.state_of_charge).collect();
    volts.sort_unstable();
    charge.sort_unstable();
    let volts = range(volts.iter().map(ToString::to_string).collect());
    let charge = range(charge.iter().map(ToString::to_string).collect());
    Some([Some(count), volts, charge].into_iter().flatten().collect::<Vec<_>>().join(", "))
}
