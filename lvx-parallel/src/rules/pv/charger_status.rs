//! `charger-status`: no PV charger reports that it is abnormal.
//!
//! `GS` and `PGSn` have the status of each charger (MPPT): 0 abnormal, 1 normal but not charging, 2 charging. A unit
//! also shows 0 for an input that it does not have, and by night, with 0 V (captures). So only inputs that `PIRI`
//! counts are judged, on units that work without a fault, and only with a PV voltage of at least
//! `pv_voltage_start` in both readings.
//!
//! Whether a unit shows 0 while a charger waits for more light is not known. So the finding is a warning only in
//! daylight: another input of the bank produces `pv_power_producing`, or the clock of the unit is between
//! 10:00 and 15:00. Otherwise it is information.
//!
//! Source: PI18 2017 and 2022, "GS", "PGSn"; captures of `GS`.

use pi18_proto::ChargerStatus;

use super::input::PvInput;
use crate::{
    Finding, FindingKind, Severity, UnitSnapshot,
    advice::{ISOLATE, LIVE_TERMINALS},
    context::Context,
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "charger-status",
    "a PV charger reports that it is abnormal, with a PV voltage (pv_voltage_start)",
    "PI18 2017 and 2022, \"GS\": charger status 0; captures show 0 with 0 V by night and for a missing input",
    &[&ABNORMAL, &LITTLE_LIGHT],
    check,
);

static ABNORMAL: FindingKind = FindingKind::new(
    Severity::Warning,
    "the status of a charger is abnormal and its PV voltage at least pv_voltage_start, in both readings and in \
     daylight: another input produces pv_power_producing, or the clock shows 10:00 to 15:00",
    "the charger of this PV input does not work, so that its power is lost; a charger that has failed can overheat",
    &[
        "read the display of the unit: it may show a warning about this PV input",
        "check again in ten minutes; if the status is normal then, nothing else needs to be done",
        ISOLATE,
        LIVE_TERMINALS,
        "measure voltage, polarity and insulation of the string; if they are right, have the unit serviced",
    ],
);

static LITTLE_LIGHT: FindingKind = FindingKind::new(
    Severity::Info,
    "the status of a charger is abnormal and its PV voltage at least pv_voltage_start, in both readings, but nothing \
     shows that there is daylight",
    "a charger that waits for more light may report this status; in daylight it is a failure",
    &["check again at noon"],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let inputs: Vec<_> = context.measured.iter().flat_map(PvInput::existing).collect();
    let producing = context.thresholds().pv_power_producing;
    let is_daylight = inputs.iter().any(|input| input.lasts(|values| values.power >= producing));
    let abnormal: Vec<_> = inputs
        .iter()
        .filter(|input| input.should_run(context) && !input.is_reported(context))
        .filter(|input| input.lasts(|values| values.status == ChargerStatus::ABNORMAL))
        .collect();
    if abnormal.is_empty() {
        return Vec::new();
    }
    let values = abnormal.iter().map(|input| input.shown(input.now.voltage)).collect();
    let is_noon = || abnormal.iter().any(|input| shows_noon(input.unit.unit));
    let kind = if is_daylight || is_noon() { &ABNORMAL } else { &LITTLE_LIGHT };
    vec![RULE.report(kind, "a PV charger reports that it is abnormal", values)]
}

/// Returns whether the clock of a unit shows a time around noon, 10:00 to 15:00 (assumed: daylight all year).
fn shows_noon(unit: &UnitSnapshot) -> bool {
    unit.clock.value().is_some_and(|clock| (10..15).contains(&clock.time.hour()))
}

#[cfg(test)]
mod tests {
    use pi18_proto::{ChargerStatus, Count, Decivolts, GeneralStatus};

    use crate::{
        BankSnapshot, Severity, UnitSnapshot,
        rules::testing::{bank_of, findings, first_finding, measure},
    };

    const WARNING: [(&str, Severity); 1] = [("charger-status", Severity::Warning)];
    const INFO: [(&str, Severity); 1] = [("charger-status", Severity::Info)];

    /// Makes the second charger of a unit abnormal, without power.
    fn fail(units: &mut [UnitSnapshot], unit: usize) {
        measure(units, unit, |status| {
            status.mppt2_status = ChargerStatus::ABNORMAL;
            status.pv2_power.0 = 0;
        });
    }

    /// Returns the findings after the second charger of the last unit failed.
    fn failed(switches: &[&str]) -> Vec<(&'static str, Severity)> {
        let mut bank = bank_of(switches);
        let last = switches.len() - 1;
        fail(&mut bank.units, last);
        findings(&bank)
    }

    #[test]
    fn abnormal_charger_in_daylight_is_reported() {
        let mut bank = bank_of(&["sun=60", ""]);
        fail(&mut bank.units, 1);
        assert_eq!(findings(&bank), WARNING);
        let text = first_finding(&bank);
        assert!(
            text.starts_with("a PV charger reports that it is abnormal: sim:1 PV 2 3"),
            "{text}"
        );
        assert!(failed(&["sun=60&edition=2017", ""]).contains(&WARNING[0]));
        assert_eq!(failed(&["sun=60"]), WARNING);
        assert_eq!(failed(&["sun=60&rated=24"]), WARNING);
        // With a full battery and hardly any load, no input produces much.
        assert_eq!(failed(&["clock=2026-06-21T12:00:00&soc=100&load=100", ""]), WARNING);
    }

    #[test]
    fn abnormal_charger_in_little_light_is_information() {
        assert_eq!(failed(&["clock=2026-06-21T06:10:00&load=300&sun=3", ""]), INFO);
    }

    #[test]
    fn status_0_without_voltage_is_ignored() {
        let dark = |status: &mut GeneralStatus| {
            status.mppt1_status = ChargerStatus::ABNORMAL;
            status.mppt2_status = ChargerStatus::ABNORMAL;
        };
        let mut night = bank_of(&["sun=0&load=500&clock=2026-06-21T12:00:00", ""]);
        (0..2).for_each(|unit| measure(&mut night.units, unit, dark));
        assert_eq!(findings(&night), []);
        let mut bank = bank_of(&["sun=60"]);
        measure(&mut bank.units, 0, |status| {
            dark(status);
            (status.pv1_voltage, status.pv2_voltage) = (Decivolts(1499), Decivolts(0));
            (status.pv1_power.0, status.pv2_power.0) = (0, 0);
        });
        assert_eq!(findings(&bank), []);
    }

    #[test]
    fn input_that_unit_lacks_and_unit_that_does_not_work_are_ignored() {
        let with_strings = |strings| -> BankSnapshot {
            let mut bank = bank_of(&["sun=60", "sun=60"]);
            for unit in 0..2 {
                bank.units[unit].rated.value_mut().unwrap().mppt_strings = Count(strings);
                fail(&mut bank.units, unit);
            }
            bank
        };
        assert_eq!(findings(&with_strings(2)), WARNING);
        assert_eq!(findings(&with_strings(1)), []);
        assert_eq!(failed(&["sun=60", "fault=08"]), [("fault", Severity::Error)]);
        assert_eq!(failed(&["sun=60", "mode=01"]), [("mode", Severity::Info)]);
        assert_eq!(failed(&["sun=60", "warn=mppt2-overload"]), [("warning", Severity::Warning)]);
    }

    #[test]
    fn status_in_one_reading_is_ignored() {
        let mut bank = bank_of(&["sun=60", ""]);
        bank.units[1].status.value_mut().unwrap().mppt1_status = ChargerStatus::ABNORMAL;
        assert_eq!(findings(&bank), []);
    }
}
