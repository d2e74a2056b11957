//! Who is behind which adapter, kept up to date while cables are moved.
//!
//! Every plugging of an adapter is asked once; if nothing could be learnt it is asked again, later and
//! later. The answer holds until it is unplugged: behind one plugging there is one unit.

use std::{
    fmt,
    sync::mpsc::{self, Receiver, SyncSender},
    thread,
    time::{Duration, Instant},
};

use pi18_proto::{Query, SerialNumber};

use super::{
    adapter::{Adapter, list},
    discover::{open, serial_number},
    hotplug::Hotplug,
};
use crate::{Client, ClientConfig, Error, Hidraw, error::ErrorKind};

/// The adapters that are plugged in, and who is behind each.
///
/// A unit's node is held open, so that its number is not given to another one: as long as an entry is
/// in the roster, its node leads to that unit or to nothing. Other programs are not kept from it.
///
/// ```no_run
/// use std::time::{Duration, Instant};
///
/// let mut roster = pi18_transport::Roster::new(Default::default());
/// loop {
///     roster.wait(Instant::now() + Duration::from_secs(60));
///     for entry in roster.entries() {
///         println!("{}: {:?}", entry.adapter.node.display(), entry.unit());
///     }
/// }
/// ```
pub struct Roster {
    config: ClientConfig,
    entries: Vec<Entry>,
    /// Gone, and its node's number not yet given back.
    gone: Vec<Entry>,
    /// None while nobody wants to know.
    events: Option<Events>,
}

/// How a [`Roster`] hears of anything.
struct Events {
    rx: Receiver<Event>,
    /// For those who send events.
    tx: SyncSender<Event>,
    /// None if the system has none: then it looks every second.
    _hotplug: Option<Hotplug>,
}

/// One plugging of an adapter.
#[derive(Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The adapter.
    pub adapter: Adapter,
    /// Since when it is known.
    since: Instant,
    state: State,
    /// How long it has for an answer the next time.
    patience: Duration,
    /// How long it is left alone after that.
    rest: Duration,
}

#[derive(Debug)]
enum State {
    /// It has not been asked.
    New,
    /// It is being asked for the first time, since then.
    Asking(Instant),
    /// It did not tell who it is, and is being asked again.
    AskingAgain(Error),
    /// It did not tell who it is, and is asked again then.
    Unknown(Error, Instant),
    Unit {
        serial: SerialNumber,
        told: Instant,
        node: Option<Hidraw>,
    },
}

