//! `pv-voltage`: the PV voltages are below what the units allow.
//!
//! A PV voltage above the maximum destroys the charger, and it rises in the cold. A unit reports its maximum in
//! no answer: the product line in `GMN` has models with different ones. So the limits are thresholds, to be set
//! from the data sheet of the model. The voltage counts only if `GS` and the unit's own `PGSn` both show it. Inputs
//! about which the unit raises the warning "PV voltage high" are left out, because rule `warning` reports it.
//! Three-phase models are not judged: their maximum is about twice as high.
//!
//! Limits: `pv_voltage_high`, 430 V, and `pv_voltage_max`, 500 V. Source: user manuals of 48 V models of this maker
//! give a maximum of 450 V (5 kW) or 500 V (3.6 and 5.6 kW); that this holds for all units is assumed.

use pi18_proto::Decivolts;

use super::input::PvInput;
use crate::{
    Finding, FindingKind, Severity,
    advice::{ISOLATE, LIVE_TERMINALS},
    context::{Context, Measured},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "pv-voltage",
    "a PV voltage is near or above the maximum of the unit (pv_voltage_high, pv_voltage_max)",
    "user manuals of 48 V models: 450 V (5 kW) or 500 V (3.6 and 5.6 kW); assumed for other models",
    &[&ABOVE_MAX, &HIGH],
    check,
);

static ABOVE_MAX: FindingKind = FindingKind::new(
    Severity::Error,
    "a PV voltage is pv_voltage_max or more in both readings",
    "this voltage destroys the charger, and a charger that fails can burn; the voltage rises further on cold \
     mornings",
    &[ISOLATE, COMPARE, LIVE_TERMINALS, SHORTEN],
);

static HIGH: FindingKind = FindingKind::new(
    Severity::Warning,
    "a PV voltage is pv_voltage_high or more, or 95 % of pv_voltage_max or more, in both readings",
    "the voltage of a string rises without load and on cold mornings, by a tenth and more; above its maximum, the \
     charger is destroyed",
    &[COMPARE, ISOLATE, LIVE_TERMINALS, SHORTEN],
);

const COMPARE: &str = "compare the voltage (and a quarter more if PV power flows, because it rises without load) \
    with the maximum PV voltage in the data sheet of exactly this model: if it is below 95 % of that, set \
    pv_voltage_high and pv_voltage_max accordingly; otherwise go on";
const SHORTEN: &str = "measure the open-circuit voltage of the string, calculate it for the coldest morning, \
    and shorten the string: panels are live whenever there is light";

fn check(context: &Context<'_>) -> Vec<Finding> {
    let thresholds = context.thresholds();
    let max = thresholds.pv_voltage_max;
    let high = thresholds.pv_voltage_high.min(share_of(max, NEAR));
    // PV is connected to a unit that is switched off as well.
    let all: Vec<_> = context.units.iter().filter_map(|unit| Measured::of(unit)).collect();
    let inputs: Vec<_> = all
        .iter()
        .filter(|each| !each.unit.shows_first_phase_only())
        .flat_map(PvInput::of)
        .filter(|input| input.lasts(|values| values.voltage >= high.min(max)))
        .filter(|input| !input.warns_of_high_voltage(context))
        .collect();
    let (above, near): (Vec<_>, Vec<_>) =
        inputs.iter().partition(|input| input.lasts(|values| values.voltage >= max));
    let finding = |kind, inputs: Vec<&PvInput<'_, '_>>, what: String| {
        let values: Vec<_> = inputs.iter().map(|input| input.shown(input.now.voltage)).collect();
        (!values.is_empty()).then(|| RULE.report(kind, what, values))
    };
    let above = finding(&ABOVE_MAX, above, format!("PV voltage of {max} or more"));
    let near = finding(&HIGH, near, format!("PV voltage of {high} or more, near the maximum"));
    above.into_iter().chain(near).collect()
}

/// Returns a share of a voltage, in per cent.
fn share_of(voltage: Decivolts, percent: u16) -> Decivolts {
    let share = u32::from(voltage.0) * u32::from(percent) / 100;
    Decivolts(share.try_into().unwrap_or(u16::MAX))
}

/// Share of the maximum at which a voltage is near it, in per cent (assumed).
const NEAR: u16 = 95;

