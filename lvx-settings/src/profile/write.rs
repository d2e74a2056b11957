//! Writes a profile as YAML, with or without comments.

use std::fmt::Write as _;

use super::{AppliesTo, Profile, document::model_text};
use crate::{Battery, Limits, PackOverrides, Setting, SettingValue, Shape, Unit};

impl Profile {
    /// Returns the settings of a unit as a profile for units of the same model.
    ///
    /// Installation settings, the clock and codes without a name are not included, because they cannot be
    /// copied to other units.
    ///
    /// ```
    /// use lvx_settings::{HostClock, Profile, Unit};
    /// use pi18_transport::Client;
    ///
    /// let unit = Unit::read(&mut Client::open("sim:0")?, &HostClock::system())?;
    /// let profile = Profile::from_unit(&unit);
    /// assert!(profile.to_yaml().contains("bulk_voltage: 56.4 V\n"));
    /// assert!(profile.commented(&unit).contains("# Allowed: 48.0…58.4 V (PI18, MCHGV of a 48 V unit)."));
    /// assert_eq!(profile.settings.output_mode, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn from_unit(unit: &Unit) -> Self {
        from_unit(unit)
    }

    /// Returns the profile as YAML without comments. Parsing the text returns the same profile, if a file
    /// can express it.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        plain(self)
    }

    /// Returns the profile as YAML with comments that explain every setting and its limits on `unit`.
    /// Settings of the unit that the profile does not state are commented out. Parsing the text returns the
    /// same profile.
    #[must_use]
    pub fn commented(&self, unit: &Unit) -> String {
        commented(self, unit)
    }
}

impl Battery {
    /// Returns the guard as YAML, as it is written in a profile.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        battery(self)
    }
}

/// Returns the settings of a unit that can be copied to other units.
fn from_unit(unit: &Unit) -> Profile {
    let settings = unit.settings();
    let is_copied = |setting| {
        settings.get(setting).is_some_and(|value| reason_not_copied(setting, value).is_none())
    };
    // The limits are those of the model. A serial number would exclude the other units of the bank, and
    // a firmware version the next update.
    let models = unit.model.filter(|model| model.name().is_some()).into_iter().collect();
    Profile {
        name: None,
        applies_to: AppliesTo { models, ..AppliesTo::default() },
        battery: None,
        settings: settings.only(is_copied),
    }
}

/// Returns a profile as YAML without comments.
fn plain(profile: &Profile) -> String {
    let mut text = String::new();
    name(profile, &mut text);
    for line in applies_to(&profile.applies_to) {
        push(&mut text, &line);
    }
    if let Some(battery) = &profile.battery {
        for line in guard(battery) {
            push(&mut text, &line);
        }
    }
    for (setting, value) in profile.settings.iter() {
        push(&mut text, &format!("{setting}: {value}"));
    }
    text
}

/// Returns the guard as YAML.
fn battery(battery: &Battery) -> String {
    guard(battery).into_iter().map(|line| line + "\n").collect()
}

/// Returns a profile as YAML with comments.
fn commented(profile: &Profile, unit: &Unit) -> String {
    let mut text = String::new();
    let line = unit.model.map_or("no model".to_owned(), |model| model.to_string());
    let header = [
        "# The settings of one unit, to be kept, or to be changed and applied.",
        "# Settings that are removed from this file are not changed on a unit.",
        "#",
    ];
    for line in header {
        push(&mut text, line);
    }
    let (serial, firmware) = (unit.serial_number, unit.firmware.main);
    push(&mut text, &format!("# Read from unit {serial}, {line}, main firmware {firmware}."));
    text.push('\n');
    if profile.name.is_some() {
        name(profile, &mut text);
    } else {
        push(&mut text, "# name: purpose of this profile");
    }
    text.push('\n');
    units_and_battery(profile, unit, &mut text);
    let (limits, has) = (Limits::of(unit), unit.settings());
    for &setting in Setting::ALL {
        let stated = profile.settings.get(setting);
        let Some(value) = stated.or_else(|| has.get(setting)) else { continue };
        text.push('\n');
        push(&mut text, &format!("# {}", setting.label()));
        for note in setting.notes() {
            push(&mut text, &format!("# {note}"));
        }
        if let Shape::Quantity { .. } | Shape::Words(_) = setting.shape() {
            let limit = limits.get(setting);
            let allowed = limit.allowed.describe(setting);
            push(
                &mut text,
                &format!(
                    "# Allowed: {} ({}).",
                    allowed.trim_start_matches("one of "),
                    limit.origin
                ),
            );
        }
        if stated.is_some() {
            push(&mut text, &format!("{setting}: {value}"));
            continue;
        }
        if let Some(reason) = reason_not_copied(setting, value) {
            push(&mut text, &format!("# {reason}"));
        }
        let value = if setting == Setting::Clock { "host".to_owned() } else { value.to_string() };
        push(&mut text, &format!("# {setting}: {value}"));
    }
    text
}

