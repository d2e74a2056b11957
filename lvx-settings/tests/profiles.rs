//! Profiles as files: diagnostics of wrong ones, and the round trip of correct ones.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path, sync::OnceLock};

use lvx_settings::{
    AppliesTo, Battery, Chemistry, DiagnosticSeverity, HostClock, Millivolts, Permissions, Profile,
    Setting, SettingValue, Shape, Unit, validate, validate_for,
};
use pi18_proto::{Amperes, BatteryType, Decivolts, Model, SerialNumber, TimeOfDay, Version};
use pi18_transport::{
    Client,
    sim::{Bank, BankConfig, SharedBank, Switches},
};
use proptest::{prelude::*, sample::select};

const EXAMPLE: &str = include_str!("../../examples/profiles/eg4-lp4-v2.yaml");

/// Reads the virtual unit in its initial state.
fn unit() -> Unit {
    static UNIT: OnceLock<Unit> = OnceLock::new();
    UNIT.get_or_init(|| virtual_unit("")).clone()
}

/// Reads the virtual unit with a switch such as `rated=24`.
#[track_caller]
fn virtual_unit(switch: &str) -> Unit {
    let mut own = Switches::default();
    if !switch.is_empty() {
        own.set(switch).unwrap();
    }
    let bank = Bank::new(BankConfig { switches: vec![own], ..BankConfig::default() }).unwrap();
    let mut client = Client::new(SharedBank::virtual_time(bank).link(0));
    let host = HostClock::system();
    Unit::read(&mut client, &host).unwrap()
}

/// Returns the diagnostics of a file, by itself and for the virtual unit.
fn diagnostics(name: &str, bytes: &[u8]) -> String {
    match Profile::parse_bytes(name, bytes) {
        Err(errors) => errors.to_string(),
        Ok(profile) => {
            let (alone, for_unit) = (
                validate(&profile, &Permissions::default()),
                validate_for(&profile, &unit(), &Permissions::default()),
            );
            match (alone == for_unit, alone.is_empty()) {
                (true, _) => alone.to_string(),
                (false, true) => format!("For the virtual unit:\n\n{for_unit}"),
                (false, false) => format!("{alone}\nFor the virtual unit:\n\n{for_unit}"),
            }
        }
    }
}

#[test]
fn wrong_profiles_are_reported_with_place_and_help() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/profiles");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 24, "{} files", files.len());
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let text = diagnostics(&format!("{name}.yaml"), &fs::read(&file).unwrap());
        assert!(!text.is_empty(), "{name}: expected diagnostics, found none");
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn example_profile_matches_the_commissioned_bank() {
    let parsed = Profile::parse("eg4-lp4-v2.yaml", EXAMPLE).unwrap();
    for found in [
        validate(&parsed, &Permissions::default()),
        validate_for(&parsed, &unit(), &Permissions::default()),
    ] {
        assert!(found.is_empty(), "{found}");
    }
    let profile = parsed.into_profile();
    assert_eq!(profile.applies_to.main_firmware, [Version::new("06306").unwrap()]);
    assert_eq!(profile.applies_to.refuses(&unit()), None);
    let battery = Battery::new(Chemistry::Lfp, 16, Millivolts(2800), Millivolts(3600));
    assert_eq!(profile.battery, Some(battery));
    let stated: Vec<_> = profile.settings.iter().collect();
    let user = Setting::BatteryType.parse("user").unwrap();
    assert_eq!(
        stated,
        [
            (Setting::BatteryType, user),
            (Setting::BulkVoltage, SettingValue::Voltage(Decivolts(564))),
            (Setting::FloatVoltage, SettingValue::Voltage(Decivolts(540))),
            (Setting::CutoffVoltage, SettingValue::Voltage(Decivolts(480))),
            (Setting::RechargeVoltage, SettingValue::Voltage(Decivolts(480))),
            (Setting::RedischargeVoltage, SettingValue::Voltage(Decivolts(540))),
            (Setting::MaxChargeCurrent, SettingValue::Current(Amperes(60))),
        ]
    );
    assert_eq!(profile.settings.battery_type, Some(BatteryType::USER));
}