/// Where a unit is, as far as a [`Roster`] knows.
#[derive(Debug)]
pub enum Whereabouts<'a> {
    /// Nowhere, or that cannot be told yet.
    Unknown,
    /// Behind this adapter.
    At(&'a Entry),
    /// Units behind several adapters say that they have this serial number.
    Duplicate(Vec<&'a Entry>),
}

#[derive(Debug)]
enum Event {
    /// A node came, went, or changed hands.
    Changed,
    /// What came of asking; which plugging.
    Asked(String, Result<(SerialNumber, Hidraw), Error>),
}

impl Roster {
    /// Looks after the adapters. Each is asked as `config` says, but once; it has a quarter of the
    /// time for its answer, and if that is not enough, twice as much the next time.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        let (entries, gone) = Default::default();
        Self { config, entries, gone, events: None }
    }

    /// What is plugged in, as far as is known, by node.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Where a unit is.
    #[must_use]
    pub fn find(&self, unit: SerialNumber) -> Whereabouts<'_> {
        let named: Vec<_> = self.entries.iter().filter(|it| it.unit() == Some(unit)).collect();
        match &named[..] {
            [] => Whereabouts::Unknown,
            [entry] if self.may_have_a_double(entry) => Whereabouts::Unknown,
            [entry] => Whereabouts::At(entry),
            _ => Whereabouts::Duplicate(named),
        }
    }

    /// An adapter that was there when this one told who it is has not told yet. Those that come later
    /// do not count: one that comes and goes all the time would keep all others waiting.
    fn may_have_a_double(&self, entry: &Entry) -> bool {
        let State::Unit { told, .. } = entry.state else { return true };
        self.entries.iter().any(|other| {
            matches!(other.state, State::New | State::Asking(_)) && other.since <= told
        })
    }

    /// Waits until something is different or the deadline has passed: an adapter came or went, or
    /// told who it is. Whether something is.
    ///
    /// A node whose adapter is gone keeps its number from others until the next call: what names it
    /// has, take away before.
    pub fn wait(&mut self, deadline: Instant) -> bool {
        self.gone.clear();
        // Before the first look, that nothing is missed.
        self.events.get_or_insert_with(Events::new);
        let mut different = self.look();
        loop {
            self.ask();
            if different {
                return true;
            }
            let now = Instant::now();
            if now >= deadline {
                return false;
            }
            let next = self.next_asking().unwrap_or(deadline).min(deadline).min(now + LOOK);
            let within = next.saturating_duration_since(now);
            match self.events.get_or_insert_with(Events::new).next(within) {
                Some(Event::Asked(plugging, answer)) => different = self.note(&plugging, answer),
                Some(Event::Changed) => self.try_the_forbidden(),
                None => {}
            }
            different |= self.look();
        }
    }

    /// The node of a unit, locked for whoever takes it. The roster does not hold it any longer.
    ///
    /// # Errors
    /// If another program uses it, or it is not there.
    pub fn take(&mut self, unit: SerialNumber) -> Result<Hidraw, Error> {
        let entry = self.entries.iter_mut().find(|entry| entry.unit() == Some(unit));
        let gone = || Error::gone(format!("sn:{unit}"));
        let State::Unit { node, .. } = &mut entry.ok_or_else(gone)?.state else {
            return Err(gone());
        };
        let node = node.take().ok_or_else(gone)?;
        node.lock().map(|()| node)
    }

    /// Forgets a unit's node, so that the adapter is asked anew.
    pub(crate) fn forget(&mut self, unit: SerialNumber) {
        for entry in &mut self.entries {
            if entry.unit() == Some(unit) {
                entry.state = State::New;
            }
        }
    }

    /// Lets go of the nodes of all units, which stay known, and hears of nothing until the next
    /// [`wait`](Self::wait). Whoever is just being asked is let go when he has answered.
    pub(crate) fn release(&mut self) {
        self.gone.clear();
        // An answer that came would have a node with it, and nobody to take it.
        self.events = None;
        for entry in &mut self.entries {
            entry.state = match std::mem::replace(&mut entry.state, State::New) {
                State::Unit { serial, told, .. } => State::Unit { serial, told, node: None },
                State::AskingAgain(error) => State::Unknown(error, Instant::now()),
                State::New | State::Asking(_) => State::New,
                state @ State::Unknown(..) => state,
            };
        }
    }

    /// What came and went. Whether anything did.
    fn look(&mut self) -> bool {
        // Who cannot look has not seen anybody go.
        let Ok(there) = list() else { return false };
        let known = std::mem::take(&mut self.entries);
        let count = known.len();
        let (stay, go): (Vec<_>, _) =
            known.into_iter().partition(|entry| there.contains(&entry.adapter));
        self.gone.extend(go);
        self.entries = stay;
        let (left, since) = (self.entries.len(), Instant::now());
        for adapter in there {
            if !self.entries.iter().any(|entry| entry.adapter == adapter) {
                let (state, patience, rest) = (State::New, self.config.timeout / 4, REST);
                self.entries.push(Entry { adapter, since, state, patience, rest });
            }
        }
        let different = left != count || left != self.entries.len();
        if different {
            self.entries.sort_by(|a, b| a.adapter.node.cmp(&b.adapter.node));
        }
        // A write to an adapter that takes nothing in is stuck for five seconds.
        let stuck = self.entries.iter_mut().filter(|entry| entry.is_stuck(since));
        different | (stuck.map(Entry::leave_to_itself).count() > 0)
    }

    /// Asks those whose turn it is, each on a thread of its own.
    fn ask(&mut self) {
        let now = Instant::now();
        let tx = &self.events.get_or_insert_with(Events::new).tx;
        for entry in &mut self.entries {
            entry.state = match std::mem::replace(&mut entry.state, State::New) {
                State::New => State::Asking(now),
                State::Unknown(error, due) if due <= now => State::AskingAgain(error),
                state => {
                    entry.state = state;
                    continue;
                }
            };
            let (timeout, deadline) = (entry.patience, entry.patience * 2);
            let config = ClientConfig { timeout, deadline, tries: 1, ..self.config };
            entry.patience = (timeout * 2).min(self.config.timeout / 2);
            let (tx, adapter) = (tx.clone(), entry.adapter.clone());
            let ask = move || {
                let answer = ask(&adapter, config);
                // If the roster is gone, or has found whom it looked for, nobody wants to know.
                let _ = tx.send(Event::Asked(adapter.plugging, answer));
            };
            let asking = thread::Builder::new().name("who is there".to_owned()).spawn(ask);
            if let Err(source) = asking {
                let error = Error::io(entry.place(), "asking", source);
                entry.state = State::Unknown(error, now + MAX_REST);
            }
        }
    }

    /// udev has come to a node, perhaps to one that could not be opened.
    fn try_the_forbidden(&mut self) {
        let now = Instant::now();
        for entry in &mut self.entries {
            if let State::Unknown(error, due) = &mut entry.state
                && error.is_permission()
            {
                *due = now;
            }
        }
    }

    fn next_asking(&self) -> Option<Instant> {
        let due = self.entries.iter().filter_map(|entry| match entry.state {
            State::Unknown(_, due) => Some(due),
            _ => None,
        });
        due.min()
    }

    /// An adapter that is gone by now is not noted.
    fn note(&mut self, plugging: &str, answer: Result<(SerialNumber, Hidraw), Error>) -> bool {
        let entry = self.entries.iter_mut().find(|entry| entry.adapter.plugging == plugging);
        let Some(entry) = entry else { return false };
        entry.state = match answer {
            Ok((serial, node)) => State::Unit { serial, told: Instant::now(), node: Some(node) },
            Err(error) => {
                let transient = is_transient(&error);
                let most = if transient { LITTLE_REST } else { MAX_REST };
                let rest = entry.rest.min(most);
                // One that several ask at once is free again in a moment, which is not to be missed.
                entry.rest = if transient { rest + REST } else { rest * 2 }.min(most);
                State::Unknown(error, Instant::now() + rest)
            }
        };
        true
    }
}

