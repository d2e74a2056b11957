//! `setting-rules`: the settings of a unit fit together.
//!
//! Settings can be the same on all units and still make no sense, such as a float voltage above the bulk voltage.
//! [`lvx_settings::broken_rules`] knows which settings must fit together; this rule has the severity and the
//! reason for each. A setting that differs between units is left to rule `settings`.
//!
//! Voltages that a user set are in effect only with battery type user. With another type, a unit shows the
//! voltages of that type, so that its settings cannot break this rule.
//!
//! Source: observed on LVX6048s, which refuse other values, and the notes of PI18 on the voltages; for the two
//! currents, the makers' manuals: the charger for utility follows the lower one.

use lvx_settings::{BrokenRule, broken_rules};

use crate::{
    Finding, FindingKind, Severity, UnitSnapshot,
    context::{Context, observed},
    rules::{
        BuiltIn,
        suppression::{Effect, is_suppressed},
    },
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "setting-rules",
    "settings of a unit contradict each other, such as a float voltage above the bulk voltage",
    "observed on LVX6048s, which refuse such values; notes of PI18 2017 and 2022 on the voltages",
    &[&FLOAT, &CUTOFF, &NOT_ABOVE_RECHARGE, &ABOVE_FLOAT, &OTHER, &AC_CURRENT],
    check,
);

static FLOAT: FindingKind = FindingKind::new(
    Severity::Error,
    "float voltage above bulk voltage",
    "a full battery is held for hours at a higher voltage than the one to which it is charged, which overcharges \
     its cells",
    &[
        "set both voltages to those that the maker of the battery gives, in a profile or on the display",
    ],
);

static CUTOFF: FindingKind = FindingKind::new(
    Severity::Warning,
    "cut-off voltage above re-charge voltage",
    "the unit switches off before it changes to the grid, so that the loads lose power although there is a grid",
    SET_APART,
);

static NOT_ABOVE_RECHARGE: FindingKind = FindingKind::new(
    Severity::Warning,
    "re-discharge voltage not above re-charge voltage, and not 0",
    "the unit changes between battery and grid again and again, which wears its relays",
    SET_APART,
);

static ABOVE_FLOAT: FindingKind = FindingKind::new(
    Severity::Warning,
    "re-discharge voltage above float voltage",
    "the battery may never reach the voltage at which the unit uses it again, so that the loads stay on the grid",
    SET_APART,
);

static OTHER: FindingKind = FindingKind::new(
    Severity::Warning,
    "another rule of the settings is broken",
    "the unit may not work as its settings suggest",
    SET_APART,
);

static AC_CURRENT: FindingKind = FindingKind::new(
    Severity::Info,
    "maximum AC charge current above maximum charge current",
    "the lower one is in effect, so that this does no harm",
    &[],
);

const SET_APART: &[&str] = &[
    "change one of the two settings, in a profile or on the display, to a value that the maker of the battery \
     allows",
];

fn check(context: &Context<'_>) -> Vec<Finding> {
    let is_explained = is_suppressed(context, Effect::DifferentSetting);
    let is_judged = |rule: &BrokenRule| {
        !(is_explained && rule.settings.iter().any(|&each| context.has_difference(each)))
    };
    let broken: Vec<(&UnitSnapshot, BrokenRule)> = context
        .units
        .iter()
        .flat_map(|&unit| {
            broken_rules(&unit.settings(), None).into_iter().map(move |rule| (unit, rule))
        })
        .filter(|(_, rule)| is_judged(rule))
        .collect();
    let mut findings: Vec<Finding> = Vec::new();
    for (_, rule) in &broken {
        if findings.iter().any(|known| known.what == rule.text) {
            continue;
        }
        let same = broken.iter().filter(|(_, other)| other.text == rule.text);
        let values = same.filter_map(|(unit, rule)| {
            let first = *rule.settings.first()?;
            Some(observed(unit, unit.settings().get(first)?))
        });
        findings.push(RULE.report(kind(rule.rule), &rule.text, values.collect()));
    }
    findings
}

