//! Battery guards, `applies_to` and the rules of a bank, as limits of a plan.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

mod bank;

use bank::{bank, client, host, unit, unit_with, valid_settings};
use lvx_settings::{
    Battery, Chemistry, Millivolts, ObstacleKind, Obstacles, Permissions, Plan, PlannedUnit,
    Profile, Setting, SettingValue, Settings, Unit, validate_for,
};
use pi18_proto::{Amperes, BatteryType, Decivolts, OutputMode};
use proptest::prelude::*;

const GUARD: &str =
    "battery: {chemistry: lfp, cells: 16, max_cell_voltage: 3.40 V, min_cell_voltage: 2.80 V}\n";

fn eg4() -> Battery {
    Battery::new(Chemistry::Lfp, 16, Millivolts(2800), Millivolts(3600))
}

/// Reads all units of a virtual bank with these switches, with their addresses.
fn units(switches: &[&str]) -> Vec<(String, Unit)> {
    let bank = bank(switches);
    let host = host(&mut client(&bank, 0));
    (0..switches.len())
        .map(|at| (format!("sim:{at}"), Unit::read(&mut client(&bank, at), &host).unwrap()))
        .collect()
}

fn pair() -> Vec<(String, Unit)> {
    units(&["frozen=on", "frozen=on"])
}

fn parsed(text: &str) -> Profile {
    Profile::parse("bank.yaml", text).unwrap().into_profile()
}

fn plan_of(
    text: &str,
    units: Vec<(String, Unit)>,
    permissions: &Permissions,
) -> Result<Plan, Obstacles> {
    Plan::for_profile(&parsed(text), units, permissions)
}

#[track_caller]
fn refused(text: &str, units: Vec<(String, Unit)>, permissions: &Permissions) -> Obstacles {
    plan_of(text, units, permissions).unwrap_err()
}

fn kinds(obstacles: &Obstacles) -> Vec<ObstacleKind> {
    let mut kinds: Vec<_> = obstacles.iter().map(|obstacle| obstacle.kind).collect();
    kinds.dedup();
    kinds
}

#[test]
fn profile_guard_and_applies_to_limit_a_plan_without_permissions() {
    let none = Permissions::default();
    let high = refused(&format!("{GUARD}bulk_voltage: 57.6 V\n"), pair(), &none);
    assert_eq!(kinds(&high), [ObstacleKind::Rule]);
    assert!(high.to_string().contains("above 3.40 V"), "{high}");
    let other = refused("applies_to: {main_firmware: \"06440\"}\nbacklight: off\n", pair(), &none);
    assert_eq!(kinds(&other), [ObstacleKind::AppliesTo]);
}

#[test]
fn charge_voltages_require_a_complete_guard_or_a_waiver() {
    let none = Permissions::default();
    let waived = Permissions::default().without_battery_guard();
    for text in [
        "bulk_voltage: 56.0 V\n",
        "float_voltage: 54.1 V\n",
        "cutoff_voltage: 47.0 V\n",
        "battery: {chemistry: lfp}\nbulk_voltage: 56.0 V\n",
        "battery: {cells: 16, max_cell_voltage: 3.60 V}\nbulk_voltage: 56.0 V\n",
    ] {
        let obstacles = refused(text, pair(), &none);
        assert_eq!(kinds(&obstacles), [ObstacleKind::NoBatteryGuard], "{text}{obstacles}");
        assert_eq!(plan_of(text, pair(), &waived).unwrap().steps.len(), 2, "{text}");
        let site = Permissions::default().with_battery(eg4());
        assert_eq!(plan_of(text, pair(), &site).unwrap().battery, Some(eg4()), "{text}");
    }
    // The waiver does not remove a guard that exists.
    let text = "battery: {chemistry: lfp, cells: 16}\nbulk_voltage: 58.4 V\n";
    assert!(plan_of(text, pair(), &waived).is_ok());
    let text = format!("{GUARD}bulk_voltage: 58.4 V\n");
    assert_eq!(kinds(&refused(&text, pair(), &waived)), [ObstacleKind::Rule]);
    for text in ["backlight: off\n", "recharge_voltage: 49 V\n", "max_charge_current: 50 A\n"] {
        assert!(plan_of(text, pair(), &none).is_ok(), "{text}");
    }
}