#[cfg(test)]
mod tests {
    use pi18_proto::Decivolts;

    use crate::{
        BankSnapshot, Checks, Severity,
        rules::testing::{bank_of, findings, findings_of, first_finding, measure},
    };

    const WARNING: [(&str, Severity); 1] = [("pv-voltage", Severity::Warning)];
    const ERROR: [(&str, Severity); 1] = [("pv-voltage", Severity::Error)];

    /// Returns a bank whose second unit has these voltages on its first input, in `GS` and in `PGS1`.
    fn with(switches: &str, now: u16, again: u16) -> BankSnapshot {
        let mut bank = bank_of(&[switches, switches]);
        bank.units[1].status.value_mut().unwrap().pv1_voltage = Decivolts(now);
        bank.units[1].statuses[1].value_mut().unwrap().pv1_voltage = Decivolts(again);
        bank
    }

    #[test]
    fn voltage_near_and_above_maximum_is_reported() {
        assert_eq!(findings(&with("", 4299, 4400)), []);
        assert_eq!(findings(&with("", 4400, 4299)), []);
        assert_eq!(findings(&with("", 4300, 4300)), WARNING);
        assert_eq!(findings(&with("", 5000, 4999)), WARNING);
        let bank = with("", 5000, 5000);
        assert_eq!(findings(&bank), ERROR);
        assert_eq!(first_finding(&bank), "PV voltage of 500.0 V or more: sim:1 PV 1 500.0 V");
    }

    #[test]
    fn each_input_and_each_unit_is_judged() {
        let mut bank = bank_of(&["", ""]);
        measure(&mut bank.units, 0, |status| status.pv2_voltage = Decivolts(4400));
        measure(&mut bank.units, 1, |status| status.pv2_voltage = Decivolts(5100));
        let both = [("pv-voltage", Severity::Error), ("pv-voltage", Severity::Warning)];
        assert_eq!(findings(&bank), both);
        let mut single = bank_of(&["rated=24"]);
        measure(&mut single.units, 0, |status| status.pv1_voltage = Decivolts(4400));
        assert_eq!(findings(&single), WARNING);
    }

    #[test]
    fn maximum_of_model_can_be_set() {
        let judge = |voltage, max: &str, high: &str| {
            let mut checks = Checks::default();
            checks.thresholds.set("pv_voltage_max", max).unwrap();
            checks.thresholds.set("pv_voltage_high", high).unwrap();
            findings_of(&checks, &with("", voltage, voltage))
        };
        assert_eq!(judge(4600, "500", "475"), []);
        assert_eq!(judge(4760, "500", "475"), WARNING);
        // All strings of the healthy bank have more than 250 V.
        assert_eq!(judge(3000, "250", "430"), ERROR);
        assert_eq!(judge(3400, "350", "430"), WARNING);
    }

    #[test]
    fn unit_that_warns_itself_is_reported_once() {
        let mut bank = with("", 5100, 5100);
        bank.units[1].faults.value_mut().unwrap().pv1_voltage_high = pi18_proto::Warning::RAISED;
        assert_eq!(findings(&bank), [("warning", Severity::Error)]);
        let checks = Checks::default().skip(["warning"]).unwrap();
        assert_eq!(findings_of(&checks, &bank), ERROR);
    }

    #[test]
    fn other_warnings_of_unit_do_not_hide_voltage() {
        let mut bank = with("", 5100, 5100);
        let faults = bank.units[1].faults.value_mut().unwrap();
        faults.fan_locked = pi18_proto::Warning::RAISED;
        faults.mppt1_overload = pi18_proto::Warning::RAISED;
        faults.pv2_voltage_high = pi18_proto::Warning::RAISED;
        assert!(findings(&bank).contains(&ERROR[0]), "{:?}", findings(&bank));
    }

    #[test]
    fn unit_that_is_switched_off_is_judged_and_three_phases_are_not() {
        let mut bank = bank_of(&["", "mode=01"]);
        measure(&mut bank.units, 1, |status| status.pv1_voltage = Decivolts(5100));
        assert!(findings(&bank).contains(&ERROR[0]));
        let three_phases = findings(&with("model=03", 7500, 7500));
        assert!(three_phases.iter().all(|(rule, _)| *rule != "pv-voltage"), "{three_phases:?}");
    }
}