#[test]
fn commented_profile_of_a_unit_is_read_back() {
    for switches in ["", "rated=24", "model=14", "edition=2017", "battery-type=7"] {
        let unit = virtual_unit(switches);
        let profile = Profile::from_unit(&unit);
        let text = profile.commented(&unit);
        let parsed = Profile::parse("unit.yaml", &text).unwrap();
        assert_eq!(parsed.profile(), &profile, "{switches}");
        let found = validate_for(&parsed, &unit, &Permissions::default());
        assert!(!found.has_errors(), "{switches}: {found}");
        assert!(unit.settings().satisfy(&profile.settings));
        if switches == "battery-type=7" {
            assert_eq!(profile.settings.battery_type, None);
            assert!(text.contains("\n# battery_type: code 7\n"), "{text}");
        }
        if switches.is_empty() {
            insta::assert_snapshot!("commented", text);
        }
    }
}

/// Removing the comment signs yields a valid profile.
#[test]
fn uncommented_settings_of_a_unit_are_valid() {
    let unit = unit();
    let text = Profile::from_unit(&unit).commented(&unit);
    let is_yaml = |line: &str| {
        let key = line.trim_start().split(':').next().unwrap_or_default();
        line.contains(':') && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let open: Vec<_> = text
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| is_yaml(rest)).unwrap_or(line))
        .collect();
    let parsed = Profile::parse("unit.yaml", &open.join("\n")).unwrap();
    let found = validate_for(&parsed, &unit, &Permissions::default());
    assert!(found.is_empty(), "{found}");
    let stated = parsed.profile().settings;
    assert!(unit.settings().iter().all(|(setting, _)| stated.get(setting).is_some()));
    assert_eq!(parsed.profile().applies_to.serials, [unit.serial_number]);
}

/// The voltages that a battery type sets may be stated together with it.
#[test]
fn voltages_of_the_battery_type_are_valid() {
    let unit = virtual_unit("battery-type=0");
    let own = "battery: {cells: 24, chemistry: lead_acid, max_cell_voltage: 2.45 V, min_cell_voltage: 1.70 V}\nbattery_type: agm\nbulk_voltage: 56.4 V\n";
    let found =
        validate_for(&Profile::parse("own.yaml", own).unwrap(), &unit, &Permissions::default());
    assert!(found.is_empty(), "{found}");
    let other = own.replace("56.4", "55.2");
    let found = validate_for(
        &Profile::parse("other.yaml", &other).unwrap(),
        &unit,
        &Permissions::default(),
    );
    assert!(found.to_string().contains("AGM has bulk_voltage 56.4 V instead of 55.2 V"), "{found}");
    // The unit has this voltage with `user`.
    let flooded = own.replace("agm", "flooded");
    let found = validate_for(
        &Profile::parse("flooded.yaml", &flooded).unwrap(),
        &self::unit(),
        &Permissions::default(),
    );
    assert!(found.to_string().contains("flooded sets its own voltages"), "{found}");
    // The factory voltage of the factory's type.
    let factory = own.replace("56.4", "56.4 V\ncutoff_voltage: 40.8 V\nfloat_voltage: 54.0");
    let found = validate_for(
        &Profile::parse("factory.yaml", &factory).unwrap(),
        &self::unit(),
        &Permissions::default(),
    );
    assert!(!found.has_errors(), "{found}");
    let user = "battery: {cells: 24, chemistry: lead_acid, max_cell_voltage: 2.45 V, min_cell_voltage: 1.70 V}\nbattery_type: user\nbulk_voltage: 55.2 V\n";
    let found =
        validate_for(&Profile::parse("user.yaml", user).unwrap(), &unit, &Permissions::default());
    assert!(found.is_empty(), "{found}");
}

