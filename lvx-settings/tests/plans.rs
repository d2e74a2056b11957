//! Plans: every order that is found is sound, whatever is to become of whatever.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod bank;

use bank::{profile, unit, unit_with, valid_settings};
use lvx_settings::{
    Battery, Chemistry, Millivolts, Permissions, Plan, PlannedUnit, Setting, Settings, broken,
};
use pi18_proto::{Amperes, BatteryType, Count, Decivolts, OutputMode};
use proptest::prelude::*;

/// Nothing but charge voltages without a guard.
fn waived() -> Permissions {
    Permissions::default().without_battery_guard()
}

fn all_allowed() -> Permissions {
    let installation = Setting::ALL.iter().filter(|setting| setting.group().is_installation());
    waived().with_installation(installation.copied())
}

fn planned(start: Settings, wanted: Settings, serial: &str) -> PlannedUnit {
    let mut unit = unit_with(&start);
    unit.serial_number = pi18_proto::SerialNumber::new(serial).unwrap();
    PlannedUnit { address: format!("sim:{serial}"), unit, target: wanted }
}

const SERIALS: [&str; 3] = ["96132206100410", "96132206100411", "96132206100412"];

#[track_caller]
fn refused(wanted: Settings) -> String {
    let start = unit().settings();
    let errors = Plan::new(vec![planned(start, wanted, SERIALS[0])], waived(), None).unwrap_err();
    errors.iter().map(|error| error.to_string() + "\n").collect()
}

#[test]
fn what_is_already_so_is_not_written() {
    let now = unit().settings();
    let plan = Plan::new(vec![planned(now, now, SERIALS[0])], waived(), None).unwrap();
    assert!(plan.is_empty());
}

#[test]
fn two_that_one_command_writes_stay_together_and_raising_goes_from_the_top() {
    let start = profile(|s| {
        s.bulk_voltage = Some(Decivolts(520));
        s.float_voltage = Some(Decivolts(510));
        s.redischarge_voltage = Some(Decivolts(500));
    });
    let wanted = profile(|s| {
        s.bulk_voltage = Some(Decivolts(564));
        s.float_voltage = Some(Decivolts(540));
        s.redischarge_voltage = Some(Decivolts(540));
    });
    let there = Plan::new(vec![planned(start, wanted, SERIALS[0])], waived(), None).unwrap();
    let told = |plan: &Plan| -> Vec<String> {
        plan.steps.iter().map(|step| serde_json::to_string(&step.to).unwrap()).collect()
    };
    insta::assert_snapshot!(told(&there).join("\n"));
    let back = Plan::new(vec![planned(wanted, start, SERIALS[0])], waived(), None).unwrap();
    insta::assert_snapshot!(told(&back).join("\n"));
}

