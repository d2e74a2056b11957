//! The values that a unit accepts: ranges that depend on the rated battery voltage, and lists of currents.
//!
//! They are declared independently of the limits on the side of the host, so that tests reveal differences.
//!
//! Source: PI18 2017 and 2022, "MCHGV", "BUCD", "PSDV"; the lists were observed on units.

use pi18_proto::{Amperes, BatteryType, Decivolts, Edition, OutputVoltage};

/// Rated battery voltage of a unit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum RatedVoltage {
    V12,
    V24,
    #[default]
    V48,
}

impl RatedVoltage {
    /// Returns the rated voltage.
    pub(crate) const fn voltage(self) -> Decivolts {
        match self {
            Self::V12 => Decivolts(120),
            Self::V24 => Decivolts(240),
            Self::V48 => Decivolts(480),
        }
    }

    /// Returns the ratio of the rated voltage to 48 V.
    pub(crate) fn scale(self) -> f64 {
        self.voltage().in_unit() / Self::V48.voltage().in_unit()
    }

    /// Converts a voltage of a 48 V unit, in steps of 0.1 V, to the corresponding voltage of this unit.
    pub(crate) const fn scaled(self, voltage: u16) -> Decivolts {
        Decivolts(voltage * (self.voltage().0 / 120) / 4)
    }

    /// Returns the rated power, VA and W. The value for 48 V is that of the LVX6048, the others are assumed.
    pub(crate) const fn power(self) -> u32 {
        match self {
            Self::V12 => 1000,
            Self::V24 => 2400,
            Self::V48 => 6000,
        }
    }

    /// Returns whether the unit accepts a bulk or float voltage. The sheets have no range for 12 V units.
    pub(crate) fn accepts_charge_voltage(self, voltage: Decivolts) -> bool {
        match self {
            Self::V12 => false,
            Self::V24 => (240..=292).contains(&voltage.0),
            Self::V48 => (480..=584).contains(&voltage.0),
        }
    }

    /// Returns whether the unit accepts a re-charge voltage.
    pub(crate) fn accepts_recharge(self, voltage: Decivolts) -> bool {
        match self {
            Self::V12 => [110, 113, 115, 118, 120, 123, 125, 128].contains(&voltage.0),
            Self::V24 => (220..=255).contains(&voltage.0) && voltage.0.is_multiple_of(5),
            Self::V48 => (440..=510).contains(&voltage.0) && voltage.0.is_multiple_of(10),
        }
    }

    /// Returns whether the unit accepts a re-discharge voltage, which may be 0.
    pub(crate) fn accepts_redischarge(self, voltage: Decivolts) -> bool {
        const V12: [u16; 11] = [120, 123, 125, 128, 130, 133, 135, 138, 140, 143, 145];
        voltage.0 == 0
            || match self {
                Self::V12 => V12.contains(&voltage.0),
                Self::V24 => (240..=290).contains(&voltage.0) && voltage.0.is_multiple_of(5),
                Self::V48 => (480..=580).contains(&voltage.0) && voltage.0.is_multiple_of(10),
            }
    }

    /// Returns whether the unit accepts a cut-off voltage. The sheets have no range for 12 V units.
    pub(crate) fn accepts_cutoff(self, voltage: Decivolts) -> bool {
        match self {
            Self::V12 => false,
            Self::V24 => (200..=240).contains(&voltage.0),
            Self::V48 => (400..=480).contains(&voltage.0),
        }
    }
}

/// Returns whether a unit accepts an AC output voltage. The virtual units are low-voltage models.
pub(crate) const fn accepts_output_voltage(voltage: OutputVoltage) -> bool {
    matches!(voltage, OutputVoltage::V110 | OutputVoltage::V120)
}

/// Returns whether a unit accepts a battery type. Soltaro, LIB and LIC are for other product lines.
pub(crate) fn accepts_battery_type(battery_type: BatteryType, edition: Edition) -> bool {
    match battery_type {
        BatteryType::AGM | BatteryType::FLOODED | BatteryType::USER => true,
        BatteryType::PYLONTECH | BatteryType::WECO => edition == Edition::Pi18_2022,
        _ => false,
    }
}

/// Returns the list in the reply to `MCHGCR`: the multiples of ten amperes up to `max`.
pub(crate) fn charge_currents(max: Amperes) -> Vec<Amperes> {
    (10..=max.0).step_by(10).map(Amperes).collect()
}

/// Highest current in the reply to `MCHGCR`, by default.
pub(crate) const MAX_CHARGE_CURRENT: Amperes = Amperes(80);

/// Highest charge current in the sheets and captures.
pub(crate) const LARGEST_CHARGE_CURRENT: u16 = 120;

/// The list in the reply to `MUCHGCR`.
pub(crate) const AC_CHARGE_CURRENTS: &[Amperes] = &[
    Amperes(2),
    Amperes(10),
    Amperes(20),
    Amperes(30),
    Amperes(40),
    Amperes(50),
    Amperes(60),
    Amperes(70),
    Amperes(80),
];