#[test]
fn implausible_guards_are_refused() {
    let waived = Permissions::default().without_battery_guard();
    for battery in [
        "{chemistry: lfp, cells: 160, max_cell_voltage: 3.60 V, min_cell_voltage: 2.80 V}",
        "{chemistry: lfp, cells: 17, max_cell_voltage: 3.60 V, min_cell_voltage: 2.80 V}",
        "{chemistry: lfp, cells: 8, max_cell_voltage: 3.60 V, min_cell_voltage: 2.80 V}",
        "{cells: 16, max_cell_voltage: 9.99 V}",
    ] {
        let text = format!("battery: {battery}\nbulk_voltage: 56.0 V\n");
        let obstacles = refused(&text, pair(), &waived);
        assert_eq!(kinds(&obstacles), [ObstacleKind::BatteryGuard], "{obstacles}");
    }
}

#[test]
fn profile_may_only_narrow_the_guard_of_the_site() {
    let site = Permissions::default().with_battery(eg4());
    let narrower = format!("{GUARD}bulk_voltage: 54.1 V\n");
    let plan = plan_of(&narrower, pair(), &site).unwrap();
    assert_eq!(plan.battery.unwrap().max_cell_voltage, Some(Millivolts(3400)));
    let wider = GUARD.replace("3.40", "3.65") + "bulk_voltage: 56.0 V\n";
    let obstacles = refused(&wider, pair(), &site).to_string();
    assert!(
        obstacles.contains(
            "max_cell_voltage: expected at most 3.60 V as in the site's battery guard, found 3.65 V"
        ),
        "{obstacles}"
    );
}

#[test]
fn sum_of_charge_currents_stays_within_the_guard() {
    let site =
        Permissions::default().with_battery(eg4().with_max_bank_charge_current(Amperes(120)));
    let sixty = "max_charge_current: 60 A\n";
    assert!(plan_of(sixty, units(&["max-charge=50", "max-charge=50"]), &site).is_ok());
    let obstacles = refused("max_charge_current: 70 A\n", pair(), &site);
    assert_eq!(kinds(&obstacles), [ObstacleKind::Rule]);
    assert!(
        obstacles.to_string().contains("140 A, above max_bank_charge_current 120 A"),
        "{obstacles}"
    );
    let obstacles = refused("max_charge_current: 130 A\n", pair(), &site);
    assert!(obstacles.to_string().contains("max_charge_current 130 A is above"), "{obstacles}");
    // A unit that is not in the plan counts.
    let alone = site.clone().with_part_of_bank();
    let mut first = units(&["max-charge=50", "max-charge=70"]);
    first.truncate(1);
    assert_eq!(kinds(&refused(sixty, first, &alone)), [ObstacleKind::Rule]);
    // The sum stays within the limit at every step.
    let swapped = units(&["max-charge=40", "max-charge=80"]);
    let target =
        [80, 40].map(|amperes| Settings::build(|s| s.max_charge_current = Some(Amperes(amperes))));
    let swapped = swapped.into_iter().zip(target);
    let swapped =
        swapped.map(|((address, unit), target)| PlannedUnit::new(address, unit, target)).collect();
    let plan = Plan::new(swapped, site, None).unwrap();
    assert_eq!(plan.steps.iter().map(|step| step.unit).collect::<Vec<_>>(), [1, 0]);
    plan.check().unwrap();
}

/// Reads some units of a bank, by their index.
fn some_units(switches: &[&str], places: &[usize]) -> Vec<(String, Unit)> {
    let units = units(switches).into_iter().enumerate();
    units.filter(|(at, _)| places.contains(at)).map(|(_, unit)| unit).collect()
}

