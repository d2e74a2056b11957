//! Links during long waits: they are closed for other programs, and used afterwards only if the same unit
//! answers.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

mod bank;

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use bank::{
    bank, client, host, plan_for, profile,
    recorder::{Memory, Script},
};
use bytes::BytesMut;
use lvx_settings::{Apply, ApplyReport, Ending, Options, Permissions, Units, run};
use pi18_proto::OutputPriority;
use pi18_transport::{
    Client, Error, Link,
    sim::{SharedBank, SimLink},
};

/// A link that counts the open links.
struct Counted {
    link: SimLink,
    open: Rc<Cell<usize>>,
}

impl Counted {
    fn open(bank: &SharedBank, unit: usize, open: &Rc<Cell<usize>>) -> Client<Self> {
        open.set(open.get() + 1);
        Client::new(Self { link: bank.link(unit), open: Rc::clone(open) })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.open.set(self.open.get() - 1);
    }
}

impl Link for Counted {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        self.link.send(bytes, deadline)
    }
    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        self.link.receive(buffer, deadline)
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

/// Returns the report of a run with a confirmation, and the number of open links when it was confirmed. A
/// link that is opened again leads to the unit that `leads_to` returns.
fn confirmed(leads_to: fn(usize) -> usize, shares: bool) -> (ApplyReport, Option<usize>) {
    let bank = bank(&["frozen=on", "frozen=on"]);
    let target = profile(|s| s.output_priority = Some(OutputPriority(0)));
    let plan = plan_for(&bank, &target, Permissions::default());
    let clock = host(&mut client(&bank, 0));
    let open = Rc::default();
    let clients = (0..2).map(|unit| Counted::open(&bank, unit, &open)).collect();
    let mut units = Units::new(clients, clock)
        .reopened_by(|unit| Ok(Counted::open(&bank, leads_to(unit), &open)));
    if shares {
        units = units.released_during_waits();
    }
    let options = Options::default()
        .with_confirm_within(Duration::from_mins(10))
        .with_away(Duration::ZERO)
        .with_pause(Duration::from_millis(1));
    let mut script = Script::new(&bank);
    script.memory = Memory::default();
    let open_at_confirmation = Rc::new(Cell::new(None));
    let (counter, seen) = (Rc::clone(&open), Rc::clone(&open_at_confirmation));
    script.confirm = Box::new(move |_| {
        seen.set(Some(counter.get()));
        true
    });
    let report = run(Apply::new(plan, options), &mut units, &mut script);
    (report, open_at_confirmation.get())
}

#[test]
fn links_are_closed_during_confirmation() {
    let (report, open) = confirmed(|unit| unit, true);
    assert_eq!((report.ending, open), (Ending::Applied, Some(0)), "{report}");
    let (report, open) = confirmed(|unit| unit, false);
    assert_eq!((report.ending, open), (Ending::Applied, Some(2)), "{report}");
}

#[test]
fn other_unit_after_wait_is_rejected() {
    let (report, _) = confirmed(|unit| 1 - unit, true);
    assert_eq!(report.ending, Ending::Mixed, "{report}");
    let unread = report.units[0].unread.as_ref().unwrap();
    assert!(unread.to_string().contains("unit 96132206100411 answers on this link"), "{report}");
}