/// Returns the kind of finding for a rule of [`broken_rules`].
fn kind(rule: &str) -> &'static FindingKind {
    match rule {
        "float-above-bulk" => &FLOAT,
        "cutoff-above-recharge" => &CUTOFF,
        "redischarge-not-above-recharge" => &NOT_ABOVE_RECHARGE,
        "redischarge-above-float" => &ABOVE_FLOAT,
        "ac-above-all" => &AC_CURRENT,
        _ => &OTHER,
    }
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Amperes, Decivolts, RatedInformation};

    use crate::{
        Checks, Severity,
        rules::testing::{findings, findings_of, first_finding, healthy},
    };

    /// Returns the healthy bank with changed settings of both units.
    fn with(change: impl Fn(&mut RatedInformation)) -> crate::BankSnapshot {
        let mut bank = healthy();
        bank.units.iter_mut().for_each(|unit| change(unit.rated.value_mut().unwrap()));
        bank
    }

    /// Returns what is found with these voltages, in decivolts: cut-off, re-charge, re-discharge, float, bulk.
    fn voltages(volts: [u16; 5]) -> Vec<(&'static str, Severity)> {
        let [cutoff, recharge, redischarge, float, bulk] = volts.map(Decivolts);
        findings(&with(|rated| {
            rated.cutoff_voltage = cutoff;
            rated.recharge_voltage = recharge;
            rated.redischarge_voltage = redischarge;
            rated.float_voltage = float;
            rated.bulk_voltage = bulk;
        }))
    }

    #[test]
    fn equal_settings_that_contradict_are_reported() {
        let warning = [("setting-rules", Severity::Warning)];
        assert_eq!(voltages([480, 480, 540, 540, 564]), []);
        assert_eq!(voltages([480, 480, 540, 564, 564]), []);
        assert_eq!(voltages([480, 480, 540, 565, 564]), [("setting-rules", Severity::Error)]);
        assert_eq!(voltages([481, 480, 540, 540, 564]), warning);
        assert_eq!(voltages([480, 500, 500, 540, 564]), warning);
        assert_eq!(voltages([480, 500, 0, 540, 564]), []);
        assert_eq!(voltages([480, 480, 541, 540, 564]), warning);
    }

    #[test]
    fn finding_names_both_settings_once() {
        let bank = with(|rated| rated.float_voltage = Decivolts(570));
        assert_eq!(
            first_finding(&bank),
            "float_voltage 57.0 V is above bulk_voltage 56.4 V: sim:0 + sim:1 57.0 V"
        );
    }

    #[test]
    fn ac_current_above_total_is_info() {
        let with = |ac| findings(&with(|rated| rated.max_ac_charge_current = Amperes(ac)));
        assert_eq!(with(60), []);
        assert_eq!(with(61), [("setting-rules", Severity::Info)]);
    }

    #[test]
    fn difference_is_left_to_settings() {
        let mut bank = healthy();
        bank.units[1].rated.value_mut().unwrap().float_voltage = Decivolts(570);
        assert_eq!(findings(&bank), [("settings", Severity::Error)]);
        let alone = Checks::default().only(["setting-rules"]).unwrap();
        assert_eq!(findings_of(&alone, &bank), [("setting-rules", Severity::Error)]);
        bank.units[1].rated.value_mut().unwrap().float_voltage = Decivolts(535);
        assert_eq!(findings_of(&alone, &bank), [("setting-rules", Severity::Warning)]);
    }

    #[test]
    fn every_rule_of_settings_has_its_kind() {
        let settings = lvx_settings::Settings::build(|s| {
            s.float_voltage = Some(Decivolts(560));
            s.bulk_voltage = Some(Decivolts(540));
            s.cutoff_voltage = Some(Decivolts(580));
            s.recharge_voltage = Some(Decivolts(575));
            s.redischarge_voltage = Some(Decivolts(570));
            s.max_ac_charge_current = Some(Amperes(80));
            s.max_charge_current = Some(Amperes(60));
        });
        let broken = lvx_settings::broken_rules(&settings, None);
        assert_eq!(broken.len(), 5);
        for rule in broken {
            assert!(!std::ptr::eq(super::kind(rule.rule), &raw const super::OTHER), "{rule}");
        }
    }
}
