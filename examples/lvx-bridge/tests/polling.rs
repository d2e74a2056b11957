//! Polling in virtual time: use of the line, ages, and units that do not answer.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a panic fails the test"
)]

mod support;

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::Mutex,
    time::{Duration, Instant},
};

use lvx_bridge::{
    config::PollConfig,
    poll::{Event, EventKind, Group, JobEffect, LinkUnit, Machine, Peers, Poller, Port, Wake},
    state::LinkState,
};
use pi18_proto::{AnyReply, Query};
use pi18_transport::{
    Client, Error, Link,
    sim::{Bank, BankConfig, SharedBank, SimLink},
};
use support::{Run, run_time};

fn paced(units: usize) -> SharedBank {
    let switches = vec!["pace=2400".parse().unwrap(); units];
    SharedBank::virtual_time(Bank::new(BankConfig { units, switches }).unwrap())
}

fn periods(fast: u64, medium: u64, slow: u64) -> PollConfig {
    PollConfig {
        fast: Duration::from_secs(fast),
        medium: Duration::from_secs(medium),
        slow: Duration::from_secs(slow),
        packs: Duration::from_secs(10),
        // A value is stale as soon as it was not read in its period.
        stale_after_periods: 1,
    }
}

/// What a run showed.
struct Measured {
    /// Use of the line of each unit, in percent.
    used: Vec<f64>,
    /// Greatest age of `GS`, `FWS` and `PIRI` of any unit when it was read again.
    ages: [Duration; 3],
    missed_deadlines: u64,
}

/// Polls units for some time.
fn measure(units: usize, poll: PollConfig, time: Duration) -> Measured {
    let bank = paced(units);
    let run = Run { bank, poll, time, has_routes: false };
    let ages = Mutex::new([Duration::ZERO; 3]);
    let reads = Mutex::new(BTreeMap::new());
    let (state, usages) = run.run(
        |_, event| {
            let EventKind::Batch { answers, .. } = &event.kind else { return };
            for answer in answers {
                let mnemonic = answer.query.info().mnemonic;
                let Some(slot) = ["GS", "FWS", "PIRI"].iter().position(|m| *m == mnemonic) else {
                    continue;
                };
                let before = reads.lock().unwrap().insert((event.link, slot), answer.at);
                // The value was shown until this batch was committed.
                let age = before.map(|before| event.at - before).unwrap_or_default();
                let ages = &mut ages.lock().unwrap()[slot];
                *ages = (*ages).max(age);
            }
        },
        |_, _, _| {},
    );
    for unit in &state.core.snapshot().units {
        assert_eq!(unit.link.state, LinkState::Up);
        assert_eq!(unit.link.counts.timeouts, 0);
    }
    let used = |idle: Duration| 100.0 - 100.0 * idle.as_secs_f64() / time.as_secs_f64();
    let snapshot = state.core.snapshot();
    let measured = Measured {
        used: usages.iter().map(|usage| used(usage.idle())).collect(),
        ages: ages.into_inner().unwrap(),
        missed_deadlines: snapshot.units.iter().map(|unit| unit.link.counts.missed_deadlines).sum(),
    };
    let Measured { used, ages, missed_deadlines } = &measured;
    println!(
        "{units} units: {used:.1?} % used, ages {ages:?}, {missed_deadlines} deadlines missed"
    );
    measured
}

#[test]
fn ages_stay_within_their_limits_if_the_configuration_fits() {
    for units in [2, 9] {
        let poll = PollConfig::default();
        let Measured { used, ages, missed_deadlines } =
            measure(units, poll, Duration::from_mins(if units == 2 { 20 } else { 5 }));
        for (group, age) in [Group::Fast, Group::Medium, Group::Slow].into_iter().zip(ages) {
            assert!(age <= group.max_age(&poll), "{group:?} {age:?}");
        }
        assert!(used.iter().all(|used| (15.0..60.0).contains(used)), "{used:?}");
        assert_eq!(missed_deadlines, 0);
    }
}

