//! A cable pulled at random points of an exchange: told at once, nothing wrong before or after, and the
//! same client goes on when the unit is plugged in again, wherever that is.

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

use crate::plug::{Heard, Occupant, Socket, UPS, Way, bank, until};

/// At this speed a question takes some tens of milliseconds, more than a guest's timers are off.
pub(crate) const PACED: &str = "frozen=on&pace=19200&reports=on";

/// From the pulling to the error.
const AT_ONCE: Duration = Duration::from_millis(100);

/// The same where the emulated machine was not let run meanwhile, which happens to one in twenty at
/// most.
pub(crate) const AT_THE_LATEST: Duration = Duration::from_millis(400);

/// From the node to the first answer.
const SOON: Duration = Duration::from_secs(2);

both_ways! {
    a_pulled_cable_is_told_at_once_and_followed
}

fn a_pulled_cable_is_told_at_once_and_followed(way: Way) {
    let bank = bank(QUESTIONS.len(), PACED);
    let start = Instant::now();
    let mut ups = Socket::new(way, QUESTIONS.len(), UPS);
    let cables: Vec<_> = (0..QUESTIONS.len()).map(|unit| Cable::new(way, unit, &bank)).collect();
    // Two cables pulled side by side are each the other's stranger, and take half the time.
    let pulled: Vec<Pulled> = thread::scope(|scope| {
        let pulling: Vec<_> =
            cables.into_iter().map(|cable| scope.spawn(|| cable.pulled())).collect();
        while !pulling.iter().all(thread::ScopedJoinHandle::is_finished) {
            ups.plug();
            thread::sleep(Duration::from_millis(1400));
            ups.unplug();
            thread::sleep(Duration::from_millis(600));
        }
        pulling.into_iter().map(|pulled| pulled.join().unwrap()).collect()
    });
    println!("{way:?}: {:?} in all", start.elapsed());
    for (unit, pulled) in pulled.iter().enumerate() {
        let Pulled { idle, moved, late, latest, slowest, asked } = pulled;
        println!(
            "  unit {unit}: {idle} of {PULLS} idle, told {latest:?} later at most; an answer {slowest:?} after \
             the node at most, {moved} of them elsewhere; {asked} requests"
        );
        assert!(*late <= PULLS / 20, "not within {AT_ONCE:?}: {late} of {PULLS}");
        // Else some of it was not tried.
        assert!((2..=PULLS * 9 / 10).contains(idle), "{idle} of {PULLS} idle");
    }
    assert!(pulled.iter().map(|pulled| pulled.moved).sum::<usize>() >= 3);
    assert_eq!(bank.with(|bank| bank.sets(0).received + bank.sets(1).received), 0);
}

/// How often each cable is pulled: a hundred times in all, with those in the midst of a set command.
const PULLS: usize = 32;

/// What is asked of each unit, and of no other; and `ID`.
const QUESTIONS: [[&str; 2]; 2] = [["GS", "PIRI"], ["MOD", "FLAG"]];

/// One unit, its cable, and its client.
struct Cable {
    unit: usize,
    socket: Socket,
    heard: Heard,
    known: Vec<Vec<u8>>,
    asker: Asker,
}

/// What came of pulling a cable often.
#[derive(Default)]
struct Pulled {
    /// Nothing was on its way then.
    idle: usize,
    /// It had another node afterwards.
    moved: usize,
    /// It was told later than at once.
    late: usize,
    latest: Duration,
    slowest: Duration,
    asked: usize,
}

impl Cable {
    fn new(way: Way, unit: usize, bank: &SharedBank) -> Self {
        let heard = Heard::default();
        let mut socket =
            Socket::new(way, unit, Occupant::Recorded(bank.clone(), unit, heard.clone()));
        socket.plug();
        socket.node();
        let queries = questions(unit);
        let mut direct = Client::new(bank.link(unit));
        let known = queries.iter().map(|query| direct.query(*query).unwrap().frame).collect();
        let asker = Asker::start(follower(unit), queries);
        Self { unit, socket, heard, known, asker }
    }

