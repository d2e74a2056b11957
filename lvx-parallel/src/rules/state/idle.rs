//! `idle-unit`: no unit idles while the others deliver or charge.
//!
//! Units that share an output carry equal shares of the load, and of the battery current that it needs. If one
//! carries nothing while another one carries much, its breaker is open, or a cable or a control signal is missing,
//! and the others are overloaded sooner. Each value must be seen in both readings, `GS` and the unit's own `PGSn`.
//!
//! A unit may idle for good reason, so only these cases are reported:
//!
//! - **Output**: all compared units are in battery mode; or all are in hybrid mode without PV power, because PV
//!   power of one unit may supply all loads through the grid terminals.
//! - **Discharge**: the idle unit supplies more power than its PV does, and the voltage is not near re-charge or
//!   re-discharge voltage, where the units change between battery and grid one after another.
//! - **Charge from the grid**: no compared unit has PV power, the idle unit measures the grid, and the voltage is
//!   at least 0.5 V below float.
//!
//! Units on different phases are not compared, nor are units that are switched off (rule `mode`) or have a fault.
//! Charging from PV is judged by rule `pv-string`.
//!
//! Limits: `idle_power`, 50 W, `busy_power`, 750 W, and `busy_current`, 15 A (assumed: sharing is accurate above a
//! tenth of the rated power).

use pi18_proto::{Decivolts, WorkingMode};

use crate::{
    Finding, FindingKind, Severity,
    advice::LIVE_TERMINALS,
    context::{Context, Measured, OutputGroup, difference},
    rules::{
        BuiltIn,
        suppression::{Effect, is_suppressed},
    },
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "idle-unit",
    "a unit idles while another one on the same output delivers or charges (idle_power, busy_power, busy_current)",
    "assumed: units in parallel share load and battery current equally above a tenth of the rated power",
    &[&NO_OUTPUT, &NO_DISCHARGE, &NO_CHARGE],
    check,
);

static NO_OUTPUT: FindingKind = FindingKind::new(
    Severity::Warning,
    "a unit supplies idle_power or less while another one on the same output supplies busy_power or more, both in \
     battery mode, or both in hybrid mode without PV power, in both readings",
    "the others carry its share of the load, so that they are overloaded and stop sooner",
    &[
        "look whether the output breaker of the idle unit is on, and whether its display shows that the output is on; \
         if a breaker is off, leave it off until it is known why",
        "compare the AC input voltages and the settings",
        LIVE_TERMINALS,
        "check its output wires and breaker, its current sharing cables and its parallel communication cables",
    ],
);

static NO_DISCHARGE: FindingKind = FindingKind::new(
    Severity::Warning,
    "a unit takes no current from the battery while another one on the same output takes busy_current or more, and \
     it supplies at least 300 W more than its PV power, in both readings",
    "the others carry its share of the battery current; its battery breaker may be open, or its current sensor wrong",
    BATTERY_ADVICE,
);

static NO_CHARGE: FindingKind = FindingKind::new(
    Severity::Warning,
    "a unit does not charge while another one on the same output charges from the grid with busy_current or more, \
     and the battery is at least 0.5 V below float, in both readings",
    "the battery is charged with less current than it could be; the unit's battery or AC input breaker may be open",
    BATTERY_ADVICE,
);

const BATTERY_ADVICE: &[&str] = &[
    "look whether the battery breaker and the AC input breaker of the idle unit are on; if one is off, leave it off \
     until it is known why",
    "compare battery voltages and battery settings",
    LIVE_TERMINALS,
    "check its battery fuse, cables and lugs with insulated tools: a battery can deliver thousands of amperes into a \
     short circuit",
];

fn check(context: &Context<'_>) -> Vec<Finding> {
    let is_judged = |each: &Measured<'_>| {
        context.fault_of(each.unit).is_none()
            && each.unit.lacks_battery().is_none()
            && !each.unit.shows_first_phase_only()
    };
    let groups = context.output_groups().into_iter().map(|group| group.only(is_judged));
    groups.filter_map(|group| finding(context, &group)).collect()
}

