//! The values of the switches: quirks of a unit, its state, its line, and the whole bank.

use std::time::Duration;

use jiff::{SignedDuration, civil};
use pi18_proto::{
    Amperes, Count, Deciamperes, Decivolts, Edition, FaultCode, Model, SerialNumber, Version,
    WorkingMode,
};

use crate::sim::{
    physics::bms::BmsSwitch,
    unit::limits::{self, RatedVoltage},
};

/// Behaviour that differs between units by model and firmware; chances are from 0 to 1.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate switch")]
pub(crate) struct Quirks {
    /// Whether `MCHGC` is refused while the unit charges.
    pub(crate) charging_lock: bool,
    /// Whether `BUCD` is refused with a re-discharge voltage of 0 or above the float voltage.
    pub(crate) redischarge_limits: bool,
    /// Time until `PIRI` shows a changed setting.
    pub(crate) lag: Duration,
    /// Whether the reply to an accepted `POP` is damaged.
    pub(crate) pop_garbled: bool,
    /// Whether `PF` changes the serial number.
    pub(crate) pf_serial: bool,
    /// Bulk, float and cut-off voltages that the battery type user restores.
    pub(crate) stored_voltages: Option<[Decivolts; 3]>,
    /// Chance that a set command is refused.
    pub(crate) refuse: f64,
    /// Chance that a set command is accepted without effect.
    pub(crate) ignore: f64,
    pub(crate) dialect: Dialects,
    pub(crate) edition: Edition,
    /// Number of fields in `FLAG`.
    pub(crate) flags: u8,
    /// Highest current in `MCHGCR`.
    pub(crate) charge_currents: Amperes,
    /// Rated current in `PIRI`; `None` if it is computed from power and voltage.
    pub(crate) rated_current: Option<Deciamperes>,
    pub(crate) short_length: ShortLength,
    /// Whether queries with a wrong stated length are refused.
    pub(crate) strict_length: bool,
    pub(crate) pi30: Pi30Answer,
    /// Whether requests with a wrong checksum are answered.
    pub(crate) ignore_checksum: bool,
}

/// Replies whose stated length is one too small.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum ShortLength {
    /// No reply.
    #[default]
    Off,
    /// The reply to `PIRI`.
    Piri,
    /// All replies.
    All,
}

/// Answer to a request of the older protocol PI30.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Pi30Answer {
    /// `(NAK`, as from a unit that does not understand the request.
    #[default]
    Nak,
    /// `^0`, as for a refused request of PI18.
    Refuse,
    /// A PI30 reply to `QPI` and `QID`, `(NAK` to anything else.
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

/// Forms of set commands that a unit accepts. Queries are answered with and without a checksum.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Dialects {
    /// Only set commands with a checksum.
    #[default]
    Checksum,
    /// Only set commands without a checksum: a checksum would count as data.
    NoChecksum,
    /// Both forms.
    Any,
}

/// Identity of a unit, and states that it keeps until the switch changes.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate switch")]
pub(crate) struct StateSwitches {
    pub(crate) fault: Option<FaultCode>,
    pub(crate) mode: Option<WorkingMode>,
    /// Warnings, as names of fields of `FWS`.
    pub(crate) warnings: Vec<&'static str>,
    /// Firmware version of the main processor.
    pub(crate) main: Option<Version>,
    /// Firmware version of the slave processor.
    pub(crate) slave: Option<Version>,
    pub(crate) model: Option<Model>,
    pub(crate) serial: Option<SerialNumber>,
    pub(crate) instance: Option<Count>,
    pub(crate) rated: RatedVoltage,
    /// Error of the voltmeter for the battery, V.
    pub(crate) battery_offset: f64,
    /// Whether the battery cable is disconnected.
    pub(crate) battery_off: bool,
    /// Resistance of the battery cable, ohms.
    pub(crate) cable: Option<f64>,
    /// Efficiency of the inverter, 0 to 1.
    pub(crate) efficiency: Option<f64>,
    /// Power that the running unit uses itself, W.
    pub(crate) standby_use: Option<f64>,
    /// Share of the load relative to the other units.
    pub(crate) share: Option<f64>,
    /// Power that circulates between the unit and the others, VA.
    pub(crate) circulating: f64,
    /// Error of the AC output voltage, V.
    pub(crate) output_offset: f64,
    /// Error of the estimated state of charge, 0 to 1.
    pub(crate) soc_error: f64,
    /// Difference between the unit's clock and the bank's at the start.
    pub(crate) clock_offset: SignedDuration,
    /// Seconds that the unit's clock gains in a day.
    pub(crate) clock_drift: i32,
    /// Whether the unit's power switch is off.
    pub(crate) power_off: bool,
    /// Whether the fan is locked.
    pub(crate) fan_off: bool,
    /// Share of the light that is kept off the first string of panels, 0 to 1.
    pub(crate) shade1: f64,
    /// The same of the second string.
    pub(crate) shade2: f64,
    /// Whether the charger of the first string is abnormal.
    pub(crate) mppt1_abnormal: bool,
    /// The same of the second string.
    pub(crate) mppt2_abnormal: bool,
}

