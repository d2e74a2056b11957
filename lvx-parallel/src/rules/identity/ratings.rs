//! `ratings`: all units are of the same model.
//!
//! Compares the rated battery voltage, apparent and active power and topology in `PIRI`, and the product line in
//! `GMN`. Only units of the same model share loads and a battery correctly. The rated output voltage is a
//! setting and is not compared here.
//!
//! Units of one model and one rated power with different numbers of MPPT strings work together: a later version
//! of a model may have a second string. This is information.
//!
//! Source: PI18 2017 and 2022, "PIRI" and "GMN"; that a different number of strings is harmless is assumed.

use pi18_proto::RatedInformation;

use crate::{
    Finding, FindingKind, Severity, UnitSnapshot,
    advice::LIVE_TERMINALS,
    context::{Context, each},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "ratings",
    "units of different models: ratings or product lines differ",
    "PI18 2017 and 2022, \"PIRI\" and \"GMN\"",
    &[&DIFFERENT_MODELS, &DIFFERENT_STRINGS],
    check,
);

static DIFFERENT_MODELS: FindingKind = FindingKind::new(
    Severity::Error,
    "rated battery voltage, rated power, topology or product line differ",
    "only units of the same model share loads and a battery correctly",
    &[
        "compare the rating plates",
        LIVE_TERMINALS,
        "have the unit that differs taken out of the bank",
    ],
);

static DIFFERENT_STRINGS: FindingKind = FindingKind::new(
    Severity::Info,
    "the numbers of MPPT strings differ, and model and rated power are equal",
    "a unit with fewer PV inputs has less PV power, so that it charges less or discharges more than the others",
    &[],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    if context.has_different_models() {
        let values = each(&context.units, |unit| {
            let RatedInformation { output_active_power, battery_rated_voltage, .. } =
                unit.rated.value()?;
            let model = unit.model.value().map(|model| format!("{}, ", model.model));
            let model = model.unwrap_or_default();
            let strings = strings(unit)?;
            Some(format!(
                "{model}{output_active_power}, {battery_rated_voltage} battery, {strings}"
            ))
        });
        return vec![RULE.report(
            &DIFFERENT_MODELS,
            "units of different models in one bank",
            values,
        )];
    }
    if context.differs(|unit| Some(unit.rated.value()?.mppt_strings)) {
        let values = each(&context.units, strings);
        return vec![RULE.report(&DIFFERENT_STRINGS, "numbers of MPPT strings differ", values)];
    }
    Vec::new()
}

/// Returns the number of PV inputs of a unit, as findings show it.
fn strings(unit: &UnitSnapshot) -> Option<String> {
    Some(format!("{} MPPT", unit.rated.value()?.mppt_strings))
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Count, Deciamperes, Decivolts, Watts};

    use crate::{
        Severity,
        rules::testing::{bank_of, findings, first_finding, found},
    };

    #[test]
    fn different_models_are_error() {
        let bank = bank_of(&["", "model=06"]);
        assert_eq!(findings(&bank), [("ratings", Severity::Error)]);
        let smaller = found(|units| {
            units[1].rated.value_mut().unwrap().output_active_power = Watts(5000);
        });
        assert_eq!(smaller, [("ratings", Severity::Error)]);
    }

    #[test]
    fn different_number_of_strings_is_information_within_model() {
        let strings = |model: u8| {
            let mut bank = bank_of(&["", &format!("model={model:02}")]);
            bank.units[1].rated.value_mut().unwrap().mppt_strings = Count(1);
            bank
        };
        let bank = strings(5);
        assert_eq!(findings(&bank), [("ratings", Severity::Info)]);
        let text = "numbers of MPPT strings differ: sim:0 2 MPPT, sim:1 1 MPPT";
        assert_eq!(first_finding(&bank), text);
        let bank = strings(6);
        assert_eq!(findings(&bank), [("ratings", Severity::Error)]);
        assert!(first_finding(&bank).ends_with("48.0 V battery, 1 MPPT"));
        let smaller = found(|units| {
            let rated = units[1].rated.value_mut().unwrap();
            (rated.mppt_strings, rated.output_active_power) = (Count(1), Watts(5000));
        });
        assert_eq!(smaller, [("ratings", Severity::Error)]);
    }

    #[test]
    fn settings_of_different_models_are_not_compared() {
        let found = findings(&bank_of(&["sun=0&soc=50&load=0", "rated=24"]));
        let errors: Vec<_> =
            found.iter().filter(|(_, severity)| *severity == Severity::Error).collect();
        assert_eq!(errors, [&("ratings", Severity::Error)]);
    }

    #[test]
    fn output_voltage_counts_as_setting_not_rating() {
        let found = found(|units| {
            let rated = units[1].rated.value_mut().unwrap();
            (rated.input_voltage, rated.output_voltage) = (Decivolts(1100), Decivolts(1100));
            rated.output_current = Deciamperes(545);
        });
        assert_eq!(found, [("further-settings", Severity::Error)]);
    }
}
