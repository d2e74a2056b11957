//! `lvx links --watch` while cables are moved: a link never leads to another unit.

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
    plug::{Backend, Occupant, SERIALS, SILENT, Socket, UPS, bank, until},
    program::{lvx, run},
};

for_each_backend! {
    links_during_replug_cycles_never_lead_to_another_unit
}

fn links_during_replug_cycles_never_lead_to_another_unit(backend: Backend) {
    let bank = bank(2, "");
    let mut sockets = [
        Socket::new(backend, 0, Occupant::Unit(bank.clone(), 0)),
        Socket::new(backend, 1, Occupant::Unit(bank.clone(), 1)),
        Socket::new(backend, 2, UPS),
        Socket::new(backend, 3, SILENT),
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
            // Sockets 0 and 1 hold the units, and are chosen most often.
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
        // Measure from here, because the kernel needed the time before to create the nodes.
        let nodes = [sockets[0].node(), sockets[1].node()];
        let took = until(&format!("both links, cycle {cycle}"), Duration::from_secs(2), || {
            NAMES.iter().zip(&ports).all(|(name, port)| leads_to(name).as_ref() == Some(port))
        });
        slowest = slowest.max(took);
        swapped += usize::from(nodes[0] > nodes[1]);
    }
    let observations = observer.end();
    println!(
        "{backend:?}: 100 cycles in {:?}, slowest {slowest:?}, {swapped} with the second unit's node first, {observations} observations",
        start.elapsed()
    );
    // Otherwise, the nodes were seldom or nearly always swapped, and the test shows little.
    assert!((10..=90).contains(&swapped), "{swapped}");
    service.stop();
    assert!(
        NAMES.iter().all(|name| node_of(name).is_none()),
        "expected no links after the service ended"
    );
}

/// A running `lvx links --watch`, with the printed udev rules installed.
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

    /// Sends SIGTERM, as `systemctl stop` does.
    fn stop(&mut self) {
        assert!(run("kill", &[&self.0.id().to_string()]).0);
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // The program may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Installs and loads the udev rules that `lvx` prints.
pub(crate) fn install_rules() {
    let (succeeded, rules) = run(lvx(), &["links", "--print", "udev"]);
    assert!(succeeded, "{rules}");
    fs::write("/etc/udev/rules.d/70-lvx.rules", rules).unwrap();
    assert!(run("udevadm", &["control", "--reload"]).0);
}

/// Reads both links every 10 ms.
struct Observer {
    stop: Arc<AtomicBool>,
    observations: Arc<AtomicUsize>,
    thread: thread::JoinHandle<Option<String>>,
}

impl Observer {
    fn start(ports: [String; 2]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let observations = Arc::new(AtomicUsize::new(0));
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&observations));
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                for (name, port) in NAMES.iter().zip(&ports) {
                    let before = node_of(name);
                    let found = leads_to(name);
                    // Ignore a link that changed during the observation.
                    let steady = before == node_of(name);
                    if steady && found.as_ref().is_some_and(|found| found != port) {
                        return Some(format!("{name} leads to {before:?}, the node of {found:?}"));
                    }
                    counted.fetch_add(1, Ordering::Relaxed);
                }
                thread::sleep(Duration::from_millis(10));
            }
            None
        });
        Self { stop, observations, thread }
    }

    /// Asserts that no link led to another unit, and returns the number of observations.
    #[track_caller]
    fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        assert_eq!(self.thread.join().unwrap(), None);
        self.observations.load(Ordering::Relaxed)
    }
}
