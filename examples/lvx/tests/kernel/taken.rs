//! An adapter that is plugged in and taken from the HID driver, as NUT does. That one that was pulled
//! out is never told so is tested where cables are pulled (`unplug`).

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use nusb::MaybeFuture;
use pi18_proto::{Identity, SerialNumber};
use pi18_transport::{Client, ClientConfig, Error, Follower, Hidraw, Link};

use crate::{
    lvx,
    plug::{Occupant, SERIALS, Socket, Way, bank},
    ran,
};

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
    let mut follower = Client::new(Follower::open(serial, ClientConfig::default()).unwrap());
    follower.read::<Identity>().unwrap();

    let error = thread::scope(|scope| {
        let reading = scope.spawn(|| failure(&mut follower));
        thread::sleep(Duration::from_millis(20));
        driver("unbind", &interface);
        reading.join().unwrap()
    });
    assert!(error.is_taken() && error.is_disconnected(), "{error}");
    let told = error.to_string();
    let state = format!("the USB adapter in port {port} is plugged in, but bound to no driver");
    let help = format!("`echo {interface} | sudo tee /sys/bus/usb/drivers/usbhid/bind`");
    assert!(told.contains(&state) && told.contains(&help), "{told}");

    let (listed, told) = ran(lvx(), &["devices"]);
    assert!(!listed && told.contains(&state) && told.contains(&help), "{told}");
    assert!(
        told.contains(&format!(
            "no unit: USB port {port}: detached from the kernel's HID driver: "
        )),
        "{told}"
    );
    let (_, told) = ran(lvx(), &["devices", "--format", "json"]);
    assert!(told.contains("\"found\":\"taken\""), "{told}");
    let (found, told) = ran(lvx(), &["query", "ID", &format!("sn:{}", SERIALS[0])]);
    assert!(!found && told.contains(&state), "{told}");

    driver("bind", &interface);
    socket.node();
    follower.read::<Identity>().unwrap();
}

/// What NUT does, by the same means: the adapter is claimed from the HID driver, and given back.
#[test]
#[ignore = "needs a kernel with dummy_hcd: .ci/hidraw-vm/run"]
fn one_that_a_program_claims_is_told_with_its_holder() {
    let bank = bank(1, "frozen=on");
    let mut socket = Socket::new(Way::Gadget, 0, Occupant::Unit(bank, 0));
    socket.plug();
    let node = socket.node();
    let port = interface(&node).split_once(':').unwrap().0.to_owned();
    let mut client = Client::new(Hidraw::open(&node).unwrap());
    client.read::<Identity>().unwrap();

    let device = nusb::list_devices().wait().unwrap().find(|device| device.vendor_id() == 0x0665);
    let device = device.unwrap().open().wait().unwrap();
    let (error, claimed) = thread::scope(|scope| {
        let reading = scope.spawn(|| failure(&mut client));
        thread::sleep(Duration::from_millis(20));
        let claimed = device.detach_and_claim_interface(0).wait().unwrap();
        (reading.join().unwrap(), claimed)
    });
    assert!(error.is_taken() && error.is_disconnected(), "{error}");
    // It does not name this process to itself.
    let state =
        format!("driver usbfs is bound to the USB adapter in port {port} instead of usbhid");
    assert!(error.to_string().contains(&state), "{error}");

    let own = std::process::id();
    let state = format!("kernel (process {own}) uses the USB adapter in port {port} directly");
    let help = "stop that program and plug the adapter in again; NUT takes every 0665:5161";
    for arguments in [&["devices"][..], &["query", "ID", &format!("sn:{}", SERIALS[0])]] {
        let (well, told) = ran(lvx(), arguments);
        assert!(!well && told.contains(&state), "{told}");
        assert!(told.contains(help) || arguments.len() > 1, "{told}");
    }
    // Which gives it back to the HID driver.
    drop(claimed);
    let mut client = Client::new(Hidraw::open(&socket.node()).unwrap());
    client.read::<Identity>().unwrap();
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
