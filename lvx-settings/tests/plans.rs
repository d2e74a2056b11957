//! Plans: the order of writes, obstacles, and checks of plan files.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

mod bank;

use bank::{profile, unit, unit_with, valid_settings};
use lvx_settings::{
    Battery, Chemistry, Millivolts, Permissions, Plan, PlannedUnit, Setting, Settings, broken_rules,
};
use pi18_proto::{Amperes, BatteryType, Count, Decivolts, OutputMode};
use proptest::prelude::*;

/// Returns the permission to write charge voltages without a guard.
fn waived() -> Permissions {
    Permissions::default().without_battery_guard()
}

fn all_allowed() -> Permissions {
    let installation = Setting::ALL.iter().filter(|setting| setting.group().is_installation());
    waived().with_installation(installation.copied())
}

fn planned(start: Settings, target: Settings, serial: &str) -> PlannedUnit {
    let mut unit = unit_with(&start);
    unit.serial_number = pi18_proto::SerialNumber::new(serial).unwrap();
    PlannedUnit::new(format!("sim:{serial}"), unit, target)
}

const SERIALS: [&str; 3] = ["96132206100410", "96132206100411", "96132206100412"];

#[track_caller]
fn refused(target: Settings) -> String {
    let start = unit().settings();
    let errors = Plan::new(vec![planned(start, target, SERIALS[0])], waived(), None).unwrap_err();
    errors.iter().map(|error| error.to_string() + "\n").collect()
}

#[test]
fn equal_settings_are_not_written() {
    let now = unit().settings();
    let plan = Plan::new(vec![planned(now, now, SERIALS[0])], waived(), None).unwrap();
    assert!(plan.is_empty());
}

#[test]
fn settings_of_one_command_are_written_together_in_a_sound_order() {
    let start = profile(|s| {
        s.bulk_voltage = Some(Decivolts(520));
        s.float_voltage = Some(Decivolts(510));
        s.redischarge_voltage = Some(Decivolts(500));
    });
    let target = profile(|s| {
        s.bulk_voltage = Some(Decivolts(564));
        s.float_voltage = Some(Decivolts(540));
        s.redischarge_voltage = Some(Decivolts(540));
    });
    let raising = Plan::new(vec![planned(start, target, SERIALS[0])], waived(), None).unwrap();
    let lines = |plan: &Plan| -> Vec<String> {
        plan.steps.iter().map(|step| serde_json::to_string(&step.to).unwrap()).collect()
    };
    insta::assert_snapshot!(lines(&raising).join("\n"));
    let lowering = Plan::new(vec![planned(target, start, SERIALS[0])], waived(), None).unwrap();
    insta::assert_snapshot!(lines(&lowering).join("\n"));
}

#[test]
fn all_obstacles_are_reported_at_once() {
    insta::assert_snapshot!(refused(profile(|s| {
        s.max_charge_current = Some(Amperes(100));
        s.bulk_voltage = Some(Decivolts(585));
        s.float_voltage = Some(Decivolts(590));
        s.redischarge_voltage = Some(Decivolts(0));
        s.output_mode = Some(OutputMode::SINGLE);
        s.lithium_turn_on = Some(pi18_proto::Switch::ON);
        s.battery_type = Some(BatteryType(7));
    })));
    insta::assert_snapshot!(refused(profile(|s| {
        s.battery_type = Some(BatteryType::FLOODED);
        s.float_voltage = Some(Decivolts(570));
    })));
    insta::assert_snapshot!(refused(profile(|s| s.battery_type = Some(BatteryType::AGM))));
}

#[test]
fn target_outside_the_cell_range_is_refused() {
    let battery = Battery::new(Chemistry::Lfp, 16, Millivolts(2800), Millivolts(3500));
    let permissions = Permissions::default().with_battery(battery);
    let target = profile(|s| s.bulk_voltage = Some(Decivolts(561)));
    let errors = Plan::new(vec![planned(unit().settings(), target, SERIALS[0])], permissions, None);
    insta::assert_snapshot!(errors.unwrap_err());
}

#[test]
fn change_between_two_fixed_types_goes_through_user() {
    // The unit has flooded with its voltages; the factory's type is AGM.
    let start = profile(|s| {
        s.battery_type = Some(BatteryType::FLOODED);
        s.bulk_voltage = Some(Decivolts(584));
        s.float_voltage = Some(Decivolts(540));
        s.cutoff_voltage = Some(Decivolts(408));
    });
    let target = profile(|s| {
        s.battery_type = Some(BatteryType::AGM);
        s.bulk_voltage = Some(Decivolts(564));
        s.float_voltage = Some(Decivolts(540));
        s.cutoff_voltage = Some(Decivolts(408));
    });
    let plan = Plan::new(vec![planned(start, target, SERIALS[0])], waived(), None).unwrap();
    plan.check().unwrap();
    insta::assert_snapshot!(plan);
}

