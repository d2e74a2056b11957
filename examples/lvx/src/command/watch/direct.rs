//! Reads the units over their links: a thread per unit asks, and one puts the answers together.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use pi18_proto::{Count, ParallelInstance};
use pi18_transport::Address;

use super::{
    answers::Answers,
    judge::Judge,
    latest::Latest,
    poll::{self, Report, Round},
};
use crate::{
    overview::{Finding, Overview, Verdict},
    terminal::Failure,
};

/// Starts the threads, which run until the program ends.
pub(super) fn start(
    addresses: Vec<Address>,
    every: Duration,
    latest: Latest,
) -> Result<(), Failure> {
    let error = |error| Failure::usage(format_args!("threads: {error}"));
    let (sender, reports) = sync_channel(MAX_WAITING);
    let bank = Bank::new(&addresses, every);
    let mut rounds = Vec::new();
    for (place, address) in addresses.into_iter().enumerate() {
        let (round, receiver) = sync_channel(1);
        poll::start(place, address, receiver, sender.clone(), latest.panic_guard())
            .map_err(error)?;
        rounds.push(round);
    }
    let guard = latest.panic_guard();
    let run = move || {
        let _guard = guard;
        collect(bank, &rounds, &reports, &latest);
    };
    thread::Builder::new().name("bank".to_owned()).spawn(run).map(drop).map_err(error)
}

/// Returns the span of the chart in which each unit answers at least once, also while it is asked all questions.
pub(super) fn span(every: Duration) -> Duration {
    (every * 2).max(MIN_SPAN)
}

