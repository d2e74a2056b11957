//! `fault`: no unit has an active fault.
//!
//! A unit reports its fault in `FWS`. If it does not answer, the rule uses the fault that other units report
//! about it in `PGSn`, unless the units cannot communicate. The meaning of each fault and the steps to take
//! are in `advice`.
//!
//! Source: PI18 2017 and 2022, "FWS", "PGSn" and table of faults.

use pi18_proto::{FaultCode, GeneralStatus};

use crate::{
    Finding, Severity, UnitSnapshot,
    advice::{Advice, fault as advice_for},
    context::{Context, ReportedFault, each, observed},
    finding::Observed,
    rules::{
        BuiltIn,
        suppression::{Effect, is_suppressed},
    },
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "fault",
    "a fault is active: reported by the unit or, if it does not answer, by another unit",
    "PI18 2017 and 2022, \"FWS\" and \"PGSn\", table of faults; causes in the order in which they were encountered",
    &[],
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut faults: Vec<_> = context.faults().collect();
    faults.sort_by_key(|fault| fault.0);
    faults.dedup();
    faults.retain(|&fault| !is_suppressed(context, Effect::Fault(fault)));
    faults.into_iter().map(|fault| finding(context, fault)).collect()
}

fn finding(context: &Context<'_>, fault: FaultCode) -> Finding {
    let active: Vec<_> =
        context.units.iter().copied().filter(|unit| unit.fault() == Some(fault)).collect();
    let what = format!("fault {fault}");
    let Advice { why, steps } = advice_for(fault);
    let mut values = evidence(context, &active, fault);
    let reported = context.reported_faults.iter().filter(|reported| reported.fault == fault);
    values.extend(reported.map(reporter));
    let mut finding = RULE.finding(Severity::Error, what, values, why).advise(steps);
    // A missing battery is the most likely cause, so this step is the first.
    if fault == FaultCode::PARALLEL_BATTERY_VOLTAGE {
        for Observed { unit, value, .. } in each(&context.units, UnitSnapshot::lacks_battery) {
            let first = format!(
                "{unit} measures {value}: no battery is connected to it, or its breaker or BMS is off"
            );
            finding.advice.insert(0, first);
        }
    }
    finding
}

/// Returns the unit that reports a fault of another unit.
fn reporter(reported: &ReportedFault<'_>) -> Observed {
    let serial = reported.serial.map(|serial| format!(", {serial}")).unwrap_or_default();
    observed(reported.by, format_args!("reporting it for unit {}{serial}", reported.number))
}

/// Returns the measurements to which the fault refers; for other faults, the units that have it.
fn evidence(context: &Context<'_>, active: &[&UnitSnapshot], fault: FaultCode) -> Vec<Observed> {
    let measured = |value: fn(&GeneralStatus) -> String| {
        each(&context.units, |unit| {
            let shown = value(&unit.status.value()?);
            let is_active = unit.fault() == Some(fault) && active.len() < context.units.len();
            Some(if is_active { format!("{shown} (active)") } else { shown })
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
        _ => active.iter().map(|unit| observed(unit, "active")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Answer, BankSnapshot, Gap, Reason, Severity, check,
        rules::testing::{bank_of, findings, first_finding, healthy},
    };

    #[test]
    fn every_code_has_finding_and_advice() {
        for code in 1..=99 {
            let bank = bank_of(&["", &format!("fault={code:02}")]);
            assert_eq!(findings(&bank), [("fault", Severity::Error)], "{code}");
            let finding = &check(&bank).findings[0];
            assert!(finding.advice.len() >= 2, "{code}");
            assert!(finding.what.contains(&format!("{code:02}")), "{}", finding.what);
        }
        assert_eq!(findings(&healthy()), []);
        assert_eq!(first_finding(&bank_of(&["", "fault=99"])), "fault 99 unknown: sim:1 active");
    }

    #[test]
    fn parallel_faults_have_at_least_two_steps() {
        for code in [71, 72, 80, 81, 82, 83, 84, 85, 86] {
            let fault = format!("fault={code}");
            let report = check(&bank_of(&[&fault, &fault]));
            assert_eq!(report.findings.len(), 1, "{report}");
            assert!(report.findings[0].advice.len() >= 2, "{report}");
        }
    }

    #[test]
    fn fault_83_advice_starts_with_missing_battery() {
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

    /// Returns a bank whose last unit does not answer `FWS`.
    fn without_last_fws(switches: &[&str]) -> BankSnapshot {
        let mut bank = bank_of(switches);
        bank.units.last_mut().unwrap().faults = unanswered();
        bank
    }

    #[test]
    fn fault_reported_by_others_names_them() {
        let mut bank = without_last_fws(&["", "", "fault=07"]);
        bank.units[2].statuses.iter_mut().for_each(|answer| *answer = unanswered());
        let found = [("fault", Severity::Error), ("unread", Severity::Warning)];
        assert_eq!(findings(&bank), found);
        let text =
            "fault 07 overload time-out: sim:0 + sim:1 reporting it for unit 2, 96132206100412";
        assert_eq!(first_finding(&bank), text);
        bank.units.pop();
        let found = [("fault", Severity::Error), ("bank-size", Severity::Warning)];
        assert_eq!(findings(&bank), found);
        assert_eq!(first_finding(&bank), text);
    }

    #[test]
    fn fault_reported_by_unit_and_others_is_one_finding() {
        let bank = without_last_fws(&["fault=83", "fault=83&battery=off"]);
        let found = [("fault", Severity::Error), ("unread", Severity::Warning)];
        assert_eq!(findings(&bank), found);
        assert!(
            first_finding(&bank).contains("reporting it for unit 1"),
            "{}",
            first_finding(&bank)
        );
        // Units that cannot communicate report only their own faults reliably.
        let bank = without_last_fws(&["fault=80", "fault=07"]);
        let faults: Vec<_> = check(&bank).findings.iter().map(|found| found.what.clone()).collect();
        assert!(faults.iter().all(|what| !what.contains("07")), "{faults:?}");
    }

    #[test]
    fn unit_itself_overrides_reports_of_others() {
        let mut bank = healthy();
        bank.units[0].statuses[1].value_mut().unwrap().fault = pi18_proto::FaultCode::OVERLOAD;
        assert_eq!(findings(&bank), []);
        // This holds even if the unit does not report its number.
        bank.units[1].status = unanswered();
        assert_eq!(findings(&bank), [("unread", Severity::Warning)]);
    }
}
