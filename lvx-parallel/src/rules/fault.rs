//! No unit stands with a fault. What each fault means stands in `explained`.

use pi18_proto::{FaultCode, GeneralStatus};

use super::{Rule, further_settings, main_firmware, output_mode};
use crate::{
    Finding, Severity, UnitSnapshot,
    advice::{Advice, fault as advice_for},
    context::{Context, ReportedFault, each, observed},
    finding::Observed,
};

pub(crate) static RULE: Rule = Rule::new(
    "fault",
    "a fault is active, by a unit's own word or where that is missing by another's",
    "PI18 2017 and 2022, \"FWS\" and \"PGSn\", table of faults; causes in the order in which they were met",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut faults: Vec<_> = context.faults().collect();
    faults.sort_by_key(|fault| fault.0);
    faults.dedup();
    faults.retain(|&fault| !is_told_by_its_cause(context, fault));
    faults.into_iter().map(|fault| finding(context, fault)).collect()
}

/// The rule that found the cause names the fault.
fn is_told_by_its_cause(context: &Context<'_>, fault: FaultCode) -> bool {
    match fault {
        FaultCode::PARALLEL_FIRMWARE => main_firmware::is_found(context),
        FaultCode::PARALLEL_OUTPUT_SETTINGS => {
            further_settings::output_differs(context) || output_mode::is_found(context)
        }
        _ => false,
    }
}

fn finding(context: &Context<'_>, fault: FaultCode) -> Finding {
    let standing: Vec<_> =
        context.units.iter().copied().filter(|unit| unit.fault() == Some(fault)).collect();
    let what = format!("fault {fault}");
    let Advice { why, steps } = advice_for(fault);
    let mut values = evidence(context, &standing, fault);
    values.extend(
        context.reported_faults.iter().filter(|reported| reported.fault == fault).map(reporter),
    );
    let mut finding = RULE.finding(Severity::Error, what, values, why).advise(steps);
    // The most telling of causes comes first.
    if fault == FaultCode::PARALLEL_BATTERY_VOLTAGE {
        let without = each(&context.units, UnitSnapshot::lacks_battery);
        for Observed { unit, value } in without {
            let first = format!(
                "{unit} measures {value}: no battery is connected to it, or its breaker or BMS is off"
            );
            finding.advice.insert(0, first);
        }
    }
    finding
}

/// Whose word it is that a unit stands with a fault, and of which unit.
fn reporter(reported: &ReportedFault<'_>) -> Observed {
    let serial = reported.serial.map(|serial| format!(", {serial}")).unwrap_or_default();
    observed(reported.by, format_args!("heard it of unit {}{serial}", reported.number))
}