/// Returns the reason why a setting is not copied from a unit into a profile; `None` if it is.
fn reason_not_copied(setting: Setting, value: SettingValue) -> Option<String> {
    let is_unnamed = match value {
        SettingValue::Code(code) => code.name.is_none(),
        SettingValue::Switch(switch) => switch.0 > 1,
        _ => false,
    };
    if is_unnamed {
        Some(format!("The unit has {value}, which has no name and cannot be written."))
    } else if setting.group().is_installation() {
        Some(format!("An installation setting: written only if {setting} is allowed by name."))
    } else if setting == Setting::Clock {
        Some(
            "Sets the clock of the unit whenever the profile is applied and the clock differs."
                .to_owned(),
        )
    } else {
        None
    }
}

/// Writes the units and the battery that the profile is for.
fn units_and_battery(profile: &Profile, unit: &Unit, text: &mut String) {
    push(
        text,
        "# Units that this profile is for; others are refused. A key that is missing allows all units.",
    );
    let own = &profile.applies_to;
    let stated = applies_to(own);
    if stated.is_empty() {
        push(text, "# applies_to:");
    }
    for line in &stated {
        push(text, line);
    }
    let of_unit = AppliesTo {
        serials: if own.serials.is_empty() { vec![unit.serial_number] } else { Vec::new() },
        models: if own.models.is_empty() { unit.model.into_iter().collect() } else { Vec::new() },
        main_firmware: if own.main_firmware.is_empty() {
            vec![unit.firmware.main]
        } else {
            Vec::new()
        },
    };
    for line in applies_to(&of_unit).iter().skip(1) {
        push(text, &format!("# {line}"));
    }
    text.push('\n');
    push(text, "# The battery guard: voltages outside the range of the cells are not written.");
    if let Some(battery) = &profile.battery {
        for line in guard(battery) {
            push(text, &line);
        }
        return;
    }
    let cells = unit.rated.battery_rated_voltage.0 / 30;
    push(text, "# Fill it in and remove the #; chemistry is lfp, nmc or lead_acid.");
    push(text, "# battery:");
    push(text, "#   chemistry: lfp");
    push(text, &format!("#   cells: {cells}"));
    push(text, "#   max_cell_voltage: 3.60 V");
    push(text, "#   min_cell_voltage: 2.80 V");
    push(text, "#   max_bank_charge_current: 120 A");
}

/// Writes the name of a profile.
fn name(profile: &Profile, text: &mut String) {
    if let Some(name) = &profile.name {
        push(text, &format!("name: {}", quoted(name)));
    }
}

/// Returns the lines for the units that a profile is for; empty if it is for all.
fn applies_to(applies_to: &AppliesTo) -> Vec<String> {
    let mut lines = Vec::new();
    let mut list = |key: &str, values: Vec<String>| {
        if !values.is_empty() {
            lines.push(format!("  {key}: [{}]", values.join(", ")));
        }
    };
    // Quoted, because other YAML readers would read digits as numbers.
    list("serials", applies_to.serials.iter().map(|serial| quoted(serial.as_str())).collect());
    let model = |model: &pi18_proto::Model| match model.name() {
        Some(_) => model_text(*model),
        None => quoted(&model_text(*model)),
    };
    list("models", applies_to.models.iter().map(model).collect());
    let versions = applies_to.main_firmware.iter().map(|version| quoted(version.as_str()));
    list("main_firmware", versions.collect());
    if !lines.is_empty() {
        lines.insert(0, "applies_to:".to_owned());
    }
    lines
}

/// Returns the lines of a battery guard.
fn guard(battery: &Battery) -> Vec<String> {
    let cell = |voltage: Option<crate::Millivolts>| voltage.map(|voltage| voltage.to_string());
    let values = [
        ("chemistry", battery.chemistry.map(|chemistry| chemistry.to_string())),
        ("cells", battery.cells.map(|cells| cells.to_string())),
        ("max_cell_voltage", cell(battery.max_cell_voltage)),
        ("min_cell_voltage", cell(battery.min_cell_voltage)),
        (
            "max_bank_charge_current",
            battery.max_bank_charge_current.map(|current| current.to_string()),
        ),
        ("packs", battery.packs.map(|packs| packs.model.to_string())),
        ("count", battery.packs.map(|packs| packs.count.to_string())),
        ("pack_limits", battery.packs.and_then(|packs| pack_limits(&packs.overrides))),
    ];
    let lines =
        values.iter().filter_map(|(key, value)| Some(format!("  {key}: {}", value.as_ref()?)));
    std::iter::once("battery:".to_owned()).chain(lines).collect()
}

/// Returns the limits that replace those of the packs; `None` if there are none.
fn pack_limits(overrides: &PackOverrides) -> Option<String> {
    let limits: Vec<_> =
        overrides.values().into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
    (!limits.is_empty()).then(|| format!("{{{}}}", limits.join(", ")))
}

/// Returns text in quotation marks, with escapes.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Adds a line without its trailing whitespace.
fn push(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}
