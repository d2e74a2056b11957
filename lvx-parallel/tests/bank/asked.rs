//! A task asks only the questions that it needs, and they are sufficient.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::BytesMut;
use fastrand::Rng;
use lvx_parallel::{
    BankSnapshot, Checks, Finding, Gap, Member, Question, Questions, Reason, RuleInfo, Severity,
    check, compare,
};
use pi18_transport::{Client, Error, Link, sim::SimLink};

use crate::{
    findings_of,
    many::{FAULTS, Injected},
    random::Plan,
    shared,
};

/// The requests on a link, and the number of bytes in both directions.
#[derive(Clone, Debug, Default)]
struct Traffic {
    requests: Vec<String>,
    bytes: usize,
}

impl Traffic {
    /// Returns how long the bytes take on a serial line: ten bits each at 2400 baud.
    fn time(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.bytes).unwrap() * 10 * 1_000_000 / 2400)
    }
}

/// A link that records its traffic.
struct Counting(SimLink, Arc<Mutex<Traffic>>);

impl Link for Counting {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        let mut traffic = self.1.lock().unwrap();
        // A request is `^P`, the length, the query, the checksum and the end.
        let query = String::from_utf8(bytes[5..bytes.len() - 3].to_vec()).unwrap();
        traffic.requests.push(query);
        traffic.bytes += bytes.len();
        drop(traffic);
        self.0.send(bytes, deadline)
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        let before = buffer.len();
        self.0.receive(buffer, deadline)?;
        self.1.lock().unwrap().bytes += buffer.len() - before;
        Ok(())
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn pause(&mut self, time: Duration) {
        self.0.pause(time);
    }
}

/// Reads a bank on serial lines. Returns it with the traffic of each unit and the time it took.
fn traffic(
    switches: &[&str],
    read: impl FnOnce(Vec<Member<Counting>>) -> BankSnapshot,
) -> (BankSnapshot, Vec<Traffic>, Duration) {
    let switches: Vec<_> = switches.iter().map(|each| format!("pace=2400&{each}")).collect();
    let shared = shared(&switches.iter().map(String::as_str).collect::<Vec<_>>());
    let mut all = Vec::new();
    let links = shared.concurrent_links().into_iter();
    let members = links.map(|link| {
        let counted = Arc::new(Mutex::new(Traffic::default()));
        all.push(Arc::clone(&counted));
        Member::new(link.name().to_owned(), Client::new(Counting(link, counted)))
    });
    let bank = read(members.collect());
    let all = all.iter().map(|traffic| traffic.lock().unwrap().clone()).collect();
    (bank, all, shared.elapsed())
}

fn only(rule: &str) -> Checks {
    Checks::default().only([rule]).unwrap()
}

/// Returns the requests to a unit. The first `PI` is sent by the client, to discard old replies.
fn questions(traffic: &Traffic) -> String {
    traffic.requests.join(" ")
}

#[test]
fn fault_check_asks_only_for_faults() {
    let (bank, traffic, took) = traffic(&["", ""], |members| only("fault").read(members));
    assert_eq!(questions(&traffic[0]), "PI ID PI FWS");
    assert!(traffic.iter().all(|each| each.time() < Duration::from_millis(600)), "{traffic:?}");
    assert!(took < Duration::from_millis(700), "{took:?}");
    assert!(bank.is_complete() && only("fault").check(&bank).complete);
}

#[test]
fn active_fault_is_followed_by_evidence() {
    let (bank, traffic, _) = traffic(&["", "fault=83"], |members| only("fault").read(members));
    assert_eq!(
        questions(&traffic[0]),
        "PI ID PI FWS GMN PIRI PRI0 PRI1 PRI2 PRI3 MOD PGS0 GS PGS1"
    );
    let text = only("fault").check(&bank).findings[0].to_string();
    // The fault stops both units, which then measure the battery without current.
    assert!(text.ends_with("sim:0 + sim:1 53.3 V"), "{text}");
}

#[test]
fn others_are_asked_about_silent_unit() {
    let (bank, traffic, _) =
        traffic(&["", "silent=1&fault=07"], |members| only("fault").read(members));
    assert!(questions(&traffic[0]).contains("PGS1"), "{traffic:?}");
    let found = &only("fault").check(&bank).findings[0];
    assert!(found.to_string().contains("sim:0 reporting it for unit 1"), "{found}");
}

#[test]
fn comparison_asks_only_for_settings() {
    let read = |members| BankSnapshot::read_only(members, Questions::SETTINGS);
    let (bank, traffic, took) = traffic(&["", ""], read);
    assert_eq!(questions(&traffic[0]), "PI ID PI PIRI FLAG ACCT ACLT");
    assert!(traffic.iter().all(|each| each.time() < Duration::from_millis(1250)), "{traffic:?}");
    assert!(took < Duration::from_millis(1400), "{took:?}");
    assert!(compare(&bank).matches());
}