#[test]
fn line_is_full_and_no_group_starves_if_more_is_asked_than_fits() {
    for units in [2, 9] {
        // At 2400 baud, `GS` takes half a second.
        let Measured { used, ages, missed_deadlines } =
            measure(units, periods(1, 5, 10), Duration::from_mins(3));
        assert!(used.iter().all(|used| *used >= 95.0), "{used:?}");
        assert!(missed_deadlines > 0);
        assert!(ages.iter().all(|age| *age < Duration::from_secs(30)), "{ages:?}");
    }
}

/// Returns the longest time between two readings of `GS` of unit 0. Unit 1 is silent from the fifth minute on for
/// some minutes.
fn longest_interval(silent_minutes: u64) -> Duration {
    let bank = paced(2);
    let end = 5 + silent_minutes;
    let time = Duration::from_mins(end + 10);
    let run = Run { bank, poll: PollConfig::default(), time, has_routes: false };
    let reads = Mutex::new(Vec::new());
    let (state, _) = run.run(
        |_, event| {
            if let EventKind::Batch { answers, .. } = &event.kind
                && event.link == 0
            {
                let status = answers.iter().find(|answer| answer.query == Query::GeneralStatus);
                reads.lock().unwrap().extend(status.map(|answer| answer.at));
            }
        },
        |state, _, now| {
            let is_at = |minutes: u64| now.as_secs() == minutes * 60;
            if is_at(5) && silent_minutes > 0 {
                run.bank.with(|bank| bank.switch(1, "silent=1")).unwrap();
            } else if is_at(end) {
                run.bank.with(|bank| bank.switch(1, "silent=0")).unwrap();
            }
            if now > Duration::from_secs(5 * 60 + 15) && now < Duration::from_mins(end) {
                let link = state.core.snapshot().units[1].link.state.clone();
                assert!(matches!(link, LinkState::Down { .. }), "{now:?} {link:?}");
            }
        },
    );
    assert_eq!(state.core.snapshot().units[1].link.state, LinkState::Up);
    let reads = reads.into_inner().unwrap();
    reads.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap()
}

#[test]
fn unit_that_is_silent_for_an_hour_delays_no_other_unit() {
    let (without, with) = (longest_interval(0), longest_interval(60));
    println!("longest interval of GS: {without:?}, with a silent unit {with:?}");
    // One exchange of GS takes half a second.
    assert!(with < without + Duration::from_millis(550), "{with:?} instead of {without:?}");
}

/// Watches an undisturbed bank past midnight, or for `LVX_BRIDGE_DAYS`.
#[test]
fn energies_are_right_after_many_days() {
    let time = run_time(Duration::from_hours(9));
    let switches = vec!["clock=2026-06-21T16:00:00".parse().unwrap()];
    let bank = SharedBank::virtual_time(Bank::new(BankConfig { units: 2, switches }).unwrap());
    let run = Run { bank, poll: PollConfig::default(), time, has_routes: false };
    // What a meter with a reading each second would count, in watt-seconds.
    let mut expected = 0.0;
    let mut last: Option<f64> = None;
    let (mut first, mut counters) = ([None; 2], [0; 2]);
    let mut most_held = 0;
    let result = Mutex::new((0.0, 0, 0));
    let (mut state, _) = run.run(
        |_, _| {},
        |state, _, _| {
            let power = run.bank.with(charge_power);
            expected += last.map_or(0.0, |last| f64::midpoint(last, power));
            last = Some(power);
            let snapshot = state.core.snapshot();
            for ((counter, first), unit) in counters.iter_mut().zip(&mut first).zip(&snapshot.units)
            {
                let total = unit.energy.pv_total.unwrap_or_default();
                *first = first.or(unit.energy.pv_total);
                assert!(total >= *counter && unit.energy.era == 0, "{total} after {counter}");
                *counter = total;
                most_held = most_held.max(unit.held.len());
            }
            let growth = counters.iter().sum::<u64>() - first.iter().flatten().sum::<u64>();
            *result.lock().unwrap() = (expected / 3600.0, most_held, growth);
        },
    );
    let (expected, most_held, growth) = result.into_inner().unwrap();
    state.show_saved();
    let snapshot = state.core.snapshot();
    let counted: u64 =
        snapshot.units.iter().filter_map(|unit| unit.energy.battery_charge_total).sum();
    println!(
        "{time:?}: {} events, charged {counted} Wh of {expected:.0} Wh, at most {most_held} answers held",
        state.events
    );
    let ratio = f64::from(u32::try_from(counted).unwrap()) / expected;
    assert!((0.99..1.01).contains(&ratio), "{ratio}");
    assert!(most_held < 40);
    assert_eq!(snapshot.totals.pv_energy, Some(growth));
    let rest = snapshot.totals.battery_charge_energy.unwrap() - counted;
    assert!(rest < 2, "the bank counts fractions of both units, too: {rest}");
    for unit in &snapshot.units {
        assert_eq!((unit.link.counts.missed_deadlines, unit.link.counts.timeouts), (0, 0));
        let (_, at) = unit.held("ED").unwrap().reply.unwrap();
        assert!(
            at + Duration::from_mins(6) > snapshot.started.instant + time,
            "ED is asked each day"
        );
    }
}

