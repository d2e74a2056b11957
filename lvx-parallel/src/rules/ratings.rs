//! All units are of one model.

use pi18_proto::{Model, RatedInformation};

use super::Rule;
use crate::{
    Finding, Severity, UnitSnapshot,
    context::{Context, differ, each},
};

pub(super) static RULE: Rule = Rule::new(
    "ratings",
    "a different model in the bank: ratings or product lines differ",
    "PI18 2017 and 2022, \"PIRI\" and \"GMN\"",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    if !differs(context) {
        return Vec::new();
    }
    let values = each(&context.units, |unit| {
        let rated = unit.rated.value()?;
        let model = model(unit).map(|model| format!("{model}, ")).unwrap_or_default();
        let RatedInformation { output_active_power, battery_rated_voltage, mppt_strings, .. } =
            rated;
        Some(format!(
            "{model}{output_active_power}, {battery_rated_voltage} battery, {mppt_strings} MPPT"
        ))
    });
    let why = "only units of one model share loads and a battery as they should";
    vec![
        RULE.finding(Severity::Error, "units of different models in one bank", values, why)
            .advise(&["check the rating plates", "take the unit that differs out of the bank"]),
    ]
}

pub(super) fn differs(context: &Context<'_>) -> bool {
    differ(&context.units, plate) || differ(&context.units, model)
}

/// What does not change with a setting.
fn plate(unit: &UnitSnapshot) -> Option<impl PartialEq + use<>> {
    let rated = unit.rated.value()?;
    Some((
        rated.battery_rated_voltage,
        rated.output_apparent_power,
        rated.output_active_power,
        rated.topology,
        rated.mppt_strings,
    ))
}

fn model(unit: &UnitSnapshot) -> Option<Model> {
    Some(unit.model.value()?.model)
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Deciamperes, Decivolts, Watts};

    use crate::{
        Severity,
        rules::testing::{bank_of, findings, found},
    };

    #[test]
    fn another_model_is_told() {
        let bank = bank_of(&["", "model=06"]);
        assert_eq!(findings(&bank), [("ratings", Severity::Error)]);
        let smaller = found(|units| {
            units[1].rated.value_mut().unwrap().output_active_power = Watts(5000);
        });
        assert_eq!(smaller, [("ratings", Severity::Error)]);
    }

    #[test]
    fn settings_of_a_unit_for_another_battery_are_not_held_against_it() {
        let found = findings(&bank_of(&["sun=0&soc=50&load=0", "rated=24"]));
        let errors: Vec<_> =
            found.iter().filter(|(_, severity)| *severity == Severity::Error).collect();
        assert_eq!(errors, [&("ratings", Severity::Error)]);
    }

    #[test]
    fn an_output_voltage_is_a_setting() {
        let found = found(|units| {
            let rated = units[1].rated.value_mut().unwrap();
            (rated.input_voltage, rated.output_voltage) = (Decivolts(1100), Decivolts(1100));
            rated.output_current = Deciamperes(545);
        });
        assert_eq!(found, [("further-settings", Severity::Error)]);
    }
}