#[test]
fn raised_current_beside_an_unknown_one_is_refused() {
    let battery = eg4().with_max_bank_charge_current(Amperes(100));
    let alone = Permissions::default().with_battery(battery).with_part_of_bank();
    let pair = ["max-charge=60", "max-charge=60"];
    // The second unit has no report about the first, and the first of three none about the third.
    for start in [
        some_units(&pair, &[1]),
        some_units(&["max-charge=10", "max-charge=10", "max-charge=90"], &[0]),
    ] {
        let obstacles = refused("max_charge_current: 80 A\n", start, &alone);
        assert_eq!(kinds(&obstacles), [ObstacleKind::Rule], "{obstacles}");
        assert!(
            obstacles.to_string().contains("is not known; include all units of the bank"),
            "{obstacles}"
        );
    }
    let lower = plan_of("max_charge_current: 40 A\n", some_units(&pair, &[1]), &alone).unwrap();
    lower.check().unwrap();
    assert!(plan_of("backlight: off\n", some_units(&pair, &[1]), &alone).is_ok());
    assert!(plan_of("max_charge_current: 50 A\n", some_units(&pair, &[0, 1]), &alone).is_ok());
    let waived = Permissions::default().with_battery(eg4()).with_part_of_bank();
    assert!(plan_of("max_charge_current: 80 A\n", some_units(&pair, &[1]), &waived).is_ok());
    // The undo of a plan that lowers it is outside the guard.
    let obstacles = lower.outside_guard(None);
    assert!(
        obstacles.iter().any(|obstacle| obstacle.why.contains("is not known")),
        "{obstacles:?}"
    );
}

#[test]
fn voltages_written_with_others_are_checked_against_the_guard() {
    let low = Battery::new(Chemistry::Lfp, 16, Millivolts(2500), Millivolts(3550));
    let site = Permissions::default().with_battery(low).with_part_of_bank();
    let agm = || units(&["battery-type=0&bulk=58.4&float=54.0&cutoff=40.8"]);
    let obstacles = refused("battery_type: user\n", agm(), &site);
    assert!(
        obstacles.to_string().contains("bulk_voltage 58.4 V is 3.65 V per cell"),
        "{obstacles}"
    );
    assert!(obstacles.iter().all(|obstacle| obstacle.kind == ObstacleKind::Rule), "{obstacles}");
    let within = "battery_type: user\nbulk_voltage: 56.0 V\ncutoff_voltage: 46.0 V\n";
    plan_of(within, agm(), &site).unwrap().check().unwrap();
    // Float and bulk are written together.
    let both = || units(&["bulk=58.0&float=57.6"]);
    let obstacles = refused("bulk_voltage: 56.8 V\n", both(), &site);
    assert!(
        obstacles.to_string().contains("float_voltage 57.6 V is 3.60 V per cell"),
        "{obstacles}"
    );
    assert!(plan_of("bulk_voltage: 56.8 V\nfloat_voltage: 54.0 V\n", both(), &site).is_ok());
    // Settings that the plan does not write may stay outside the guard.
    assert!(plan_of("backlight: off\n", both(), &site).is_ok());
}

#[test]
fn old_currents_above_the_bank_limit_are_reported() {
    let guard = eg4().with_max_bank_charge_current(Amperes(100));
    let start = units(&["max-charge=80", "max-charge=60"]);
    let site = Permissions::default().with_battery(guard);
    let plan = plan_of("max_charge_current: 40 A\n", start.clone(), &site).unwrap();
    let obstacles = plan.outside_guard(Some(&guard));
    assert_eq!(obstacles.len(), 1, "{obstacles:?}");
    assert!(
        obstacles[0].to_string().contains("bank: max_charge_current of all units"),
        "{}",
        obstacles[0]
    );
    assert!(obstacles[0].to_string().contains("140 A, above"), "{}", obstacles[0]);
    // The limit may come from the site; a plan without currents is not checked.
    let none = Permissions::default();
    let plan = plan_of("max_charge_current: 40 A\n", start.clone(), &none).unwrap();
    assert_eq!(plan.outside_guard(None), []);
    assert_eq!(plan.outside_guard(Some(&guard)).len(), 1);
    let plan = plan_of("backlight: off\n", start, &site).unwrap();
    assert_eq!(plan.outside_guard(None), []);
}

#[test]
fn saved_plan_keeps_its_guard_and_requires_permissions_again() {
    let waived = Permissions::default().without_battery_guard();
    let text = "bulk_voltage: 56.0 V\n";
    let plan = plan_of(text, pair(), &waived).unwrap();
    let again: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(again, plan);
    let obstacles = again.clone().permitted(&Permissions::default()).unwrap_err();
    assert_eq!(kinds(&obstacles), [ObstacleKind::NoBatteryGuard]);
    assert_eq!(again.clone().permitted(&waived).unwrap(), plan);
    // The guard of the site limits a plan that was made without one.
    let low = Battery::new(Chemistry::Lfp, 16, Millivolts(2800), Millivolts(3450));
    let obstacles = again.permitted(&Permissions::default().with_battery(low)).unwrap_err();
    assert_eq!(kinds(&obstacles), [ObstacleKind::Rule]);
    let guarded =
        plan_of(&format!("{GUARD}bulk_voltage: 54.1 V\n"), pair(), &Permissions::default());
    assert!(guarded.unwrap().permitted(&Permissions::default()).is_ok());
}

