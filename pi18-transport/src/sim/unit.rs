//! One unit of the bank.

pub(super) mod extras;
pub(super) mod limits;
pub(super) mod settings;

use std::time::Duration;

use jiff::{SignedDuration, civil};
use pi18_proto::{
    Count, Edition, FaultCode, FirmwareVersions, LoadConnection, Reply, SerialNumber,
    SettingsState, WorkingMode,
};

use self::{extras::Extras, settings::Settings};
use super::{
    physics::{day, energy::Energy, flow::Flow},
    switches::{Switches, groups::StateSwitches},
};

/// One unit of the bank.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) index: usize,
    pub(super) switches: Switches,
    pub(super) settings: Settings,
    /// Settings that `PIRI` does not show yet, and when it does; the last is the present one.
    pub(super) unseen: Vec<(Duration, Settings)>,
    /// What `PIRI` shows.
    pub(super) seen: Settings,
    pub(super) extras: Extras,
    pub(super) serial: Option<SerialNumber>,
    pub(super) load: LoadConnection,
    pub(super) changed: SettingsState,
    /// How far its clock is from the bank's.
    pub(super) clock_offset: SignedDuration,
    pub(super) energy: Energy,
    pub(super) stage: Stage,
    pub(super) mode: WorkingMode,
    /// What the sun offers, W.
    pub(super) offered: f64,
    pub(super) flow: Flow,
    /// V at its terminals, before its voltmeter's error.
    pub(super) volts: f64,
    pub(super) sets: SetCounts,
}

/// What a unit remembers of its battery's way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stage {
    /// Bulk is done: charge to the float voltage only.
    pub(super) floating: bool,
    /// Was at the re-charge voltage, and spares the battery up to the re-discharge voltage.
    pub(super) saving: bool,
    /// Was at the cut-off voltage.
    pub(super) empty: bool,
}

/// Numbers of set commands that a unit has received and accepted, as [`Bank::sets`] returns them.
///
/// [`Bank::sets`]: super::Bank::sets
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SetCounts {
    /// Set commands that arrived without damage, accepted or not.
    pub received: u64,
    /// Set commands that the unit accepted with `^1`.
    pub accepted: u64,
}

impl Unit {
    /// A unit at the bank's start; full panels would have given `morning` Wh by then.
    pub(super) fn new(
        index: usize,
        switches: Switches,
        alone: bool,
        start: civil::DateTime,
        morning: f64,
    ) -> Self {
        let rated = switches.state.rated;
        let mut settings = Settings::commissioned(rated, alone);
        for setting in &switches.settings {
            settings.put(*setting);
        }
        let morning = morning * day::panel_factor(index) * MORNING_USE;
        Self {
            index,
            settings,
            unseen: Vec::new(),
            seen: settings,
            extras: Extras::commissioned(),
            serial: switches
                .state
                .serial
                .or_else(|| SerialNumber::new(&format!("{}", FIRST_SERIAL + index))),
            load: LoadConnection::CONNECTED,
            changed: SettingsState::UNCHANGED,
            clock_offset: SignedDuration::ZERO,
            energy: Energy::new(index, start, morning),
            stage: Stage::default(),
            mode: WorkingMode::STANDBY,
            offered: 0.0,
            flow: Flow::default(),
            volts: 0.0,
            sets: SetCounts::default(),
            switches,
        }
    }

    /// Whether the unit follows the edition of 2022.
    pub(super) fn follows_2022(&self) -> bool {
        self.switches.quirks.edition == Edition::Pi18_2022
    }

    pub(super) fn instance(&self) -> Count {
        let own = Count(self.index.try_into().unwrap_or_default());
        self.switches.state.instance.unwrap_or(own)
    }

    pub(super) fn fault(&self) -> FaultCode {
        self.switches.state.fault.unwrap_or(FaultCode::NONE)
    }

    pub(super) fn versions(&self) -> Option<FirmwareVersions> {
        let usual: &[u8] = match self.index {
            0 => b"06306,06126,00000",
            _ => b"06306,06021,00000",
        };
        let usual = FirmwareVersions::decode(usual).ok()?;
        let StateSwitches { main, slave, .. } = self.switches.state;
        Some(FirmwareVersions {
            main: main.unwrap_or(usual.main),
            slave1: slave.unwrap_or(usual.slave1),
            ..usual
        })
    }

    /// What `PIRI` shows by `now`.
    pub(super) fn shown(&self, now: Duration) -> Settings {
        let due = self.unseen.iter().rev().find(|(due, _)| *due <= now);
        due.map_or(self.seen, |(_, settings)| *settings)
    }

    /// Has these settings from now on, and shows them at once.
    pub(super) fn restart(&mut self, settings: Settings) {
        self.settings = settings;
        self.seen = settings;
        self.unseen.clear();
    }

    /// Notes that the settings were changed.
    pub(super) fn settings_changed(&mut self, now: Duration) {
        self.seen = self.shown(now);
        self.unseen.retain(|(due, _)| *due > now);
        self.unseen.push((now + self.switches.quirks.lag, self.settings));
        self.changed = SettingsState::CHANGED;
    }
}

/// How much of the morning's sun was taken.
const MORNING_USE: f64 = 0.7;

/// The serial number of the first unit; the others count on.
const FIRST_SERIAL: usize = 96_132_206_100_410;
