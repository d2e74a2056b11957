//! `lvx links --watch` while cables are moved: never a link to a wrong unit.

use std::{
    fs,
    process::{Child, Command},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    links::{NAMES, leads_to, node_of},
    lvx,
    plug::{Occupant, SERIALS, SILENT, Socket, UPS, Way, bank, until},
    ran,
};

both_ways! {
    links_are_never_wrong_and_soon_right
}

fn links_are_never_wrong_and_soon_right(way: Way) {
    let bank = bank(2, "");
    let mut sockets = [
        Socket::new(way, 0, Occupant::Unit(bank.clone(), 0)),
        Socket::new(way, 1, Occupant::Unit(bank.clone(), 1)),
        Socket::new(way, 2, UPS),
        Socket::new(way, 3, SILENT),
    ];
    let ports = [sockets[0].port(), sockets[1].port()];
    let mut service = Watching::start();
    let observer = Observer::start(ports.clone());
    let mut random = fastrand::Rng::with_seed(5161);
    let mut plugged = [false; 4];
    let (mut slowest, start) = (Duration::ZERO, Instant::now());
    let mut swapped = 0;
    for cycle in 0..100 {
        for _ in 0..random.usize(1..4) {
            // Mostly a unit's.
            let socket = [0, 0, 0, 1, 1, 1, 2, 3][random.usize(0..8)];
            if plugged[socket] {
                sockets[socket].unplug();
            } else {
                sockets[socket].plug();
            }
            plugged[socket] = !plugged[socket];
            thread::sleep(Duration::from_millis(random.u64(0..40)));
        }
        let mut order = [0, 1, 2, 3];
        random.shuffle(&mut order);
        for socket in order {
            if !plugged[socket] && (socket < 2 || random.usize(0..4) == 0) {
                sockets[socket].plug();
                plugged[socket] = true;
            }
        }
        // What the kernel needs to get a device going is not the program's.
        let nodes = [sockets[0].node(), sockets[1].node()];
        let took = until(&format!("both links, cycle {cycle}"), Duration::from_secs(2), || {
            NAMES.iter().zip(&ports).all(|(name, port)| leads_to(name).as_ref() == Some(port))
        });
        slowest = slowest.max(took);
        swapped += usize::from(nodes[0] > nodes[1]);
    }
    let looks = observer.end();
    println!(
        "{way:?}: 100 cycles in {:?}, slowest {slowest:?}, {swapped} with the second unit's number first, {looks} looks",
        start.elapsed()
    );
    // The kernel did give the numbers to others, or nothing was tried.
    assert!((10..=90).contains(&swapped), "{swapped}");
    service.stop();
    assert!(NAMES.iter().all(|name| node_of(name).is_none()), "it takes them away at its end");
}

/// `lvx links --watch`, with the udev rules that it prints.
pub(crate) struct Watching(Child);

impl Watching {
    fn start() -> Self {
        install_rules();
        let [first, second] = SERIALS;
        let units = format!("  {first}: {}\n  {second}: {}\n", NAMES[0], NAMES[1]);
        fs::create_dir_all("/etc/lvx").unwrap();
        fs::write("/etc/lvx/units.yaml", format!("units:\n{units}")).unwrap();
        Self(Command::new(lvx()).args(["links", "--watch"]).spawn().unwrap())
    }

    /// As `systemctl stop` does.
    fn stop(&mut self) {
        assert!(ran("kill", &[&self.0.id().to_string()]).0);
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The printed rules, in force.
pub(crate) fn install_rules() {
    let (printed, rules) = ran(lvx(), &["links", "--print", "udev"]);
    assert!(printed, "{rules}");
    fs::write("/etc/udev/rules.d/70-lvx.rules", rules).unwrap();
    assert!(ran("udevadm", &["control", "--reload"]).0);
}

/// Reads both links every 10 ms.
struct Observer {
    stop: Arc<AtomicBool>,
    looks: Arc<AtomicUsize>,
    thread: thread::JoinHandle<Option<String>>,
}

impl Observer {
    fn start(ports: [String; 2]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let looks = Arc::new(AtomicUsize::new(0));
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&looks));
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                for (name, port) in NAMES.iter().zip(&ports) {
                    let before = node_of(name);
                    let found = leads_to(name);
                    // What moved while it was looked at was not seen to be wrong.
                    let steady = before == node_of(name);
                    if steady && found.as_ref().is_some_and(|found| found != port) {
                        return Some(format!("{name} leads to {before:?}, which is {found:?}"));
                    }
                    counted.fetch_add(1, Ordering::Relaxed);
                }
                thread::sleep(Duration::from_millis(10));
            }
            None
        });
        Self { stop, looks, thread }
    }

    #[track_caller]
    fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        assert_eq!(self.thread.join().unwrap(), None);
        self.looks.load(Ordering::Relaxed)
    }
}
