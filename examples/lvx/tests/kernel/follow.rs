//! Followers where cables are swapped, units are slow to come, and others are never to be found.

use std::{
    thread,
    time::{Duration, Instant},
};

use pi18_proto::Identity;
use pi18_transport::Client;

use crate::{
    plug::{Occupant, SERIALS, SILENT, Socket, Way, bank, two_units, until},
    unplug::{PACED, descriptors, follower},
};

both_ways! {
    unplugged_and_swapped_units_keep_their_clients
    unplugged_with_its_power_a_unit_is_followed_once_it_speaks
    unplugged_strangers_are_let_go
}

fn unplugged_and_swapped_units_keep_their_clients(way: Way) {
    let bank = bank(2, PACED);
    let mut sockets = two_units(way, &bank);
    let mut clients = [follower(0), follower(1)];
    let mut slowest = Duration::ZERO;
    for swap in 0..10 {
        sockets.iter_mut().for_each(Socket::unplug);
        for client in &mut clients {
            let error = client.read::<Identity>().unwrap_err();
            assert!(error.is_disconnected(), "swap {swap}: {error}");
        }
        // The one that was first is second now.
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
    println!("{way:?}: ten swaps, both answer {slowest:?} after the nodes at most");
}

fn unplugged_with_its_power_a_unit_is_followed_once_it_speaks(way: Way) {
    let bank = bank(1, PACED);
    let mut socket = Socket::new(way, 0, Occupant::Unit(bank.clone(), 0));
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
        let spoke = thread::scope(|scope| {
            let speaks = scope.spawn(|| {
                thread::sleep(Duration::from_millis(1500));
                bank.with(|bank| bank.switch(0, "silent=0")).unwrap();
                Instant::now()
            });
            let identity = client.read::<Identity>().unwrap();
            assert_eq!(identity.serial_number.to_string(), SERIALS[0]);
            speaks.join().unwrap()
        });
        let took = spoke.elapsed();
        println!("{way:?}: it answers {took:?} after it speaks");
        assert!(took < Duration::from_secs(2), "not within 2 s: {took:?}");
    }
}

/// The time that a reply has begins when the question is on its way, not when it is asked.
#[test]
#[ignore = "needs a kernel with uhid: .ci/hidraw-vm/run"]
fn unplugged_for_longer_than_a_reply_may_take_a_unit_is_asked_once_and_answers() {
    let bank = bank(1, "frozen=on&think=50ms");
    let mut socket = Socket::new(Way::Uhid, 0, Occupant::Unit(bank, 0));
    socket.plug();
    socket.node();
    let address = format!("sn:{}?tries=1&timeout=500ms", SERIALS[0]);
    let mut client = Client::open(&address).unwrap();
    socket.unplug();
    assert!(client.read::<Identity>().unwrap_err().is_disconnected());
    thread::scope(|scope| {
        let asking = scope.spawn(|| client.read::<Identity>());
        thread::sleep(Duration::from_millis(600));
        socket.plug();
        let identity = asking.join().unwrap().unwrap();
        assert_eq!(identity.serial_number.to_string(), SERIALS[0]);
    });
}

/// A stranger answers late, when nobody wants to know any more: its node is closed all the same.
fn unplugged_strangers_are_let_go(way: Way) {
    let bank = bank(2, "frozen=on");
    bank.with(|bank| bank.switch(1, "silent=1")).unwrap();
    let mut sockets = two_units(way, &bank);
    let mut silent = Socket::new(way, 2, SILENT);
    silent.plug();
    silent.node();
    let mut client = follower(0);
    sockets[0].unplug();
    client.read::<Identity>().unwrap_err();
    thread::scope(|scope| {
        let asking = scope.spawn(|| client.read::<Identity>().map(|_| client));
        // By now it is being asked with all the patience that there is.
        thread::sleep(Duration::from_millis(700));
        bank.with(|bank| {
            bank.switch(1, "silent=0").unwrap();
            bank.switch(1, "think=1s").unwrap();
        });
        sockets[0].plug();
        sockets[0].node();
        let client = asking.join().unwrap().unwrap();
        assert_eq!(client.link().node(), Some(&*sockets[0].node()));
        // Longer than anybody is asked.
        thread::sleep(Duration::from_millis(2500));
        let settled = Duration::from_secs(8);
        until("one node is open, and it is there", settled, || descriptors() == (1, 0));
    });
}
