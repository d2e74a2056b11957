//! What can be made different about the virtual bank, by name: quirks, states, line faults, pacing.

use std::{fmt, str::FromStr, time::Duration};

use jiff::civil;
use pi18_proto::{
    Amperes, Count, Deciamperes, Decivolts, Edition, FaultCode, Model, SerialNumber, Version,
    WorkingMode,
};

use super::{
    limits::{self, Rated},
    settings::Setting,
};

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

/// How a unit of this make and age behaves.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(super) struct Quirks {
    pub(super) charging_lock: bool,
    pub(super) redischarge_limits: bool,
    pub(super) lag: Duration,
    pub(super) pop_garbled: bool,
    pub(super) pf_serial: bool,
    /// Bulk, float and cut-off.
    pub(super) stored_voltages: Option<[Decivolts; 3]>,
    pub(super) refuse: f64,
    pub(super) ignore: f64,
    pub(super) dialect: Dialects,
    pub(super) edition: Edition,
    pub(super) flags: u8,
    /// Where `MCHGCR` ends.
    pub(super) charge_currents: Amperes,
    pub(super) rated_current: Option<Deciamperes>,
    pub(super) short_length: ShortLength,
    /// Queries that state a wrong length are refused.
    pub(super) strict_length: bool,
    pub(super) pi30: Pi30Answer,
    pub(super) ignore_checksum: bool,
}

/// Which replies state a length that is one short.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum ShortLength {
    #[default]
    Off,
    /// That to `PIRI`.
    Piri,
    All,
}

/// How a unit answers a request of the older protocol PI30.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Pi30Answer {
    /// `(NAK`
    #[default]
    Nak,
    /// `^0`
    Refuse,
    /// `QPI` and `QID` with a PI30 reply, anything else with `(NAK`.
    Answer,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            charging_lock: true,
            redischarge_limits: true,
            lag: Duration::ZERO,
            pop_garbled: false,
            pf_serial: false,
            stored_voltages: None,
            refuse: 0.0,
            ignore: 0.0,
            dialect: Dialects::default(),
            edition: Edition::Pi18_2022,
            flags: 9,
            charge_currents: limits::MAX_CHARGE_CURRENT,
            rated_current: None,
            short_length: ShortLength::default(),
            strict_length: false,
            pi30: Pi30Answer::default(),
            ignore_checksum: false,
        }
    }
}

/// Which set commands a unit takes. Queries are answered without a checksum too.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Dialects {
    /// Those with a checksum.
    #[default]
    Checksum,
    /// Those without; a checksum is taken for data.
    NoChecksum,
    /// Both.
    Any,
}

/// What a unit is, and what holds it in a state.
#[derive(Clone, Debug, Default)]
pub(super) struct StateSwitches {
    pub(super) fault: Option<FaultCode>,
    pub(super) mode: Option<WorkingMode>,
    pub(super) warnings: Vec<&'static str>,
    pub(super) main: Option<Version>,
    pub(super) slave: Option<Version>,
    pub(super) model: Option<Model>,
    pub(super) serial: Option<SerialNumber>,
    pub(super) instance: Option<Count>,
    pub(super) rated: Rated,
    /// V
    pub(super) battery_offset: f64,
    pub(super) battery_off: bool,
}

/// What the line does, and what goes wrong on it. Chances are from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineSwitches {
    pub(super) pace: Option<u32>,
    pub(super) reports: bool,
    pub(super) think: Duration,
    pub(super) lose: f64,
    pub(super) double: f64,
    pub(super) flip: f64,
    pub(super) junk: f64,
    pub(super) late: f64,
    pub(super) late_by: Duration,
    pub(super) stale: f64,
    pub(super) silent: f64,
    pub(super) disconnect: Option<u64>,
    /// Several hosts at a time through the TCP bridge.
    pub(super) shared: bool,
}

impl Default for LineSwitches {
    fn default() -> Self {
        Self {
            pace: None,
            reports: false,
            think: Duration::ZERO,
            lose: 0.0,
            double: 0.0,
            flip: 0.0,
            junk: 0.0,
            late: 0.0,
            late_by: Duration::from_secs(3),
            stale: 0.0,
            silent: 0.0,
            disconnect: None,
            shared: false,
        }
    }
}

/// What all units share; the last unit that says something has it.
#[derive(Clone, Debug, Default)]
pub(super) struct BankSwitches {
    pub(super) units: Option<usize>,
    pub(super) frozen: Option<bool>,
    pub(super) clock: Option<civil::DateTime>,
    pub(super) seed: Option<u64>,
    /// 0 to 1
    pub(super) soc: Option<f64>,
    /// Ah
    pub(super) capacity: Option<f64>,
    /// W
    pub(super) load: Option<f64>,
    /// 0 to 1
    pub(super) sun: Option<f64>,
    pub(super) grid: Option<bool>,
    /// 0 to 1
    pub(super) gusts: Option<f64>,
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
        let info = info.ok_or_else(|| SwitchError::unknown(name))?;
        (info.take)(self, value).ok_or_else(|| SwitchError::value(info, value))
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

/// A switch that does not exist, or a value that it does not take.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SwitchError {
    name: String,
    wanted: String,
    found: Option<String>,
}

impl SwitchError {
    fn unknown(name: &str) -> Self {
        let near = Switches::LIST
            .iter()
            .map(|info| info.name)
            .min_by_key(|known| strsim::damerau_levenshtein(known, name));
        let near = near.filter(|known| strsim::damerau_levenshtein(known, name) <= NEAR);
        let wanted = match near {
            Some(near) => format!("a name from the list, perhaps {near:?}"),
            None => "a name from the list".to_owned(),
        };
        Self { name: name.to_owned(), wanted, found: None }
    }

    fn value(info: &SwitchInfo, found: &str) -> Self {
        Self::wrong(info.name, info.value, found)
    }

    pub(super) fn wrong(name: &str, wanted: impl Into<String>, found: impl Into<String>) -> Self {
        Self { name: name.to_owned(), wanted: wanted.into(), found: Some(found.into()) }
    }
}

impl fmt::Display for SwitchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "switch {:?}: expected {}", self.name, self.wanted)?;
        self.found.as_ref().map_or(Ok(()), |found| write!(f, ", found {found:?}"))
    }
}

impl std::error::Error for SwitchError {}

/// Most edits between a name and the one that was perhaps meant.
const NEAR: usize = 2;
