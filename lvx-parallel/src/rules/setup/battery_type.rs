//! `battery-type`: the voltages of a unit are those of its battery type.
//!
//! Voltages that a user sets are in effect with battery type user. With type AGM or flooded, a unit charges with
//! the voltages of that type. It is not known which voltages such a unit shows if others were set before; if it
//! shows others, the voltages in effect are unknown.
//!
//! Source: PI18 2017 and 2022, "PBT"; the voltages of the types are those of the charging tables in the manuals of
//! Voltronic's 48 V units, from memory (assumed). Units of 12 and 24 V have a share of them.

use lvx_settings::Settings;
use pi18_proto::{BatteryType, Decivolts};

use crate::{
    Finding, FindingKind, Severity, UnitSnapshot,
    context::{Context, observed},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "battery-type",
    "a unit of battery type AGM or flooded shows voltages of another type",
    "PI18 2017 and 2022, \"PBT\"; voltages of the types: makers' manuals (assumed)",
    &[&OTHER_VOLTAGES],
    check,
);

static OTHER_VOLTAGES: FindingKind = FindingKind::new(
    Severity::Warning,
    "battery type AGM or flooded, and a bulk or float voltage of another type",
    "voltages that a user sets are in effect with battery type user; with this type, the unit may charge with \
     other voltages than it shows, which can overcharge the battery",
    &[
        "compare bulk and float voltage on the display with those that the maker of the battery gives",
        "set battery type user and then these voltages, on the display or in a profile",
    ],
);

/// Bulk and float voltage of a battery type, for a battery of 48 V.
const VOLTAGES: [(BatteryType, [Decivolts; 2]); 2] = [
    (BatteryType::AGM, [Decivolts(564), Decivolts(540)]),
    (BatteryType::FLOODED, [Decivolts(584), Decivolts(540)]),
];

fn check(context: &Context<'_>) -> Vec<Finding> {
    let values: Vec<_> = context
        .units
        .iter()
        .filter_map(|unit| {
            let [kind, bulk, float] = other_voltages(unit)?;
            Some(observed(unit, format_args!("{kind}, bulk {bulk}, float {float}")))
        })
        .collect();
    if values.is_empty() {
        return Vec::new();
    }
    vec![RULE.report(&OTHER_VOLTAGES, "voltages of another battery type", values)]
}

/// Returns battery type, bulk and float voltage of a unit as they are shown, if the voltages are not those of the
/// type.
fn other_voltages(unit: &UnitSnapshot) -> Option<[String; 3]> {
    let rated = unit.rated.value()?.battery_rated_voltage;
    let Settings { battery_type, bulk_voltage, float_voltage, .. } = unit.settings();
    let (kind, bulk, float) = (battery_type?, bulk_voltage?, float_voltage?);
    let (_, expected) = VOLTAGES.into_iter().find(|(known, _)| *known == kind)?;
    let is_of_type = [bulk, float].into_iter().zip(expected).all(|(shown, for_48_v)| {
        u32::from(shown.0) * u32::from(RATED_48_V.0) == u32::from(for_48_v.0) * u32::from(rated.0)
    });
    (!is_of_type && rated.0 > 0).then(|| [kind.to_string(), bulk.to_string(), float.to_string()])
}

const RATED_48_V: Decivolts = Decivolts(480);

#[cfg(test)]
mod tests {
    use crate::{
        Severity,
        rules::testing::{bank_of, findings, first_finding},
    };

    /// Returns the findings in a bank of two units with these switches.
    fn found(switches: &str) -> Vec<(&'static str, Severity)> {
        findings(&bank_of(&[switches, switches]))
    }

    #[test]
    fn voltages_of_another_type_are_reported() {
        let agm = "battery-type=0&bulk=56.0&float=54.0&sun=20";
        assert_eq!(found(agm), [("battery-type", Severity::Warning)]);
        assert_eq!(
            first_finding(&bank_of(&[agm, agm])),
            "voltages of another battery type: sim:0 + sim:1 AGM, bulk 56.0 V, float 54.0 V"
        );
        let flooded = "battery-type=1&bulk=56.4&float=54.0&sun=20";
        assert_eq!(found(flooded), [("battery-type", Severity::Warning)]);
    }

    #[test]
    fn different_types_are_left_to_settings() {
        let bank = bank_of(&["battery-type=1&sun=20", "sun=20"]);
        assert_eq!(findings(&bank), [("settings", Severity::Error)]);
    }

    #[test]
    fn voltages_of_the_type_are_healthy() {
        assert_eq!(found("battery-type=0&bulk=56.4&float=54.0&sun=20"), []);
        assert_eq!(found("battery-type=1&bulk=58.4&float=54.0&sun=20"), []);
        assert_eq!(found("battery-type=2&bulk=56.0&float=53.5&redischarge=53&sun=20"), []);
        let small = "rated=24&battery-type=0&bulk=28.2&float=27.0&sun=20";
        assert_eq!(found(small), []);
    }
}
