//! Compares what is published with what the virtual units really have.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use lvx_bridge::{
    Snapshot,
    poll::{Answered, Event, EventKind},
    state::Value,
};
use pi18_proto::{AnyReply, Query, SerialNumber};
use pi18_transport::sim::{Bank, SharedBank};

use super::serial_of;

/// What the units really had, at the times at which it changed.
///
/// The bank has to be frozen: its values change only between two calls of [`record`](Self::record).
#[derive(Debug)]
pub(crate) struct Oracle {
    bank: SharedBank,
    start: Instant,
    serials: Vec<SerialNumber>,
    epochs: VecDeque<Epoch>,
    /// For each unit and query, the answers that were committed lately.
    committed: Vec<HashMap<Query, VecDeque<Committed>>>,
    /// Number of answers that were compared.
    pub(crate) compared: u64,
}

/// The values from one change to the next.
#[derive(Debug)]
struct Epoch {
    from: Duration,
    /// Time until which they still change.
    settled: Duration,
    values: HashMap<(usize, Query), Option<AnyReply>>,
}

#[derive(Clone, Copy, Debug)]
struct Committed {
    reply: AnyReply,
    at: Instant,
}

impl Oracle {
    /// Starts with the present values of the bank.
    pub(crate) fn new(bank: &SharedBank, start: Instant) -> Self {
        let serials: Vec<_> =
            bank.with(|bank| (0..bank.units()).map(|unit| serial_of(bank, unit)).collect());
        let mut oracle = Self {
            bank: bank.clone(),
            start,
            committed: vec![HashMap::new(); serials.len()],
            serials,
            epochs: VecDeque::new(),
            compared: 0,
        };
        oracle.record(Duration::ZERO, Duration::ZERO);
        oracle
    }

    /// Stores the present values of the bank, after they were changed at once, or within `time`.
    pub(crate) fn record(&mut self, now: Duration, time: Duration) {
        let count = self.serials.len();
        let values = self.bank.with(|bank| {
            let queries = || dynamic_queries(count);
            (0..count)
                .flat_map(|unit| queries().map(move |query| (unit, query)))
                .map(|(unit, query)| ((unit, query), bank.peek(unit, query)))
                .collect()
        });
        self.epochs.push_back(Epoch { from: now, settled: now + time, values });
        while self.epochs.get(1).is_some_and(|next| next.from + MAX_EPOCH_AGE < now) {
            self.epochs.pop_front();
        }
    }

    /// Returns the present reply of a unit, as it was last recorded.
    pub(crate) fn present(&self, unit: usize, query: Query) -> Option<AnyReply> {
        self.epochs.back().and_then(|epoch| *epoch.values.get(&(unit, query))?)
    }

    /// Returns the serial number of a unit.
    pub(crate) fn serial(&self, unit: usize) -> String {
        self.serials[unit].to_string()
    }

    /// Returns the powers with which a unit charges and discharges the battery, in watts: the greatest ones since
    /// `from`.
    pub(crate) fn battery_powers(&self, unit: usize, from: Duration) -> [f64; 2] {
        let ends = self.epochs.iter().skip(1).map(|epoch| epoch.from).chain([Duration::MAX]);
        let epochs = self.epochs.iter().zip(ends).filter(|(_, end)| *end >= from);
        epochs.fold([0.0; 2], |most, (epoch, _)| {
            let status = epoch.values.get(&(unit, Query::GeneralStatus));
            let Some(Some(AnyReply::GeneralStatus(status))) = status else { return most };
            let volts = f64::from(status.battery_voltage.0) / 10.0;
            let [charge, discharge] = most;
            let power = |amperes: u16| volts * f64::from(amperes);
            [
                charge.max(power(status.charge_current.0)),
                discharge.max(power(status.discharge_current.0)),
            ]
        })
    }

    /// Returns the age of the latest committed answer of a unit to which `is_it` applies; `None` if there is none.
    pub(crate) fn age_of(
        &self,
        unit: usize,
        mnemonic: &str,
        now: Instant,
        is_it: impl Fn(&AnyReply) -> bool,
    ) -> Option<Duration> {
        let asked = self.committed[unit].iter();
        let answers = asked.filter(|(query, _)| query.info().mnemonic == mnemonic);
        let found =
            answers.filter_map(|(_, answers)| answers.iter().rev().find(|it| is_it(&it.reply)));
        found.map(|found| now.saturating_duration_since(found.at)).min()
    }

