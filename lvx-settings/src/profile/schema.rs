//! The JSON schema of profiles, with which editors complete, explain and check a profile.

use std::fmt;

use pi18_proto::Model;
use serde::{Serialize, Serializer};

use self::ordered::{Json, object};
use crate::{
    Chemistry, PackLimits, PackModel, Packs, Setting,
    model::value::{Shape, word},
};

mod ordered;

/// The JSON schema (draft 2020-12) of a profile.
///
/// `Display` writes it as JSON, with `{:#}` on several lines; the properties have the order of
/// [`Setting::ALL`]. `Serialize` writes the same object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProfileSchema(Json);

impl Serialize for ProfileSchema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl fmt::Display for ProfileSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if f.alternate() {
            serde_json::to_string_pretty(&self.0)
        } else {
            serde_json::to_string(&self.0)
        };
        f.write_str(&text.map_err(|_| fmt::Error)?)
    }
}

/// Returns the JSON schema of a profile, made from the table of settings.
///
/// The schema is slightly narrower than [`Profile::parse`](crate::Profile::parse): it allows one
/// spelling of each word. Rules that a schema cannot express are checked by [`validate`](crate::validate()).
///
/// ```
/// let schema = serde_json::to_value(lvx_settings::profile_schema())?;
/// assert_eq!(schema["properties"]["backlight"]["title"], "Backlight");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn profile_schema() -> ProfileSchema {
    let mut properties = object! {
        "name": object! {
            "title": "Name",
            "description": "Name or purpose of the profile.",
            "type": "string",
            "minLength": 1,
        },
        "applies_to": applies_to(),
        "battery": battery(),
    };
    for &setting in Setting::ALL {
        let schema = of(setting);
        for alias in setting.aliases() {
            let mut deprecated = schema.clone();
            deprecated.set("deprecated", true);
            deprecated.set("description", format!("Former name of {setting}."));
            properties.set(alias, deprecated);
        }
        properties.set(setting.key(), schema);
    }
    ProfileSchema(object! {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Profile of PI18 inverters",
        "description": "Settings for units. Settings that are not stated are not changed.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "minProperties": 1,
    })
}

/// Returns the schema of a setting's value.
fn of(setting: Setting) -> Json {
    let mut lines: Vec<_> = setting.notes().map(str::to_owned).collect();
    if setting.group().is_installation() {
        lines.push(format!(
            "An installation setting: written only if {setting} is allowed by name."
        ));
    }
    let mut schema = match setting.shape() {
        Shape::Quantity { unit, decimals } => {
            let example = match unit {
                "V" => "54.0 V",
                "A" => "60 A",
                _ => "60.0 Hz",
            };
            let part = if decimals == 0 { "(\\.0+)?" } else { "(\\.[0-9]0*)?" };
            let kind = if decimals == 0 { "integer" } else { "number" };
            object! {
                "anyOf": [
                    object! { "type": kind, "minimum": 0 },
                    object! { "type": "string", "pattern": format!("^[0-9]+{part} ?({unit})?$") },
                ],
                "examples": [example],
            }
        }
        Shape::Switch => {
            let switches =
                [Json::from("on"), Json::from("off"), Json::from(true), Json::from(false)];
            object! { "enum": switches }
        }
        Shape::Window => object! {
            "type": "string",
            "pattern": "^([01]?[0-9]|2[0-3]):[0-5][0-9] ?- ?([01]?[0-9]|2[0-3]):[0-5][0-9]$",
            "examples": ["23:00-06:00", "00:00-00:00"],
        },
        Shape::Clock => {
            object! { "type": "string", "pattern": "^host([+-][0-9]+s)?$", "examples": ["host"] }
        }
        shape @ Shape::Words(_) => object! { "enum": shape.words() },
    };
    schema.set("title", setting.label());
    if !lines.is_empty() {
        schema.set("description", lines.join(" "));
    }
    schema
}

/// Returns the schema of the units that a profile is for.
fn applies_to() -> Json {
    let models: Vec<_> =
        (0..=u8::MAX).filter_map(|number| Model(number).name()).map(word).collect();
    let number = object! { "type": "integer", "minimum": 0 };
    let serial = object! {
        "anyOf": [object! { "type": "string", "minLength": 1, "maxLength": 20 }, number.clone()],
        "examples": ["96132206100410"],
    };
    let model = object! {
        "anyOf": [
            object! { "enum": models },
            object! { "type": "string", "pattern": "^[0-9]{1,2}$" },
            object! { "type": "integer", "minimum": 0, "maximum": 99 },
        ],
    };
    let firmware = object! {
        "anyOf": [object! { "type": "string", "minLength": 1, "maxLength": 8 }, number],
        "examples": ["06306"],
    };
    object! {
        "title": "Units that the profile is for",
        "description": "Other units are refused. A key that is missing allows all units.",
        "type": "object",
        "properties": object! {
            "serials": one_or_more("Serial numbers", serial),
            "models": one_or_more("Product lines, by name or by the number in the reply to GMN", model),
            "main_firmware": one_or_more("Versions of the main processor's firmware", firmware),
        },
        "additionalProperties": false,
    }
}

