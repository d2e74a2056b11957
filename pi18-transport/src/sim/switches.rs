//! What can be made different about the virtual bank, by name: quirks, states, line faults, pacing.

mod error;
pub(super) mod groups;
mod table;
mod values;

use std::str::FromStr;

pub use self::error::SwitchError;
use self::groups::{BankSwitches, LineSwitches, Quirks, StateSwitches};
use super::unit::settings::Setting;

/// The switches of one unit, each as it was given or at its default.
///
/// Those that [`SwitchInfo::of_bank`] says belong to the whole bank can be given on any of its
/// units.
///
/// ```
/// use pi18_transport::sim::Switches;
///
/// let mut switches: Switches = "fault=83&lag=2s".parse()?;
/// switches.set("soc=80")?;
/// assert_eq!(
///     switches.set("lagg=2s").unwrap_err().to_string(),
///     "switch \"lagg\": expected a name from the list, perhaps \"lag\""
/// );
/// # Ok::<(), pi18_transport::sim::SwitchError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Switches {
    pub(super) quirks: Quirks,
    pub(super) state: StateSwitches,
    pub(super) settings: Vec<Setting>,
    pub(super) line: LineSwitches,
    pub(super) bank: BankSwitches,
}

/// What is known of a switch.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SwitchInfo {
    /// How it is called.
    pub name: &'static str,
    /// What its value looks like.
    pub value: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// Whether it is the whole bank's.
    pub of_bank: bool,
    pub(super) take: fn(&mut Switches, &str) -> Option<()>,
}

impl Switches {
    /// Sets the switch that `text` names: `lag=2s`.
    ///
    /// # Errors
    /// If there is no such switch, or its value is not of its form.
    pub fn set(&mut self, text: &str) -> Result<(), SwitchError> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let info = Self::LIST.iter().find(|info| info.name == name);
        let info = info.ok_or_else(|| SwitchError::unknown(name, similar(name)))?;
        (info.take)(self, value).ok_or_else(|| SwitchError::value(name, info.value, value))
    }
}

/// Switches joined by `&`, as an address has them; none if there is nothing.
impl FromStr for Switches {
    type Err = SwitchError;

    fn from_str(text: &str) -> Result<Self, SwitchError> {
        let mut switches = Self::default();
        let mut given = text.split('&').filter(|each| !each.is_empty());
        given.try_for_each(|each| switches.set(each)).map(|()| switches)
    }
}

/// Returns the switch whose name is closest to a misspelled one.
fn similar(name: &str) -> Option<&'static str> {
    let distance = |known: &str| strsim::damerau_levenshtein(known, name);
    let closest = Switches::LIST.iter().map(|info| info.name).min_by_key(|known| distance(known));
    closest.filter(|known| distance(known) <= MAX_DISTANCE)
}

/// Most edits between a name and the one that was perhaps meant.
const MAX_DISTANCE: usize = 2;