impl Events {
    fn new() -> Self {
        let (tx, rx) = mpsc::sync_channel(WAITING);
        let changed = tx.clone();
        // If the queue is full, the reader looks at everything anyway.
        let hotplug = Hotplug::watch(move || drop(changed.try_send(Event::Changed)));
        Self { rx, tx, _hotplug: hotplug.ok() }
    }

    fn next(&self, within: Duration) -> Option<Event> {
        self.rx.recv_timeout(within).ok()
    }
}

impl Entry {
    /// The serial number of the unit behind it, once it is known.
    #[must_use]
    pub fn unit(&self) -> Option<SerialNumber> {
        match self.state {
            State::Unit { serial, .. } => Some(serial),
            _ => None,
        }
    }

    /// Why the unit behind it is not known, once it was asked.
    #[must_use]
    pub fn trouble(&self) -> Option<&Error> {
        match &self.state {
            State::Unknown(error, _) | State::AskingAgain(error) => Some(error),
            State::New | State::Asking(_) | State::Unit { .. } => None,
        }
    }

    /// It has been asked for the first time, and that takes too long for others to wait for it.
    fn is_stuck(&self, now: Instant) -> bool {
        matches!(self.state, State::Asking(since) if now >= since + STUCK)
    }

    /// Others do not wait for its answer any more.
    fn leave_to_itself(&mut self) {
        let (request, found) = (Query::Identity.to_string(), "nothing".to_owned());
        let silent = ErrorKind::Timeout { request, waited: STUCK, found };
        self.state = State::AskingAgain(Error::new(self.place(), silent));
    }

    fn place(&self) -> String {
        self.adapter.node.display().to_string()
    }
}

