//! Reads units and battery packs over their links: a thread for each one asks, and one puts the answers together.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    thread,
    time::{Duration, Instant},
};

use super::{
    answers::Answers,
    judge::Judge,
    latest::Latest,
    packs::{self, PackAnswers, PackReport},
    poll::{self, Report, Round},
};
use crate::{
    overview::{Finding, Overview, Verdict},
    terminal::Failure,
    units::BankAddresses,
};
use jiff::Timestamp;
use pi18_proto::{Count, ParallelInstance};

/// Starts the threads, which run until the program ends.
pub(super) fn start(
    addresses: BankAddresses,
    every: Duration,
    latest: Latest,
) -> Result<(), Failure> {
    let error = |error| Failure::usage(format_args!("threads: {error}"));
    let (sender, reports) = sync_channel(MAX_WAITING);
    let bank = Bank::new(&addresses, every);
    let mut rounds = Rounds::default();
    for (place, address) in addresses.units.into_iter().enumerate() {
        let (round, receiver) = sync_channel(1);
        let report = move |report| Message::Unit(place, report);
        poll::start(place, address, receiver, (sender.clone(), report), latest.panic_guard())
            .map_err(error)?;
        rounds.units.push(round);
    }
    for (place, address) in addresses.packs.into_iter().enumerate() {
        let (round, receiver) = sync_channel(1);
        let report = move |report| Message::Pack(place, report);
        packs::start(place, address, receiver, (sender.clone(), report), latest.panic_guard())
            .map_err(error)?;
        rounds.packs.push(round);
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

/// What the threads of units and packs report, with the place of the unit or pack.
#[derive(Debug)]
enum Message {
    Unit(usize, Report),
    Pack(usize, PackReport),
}

/// The ways to the threads.
#[derive(Default)]
struct Rounds {
    units: Vec<SyncSender<Round>>,
    packs: Vec<SyncSender<()>>,
}

/// Sends rounds to units and packs, and takes their answers.
fn collect(mut bank: Bank, rounds: &Rounds, reports: &Receiver<Message>, latest: &Latest) {
    let mut next = Instant::now();
    loop {
        let now = Instant::now();
        if next <= now {
            for (place, round) in bank.begin(now) {
                let sent = rounds.units.get(place).map(|rounds| rounds.try_send(round));
                if matches!(sent, Some(Err(TrySendError::Disconnected(_)))) {
                    return;
                }
            }
            for place in bank.begin_packs(now) {
                let sent = rounds.packs.get(place).map(|rounds| rounds.try_send(()));
                if matches!(sent, Some(Err(TrySendError::Disconnected(())))) {
                    return;
                }
            }
            // A round that was missed, because the program was stopped, is not made up for.
            next = (next + bank.every).max(now);
        }
        match reports.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(message) => {
                let (now, wall) = (Instant::now(), Timestamp::now());
                match message {
                    Message::Unit(place, report) => {
                        if bank.take(place, report, now, wall) {
                            latest.put(bank.overview(now), bank.is_idle());
                        }
                    }
                    Message::Pack(place, report) => {
                        bank.take_pack(place, report, now, wall);
                        latest.put(bank.overview(now), false);
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// The answers of all units and packs. It has no clock and no links.
#[derive(Debug)]
struct Bank {
    units: Vec<Answers>,
    packs: Vec<PackAnswers>,
    every: Duration,
    judge: Judge,
    /// Findings; `None` before all units were read.
    findings: Option<Vec<Finding>>,
}

impl Bank {
    fn new(addresses: &BankAddresses, every: Duration) -> Self {
        let units = addresses.units.iter().map(|address| Answers::new(address.place()));
        let packs = addresses.packs.iter().map(|address| PackAnswers::new(address.place()));
        let (units, packs) = (units.collect(), packs.collect());
        Self { units, packs, every, judge: Judge::new(), findings: None }
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

    /// Begins a round of all packs that are due. Returns their places.
    fn begin_packs(&mut self, now: Instant) -> Vec<usize> {
        let packs = self.packs.iter_mut().enumerate();
        packs.filter_map(|(place, pack)| pack.begin(now).then_some(place)).collect()
    }

    /// Takes the report of a pack. It is judged with the next reports of the units.
    fn take_pack(&mut self, place: usize, report: PackReport, now: Instant, wall: Timestamp) {
        if let Some(pack) = self.packs.get_mut(place) {
            pack.take(report, now, wall);
        }
    }

    /// Takes a report. Returns whether there is something new to show: a round has ended, or a unit was lost.
    fn take(&mut self, place: usize, report: Report, now: Instant, wall: Timestamp) -> bool {
        let Some(unit) = self.units.get_mut(place) else { return false };
        if !unit.take(report, wall) {
            return false;
        }
        if self.findings.is_some() || self.units.iter().all(Answers::is_known) {
            self.findings =
                Some(self.judge.judge((&self.units, &self.packs), self.every, now, wall));
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
        let packs: Vec<_> = self.packs.iter().map(|pack| pack.pack(self.every)).collect();
        let verdict = Verdict::of(&units, &packs, &findings, self.findings.is_some());
        Overview { name: String::new(), verdict, units, packs, findings }
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
    use lvx_parallel::{
        Gap, Reason,
        pack::{PackAddress, PackClient},
    };
    use pi18_proto::Query;
    use pi18_transport::{
        Client, Error, ErrorKind,
        sim::{self, BankConfig, SharedBank, SimLink, Switches},
    };

    use super::*;
    use crate::overview::{Key, Level, packs_in_short};

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
            let addresses = ["sim:0", "sim:1"].map(str::to_owned);
            let addresses = BankAddresses::parse(&addresses).unwrap();
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
    fn packs_are_judged_with_the_units_and_a_silent_one_has_no_value() {
        let mut test = Test::new("");
        let pack = "sim:pack0".to_owned();
        let packs = BankAddresses::parse(&[pack, "sim:pack1".to_owned()]).unwrap();
        test.bank.packs = Bank::new(&packs, test.bank.every).packs;
        let link = |pack| test.clients[0].link().bank().pack_link(pack);
        let mut packs = [0, 1].map(|pack| PackClient::new(link(pack), PackAddress::LP4_V2));
        let bank = test.clients[0].link().bank().clone();
        let mut round = |test: &mut Test| {
            for place in test.bank.begin_packs(test.now) {
                let live = packs[place].live().map(|live| (live, test.now));
                let report = PackReport::new(live);
                test.bank.take_pack(place, report, test.now, test.wall);
            }
            test.round(None)
        };
        round(&mut test);
        let read = round(&mut test);
        assert_eq!(
            read.verdict.detail,
            "2 units and 2 packs answer, and no check found a problem."
        );
        let short = packs_in_short(&read.packs, test.now).unwrap();
        assert!(
            short.starts_with("2, 5") && short.contains(" V, ") && short.ends_with(" %"),
            "{short}"
        );
        // Cables chain the packs.
        bank.with(|bank| bank.switch_pack(0, "chain=on")).unwrap();
        let silent = round(&mut test);
        assert_eq!(silent.findings[0].rule, "pack-silent");
        assert!(silent.packs[0].fresh(test.now).is_some() && silent.packs[1].live().is_none());
        assert!(packs_in_short(&silent.packs, test.now).unwrap().starts_with("1 of 2, 5"));
        bank.with(|bank| bank.switch_pack(0, "chain=off")).unwrap();
        assert_eq!(round(&mut test).verdict.level, Level::Ok);
    }

    #[test]
    fn pack_is_not_judged_while_its_adapter_may_not_be_ready() {
        let address = "pack:/dev/ttyUSB0".to_owned();
        let mut bank =
            Bank::new(&BankAddresses::parse(&[address]).unwrap(), Duration::from_secs(2));
        let (start, wall) = (Instant::now(), Timestamp::now());
        let mut is_known = |seconds| {
            let now = start + Duration::from_secs(seconds);
            assert_eq!(bank.begin_packs(now), [0]);
            let silent = Error::new(ErrorKind::Timeout, "/dev/ttyUSB0", "expected a reply");
            bank.take_pack(0, PackReport::new(Err(silent)), now, wall);
            bank.packs[0].is_known()
        };
        assert_eq!([0, 39, 41].map(&mut is_known), [false, false, true]);
        // The pack is asked again at most every two seconds.
        assert!(bank.begin_packs(start + Duration::from_secs(42)).is_empty());
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
