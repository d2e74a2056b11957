//! Sockets into which the tests plug virtual adapters, made with uhid, or with a dummy USB controller and a
//! `FunctionFS` gadget that has the descriptors of the real adapter.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use bytes::BytesMut;
use pi18_transport::{
    Link,
    sim::{
        self, Bank, BankConfig, FunctionFsDevice, HidIdentity, Served, SharedBank, SimLink,
        Switches, UhidDevice,
    },
};

use crate::program::run;

/// The kernel facility that creates the devices.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Backend {
    Uhid,
    Gadget,
}

/// The device behind an adapter.
#[derive(Clone)]
pub(crate) enum Occupant {
    Unit(SharedBank, usize),
    /// A unit whose received bytes are recorded. The bank needs the switch `reports`.
    Recorded(SharedBank, usize, ReceivedBytes),
    /// A device that answers every report with these reports.
    Other(&'static [[u8; 8]]),
    /// A device whose behaviour the test defines.
    Acting(Actor),
}

/// The bytes that a unit received, including the zeros that pad reports.
pub(crate) type ReceivedBytes = Arc<Mutex<Vec<u8>>>;

/// A device, as a function that receives a report and a function to send reports with. It is also called
/// regularly with an empty report, so that it can send without a request.
pub(crate) type Actor = Arc<Mutex<dyn FnMut(&[u8], Sending<'_>) + Send>>;

pub(crate) type Sending<'a> = &'a dyn Fn(&[u8; 8]);

/// A UPS with the same vendor and product, which answers unknown requests with `(NAK`.
pub(crate) const UPS: Occupant = Occupant::Other(&[*b"(NAKss\r\0"]);

/// A device that does not answer.
pub(crate) const SILENT: Occupant = Occupant::Other(&[]);

/// A USB port with one device that can be plugged and unplugged.
pub(crate) struct Socket {
    backend: Backend,
    number: usize,
    occupant: Occupant,
    /// With uhid, present only while the device is plugged in.
    server: Option<Server>,
}

/// The thread that answers for a device until it is dropped.
enum Server {
    Unit(#[expect(dead_code, reason = "held for its destructor")] Served),
    Other(#[expect(dead_code, reason = "held for its destructor")] Other),
}

impl Socket {
    /// Creates a socket whose device is unplugged.
    pub(crate) fn new(backend: Backend, number: usize, occupant: Occupant) -> Self {
        let mut socket = Self { backend, number, occupant, server: None };
        if backend == Backend::Gadget {
            create_gadget(number);
            socket.server = Some(socket.serve());
            let gadget = gadget_folder(number);
            let (from, to) = (gadget.join("configs/c.1"), gadget.join("functions"));
            std::os::unix::fs::symlink(to.join(function(number)), from.join(function(number)))
                .unwrap();
        }
        socket
    }

    pub(crate) fn plug(&mut self) {
        match self.backend {
            Backend::Uhid => self.server = Some(self.serve()),
            Backend::Gadget => write(&self.controller(), &format!("dummy_udc.{}\n", self.number)),
        }
    }

    pub(crate) fn unplug(&mut self) {
        match self.backend {
            Backend::Uhid => self.server = None,
            Backend::Gadget => write(&self.controller(), "\n"),
        }
    }

    /// Returns the `HID_PHYS` of the plugged device.
    pub(crate) fn port(&self) -> String {
        match self.backend {
            Backend::Uhid => format!("lvx-test-{}/input0", self.number),
            Backend::Gadget => format!("usb-dummy_hcd.{}-1/input0", self.number),
        }
    }

    /// Waits for the hidraw node of the device and returns its path.
    #[track_caller]
    pub(crate) fn node(&self) -> PathBuf {
        sim::hidraw_node(&self.port(), Duration::from_secs(10)).unwrap()
    }

    fn controller(&self) -> PathBuf {
        gadget_folder(self.number).join("UDC")
    }

    fn serve(&self) -> Server {
        match (&self.occupant, self.backend) {
            (Occupant::Unit(bank, unit), Backend::Uhid) => {
                Server::Unit(sim::serve_uhid(bank, *unit, &self.port()).unwrap())
            }
            (Occupant::Unit(bank, unit), Backend::Gadget) => {
                Server::Unit(sim::serve_functionfs(bank, *unit, &mount(self.number)).unwrap())
            }
            (Occupant::Other(answer), _) => {
                let answer = *answer;
                let act = move |report: &[u8], send: Sending<'_>| {
                    if !report.is_empty() {
                        answer.iter().for_each(send);
                    }
                };
                self.serve_other(Arc::new(Mutex::new(act)))
            }
            (Occupant::Recorded(bank, unit, received), _) => {
                let mut relay = Relay::new(bank, *unit, received);
                let act = move |report: &[u8], send: Sending<'_>| {
                    relay.receive(report);
                    relay.send(send);
                };
                self.serve_other(Arc::new(Mutex::new(act)))
            }
            (Occupant::Acting(actor), _) => self.serve_other(Arc::clone(actor)),
        }
    }

    fn serve_other(&self, actor: Actor) -> Server {
        let act = move |report: &[u8], send: Sending<'_>| (actor.lock().unwrap())(report, send);
        Server::Other(match self.backend {
            Backend::Uhid => {
                let device = UhidDevice::create(&HidIdentity::adapter(self.port())).unwrap();
                Other::start(move || {
                    let report = device.output(POLL_INTERVAL).unwrap().unwrap_or_default();
                    act(&report, &|report| device.input(report).unwrap());
                })
            }
            Backend::Gadget => {
                let device = FunctionFsDevice::create(&mount(self.number)).unwrap();
                Other::start(move || {
                    let report = device.output(POLL_INTERVAL).unwrap().unwrap_or_default();
                    act(&report, &|report| device.input(report));
                })
            }
        })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.backend == Backend::Gadget {
            // The device may be unplugged already.
            let _ = fs::write(self.controller(), "\n");
            self.server = None;
            let gadget = gadget_folder(self.number);
            fs::remove_file(gadget.join("configs/c.1").join(function(self.number))).unwrap();
            assert!(run("umount", &[mount(self.number).to_str().unwrap()]).0);
            for folder in [
                "configs/c.1",
                &format!("functions/{}", function(self.number)),
                "strings/0x409",
                "",
            ] {
                fs::remove_dir(gadget.join(folder)).unwrap();
            }
        }
    }
}

/// A relay between a HID device and a unit, which records the bytes sent to the unit.
struct Relay {
    link: SimLink,
    received: ReceivedBytes,
}

impl Relay {
    fn new(bank: &SharedBank, unit: usize, received: &ReceivedBytes) -> Self {
        Self { link: bank.link(unit), received: Arc::clone(received) }
    }

    fn receive(&mut self, report: &[u8]) {
        if !report.is_empty() {
            self.received.lock().unwrap().extend_from_slice(report);
            let now = self.link.now();
            self.link.send(report, now).unwrap();
        }
    }

    fn send(&mut self, send: Sending<'_>) {
        let mut bytes = BytesMut::new();
        let now = self.link.now();
        self.link.receive(&mut bytes, now).unwrap();
        bytes.chunks_exact(8).for_each(|report| send(report.first_chunk().unwrap()));
    }
}

/// A thread that answers for a device that is not a unit of the virtual bank.
struct Other {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Other {
    fn start(serve: impl Fn() + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                serve();
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Creates a gadget. Its server writes the descriptors later.
fn create_gadget(number: usize) {
    let gadget = gadget_folder(number);
    for folder in ["strings/0x409", "configs/c.1", &format!("functions/{}", function(number))] {
        fs::create_dir_all(gadget.join(folder)).unwrap();
    }
    for (file, value) in [
        ("idVendor", "0x0665"),
        ("idProduct", "0x5161"),
        ("bcdDevice", "0x0002"),
        ("bcdUSB", "0x0110"),
        ("strings/0x409/manufacturer", "INNO TECH"),
        ("strings/0x409/product", "USB to Serial"),
    ] {
        write(&gadget.join(file), value);
    }
    let mount = mount(number);
    fs::create_dir_all(&mount).unwrap();
    let name = format!("lvx{number}");
    let (mounted, why) = run("mount", &["-t", "functionfs", &name, mount.to_str().unwrap()]);
    assert!(mounted, "{why}");
}

fn gadget_folder(number: usize) -> PathBuf {
    Path::new("/sys/kernel/config/usb_gadget").join(format!("lvx{number}"))
}

fn function(number: usize) -> String {
    format!("ffs.lvx{number}")
}

fn mount(number: usize) -> PathBuf {
    Path::new("/run/lvx-gadgets").join(number.to_string())
}

#[track_caller]
fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Creates a bank whose units all have the same switches.
pub(crate) fn bank(units: usize, switches: &str) -> SharedBank {
    let switches: Switches = switches.parse().unwrap();
    let switches = vec![switches; units];
    SharedBank::real_time(Bank::new(BankConfig { units, switches }).unwrap())
}

/// The serial numbers of the first two units of a bank.
pub(crate) const SERIALS: [&str; 2] = ["96132206100410", "96132206100411"];

/// Plugs in the first two units of a bank.
pub(crate) fn two_units(backend: Backend, bank: &SharedBank) -> [Socket; 2] {
    [0, 1].map(|unit| {
        let mut socket = Socket::new(backend, unit, Occupant::Unit(bank.clone(), unit));
        socket.plug();
        socket.node();
        socket
    })
}

/// Waits until a condition holds, and returns the waiting time.
///
/// The limit counts polling intervals, not elapsed time: on a busy machine each interval takes longer, and
/// the limit grows with it.
#[track_caller]
pub(crate) fn until(what: &str, within: Duration, mut holds: impl FnMut() -> bool) -> Duration {
    const INTERVAL: Duration = Duration::from_millis(10);
    let start = Instant::now();
    let mut waited = Duration::ZERO;
    while !holds() {
        assert!(waited < within, "not within {within:?} ({:?}): {what}", start.elapsed());
        thread::sleep(INTERVAL);
        waited += INTERVAL;
    }
    start.elapsed()
}
