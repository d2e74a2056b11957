//! Virtual units on a USB device port whose host is the same machine.
//!
//! The tests need Linux, root, configfs and modules: `modprobe -a libcomposite dummy_hcd usbhid`, then
//! `cargo test --test functionfs -- --ignored --test-threads=1`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::{
    fs,
    fs::File,
    io::{self, Read, Write},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use pi18_proto::{GeneralStatus, Mode};
use pi18_transport::{
    Client,
    sim::{Bank, BankConfig, FunctionFsDevice, SharedBank, hidraw_node, serve_functionfs},
};

const TIMEOUT: Duration = Duration::from_secs(5);

/// The port at which the host sees the device that is bound to `dummy_udc.0`.
const PORT: &str = "usb-dummy_hcd.0-1/input0";

/// A USB gadget with a mounted `FunctionFS`. Dropping it removes both.
struct Gadget {
    folder: PathBuf,
    mount: PathBuf,
}

impl Gadget {
    fn new(name: &str) -> Self {
        let folder = Path::new("/sys/kernel/config/usb_gadget").join(name);
        let mount = std::env::temp_dir().join(format!("pi18-functionfs-{name}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("idVendor"), "0x0665").unwrap();
        fs::write(folder.join("idProduct"), "0x5161").unwrap();
        for part in ["configs/c.1", "functions/ffs.{}", "strings/0x409"] {
            fs::create_dir(folder.join(part.replace("{}", name))).unwrap();
        }
        fs::create_dir_all(&mount).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "functionfs", name]).arg(&mount).status().unwrap();
        assert!(mounted.success());
        Self { folder, mount }
    }

    fn bind(&self) -> io::Result<()> {
        let name = self.folder.file_name().unwrap().to_str().unwrap();
        let function = format!("ffs.{name}");
        let link = self.folder.join("configs/c.1").join(&function);
        if !link.exists() {
            symlink(self.folder.join("functions").join(function), link)?;
        }
        fs::write(self.folder.join("UDC"), "dummy_udc.0\n")
    }

    fn unbind(&self) {
        fs::write(self.folder.join("UDC"), "\n").unwrap();
        wait_until_unplugged();
    }

    fn is_bound(&self) -> bool {
        !fs::read_to_string(self.folder.join("UDC")).unwrap().trim().is_empty()
    }
}

impl Drop for Gadget {
    fn drop(&mut self) {
        let name = self.folder.file_name().unwrap().to_str().unwrap();
        let function = format!("ffs.{name}");
        let _ = fs::write(self.folder.join("UDC"), "\n");
        let _ = fs::remove_file(self.folder.join("configs/c.1").join(&function));
        let _ = Command::new("umount").arg(&self.mount).status();
        for part in ["configs/c.1", &format!("functions/{function}"), "strings/0x409", ""] {
            let _ = fs::remove_dir(self.folder.join(part));
        }
        let _ = fs::remove_dir(&self.mount);
    }
}

fn shared() -> SharedBank {
    let switches = vec!["frozen=on".parse().unwrap()];
    SharedBank::real_time(Bank::new(BankConfig { units: 1, switches }).unwrap())
}

#[track_caller]
fn client() -> Client {
    let node = hidraw_node(PORT, TIMEOUT).unwrap();
    Client::open(&format!("hidraw:{}", node.display())).unwrap()
}

fn open() -> File {
    File::options().read(true).write(true).open(hidraw_node(PORT, TIMEOUT).unwrap()).unwrap()
}

/// Sends `GS` and closes the node without reading the reply.
fn ask_and_close() {
    let mut host = open();
    host.write_all(b"\0^P005GSX").unwrap();
    host.write_all(b"\0\x14\r\0\0\0\0\0\0").unwrap();
}

fn wait_until_unplugged() {
    wait_until("unplugged", || hidraw_node(PORT, Duration::ZERO).is_err());
}

#[track_caller]
fn wait_until(expected: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + TIMEOUT;
    while !done() {
        assert!(Instant::now() < end, "expected in time: {expected}");
        thread::yield_now();
    }
}

#[test]
#[ignore = "needs dummy_hcd"]
fn unit_answers_whenever_its_gadget_is_bound() {
    let gadget = Gadget::new("bound");
    let _served = serve_functionfs(&shared(), 0, &gadget.mount).unwrap();
    for _ in 0..3 {
        gadget.bind().unwrap();
        let mut client = client();
        for _ in 0..3 {
            client.read::<GeneralStatus>().unwrap();
        }
        gadget.unbind();
        assert!(client.read::<Mode>().unwrap_err().is_disconnected());
    }
}

#[test]
#[ignore = "needs dummy_hcd"]
fn disconnected_unit_unbinds_its_gadget_until_reconnected() {
    let gadget = Gadget::new("again");
    let shared = shared();
    let served = serve_functionfs(&shared, 0, &gadget.mount).unwrap();
    gadget.bind().unwrap();
    let mut held = client();
    held.read::<Mode>().unwrap();
    shared.with(|bank| bank.disconnect(0));
    wait_until_unplugged();
    assert!(held.read::<Mode>().unwrap_err().is_disconnected());
    assert!(!gadget.is_bound());
    assert!(gadget.bind().is_err(), "expected no function to bind");
    shared.with(|bank| bank.reconnect(0));
    wait_until("described again", || gadget.mount.join("ep1").exists());
    gadget.bind().unwrap();
    client().read::<Mode>().unwrap();
    drop(served);
    wait_until_unplugged();
    assert!(!gadget.is_bound());
}

#[test]
#[ignore = "needs dummy_hcd"]
fn unread_reply_does_not_block_later_ones() {
    let gadget = Gadget::new("unread");
    let served = serve_functionfs(&shared(), 0, &gadget.mount).unwrap();
    gadget.bind().unwrap();
    for _ in 0..3 {
        ask_and_close();
        client().read::<GeneralStatus>().unwrap();
    }
    ask_and_close();
    gadget.unbind();
    gadget.bind().unwrap();
    client().read::<GeneralStatus>().unwrap();
    // Dropping the server does not wait for the host either.
    ask_and_close();
    let start = Instant::now();
    drop(served);
    assert!(start.elapsed() < TIMEOUT);
}

#[test]
#[ignore = "needs dummy_hcd"]
fn owner_of_device_exchanges_reports_with_host() {
    let gadget = Gadget::new("device");
    let device = FunctionFsDevice::create(&gadget.mount).unwrap();
    gadget.bind().unwrap();
    let device = thread::spawn(move || {
        let request = device.output(TIMEOUT).unwrap().unwrap();
        device.input(b"(NAKss\r\0");
        assert!(device.flush(TIMEOUT));
        (request, device)
    });
    let mut host = open();
    host.write_all(b"\0^P005PIq").unwrap();
    let mut report = [0; 8];
    host.read_exact(&mut report).unwrap();
    assert_eq!(&report, b"(NAKss\r\0");
    let (request, device) = device.join().unwrap();
    assert_eq!(request, b"^P005PIq");
    drop(device);
    assert_eq!(host.read(&mut report).unwrap_err().raw_os_error(), Some(5));
    assert!(!gadget.is_bound());
}
