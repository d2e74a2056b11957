//! One command at a time: what is carried out, what is refused, and what the view shows.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use lvx_settings::Setting;
use tokio::sync::watch;

use super::{CALM, Command, CommandState, Site, Storage};
use crate::{
    control::{Control, ControlParts},
    poll::{LinkHandle, LinkUnit, job_queue},
};

const OTHER: &str = "solar_utility_battery";

#[test]
fn command_changes_all_units_and_the_view_follows() {
    let mut site = Site::new(&[CALM, CALM]);
    let view = site.operator().view();
    let item = &view.items[0];
    assert_eq!(item.options, ["solar_utility_battery", "solar_battery_utility"]);
    assert_eq!(item.value.as_deref(), Some("solar_battery_utility"));
    assert_eq!(item.blocked, None);
    // The guard allows 120 A for two units.
    assert_eq!(view.items[2].options.last().map(String::as_str), Some("60 A"));
    let command = site.command("output_priority", OTHER);
    site.pause(11);
    let operator = site.operator();
    let task = operator.take(command).unwrap();
    let mut pending = None;
    operator.carry_out(task, &mut |view| pending = Some(view));
    let pending = pending.unwrap();
    // The old value stays until the new one is proved.
    assert_eq!(pending.items[0].value.as_deref(), Some("solar_battery_utility"));
    assert_eq!(pending.command.unwrap().state, CommandState::Pending);
    let view = operator.view();
    assert_eq!(view.items[0].value.as_deref(), Some(OTHER));
    assert_eq!((view.command, view.results[0].state), (None, CommandState::Proved));
    for unit in 0..2 {
        assert_eq!(site.value(unit, Setting::OutputPriority), OTHER);
    }
    let audit = site.storage.load("control-bank.audit").unwrap().unwrap();
    let audit = String::from_utf8(audit).unwrap();
    let lines: Vec<_> = audit.lines().collect();
    assert_eq!(lines.len(), 2);
    for (line, state) in lines.iter().zip(["pending", "proved"]) {
        assert!(line.contains(&format!("\"state\":\"{state}\"")), "{audit}");
        assert!(line.contains("\"by\":\"test\""), "{audit}");
    }
}

#[test]
fn command_that_does_not_fit_is_refused_and_nothing_is_written() {
    let mut site = Site::new(&[CALM, CALM]);
    let sender = site.command("output_priority", OTHER);
    let refused = [
        (site.command("max_charge_current", "70 A"), "expected one of"),
        (site.command("output_priority", "midnight"), "expected"),
        (site.command("bulk_voltage", "56.0 V"), "expected one of output_priority, backlight"),
        (Command { from: Some(OTHER.to_owned()), ..sender.clone() }, "which the sender saw"),
        (
            Command {
                seen: vec![(site.pollers.serials[1], Some(OTHER.to_owned()))],
                ..site.command("output_priority", OTHER)
            },
            "which the sender saw on",
        ),
        (Command { expires: None, ..sender }, "expected an expiry"),
    ];
    for (command, why) in refused {
        let result = site.carry_out(command);
        assert_eq!(result.state, CommandState::Refused);
        assert!(result.why.as_ref().unwrap().contains(why), "{result:?}");
    }
    assert_eq!(site.received(), 0);
    // Two were refused before they were carried out.
    let refused = site.storage.load("control-bank.refused").unwrap().unwrap();
    assert_eq!(String::from_utf8(refused).unwrap().lines().count(), 2);
}

#[test]
fn command_that_cannot_be_recorded_is_refused() {
    let mut site = Site::new(&[CALM, CALM]);
    site.is_full.store(true, Ordering::Release);
    let result = site.carry_out(site.command("backlight", "off"));
    assert_eq!(result.state, CommandState::Refused);
    assert!(
        result.why.as_ref().unwrap().contains("the audit file cannot be written"),
        "{result:?}"
    );
    assert_eq!(site.received(), 0);
}

#[test]
fn refusal_by_one_unit_undoes_the_other_one() {
    let mut site = Site::new(&[CALM, &format!("{CALM}&refuse=1")]);
    let result = site.carry_out(site.command("backlight", "off"));
    assert_eq!(result.state, CommandState::Undone, "{result:?}");
    assert!(result.why.unwrap().contains("refused"));
    assert_eq!(result.units.iter().map(|(_, value)| &**value).collect::<Vec<_>>(), ["on", "on"]);
    for unit in 0..2 {
        assert_eq!(site.value(unit, Setting::Backlight), "on");
    }
}

