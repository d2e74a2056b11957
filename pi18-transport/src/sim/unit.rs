//! One unit: its identity, settings and counters, and its mode and powers in the present step.

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
    calendar,
    physics::{
        day,
        energy::Energy,
        flow::Flow,
        heat::{self, Heat},
        panels::PvString,
        protection::Protection,
        stage::Stage,
    },
    switches::{Switches, groups::StateSwitches},
};

/// One unit of the bank.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// Place in the bank, from 0.
    pub(super) index: usize,
    pub(super) switches: Switches,
    /// Settings in effect.
    pub(super) settings: Settings,
    /// Changed settings that `PIRI` does not show yet, each with the time from which `PIRI` shows them. The
    /// last entry equals `settings`.
    pub(super) pending: Vec<(Duration, Settings)>,
    /// Settings that `PIRI` showed when the last change was made.
    pub(super) shown_before: Settings,
    pub(super) extras: Extras,
    /// Serial number; a unit without one refuses `ID`.
    pub(super) serial: Option<SerialNumber>,
    /// State of the output, which `LON` switches on and off.
    pub(super) load: LoadConnection,
    /// Whether a setting has changed, as `GS` shows it.
    pub(super) settings_state: SettingsState,
    /// Difference between the unit's clock and the bank's, without the drift since the start.
    pub(super) clock_offset: SignedDuration,
    /// Energy that the unit has generated.
    pub(super) energy: Energy,
    pub(super) stage: Stage,
    pub(super) protection: Protection,
    /// Reactive power in the present step, var.
    pub(super) reactive: f64,
    /// Apparent power that circulates between the unit and the others in the present step, VA.
    pub(super) circulating: f64,
    /// State of charge that the unit estimates, 0 to 1, without the error of the switch.
    pub(super) estimate: f64,
    /// Temperatures at the present time.
    pub(super) heat: Heat,
    /// Fault of parallel operation that stops the unit because another one has it.
    pub(super) parallel_fault: FaultCode,
    /// Mode in the present step.
    pub(super) mode: WorkingMode,
    pub(super) strings: [PvString; 2],
    /// Power that the panels can supply, W.
    pub(super) pv_available: f64,
    /// Powers in the present step.
    pub(super) flow: Flow,
    /// Whether the unit has no source for its load in the present step.
    pub(super) unsupplied: bool,
    /// Voltage at the terminals without the error of the unit's voltmeter, V.
    pub(super) volts: f64,
    /// Current into the battery, A; negative while it is discharged.
    pub(super) current: f64,
    /// Power lost in the battery cable, W.
    pub(super) cable_loss: f64,
    pub(super) sets: SetCounts,
}

/// Counts of the set commands that a unit has received and accepted.
///
/// ```
/// use std::time::Duration;
///
/// use pi18_proto::{Dialect, SetCommand};
/// use pi18_transport::sim::{Bank, BankConfig};
///
/// let mut bank = Bank::new(BankConfig::default())?;
/// for command in ["PSP1", "V2300"] {
///     let frame = command.parse::<SetCommand>()?.to_frame(Dialect::Checksum);
///     bank.send(0, &frame, Duration::ZERO);
/// }
/// // The virtual units are low-voltage models, which refuse 230 V.
/// assert_eq!((bank.set_counts(0).received, bank.set_counts(0).accepted), (2, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SetCounts {
    /// Set commands that arrived undamaged, accepted or not.
    pub received: u64,
    /// Set commands that the unit accepted with `^1`.
    pub accepted: u64,
}

impl Unit {
    /// Creates a unit in its state at the bank's start. `is_single` means that the bank has no other unit;
    /// `available` is the energy that the panels could have supplied since midnight, Wh.
    pub(super) fn new(
        index: usize,
        switches: Switches,
        is_single: bool,
        start: civil::DateTime,
        available: f64,
    ) -> Self {
        let rated = switches.state.rated;
        let mut settings = Settings::commissioned(rated, is_single);
        for setting in &switches.settings {
            settings.put(*setting);
        }
        let generated = available * day::panel_factor(index) * SHARE_USED;
        Self {
            index,
            settings,
            pending: Vec::new(),
            shown_before: settings,
            extras: Extras::commissioned(),
            serial: switches
                .state
                .serial
                .or_else(|| SerialNumber::new(&format!("{}", FIRST_SERIAL + index))),
            load: LoadConnection::CONNECTED,
            settings_state: SettingsState::UNCHANGED,
            clock_offset: switches.state.clock_offset,
            energy: Energy::new(index, start, generated),
            stage: Stage::default(),
            reactive: 0.0,
            circulating: 0.0,
            estimate: 0.0,
            heat: Heat::default(),
            protection: Protection::default(),
            parallel_fault: FaultCode::NONE,
            mode: WorkingMode::STANDBY,
            strings: <[PvString; 2]>::default(),
            pv_available: 0.0,
            flow: Flow::default(),
            unsupplied: false,
            volts: 0.0,
            current: 0.0,
            cable_loss: 0.0,
            sets: SetCounts::default(),
            switches,
        }
    }

