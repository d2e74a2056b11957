//! Sockets to plug devices into: of uhid, and of dummy USB controllers with a `FunctionFS` gadget that
//! is shaped like the real adapter.

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

use crate::ran;

/// How devices are plugged in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    Uhid,
    Gadget,
}

/// What is behind the cable.
#[derive(Clone)]
pub(crate) enum Occupant {
    Unit(SharedBank, usize),
    /// The same, and all that it hears is kept. The bank needs the switch `reports`.
    Recorded(SharedBank, usize, Heard),
    /// Answers every report with these; nothing if there are none.
    Other(&'static [[u8; 8]]),
    Acting(Actor),
}

/// All that came to a unit, with the zeros that fill reports.
pub(crate) type Heard = Arc<Mutex<Vec<u8>>>;

/// Is told every report, and by what it sends one; now and then an empty one, so that it can send
/// without being told anything.
pub(crate) type Actor = Arc<Mutex<dyn FnMut(&[u8], Sending<'_>) + Send>>;

pub(crate) type Sending<'a> = &'a dyn Fn(&[u8; 8]);

/// What a UPS of the same vendor and product says to what it does not know.
pub(crate) const UPS: Occupant = Occupant::Other(&[*b"(NAKss\r\0"]);

pub(crate) const SILENT: Occupant = Occupant::Other(&[]);

/// A place to plug one device in and out.
pub(crate) struct Socket {
    way: Way,
    number: usize,
    occupant: Occupant,
    /// Of uhid only while it is plugged in.
    server: Option<Server>,
}

/// Whatever answers.
enum Server {
    Unit(#[expect(dead_code, reason = "it serves until it is dropped")] Served),
    Other(#[expect(dead_code, reason = "it answers until it is dropped")] Other),
}

impl Socket {
    /// Not plugged in yet.
    pub(crate) fn new(way: Way, number: usize, occupant: Occupant) -> Self {
        let mut socket = Self { way, number, occupant, server: None };
        if way == Way::Gadget {
            gadget(number);
            socket.server = Some(socket.serve());
            let gadget = gadget_folder(number);
            let (from, to) = (gadget.join("configs/c.1"), gadget.join("functions"));
            std::os::unix::fs::symlink(to.join(function(number)), from.join(function(number)))
                .unwrap();
        }
        socket
    }

    pub(crate) fn plug(&mut self) {
        match self.way {
            Way::Uhid => self.server = Some(self.serve()),
            Way::Gadget => write(&self.controller(), &format!("dummy_udc.{}\n", self.number)),
        }
    }

    pub(crate) fn unplug(&mut self) {
        match self.way {
            Way::Uhid => self.server = None,
            Way::Gadget => write(&self.controller(), "\n"),
        }
    }

    /// `HID_PHYS` of what is plugged in.
    pub(crate) fn port(&self) -> String {
        match self.way {
            Way::Uhid => format!("lvx-test-{}/input0", self.number),
            Way::Gadget => format!("usb-dummy_hcd.{}-1/input0", self.number),
        }
    }

    /// Its node, once it has one.
    #[track_caller]
    pub(crate) fn node(&self) -> PathBuf {
        sim::hidraw_node(&self.port(), Duration::from_secs(10)).unwrap()
    }

    fn controller(&self) -> PathBuf {
        gadget_folder(self.number).join("UDC")
    }

    fn serve(&self) -> Server {
        match (&self.occupant, self.way) {
            (Occupant::Unit(bank, unit), Way::Uhid) => {
                Server::Unit(sim::serve_uhid(bank, *unit, &self.port()).unwrap())
            }
            (Occupant::Unit(bank, unit), Way::Gadget) => {
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
            (Occupant::Recorded(bank, unit, heard), _) => {
                let mut relay = Relay::new(bank, *unit, heard);
                let act = move |report: &[u8], send: Sending<'_>| {
                    relay.hear(report);
                    relay.say(send);
                };
                self.serve_other(Arc::new(Mutex::new(act)))
            }
            (Occupant::Acting(actor), _) => self.serve_other(Arc::clone(actor)),
        }
    }

    fn serve_other(&self, actor: Actor) -> Server {
        let act = move |report: &[u8], send: Sending<'_>| (actor.lock().unwrap())(report, send);
        Server::Other(match self.way {
            Way::Uhid => {
                let device = UhidDevice::create(&HidIdentity::adapter(self.port())).unwrap();
                Other::answering(move || {
                    let report = device.output(LOOK).unwrap().unwrap_or_default();
                    act(&report, &|report| device.input(report).unwrap());
                })
            }
            Way::Gadget => {
                let device = FunctionFsDevice::create(&mount(self.number)).unwrap();
                Other::answering(move || {
                    let report = device.output(LOOK).unwrap().unwrap_or_default();
                    act(&report, &|report| device.input(report));
                })
            }
        })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.way == Way::Gadget {
            // It may be unplugged already.
            let _ = fs::write(self.controller(), "\n");
            self.server = None;
            let gadget = gadget_folder(self.number);
            fs::remove_file(gadget.join("configs/c.1").join(function(self.number))).unwrap();
            assert!(ran("umount", &[mount(self.number).to_str().unwrap()]).0);
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

/// Between a HID device and a unit, writing down what goes to the unit.
struct Relay {
    link: SimLink,
    heard: Heard,
}

impl Relay {
    fn new(bank: &SharedBank, unit: usize, heard: &Heard) -> Self {
        Self { link: bank.link(unit), heard: Arc::clone(heard) }
    }

    fn hear(&mut self, report: &[u8]) {
        if !report.is_empty() {
            self.heard.lock().unwrap().extend_from_slice(report);
            let now = self.link.now();
            self.link.send(report, now).unwrap();
        }
    }

    fn say(&mut self, say: Sending<'_>) {
        let mut bytes = BytesMut::new();
        let now = self.link.now();
        self.link.receive(&mut bytes, now).unwrap();
        bytes.chunks_exact(8).for_each(|report| say(report.first_chunk().unwrap()));
    }
}

/// A device that is served by no [`Served`], on a thread of its own.
struct Other {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Other {
    fn answering(serve: impl Fn() + Send + 'static) -> Self {
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

const LOOK: Duration = Duration::from_millis(5);

/// Everything of a gadget but its function, which is described by whoever serves it.
fn gadget(number: usize) {
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
    let (mounted, why) = ran("mount", &["-t", "functionfs", &name, mount.to_str().unwrap()]);
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

/// A bank of so many units, with switches for all of them.
pub(crate) fn bank(units: usize, switches: &str) -> SharedBank {
    let switches: Switches = switches.parse().unwrap();
    let switches = vec![switches; units];
    SharedBank::real(Bank::new(BankConfig { units, switches }).unwrap())
}

/// The serial numbers that its first units have.
pub(crate) const SERIALS: [&str; 2] = ["96132206100410", "96132206100411"];

/// Two units of one bank, plugged in.
pub(crate) fn two_units(way: Way, bank: &SharedBank) -> [Socket; 2] {
    [0, 1].map(|unit| {
        let mut socket = Socket::new(way, unit, Occupant::Unit(bank.clone(), unit));
        socket.plug();
        socket.node();
        socket
    })
}

/// Waits until something holds, and says how long that took.
///
/// The time is counted in naps, which take longer when the machine is busy with something else: what
/// is slow then is not the program.
#[track_caller]
pub(crate) fn until(what: &str, within: Duration, mut holds: impl FnMut() -> bool) -> Duration {
    const NAP: Duration = Duration::from_millis(10);
    let start = Instant::now();
    let mut napped = Duration::ZERO;
    while !holds() {
        assert!(napped < within, "not within {within:?} ({:?}): {what}", start.elapsed());
        thread::sleep(NAP);
        napped += NAP;
    }
    start.elapsed()
}
