//! `fault`: no unit has an active fault.
//!
//! A unit reports its fault in `FWS`. If it does not answer, the rule uses the fault that other units report
//! about it in `PGSn`, unless the units cannot communicate. The meaning of each fault and the steps to take
//! are in `advice`. Two of them depend on the state of the bank: a unit that still works has not stopped, and
//! the advice for fault 72 is another one if the units feed different phases.
//!
//! Source: PI18 2017 and 2022, "FWS", "PGSn" and table of faults.

use pi18_proto::{FaultCode, GeneralStatus, OutputMode, WorkingMode};

use crate::{
    Finding, UnitSnapshot,
    advice::{FAULT_KINDS, FAULT_WHILE_WORKING, Sharing, fault as kind_of},
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
    FAULT_KINDS,
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
    let kind = kind_of(fault, sharing(context));
    let mut values = evidence(context, &active, fault);
    let reported = context.reported_faults.iter().filter(|reported| reported.fault == fault);
    values.extend(reported.map(reporter));
    let mut finding = if !active.is_empty() && active.iter().all(|unit| works(unit)) {
        let what = format!("fault {fault}, reported by units that work");
        RULE.report(&FAULT_WHILE_WORKING, what, values).advise(kind.advice)
    } else {
        RULE.report(kind, format!("fault {fault}"), values)
    };
    // A missing battery is the most likely cause, so this step is the first.
    if fault == FaultCode::PARALLEL_BATTERY_VOLTAGE {
        for Observed { unit, value, .. } in each(&context.units, UnitSnapshot::lacks_battery) {
            let first = format!(
                "{unit} measures {value}: no battery is connected to it, or its breaker or BMS is off; find out \
                 why before it is connected again"
            );
            finding.advice.insert(0, first);
        }
    }
    finding
}

/// Returns whether a unit works, although it reports a fault: power or a battery current flows.
fn works(unit: &UnitSnapshot) -> bool {
    let is_on = unit.working_mode().is_some_and(|mode| WORKING.contains(&mode));
    is_on
        && unit.status.value().is_some_and(|status| {
            let currents = [status.charge_current, status.discharge_current];
            status.active_power.0 > 0 || currents.iter().any(|current| current.0 > 0)
        })
}

/// The modes in which a unit feeds loads or charges.
const WORKING: [WorkingMode; 4] =
    [WorkingMode::BYPASS, WorkingMode::BATTERY, WorkingMode::HYBRID, WorkingMode::CHARGE];

/// Returns whether all units of the bank are known to feed one output. A unit with three phases of its own
/// does not, nor does one that was not read.
fn sharing(context: &Context<'_>) -> Sharing {
    let is_parallel = |unit: &&UnitSnapshot| {
        unit.output_mode() == Some(OutputMode::PARALLEL) && !unit.shows_first_phase_only()
    };
    if context.is_whole() && context.units.iter().all(is_parallel) {
        Sharing::OneOutput
    } else {
        Sharing::PerhapsPhases
    }
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
    use pi18_proto::{FaultCode, OutputMode};

    use crate::{
        Answer, BankSnapshot, Gap, Reason, Severity,
        advice::FAULT_WHILE_WORKING,
        check,
        rules::testing::{bank_of, findings, first_finding, healthy, zeros},
    };

    #[test]
    fn every_code_has_finding_and_advice() {
        for code in 1..=99 {
            let bank = bank_of(&["", &format!("fault={code:02}")]);
            assert_eq!(findings(&bank), [("fault", Severity::Error)], "{code}");
            let finding = &check(&bank).findings[0];
            assert!(finding.advice.len() >= 2, "{code}");
            assert!(finding.why != FAULT_WHILE_WORKING.why, "{code}");
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

    /// Returns the advice about fault 72 in a bank with these switches.
    fn advice_72(bank: &BankSnapshot) -> String {
        assert_eq!(findings(bank).first(), Some(&("fault", Severity::Error)));
        check(bank).findings[0].advice.join("\n")
    }

    #[test]
    fn fault_72_advice_depends_on_phases() {
        let (same, never) = ("L1 to L1", "never join different phases");
        let parallel = bank_of(&["fault=72", "fault=72"]);
        let advice = advice_72(&parallel);
        assert!(advice.contains(same) && !advice.contains(never), "{advice}");
        let phases = bank_of(&["output-mode=5&fault=72", "output-mode=6&fault=72"]);
        let mut unknown = parallel.clone();
        unknown.units[1].rated = unanswered();
        unknown.units.iter_mut().for_each(|unit| unit.ratings[1] = unanswered());
        let mut incomplete = parallel;
        incomplete.units.pop();
        for bank in [phases, unknown, incomplete] {
            let advice = advice_72(&bank);
            assert!(!advice.contains(same) && advice.contains(never), "{advice}");
        }
    }

    #[test]
    fn fault_of_working_unit_does_not_claim_that_it_stopped() {
        let mut bank = healthy();
        bank.units[1].faults.value_mut().unwrap().fault = FaultCode::OVERLOAD;
        assert_eq!(findings(&bank), [("fault", Severity::Error)]);
        let finding = &check(&bank).findings[0];
        assert_eq!(finding.what, "fault 07 overload time-out, reported by units that work");
        assert_eq!(finding.why, FAULT_WHILE_WORKING.why);
        assert!(finding.advice.iter().any(|step| step.starts_with("switch loads off")));
        bank.units[1].mode = unanswered();
        assert_ne!(check(&bank).findings[0].why, FAULT_WHILE_WORKING.why);
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
        bank.units[0].statuses[1].value_mut().unwrap().fault = FaultCode::OVERLOAD;
        assert_eq!(findings(&bank), []);
        // This holds even if the unit does not report its number.
        bank.units[1].status = unanswered();
        assert_eq!(findings(&bank), [("unread", Severity::Warning)]);
    }

    #[test]
    fn legs_in_own_ratings_do_not_share_one_output() {
        let advice = |bank: &BankSnapshot| check(bank).findings[0].advice.clone();
        let legs = bank_of(&["fault=72&output-mode=5", "fault=72&output-mode=6"]);
        let mut bank = legs.clone();
        for unit in &mut bank.units {
            unit.rated.value_mut().unwrap().output_mode = OutputMode::PARALLEL;
        }
        assert_eq!(advice(&bank), advice(&legs));
        assert_ne!(advice(&bank), advice(&bank_of(&["fault=72", "fault=72"])));
        // A unit whose `GS` is all zeros is found by its serial number.
        for unit in &mut bank.units {
            *unit.status.value_mut().unwrap() = zeros();
        }
        assert_eq!(advice(&bank), advice(&legs));
    }
}