#[test]
fn clock_within_the_tolerance_is_not_set() {
    let offset = |seconds| Some(lvx_settings::ClockOffset { seconds });
    let mut near = planned(unit().settings(), profile(|s| s.clock = offset(0)), SERIALS[0]);
    near.unit.clock = offset(40);
    assert!(Plan::new(vec![near.clone()], waived(), None).unwrap().is_empty());
    near.unit.clock = offset(90);
    assert_eq!(Plan::new(vec![near], waived(), None).unwrap().steps.len(), 1);
}

#[test]
fn plan_for_the_clock_shows_the_time_of_the_host() {
    let offset = |seconds| Some(lvx_settings::ClockOffset { seconds });
    let mut late = planned(unit().settings(), profile(|s| s.clock = offset(0)), SERIALS[0]);
    late.unit.clock = offset(-3600);
    let date = pi18_proto::Date::new(2026, 6, 21).unwrap();
    let made = pi18_proto::DateTime::new(date, 12, 30, 5).unwrap();
    let plan = Plan::new(vec![late], waived(), Some(made)).unwrap();
    assert!(plan.to_string().ends_with("host-3600s -> host (2026-06-21 12:30:05)\n"), "{plan}");
}

#[test]
fn companion_outside_the_limits_is_an_obstacle() {
    let mut start =
        planned(unit().settings(), profile(|s| s.float_voltage = Some(Decivolts(530))), SERIALS[0]);
    start.unit.rated.bulk_voltage = Decivolts(590);
    start.unit.rated.redischarge_voltage = Decivolts(530);
    let errors = Plan::new(vec![start], waived(), None).unwrap_err();
    insta::assert_snapshot!(errors);
}

#[test]
fn repeated_units_and_placeholder_serial_numbers_are_refused() {
    let now = unit().settings();
    let units = ["55355535553555", SERIALS[0], SERIALS[0]].map(|serial| planned(now, now, serial));
    let errors = Plan::new(units.into(), waived(), None).unwrap_err();
    assert_eq!(errors.iter().count(), 2);
    insta::assert_snapshot!(errors);
}

#[test]
fn irreversible_steps_come_last_with_a_warning() {
    let start = profile(|s| s.max_charge_current = Some(Amperes(100)));
    let target = profile(|s| {
        s.max_charge_current = Some(Amperes(60));
        s.cutoff_voltage = Some(Decivolts(470));
    });
    let plan = Plan::new(vec![planned(start, target, SERIALS[0])], waived(), None).unwrap();
    assert!(plan.steps.last().unwrap().to.max_charge_current.is_some());
    let warnings: Vec<_> = plan.warnings().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(warnings.join("\n"));
}

#[test]
fn edited_plan_files_are_refused() {
    let target = profile(|s| {
        s.bulk_voltage = Some(Decivolts(560));
        s.cutoff_voltage = Some(Decivolts(470));
    });
    let plan =
        Plan::new(vec![planned(unit().settings(), target, SERIALS[0])], waived(), None).unwrap();
    let text = serde_json::to_string_pretty(&plan).unwrap();
    let again: Plan = serde_json::from_str(&text).unwrap();
    assert_eq!(again, plan);
    again.check().unwrap();

    let error_after = |change: &dyn Fn(&mut Plan)| {
        let mut plan = plan.clone();
        change(&mut plan);
        plan.check().unwrap_err().to_string()
    };
    insta::assert_snapshot!(
        [
            error_after(&|plan| plan.steps[0].to.bulk_voltage = Some(Decivolts(584 + 100))),
            error_after(&|plan| plan.steps[0].to.bulk_voltage = None),
            error_after(&|plan| plan.steps[0].unit = 7),
            error_after(&|plan| {
                plan.steps.pop();
            }),
            error_after(&|plan| plan.steps[0].from.bulk_voltage = Some(Decivolts(500))),
            error_after(&|plan| plan.units[0].unit.status.parallel_instance = Count(12)),
        ]
        .join("\n")
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// Between any valid settings of one to three units an order is found. Each state on the way is valid,
    /// no group is written more often than necessary, and the last state is the target.
    #[test]
    fn order_between_any_valid_settings_is_found(
        starts in prop::collection::vec(valid_settings(), 1..=3),
        target in valid_settings(),
    ) {
        let units: Vec<_> = starts
            .iter()
            .zip(SERIALS)
            .map(|(start, serial)| planned(*start, target, serial))
            .collect();
        let plan = Plan::new(units, all_allowed(), None).unwrap();
        plan.check().unwrap();
        for count in 0..=plan.steps.len() {
            for state in plan.settings_after(count) {
                prop_assert_eq!(broken_rules(&state, None), []);
            }
        }
        for state in plan.settings_after(plan.steps.len()) {
            prop_assert!(state.satisfy(&target));
        }
        for (unit, start) in starts.iter().enumerate() {
            let mut groups: Vec<_> = start.differences(&target).map(|d| d.setting.group()).collect();
            groups.dedup();
            let writes = plan.steps.iter().filter(|step| step.unit == unit).count();
            prop_assert_eq!(writes, groups.len());
        }
    }
}
