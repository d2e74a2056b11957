//! `ratings`: all units are of the same model.
//!
//! Compares the rated battery voltage, apparent and active power, topology and number of MPPT strings in
//! `PIRI`, and the product line in `GMN`. Only units of the same model share loads and a battery
//! correctly. The rated output voltage is a setting and is not compared here.
//!
//! Source: PI18 2017 and 2022, "PIRI" and "GMN".

use pi18_proto::RatedInformation;

use crate::{
    Finding, Severity,
    context::{Context, each},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "ratings",
    "units of different models: ratings or product lines differ",
    "PI18 2017 and 2022, \"PIRI\" and \"GMN\"",
    &[],
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    if !context.has_different_models() {
        return Vec::new();
    }
    let values = each(&context.units, |unit| {
        let rated = unit.rated.value()?;
        let model = unit.model.value().map(|model| format!("{}, ", model.model));
        let model = model.unwrap_or_default();
        let RatedInformation { output_active_power, battery_rated_voltage, mppt_strings, .. } =
            rated;
        Some(format!(
            "{model}{output_active_power}, {battery_rated_voltage} battery, {mppt_strings} MPPT"
        ))
    });
    let what = "units of different models in one bank";
    let why = "only units of the same model share loads and a battery correctly";
    vec![
        RULE.finding(Severity::Error, what, values, why)
            .advise(&["check the rating plates", "take the unit that differs out of the bank"]),
    ]
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Deciamperes, Decivolts, Watts};

    use crate::{
        Severity,
        rules::testing::{bank_of, findings, found},
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