/// Returns the schema of one value or a list of values.
fn one_or_more(title: &str, one: Json) -> Json {
    let list = object! { "type": "array", "items": one.clone(), "minItems": 1 };
    object! { "title": title, "anyOf": [one, list] }
}

/// Returns the schema of the battery guard.
fn battery() -> Json {
    let cell = |title: &str, example: &str| {
        object! {
            "title": title,
            "anyOf": [
                object! { "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 10 },
                object! { "type": "string", "pattern": "^[0-9](\\.[0-9]{1,3})? ?V?$" },
            ],
            "examples": [example],
        }
    };
    object! {
        "title": "Battery guard",
        "description": "Voltages outside the range of the cells are not written.",
        "type": "object",
        "properties": object! {
            "chemistry": object! {
                "title": "Chemistry of the cells",
                "enum": Chemistry::ALL.map(Chemistry::word),
            },
            "cells": object! {
                "title": "Number of cells in series",
                "type": "integer",
                "minimum": 1,
                "maximum": 65535,
                "examples": [16],
            },
            "max_cell_voltage": cell("Voltage above which no cell is charged", "3.60 V"),
            "min_cell_voltage": cell("Voltage below which no cell is discharged", "2.80 V"),
            "max_bank_charge_current": object! {
                "title": "Maximum charge current of all units together",
                "anyOf": [
                    object! { "type": "integer", "minimum": 1 },
                    object! { "type": "string", "pattern": "^[0-9]+(\\.0+)? ?(A)?$" },
                ],
                "examples": ["120 A"],
            },
            "packs": object! {
                "title": "Model of the packs; the other keys follow from it",
                "enum": PackModel::ALL.map(PackModel::word),
            },
            "count": object! {
                "title": "Number of packs in parallel",
                "type": "integer",
                "minimum": 1,
                "maximum": u32::from(Packs::MAX_COUNT),
                "examples": [3],
            },
            "pack_limits": pack_limits(),
        },
        "dependentRequired": object! {
            "packs": ["count"], "count": ["packs"], "pack_limits": ["packs"],
        },
        "additionalProperties": false,
        "minProperties": 1,
    }
}

/// Returns the schema of the limits that replace those of the packs.
fn pack_limits() -> Json {
    let mut properties = object! {};
    for limit in PackLimits::LIST {
        let kind = if limit.decimals == 0 { "integer" } else { "number" };
        let mut number = object! { "type": kind };
        let mut sign = "-?";
        if limit.unit != "°C" {
            number.set("minimum", 0);
            sign = "";
        }
        let part = match limit.decimals {
            0 => "(\\.0+)?".to_owned(),
            decimals => format!("(\\.[0-9]{{1,{decimals}}})?"),
        };
        let pattern = format!("^{sign}[0-9]+{part} ?({})?$", limit.unit);
        let text = object! { "type": "string", "pattern": pattern };
        properties.set(limit.key, object! { "title": limit.label, "anyOf": [number, text] });
    }
    object! {
        "title": "Limits of one pack that replace those of its maker",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    }
}

#[cfg(test)]
mod tests {
    use jsonschema::Validator;
    use pi18_transport::{
        Client,
        sim::{Bank, BankConfig, SharedBank},
    };

    use serde_json::{Value as Json, json};

    use super::profile_schema;
    use crate::{
        HostClock, Profile, Setting, Unit,
        yaml::{self, Node, NodeKind, PROFILE},
    };

    const PUBLISHED: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/profiles/profile.schema.json");

    /// Returns a file as an editor parses it: numbers as numbers, switches as booleans.
    #[track_caller]
    fn json(text: &str) -> Json {
        fn of(node: &Node) -> Json {
            match &node.kind {
                NodeKind::Scalar { text, is_plain: true } => match text.as_str() {
                    "true" => json!(true),
                    "false" => json!(false),
                    text => text
                        .parse::<u64>()
                        .map(Json::from)
                        .or_else(|_| text.parse::<f64>().map(Json::from))
                        .unwrap_or_else(|_| json!(text)),
                },
                NodeKind::Scalar { text, .. } => json!(text),
                NodeKind::List(items) => items.iter().map(of).collect(),
                NodeKind::Map(entries) => Json::Object(
                    entries
                        .iter()
                        .map(|(key, value)| match of(key) {
                            Json::String(key) => (key, of(value)),
                            key => panic!("{key} is not a key"),
                        })
                        .collect(),
                ),
            }
        }
        of(&yaml::read(text, &PROFILE, &mut Vec::new()).unwrap())
    }

    fn schema() -> Json {
        serde_json::to_value(profile_schema()).unwrap()
    }

    fn validator() -> Validator {
        jsonschema::draft202012::new(&schema()).unwrap()
    }

    #[test]
    fn published_schema_is_current() {
        let generated = format!("{:#}\n", profile_schema());
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(PUBLISHED, &generated).unwrap();
        }
        let published = std::fs::read_to_string(PUBLISHED).unwrap().replace("\r\n", "\n");
        assert!(
            published == generated,
            "set UPDATE_SCHEMA=1 and run this test to update the published schema"
        );
    }

    #[test]
    fn schema_is_valid() {
        let schema = schema();
        let meta = jsonschema::draft202012::meta::validate(&schema);
        assert!(meta.is_ok(), "{}", meta.unwrap_err());
    }

    #[test]
    fn schema_accepts_what_the_parser_accepts() {
        let validator = validator();
        let example = include_str!("../../../examples/profiles/eg4-lp4-v2.yaml");
        for text in [
            example,
            "bulk_voltage: 56.4\nfloat_voltage: 54\ncutoff_voltage: 48.0V\nmax_charging_current: 60",
            "stop_charge_voltage: 54 V\noutput_priority: solar_battery_utility\nbacklight: true",
            "backlight: on\nac_charging_window: 23:00-06:00\nclock: host",
            "applies_to: {serials: 96132206100410, models: [05, infinisolar_v_ii_lv]}\nbattery_type: user",
            "applies_to:\n  main_firmware: [06306, \"06303\"]\nbattery: {cells: 16}\noutput_frequency: 60 Hz",
            "backlight: on\nbattery: {packs: eg4-lp4-v2, count: 3, pack_limits: {max_charge_current: 80 A, min_charge_temperature: -3}}",
            "backlight: on\nbattery: {packs: eg4-lp4-v2, count: 3, pack_limits: {cell_over_voltage: 3.65V, pack_over_voltage: 58.4}}",
        ] {
            Profile::parse("profile", text).unwrap();
            if let Err(error) = validator.validate(&json(text)) {
                panic!("{text}\n{error} at {}", error.instance_path());
            }
        }
        for &setting in Setting::ALL {
            for word in setting.shape().words() {
                let text = format!("{setting}: {word}");
                assert!(validator.is_valid(&json(&text)), "{text}");
            }
        }
    }

    #[test]
    fn schema_accepts_profiles_of_a_unit() {
        let bank = Bank::new(BankConfig::default()).unwrap();
        let mut client = Client::new(SharedBank::virtual_time(bank).link(0));
        let host = HostClock::system();
        let unit = Unit::read(&mut client, &host).unwrap();
        let mut profile = Profile::from_unit(&unit);
        for text in [profile.commented(&unit), profile.to_yaml()] {
            assert!(validator().is_valid(&json(&text)), "{text}");
        }
        // Installation settings and the clock, too.
        profile.settings = unit.settings();
        profile.applies_to.serials = vec![unit.serial_number];
        profile.applies_to.main_firmware = vec![unit.firmware.main];
        assert!(validator().is_valid(&json(&profile.to_yaml())), "{}", profile.to_yaml());
    }

    #[test]
    fn schema_refuses_what_the_parser_refuses() {
        let validator = validator();
        for text in [
            "bulk_voltge: 56.4 V",
            "bulk_voltage: 56.4 A",
            "bulk_voltage: 56.45 V",
            "bulk_voltage: [56.4]",
            "max_charge_current: 60.5",
            "battery_type: lfp",
            "backlight: maybe",
            "battery: {chemistry: lipo}",
            "battery: {cels: 16}",
            "battery: {cells: 0}",
            "battery: {packs: eg4-lp4-v2}",
            "battery: {packs: eg4, count: 3}",
            "battery: {packs: eg4-lp4-v2, count: 65}",
            "battery: {cells: 16, count: 3}",
            "battery: {packs: eg4-lp4-v2, count: 3, pack_limits: {max_current: 80 A}}",
            "battery: {packs: eg4-lp4-v2, count: 3, pack_limits: {max_charge_current: much}}",
            "battery: {packs: eg4-lp4-v2, count: 3, pack_limits: {max_charge_current: 60.5}}",
            "battery: {packs: eg4-lp4-v2, count: 3, pack_limits: {max_charge_voltage: 56 A}}",
            "battery: {packs: eg4-lp4-v2, count: 3, pack_limits: {cell_over_voltage: -3.6}}",
            "applies_to: {serials: []}",
            "applies_to: {models: lvx6048}",
            "ac_load_window: 23:00",
            "clock: now",
            "serial_number: 96132206100410",
        ] {
            assert!(!validator.is_valid(&json(text)), "{text}");
            assert!(Profile::parse("profile", text).is_err(), "{text}");
        }
    }
}
