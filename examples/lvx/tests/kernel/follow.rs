//! `Follower` while cables are swapped, a unit does not answer yet, or other devices are plugged in.

use std::{
    thread,
    time::{Duration, Instant},
};

use pi18_proto::Identity;
use pi18_transport::Client;

use crate::{
    plug::{Backend, Occupant, SERIALS, SILENT, Socket, bank, two_units, until},
    unplug::{PACED, descriptors, follower},
};

for_each_backend! {
    followers_of_swapped_units_reach_the_same_units
    follower_of_a_silent_unit_reads_once_it_answers
    follower_closes_nodes_of_other_units
}

fn followers_of_swapped_units_reach_the_same_units(backend: Backend) {
    let bank = bank(2, PACED);
    let mut sockets = two_units(backend, &bank);
    let mut clients = [follower(0), follower(1)];
    let mut slowest = Duration::ZERO;
    for swap in 0..10 {
        sockets.iter_mut().for_each(Socket::unplug);
        for client in &mut clients {
            let error = client.read::<Identity>().unwrap_err();
            assert!(error.is_disconnected(), "swap {swap}: {error}");
        }
        // Plug in the units in the other order, so that each gets the node of the other.
        sockets.reverse();
        let nodes = sockets.each_mut().map(|socket| {
            socket.plug();
            socket.node()
        });
        let plugged = Instant::now();
        thread::scope(|scope| {
            for (client, serial) in clients.iter_mut().zip(SERIALS) {
                scope.spawn(move || {
                    let identity = client.read::<Identity>();
                    let identity = identity.unwrap_or_else(|error| panic!("swap {swap}: {error}"));
                    assert_eq!(identity.serial_number.to_string(), serial, "swap {swap}");
                });
            }
        });
        let took = plugged.elapsed();
        assert!(took < Duration::from_secs(2), "not within 2 s: swap {swap}: {took:?}");
        slowest = slowest.max(took);
        let found = clients.each_ref().map(|client| client.link().node().unwrap().to_owned());
        let swapped = usize::from(swap % 2 == 0);
        assert_eq!(found, [nodes[swapped].clone(), nodes[1 - swapped].clone()], "swap {swap}");
    }
    println!(
        "{backend:?}: ten swaps, both units answered within {slowest:?} of the creation of their nodes"
    );
}

fn follower_of_a_silent_unit_reads_once_it_answers(backend: Backend) {
    let bank = bank(1, PACED);
    let mut socket = Socket::new(backend, 0, Occupant::Unit(bank.clone(), 0));
    socket.plug();
    socket.node();
    let mut client = follower(0);
    for _ in 0..2 {
        client.read::<Identity>().unwrap();
        socket.unplug();
        bank.with(|bank| bank.switch(0, "silent=1")).unwrap();
        socket.plug();
        let error = client.read::<Identity>().unwrap_err();
        assert!(error.is_disconnected(), "{error}");
        socket.node();
        let answerable = thread::scope(|scope| {
            let switching = scope.spawn(|| {
                thread::sleep(Duration::from_millis(1500));
                bank.with(|bank| bank.switch(0, "silent=0")).unwrap();
                Instant::now()
            });
            let identity = client.read::<Identity>().unwrap();
            assert_eq!(identity.serial_number.to_string(), SERIALS[0]);
            switching.join().unwrap()
        });
        let took = answerable.elapsed();
        println!("{backend:?}: read {took:?} after the unit could answer");
        assert!(took < Duration::from_secs(2), "not within 2 s: {took:?}");
    }
}

/// The reply timeout starts when the request is sent, not when `read` is called.
#[test]
#[ignore = "needs a kernel with uhid: .ci/hidraw-vm/run"]
fn follower_of_a_unit_absent_for_longer_than_timeout_reads_with_one_try() {
    let bank = bank(1, "frozen=on&think=50ms");
    let mut socket = Socket::new(Backend::Uhid, 0, Occupant::Unit(bank, 0));
    socket.plug();
    socket.node();
    let address = format!("sn:{}?tries=1&timeout=500ms", SERIALS[0]);
    let mut client = Client::open(&address).unwrap();
    socket.unplug();
    assert!(client.read::<Identity>().unwrap_err().is_disconnected());
    thread::scope(|scope| {
        let reading = scope.spawn(|| client.read::<Identity>());
        thread::sleep(Duration::from_millis(600));
        socket.plug();
        let identity = reading.join().unwrap().unwrap();
        assert_eq!(identity.serial_number.to_string(), SERIALS[0]);
    });
}

/// The node of another unit is closed although that unit answers only after the search has ended.
fn follower_closes_nodes_of_other_units(backend: Backend) {
    let bank = bank(2, "frozen=on");
    bank.with(|bank| bank.switch(1, "silent=1")).unwrap();
    let mut sockets = two_units(backend, &bank);
    let mut silent = Socket::new(backend, 2, SILENT);
    silent.plug();
    silent.node();
    let mut client = follower(0);
    sockets[0].unplug();
    client.read::<Identity>().unwrap_err();
    thread::scope(|scope| {
        let reading = scope.spawn(|| client.read::<Identity>().map(|_| client));
        // After this time, the silent unit is probed with the longest timeout.
        thread::sleep(Duration::from_millis(700));
        bank.with(|bank| {
            bank.switch(1, "silent=0").unwrap();
            bank.switch(1, "think=1s").unwrap();
        });
        sockets[0].plug();
        sockets[0].node();
        let client = reading.join().unwrap().unwrap();
        assert_eq!(client.link().node(), Some(&*sockets[0].node()));
        // No probe takes longer than this.
        thread::sleep(Duration::from_millis(2500));
        let settled = Duration::from_secs(8);
        until("only the unit's node is open", settled, || descriptors() == (1, 0));
    });
}
