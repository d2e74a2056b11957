//! Set commands that reach another unit: each is named in the report and the journal.

use lvx_settings::{PlannedUnit, RunDirection, SettingState, StrayCause};
use pi18_proto::{ChargeVoltage, SetCommand, Switch};

use super::{
    bank::cables::Cables,
    cables::{announces, plan_for_first},
    *,
};

/// Carries out a plan whose first write reaches the other unit, after which the link fails. When the link
/// is opened again, the other unit answers always if it `stays`, and otherwise three times.
fn dropped_after_the_write(
    bank: &SharedBank,
    plan: &Plan,
    stays: bool,
) -> (Cables, ApplyReport, Memory) {
    let cables = Cables::new(bank);
    let mut script = Script::new(bank);
    let cable = cables.clone();
    let (mut swapped, mut sent, mut opened) = (false, false, 0);
    script.hook = Box::new(move |bank, _, action| {
        if sent && opened == 0 {
            bank.with(|bank| bank.disconnect(1));
        }
        if !swapped && announces(action, 0, RunDirection::Forward) {
            swapped = true;
            cable.swap(0, 1);
        }
        sent |= matches!(action, Action::Write(_));
        if sent && matches!(action, Action::Reopen { .. }) {
            opened += 1;
            if opened == 4 && !stays {
                cable.swap(0, 1);
            }
        }
    });
    let report = cables.run(Apply::new(plan.clone(), Options::default()), &mut script);
    (cables, report, script.memory)
}

#[test]
fn stray_write_before_reopen_is_reported() {
    for (both, stays) in [(true, false), (true, true), (false, false), (false, true)] {
        let bank = idle_bank();
        let before = [settings_of(&bank, 0), settings_of(&bank, 1)];
        let plan = if both { planned(&bank, &other()) } else { plan_for_first(&bank, &other()) };
        let (cables, report, memory) = dropped_after_the_write(&bank, &plan, stays);
        let context = format!("{both} {stays}\n{report}\n{:?}", memory.audit);
        assert_eq!(report.ending, if both { Ending::Undone } else { Ending::Mixed }, "{context}");
        let stray = &report.strays[0];
        assert!(matches!(stray.cause, StrayCause::AnotherUnit { .. }), "{context}");
        assert_eq!(stray.put_right, both, "{context}");
        assert_eq!(settings_of(&bank, 0), before[0], "{context}");
        assert_eq!(settings_of(&bank, 1) == before[1], both, "{context}");
        let is_noted = |record: &Record| matches!(record, Record::Misdirected { .. });
        assert!(memory.records.iter().any(is_noted), "{context}");
        if !both && stays {
            // An undo after the unit is back reports the write as well.
            cables.swap(0, 1);
            let progress = ApplyProgress::of(&memory.records);
            let apply = Apply::resume(plan, Options::default(), progress, ResumeMode::Undo);
            let report = cables.run(apply, &mut Script::new(&bank));
            assert_eq!((report.ending, report.strays.len()), (Ending::Mixed, 1), "{report}");
        }
    }
}

fn voltages(bulk: u16, float: u16) -> SetCommand {
    let volts = |number| ChargeVoltage::new(Decivolts(number)).unwrap();
    SetCommand::ChargeVoltages { bulk: volts(bulk), float: volts(float) }
}

/// Returns a bank whose second unit has another bulk voltage, and a plan that sets it on the first.
fn unlike_units() -> (SharedBank, Plan) {
    let bank = idle_bank();
    assert_eq!(client(&bank, 1).set(voltages(550, 540)).unwrap(), SetOutcome::Accepted);
    bank.link(0).pause(Duration::from_mins(1));
    let target = [
        profile(|s| s.bulk_voltage = Some(Decivolts(560))),
        profile(|s| s.backlight = Some(Switch::OFF)),
    ];
    let unit = |(at, target)| {
        let mut client = client(&bank, at);
        let clock = host(&mut client);
        let unit = Unit::read(&mut client, &clock).unwrap();
        PlannedUnit::new(format!("sim:{at}"), unit, target)
    };
    let units = (0..).zip(target).map(unit).collect();
    let permissions = Permissions::default().without_battery_guard().with_part_of_bank();
    let plan = Plan::new(units, permissions, None).unwrap();
    (bank, plan)
}

#[test]
fn second_stray_of_step_is_corrected_again() {
    let (bank, plan) = unlike_units();
    let before = settings_of(&bank, 1);
    let at = plan.steps.iter().position(|step| step.unit == 0).unwrap();
    let cables = Cables::new(&bank);
    let mut script = Script::new(&bank);
    let cable = cables.clone();
    let mut swapped = Vec::new();
    script.hook = Box::new(move |_, _, action| {
        for direction in [RunDirection::Forward, RunDirection::Backward] {
            if announces(action, at, direction) && !swapped.contains(&direction) {
                swapped.push(direction);
                cable.swap(0, 1);
            }
        }
    });
    let report = cables.run(Apply::new(plan, Options::default()), &mut script);
    assert_eq!(report.strays.len(), 2, "{report}");
    assert!(report.strays.iter().all(|stray| stray.put_right), "{report}");
    assert_eq!(settings_of(&bank, 1).bulk_voltage, before.bulk_voltage, "{report}");
    assert_eq!(report.units[1].changed_by_others, [], "{report}");
    // A correction before the last stray does not count, not even in a resumed run.
    let last = script.memory.records.iter().rposition(|r| matches!(r, Record::Misdirected { .. }));
    let records = &script.memory.records[..=last.unwrap()];
    assert_eq!(ApplyProgress::of(records).corrected, []);
}

#[test]
fn recurring_stranger_ends_wait_for_unit() {
    let bank = idle_bank();
    let plan = plan_for_first(&bank, &other());
    let cables = Cables::new(&bank);
    let mut script = Script::new(&bank);
    let cable = cables.clone();
    let (mut begun, mut is_stranger, mut actions) = (false, false, 0);
    script.hook = Box::new(move |_, _, action| {
        actions += 1;
        assert!(actions < 20_000, "the run does not end");
        begun |= matches!(action, Action::Backup);
        let should_be_stranger = match action {
            Action::Read { .. } if begun => true,
            Action::Reopen { .. } => false,
            _ => is_stranger,
        };
        if should_be_stranger != is_stranger {
            is_stranger = should_be_stranger;
            cable.swap(0, 1);
        }
    });
    let report = cables.run(Apply::new(plan, Options::default()), &mut script);
    assert_eq!(report.units[0].state, SettingState::Unknown, "{report}");
    assert_eq!(script.memory.audit, [""; 0]);
}
