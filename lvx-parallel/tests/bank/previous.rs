//! Files that the previous version saved are read.

use lvx_parallel::{BankSnapshot, Checks, UnitSnapshot, check};
use lvx_settings::Setting;
use pi18_proto::{Count, Decivolts, WorkingMode};

/// Two units of the virtual bank, written by `lvx dump`.
const BANK: &str = include_str!("../previous/bank.yaml");

#[test]
fn bank_of_previous_version_is_read() {
    let bank = BankSnapshot::parse(BANK).unwrap();
    assert_eq!(bank.started.unwrap().to_string(), "2026-11-27 13:43:48");
    assert_eq!(bank.started.unwrap().utc_offset_minutes(), None);
    assert_eq!(bank.units[1].serial.unwrap().to_string(), "96132206100411");
    let names: Vec<_> = bank.units.iter().map(|unit| unit.name.as_str()).collect();
    assert_eq!(names, ["sim:0", "sim:1"]);
    assert!(bank.is_complete());
    let serials = bank.units.iter().map(|unit| unit.serial_number().unwrap().to_string());
    assert_eq!(serials.collect::<Vec<_>>(), ["96132206100410", "96132206100411"]);
    let [unit, other] = bank.units.as_slice() else { panic!("{bank:?}") };
    assert_eq!([unit, other].map(UnitSnapshot::instance), [Some(Count(0)), Some(Count(1))]);
    assert_eq!(unit.working_mode(), Some(WorkingMode::HYBRID));
    let rated = unit.rated.value().unwrap();
    assert_eq!(rated.float_voltage, Decivolts(540));
    let settings = unit.settings();
    for (setting, expected) in [
        (Setting::MaxChargeCurrent, "60 A"),
        (Setting::MaxAcChargeCurrent, "30 A"),
        (Setting::OutputPriority, "solar_battery_utility"),
        (Setting::ChargerPriority, "solar_first"),
        (Setting::SolarPriority, "battery_load_utility"),
    ] {
        assert_eq!(settings.get(setting).unwrap().to_string(), expected, "{setting:?}");
    }
}

#[test]
fn bank_of_previous_version_is_judged_and_saved() {
    let bank = BankSnapshot::parse(BANK).unwrap();
    assert!(check(&bank).is_healthy(), "{}", check(&bank));
    let checks = Checks::default().with_baseline(bank.clone());
    let report = checks.check(&bank);
    assert!(report.to_string().contains("nothing changed since the saved bank"), "{report}");
    assert_eq!(BankSnapshot::parse(&bank.to_yaml()), Ok(bank.clone()));
    // Saved again, the units have their serial numbers as keys; all else is the same.
    let again = bank.to_yaml().replace("version: 2", "version: 1");
    let added =
        ["410", "411"].map(|end| format!("\n  serial_number: \"96132206100{end}\"\n  protocol"));
    let again = added.iter().fold(again, |text, added| text.replacen(added, "\n  protocol", 1));
    assert_eq!(again, BANK);
}