/// A value that is not in the unit's list but was set on its display is not written.
#[test]
fn present_value_outside_the_limits_is_valid() {
    let unit = virtual_unit("max-charge=100");
    let profile = |amperes: u16| {
        Profile::parse("a.yaml", &format!("max_charge_current: {amperes} A\n")).unwrap()
    };
    let found = validate_for(&profile(100), &unit, &Permissions::default());
    assert!(found.is_empty(), "{found}");
    assert!(validate_for(&profile(90), &unit, &Permissions::default()).has_errors());
}

#[test]
fn profile_for_other_units_is_refused_with_all_reasons() {
    let unit = unit();
    let mut applies_to = AppliesTo::default();
    assert_eq!(applies_to.refuses(&unit), None);
    applies_to.models = vec![Model::V, Model::V2_LV];
    assert_eq!(applies_to.refuses(&unit), None);
    applies_to.models = vec![Model::V];
    applies_to.main_firmware = vec![Version::new("06303").unwrap()];
    insta::assert_snapshot!(
        applies_to.refuses(&unit).unwrap(),
        @"the profile is for model infinisolar_v, but unit 96132206100410 is infinisolar_v_ii_lv; the profile is for main firmware 06303, but unit 96132206100410 has 06306"
    );
    applies_to = AppliesTo::default();
    applies_to.models = vec![Model::V];
    let mut older = unit;
    older.model = None;
    insta::assert_snapshot!(
        applies_to.refuses(&older).unwrap(),
        @"the profile is for model infinisolar_v, but unit 96132206100410 does not report its model"
    );
}