#[test]
fn kill_switch_blocks_and_undoes() {
    let mut site = Site::new(&[CALM, CALM]);
    site.storage.save("control.off", b"test").unwrap();
    let result = site.carry_out(site.command("backlight", "off"));
    assert!(result.why.unwrap().contains("control was stopped by the file control.off"));
    assert_eq!(site.received(), 0);

    // The switch is thrown after the first write.
    let mut site = Site::new(&[CALM, CALM]);
    let stopped = Arc::clone(&site.stopped);
    site.runs.on_action(move |action| {
        if matches!(action, lvx_settings::Action::Write(_)) {
            stopped.store(true, Ordering::Release);
        }
    });
    let result = site.carry_out(site.command("backlight", "off"));
    assert_eq!(result.state, CommandState::Undone, "{result:?}");
    assert_eq!(site.value(0, Setting::Backlight), "on");
}

#[test]
fn lease_of_a_unit_refuses_a_command() {
    let mut site = Site::new(&[CALM, CALM]);
    let lock = site.locks.take(&site.pollers.serials[1..], "process 7 of user 1000").unwrap();
    let result = site.carry_out(site.command("backlight", "off"));
    assert_eq!(
        result.why.as_deref(),
        Some("process 7 of user 1000 changes the settings at present")
    );
    assert_eq!(site.received(), 0);
    drop(lock);
    assert_eq!(site.carry_out(site.command("backlight", "off")).state, CommandState::Proved);
}

#[test]
fn units_over_tcp_need_a_waiver() {
    let mut site = Site::new(&[CALM, CALM]);
    site.bank.units[1].address = "tcp:192.0.2.1:8888".parse().unwrap();
    site.restart();
    let result = site.carry_out(site.command("backlight", "off"));
    assert!(result.why.unwrap().contains("control.allow_tcp_units"));
    assert_eq!(site.received(), 0);
    site.config.allow_tcp_units = true;
    site.restart();
    assert_eq!(site.carry_out(site.command("backlight", "off")).state, CommandState::Proved);
}

#[test]
fn duplicate_serial_number_blocks_and_is_a_problem() {
    let mut site = Site::new(&[CALM, CALM]);
    let doubled = site.pollers.serials[0];
    let link = || {
        let unit = LinkUnit { serial: doubled, node: None };
        let unit = Arc::new(Mutex::new(Some(unit)));
        LinkHandle::new("sim".to_owned(), job_queue().0, unit)
    };
    site.links = Some([link(), link()].into());
    site.restart();
    let view = site.operator().view();
    assert_eq!(view.problems[0].id, format!("control/doubled/{doubled}"));
    let result = site.carry_out(site.command("backlight", "off"));
    assert!(result.why.unwrap().contains("is reported by two units"));
    assert_eq!(site.received(), 0);
}

#[test]
fn control_that_only_reads_ends_with_its_links() {
    let site = Site::new(&[CALM, CALM]);
    let now = crate::Now::system();
    let (_sender, snapshots) = watch::channel(Arc::new(crate::testing::bank(now)));
    // Jobs wait, as behind a question to a slow unit.
    let (links, mut waiting): (Vec<_>, Vec<_>) = site
        .pollers
        .serials
        .iter()
        .map(|serial| {
            let (jobs, waiting) = job_queue();
            let unit = Arc::new(Mutex::new(Some(LinkUnit { serial: *serial, node: None })));
            (LinkHandle::new("sim".to_owned(), jobs, unit), waiting)
        })
        .unzip();
    let control = Control::spawn(ControlParts {
        config: site.config.clone(),
        bank: site.bank.clone(),
        links,
        snapshots,
        storage: Arc::new(site.storage.clone()),
        runs: Arc::new(site.runs.clone()),
        locks: site.locks.clone(),
        on_change: Box::new(|_| {}),
    })
    .unwrap();
    let first = waiting[0].next(Duration::from_secs(30)).expect("a job");
    assert!(control.begin_end(), "the links can end before it");
    drop((first, waiting));
    drop(control);
}
