//! `pv-string`: every PV input with a voltage supplies power when the bank can use it.
//!
//! In daylight, a string that has a voltage and supplies no power, while another input of the bank produces
//! substantially, is covered, or its charger or a connector has failed: a bad connector shows the full voltage
//! without load. The second reading, in the unit's own `PGSn`, must show the same.
//!
//! A charger is also idle if the unit cannot use its power. So an input is judged only on a unit that discharges the
//! battery, or whose charging has room: the battery does not limit the current itself (its type is AGM, flooded
//! or user), the current is below the limit, and the voltage is below float or, while the unit charges with
//! 10 A or more, below bulk, each by 0.5 V.
//!
//! Limits: `pv_voltage_start`, 150 V, `pv_power_idle`, 20 W, and `pv_power_producing`, 500 W (assumed: diffuse light
//! on another slope of the roof still gives more than 20 W while a string in the sun gives 500 W).

use pi18_proto::{Amperes, BatteryType, ChargerStatus, RatedInformation};

use super::input::PvInput;
use crate::{
    Finding, FindingKind, Severity,
    advice::{ISOLATE, LIVE_TERMINALS},
    context::{Context, Measured},
    rules::{
        BuiltIn,
        suppression::{Effect, is_suppressed},
    },
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "pv-string",
    "a PV input has a voltage and supplies no power while another one produces and its power is wanted \
     (pv_voltage_start, pv_power_idle, pv_power_producing)",
    "assumed: diffuse light gives a twentieth of what the sun gives",
    &[&IDLE],
    check,
);