/// The plan was saved before plans had waivers and permissions for part of a bank.
#[test]
fn plan_of_an_earlier_version_requires_a_guard() {
    let plan =
        plan_of("bulk_voltage: 56.0 V\n", pair(), &Permissions::default().without_battery_guard());
    let mut json = serde_json::to_value(plan.unwrap()).unwrap();
    json.as_object_mut().unwrap().remove("no_battery_guard");
    for unit in json["units"].as_array_mut().unwrap() {
        unit["unit"].as_object_mut().unwrap().remove("next_in_bank");
    }
    let old: Plan = serde_json::from_value(json).unwrap();
    assert!(old.check().unwrap_err().to_string().contains("complete battery guard"));
    assert!(old.permitted(&Permissions::default().without_battery_guard()).is_ok());
}

#[test]
fn old_values_outside_the_guard_are_reported() {
    let start = units(&["bulk=58.0", "frozen=on"]);
    let text = format!("{}bulk_voltage: 56.0 V\n", GUARD.replace("3.40", "3.60"));
    let plan = plan_of(&text, start, &Permissions::default()).unwrap();
    let obstacles = plan.outside_guard(None);
    assert_eq!(obstacles.len(), 1);
    assert!(obstacles[0].to_string().contains("bulk_voltage 58.0 V is 3.62"), "{}", obstacles[0]);
    let site = Battery::new(Chemistry::Lfp, 16, Millivolts(2800), Millivolts(3500));
    assert_eq!(plan.outside_guard(Some(&site)).len(), 3);
}

#[test]
fn plan_for_one_unit_of_a_pair_warns_of_the_other() {
    let none = Permissions::default();
    for at in 0..2 {
        let one = || vec![pair().remove(at)];
        let plan = plan_of("backlight: off\n", one(), &none).unwrap();
        assert_eq!(plan.left_out().len(), 1);
        assert!(
            plan.warnings()[0].text.contains("the bank has at least 2 units"),
            "{:?}",
            plan.warnings()
        );
        let obstacles = refused("output_priority: solar_utility_battery\n", one(), &none);
        assert_eq!(kinds(&obstacles), [ObstacleKind::PartOfBank]);
        let alone = Permissions::default().with_part_of_bank();
        assert!(plan_of("output_priority: solar_utility_battery\n", one(), &alone).is_ok());
    }
    // A value that the other unit already has causes no obstacle.
    let mut first = units(&["max-charge=50", "max-charge=60"]);
    first.truncate(1);
    assert!(plan_of("max_charge_current: 60 A\n", first.clone(), &none).is_ok());
    let obstacles = refused("max_charge_current: 70 A\n", first, &none).to_string();
    assert!(obstacles.contains("unit 96132206100411 (instance 1)"), "{obstacles}");
    assert!(obstacles.contains("max_charge_current (it has 60 A)"), "{obstacles}");
    // No unit is missing from a plan for all units of a bank, or for a unit that works alone.
    assert_eq!(plan_of("backlight: off\n", pair(), &none).unwrap().left_out(), []);
    assert_eq!(plan_of("backlight: off\n", units(&["frozen=on"]), &none).unwrap().left_out(), []);
    let mut three = units(&["frozen=on", "frozen=on", "frozen=on"]);
    three.truncate(2);
    assert_eq!(plan_of("backlight: off\n", three, &none).unwrap().left_out().len(), 1);
}