    /// Checks the answers of a batch: the unit had each value at a time between the question and the reply.
    #[track_caller]
    pub(crate) fn check_event(&mut self, event: &Event) {
        let EventKind::Batch { serial, answers } = &event.kind else { return };
        let unit = self.serials.iter().position(|known| known == serial);
        let unit = unit.unwrap_or_else(|| panic!("expected a known unit, found {serial}"));
        for answer in answers {
            let Ok(reply) = &answer.answer else { continue };
            assert!(
                self.had(unit, answer, reply),
                "unit {unit} at {:?} within {:?}: expected what it had, {:?}, found {reply:?}",
                answer.at - self.start,
                answer.latency,
                self.values(unit, answer.query),
            );
            let committed = Committed { reply: *reply, at: answer.at };
            let answers = self.committed[unit].entry(answer.query).or_default();
            answers.retain(|old| old.at + MAX_EPOCH_AGE > answer.at);
            answers.push_back(committed);
            self.compared += 1;
        }
    }

    /// Checks that a snapshot shows only committed answers, and none of them fresh beyond its limit of age.
    #[track_caller]
    pub(crate) fn check_snapshot(&self, snapshot: &Snapshot, now: Instant) {
        for view in &snapshot.units {
            let unit = self.serials.iter().position(|known| *known == view.serial).unwrap();
            assert!(view.held.len() <= MAX_HELD, "{} answers", view.held.len());
            for held in &view.held {
                let Some((reply, at)) = held.reply else { continue };
                let query = held.query;
                let committed = self.committed[unit][&query].back().unwrap();
                assert!(committed.at >= at, "{query}: expected an answer that was committed");
                if committed.at == at {
                    assert_eq!(committed.reply, reply, "{query}");
                }
            }
            for (mnemonic, field) in FIELDS {
                let Some(held) = view.held(mnemonic) else { continue };
                let value = view.value(mnemonic, field, now);
                let age = held.reply.map(|(_, at)| now.saturating_duration_since(at));
                let is_fresh = matches!(value, Value::Fresh { .. });
                assert_eq!(
                    is_fresh,
                    age.is_some_and(|age| age <= held.max_age),
                    "{mnemonic} {value:?}"
                );
            }
        }
        let all_fresh =
            snapshot.units.iter().all(|view| view.fresh("GS", snapshot.now.instant).is_some());
        assert_eq!(snapshot.totals.pv_power.is_some(), all_fresh, "totals");
        assert!(snapshot.alerts.len() <= MAX_ALERTS, "{} alerts", snapshot.alerts.len());
    }

    /// Returns the latest values of a unit, each with the time since which it was there.
    fn values(&self, unit: usize, query: Query) -> Vec<(Duration, Option<AnyReply>)> {
        let values = self
            .epochs
            .iter()
            .filter_map(|epoch| Some((epoch.from, *epoch.values.get(&(unit, query))?)));
        let mut values: Vec<_> = values.collect();
        values.dedup_by_key(|(_, value)| *value);
        values.split_off(values.len().saturating_sub(2))
    }

    /// Returns whether the unit had this value between the question and the reply.
    fn had(&self, unit: usize, answer: &Answered, reply: &AnyReply) -> bool {
        let key = (unit, answer.query);
        if !self.epochs.iter().any(|epoch| epoch.values.contains_key(&key)) {
            // The energy of a day depends on the day.
            return matches!(answer.query, Query::DayEnergy(_))
                || self.bank.with(|bank: &mut Bank| bank.peek(unit, answer.query)) == Some(*reply);
        }
        let until = answer.at - self.start;
        let from = until.saturating_sub(answer.latency);
        let ends = self.epochs.iter().skip(1).map(|epoch| epoch.from).chain([Duration::MAX]);
        self.epochs.iter().zip(ends).any(|(epoch, end)| {
            let overlaps = epoch.from <= until && end >= from;
            let is_between = epoch.settled > epoch.from && epoch.settled >= from;
            overlaps && (is_between || epoch.values.get(&key) == Some(&Some(*reply)))
        })
    }
}

/// The queries whose answers change.
fn dynamic_queries(units: usize) -> impl Iterator<Item = Query> {
    let general = [
        Query::GeneralStatus,
        Query::Mode,
        Query::FaultsAndWarnings,
        Query::TotalEnergy,
        Query::RatedInformation,
        Query::Clock,
    ];
    let about = |mnemonic: &'static str| {
        (0..units).filter_map(move |number| format!("{mnemonic}{number}").parse().ok())
    };
    general.into_iter().chain(about("PGS")).chain(about("PRI"))
}

/// Fields whose freshness is checked.
const FIELDS: [(&str, &str); 4] = [
    ("GS", "battery_voltage"),
    ("MOD", "working_mode"),
    ("ET", "energy"),
    ("PIRI", "float_voltage"),
];

/// Time for which old values are kept, longer than the greatest limit of age.
const MAX_EPOCH_AGE: Duration = Duration::from_mins(7);

const MAX_HELD: usize = 48;

const MAX_ALERTS: usize = 512;