static IDLE: FindingKind = FindingKind::new(
    Severity::Warning,
    "a PV input has pv_voltage_start or more and supplies pv_power_idle or less, while another input supplies \
     pv_power_producing or more, and the battery is discharged or can take more, in both readings",
    "the string is covered, or its charger, a fuse or a connector has failed; a bad connector heats up, arcs and can \
     set a roof on fire",
    &[
        "look from the ground whether shade, snow or dirt covers the panels: if so, wait until they are clear",
        "check again in half an hour; if the input supplies power then, nothing else needs to be done",
        ISOLATE,
        LIVE_TERMINALS,
        "check the connectors, fuses and insulation of the string; if they are right, have the charger of the unit \
         serviced",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let thresholds = context.thresholds();
    let inputs: Vec<_> = context.measured.iter().flat_map(PvInput::existing).collect();
    let is_producing = |input: &PvInput<'_, '_>| {
        input.lasts(|values| values.power >= thresholds.pv_power_producing)
    };
    if !inputs.iter().any(is_producing) {
        return Vec::new();
    }
    let is_abnormal = |input: &PvInput<'_, '_>| {
        input.lasts(|values| values.status == ChargerStatus::ABNORMAL)
            && is_suppressed(context, Effect::AbnormalCharger)
    };
    let values: Vec<_> = inputs
        .iter()
        .filter(|input| input.lasts(|values| values.power <= thresholds.pv_power_idle))
        .filter(|input| input.should_run(context) && wants_power(input.unit))
        .filter(|input| !is_abnormal(input) && !input.is_reported(context))
        .map(|input| input.shown(format_args!("{} {}", input.now.voltage, input.now.power)))
        .collect();
    if values.is_empty() {
        return Vec::new();
    }
    vec![RULE.report(&IDLE, "a PV input with a voltage supplies no power", values)]
}

/// Returns whether a unit could use more PV power.
fn wants_power(each: &Measured<'_>) -> bool {
    let discharges = each.lasts(|s| s.discharge_current.0 > 0, |s| s.discharge_current.0 > 0);
    let Some(rated) = each.unit.rated.value() else { return discharges };
    let limits_itself =
        ![BatteryType::AGM, BatteryType::FLOODED, BatteryType::USER].contains(&rated.battery_type);
    let charges = each.lasts(
        |s| has_room(&rated, s.battery_voltage.0, s.charge_current),
        |s| has_room(&rated, s.battery_voltage.0, s.charge_current),
    );
    discharges || (charges && !limits_itself && each.unit.lacks_battery().is_none())
}

/// Returns whether a battery with this voltage, in tenths of a volt, can take more than this current.
fn has_room(rated: &RatedInformation, voltage: u16, current: Amperes) -> bool {
    let is_below = |limit: u16| voltage.saturating_add(MARGIN) < limit;
    let is_limited = current.0.saturating_add(NEAR_LIMIT) >= rated.max_charge_current.0;
    let is_bulk = current.0 >= BULK_CURRENT && is_below(rated.bulk_voltage.0);
    !is_limited && (is_below(rated.float_voltage.0) || is_bulk)
}

/// Distance from bulk or float within which a unit may lower the current, in tenths of a volt (assumed).
const MARGIN: u16 = 5;
/// Distance from the largest charge current within which PV may be limited, in amperes (assumed).
const NEAR_LIMIT: u16 = 3;
/// Charge current, in amperes, that shows that a unit does not hold the float voltage (assumed).
const BULK_CURRENT: u16 = 10;

#[cfg(test)]
mod tests {
    use pi18_proto::{Amperes, BatteryType, ChargerStatus, Decivolts, Watts};

    use crate::{
        BankSnapshot, Severity, UnitSnapshot,
        rules::testing::{bank_of, findings, first_finding, measure},
    };

    const WARNING: [(&str, Severity); 1] = [("pv-string", Severity::Warning)];
    const CHARGING: &str = "sun=50&load=300&soc=40&capacity=1200";

    /// Lets the second input of a unit supply nothing, and its charger wait.
    fn idle(units: &mut [UnitSnapshot], unit: usize) {
        measure(units, unit, |status| {
            status.pv2_power = Watts(0);
            status.mppt2_status = ChargerStatus::IDLE;
        });
    }

    fn bank(switches: &str) -> BankSnapshot {
        let mut bank = bank_of(&[switches, switches]);
        for unit in 0..2 {
            measure(&mut bank.units, unit, |status| status.battery_voltage = Decivolts(528));
        }
        idle(&mut bank.units, 1);
        bank
    }

    /// Returns the findings about the string after a change of the unit with it.
    fn after(change: impl Fn(&mut pi18_proto::GeneralStatus)) -> Vec<(&'static str, Severity)> {
        let mut bank = bank(CHARGING);
        (0..2).for_each(|unit| measure(&mut bank.units, unit, &change));
        let found = findings(&bank).into_iter();
        found.filter(|(rule, _)| *rule == "pv-string").collect()
    }

    #[test]
    fn idle_string_beside_producing_one_is_reported() {
        let bank = bank(CHARGING);
        assert_eq!(findings(&bank), WARNING);
        let text = first_finding(&bank);
        assert!(
            text.starts_with("a PV input with a voltage supplies no power: sim:1 PV 2 3"),
            "{text}"
        );
        let mut single = bank_of(&[CHARGING]);
        idle(&mut single.units, 0);
        assert_eq!(findings(&single), WARNING);
        assert_eq!(after(|status| status.charge_current = Amperes(0)).len(), 1);
        assert_eq!(after(|status| status.pv2_power = Watts(20)).len(), 1);
    }

    #[test]
    fn string_of_unit_that_discharges_is_reported() {
        let mut bank = bank("sun=30&load=8000&grid=off");
        bank.units.iter_mut().for_each(|unit| {
            unit.rated.value_mut().unwrap().battery_type = BatteryType::PYLONTECH;
        });
        let found = findings(&bank);
        assert!(found.contains(&WARNING[0]), "{found:?}");
    }

    #[test]
    fn string_with_diffuse_light_or_without_panels_is_healthy() {
        assert_eq!(after(|status| status.pv2_power = Watts(21)), []);
        assert_eq!(after(|status| status.pv2_voltage = Decivolts(0)), []);
        assert_eq!(after(|status| status.pv2_voltage = Decivolts(1490)), []);
    }

    #[test]
    fn string_is_healthy_while_no_string_produces_much() {
        let dusk = |watts: u32| {
            let mut bank = bank_of(&[CHARGING, CHARGING]);
            for unit in 0..2 {
                measure(&mut bank.units, unit, |status| {
                    status.pv1_power = Watts(watts);
                    status.pv2_power = Watts(0);
                });
            }
            findings(&bank).iter().filter(|(rule, _)| *rule == "pv-string").count()
        };
        assert_eq!((dusk(499), dusk(500)), (0, 1));
    }

    #[test]
    fn string_whose_power_is_not_wanted_is_healthy() {
        let volts = |volts: u16, amperes: u16| {
            after(|status| {
                status.battery_voltage = Decivolts(volts);
                status.charge_current = Amperes(amperes);
            })
        };
        assert_eq!(volts(560, 40), [], "absorption");
        assert_eq!(volts(540, 2), [], "float");
        assert_eq!(volts(552, 0), [], "on the way to float");
        assert_eq!(volts(528, 58), [], "at the charge limit");
        assert_eq!(volts(552, 40).len(), 1, "bulk");
        let mut limited = bank(CHARGING);
        limited.units.iter_mut().for_each(|unit| {
            unit.rated.value_mut().unwrap().battery_type = BatteryType::PYLONTECH;
        });
        assert_eq!(findings(&limited), [], "a BMS may limit the current");
    }

    #[test]
    fn other_rules_report_cause() {
        let mut abnormal = bank(CHARGING);
        measure(&mut abnormal.units, 1, |status| status.mppt2_status = ChargerStatus::ABNORMAL);
        assert_eq!(findings(&abnormal), [("charger-status", Severity::Warning)]);
        let mut hot = bank_of(&[CHARGING, &format!("{CHARGING}&warn=over-temperature")]);
        idle(&mut hot.units, 1);
        assert_eq!(findings(&hot), [("warning", Severity::Warning)]);
    }

    #[test]
    fn charger_that_is_abnormal_in_one_reading_is_reported() {
        let mut bank = bank(CHARGING);
        bank.units[1].status.value_mut().unwrap().mppt2_status = ChargerStatus::ABNORMAL;
        assert_eq!(findings(&bank), WARNING);
    }

    #[test]
    fn power_in_one_reading_is_ignored() {
        let mut bank = bank_of(&[CHARGING, CHARGING]);
        bank.units[1].status.value_mut().unwrap().pv2_power = Watts(0);
        assert_eq!(findings(&bank), []);
    }
}
