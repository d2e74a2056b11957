//! Compares what is published with what the virtual units really have.

use std::{
    collections::{BTreeMap, VecDeque},
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
pub(crate) struct Oracle {
    bank: SharedBank,
    start: Instant,
    serials: Vec<SerialNumber>,
    epochs: VecDeque<Epoch>,
    /// For each unit and query, the time at which its last committed answer was asked.
    committed: BTreeMap<(usize, String), Committed>,
    /// Number of answers that were compared.
    pub(crate) compared: u64,
}

/// The values from one change to the next.
struct Epoch {
    from: Duration,
    values: BTreeMap<(usize, String), Option<AnyReply>>,
}

#[derive(Clone, Copy)]
struct Committed {
    reply: AnyReply,
    at: Instant,
}

impl Oracle {
    /// Starts with the present values of the bank.
    pub(crate) fn new(bank: &SharedBank, start: Instant) -> Self {
        let serials =
            bank.with(|bank| (0..bank.units()).map(|unit| serial_of(bank, unit)).collect());
        let mut oracle = Self {
            bank: bank.clone(),
            start,
            serials,
            epochs: VecDeque::new(),
            committed: BTreeMap::new(),
            compared: 0,
        };
        oracle.record(Duration::ZERO);
        oracle
    }

    /// Stores the present values of the bank, after they were changed.
    pub(crate) fn record(&mut self, now: Duration) {
        let count = self.serials.len();
        let values = self.bank.with(|bank| {
            let queries = || dynamic_queries(count);
            (0..count)
                .flat_map(|unit| queries().map(move |query| (unit, query)))
                .map(|(unit, query)| ((unit, query.to_string()), bank.peek(unit, query)))
                .collect()
        });
        self.epochs.push_back(Epoch { from: now, values });
        if self.epochs.len() > MAX_EPOCHS {
            self.epochs.pop_front();
        }
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
                "unit {unit}: expected what it had, found {reply:?} {answer:?}"
            );
            let committed = Committed { reply: *reply, at: answer.at };
            self.committed.insert((unit, answer.query.to_string()), committed);
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
                let key = (unit, held.query.to_string());
                let committed = self.committed[&key];
                assert!(committed.at >= at, "{key:?}: expected an answer that was committed");
                if committed.at == at {
                    assert_eq!(committed.reply, reply, "{key:?}");
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

    /// Returns whether the unit had this value between the question and the reply.
    fn had(&self, unit: usize, answer: &Answered, reply: &AnyReply) -> bool {
        let key = (unit, answer.query.to_string());
        if !self.epochs.iter().any(|epoch| epoch.values.contains_key(&key)) {
            return self.bank.with(|bank: &mut Bank| bank.peek(unit, answer.query)) == Some(*reply);
        }
        let until = answer.at - self.start;
        let from = until.saturating_sub(answer.latency);
        let ends = self.epochs.iter().skip(1).map(|epoch| epoch.from).chain([Duration::MAX]);
        self.epochs.iter().zip(ends).any(|(epoch, end)| {
            let overlaps = epoch.from <= until && end >= from;
            overlaps && epoch.values.get(&key) == Some(&Some(*reply))
        })
    }
}

/// The queries whose answers change with the load.
fn dynamic_queries(units: usize) -> impl Iterator<Item = Query> {
    let general = [Query::GeneralStatus, Query::Mode, Query::FaultsAndWarnings];
    let about = (0..units).filter_map(|number| format!("PGS{number}").parse().ok());
    general.into_iter().chain(about)
}

/// Fields whose freshness is checked.
const FIELDS: [(&str, &str); 4] = [
    ("GS", "battery_voltage"),
    ("MOD", "working_mode"),
    ("ET", "energy"),
    ("PIRI", "float_voltage"),
];

const MAX_EPOCHS: usize = 64;

const MAX_HELD: usize = 48;

const MAX_ALERTS: usize = 512;
