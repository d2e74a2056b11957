//! Units that change their numbers in the bank at a write that names its unit by number.

use std::time::Instant;

use bytes::BytesMut;
use lvx_settings::{RunDirection, Settings};
use pi18_proto::Query;
use pi18_transport::{Client, sim::SimLink};

use super::{
    cables::{announces, once, plan_for_first, swap_numbers},
    *,
};

fn ac_current() -> Settings {
    profile(|s| s.max_ac_charge_current = Some(Amperes(20)))
}

fn ac_current_of(bank: &SharedBank, unit: usize) -> Option<Amperes> {
    settings_of(bank, unit).max_ac_charge_current
}

/// A link that swaps the numbers just before the first write, and loses its answer.
struct Lossy {
    link: SimLink,
    writes: u32,
    loses: bool,
}

impl Link for Lossy {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), pi18_transport::Error> {
        self.loses = false;
        if is_set(bytes, "MUCHGC") {
            self.writes += 1;
            self.loses = self.writes == 1;
            if self.loses {
                swap_numbers(self.link.bank());
            }
        }
        self.link.send(bytes, deadline)
    }
    fn receive(
        &mut self,
        buffer: &mut BytesMut,
        deadline: Instant,
    ) -> Result<(), pi18_transport::Error> {
        let received = self.link.receive(buffer, deadline);
        if self.loses {
            buffer.clear();
        }
        received
    }
    fn name(&self) -> &str {
        self.link.name()
    }
    fn now(&self) -> Instant {
        self.link.now()
    }
    fn pause(&mut self, time: Duration) {
        self.link.pause(time);
    }
}

/// Checks that the first write is reported with the unit that may have received it.
fn assert_reported(report: &ApplyReport, command: &str) {
    assert_eq!(report.ending, Ending::Mixed, "{report}");
    assert!(report.strays.iter().any(|stray| stray.command == command), "{report}");
    assert!(
        report.to_string().contains("unit 96132206100411 may have received the command"),
        "{report}"
    );
}

#[test]
fn retry_after_renumbering_reports_the_first_write() {
    let bank = idle_bank();
    let plan = plan_for_first(&bank, &ac_current());
    let memory = Memory::resumed();
    let links = vec![Client::new(Lossy { link: bank.link(0), writes: 0, loses: false })];
    let (report, _) = run_with(&bank, links, Apply::new(plan, Options::default()), memory);
    assert_reported(&report, "MUCHGC0,020");
}

#[test]
fn repeated_undo_at_renumbering_is_reported() {
    let bank = idle_bank();
    let plan = plan_for_first(&bank, &ac_current());
    // The other unit has the value that the first one should get.
    let step = plan.steps[0];
    let other = planned(&bank, &ac_current()).units[1].unit.clone();
    let command = step.group().unwrap().command(&step.to, other.instance().unwrap(), None);
    assert_eq!(client(&bank, 1).set(command.unwrap()).unwrap(), SetOutcome::Accepted);
    bank.link(0).pause(Duration::from_mins(1));
    let records = [Record::Writing { step: 0, direction: RunDirection::Forward, attempt: 1 }];
    let mut script = Script::new(&bank);
    script.hook = once(|action| announces(action, 0, RunDirection::Backward), swap_numbers);
    let apply =
        Apply::resume(plan, Options::default(), ApplyProgress::of(&records), ResumeMode::Undo);
    let report = run_script(&bank, apply, &mut script);
    assert_reported(&report, "MUCHGC0,030");
    assert_eq!(ac_current_of(&bank, 1), Some(Amperes(30)));
}

#[test]
fn link_lost_before_number_check_reports_write() {
    let bank = idle_bank();
    let plan = plan_for_first(&bank, &ac_current());
    let mut script = Script::new(&bank);
    let (mut written, mut cut) = (false, false);
    script.hook = Box::new(move |bank, _, action| {
        if !written && announces(action, 0, RunDirection::Forward) {
            written = true;
            swap_numbers(bank);
        }
        let asks_number = matches!(action, Action::Read { query: Query::GeneralStatus, .. });
        if written && !cut && asks_number {
            cut = true;
            bank.with(|bank| bank.disconnect(0));
        }
    });
    let report = run_script(&bank, Apply::new(plan, Options::default()), &mut script);
    assert_reported(&report, "MUCHGC0,020");
    assert_eq!(ac_current_of(&bank, 1), Some(Amperes(20)));
}
