//! Cables pulled at random points of an exchange: the client returns an error at once, every value before and
//! after is correct, and the client continues when the unit is plugged in again, at whichever node.

use std::{
    fs::{self, File},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use pi18_proto::{Query, SerialNumber};
use pi18_transport::{Client, ClientConfig, Error, Follower, sim::SharedBank};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::plug::{Backend, Occupant, ReceivedBytes, Socket, UPS, bank, until};

/// Switches for a speed at which a query takes tens of milliseconds, more than the timer error of a guest.
pub(crate) const PACED: &str = "frozen=on&pace=19200&reports=on";

/// Maximum time from the unplugging to the error; one pull in twenty may take up to [`MAX_DELAY`].
const USUAL_DELAY: Duration = Duration::from_millis(100);

/// Maximum time from the unplugging to the error if the emulated machine was paused meanwhile.
pub(crate) const MAX_DELAY: Duration = Duration::from_millis(400);

/// Maximum time from the creation of the node to the first reply.
const MAX_RECONNECT: Duration = Duration::from_secs(2);

for_each_backend! {
    unplug_during_exchange_is_reported_at_once_and_unit_is_followed
}

fn unplug_during_exchange_is_reported_at_once_and_unit_is_followed(backend: Backend) {
    let bank = bank(QUERIES.len(), PACED);
    let start = Instant::now();
    let mut ups = Socket::new(backend, QUERIES.len(), UPS);
    let cables: Vec<_> = (0..QUERIES.len()).map(|unit| Cable::new(backend, unit, &bank)).collect();
    // Both cables are pulled at the same time, so that each follower also finds the other unit.
    let statistics: Vec<Statistics> = thread::scope(|scope| {
        let threads: Vec<_> =
            cables.into_iter().map(|cable| scope.spawn(|| cable.pull_repeatedly())).collect();
        while !threads.iter().all(thread::ScopedJoinHandle::is_finished) {
            ups.plug();
            thread::sleep(Duration::from_millis(1400));
            ups.unplug();
            thread::sleep(Duration::from_millis(600));
        }
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    println!("{backend:?}: {:?} in all", start.elapsed());
    for (unit, statistics) in statistics.iter().enumerate() {
        let Statistics { idle, moved, late, latest, slowest, requests } = statistics;
        println!(
            "  unit {unit}: {idle} of {PULLS} while idle; errors within {latest:?}; replies within {slowest:?} \
             of the node, {moved} at another node; {requests} requests"
        );
        assert!(*late <= PULLS / 20, "not within {USUAL_DELAY:?}: {late} of {PULLS}");
        // Otherwise, the pulls did not hit both idle times and exchanges.
        assert!((2..=PULLS * 9 / 10).contains(idle), "{idle} of {PULLS} idle");
    }
    assert!(statistics.iter().map(|statistics| statistics.moved).sum::<usize>() >= 3);
    assert_eq!(bank.with(|bank| bank.set_counts(0).received + bank.set_counts(1).received), 0);
}

/// Number of pulls per cable. With those in `cut_off.rs`, there are a hundred in all.
const PULLS: usize = 32;

/// The queries that are sent to one of the units only. `ID` is sent to both.
const QUERIES: [[&str; 2]; 2] = [["GS", "PIRI"], ["MOD", "FLAG"]];

/// A unit, its cable, and its client.
struct Cable {
    unit: usize,
    socket: Socket,
    received: ReceivedBytes,
    expected: Vec<Vec<u8>>,
    poller: Poller,
}

/// Statistics of the pulls of one cable.
#[derive(Default)]
struct Statistics {
    /// Number of pulls while no exchange was in progress.
    idle: usize,
    /// Number of pulls after which the unit had another node.
    moved: usize,
    /// Number of errors that took longer than `USUAL_DELAY`.
    late: usize,
    /// Longest time from an unplugging to its error.
    latest: Duration,
    /// Longest time from the creation of a node to a reply.
    slowest: Duration,
    /// Number of requests that the unit received.
    requests: usize,
}

impl Cable {
    fn new(backend: Backend, unit: usize, bank: &SharedBank) -> Self {
        let received = ReceivedBytes::default();
        let mut socket =
            Socket::new(backend, unit, Occupant::Recorded(bank.clone(), unit, received.clone()));
        socket.plug();
        socket.node();
        let queries = queries(unit);
        let mut direct = Client::new(bank.link(unit));
        let expected = queries.iter().map(|query| direct.query(*query).unwrap().frame).collect();
        let poller = Poller::start(follower(unit), queries);
        Self { unit, socket, received, expected, poller }
    }

    fn pull_repeatedly(mut self) -> Statistics {
        let mut statistics = Statistics::default();
        let mut random = fastrand::Rng::with_seed(self.unit.try_into().unwrap());
        let mut at = self.socket.node();
        for pull in 0..PULLS {
            let name = format!("unit {}, pull {pull}", self.unit);
            thread::sleep(Duration::from_millis(random.u64(0..120)));
            let watched = File::open(self.socket.node()).unwrap();
            let started = Instant::now();
            self.socket.unplug();
            let event = wait_for_hangup(&watched);
            drop(watched);
            let failed = loop {
                let poll = self.poller.next();
                match &poll.reply {
                    Ok(frame) => assert_eq!(*frame, self.expected[poll.query], "{name}"),
                    Err(_) => break poll,
                }
            };
            let error = failed.reply.unwrap_err();
            assert!(error.is_disconnected() && !error.is_taken(), "{name}: {error}");
            assert_eq!(failed.node, None, "{name}");
            let delay = failed.ended.saturating_duration_since(event.max(failed.started));
            statistics.late += usize::from(delay > USUAL_DELAY);
            assert!(delay <= MAX_DELAY, "not within {MAX_DELAY:?}: {name}: {delay:?}: {error}");
            statistics.latest = statistics.latest.max(delay);
            statistics.idle += usize::from(failed.started > started);
            // A follower that searches for its unit also opens the nodes of other units. It has to close
            // those that are unplugged.
            until(&format!("{name}: no dead descriptor"), MAX_RECONNECT / 4, || {
                descriptors().1 == 0
            });
            thread::sleep(Duration::from_millis(random.u64(0..60)));
            self.socket.plug();
            let node = self.socket.node();
            let plugged = Instant::now();
            let poll = self.poller.next();
            let took = poll.ended.saturating_duration_since(plugged);
            assert!(took <= MAX_RECONNECT, "not within {MAX_RECONNECT:?}: {name}: {took:?}");
            let frame = poll.reply.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(frame, self.expected[poll.query], "{name}");
            assert_eq!(poll.node.as_ref(), Some(&node), "{name}");
            statistics.slowest = statistics.slowest.max(took);
            statistics.moved += usize::from(node != at);
            at = node;
        }
        let Self { unit, received, poller, .. } = self;
        drop(poller);
        let received = String::from_utf8_lossy(&received.lock().unwrap()).replace('\0', "");
        for request in received.split_terminator('\r') {
            // A truncated request lacks its header or its end.
            let others = QUERIES.iter().enumerate().filter(|(other, _)| *other != unit);
            let foreign = others
                .flat_map(|(_, queries)| queries)
                .find(|query| request.get(5..).is_some_and(|data| data.starts_with(**query)));
            assert_eq!(foreign, None, "unit {unit}: {request:?}");
            statistics.requests += 1;
        }
        statistics
    }
}

fn queries(unit: usize) -> Vec<Query> {
    QUERIES[unit].iter().chain(&["ID"]).map(|query| query.parse().unwrap()).collect()
}

/// Returns a client that follows a unit by its serial number.
pub(crate) fn follower(unit: usize) -> Client<Follower> {
    let serial = SerialNumber::new(&format!("9613220610041{unit}")).unwrap();
    Client::new(Follower::open(serial, ClientConfig::default()).unwrap())
}

/// Waits until the kernel reports that the device of a node is gone, and returns that time.
pub(crate) fn wait_for_hangup(node: &File) -> Instant {
    let mut polled = [PollFd::new(node, PollFlags::empty())];
    let within = Timespec { tv_sec: 1, tv_nsec: 0 };
    assert_eq!(poll(&mut polled, Some(&within)).unwrap(), 1);
    Instant::now()
}

/// Returns how many hidraw nodes this process has open, and how many of those no longer exist.
pub(crate) fn descriptors() -> (usize, usize) {
    let open = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let nodes: Vec<_> = open
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .filter(|path| path.to_string_lossy().starts_with("/dev/hidraw"))
        .collect();
    (nodes.len(), nodes.iter().filter(|node| !node.exists()).count())
}

/// A thread that sends queries, with random pauses.
struct Poller {
    stop: Arc<AtomicBool>,
    polls: Receiver<Poll>,
    thread: Option<JoinHandle<()>>,
}

/// A query and its result.
struct Poll {
    /// Index of the query in the list of the poller.
    query: usize,
    started: Instant,
    ended: Instant,
    reply: Result<Vec<u8>, Error>,
    /// Node of the unit after the query.
    node: Option<PathBuf>,
}

impl Poller {
    fn start(mut client: Client<Follower>, queries: Vec<Query>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let (tx, polls) = mpsc::channel();
        let mut random = fastrand::Rng::with_seed(0);
        let thread = thread::spawn(move || {
            for (index, query) in queries.into_iter().enumerate().cycle() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let started = Instant::now();
                let reply = client.query(query).map(|reply| reply.frame);
                let ended = Instant::now();
                let node = client.link().node().map(ToOwned::to_owned);
                let failed = reply.is_err();
                // The receiver is dropped when the poller is stopped.
                let _ = tx.send(Poll { query: index, started, ended, reply, node });
                if !failed && random.bool() {
                    thread::sleep(Duration::from_millis(random.u64(0..60)));
                }
            }
        });
        Self { stop, polls, thread: Some(thread) }
    }

    #[track_caller]
    fn next(&self) -> Poll {
        self.polls.recv_timeout(Duration::from_secs(15)).unwrap()
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}