/// Returns the first of the three findings that applies: the cause of one of them explains the next.
fn finding(context: &Context<'_>, group: &OutputGroup<'_, '_>) -> Option<Finding> {
    let place = group.place();
    let units = &group.units;
    let thresholds = context.thresholds();
    let (idle, busy) = (thresholds.idle_power, thresholds.busy_power);
    let shares_output = |each: &Measured<'_>| {
        has_mode(each, WorkingMode::BATTERY)
            || (units
                .iter()
                .all(|other| has_mode(other, WorkingMode::HYBRID) && is_dark(context, other)))
    };
    let output = Share {
        compared: &|each| shares_output(each),
        busy: &|each| each.lasts(|s| s.active_power >= busy, |s| s.active_power >= busy),
        idle: &|each| each.lasts(|s| s.active_power <= idle, |s| s.active_power <= idle),
    };
    if output.is_unequal(units) {
        let values = units.iter().map(|each| each.value(each.status.active_power)).collect();
        let what = format!("a unit supplies nothing{place} while another one does");
        return Some(RULE.report(&NO_OUTPUT, what, values));
    }
    let busy = thresholds.busy_current;
    let has_no_current = |each: &Measured<'_>| {
        each.lasts(
            |s| s.charge_current.0 == 0 && s.discharge_current.0 == 0,
            |s| s.charge_current.0 == 0 && s.discharge_current.0 == 0,
        )
    };
    let discharge = Share {
        compared: &|each| is_on_battery(each),
        busy: &|each| each.lasts(|s| s.discharge_current >= busy, |s| s.discharge_current >= busy),
        idle: &|each| has_no_current(each) && needs_battery(each),
    };
    if discharge.is_unequal(units) && !is_suppressed(context, Effect::IdleDischarge) {
        let values = units.iter().map(|each| each.value(each.status.discharge_current)).collect();
        let what = format!("a unit takes nothing from the battery{place} while another one does");
        return Some(RULE.report(&NO_DISCHARGE, what, values));
    }
    let charge = Share {
        compared: &|each| is_dark(context, each) && has_room(each),
        busy: &|each| each.lasts(|s| s.charge_current >= busy, |s| s.charge_current >= busy),
        idle: &|each| has_no_current(each) && each.status.grid_voltage > MIN_GRID,
    };
    let is_dark_for_all = units.iter().all(|each| is_dark(context, each));
    let is_explained = is_suppressed(context, Effect::IdleCharge);
    if is_dark_for_all && charge.is_unequal(units) && !is_explained {
        let values = units.iter().map(|each| each.value(each.status.charge_current)).collect();
        let what = format!("a unit does not charge{place} while another one does");
        return Some(RULE.report(&NO_CHARGE, what, values));
    }
    None
}

/// A share of load or current that units should carry equally.
struct Share<'f> {
    /// Returns whether a unit should carry its share now.
    compared: &'f dyn Fn(&Measured<'_>) -> bool,
    /// Returns whether a unit carries much.
    busy: &'f dyn Fn(&Measured<'_>) -> bool,
    /// Returns whether a unit carries nothing.
    idle: &'f dyn Fn(&Measured<'_>) -> bool,
}

impl Share<'_> {
    /// Returns whether one of the units carries nothing and another one much.
    fn is_unequal(&self, units: &[&Measured<'_>]) -> bool {
        let has = |is: &dyn Fn(&Measured<'_>) -> bool| {
            units.iter().any(|each| (self.compared)(each) && is(each))
        };
        has(self.busy) && has(self.idle)
    }
}

fn has_mode(each: &Measured<'_>, mode: WorkingMode) -> bool {
    each.unit.working_mode() == Some(mode)
        && each.again.is_none_or(|again| again.working_mode == mode)
}

/// Returns whether a unit has no PV power.
fn is_dark(context: &Context<'_>, each: &Measured<'_>) -> bool {
    let max = context.thresholds().pv_power_idle;
    each.lasts(
        |s| s.pv1_power <= max && s.pv2_power <= max,
        |s| s.pv1_power <= max && s.pv2_power <= max,
    ) && !each.unit.has_unseen_string()
}

/// Returns whether a unit may discharge the battery: it does not, or no longer, change between battery and grid.
fn is_on_battery(each: &Measured<'_>) -> bool {
    let Some(rated) = each.unit.rated.value() else { return false };
    let voltage = each.status.battery_voltage;
    let is_near = |limit: Decivolts| difference(voltage, limit) <= MARGIN;
    (has_mode(each, WorkingMode::BATTERY) || has_mode(each, WorkingMode::HYBRID))
        && voltage > rated.recharge_voltage
        && !is_near(rated.recharge_voltage)
        && !is_near(rated.redischarge_voltage)
}