fn ask(adapter: &Adapter, config: ClientConfig) -> Result<(SerialNumber, Hidraw), Error> {
    let mut client = Client::with_config(open(adapter, Duration::ZERO)?, config);
    let serial = serial_number(&mut client)?;
    let node = client.into_link();
    node.unlock()?;
    Ok((serial, node))
}

/// Whether it is likely to go over in a moment: udev gives a node its group a little after it is
/// there, and another program may be asking who is there, too.
fn is_transient(error: &Error) -> bool {
    error.is_busy() || error.is_permission() || error.is_disconnected() || error.is_not_found()
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roster").field("entries", &self.entries).finish_non_exhaustive()
    }
}

/// How long an adapter that did not tell is left alone at first; then twice as long each time, or so
/// much longer if it is likely to tell soon.
const REST: Duration = Duration::from_millis(50);

const LITTLE_REST: Duration = Duration::from_secs(1);

const MAX_REST: Duration = Duration::from_mins(1);

/// More than an adapter that answers or is silent takes.
const STUCK: Duration = Duration::from_secs(2);

/// How often to look when nothing is heard.
const LOOK: Duration = Duration::from_secs(1);

/// Events that may be queued.
const WAITING: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: [&str; 2] = ["96132206100410", "96132206100411"];

    fn serial(unit: usize) -> SerialNumber {
        SerialNumber::new(UNITS[unit]).unwrap()
    }

    /// A roster of made-up adapters: each with the second it came in, and the one it told in, and who.
    fn roster(adapters: &[(u64, Option<(u64, usize)>)]) -> Roster {
        let mut roster = Roster::new(ClientConfig::default());
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        roster.entries = (0..)
            .zip(adapters)
            .map(|(number, (since, told))| Entry {
                adapter: Adapter {
                    node: format!("/dev/hidraw{number}").into(),
                    plugging: format!("0003:0665:5161.{number:04X}"),
                    port: None,
                },
                since: at(*since),
                state: match told {
                    None => State::Asking(start),
                    Some((told, unit)) => {
                        State::Unit { serial: serial(*unit), told: at(*told), node: None }
                    }
                },
                patience: REST,
                rest: REST,
            })
            .collect();
        roster
    }

    fn shown(roster: &Roster, unit: usize) -> String {
        match roster.find(serial(unit)) {
            Whereabouts::Unknown => "unknown".to_owned(),
            Whereabouts::At(entry) => entry.place(),
            Whereabouts::Duplicate(entries) => format!("{} of them", entries.len()),
        }
    }

    #[test]
    fn a_unit_is_where_it_told_once_no_other_can_tell_the_same() {
        let both = roster(&[(0, Some((1, 1))), (0, Some((2, 0)))]);
        assert_eq!([shown(&both, 0), shown(&both, 1)], ["/dev/hidraw1", "/dev/hidraw0"]);
        assert_eq!(shown(&roster(&[]), 0), "unknown");
        // One that was there has not told yet; one that came later does not count.
        assert_eq!(shown(&roster(&[(0, Some((2, 0))), (1, None)]), 0), "unknown");
        assert_eq!(shown(&roster(&[(0, Some((2, 0))), (3, None)]), 0), "/dev/hidraw0");
        assert_eq!(shown(&roster(&[(0, Some((2, 0))), (3, Some((4, 0)))]), 0), "2 of them");
    }

    #[test]
    fn what_did_not_tell_is_asked_later_and_later_with_more_time() {
        let mut roster = roster(&[(0, None)]);
        let silent = || Error::new("x", ErrorKind::NotPi18 { found: "noise".to_owned() });
        let mut rests = Vec::new();
        for _ in 0..14 {
            assert!(roster.note("0003:0665:5161.0000", Err(silent())));
            rests.push(roster.entries[0].rest);
        }
        assert!(rests.windows(2).all(|two| two[1] == (two[0] * 2).min(MAX_REST)), "{rests:?}");
        assert_eq!(rests.last(), Some(&MAX_REST));
        // It is gone by now.
        assert!(!roster.note("0003:0665:5161.0001", Err(silent())));
    }
}