/// Returns the power that charges the battery, as the units report it, in watts.
fn charge_power(bank: &mut Bank) -> f64 {
    let status = |unit| match bank.peek(unit, Query::GeneralStatus) {
        Some(AnyReply::GeneralStatus(status)) => status,
        reply => panic!("expected GS, found {reply:?}"),
    };
    let power = |unit| {
        let status = status(unit);
        f64::from(status.battery_voltage.0) / 10.0 * f64::from(status.charge_current.0)
    };
    (0..2).map(power).sum()
}

/// A port with a job whenever the poller asks for one. Each job takes some time on the virtual clock.
struct BusyPort {
    bank: SharedBank,
    clock: SimLink,
    /// Times at which jobs were given.
    jobs: Vec<Instant>,
    asked: Vec<Instant>,
}

impl Port for BusyPort {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn open(&mut self) -> Result<Client, Error> {
        let link: Box<dyn Link + Send> = Box::new(self.bank.link(0));
        Ok(Client::new(link))
    }

    fn wait(&mut self, _until: Instant) -> Wake {
        self.jobs.push(self.clock.now());
        Wake::Job(Box::new(|client| {
            if let Ok(client) = client {
                client.query(Query::RatedInformation).unwrap();
            }
            JobEffect::Unchanged
        }))
    }

    fn report(&mut self, event: Event) -> ControlFlow<()> {
        if let EventKind::Batch { answers, .. } = event.kind {
            self.asked.extend(answers.iter().map(|answer| answer.at));
        }
        ControlFlow::Continue(())
    }

    fn identify(&mut self, _unit: Option<LinkUnit>) {}

    fn report_set(&mut self) {}
}

#[test]
fn endless_jobs_do_not_starve_polling() {
    let bank = paced(1);
    let clock = bank.link(0);
    let start = clock.now();
    let serial = bank.with(|bank| support::serial_of(bank, 0));
    let machine = Machine::new(0, vec![serial], PollConfig::default(), Peers::new(1), start, 0);
    let mut port = BusyPort { bank, clock, jobs: Vec::new(), asked: Vec::new() };
    let mut poller = Poller::new(0, machine);
    while port.now() < start + Duration::from_mins(2) {
        assert!(poller.step(&mut port).is_continue());
    }
    let longest = |times: &[Instant]| times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    let (wait, longest) = (longest(&port.jobs), longest(&port.asked));
    println!(
        "{} jobs, which wait up to {wait:?}; {} answers, up to {longest:?} apart",
        port.jobs.len(),
        port.asked.len()
    );
    // A turn takes up to 0.5 s, GS half a second more, and the serial number is read twice.
    assert!(port.jobs.len() > 200 && wait < Duration::from_secs(2), "{wait:?}");
    assert!(port.asked.len() > 20 && longest < Duration::from_secs(7), "{longest:?}");
}