    fn pulled(mut self) -> Pulled {
        let mut pulled = Pulled::default();
        let mut random = fastrand::Rng::with_seed(self.unit.try_into().unwrap());
        let mut at = self.socket.node();
        for pull in 0..PULLS {
            let name = format!("unit {}, pull {pull}", self.unit);
            thread::sleep(Duration::from_millis(random.u64(0..120)));
            let watched = File::open(self.socket.node()).unwrap();
            let started = Instant::now();
            self.socket.unplug();
            let event = hung_up(&watched);
            drop(watched);
            let told = loop {
                let told = self.asker.next();
                match &told.answer {
                    Ok(frame) => assert_eq!(*frame, self.known[told.question], "{name}"),
                    Err(_) => break told,
                }
            };
            let error = told.answer.unwrap_err();
            assert!(error.is_disconnected() && !error.is_taken(), "{name}: {error}");
            assert_eq!(told.node, None, "{name}");
            let late = told.ended.saturating_duration_since(event.max(told.asked));
            pulled.late += usize::from(late > AT_ONCE);
            assert!(
                late <= AT_THE_LATEST,
                "not within {AT_THE_LATEST:?}: {name}: {late:?}: {error}"
            );
            pulled.latest = pulled.latest.max(late);
            pulled.idle += usize::from(told.asked > started);
            // Who looks for his own unit has those of others open, and hears of it when they go.
            until(&format!("{name}: no dead descriptor"), SOON / 4, || descriptors().1 == 0);
            thread::sleep(Duration::from_millis(random.u64(0..60)));
            self.socket.plug();
            let node = self.socket.node();
            let plugged = Instant::now();
            let told = self.asker.next();
            let took = told.ended.saturating_duration_since(plugged);
            assert!(took <= SOON, "not within {SOON:?}: {name}: {took:?}");
            let frame = told.answer.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(frame, self.known[told.question], "{name}");
            assert_eq!(told.node.as_ref(), Some(&node), "{name}");
            pulled.slowest = pulled.slowest.max(took);
            pulled.moved += usize::from(node != at);
            at = node;
        }
        let Self { unit, heard, asker, .. } = self;
        drop(asker);
        let heard = String::from_utf8_lossy(&heard.lock().unwrap()).replace('\0', "");
        for request in heard.split_terminator('\r') {
            // What was cut off has no header, or no end.
            let others = QUESTIONS.iter().enumerate().filter(|(other, _)| *other != unit);
            let foreign = others
                .flat_map(|(_, others)| others)
                .find(|it| request.get(5..).is_some_and(|asked| asked.starts_with(**it)));
            assert_eq!(foreign, None, "unit {unit}: {request:?}");
            pulled.asked += 1;
        }
        pulled
    }
}

fn questions(unit: usize) -> Vec<Query> {
    QUESTIONS[unit].iter().chain(&["ID"]).map(|query| query.parse().unwrap()).collect()
}

/// A client of a unit, wherever that is.
pub(crate) fn follower(unit: usize) -> Client<Follower> {
    let serial = SerialNumber::new(&format!("9613220610041{unit}")).unwrap();
    Client::new(Follower::open(serial, ClientConfig::default()).unwrap())
}

/// Waits until a node is one no longer, which is when the kernel has heard of the pulling.
pub(crate) fn hung_up(node: &File) -> Instant {
    let mut polled = [PollFd::new(node, PollFlags::empty())];
    let within = Timespec { tv_sec: 1, tv_nsec: 0 };
    assert_eq!(poll(&mut polled, Some(&within)).unwrap(), 1);
    Instant::now()
}

/// How many nodes this process has open, and how many of those are gone.
pub(crate) fn descriptors() -> (usize, usize) {
    let open = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let nodes: Vec<_> = open
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .filter(|path| path.to_string_lossy().starts_with("/dev/hidraw"))
        .collect();
    (nodes.len(), nodes.iter().filter(|node| !node.exists()).count())
}

/// Asks one thing after another on a thread of its own, sometimes with a rest between.
pub(crate) struct Asker {
    stop: Arc<AtomicBool>,
    told: Receiver<Told>,
    thread: Option<JoinHandle<()>>,
}

/// What came of a question.
pub(crate) struct Told {
    /// Which of those it asks.
    pub(crate) question: usize,
    pub(crate) asked: Instant,
    pub(crate) ended: Instant,
    pub(crate) answer: Result<Vec<u8>, Error>,
    /// Where the unit is then.
    pub(crate) node: Option<PathBuf>,
}

impl Asker {
    pub(crate) fn start(mut client: Client<Follower>, queries: Vec<Query>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let (tell, told) = mpsc::channel();
        let mut random = fastrand::Rng::with_seed(0);
        let thread = thread::spawn(move || {
            for (question, query) in queries.into_iter().enumerate().cycle() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let asked = Instant::now();
                let answer = client.query(query).map(|reading| reading.frame);
                let ended = Instant::now();
                let node = client.link().node().map(ToOwned::to_owned);
                let failed = answer.is_err();
                // Whoever does not listen any more has stopped it.
                let _ = tell.send(Told { question, asked, ended, answer, node });
                if !failed && random.bool() {
                    thread::sleep(Duration::from_millis(random.u64(0..60)));
                }
            }
        });
        Self { stop, told, thread: Some(thread) }
    }

    #[track_caller]
    pub(crate) fn next(&self) -> Told {
        self.told.recv_timeout(Duration::from_secs(15)).unwrap()
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}
