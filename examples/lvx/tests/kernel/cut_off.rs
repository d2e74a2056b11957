//! Set commands that are interrupted by a pulled cable: the outcome matches what the unit received.

use std::{
    collections::BTreeMap,
    fs::File,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use pi18_proto::{OutputPriority, Query, RatedInformation, SetCommand};
use pi18_transport::{Client, Error, Follower, SetOutcome, sim::SharedBank};

use crate::{
    plug::{Backend, Occupant, Socket, bank},
    unplug::{MAX_DELAY, PACED, follower, wait_for_hangup},
};

for_each_backend! {
    set_command_interrupted_by_unplug_reports_true_outcome
}

const UNITS: usize = 3;

/// Number of interrupted set commands per unit.
const SETS: usize = 12;

fn set_command_interrupted_by_unplug_reports_true_outcome(backend: Backend) {
    let bank = &bank(UNITS, PACED);
    let start = Instant::now();
    let cut: Vec<_> = thread::scope(|scope| {
        let cutting: Vec<_> =
            (0..UNITS).map(|unit| scope.spawn(move || cut_off(backend, unit, bank))).collect();
        cutting.into_iter().map(|cut| cut.join().unwrap()).collect()
    });
    let mut count = BTreeMap::new();
    for ending in cut.iter().flatten() {
        *count.entry(ending).or_insert(0) += 1;
    }
    println!("{backend:?}: {count:?} in {:?}", start.elapsed());
    for ending in [Ending::Accepted, Ending::Gone, Ending::NotSent] {
        assert!(count.contains_key(&ending), "{ending:?} did not occur");
    }
}

/// How a set command ended.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Ending {
    Accepted,
    /// The device disappeared after the command was sent.
    Gone,
    NotSent,
}

/// Sends set commands to a unit and pulls its cable during each. Returns how each command ended.
fn cut_off(backend: Backend, unit: usize, bank: &SharedBank) -> Vec<Ending> {
    let mut socket = Socket::new(backend, unit, Occupant::Unit(bank.clone(), unit));
    socket.plug();
    let mut node = socket.node();
    let mut client = follower(unit);
    let mut random = fastrand::Rng::with_seed(unit.try_into().unwrap());
    let mut endings = Vec::new();
    for cut in 0..SETS {
        let name = format!("unit {unit}, cut {cut}");
        let in_step = cut % 2 == 0;
        if in_step {
            // After a successful query, the client sends the command at once, without a fence before it.
            read(&mut client).unwrap();
        }
        let (before, received) = state(bank, unit);
        let target = other(before);
        let delay = Duration::from_millis(random.u64(0..if in_step { 22 } else { 70 }));
        let ((send_start, start), (send_pulled, pulled)) = (mpsc::channel(), mpsc::channel());
        let command = SetCommand::OutputPriority { priority: target.known().unwrap() };
        let (outcome, delay_of_outcome) = thread::scope(|scope| {
            let client = &mut client;
            let setting = scope.spawn(move || {
                send_start.send(()).unwrap();
                if cut % 4 == 3 {
                    // In every fourth round, the cable is pulled before the command is sent.
                    pulled.recv().unwrap();
                }
                (client.set(command), Instant::now())
            });
            let watched = File::open(&node).unwrap();
            start.recv().unwrap();
            thread::sleep(delay);
            socket.unplug();
            let event = wait_for_hangup(&watched);
            drop(watched);
            // The thread receives this only in every fourth round.
            let _ = send_pulled.send(());
            let (outcome, ended) = setting.join().unwrap();
            (outcome, ended.saturating_duration_since(event))
        });
        assert!(
            delay_of_outcome <= MAX_DELAY,
            "not within {MAX_DELAY:?}: {name}: {delay_of_outcome:?}: {outcome:?}"
        );
        let ending = ending(&outcome, &name);
        if ending == Ending::Accepted {
            // The exchange was complete before the cable was pulled, so the client has not noticed it yet.
            assert!(read(&mut client).unwrap_err().is_disconnected(), "{name}");
        }
        thread::sleep(Duration::from_millis(random.u64(0..50)));
        socket.plug();
        node = socket.node();
        let now = read(&mut client).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (actual, received_now) = state(bank, unit);
        assert_eq!(now, actual, "{name}: {outcome:?}");
        let arrived = received_now - received;
        match ending {
            Ending::NotSent => assert_eq!((now, arrived), (before, 0), "{name}"),
            // A set command is never sent twice.
            Ending::Gone if arrived == 0 => assert_eq!(now, before, "{name}"),
            Ending::Accepted | Ending::Gone => assert_eq!((now, arrived), (target, 1), "{name}"),
        }
        endings.push(ending);
    }
    endings
}

#[track_caller]
fn ending(outcome: &Result<SetOutcome, Error>, name: &str) -> Ending {
    match outcome {
        Ok(SetOutcome::Accepted) => Ending::Accepted,
        Ok(SetOutcome::Gone) => Ending::Gone,
        Err(error) if error.is_disconnected() => Ending::NotSent,
        other => panic!("{name}: {other:?}"),
    }
}

fn read(client: &mut Client<Follower>) -> Result<OutputPriority, Error> {
    client.read::<RatedInformation>().map(|rated| rated.output_priority)
}

/// Returns the output priority of a unit and the number of set commands it has received.
fn state(bank: &SharedBank, unit: usize) -> (OutputPriority, u64) {
    bank.with(|bank| {
        let reply = bank.peek(unit, Query::RatedInformation).unwrap();
        let pi18_proto::AnyReply::RatedInformation(rated) = reply else { panic!("{reply:?}") };
        (rated.output_priority, bank.set_counts(unit).received)
    })
}

/// Returns a priority that differs from this one.
fn other(priority: OutputPriority) -> OutputPriority {
    match priority {
        OutputPriority::SOLAR_UTILITY_BATTERY => OutputPriority::SOLAR_BATTERY_UTILITY,
        _ => OutputPriority::SOLAR_UTILITY_BATTERY,
    }
}