#[test]
fn contradicting_output_modes_are_refused() {
    let allowed = Permissions::default().with_installation([Setting::OutputMode]);
    let obstacles = |mode: &str| refused(&format!("output_mode: {mode}\n"), pair(), &allowed);
    let phases = obstacles("phase_1_of_2");
    assert_eq!(kinds(&phases), [ObstacleKind::OutputModes], "{phases}");
    assert!(phases.to_string().contains("one of two phases has no unit"), "{phases}");
    assert_eq!(kinds(&obstacles("single")), [ObstacleKind::OutputModes]);
    let modes = |modes: [OutputMode; 2]| {
        let units = pair().into_iter().zip(modes).map(|((address, unit), mode)| {
            PlannedUnit::new(address, unit, Settings::build(|s| s.output_mode = Some(mode)))
        });
        Plan::new(units.collect(), allowed.clone(), None)
    };
    assert!(modes([OutputMode::PHASE_1_OF_2, OutputMode::PHASE_2_OF_2]).is_ok());
    assert!(modes([OutputMode::PHASE_1_OF_2, OutputMode::PARALLEL]).is_err());
}

/// Regression: validation accepted `battery_type: agm`, and the plan refused it.
#[test]
fn validation_and_plan_agree_on_battery_type_agm() {
    let text = format!("{GUARD}battery_type: agm\n");
    let none = Permissions::default();
    let found = validate_for(&Profile::parse("agm.yaml", &text).unwrap(), &unit(), &none);
    let obstacles = refused(&text, units(&["frozen=on"]), &none).to_string();
    assert!(found.has_errors(), "{found}{obstacles}");
}

/// Validation for one unit does not consider the settings of the other units of its bank.
#[test]
fn validation_for_a_unit_ignores_other_units() {
    let none = Permissions::default();
    let profile = Profile::parse("single.yaml", "output_mode: single\n").unwrap();
    for (_, unit) in pair() {
        let found = validate_for(&profile, &unit, &none);
        assert!(!found.has_errors(), "{found}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// A profile has no errors for a unit exactly if a plan is found.
    #[test]
    fn validation_and_plan_agree(
        start in valid_settings(),
        target in valid_settings(),
        odd in prop::collection::vec(odd_value(), 0..3),
        stated in prop::collection::vec(any::<prop::sample::Index>(), 1..8),
        battery in prop::option::of(prop::sample::select(vec![
            eg4(),
            Battery::new(Chemistry::LeadAcid, 24, Millivolts(1800), Millivolts(2450)),
            Battery::new(Chemistry::Lfp, 17, Millivolts(2800), Millivolts(3600)),
        ])),
        waived in any::<bool>(),
    ) {
        let mut settings = Settings::default();
        let all: Vec<_> = target.iter().collect();
        for index in stated {
            let (setting, value) = *index.get(&all);
            settings.set(setting, Some(value)).unwrap();
        }
        for (setting, value) in odd {
            settings.set(setting, Some(value)).unwrap();
        }
        let mut profile = Profile::default();
        (profile.battery, profile.settings) = (battery, settings);
        let text = profile.to_yaml();
        let parsed = Profile::parse("any.yaml", &text).unwrap();
        let mut permissions = Permissions::default();
        permissions.no_battery_guard = waived;
        let unit = unit_with(&start);
        let found = validate_for(&parsed, &unit, &permissions);
        let installation = Setting::ALL.iter().filter(|s| s.group().is_installation());
        let permissions = permissions.with_installation(installation.copied());
        let plan = Plan::for_profile(parsed.profile(), [("sim:0".to_owned(), unit)], &permissions);
        prop_assert_eq!(found.has_errors(), plan.is_err(), "{}\n{}\n{:?}", text, found, plan);
    }
}

/// Values of which some are out of range or have no name.
fn odd_value() -> impl Strategy<Value = (Setting, SettingValue)> {
    prop_oneof![
        (400..600_u16).prop_map(|v| (Setting::BulkVoltage, SettingValue::Voltage(Decivolts(v)))),
        (400..600_u16).prop_map(|v| (Setting::FloatVoltage, SettingValue::Voltage(Decivolts(v)))),
        (0..600_u16)
            .prop_map(|v| (Setting::RedischargeVoltage, SettingValue::Voltage(Decivolts(v)))),
        (0..200_u16).prop_map(|a| (Setting::MaxChargeCurrent, SettingValue::Current(Amperes(a)))),
        (0..10_u8).prop_map(|n| {
            let name = BatteryType(n).name();
            (Setting::BatteryType, SettingValue::Code(lvx_settings::Code { number: n, name }))
        }),
        (0..8_u8).prop_map(|n| {
            let name = OutputMode(n).name();
            (Setting::OutputMode, SettingValue::Code(lvx_settings::Code { number: n, name }))
        }),
    ]
}
