//! Units that stop answering or disappear: the others are judged.

use std::time::Instant;

use bytes::BytesMut;
use lvx_parallel::{BankSnapshot, Member, Reason, Severity, check};
use pi18_transport::{Client, Error, Link, sim::SimLink};

use crate::{findings, member, shared, timeless};

/// A link whose unit changes after some requests.
struct ChangingLink {
    link: SimLink,
    /// Requests before the change.
    left: u32,
    unit: usize,
    /// Switch of the virtual unit, or `unplug`.
    switch: &'static str,
}

impl Link for ChangingLink {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        match self.left {
            0 if self.switch == "unplug" => {
                self.link.bank().with(|bank| bank.disconnect(self.unit));
            }
            0 => self.link.bank().with(|bank| bank.switch(self.unit, self.switch)).unwrap(),
            _ => self.left -= 1,
        }
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

    fn pause(&mut self, time: std::time::Duration) {
        self.link.pause(time);
    }
}

/// Reads three units, of which the second changes after `left` requests.
fn read(left: u32, switch: &'static str) -> BankSnapshot {
    let shared = shared(&["slave=06126"; 3]);
    let links = shared.concurrent_links().into_iter().enumerate();
    let members = links.map(|(unit, link)| {
        let left = if unit == 1 { left } else { u32::MAX };
        let name = link.name().to_owned();
        Member::new(name, Client::new(ChangingLink { link, left, unit, switch }))
    });
    timeless(BankSnapshot::read(members.collect()))
}

#[test]
fn unit_that_stops_answering_does_not_affect_others() {
    for left in [0, 1, 5, 13, 16, 18, 20, 21] {
        let bank = read(left, "silent=1");
        let lost = bank.units[1].lost.as_ref().map(|gap| gap.reason);
        assert_eq!(lost, Some(Reason::Silent), "{left}");
        assert_eq!(findings(&bank), [("unread", Severity::Error)], "{left}");
        assert!([0, 2].into_iter().all(|unit: usize| bank.units[unit].is_complete()), "{left}");
        assert!(!check(&bank).complete);
    }
}

#[test]
fn unplugged_unit_does_not_affect_others() {
    for left in [0, 1, 5, 13, 16, 18, 20, 22] {
        let bank = read(left, "unplug");
        let lost = bank.units[1].lost.as_ref().map(|gap| gap.reason);
        assert_eq!(lost, Some(Reason::Gone), "{left}");
        assert_eq!(findings(&bank), [("unread", Severity::Error)], "{left}");
    }
    let text = check(&read(13, "unplug")).findings[0].to_string();
    assert_eq!(
        text,
        "a unit disappeared while it was read: sim:1 disconnected: the virtual cable is unplugged"
    );
}

#[test]
fn findings_of_others_remain_with_silent_unit() {
    let shared = shared(&["slave=06126", "slave=06126&silent=1", "slave=06126&float=53.0"]);
    let members = shared.concurrent_links().into_iter().map(member).collect();
    let found = findings(&timeless(BankSnapshot::read(members)));
    assert_eq!(found, [("unread", Severity::Error), ("settings", Severity::Error)]);
}

#[test]
fn bank_on_unreliable_lines_is_read_completely() {
    let shared = shared(&["lose=0.0003&flip=0.0003&junk=0.05&seed=3", "late=0.05", "stale=0.1"]);
    let members = shared.concurrent_links().into_iter().map(member).collect();
    let bank = BankSnapshot::read(members);
    assert!(bank.is_complete(), "{}", check(&bank));
}

#[test]
fn bank_without_readable_units_is_not_healthy() {
    let nothing = BankSnapshot::read(Vec::<Member>::new());
    assert!(!check(&nothing).is_healthy());
    assert_eq!(check(&nothing).verdict(), "nothing to judge: no unit was given");
    let lost = Member::open(&"/dev/no-such-unit".parse().unwrap());
    let bank = BankSnapshot::read(vec![lost]);
    assert_eq!(findings(&bank), [("unread", Severity::Error)]);
}

#[test]
fn unit_behind_gap_of_instances_is_found() {
    let mut bank = crate::read(&["slave=06126", "slave=06126&instance=2"]);
    assert_eq!(bank.units[0].bank_size(), 2);
    assert!(bank.units[0].statuses[2].value().is_some());
    bank.units.truncate(1);
    assert_eq!(findings(&bank), [("bank-size", Severity::Warning)]);
}
