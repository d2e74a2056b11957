//! An adapter that is plugged in and taken from the HID driver, as NUT does, is told apart from one
//! that was pulled out.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use pi18_proto::{Identity, SerialNumber};
use pi18_transport::{Client, Config, Error, Follower, Hidraw, Link};

use crate::{
    lvx,
    plug::{Occupant, SERIALS, Socket, Way, bank, until},
    ran,
};

both_ways! {
    an_unplugged_one_was_never_taken
}

fn an_unplugged_one_was_never_taken(way: Way) {
    let bank = bank(1, "frozen=on");
    let mut socket = Socket::new(way, 0, Occupant::Unit(bank, 0));
    for cycle in 0..20 {
        socket.plug();
        let node = socket.node();
        let mut client = Client::new(Hidraw::open(&node).unwrap());
        client.read::<Identity>().unwrap();
        let error = thread::scope(|scope| {
            let reading = scope.spawn(|| failure(&mut client));
            // At another moment of an exchange each time.
            thread::sleep(Duration::from_millis(cycle));
            socket.unplug();
            reading.join().unwrap()
        });
        assert!(error.is_disconnected() && !error.is_taken(), "cycle {cycle}: {error}");
        until("unplugged", Duration::from_secs(5), || !node.exists());
    }
}

#[test]
#[ignore = "needs a kernel with dummy_hcd: .ci/hidraw-vm/run"]
fn an_unbound_one_is_told_by_its_port_and_is_back_once_it_is_bound() {
    let bank = bank(1, "frozen=on");
    let mut socket = Socket::new(Way::Gadget, 0, Occupant::Unit(bank, 0));
    socket.plug();
    let node = socket.node();
    let interface = interface(&node);
    let port = interface.split_once(':').unwrap().0.to_owned();
    let serial = SerialNumber::new(SERIALS[0]).unwrap();
    let mut follower = Client::new(Follower::open(serial, Config::default()).unwrap());
    follower.read::<Identity>().unwrap();

    let error = thread::scope(|scope| {
        let reading = scope.spawn(|| failure(&mut follower));
        thread::sleep(Duration::from_millis(20));
        driver("unbind", &interface);
        reading.join().unwrap()
    });
    assert!(error.is_taken() && error.is_disconnected(), "{error}");
    let told = error.to_string();
    let state = format!("no driver has the USB adapter in port {port}; it is plugged in");
    let help = format!("`echo {interface} | sudo tee /sys/bus/usb/drivers/usbhid/bind`");
    assert!(told.contains(&state) && told.contains(&help), "{told}");

    let (listed, told) = ran(lvx(), &["devices"]);
    assert!(!listed && told.contains(&state) && told.contains(&help), "{told}");
    assert!(told.contains(&format!("no unit: USB port {port}: was taken away: ")), "{told}");
    let (_, told) = ran(lvx(), &["devices", "--format", "json"]);
    assert!(told.contains("\"found\":\"taken\""), "{told}");
    let (found, told) = ran(lvx(), &["query", "ID", &format!("sn:{}", SERIALS[0])]);
    assert!(!found && told.contains(&state), "{told}");

    driver("bind", &interface);
    socket.node();
    follower.read::<Identity>().unwrap();
}

/// Asks on until that fails.
fn failure(client: &mut Client<impl Link>) -> Error {
    loop {
        if let Err(error) = client.read::<Identity>() {
            return error;
        }
    }
}

/// The USB interface behind a node, such as `1-1:1.0`.
fn interface(node: &Path) -> String {
    let name = node.file_name().unwrap().to_str().unwrap();
    let device = fs::canonicalize(format!("/sys/class/hidraw/{name}/device")).unwrap();
    device.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned()
}

/// Binds an interface to the HID driver, or unbinds it.
fn driver(what: &str, interface: &str) {
    let file = PathBuf::from("/sys/bus/usb/drivers/usbhid").join(what);
    fs::write(file, interface).unwrap();
}