#[test]
fn everything_in_the_way_is_told_at_once() {
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
fn a_cell_guard_holds_for_the_target() {
    let battery = Battery::new(Chemistry::Lfp, 16, Millivolts(2800), Millivolts(3500));
    let permissions = Permissions::default().with_battery(battery);
    let wanted = profile(|s| s.bulk_voltage = Some(Decivolts(561)));
    let errors = Plan::new(vec![planned(unit().settings(), wanted, SERIALS[0])], permissions, None);
    insta::assert_snapshot!(errors.unwrap_err());
}

#[test]
fn between_two_types_that_bring_their_voltages_it_goes_through_user() {
    // Flooded with voltages of its own; AGM is what the unit leaves the factory with.
    let start = profile(|s| {
        s.battery_type = Some(BatteryType::FLOODED);
        s.bulk_voltage = Some(Decivolts(584));
        s.float_voltage = Some(Decivolts(540));
        s.cutoff_voltage = Some(Decivolts(408));
    });
    let wanted = profile(|s| {
        s.battery_type = Some(BatteryType::AGM);
        s.bulk_voltage = Some(Decivolts(564));
        s.float_voltage = Some(Decivolts(540));
        s.cutoff_voltage = Some(Decivolts(408));
    });
    let plan = Plan::new(vec![planned(start, wanted, SERIALS[0])], waived(), None).unwrap();
    plan.check().unwrap();
    insta::assert_snapshot!(plan);
}

#[test]
fn a_clock_that_agrees_is_not_moved() {
    let offset = |seconds| Some(lvx_settings::ClockOffset { seconds });
    let mut near = planned(unit().settings(), profile(|s| s.clock = offset(0)), SERIALS[0]);
    near.unit.clock = offset(40);
    assert!(Plan::new(vec![near.clone()], waived(), None).unwrap().is_empty());
    near.unit.clock = offset(90);
    assert_eq!(Plan::new(vec![near], waived(), None).unwrap().steps.len(), 1);
}

#[test]
fn a_plan_for_the_clock_shows_the_date_of_the_host() {
    let offset = |seconds| Some(lvx_settings::ClockOffset { seconds });
    let mut late = planned(unit().settings(), profile(|s| s.clock = offset(0)), SERIALS[0]);
    late.unit.clock = offset(-3600);
    let date = pi18_proto::Date::new(2026, 6, 21).unwrap();
    let made = pi18_proto::DateTime::new(date, 12, 30, 5).unwrap();
    let plan = Plan::new(vec![late], waived(), Some(made)).unwrap();
    assert!(plan.to_string().ends_with("host-3600s -> host (2026-06-21 12:30:05)\n"), "{plan}");
}

#[test]
fn a_companion_beyond_the_limits_is_in_the_way() {
    let mut start =
        planned(unit().settings(), profile(|s| s.float_voltage = Some(Decivolts(530))), SERIALS[0]);
    start.unit.rated.bulk_voltage = Decivolts(590);
    start.unit.rated.redischarge_voltage = Decivolts(530);
    let errors = Plan::new(vec![start], waived(), None).unwrap_err();
    insta::assert_snapshot!(errors);
}

#[test]
fn a_unit_given_twice_or_with_a_bogus_serial_number_is_not_planned_for() {
    let now = unit().settings();
    let units = ["55355535553555", SERIALS[0], SERIALS[0]].map(|serial| planned(now, now, serial));
    let errors = Plan::new(units.into(), waived(), None).unwrap_err();
    assert_eq!(errors.iter().count(), 2);
    insta::assert_snapshot!(errors);
}

#[test]
fn what_cannot_be_put_back_comes_last_and_is_told() {
    let start = profile(|s| s.max_charge_current = Some(Amperes(100)));
    let wanted = profile(|s| {
        s.max_charge_current = Some(Amperes(60));
        s.cutoff_voltage = Some(Decivolts(470));
    });
    let plan = Plan::new(vec![planned(start, wanted, SERIALS[0])], waived(), None).unwrap();
    assert!(plan.steps.last().unwrap().to.max_charge_current.is_some());
    insta::assert_snapshot!(plan.warnings().join("\n"));
}

#[test]
fn a_plan_is_a_file_and_one_that_was_tampered_with_is_refused() {
    let wanted = profile(|s| {
        s.bulk_voltage = Some(Decivolts(560));
        s.cutoff_voltage = Some(Decivolts(470));
    });
    let plan =
        Plan::new(vec![planned(unit().settings(), wanted, SERIALS[0])], waived(), None).unwrap();
    let text = serde_json::to_string_pretty(&plan).unwrap();
    let again: Plan = serde_json::from_str(&text).unwrap();
    assert_eq!(again, plan);
    again.check().unwrap();

    let told = |change: &dyn Fn(&mut Plan)| {
        let mut plan = plan.clone();
        change(&mut plan);
        plan.check().unwrap_err().to_string()
    };
    insta::assert_snapshot!(
        [
            told(&|plan| plan.steps[0].to.bulk_voltage = Some(Decivolts(584 + 100))),
            told(&|plan| plan.steps[0].to.bulk_voltage = None),
            told(&|plan| plan.steps[0].unit = 7),
            told(&|plan| {
                plan.steps.pop();
            }),
            told(&|plan| plan.steps[0].from.bulk_voltage = Some(Decivolts(500))),
            told(&|plan| plan.units[0].unit.status.parallel_instance = Count(12)),
        ]
        .join("\n")
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// Between any valid settings of one to three units there is a way, each state on it is valid,
    /// nothing is written twice that could be written once, and it ends where it should.
    #[test]
    fn there_is_a_sound_way_between_any_valid_settings(
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
                prop_assert_eq!(broken(&state, None), []);
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
