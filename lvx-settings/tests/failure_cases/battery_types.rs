//! Battery types that restore stored voltages.

use lvx_settings::{Battery, Chemistry, Millivolts, PlannedUnit, RunDirection, Settings};
use pi18_proto::BatteryType;

use super::*;

const AGM: &str = "frozen=on&soc=100&sun=0&grid=off&battery-type=0&bulk=56.4&float=54.0\
                   &cutoff=40.8&stored-voltages=58.4,54.0,42.0";

fn user(voltages: bool) -> Settings {
    profile(|s| {
        s.battery_type = Some(BatteryType::USER);
        if voltages {
            s.bulk_voltage = Some(Decivolts(560));
            s.cutoff_voltage = Some(Decivolts(460));
        }
    })
}

#[test]
fn stored_voltages_are_replaced_before_the_next_step() {
    for voltages in [true, false] {
        let bank = bank(&[AGM, AGM]);
        let plan = planned(&bank, &user(voltages));
        let new = plan.settings_after(plan.steps.len());
        let mut script = Script::new(&bank);
        // At the end of each step no unit has the stored voltage.
        script.hook = Box::new(|bank, _, action| {
            if matches!(action, Action::Record(Record::Proved { .. })) {
                for unit in 0..2 {
                    assert_ne!(settings_of(bank, unit).bulk_voltage, Some(Decivolts(584)));
                }
            }
        });
        let report = run_script(&bank, Apply::new(plan, Options::default()), &mut script);
        assert_eq!(report.ending, Ending::Applied, "{report}\n{:?}", script.memory.audit);
        for (unit, new) in new.iter().enumerate() {
            let now = settings_of(&bank, unit);
            assert_eq!(
                (now.battery_type, now.bulk_voltage, now.float_voltage, now.cutoff_voltage),
                (new.battery_type, new.bulk_voltage, new.float_voltage, new.cutoff_voltage)
            );
        }
    }
}

/// Checks the undo of a run that fails at the last step, or is not confirmed if the last step needs no
/// write.
fn undone_from(switches: &str, target: &Settings) {
    let bank = bank(&[switches, switches]);
    let before = [settings_of(&bank, 0), settings_of(&bank, 1)];
    let plan = planned(&bank, target);
    let last = plan.steps.len() - 1;
    let mut script = Script::new(&bank);
    script.hook = Box::new(move |bank, _, action| {
        if matches!(action, Action::Write(write) if write.step == last && write.direction == RunDirection::Forward)
        {
            switch(bank, 1, "refuse=1");
        }
        if matches!(action, Action::Record(Record::Undoing { .. })) {
            switch(bank, 1, "refuse=0");
        }
    });
    let options = Options::default().with_confirm_within(Duration::from_secs(20));
    let report = run_script(&bank, Apply::new(plan, options), &mut script);
    assert_eq!(report.ending, Ending::Undone, "{report}\n{:?}", script.memory.audit);
    assert_eq!([settings_of(&bank, 0), settings_of(&bank, 1)], before, "{report}");
}

#[test]
fn undo_restores_type_with_own_voltages() {
    undone_from(
        AGM,
        &profile(|s| {
            s.battery_type = Some(BatteryType::USER);
            s.bulk_voltage = Some(Decivolts(560));
            s.output_priority = Some(pi18_proto::OutputPriority(0));
        }),
    );
    undone_from(AGM, &user(true));
}

#[test]
fn undo_to_user_replaces_stored_voltages() {
    let agm = profile(|s| {
        s.battery_type = Some(BatteryType::AGM);
        s.bulk_voltage = Some(Decivolts(564));
        s.float_voltage = Some(Decivolts(540));
        s.cutoff_voltage = Some(Decivolts(408));
        s.backlight = Some(pi18_proto::Switch::OFF);
    });
    undone_from(
        "frozen=on&soc=100&sun=0&grid=off&bulk=55.0&cutoff=46.0&stored-voltages=58.4,54.0,42.0",
        &agm,
    );
}

#[test]
fn failed_type_change_is_undone_on_all_units() {
    let bank = bank(&[AGM, AGM]);
    let before = [settings_of(&bank, 0), settings_of(&bank, 1)];
    let plan = planned(&bank, &user(true));
    let mut script = Script::new(&bank);
    script.hook = Box::new(|bank, _, action| match action {
        // The stored voltages of the second unit cannot be replaced.
        Action::Record(Record::Correcting { unit: 1, .. }) => switch(bank, 1, "refuse=1"),
        Action::Record(Record::Undoing { .. }) => switch(bank, 1, "refuse=0"),
        _ => {}
    });
    let report = run_script(&bank, Apply::new(plan, Options::default()), &mut script);
    assert_eq!(report.ending, Ending::Undone, "{report}\n{:?}", script.memory.audit);
    assert_eq!([settings_of(&bank, 0), settings_of(&bank, 1)], before, "{report}");
}

/// Carries out a plan on two AGM units with 58.4 V, whose stored voltages are within the guard of 56.8 V.
fn applied_under_a_guard(target: &Settings) -> (ApplyReport, Vec<String>) {
    let agm = "frozen=on&soc=100&sun=0&grid=off&battery-type=0&bulk=58.4&float=54.0&cutoff=42.0\
               &stored-voltages=55.0,54.0,46.0";
    let bank = bank(&[agm, agm]);
    let unit = |at| {
        let mut client = client(&bank, at);
        let clock = host(&mut client);
        let unit = Unit::read(&mut client, &clock).unwrap();
        PlannedUnit::new(format!("sim:{at}"), unit, *target)
    };
    let units = (0..2).map(unit).collect();
    let guard = Battery::new(Chemistry::Lfp, 16, Millivolts(2800), Millivolts(3550));
    let plan = Plan::new(units, Permissions::default().with_battery(guard), None).unwrap();
    let mut script = Script::new(&bank);
    let report = run_script(&bank, Apply::new(plan, Options::default()), &mut script);
    (report, script.memory.audit)
}

#[test]
fn stored_voltages_are_not_replaced_by_unguarded_ones() {
    let target = profile(|s| {
        s.battery_type = Some(BatteryType::USER);
        s.bulk_voltage = Some(Decivolts(560));
        s.float_voltage = Some(Decivolts(540));
        s.cutoff_voltage = Some(Decivolts(460));
    });
    let (report, audit) = applied_under_a_guard(&target);
    assert_eq!(report.ending, Ending::Applied, "{report}\n{audit:?}");
    let one = ["PBT2 accepted", "MCHGV560,540 accepted"];
    assert_eq!(audit, [one, one].concat(), "{report}");
}
