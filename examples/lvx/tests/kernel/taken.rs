//! Adapters that another driver takes from the HID driver while plugged in, as NUT does. `unplug.rs` tests
//! that an unplugged adapter is never reported as taken.

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
    plug::{Backend, Occupant, SERIALS, Socket, bank},
    program::{lvx, run},
};

#[test]
#[ignore = "needs a kernel with dummy_hcd: .ci/hidraw-vm/run"]
fn unbound_adapter_is_reported_by_port_and_read_after_rebind() {
    let bank = bank(1, "frozen=on");
    let mut socket = Socket::new(Backend::Gadget, 0, Occupant::Unit(bank, 0));
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
    let text = format!("{error:#}");
    let state = format!("the USB adapter in port {port} is plugged in, but bound to no driver");
    let help = format!("`echo {interface} | sudo tee /sys/bus/usb/drivers/usbhid/bind`");
    assert!(text.contains(&state) && text.contains(&help), "{text}");

    let (listed, text) = run(lvx(), &["devices"]);
    assert!(!listed && text.contains(&state) && text.contains(&help), "{text}");
    let row = format!("no unit: USB port {port}: detached from the kernel's HID driver: ");
    assert!(text.contains(&row), "{text}");
    let (_, text) = run(lvx(), &["devices", "--format", "json"]);
    assert!(text.contains("\"found\":\"taken\""), "{text}");
    let (found, text) = run(lvx(), &["query", "ID", &format!("sn:{}", SERIALS[0])]);
    assert!(!found && text.contains(&state), "{text}");

    driver("bind", &interface);
    socket.node();
    follower.read::<Identity>().unwrap();
}

/// Claims the adapter from the HID driver and releases it, with the system calls that NUT uses.
#[test]
#[ignore = "needs a kernel with dummy_hcd: .ci/hidraw-vm/run"]
fn adapter_claimed_by_a_program_is_reported_with_its_process() {
    let bank = bank(1, "frozen=on");
    let mut socket = Socket::new(Backend::Gadget, 0, Occupant::Unit(bank, 0));
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
    // The error leaves out the process that holds the adapter, because that is this process.
    let state =
        format!("driver usbfs is bound to the USB adapter in port {port} instead of usbhid");
    assert!(error.to_string().contains(&state), "{error}");

    let own = std::process::id();
    let state = format!("kernel (process {own}) uses the USB adapter in port {port} directly");
    let help = "stop that program and plug the adapter in again; NUT claims every 0665:5161";
    for arguments in [&["devices"][..], &["query", "ID", &format!("sn:{}", SERIALS[0])]] {
        let (succeeded, text) = run(lvx(), arguments);
        assert!(!succeeded && text.contains(&state), "{text}");
        assert!(text.contains(help) || arguments.len() > 1, "{text}");
    }
    // Dropping the claim returns the adapter to the HID driver.
    drop(claimed);
    let mut client = Client::new(Hidraw::open(&socket.node()).unwrap());
    client.read::<Identity>().unwrap();
}

/// Reads repeatedly and returns the first error.
fn failure(client: &mut Client<impl Link>) -> Error {
    loop {
        if let Err(error) = client.read::<Identity>() {
            return error;
        }
    }
}

/// Returns the USB interface behind a node, such as `1-1:1.0`.
fn interface(node: &Path) -> String {
    let name = node.file_name().unwrap().to_str().unwrap();
    let device = fs::canonicalize(format!("/sys/class/hidraw/{name}/device")).unwrap();
    device.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned()
}

/// Binds an interface to the HID driver or unbinds it.
fn driver(action: &str, interface: &str) {
    let file = PathBuf::from("/sys/bus/usb/drivers/usbhid").join(action);
    fs::write(file, interface).unwrap();
}
