//! `baseline`: changes since the bank was saved.
//!
//! Compares firmware, numbers in the bank and all settings with a snapshot that the caller gives
//! ([`Checks::baseline`](crate::Checks::baseline)). Units are matched by serial number; those without a
//! genuine one are left out. All changes are reported as information.

use lvx_settings::{Setting, Settings};

use crate::{
    BankSnapshot, Finding, FindingKind, Question, Questions, Severity, UnitSnapshot,
    context::{Context, observed},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "baseline",
    "changes since a saved bank (needs one)",
    "the saved bank",
    &[&CHANGED, &UNCHANGED],
    check,
);

static CHANGED: FindingKind = FindingKind::new(
    Severity::Info,
    "firmware, instance or a setting of a unit, or the units of the bank, are not as in the saved bank",
    "if the bank worked correctly then and does not now, a change is the likely cause",
    &[],
);

static UNCHANGED: FindingKind = FindingKind::new(
    Severity::Info,
    "nothing changed since the bank was saved",
    "firmware, numbers in the bank and settings of the units are the same",
    &[],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let Some(before) = context.baseline() else { return Vec::new() };
    let mut values = Vec::new();
    for unit in context.units.iter().filter(|unit| unit.serial_number().is_some()) {
        let is_same = |old: &&UnitSnapshot| old.serial_number() == unit.serial_number();
        let same = before.units.iter().filter(is_same);
        // If several units had this serial number, take the one with the same instance.
        match same.max_by_key(|old| old.instance() == unit.instance()) {
            None => values.push(observed(unit, "was not in the bank")),
            Some(old) => {
                values.extend(changes(old, unit).into_iter().map(|text| observed(unit, text)));
            }
        }
    }
    for old in &before.units {
        let Some(serial) = old.serial_number() else { continue };
        if context.units.iter().all(|unit| unit.serial_number() != Some(serial)) {
            values.push(observed(old, format_args!("{serial} was in the bank")));
        }
    }
    let since = before.started.map_or(String::new(), |started| format!(" of {}", started.time()));
    if values.is_empty() {
        return unchanged(context, before, &since).into_iter().collect();
    }
    let what = format!("changed since the saved bank{since}");
    vec![RULE.report(&CHANGED, what, values)]
}

/// Returns the finding that nothing changed; `None` if the banks have no unit in common.
fn unchanged(context: &Context<'_>, before: &BankSnapshot, since: &str) -> Option<Finding> {
    let is_compared = |unit: &&UnitSnapshot| {
        let serial = unit.serial_number();
        serial.is_some() && before.units.iter().any(|old| old.serial_number() == serial)
    };
    if !context.units.iter().any(is_compared) {
        return None;
    }
    let lacks = |unit: &UnitSnapshot| unit.lost.is_some() || !unit.asked().contains(COMPARED);
    let is_partial = context.units.iter().any(|unit| lacks(unit)) || before.units.iter().any(lacks);
    let as_far = if is_partial { ", as far as it was read" } else { "" };
    let what = format!("nothing changed since the saved bank{since}{as_far}");
    Some(RULE.report(&UNCHANGED, what, Vec::new()))
}

/// Questions whose answers are compared.
const COMPARED: Questions =
    Questions::SETTINGS.and(Questions::of(&[Question::FirmwareVersions, Question::GeneralStatus]));

/// Returns each value that both snapshots have and that differs: `float_voltage 53.0 V -> 54.0 V`.
fn changes(old: &UnitSnapshot, new: &UnitSnapshot) -> Vec<String> {
    let mut changes = Vec::new();
    let mut note = |what: &str, old: Option<String>, new: Option<String>| {
        if let (Some(old), Some(new)) = (old, new)
            && old != new
        {
            changes.push(format!("{what} {old} -> {new}"));
        }
    };
    if old.firmware.value() != new.firmware.value() {
        let firmware = |unit: &UnitSnapshot| {
            let firmware = unit.firmware.value()?;
            Some(format!("{}/{}/{}", firmware.main, firmware.slave1, firmware.slave2))
        };
        note("firmware", firmware(old), firmware(new));
    }
    let buzzer = |unit: &UnitSnapshot| Some(unit.flags.value()?.buzzer.to_string());
    note("buzzer (silence or open)", buzzer(old), buzzer(new));
    let instance = |unit: &UnitSnapshot| unit.instance().map(|instance| instance.to_string());
    note("instance", instance(old), instance(new));
    let shown = |settings: &Settings, setting: Setting| {
        settings.get(setting).map(|value| value.to_string())
    };
    let (before, now) = (old.settings(), new.settings());
    for &setting in Setting::ALL {
        note(setting.key(), shown(&before, setting), shown(&now, setting));
    }
    changes
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Decivolts, Version};

    use crate::{
        BankSnapshot, Checks, Question, Questions, Severity,
        rules::testing::{bank_of, findings_of, healthy},
    };

    fn since(before: BankSnapshot) -> Checks {
        Checks::default().with_baseline(before)
    }

    #[test]
    fn changes_are_listed_per_unit() {
        assert_eq!(findings_of(&since(healthy()), &healthy()), [("baseline", Severity::Info)]);
        let mut before = healthy();
        before.units.pop();
        for unit in &mut before.units {
            unit.rated.value_mut().unwrap().float_voltage = Decivolts(530);
            unit.firmware.value_mut().unwrap().main = Version::new("06303").unwrap();
        }
        let checks = since(before);
        assert_eq!(findings_of(&checks, &healthy()), [("baseline", Severity::Info)]);
        assert_eq!(
            checks.check(&healthy()).findings[0].to_string(),
            "changed since the saved bank: sim:0 firmware 06303/06126/00000 -> 06306/06126/00000, \
             sim:0 float_voltage 53.0 V -> 54.0 V, sim:1 was not in the bank"
        );
    }

    #[test]
    fn unchanged_bank_is_reported_with_time_of_baseline() {
        let date = pi18_proto::Date::new(2026, 11, 27).unwrap();
        let started = pi18_proto::DateTime::new(date, 6, 0, 0).ok().map(crate::HostTime::new);
        let texts = |before: &BankSnapshot, now: &BankSnapshot| {
            let findings = since(before.clone()).check(now).findings;
            let found = findings.iter().filter(|finding| finding.rule == "baseline");
            found.map(ToString::to_string).collect::<Vec<_>>()
        };
        let before = BankSnapshot { started, ..healthy() };
        let expected = "nothing changed since the saved bank of 2026-11-27 06:00:00";
        assert_eq!(texts(&before, &healthy()), [expected]);
        let narrow = healthy().only(Questions::of(&[Question::RatedInformation]));
        assert_eq!(texts(&before, &narrow), [format!("{expected}, as far as it was read")]);
        // Units without a genuine serial number are left out.
        let lost = bank_of(&["serial-number=55355535553555"]);
        assert_eq!(texts(&lost, &lost), [""; 0]);
    }

    #[test]
    fn unit_missing_since_baseline_is_reported() {
        let mut now = healthy();
        now.units.pop();
        let found = findings_of(&since(healthy()), &now);
        assert_eq!(found, [("bank-size", Severity::Warning), ("baseline", Severity::Info)]);
    }
}