/// What the units measure of that which the fault is about; where that is nothing, who has it.
fn evidence(context: &Context<'_>, standing: &[&UnitSnapshot], fault: FaultCode) -> Vec<Observed> {
    let measured = |value: fn(&GeneralStatus) -> String| {
        each(&context.units, |unit| {
            let shown = value(&unit.status.value()?);
            let is_standing = unit.fault() == Some(fault) && standing.len() < context.units.len();
            Some(if is_standing { format!("{shown} (stands)") } else { shown })
        })
    };
    match fault {
        FaultCode::PARALLEL_BATTERY_VOLTAGE
        | FaultCode::BATTERY_HIGH
        | FaultCode::BATTERY_LOW
        | FaultCode::BATTERY_OPEN => measured(|status| status.battery_voltage.to_string()),
        FaultCode::PARALLEL_LINE => {
            measured(|status| format!("{} {}", status.grid_voltage, status.grid_frequency))
        }
        FaultCode::PARALLEL_CAN | FaultCode::PARALLEL_HOST_LOST | FaultCode::PARALLEL_SYNC_LOST => {
            measured(|status| format!("instance {}", status.parallel_instance))
        }
        _ => standing.iter().map(|unit| observed(unit, "stands")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Answer, BankSnapshot, Gap, Reason, Severity, check,
        rules::testing::{bank_of, findings, healthy, told},
    };

    #[test]
    fn every_code_is_told_and_explained() {
        for code in 1..=99 {
            let bank = bank_of(&["", &format!("fault={code:02}")]);
            assert_eq!(findings(&bank), [("fault", Severity::Error)], "{code}");
            let finding = &check(&bank).findings[0];
            assert!(finding.advice.len() >= 2, "{code}");
            assert!(finding.what.contains(&format!("{code:02}")), "{}", finding.what);
        }
        assert_eq!(findings(&healthy()), []);
        assert_eq!(told(&bank_of(&["", "fault=99"])), "fault 99 unknown: sim:1 stands");
    }

    #[test]
    fn parallel_faults_have_causes_in_an_order() {
        for code in [71, 72, 80, 81, 82, 83, 84, 85, 86] {
            let fault = format!("fault={code}");
            let report = check(&bank_of(&[&fault, &fault]));
            assert_eq!(report.findings.len(), 1, "{report}");
            assert!(report.findings[0].advice.len() >= 2, "{report}");
        }
    }

    #[test]
    fn a_missing_battery_is_the_first_cause_of_83() {
        let bank = bank_of(&["fault=83&battery=off", "fault=83"]);
        assert_eq!(findings(&bank), [("fault", Severity::Error)]);
        assert!(
            check(&bank).findings[0].advice[0].starts_with("sim:0 measures 0.0 V: no battery"),
            "{}",
            check(&bank)
        );
    }

    #[test]
    fn two_faults_are_two_findings() {
        let found = findings(&bank_of(&["fault=07", "fault=02"]));
        assert_eq!(found, [("fault", Severity::Error), ("fault", Severity::Error)]);
    }

    fn unanswered<T>() -> Answer<T> {
        Answer::Missing(Gap { reason: Reason::Silent, text: String::new() })
    }

    /// A bank with this fault on its last unit, which does not say so itself.
    fn unsaid(switches: &[&str]) -> BankSnapshot {
        let mut bank = bank_of(switches);
        bank.units.last_mut().unwrap().faults = unanswered();
        bank
    }

    #[test]
    fn a_fault_that_only_others_tell_of_is_told_once_with_who_said_so() {
        let mut bank = unsaid(&["", "", "fault=07"]);
        bank.units[2].statuses.iter_mut().for_each(|told| *told = unanswered());
        let found = [("fault", Severity::Error), ("unread", Severity::Warning)];
        assert_eq!(findings(&bank), found);
        let words = "fault 07 overload time-out: sim:0 + sim:1 heard it of unit 2, 96132206100412";
        assert_eq!(told(&bank), words);
        bank.units.pop();
        let found = [("fault", Severity::Error), ("bank-size", Severity::Warning)];
        assert_eq!(findings(&bank), found);
        assert_eq!(told(&bank), words);
    }

    #[test]
    fn a_fault_that_is_said_and_heard_is_one() {
        let bank = unsaid(&["fault=83", "fault=83&battery=off"]);
        let found = [("fault", Severity::Error), ("unread", Severity::Warning)];
        assert_eq!(findings(&bank), found);
        assert!(told(&bank).contains("heard it of unit 1"), "{}", told(&bank));
        // Of those that do not hear each other, nobody's word counts but their own.
        let bank = unsaid(&["fault=80", "fault=07"]);
        let faults: Vec<_> = check(&bank).findings.iter().map(|found| found.what.clone()).collect();
        assert!(faults.iter().all(|what| !what.contains("07")), "{faults:?}");
    }

    #[test]
    fn a_unit_s_own_word_is_the_one_that_counts() {
        let mut bank = healthy();
        bank.units[0].statuses[1].value_mut().unwrap().fault = pi18_proto::FaultCode::OVERLOAD;
        assert_eq!(findings(&bank), []);
        // It says so even where it does not say which number it has.
        bank.units[1].status = unanswered();
        assert_eq!(findings(&bank), [("unread", Severity::Warning)]);
    }
}
