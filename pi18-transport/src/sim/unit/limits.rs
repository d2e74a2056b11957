//! Which values a unit takes: tables by rated battery voltage, and the lists it shows.
//!
//! Source: PI18 2017 and 2022, "MCHGV", "BUCD", "PSDV"; the lists as observed.

use pi18_proto::{Amperes, BatteryType, Decivolts, Edition, OutputVoltage};

/// What the battery terminals are made for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Rated {
    V12,
    V24,
    #[default]
    V48,
}

impl Rated {
    pub(crate) const fn voltage(self) -> Decivolts {
        match self {
            Self::V12 => Decivolts(120),
            Self::V24 => Decivolts(240),
            Self::V48 => Decivolts(480),
        }
    }

    /// How much of a 48 V unit's voltage it has.
    pub(crate) fn scale(self) -> f64 {
        self.voltage().in_unit() / Self::V48.voltage().in_unit()
    }

    /// The voltage that takes the place of one on a 48 V unit.
    pub(crate) const fn scaled(self, voltage: u16) -> Decivolts {
        Decivolts(voltage * (self.voltage().0 / 120) / 4)
    }

    /// VA, and W as well. 6000 is the LVX6048's; the others are assumed.
    pub(crate) const fn power(self) -> u32 {
        match self {
            Self::V12 => 1000,
            Self::V24 => 2400,
            Self::V48 => 6000,
        }
    }

    /// Bulk or float. The sheets have no range for 12 V units.
    pub(crate) fn takes_charge_voltage(self, voltage: Decivolts) -> bool {
        match self {
            Self::V12 => false,
            Self::V24 => (240..=292).contains(&voltage.0),
            Self::V48 => (480..=584).contains(&voltage.0),
        }
    }

    pub(crate) fn takes_recharge(self, voltage: Decivolts) -> bool {
        match self {
            Self::V12 => [110, 113, 115, 118, 120, 123, 125, 128].contains(&voltage.0),
            Self::V24 => (220..=255).contains(&voltage.0) && voltage.0.is_multiple_of(5),
            Self::V48 => (440..=510).contains(&voltage.0) && voltage.0.is_multiple_of(10),
        }
    }

    pub(crate) fn takes_redischarge(self, voltage: Decivolts) -> bool {
        const V12: [u16; 11] = [120, 123, 125, 128, 130, 133, 135, 138, 140, 143, 145];
        voltage.0 == 0
            || match self {
                Self::V12 => V12.contains(&voltage.0),
                Self::V24 => (240..=290).contains(&voltage.0) && voltage.0.is_multiple_of(5),
                Self::V48 => (480..=580).contains(&voltage.0) && voltage.0.is_multiple_of(10),
            }
    }

    /// The sheets have no range for 12 V units.
    pub(crate) fn takes_cutoff(self, voltage: Decivolts) -> bool {
        match self {
            Self::V12 => false,
            Self::V24 => (200..=240).contains(&voltage.0),
            Self::V48 => (400..=480).contains(&voltage.0),
        }
    }
}

/// The virtual units are low-voltage ones.
pub(crate) const fn takes_output_voltage(voltage: OutputVoltage) -> bool {
    matches!(voltage, OutputVoltage::V110 | OutputVoltage::V120)
}

/// Soltaro, LIB and LIC are for other product lines.
pub(crate) fn takes_battery_type(battery_type: BatteryType, edition: Edition) -> bool {
    match battery_type {
        BatteryType::AGM | BatteryType::FLOODED | BatteryType::USER => true,
        BatteryType::PYLONTECH | BatteryType::WECO => edition == Edition::Pi18_2022,
        _ => false,
    }
}

/// `MCHGCR`: every ten amperes up to `max`.
pub(crate) fn charge_currents(max: Amperes) -> Vec<Amperes> {
    (10..=max.0).step_by(10).map(Amperes).collect()
}

/// Where that list ends unless a switch says otherwise.
pub(crate) const MAX_CHARGE_CURRENT: Amperes = Amperes(80);

/// The sheets and captures know no greater one.
pub(crate) const LARGEST_CHARGE_CURRENT: u16 = 120;

/// `MUCHGCR`
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
