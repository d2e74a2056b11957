//! What changed since the bank was saved.

use lvx_settings::{Setting, Settings};

use super::Rule;
use crate::{
    BankSnapshot, Finding, Question, Questions, Severity, UnitSnapshot,
    context::{Context, observed},
};

pub(super) static RULE: Rule =
    Rule::new("baseline", "what changed since a saved bank (needs one)", "the saved bank", check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let Some(before) = &context.checks.baseline else { return Vec::new() };
    let mut values = Vec::new();
    for unit in &context.units {
        let same = |old: &&UnitSnapshot| old.serial_number() == unit.serial_number();
        // Of units of one serial number, the one of the same number in the bank.
        let same = before.units.iter().filter(same);
        match same.max_by_key(|old| old.instance() == unit.instance()) {
            _ if unit.serial_number().is_none() => {}
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
    let since = before.started.map_or(String::new(), |time| format!(" of {time}"));
    if values.is_empty() {
        return unchanged(context, before, &since).into_iter().collect();
    }
    let what = format!("changed since the saved bank{since}");
    let why = "what was well then and is not now is likely due to what changed";
    vec![RULE.finding(Severity::Info, what, values, why)]
}

/// Reports that nothing changed in what both banks hold; `None` if they have nothing in common.
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
    let why = "firmware, numbers and settings of the units are what they were";
    Some(RULE.finding(Severity::Info, what, Vec::new(), why))
}

/// What is compared.
const COMPARED: Questions =
    Questions::SETTINGS.and(Questions::of(&[Question::FirmwareVersions, Question::GeneralStatus]));

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
        Checks { baseline: Some(before), ..Checks::default() }
    }

    #[test]
    fn what_changed_is_told() {
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
    fn nothing_changed_is_said_with_the_time_of_the_saved_bank() {
        let date = pi18_proto::Date::new(2026, 11, 27).unwrap();
        let started = pi18_proto::DateTime::new(date, 6, 0, 0).ok();
        let told = |before: &BankSnapshot, now: &BankSnapshot| {
            let findings = since(before.clone()).check(now).findings;
            let texts = findings.iter().filter(|finding| finding.rule == "baseline");
            texts.map(ToString::to_string).collect::<Vec<_>>()
        };
        let before = BankSnapshot { started, ..healthy() };
        let wanted = "nothing changed since the saved bank of 2026-11-27 06:00:00";
        assert_eq!(told(&before, &healthy()), [wanted]);
        let narrow = healthy().only(Questions::of(&[Question::RatedInformation]));
        assert_eq!(told(&before, &narrow), [format!("{wanted}, as far as it was read")]);
        // Nothing is said of units that cannot be told.
        let lost = bank_of(&["serial=55355535553555"]);
        assert_eq!(told(&lost, &lost), [""; 0]);
    }

    #[test]
    fn a_unit_that_went_is_told() {
        let mut now = healthy();
        now.units.pop();
        let found = findings_of(&since(healthy()), &now);
        assert_eq!(found, [("bank-size", Severity::Warning), ("baseline", Severity::Info)]);
    }
}
