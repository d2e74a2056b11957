//! The report of a run: how it ended, and which settings each unit has now.

use pi18_proto::SerialNumber;
use serde::{Deserialize, Serialize};

use super::{
    reason::{Cause, Reason},
    stray::StrayCause,
};

mod serialize;
mod setting;
mod text;

pub use setting::SettingReport;

/// How a run ended.
///
/// Only [`Applied`](Self::Applied) and [`NothingToDo`](Self::NothingToDo) mean that the units have the
/// new settings.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[must_use = "a run may have ended without doing what was planned"]
pub enum Ending {
    /// Every unit already had the new settings. Nothing was written.
    NothingToDo,
    /// A check before the first write failed. Nothing was written.
    Refused,
    /// Every unit has the new settings.
    Applied,
    /// Every unit has the old settings, apart from settings that another program or the unit itself changed.
    Undone,
    /// Neither the new nor the old settings are verified on all units, or a command may have reached another
    /// unit. See [`ApplyReport::units`] and [`ApplyReport::strays`].
    Mixed,
}

/// The report of a run: how it ended, and which settings each unit has now.
///
/// `Display` writes it for people, `Serialize` for programs.
///
/// ```
/// use std::io;
///
/// use lvx_settings::{
///     Apply, Ending, HostClock, Options, Permissions, Plan, Profile, Record, Recorder, Unit, Units, run,
/// };
/// use pi18_proto::DateTime;
/// use pi18_transport::Client;
///
/// /// Keeps the records in memory only. A real program needs a `Journal`, which survives a crash.
/// struct InMemory(Vec<Record>);
///
/// impl Recorder for InMemory {
///     fn begin(&mut self, _plan: &Plan, _units: &[Unit]) -> io::Result<()> {
///         Ok(())
///     }
///     fn record(&mut self, record: &Record, _at: Option<DateTime>) -> io::Result<()> {
///         self.0.push(record.clone());
///         Ok(())
///     }
/// }
///
/// let host = HostClock::system();
/// let mut client = Client::open("sim:0?frozen=on")?;
/// let units = vec![("sim:0".to_owned(), Unit::read(&mut client, &host)?)];
/// let profile = Profile::parse("night.yaml", "output_priority: solar_utility_battery\n")?;
/// let plan = Plan::for_profile(profile.profile(), units, &Permissions::default().with_part_of_bank())?;
///
/// let apply = Apply::new(plan, Options::default());
/// let report = run(apply, &mut Units::new(vec![client], host), &mut InMemory(Vec::new()));
/// assert_eq!(report.ending, Ending::Applied);
/// assert_eq!(report.to_string(), "\
/// applied and verified: 1 write
/// 96132206100410 (sim:0): new settings
/// ");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[must_use = "a run may have ended without doing what was planned"]
pub struct ApplyReport {
    /// How the run ended.
    pub ending: Ending,
    /// First failure, if there was one.
    pub why: Option<Reason>,
    /// Further failures, and steps that could not be undone.
    pub remarks: Vec<Reason>,
    /// Number of set commands that were sent.
    pub writes: u64,
    /// Whether all units show equal values for the twelve settings that must be equal
    /// ([`Setting::AGREEING`](crate::Setting::AGREEING)); `None` with a single unit, or if a unit could not be read.
    pub units_agree: Option<bool>,
    /// The units, in the order of the plan; empty if a check before the first write failed.
    pub units: Vec<UnitReport>,
    /// Set commands that may have reached another unit than intended.
    pub strays: Vec<StrayReport>,
}

/// A set command that may have reached another unit than the one it was meant for.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StrayReport {
    /// Address of the unit that the command was meant for.
    pub address: String,
    /// Serial number of the unit that the command was meant for.
    pub serial_number: SerialNumber,
    /// The command as it was sent.
    pub command: String,
    /// Why the command may have reached another unit.
    #[serde(flatten)]
    pub cause: StrayCause,
    /// Whether the old values of the unit that may have received the command were written back and verified.
    pub put_right: bool,
}

/// The settings of one unit after a run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UnitReport {
    /// Address of the unit.
    pub address: String,
    /// Serial number of the unit.
    pub serial_number: SerialNumber,
    /// State of the settings that the plan changes.
    pub state: SettingState,
    /// Reason why the unit could not be read at the end, if it could not.
    pub unread: Option<Cause>,
    /// The settings that the plan changes.
    pub settings: Vec<SettingReport>,
    /// Settings that another program or the unit itself changed during the run.
    ///
    /// These are settings that the plan does not change, and settings of the plan that have neither the old
    /// nor the new value although the run has nothing left to undo in them.
    pub changed_by_others: Vec<SettingReport>,
}

/// Whether a unit has its old or its new settings.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SettingState {
    /// The plan does not change the unit.
    Unchanged,
    /// All settings have their old values.
    Old,
    /// All settings have their new values.
    New,
    /// Some settings have their old values and some their new ones, or some have other values.
    Between,
    /// The unit could not be read at the end.
    Unknown,
}

impl ApplyReport {
    /// Returns the serial number of a unit that refused a write because it charges, or that would have refused
    /// it. A run with [`Options::wait_idle`](crate::Options::wait_idle) waits until it no longer charges.
    #[must_use]
    pub fn charging(&self) -> Option<SerialNumber> {
        self.why.iter().chain(&self.remarks).find_map(Reason::charging)
    }

    /// Returns the first deviation from the plan: a unit that could not be read, or a setting that does not
    /// have its planned value. Returns `None` if there is none.
    pub(super) fn not_as_planned(&self) -> Option<Reason> {
        self.units.iter().find_map(|report| {
            let unit = report.serial_number;
            if let Some(cause) = report.unread.clone() {
                return Some(Reason::LastReading { unit, cause });
            }
            let is_planned = matches!(report.state, SettingState::New | SettingState::Unchanged);
            let off = report.settings.iter().find(|setting| setting.now != setting.new);
            let changed = report.changed_by_others.first().or(off.filter(|_| !is_planned))?;
            Some(Reason::Changed { unit, setting: *changed })
        })
    }
}