#[test]
fn nine_units_are_each_described_twice() {
    let slaves = ["slave=06126&think=20ms"; 9];
    let (bank, traffic, took) = traffic(&slaves, |members| Checks::default().read(members));
    let about = |start: &str| {
        let mut numbers = BTreeMap::new();
        for request in traffic.iter().flat_map(|each| &each.requests) {
            if let Some(number) = request.strip_prefix(start) {
                *numbers.entry(number.to_owned()).or_insert(0) += 1;
            }
        }
        numbers
    };
    let twice: BTreeMap<_, _> = (0..9).map(|number: u8| (number.to_string(), 2)).collect();
    assert_eq!(about("PGS"), twice);
    // One unit is asked whether there is a tenth one.
    assert_eq!(about("PRI"), twice.into_iter().chain([("9".to_owned(), 1)]).collect());
    assert!(traffic.iter().all(|each| each.time() < Duration::from_secs(5)), "{traffic:?}");
    assert!(took < Duration::from_millis(5500), "{took:?}");
    let bank = crate::timeless(bank);
    assert_eq!(findings_of(&Checks::default(), &bank), []);
    assert!(check(&bank).complete);
}

/// Returns the findings of these checks in a bank that was asked only the questions that they need.
pub(crate) fn narrow(checks: &Checks, full: &BankSnapshot) -> Vec<Finding> {
    let mut questions = checks.questions();
    loop {
        let bank = full.only(questions);
        let more = checks.more(&bank).without(questions);
        if more.is_empty() {
            return checks.check(&bank).findings;
        }
        questions = questions.and(more);
    }
}

/// Sorts findings, because the order of the units depends on their answers.
pub(crate) fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    for finding in &mut findings {
        finding.values.sort_by(|one, other| one.unit.cmp(&other.unit));
    }
    findings.sort_by_key(ToString::to_string);
    findings
}

#[test]
fn questions_of_rule_are_sufficient() {
    let mut found = BTreeMap::<&str, u32>::new();
    for seed in 0..330 {
        let mut random = Rng::with_seed(seed);
        let mut plan = Plan::healthy(&mut random);
        let (name, inject) = &FAULTS[usize::try_from(seed).unwrap() % FAULTS.len()];
        let injected = inject(&mut plan, &mut random);
        let mut bank = plan.read(&mut random);
        if let Some(Injected { change, .. }) = injected {
            change(&mut bank);
        }
        let bank = bank.only(Questions::ALL);
        let baseline = Plan::healthy(&mut Rng::with_seed(seed)).read(&mut random);
        for rule in RuleInfo::all() {
            let checks = Checks::default().with_bank_ah(100).with_baseline(baseline.clone());
            let checks = checks.only([&rule.id]).unwrap();
            let full = sorted(checks.check(&bank).findings);
            let narrow = sorted(narrow(&checks, &bank));
            assert_eq!(narrow, full, "seed {seed}, {name}, {}: {plan:?}", rule.id);
            *found.entry(&*rule.id).or_default() += u32::from(!full.is_empty());
        }
    }
    let rare = [
        "skew",
        "discharge-current",
        "output",
        "load",
        "output-voltage",
        "split-phase",
        "circulating-current",
        "heat-sink",
    ];
    // Banks with packs have a test of their own.
    let is_rare = |id: &str| rare.contains(&id) || id.starts_with("pack-");
    let is_found = |rule: &RuleInfo| is_rare(&rule.id) || found[&*rule.id] > 0;
    assert!(RuleInfo::all().all(is_found), "{found:?}");
}

#[test]
fn question_not_asked_is_reported_not_as_missing_answer() {
    let narrow = crate::read(&["slave=06126", "slave=06126"]).only(Questions::SETTINGS);
    assert!(narrow.is_complete());
    let checks = only("fault");
    let report = checks.check(&narrow);
    assert!(!report.complete && !report.is_healthy(), "{report}");
    let text = report.findings[0].to_string();
    assert_eq!(text, "some questions were not asked: sim:0 + sim:1 FWS");
    assert!(report.findings[0].why.ends_with("judge only a part: fault"), "{report}");
    // An answer that could not be read is a different finding.
    let mut unread = crate::read(&["slave=06126", "slave=06126"]);
    let gap = Gap::new(Reason::Silent, "");
    unread.units[1].take(pi18_proto::Query::FaultsAndWarnings, Err(gap));
    assert!(!unread.is_complete());
    let report = check(&unread);
    assert_eq!(
        report.findings[0].to_string(),
        "some answers are missing: sim:1 FWS without a valid reply"
    );
    // Rule `settings` also needs the model, which was not asked.
    assert_eq!(
        findings_of(&only("settings"), &narrow.only(Questions::ALL)),
        [("unread", Severity::Info)]
    );
    assert!(only("settings").questions().has(Question::MachineModel));
}