/// Returns whether a unit supplies clearly more than its PV power.
fn needs_battery(each: &Measured<'_>) -> bool {
    let exceeds = |output: u32, pv: [u32; 2]| {
        let pv = pv.into_iter().fold(MIN_NEED, u32::saturating_add);
        output >= pv
    };
    !each.unit.has_unseen_string()
        && each.lasts(
            |s| exceeds(s.active_power.0, [s.pv1_power.0, s.pv2_power.0]),
            |s| exceeds(s.active_power.0, [s.pv1_power.0, s.pv2_power.0]),
        )
}

/// Returns whether the battery can take more current: its voltage is below float.
fn has_room(each: &Measured<'_>) -> bool {
    let Some(rated) = each.unit.rated.value() else { return false };
    let is_below =
        |voltage: Decivolts| i64::from(voltage.0) + MARGIN <= i64::from(rated.float_voltage.0);
    each.lasts(|s| is_below(s.battery_voltage), |s| is_below(s.battery_voltage))
}

/// Voltage below which the grid is off (assumed).
const MIN_GRID: Decivolts = Decivolts(500);
/// Distance from float, re-charge and re-discharge voltage within which units may act differently, in tenths of a
/// volt (assumed).
const MARGIN: i64 = 5;
/// Power from the battery, in watts, that shows as at least 5 A at 48 V (assumed).
const MIN_NEED: u32 = 300;

#[cfg(test)]
mod tests {
    use pi18_proto::{Amperes, Decivolts, GeneralStatus, VoltAmperes, Watts};

    use crate::{
        BankSnapshot, Severity,
        rules::testing::{bank_of, findings, first_finding, measure},
    };

    const WARNING: [(&str, Severity); 1] = [("idle-unit", Severity::Warning)];
    const OFF_GRID: &str = "sun=0&load=3000&grid=off&soc=60&capacity=600";
    const NIGHT: &str = "sun=0&load=3000&soc=60&capacity=600";

    /// Lets a unit supply nothing and take nothing from the battery.
    fn no_output(status: &mut GeneralStatus) {
        status.active_power = Watts(0);
        status.apparent_power = VoltAmperes(0);
        status.load_percent.0 = 0;
        no_current(status);
    }

    fn no_current(status: &mut GeneralStatus) {
        (status.charge_current, status.discharge_current) = (Amperes(0), Amperes(0));
    }

    fn bank(switches: &[&str], change: impl Fn(&mut GeneralStatus)) -> BankSnapshot {
        let mut bank = bank_of(switches);
        let last = switches.len() - 1;
        measure(&mut bank.units, last, change);
        bank
    }

    /// Returns the findings of this rule.
    fn found(
        switches: &[&str],
        change: impl Fn(&mut GeneralStatus),
    ) -> Vec<(&'static str, Severity)> {
        let found = findings(&bank(switches, change)).into_iter();
        found.filter(|(rule, _)| *rule == "idle-unit").collect()
    }

    #[test]
    fn unit_without_output_beside_busy_one_is_reported() {
        let bank = bank(&[NIGHT, NIGHT], no_output);
        assert_eq!(findings(&bank), WARNING);
        let text = first_finding(&bank);
        assert!(
            text.starts_with("a unit supplies nothing while another one does: sim:0 1"),
            "{text}"
        );
        assert_eq!(found(&[OFF_GRID, OFF_GRID], no_output), WARNING);
        assert_eq!(found(&[OFF_GRID, OFF_GRID, OFF_GRID], no_output), WARNING);
        let at_most =
            |watts| found(&[OFF_GRID, OFF_GRID], |status| status.active_power = Watts(watts));
        assert_eq!((at_most(50), at_most(51)), (WARNING.to_vec(), Vec::new()));
    }

    #[test]
    fn unit_without_output_voltage_is_reported() {
        let dead = |status: &mut GeneralStatus| {
            no_output(status);
            status.output_voltage = Decivolts(0);
            status.output_frequency.0 = 0;
        };
        assert_eq!(found(&[OFF_GRID, OFF_GRID], dead), WARNING);
    }