    /// Returns whether the unit follows the edition of 2022.
    pub(super) fn follows_2022(&self) -> bool {
        self.switches.quirks.edition == Edition::Pi18_2022
    }

    /// Returns the instance number, by which other units and hosts address the unit in its bank.
    pub(super) fn instance(&self) -> Count {
        let index = Count(self.index.try_into().unwrap_or_default());
        self.switches.state.instance.unwrap_or(index)
    }

    /// Returns the battery voltage with the error of the unit's voltmeter, V.
    pub(super) fn measured_volts(&self) -> f64 {
        let deviation = [0.0, 0.04, -0.04].get(self.index % 3).copied().unwrap_or_default();
        self.volts + deviation + self.switches.state.battery_offset
    }

    /// Returns the fault: the unit's own one, otherwise one of parallel operation that stops the bank.
    pub(super) fn fault(&self) -> FaultCode {
        let own = self.own_fault();
        if own.is_fault() || self.switches.state.power_off { own } else { self.parallel_fault }
    }

    /// Returns the fault without those that the unit has because of another unit.
    pub(super) fn own_fault(&self) -> FaultCode {
        if self.switches.state.power_off {
            return FaultCode::NONE;
        }
        self.switches.state.fault.unwrap_or_else(|| {
            if self.heat.tripped { heat::FAULT } else { self.protection.fault() }
        })
    }

    /// Returns the date and time on the unit's clock when that of the bank is `at`, after `running` since the
    /// bank's start.
    pub(super) fn clock(&self, at: civil::DateTime, running: Duration) -> civil::DateTime {
        calendar::shifted(at, self.clock_offset + self.drift(running))
    }

    /// Sets the unit's clock to `to` when that of the bank is `at`.
    pub(super) fn set_clock(
        &mut self,
        to: civil::DateTime,
        at: civil::DateTime,
        running: Duration,
    ) {
        self.clock_offset = to.duration_since(at) - self.drift(running);
    }

    /// Returns the time that the clock has gained since the bank's start.
    fn drift(&self, running: Duration) -> SignedDuration {
        const DAY: i64 = 24 * 3600;
        let milliseconds = i64::try_from(running.as_millis()).unwrap_or(i64::MAX);
        let gained = milliseconds.saturating_mul(self.switches.state.clock_drift.into()) / DAY;
        SignedDuration::from_millis(gained)
    }

    /// Returns the reply to `VFW`.
    pub(super) fn versions(&self) -> Option<FirmwareVersions> {
        let default: &[u8] = match self.index {
            0 => b"06306,06126,00000",
            _ => b"06306,06021,00000",
        };
        let mut versions = FirmwareVersions::decode(default).ok()?;
        let StateSwitches { main, slave, .. } = self.switches.state;
        versions.main = main.unwrap_or(versions.main);
        versions.slave1 = slave.unwrap_or(versions.slave1);
        Some(versions)
    }

    /// Returns the settings that `PIRI` shows at `now`.
    pub(super) fn shown(&self, now: Duration) -> Settings {
        let due = self.pending.iter().rev().find(|(due, _)| *due <= now);
        due.map_or(self.shown_before, |(_, settings)| *settings)
    }

    /// Replaces the settings. `PIRI` shows them at once, without the lag.
    pub(super) fn replace_settings(&mut self, settings: Settings) {
        self.settings = settings;
        self.shown_before = settings;
        self.pending.clear();
    }

    /// Records that the settings have changed, which `PIRI` shows after the lag.
    pub(super) fn record_change(&mut self, now: Duration) {
        self.shown_before = self.shown(now);
        self.pending.retain(|(due, _)| *due > now);
        self.pending.push((now + self.switches.quirks.lag, self.settings));
        self.settings_state = SettingsState::CHANGED;
    }
}

/// Share of the energy available before the start that the unit has used.
const SHARE_USED: f64 = 0.7;

/// Serial number of the first unit; the other units count up from it.
const FIRST_SERIAL: usize = 96_132_206_100_410;
