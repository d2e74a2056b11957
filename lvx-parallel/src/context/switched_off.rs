//! Units that are switched off while others work.
//!
//! An owner may switch off one unit of a bank, in summer for example. It still answers while a battery, PV or
//! the grid supplies it: in standby mode, without output and without battery current. That is one piece of
//! information, which rule `mode` reports; its measurements are not compared with those of the others.

use pi18_proto::{Decivolts, GeneralStatus, WorkingMode};

use super::Context;
use crate::UnitSnapshot;

impl Context<'_> {
    /// Returns whether a unit is switched off while another one works: it is in standby mode, by its own
    /// `MOD` and `PGSn`, supplies nothing, and has no fault.
    ///
    /// A unit that measures no battery is not counted as switched off, because it may have failed.
    pub(crate) fn is_switched_off(&self, unit: &UnitSnapshot) -> bool {
        rests(unit) && self.fault_of(unit).is_none() && self.units.iter().any(|other| works(other))
    }
}

/// Returns whether a unit is in standby and supplies nothing. Without an answer to `GS` or any mode, nothing is
/// known.
fn rests(unit: &UnitSnapshot) -> bool {
    let supplies_nothing = |status: &GeneralStatus| {
        status.output_voltage < MIN_OUTPUT
            && status.active_power.0 == 0
            && status.charge_current.0 == 0
            && status.discharge_current.0 == 0
    };
    let mut modes = modes(unit);
    unit.status.value().is_some_and(|status| supplies_nothing(&status))
        && unit.lacks_battery().is_none()
        && modes.clone().next().is_some()
        && modes.all(|mode| mode == WorkingMode::STANDBY)
}

/// Returns whether a unit supplies loads or charges the battery.
fn works(unit: &UnitSnapshot) -> bool {
    modes(unit).any(|mode| {
        matches!(
            mode,
            WorkingMode::BYPASS | WorkingMode::BATTERY | WorkingMode::HYBRID | WorkingMode::CHARGE
        )
    })
}

/// Returns the mode of a unit as it reports it, in `MOD` and in its own `PGSn`.
fn modes(unit: &UnitSnapshot) -> impl Iterator<Item = WorkingMode> + Clone {
    let own = unit.own_status().map(|own| own.working_mode);
    unit.working_mode().into_iter().chain(own)
}

/// The output voltage below which a unit has no output (assumed).
const MIN_OUTPUT: Decivolts = Decivolts(500);

#[cfg(test)]
mod tests {
    use pi18_proto::{Amperes, Decivolts, FaultCode};

    use crate::{
        Severity,
        rules::testing::{bank_of, findings, measure},
    };

    const STANDBY: [(&str, Severity); 1] = [("mode", Severity::Info)];

    #[test]
    fn unit_that_is_switched_off_is_one_information() {
        for others in ["", "sun=0&load=1500", "grid=on&sun=5", "mode=06", "machine-type=1"] {
            for off in [0, 1] {
                let mut switches = [others, others];
                let off_switches = format!("{others}&mode=01");
                switches[off] = &off_switches;
                assert_eq!(findings(&bank_of(&switches)), STANDBY, "{switches:?}");
            }
        }
    }

    #[test]
    fn unit_that_is_switched_off_with_its_breakers_is_one_information() {
        let mut bank = bank_of(&["sun=30&load=200", "mode=01"]);
        measure(&mut bank.units, 1, |status| {
            (status.grid_voltage.0, status.grid_frequency.0) = (0, 0);
            status.battery_voltage.0 -= 5;
        });
        assert_eq!(findings(&bank), STANDBY);
    }

    #[test]
    fn unit_in_standby_that_works_or_has_a_fault_is_compared() {
        let bank = || bank_of(&["sun=30&load=200", "mode=01"]);
        let mut charging = bank();
        measure(&mut charging.units, 1, |status| status.charge_current = Amperes(2));
        assert!(findings(&charging).contains(&("mode-conflict", Severity::Warning)));
        let mut without_battery = bank();
        measure(&mut without_battery.units, 1, |status| status.battery_voltage = Decivolts(20));
        assert!(findings(&without_battery).contains(&("battery-voltage", Severity::Warning)));
        let mut stopped = bank();
        stopped.units[1].faults.value_mut().unwrap().fault = FaultCode(8);
        for unit in &mut stopped.units {
            unit.statuses[1].value_mut().unwrap().fault = FaultCode(8);
        }
        assert_eq!(findings(&stopped), [("fault", Severity::Error)]);
    }

    #[test]
    fn bank_that_is_switched_off_is_one_information() {
        assert_eq!(findings(&bank_of(&["mode=01", "mode=01"])), STANDBY);
        assert_eq!(findings(&bank_of(&["mode=01"])), STANDBY);
    }
}