/// Timing and faults of the line to a unit; chances are from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineSwitches {
    /// Speed in baud; `None` if bytes take no time.
    pub(crate) pace: Option<u32>,
    /// Whether replies arrive in USB HID reports.
    pub(crate) reports: bool,
    /// Time between a request and its reply.
    pub(crate) think: Duration,
    /// Chance, for each byte of a reply, that it is lost.
    pub(crate) lose: f64,
    /// Chance, for each byte of a reply, that it arrives twice.
    pub(crate) double: f64,
    /// Chance, for each byte of a reply, that bits in it and the next byte are flipped.
    pub(crate) flip: f64,
    /// Chance of random bytes before or after a reply.
    pub(crate) junk: f64,
    /// Chance that a reply is delayed by `late_by`.
    pub(crate) late: f64,
    pub(crate) late_by: Duration,
    /// Chance that the previous reply is sent again after a reply.
    pub(crate) stale: f64,
    /// Chance that a request does not reach the unit.
    pub(crate) silent: f64,
    /// Number of exchanges after which the link is disconnected.
    pub(crate) disconnect: Option<u64>,
    /// Whether the TCP bridge serves several hosts at the same time.
    pub(crate) shared: bool,
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

/// The source at the AC input of all units.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Grid {
    Off,
    On,
    Generator,
}

/// Switches of the whole bank; `None` for a switch that is not given.
#[derive(Clone, Debug, Default)]
pub(crate) struct BankSwitches {
    pub(crate) units: Option<usize>,
    pub(crate) frozen: Option<bool>,
    pub(crate) clock: Option<civil::DateTime>,
    pub(crate) seed: Option<u64>,
    /// State of charge, 0 to 1.
    pub(crate) soc: Option<f64>,
    /// Capacity of the battery, Ah.
    pub(crate) capacity: Option<f64>,
    pub(crate) bms: Option<BmsSwitch>,
    /// Power that the house uses, W; `None` if it depends on the time of day.
    pub(crate) load: Option<f64>,
    /// Share of the sun that reaches the panels, 0 to 1.
    pub(crate) sun: Option<f64>,
    pub(crate) grid: Option<Grid>,
    /// Power factor of the house; `None` if it follows the load.
    pub(crate) power_factor: Option<f64>,
    /// How many times faster sun, house, battery and clocks run than the line.
    pub(crate) speed: Option<u32>,
    /// Temperature of the air, °C.
    pub(crate) ambient: Option<f64>,
    /// Largest random reduction of sun and load, 0 to 1.
    pub(crate) gusts: Option<f64>,
}

impl BankSwitches {
    /// Replaces each switch that `given` has.
    pub(crate) fn update(&mut self, given: &Self) {
        *self = Self {
            units: given.units.or(self.units),
            frozen: given.frozen.or(self.frozen),
            clock: given.clock.or(self.clock),
            seed: given.seed.or(self.seed),
            soc: given.soc.or(self.soc),
            capacity: given.capacity.or(self.capacity),
            bms: given.bms.or(self.bms),
            load: given.load.or(self.load),
            sun: given.sun.or(self.sun),
            grid: given.grid.or(self.grid),
            power_factor: given.power_factor.or(self.power_factor),
            speed: given.speed.or(self.speed),
            ambient: given.ambient.or(self.ambient),
            gusts: given.gusts.or(self.gusts),
        };
    }
}
