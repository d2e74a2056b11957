//! Findings of the bridge itself, beside those of the rules.

use std::time::Duration;

use jiff::{SignedDuration, Unit};
use lvx_parallel::{Finding, Observed, RuleInfo, Severity, UnitSnapshot};
use pi18_proto::SerialNumber;

use super::{UnitView, tracked::Reset};
use crate::control::ControlProblem;

/// Returns the finding that two links lead to units with one serial number.
pub(super) fn duplicate_serial(unit: &UnitView, other: &str) -> Finding {
    let what = format!("serial number {} answers on two links", unit.serial);
    let why = "a unit is its serial number: values and settings of two units would be mixed";
    Finding::new(&DUPLICATE_SERIAL, Severity::Error, what, why)
        .with_values([observed(unit, &unit.link.address), observed(unit, other)])
        .with_advice(
            "if both links lead to the same unit, remove one of them from the configuration",
        )
        .with_advice("if two units have this serial number, watch only one of them")
}

/// Returns the finding that a unit that is not configured answers on the link of a unit,
/// at this address.
pub(super) fn unknown_unit(unit: &UnitView, address: &str, found: SerialNumber) -> Finding {
    let what = format!("unit {found}, which is not configured, answers at {address}");
    let why = "its values are not published, and the configured unit is not read there";
    Finding::new(&UNKNOWN_UNIT, Severity::Warning, what, why)
        .with_values([observed(unit, &unit.serial.to_string())])
        .with_advice("add the unit to the configuration, or connect the configured one")
}

/// Returns the finding that counters or the clock of a unit were reset.
pub(super) fn reset(unit: &UnitView, reset: &Reset) -> Finding {
    let (what, value) = match reset {
        Reset::Counter { from, to } => {
            ("the energy counter was reset", format!("{from} Wh, then {to} Wh"))
        }
        Reset::Clock(jump) => ("the clock was changed by more than a day", format!("{jump:#}")),
    };
    let why = "energies before and after belong to different eras, and are not subtracted";
    Finding::new(&ERA, Severity::Info, what, why).with_values([observed(unit, &value)])
}

/// Returns the finding that this computer was suspended.
pub(super) fn suspended(time: Duration) -> Finding {
    let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX).round(Unit::Second);
    let what = match time {
        Ok(time) => format!("this computer was suspended for {time:#}"),
        Err(_) => "this computer was suspended".to_owned(),
    };
    let why = "meanwhile nothing was read, and energies of the battery were not counted";
    Finding::new(&SUSPEND, Severity::Info, what, why)
        .with_advice("let a computer that watches inverters run without suspend")
}

/// Returns the finding of a problem of control; `units` are the units of the bank.
pub(super) fn control<'a>(
    problem: &ControlProblem,
    units: impl Iterator<Item = &'a UnitView>,
) -> Finding {
    let concerned = units.filter(|unit| problem.units.contains(&unit.serial));
    let values = concerned.map(|unit| observed(unit, &problem.id));
    let finding = Finding::new(&CONTROL, Severity::Error, &problem.title, &problem.why);
    let mut finding = finding.with_values(values);
    // Two problems of the same units are two causes, and so two alerts.
    finding.source = format!("{}: {}", CONTROL.source, problem.id).into();
    problem.advice.iter().fold(finding, Finding::with_advice)
}

/// Returns the finding that the history is not written.
pub(super) fn history(why: &str) -> Finding {
    let finding = Finding::new(&HISTORY, Severity::Warning, "the history is not written", why);
    finding.with_advice(
        "values are published and alerts are raised as before; only plots of the past have a gap",
    )
}

/// Returns whether a rule is one of the bridge itself. It needs no answer of the unit.
pub(super) fn is_own_rule(rule: &str) -> bool {
    [&DUPLICATE_SERIAL, &UNKNOWN_UNIT, &CONTROL, &ERA, &SUSPEND, &HISTORY]
        .iter()
        .any(|own| own.id == rule)
}

fn observed(unit: &UnitView, value: &str) -> Observed {
    let mut snapshot = UnitSnapshot::new(unit.name.as_str());
    snapshot.serial = Some(unit.serial);
    Observed::new(&snapshot, value)
}

static DUPLICATE_SERIAL: RuleInfo = RuleInfo::new(
    "doubled-serial",
    "two links lead to units with the same serial number",
    "serial numbers are unique, except for the one that `PF` sets",
);

static UNKNOWN_UNIT: RuleInfo = RuleInfo::new(
    "unknown-unit",
    "a unit that is not configured answers on the link of a configured one",
    "the configuration",
);

static CONTROL: RuleInfo = RuleInfo::new(
    "control",
    "a change of settings was interrupted, or settings cannot be changed safely",
    "the journals of runs",
);

static SUSPEND: RuleInfo = RuleInfo::new(
    "host-suspend",
    "the computer of the bridge was suspended",
    "clocks of Linux: CLOCK_BOOTTIME goes on in a suspend, CLOCK_MONOTONIC does not",
);

static ERA: RuleInfo = RuleInfo::new(
    "energy-era",
    "the energy counter or the clock of a unit was reset",
    "counters of these units only rise; PI18 2022, \"ET\"",
);

static HISTORY: RuleInfo = RuleInfo::new(
    "history",
    "the file of the history cannot be written",
    "the error of the last commit",
);
