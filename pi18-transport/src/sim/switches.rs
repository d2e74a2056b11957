//! Switches: named options that change how the virtual bank behaves.
//!
//! [`table`] declares one switch per row. [`groups`] has the values of the switches: one type for the quirks
//! of a unit, its state, its line and the whole bank. [`values`] reads values from text.

mod error;
pub(super) mod groups;
mod table;
mod values;

use std::str::FromStr;

pub use self::error::SwitchError;
use self::groups::{BankSwitches, LineSwitches, Quirks, StateSwitches};
use super::unit::settings::Setting;

/// The switches of one unit: its quirks, state, settings and line, and those of the whole bank.
///
/// A switch is written `name=value`; several are joined with `&`, as in the address
/// `sim:1?fault=83&lag=2s`. [`LIST`](Self::LIST) is the table of all switches. A switch that is not given
/// has its default; `Switches::default()` is a healthy unit with the settings of a commissioned one.
///
/// A [bank-wide](SwitchInfo::bank_wide) switch may be given for any unit, and applies to the whole bank. If
/// it is given for several units, the value for the last unit applies. [`Bank::switch`](super::Bank::switch)
/// changes a switch while the bank runs.
///
/// ```
/// use pi18_transport::sim::{Bank, BankConfig, Switches};
///
/// let mut switches: Switches = "fault=83&lag=2s".parse()?;
/// switches.set("soc=80")?;
/// let mut bank = Bank::new(BankConfig { units: 2, switches: vec![switches] })?;
/// bank.switch(0, "fault=00")?;
///
/// let error = Switches::default().set("lagg=2s").unwrap_err();
/// assert_eq!(error.to_string(), "switch \"lagg\": expected a known switch, perhaps \"lag\"");
/// # Ok::<(), pi18_transport::sim::SwitchError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Switches {
    pub(super) quirks: Quirks,
    pub(super) state: StateSwitches,
    /// Settings that differ from the commissioned ones, in the order in which they were given.
    pub(super) settings: Vec<Setting>,
    pub(super) line: LineSwitches,
    pub(super) bank: BankSwitches,
}

/// One row of [`Switches::LIST`].
///
/// ```
/// use pi18_transport::sim::Switches;
///
/// let lag = Switches::LIST.iter().find(|info| info.name == "lag").unwrap();
/// assert_eq!(format!("{}={}", lag.name, lag.value), "lag=a time such as 2s");
/// assert!(!lag.bank_wide);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SwitchInfo {
    /// Name, the text before `=`.
    pub name: &'static str,
    /// Form of the value: the possible values, their range, or an example.
    pub value: &'static str,
    /// Effect and default, in one line.
    pub summary: &'static str,
    /// Whether the switch applies to the whole bank instead of one unit.
    pub bank_wide: bool,
    /// Function that reads a value and stores it; `None` if the value has the wrong form.
    pub(super) take: fn(&mut Switches, &str) -> Option<()>,
}

impl Switches {
    /// Sets one switch, such as `lag=2s`.
    ///
    /// # Errors
    /// If the switch does not exist, or its value has the wrong form.
    pub fn set(&mut self, text: &str) -> Result<(), SwitchError> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let info = Self::LIST.iter().find(|info| info.name == name);
        let info = info.ok_or_else(|| SwitchError::unknown(name, similar(name)))?;
        (info.take)(self, value).ok_or_else(|| SwitchError::value(name, info.value, value))
    }
}

/// Reads switches joined with `&`, as in an address. An empty text sets no switch.
impl FromStr for Switches {
    type Err = SwitchError;

    fn from_str(text: &str) -> Result<Self, SwitchError> {
        let mut switches = Self::default();
        let mut given = text.split('&').filter(|switch| !switch.is_empty());
        given.try_for_each(|switch| switches.set(switch)).map(|()| switches)
    }
}

/// Returns the switch whose name is closest to a misspelled one, `None` if no name is close.
fn similar(name: &str) -> Option<&'static str> {
    let distance = |known: &str| strsim::damerau_levenshtein(known, name);
    let closest = Switches::LIST.iter().map(|info| info.name).min_by_key(|known| distance(known));
    closest.filter(|known| distance(known) <= MAX_DISTANCE)
}

/// Largest number of edits between a misspelled name and the suggested one.
const MAX_DISTANCE: usize = 2;