    #[test]
    fn unit_on_another_phase_or_with_little_load_may_idle() {
        let phases = |mode| format!("{OFF_GRID}&output-mode={mode}");
        assert_eq!(found(&[&phases(5), &phases(6)], no_output), []);
        assert_eq!(found(&[&phases(5), &phases(6), &phases(6)], no_output), WARNING);
        let little = OFF_GRID.replace("3000", "1200");
        assert_eq!(found(&[&little, &little], no_output), []);
        assert_eq!(found(&[OFF_GRID], no_output), []);
    }

    #[test]
    fn unit_beside_one_with_pv_power_on_grid_may_idle() {
        let day = "sun=40&load=4000&machine-type=1";
        let idle = |status: &mut GeneralStatus| {
            no_output(status);
            (status.pv1_power, status.pv2_power) = (Watts(0), Watts(0));
            (status.pv1_voltage, status.pv2_voltage) = (Decivolts(0), Decivolts(0));
        };
        assert_eq!(found(&[day, day], idle), []);
    }

    #[test]
    fn unit_that_takes_nothing_from_battery_is_reported() {
        let bank = bank(&[NIGHT, NIGHT], no_current);
        assert_eq!(findings(&bank), WARNING);
        let text = first_finding(&bank);
        let start = "a unit takes nothing from the battery while another one does: sim:0 ";
        assert!(text.starts_with(start), "{text}");
    }

    #[test]
    fn unit_with_enough_pv_power_takes_nothing_from_battery() {
        let with_pv = |watts| {
            found(&[OFF_GRID, OFF_GRID], |status| {
                no_current(status);
                status.pv1_power = Watts(watts);
            })
        };
        // It supplies about 1500 W.
        assert_eq!(with_pv(1400), []);
        assert_eq!(with_pv(1000), WARNING);
    }

    #[test]
    fn unit_may_change_to_grid_before_others() {
        for volts in [480, 483, 485, 537, 544] {
            let mut bank = bank_of(&[NIGHT, NIGHT]);
            measure(&mut bank.units, 0, |status| status.battery_voltage = Decivolts(volts));
            measure(&mut bank.units, 1, |status| {
                no_current(status);
                status.battery_voltage = Decivolts(volts);
            });
            let found: Vec<_> =
                findings(&bank).into_iter().filter(|each| *each == WARNING[0]).collect();
            assert_eq!(found, [], "{volts}");
        }
    }

    #[test]
    fn unit_that_does_not_charge_from_grid_is_reported() {
        let charging = |volts| {
            let mut bank = bank_of(&["sun=0&load=200&soc=40"; 2]);
            for unit in 0..2 {
                measure(&mut bank.units, unit, |status| {
                    status.charge_current = Amperes(if unit == 0 { 30 } else { 0 });
                    status.discharge_current = Amperes(0);
                    status.battery_voltage = Decivolts(volts);
                });
            }
            bank
        };
        assert_eq!(findings(&charging(535)), WARNING);
        let start = "a unit does not charge while another one does: sim:0 30 A, sim:1 0 A";
        assert_eq!(first_finding(&charging(535)), start);
        assert_eq!(findings(&charging(536)), [], "near float");
        let mut with_pv = charging(530);
        measure(&mut with_pv.units, 0, |status| status.pv1_power = Watts(1700));
        assert_eq!(findings(&with_pv), [], "charged from PV");
        let mut other = charging(530);
        other.units[0].rated.value_mut().unwrap().max_ac_charge_current = Amperes(0);
        assert!(findings(&other).iter().all(|(rule, _)| *rule == "settings"));
    }

    #[test]
    fn idle_in_one_reading_and_other_causes_are_not_reported() {
        let mut bank = bank_of(&[NIGHT, NIGHT]);
        no_current(bank.units[1].status.value_mut().unwrap());
        assert_eq!(findings(&bank), []);
        assert_eq!(found(&[NIGHT, &format!("{NIGHT}&fault=07")], no_output), []);
        assert_eq!(found(&[NIGHT, &format!("{NIGHT}&mode=01")], no_output), []);
        assert_eq!(found(&[NIGHT, &format!("{NIGHT}&battery=off")], no_output), []);
    }

    #[test]
    fn different_maximum_charge_currents_do_not_explain_idle_battery() {
        let with = |switch: &str| found(&[NIGHT, &format!("{NIGHT}&{switch}")], no_current);
        assert_eq!(with("max-charge=50"), WARNING);
        assert_eq!(with("max-ac-charge=20"), WARNING);
        assert_eq!(with("recharge=47.0"), []);
    }
}