#[test]
fn large_file_is_refused() {
    let text = "# a profile\n".repeat(30_000);
    let errors = Profile::parse("large.yaml", &text).unwrap_err();
    insta::assert_snapshot!(errors, @r"
    error: expected a profile of at most 256 KiB, found 351 KiB
    --> large.yaml
     |
     = help: a profile states each setting once, in a few lines
    ");
}

#[test]
fn wrong_words_are_underlined_in_the_command_line() {
    let refusal =
        |words: &[&str]| Profile::from_words("command line", words).unwrap_err().to_string();
    insta::assert_snapshot!(
        [
            refusal(&["bulk_voltage=high", "output_priority=solar_first"]),
            refusal(&["bulk_voltge=56", "float_voltage=54", "float_voltage=53"]),
            refusal(&["backlight=", "battery_type"]),
            refusal(&[]),
        ]
        .join("\n")
    );
    let profile =
        Profile::from_words("command line", &["ac_charge_window=23:00 - 06:00", "clock=host"]);
    assert_eq!(profile.unwrap().profile().settings.iter().count(), 2);
}

#[test]
fn bytes_outside_utf_8_are_reported() {
    let errors = Profile::parse_bytes("utf16.yaml", b"name: x\nbulk\xff\xfe").unwrap_err();
    insta::assert_snapshot!(errors, @r"
    error: expected text in UTF-8, found other bytes
     --> utf16.yaml:2:5
      |
    2 | bulk
      |     ^ after this place
      |
      = help: save the file as UTF-8
    ");
}

#[test]
fn byte_order_mark_and_windows_line_ends_are_accepted() {
    let text = format!("\u{feff}{}", EXAMPLE.replace('\n', "\r\n"));
    let profile = Profile::parse("windows.yaml", &text).unwrap().into_profile();
    assert_eq!(profile, Profile::parse("unix.yaml", EXAMPLE).unwrap().into_profile());
}

#[test]
fn places_are_byte_ranges_within_the_text() {
    let text = "name: 電池\nbulk_voltage: 56.4 ボルト\n";
    let errors = Profile::parse("wide.yaml", text).unwrap_err();
    let one = errors.iter().next().unwrap();
    assert_eq!(one.severity, DiagnosticSeverity::Error);
    assert_eq!(text.get(one.labels[0].span.clone()), Some("56.4 ボルト"));
    let errors = Profile::parse("bom.yaml", "\u{feff}bulk_voltge: 56.4 V\n").unwrap_err();
    assert_eq!(errors.iter().next().unwrap().labels[0].span, 0..11);
    assert_eq!(errors.text(), "bulk_voltge: 56.4 V\n");
}

/// Generates any value of a setting that a file can express.
fn value(setting: Setting) -> BoxedStrategy<SettingValue> {
    let text = match setting.shape() {
        Shape::Quantity { decimals: 0, .. } => (0..=999_u16).prop_map(|n| n.to_string()).boxed(),
        Shape::Quantity { .. } => {
            (0..=65_535_u16).prop_map(|n| format!("{}.{}", n / 10, n % 10)).boxed()
        }
        Shape::Window => (0..1440_u16, 0..1440_u16)
            .prop_map(|(start, end)| {
                let time = |minutes: u16| {
                    let part = |n: u16| u8::try_from(n).unwrap();
                    TimeOfDay::new(part(minutes / 60), part(minutes % 60)).unwrap()
                };
                format!("{}-{}", time(start), time(end))
            })
            .boxed(),
        Shape::Clock => (-99_999..99_999_i64)
            .prop_map(|n| if n == 0 { "host".to_owned() } else { format!("host{n:+}s") })
            .boxed(),
        _ => {
            let words = setting.shape().words();
            prop_oneof![
                4 => select(words),
                1 => (0..=255_u8).prop_map(|number| format!("code {number}")),
            ]
            .boxed()
        }
    };
    text.prop_map(move |text| setting.parse(&text).unwrap()).boxed()
}

fn settings() -> impl Strategy<Value = Vec<(Setting, SettingValue)>> {
    let one = select(Setting::ALL).prop_flat_map(|setting| (Just(setting), value(setting)));
    proptest::collection::vec(one, 1..12)
}

fn battery() -> impl Strategy<Value = Option<Battery>> {
    let cell = || proptest::option::of((0..=9999_u16).prop_map(Millivolts));
    let any = (
        proptest::option::of(select(&Chemistry::ALL[..])),
        proptest::option::of(1..=u16::MAX),
        cell(),
        cell(),
        proptest::option::of((1..=u16::MAX).prop_map(Amperes)),
    );
    any.prop_map(|(chemistry, cells, max, min, current)| {
        let mut battery = Battery::default();
        (battery.chemistry, battery.cells) = (chemistry, cells);
        (battery.max_cell_voltage, battery.min_cell_voltage) = (max, min);
        battery.max_bank_charge_current = current;
        Some(battery).filter(|battery| *battery != Battery::default())
    })
}

fn profile() -> impl Strategy<Value = Profile> {
    use proptest::collection::vec;
    let text = |pattern: &'static str| {
        pattern.prop_map(|text: String| text).prop_filter("blank", |text| text.trim() == text)
    };
    (
        proptest::option::of("[^\\p{Cc}]{1,30}"),
        vec(
            text("[!-+\\--~][ -+\\--~]{0,19}").prop_map(|text| SerialNumber::new(&text).unwrap()),
            0..3,
        ),
        vec((0..=99_u8).prop_map(Model), 0..3),
        vec(text("[!-+\\--~]{1,8}").prop_map(|text| Version::new(&text).unwrap()), 0..3),
        battery(),
        settings(),
    )
        .prop_map(|(name, serials, models, main_firmware, battery, stated)| {
            let mut profile = Profile::default();
            (profile.name, profile.battery) = (name, battery);
            profile.applies_to.serials = serials;
            profile.applies_to.models = models;
            profile.applies_to.main_firmware = main_firmware;
            for (setting, value) in stated {
                profile.settings.set(setting, Some(value)).unwrap();
            }
            profile
        })
}

/// Generates text that is nearly correct, so that later checks are reached.
fn nearly_correct_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        select(Setting::ALL).prop_map(|setting| setting.key().to_owned()),
        select(vec![
            ": ",
            ":",
            "\n",
            "\r\n",
            "\n  ",
            "\t",
            "- ",
            "[",
            "]",
            "{",
            "}",
            ", ",
            "\"",
            "'",
            "#",
            " # ",
            "&a ",
            "*a",
            "!t ",
            "---\n",
            "...\n",
            "%",
            "|\n",
            "? ",
            "\u{feff}",
            "\r",
            "\u{1b}[2J",
            "é",
            "電",
            "\u{85}",
            "\u{2028}",
            "56.4 V",
            "60 A",
            "user",
            "on",
            "battery",
            "applies_to",
            "name",
            "serials",
            "models",
            "main_firmware",
            "cells",
            "chemistry",
            "lfp",
            "16",
            "~",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,4}",
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

#[track_caller]
fn check_any_text(text: &str) {
    let found = match Profile::parse("any.yaml", text) {
        Ok(profile) => {
            let alone = validate(&profile, &Permissions::default());
            let inside = |span: &std::ops::Range<usize>| alone.text().get(span.clone()).is_some();
            assert!(alone.iter().flat_map(|one| &one.labels).all(|label| inside(&label.span)));
            validate_for(&profile, &unit(), &Permissions::default())
        }
        Err(errors) => {
            assert!(errors.has_errors());
            errors
        }
    };
    for label in found.iter().flat_map(|one| &one.labels) {
        assert!(found.text().get(label.span.clone()).is_some(), "{label:?} in {text:?}");
    }
    let raw = |c: char| c.is_control() && c != '\n';
    assert!(!found.to_string().contains(raw), "{text:?}");
}

proptest! {
    #[test]
    fn profile_is_read_back_from_its_text(profile in profile()) {
        let text = profile.to_yaml();
        let parsed = Profile::parse("written.yaml", &text);
        prop_assert!(parsed.is_ok(), "{text}\n{}", parsed.unwrap_err());
        prop_assert_eq!(&parsed.unwrap().into_profile(), &profile, "{}", text);
        let unit = unit();
        let parsed = Profile::parse("explained.yaml", &profile.commented(&unit)).unwrap();
        prop_assert_eq!(parsed.into_profile(), profile);
    }

    #[test]
    fn any_text_is_read_or_reported_with_places(text in "(?s:.){0,200}") {
        check_any_text(&text);
    }

    #[test]
    fn nearly_correct_text_is_read_or_reported_with_places(text in nearly_correct_text()) {
        check_any_text(&text);
    }
}

#[test]
fn guard_with_packs_is_written_and_read_back() {
    for text in [
        "packs: eg4-lp4-v2\ncount: 3\n",
        "battery: {packs: eg4-lp4-v2, count: 1, max_cell_voltage: 3.55 V}",
        "{count: 64, packs: eg4-lp4-v2, pack_limits: {max_charge_current: 80, min_charge_temperature: -3 °C}}",
    ] {
        let guard = Battery::parse("battery.yaml", text).unwrap();
        assert_eq!(guard.packs.unwrap().model.to_string(), "eg4-lp4-v2");
        assert_eq!(Battery::parse("battery.yaml", &guard.to_yaml()).unwrap(), guard, "{text}");
        let json = serde_json::to_string(&guard).unwrap();
        assert_eq!(serde_json::from_str::<Battery>(&json).unwrap(), guard, "{json}");
    }
    let wrong = Battery::parse("battery.yaml", "cells: 16\ncount: 3\n").unwrap_err().to_string();
    assert!(wrong.contains("count: expected packs too, found none"), "{wrong}");
    let wrong = Battery::parse("battery.yaml", "packs: eg4-lp4-v2\n").unwrap_err().to_string();
    assert!(wrong.contains("packs: expected count too, found none"), "{wrong}");
}
