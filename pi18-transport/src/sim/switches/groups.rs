//! The switches of a unit by what they change, each with its value or its default.

use std::time::Duration;

use jiff::civil;
use pi18_proto::{
    Amperes, Count, Deciamperes, Decivolts, Edition, FaultCode, Model, SerialNumber, Version,
    WorkingMode,
};

use crate::sim::unit::limits::{self, Rated};

/// How a unit of this make and age behaves.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Quirks {
    pub(crate) charging_lock: bool,
    pub(crate) redischarge_limits: bool,
    pub(crate) lag: Duration,
    pub(crate) pop_garbled: bool,
    pub(crate) pf_serial: bool,
    /// Bulk, float and cut-off.
    pub(crate) stored_voltages: Option<[Decivolts; 3]>,
    pub(crate) refuse: f64,
    pub(crate) ignore: f64,
    pub(crate) dialect: Dialects,
    pub(crate) edition: Edition,
    pub(crate) flags: u8,
    /// Where `MCHGCR` ends.
    pub(crate) charge_currents: Amperes,
    pub(crate) rated_current: Option<Deciamperes>,
    pub(crate) short_length: ShortLength,
    /// Queries that state a wrong length are refused.
    pub(crate) strict_length: bool,
    pub(crate) pi30: Pi30Answer,
    pub(crate) ignore_checksum: bool,
}

/// Which replies state a length that is one short.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum ShortLength {
    #[default]
    Off,
    /// That to `PIRI`.
    Piri,
    All,
}

/// How a unit answers a request of the older protocol PI30.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Pi30Answer {
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
pub(crate) enum Dialects {
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
pub(crate) struct StateSwitches {
    pub(crate) fault: Option<FaultCode>,
    pub(crate) mode: Option<WorkingMode>,
    pub(crate) warnings: Vec<&'static str>,
    pub(crate) main: Option<Version>,
    pub(crate) slave: Option<Version>,
    pub(crate) model: Option<Model>,
    pub(crate) serial: Option<SerialNumber>,
    pub(crate) instance: Option<Count>,
    pub(crate) rated: Rated,
    /// V
    pub(crate) battery_offset: f64,
    pub(crate) battery_off: bool,
}

/// What the line does, and what goes wrong on it. Chances are from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineSwitches {
    pub(crate) pace: Option<u32>,
    pub(crate) reports: bool,
    pub(crate) think: Duration,
    pub(crate) lose: f64,
    pub(crate) double: f64,
    pub(crate) flip: f64,
    pub(crate) junk: f64,
    pub(crate) late: f64,
    pub(crate) late_by: Duration,
    pub(crate) stale: f64,
    pub(crate) silent: f64,
    pub(crate) disconnect: Option<u64>,
    /// Several hosts at a time through the TCP bridge.
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

/// What all units share; the last unit that says something has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct BankSwitches {
    pub(crate) units: Option<usize>,
    pub(crate) frozen: Option<bool>,
    pub(crate) clock: Option<civil::DateTime>,
    pub(crate) seed: Option<u64>,
    /// 0 to 1
    pub(crate) soc: Option<f64>,
    /// Ah
    pub(crate) capacity: Option<f64>,
    /// W
    pub(crate) load: Option<f64>,
    /// 0 to 1
    pub(crate) sun: Option<f64>,
    pub(crate) grid: Option<bool>,
    /// 0 to 1
    pub(crate) gusts: Option<f64>,
}

impl BankSwitches {
    /// Takes over the switches that are set in `given`.
    pub(crate) fn update(&mut self, given: &Self) {
        *self = Self {
            units: given.units.or(self.units),
            frozen: given.frozen.or(self.frozen),
            clock: given.clock.or(self.clock),
            seed: given.seed.or(self.seed),
            soc: given.soc.or(self.soc),
            capacity: given.capacity.or(self.capacity),
            load: given.load.or(self.load),
            sun: given.sun.or(self.sun),
            grid: given.grid.or(self.grid),
            gusts: given.gusts.or(self.gusts),
        };
    }
}