/// Sends rounds to the units, and takes their answers.
fn collect(
    mut bank: Bank,
    rounds: &[SyncSender<Round>],
    reports: &Receiver<(usize, Report)>,
    latest: &Latest,
) {
    let mut next = Instant::now();
    loop {
        let now = Instant::now();
        if next <= now {
            for (place, round) in bank.begin(now) {
                let sent = rounds.get(place).map(|rounds| rounds.try_send(round));
                if matches!(sent, Some(Err(TrySendError::Disconnected(_)))) {
                    return;
                }
            }
            // A round that was missed, because the program was stopped, is not made up for.
            next = (next + bank.every).max(now);
        }
        match reports.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok((place, report)) => {
                let (now, wall) = (Instant::now(), Timestamp::now());
                if bank.take(place, report, now, wall) {
                    latest.put(bank.overview(now), bank.is_idle());
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// The answers of all units. It has no clock and no links.
#[derive(Debug)]
struct Bank {
    units: Vec<Answers>,
    every: Duration,
    judge: Judge,
    /// Findings; `None` before all units were read.
    findings: Option<Vec<Finding>>,
}

impl Bank {
    fn new(addresses: &[Address], every: Duration) -> Self {
        let units = addresses.iter().map(|address| Answers::new(address.place())).collect();
        Self { units, every, judge: Judge::new(), findings: None }
    }

    /// Begins a round of all units that are not busy.
    fn begin(&mut self, now: Instant) -> Vec<(usize, Round)> {
        let numbers: Vec<_> = self.units.iter().map(Answers::number).collect();
        let idle = self.units.iter_mut().enumerate().filter(|(_, unit)| !unit.is_busy);
        let rounds = idle.map(|(place, unit)| {
            let serial = unit.serial();
            let questions = unit.begin(&peers(&numbers, place), now);
            (place, Round { questions, serial })
        });
        rounds.collect()
    }

    /// Takes a report. Returns whether there is something new to show: a round has ended, or a unit was lost.
    fn take(&mut self, place: usize, report: Report, now: Instant, wall: Timestamp) -> bool {
        let Some(unit) = self.units.get_mut(place) else { return false };
        if !unit.take(report, wall) {
            return false;
        }
        if self.findings.is_some() || self.units.iter().all(Answers::is_known) {
            self.findings = Some(self.judge.judge(&self.units, self.every, now, wall));
        }
        true
    }

    /// Returns whether no unit that answers is being asked: all values are of the same round.
    fn is_idle(&self) -> bool {
        self.units.iter().all(|unit| !unit.is_busy || unit.is_lost())
    }

    fn overview(&self, now: Instant) -> Overview {
        let units: Vec<_> = self.units.iter().map(|unit| unit.unit(self.every, now)).collect();
        let findings = self.findings.clone().unwrap_or_default();
        let verdict = Verdict::of(&units, &findings, self.findings.is_some());
        Overview { name: String::new(), verdict, units, findings }
    }
}

/// Returns the numbers that the unit at a place is asked about: in a bank of up to three units all, and one beyond, so
/// that a unit that was not given is found; in a larger bank itself and the next one, because all would take too long.
fn peers(numbers: &[Option<u16>], place: usize) -> Vec<ParallelInstance> {
    let mut known: Vec<_> = numbers.iter().copied().flatten().collect();
    known.sort_unstable();
    known.dedup();
    let asked: Vec<u16> = if numbers.len() <= MAX_ALL_ASKED {
        (0..known.last().map_or(0, |last| last.saturating_add(2))).collect()
    } else {
        let own = numbers.get(place).copied().flatten();
        let next = own
            .and_then(|own| known.iter().find(|number| **number > own).or(known.first()).copied());
        own.into_iter().chain(next).collect()
    };
    asked.into_iter().filter_map(|number| ParallelInstance::new(Count(number)).ok()).collect()
}

/// Largest bank in which each unit is asked about all others.
const MAX_ALL_ASKED: usize = 3;
/// Least span of the chart.
const MIN_SPAN: Duration = Duration::from_secs(20);
/// Greatest number of reports that wait.
const MAX_WAITING: usize = 256;

#[cfg(test)]
mod tests {
    use lvx_parallel::{Gap, Reason};
    use pi18_proto::Query;
    use pi18_transport::{
        Client,
        sim::{self, BankConfig, SharedBank, SimLink, Switches},
    };

    use super::*;
    use crate::overview::{Key, Level};

    /// A bank that asks virtual units, in virtual time.
    struct Test {
        bank: Bank,
        clients: Vec<Client<SimLink>>,
        now: Instant,
        wall: Timestamp,
    }

    impl Test {
        /// Starts with a virtual bank of its own: `sim:` addresses share one in the whole process. `second` are the
        /// switches of the second unit.
        fn new(second: &str) -> Self {
            let switches = ["", second].map(|text| text.parse::<Switches>().unwrap()).to_vec();
            let config = BankConfig { units: 2, switches };
            let units = SharedBank::virtual_time(sim::Bank::new(config).unwrap());
            let clients = (0..2).map(|unit| Client::new(units.link(unit))).collect();
            let addresses = ["sim:0", "sim:1"].map(|unit| unit.parse().unwrap());
            let bank = Bank::new(&addresses, Duration::from_secs(2));
            Self { bank, clients, now: Instant::now(), wall: Timestamp::now() }
        }

        /// Asks a round. The unit at place `silent` does not answer.
        fn round(&mut self, silent: Option<usize>) -> Overview {
            let (now, wall) = (self.now, self.wall);
            for (place, round) in self.bank.begin(now) {
                if silent == Some(place) {
                    let gap = Gap::new(Reason::Silent, "no reply in 2 s");
                    self.bank.take(place, Report::Lost(gap), now, wall);
                } else {
                    for query in round.questions {
                        let answer = self.clients[place].query(query);
                        let answer = answer.map(|reply| (reply.reply, now));
                        let answer = answer.map_err(|error| Gap::from(&error));
                        self.bank.take(place, Report::Answer { query, answer }, now, wall);
                    }
                }
                self.bank.take(place, Report::Done, now, wall);
            }
            self.now += self.bank.every;
            self.bank.overview(now)
        }
    }

    #[test]
    fn bank_is_judged_when_all_units_were_read() {
        let mut test = Test::new("");
        let first = test.round(None);
        assert_eq!(first.verdict.level, Level::Starting);
        assert!(first.totals(test.now).load.is_some());
        assert_eq!(first.units[1].role(), Some("slave"));
        let second = test.round(None);
        assert_eq!(second.verdict.level, Level::Ok, "{:?}", second.findings);
        assert!(second.totals(test.now).today.is_some());
        // Later rounds are short.
        assert!(test.bank.begin(test.now).iter().all(|(_, round)| round.questions.len() == 3));
    }

    #[test]
    fn lost_unit_keeps_its_values_until_they_are_old() {
        let mut test = Test::new("");
        test.round(None);
        test.round(None);
        let lost = test.round(Some(1));
        assert_eq!(lost.verdict.title, "sim:1 does not answer");
        assert_eq!(lost.verdict.detail, "no reply in 2 s.");
        assert_eq!(lost.totals(test.now).missing, ["sim:1"]);
        let voltage =
            |bank: &Overview, now| bank.units[1].value(Key::BatteryVoltage, now).to_string();
        assert!(voltage(&lost, test.now).ends_with(" V"));
        test.now += Duration::from_mins(1);
        assert!(voltage(&lost, test.now).ends_with(" V old"));
        let later = test.round(Some(1));
        assert_eq!(voltage(&later, test.now), "failed");
        let back = test.round(None);
        assert!(voltage(&back, test.now).ends_with(" V"));
    }

    #[test]
    fn finding_keeps_its_time_while_its_values_change() {
        let mut test = Test::new("battery-offset=0.5");
        test.round(None);
        let first = test.round(None).findings;
        assert_eq!(first[0].rule, "battery-voltage");
        test.wall += Duration::from_mins(5);
        assert_eq!(test.round(None).findings[0].since, first[0].since);
    }

    #[test]
    fn busy_unit_does_not_hold_up_the_others() {
        let mut test = Test::new("");
        assert_eq!(test.bank.begin(test.now).len(), 2);
        test.bank.take(0, Report::Done, test.now, test.wall);
        let rounds = test.bank.begin(test.now);
        assert_eq!(rounds.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn large_bank_is_asked_in_a_ring() {
        let asked = |numbers: &[Option<u16>], place| -> Vec<u16> {
            peers(numbers, place).iter().map(|peer| peer.get().0).collect()
        };
        assert_eq!(asked(&[None], 0), Vec::<u16>::new());
        assert_eq!(asked(&[Some(0), Some(1)], 1), [0, 1, 2]);
        assert_eq!(asked(&[Some(0), Some(1), Some(2), Some(3)], 3), [3, 0]);
        assert_eq!(Query::ParallelStatus(peers(&[Some(0)], 0)[0]).to_string(), "PGS0");
    }
}
