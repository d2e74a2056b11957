//! Values of several units, and whether they differ.

use std::fmt::Display;

use pi18_proto::{Decivolts, GeneralStatus};

use crate::{Observed, UnitSnapshot};

/// Returns a value of a unit, as it is shown in a finding.
pub(crate) fn observed(unit: &UnitSnapshot, value: impl Display) -> Observed {
    Observed::new(unit, value)
}

/// Returns each unit with its value. Units without the value are left out.
pub(crate) fn each<'a, T: Display>(
    units: &[&'a UnitSnapshot],
    value: impl Fn(&'a UnitSnapshot) -> Option<T>,
) -> Vec<Observed> {
    units.iter().filter_map(|unit| Some(observed(unit, value(unit)?))).collect()
}

/// Returns whether the units that have a value do not all have the same one.
pub(crate) fn differ<'a, T: PartialEq>(
    units: &[&'a UnitSnapshot],
    value: impl Fn(&'a UnitSnapshot) -> Option<T>,
) -> bool {
    let mut values = units.iter().filter_map(|unit| value(unit));
    values.next().is_some_and(|first| values.any(|other| other != first))
}

/// Returns whether a PV input has a voltage with which a charger can work.
pub(crate) fn has_pv_voltage(status: &GeneralStatus) -> bool {
    status.pv1_voltage.max(status.pv2_voltage) >= PV_PRESENT
}

/// The PV voltage from which a charger can work. At night, a string has a few volts (assumed).
const PV_PRESENT: Decivolts = Decivolts(600);
