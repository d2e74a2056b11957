//! A set command that is cut off by the cable: what became of it is told truly, and seen afterwards.

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
    plug::{Occupant, Socket, Way, bank},
    unplug::{AT_THE_LATEST, PACED, follower, hung_up},
};

both_ways! {
    unplugged_set_commands_are_told_truly
}

const UNITS: usize = 3;

/// How often each unit is set, and cut off.
const SETS: usize = 12;

fn unplugged_set_commands_are_told_truly(way: Way) {
    let bank = &bank(UNITS, PACED);
    let start = Instant::now();
    let cut: Vec<_> = thread::scope(|scope| {
        let cutting: Vec<_> =
            (0..UNITS).map(|unit| scope.spawn(move || cut_off(way, unit, bank))).collect();
        cutting.into_iter().map(|cut| cut.join().unwrap()).collect()
    });
    let mut count = BTreeMap::new();
    for ending in cut.iter().flatten() {
        *count.entry(ending).or_insert(0) += 1;
    }
    println!("{way:?}: {count:?} in {:?}", start.elapsed());
    for ending in [Ending::Accepted, Ending::Gone, Ending::NotSent] {
        assert!(count.contains_key(&ending), "{ending:?} was not tried");
    }
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Ending {
    Accepted,
    Gone,
    NotSent,
}

/// Sets a unit often, and pulls its cable meanwhile.
fn cut_off(way: Way, unit: usize, bank: &SharedBank) -> Vec<Ending> {
    let mut socket = Socket::new(way, unit, Occupant::Unit(bank.clone(), unit));
    socket.plug();
    let mut node = socket.node();
    let mut client = follower(unit);
    let mut random = fastrand::Rng::with_seed(unit.try_into().unwrap());
    let mut endings = Vec::new();
    for cut in 0..SETS {
        let name = format!("unit {unit}, cut {cut}");
        let in_step = cut % 2 == 0;
        if in_step {
            // The command goes out at once, without a question before it.
            read(&mut client).unwrap();
        }
        let (before, received) = state(bank, unit);
        let wanted = other(before);
        let delay = Duration::from_millis(random.u64(0..if in_step { 22 } else { 70 }));
        let ((began, begins), (pull, pulled)) = (mpsc::channel(), mpsc::channel());
        let command = SetCommand::OutputPriority { priority: wanted.known().unwrap() };
        let (outcome, told) = thread::scope(|scope| {
            let client = &mut client;
            let setting = scope.spawn(move || {
                began.send(()).unwrap();
                if cut % 4 == 3 {
                    // It is pulled first.
                    pulled.recv().unwrap();
                }
                (client.set(command), Instant::now())
            });
            let watched = File::open(&node).unwrap();
            begins.recv().unwrap();
            thread::sleep(delay);
            socket.unplug();
            let event = hung_up(&watched);
            drop(watched);
            // Mostly nobody waits for it.
            let _ = pull.send(());
            let (outcome, told) = setting.join().unwrap();
            (outcome, told.saturating_duration_since(event))
        });
        assert!(
            told <= AT_THE_LATEST,
            "not within {AT_THE_LATEST:?}: {name}: {told:?}: {outcome:?}"
        );
        let ending = ending(&outcome, &name);
        if ending == Ending::Accepted {
            // It was through, and the client has not looked since.
            assert!(read(&mut client).unwrap_err().is_disconnected(), "{name}");
        }
        thread::sleep(Duration::from_millis(random.u64(0..50)));
        socket.plug();
        node = socket.node();
        let now = read(&mut client).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (there, all_received) = state(bank, unit);
        assert_eq!(now, there, "{name}: {outcome:?}");
        let arrived = all_received - received;
        match ending {
            Ending::NotSent => assert_eq!((now, arrived), (before, 0), "{name}"),
            // Once at most: it is never sent twice.
            Ending::Gone if arrived == 0 => assert_eq!(now, before, "{name}"),
            Ending::Accepted | Ending::Gone => assert_eq!((now, arrived), (wanted, 1), "{name}"),
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

/// What the unit has, and how many set commands have come to it.
fn state(bank: &SharedBank, unit: usize) -> (OutputPriority, u64) {
    bank.with(|bank| {
        let reply = bank.peek(unit, Query::RatedInformation).unwrap();
        let pi18_proto::AnyReply::RatedInformation(rated) = reply else { panic!("{reply:?}") };
        (rated.output_priority, bank.sets(unit).received)
    })
}

fn other(priority: OutputPriority) -> OutputPriority {
    match priority {
        OutputPriority::SOLAR_UTILITY_BATTERY => OutputPriority::SOLAR_BATTERY_UTILITY,
        _ => OutputPriority::SOLAR_UTILITY_BATTERY,
    }
}
