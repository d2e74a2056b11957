//! Checks alerts: each has a cause that existed, and is raised once, over restarts too.

use std::{collections::BTreeMap, time::Duration};

use lvx_bridge::{Snapshot, alert::Alert};

use super::chaos::{Chaos, Problem};

/// The alerts that are raised, and what was reported about them.
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    /// Time at which each raised alert was raised.
    raised: BTreeMap<String, Duration>,
    /// Times at which alerts were cleared.
    cleared: BTreeMap<String, Duration>,
    /// Events that have to be published: the time, the change, and the id of the alert.
    pub(crate) expected: Vec<(Duration, &'static str, String)>,
    pub(crate) counts: BTreeMap<String, u64>,
}

impl Alarms {
    /// Takes the alerts of a snapshot. Returns whether one of them was raised or cleared.
    #[track_caller]
    pub(crate) fn see(&mut self, snapshot: &Snapshot, chaos: &Chaos, now: Duration) -> bool {
        let before = self.expected.len();
        let raised = || snapshot.alerts.iter().filter(|alert| alert.is_raised());
        for alert in raised() {
            if !self.raised.contains_key(&alert.id) {
                check_cause(alert, snapshot, chaos, now);
                self.raised.insert(alert.id.clone(), now);
                self.expected.push((now, "alert-raised", alert.id.clone()));
                *self.counts.entry(alert.rule.clone()).or_default() += 1;
            }
        }
        let gone = self.raised.extract_if(.., |id, _| !raised().any(|alert| alert.id == *id));
        for (id, _) in gone.collect::<Vec<_>>() {
            self.expected.push((now, "alert-cleared", id.clone()));
            self.cleared.insert(id, now);
        }
        self.expected.len() > before
    }

    /// Takes the first snapshot after a restart. What happened more than two seconds before, while the disk was not
    /// full since `saved_since`, is known to the new run.
    #[track_caller]
    pub(crate) fn restart(
        &mut self,
        snapshot: &Snapshot,
        saved_since: Option<Duration>,
        now: Duration,
    ) {
        let is_raised =
            |id: &str| snapshot.alerts.iter().any(|alert| alert.id == id && alert.is_raised());
        if let Some(since) = saved_since {
            let is_saved = |at: Duration| at > since && at + MAX_UNSAVED < now;
            for (id, at) in self.raised.iter().filter(|(_, at)| is_saved(**at)) {
                assert!(is_raised(id), "{id} was raised at {at:?}, and is forgotten at {now:?}");
            }
            for (id, at) in self
                .cleared
                .iter()
                .filter(|(id, at)| is_saved(**at) && !self.raised.contains_key(*id))
            {
                assert!(!is_raised(id), "{id} was cleared at {at:?}, and is raised at {now:?}");
            }
        }
        self.raised.retain(|id, _| is_raised(id));
        let restored = snapshot.alerts.iter().filter(|alert| alert.is_raised());
        for alert in restored {
            self.raised.entry(alert.id.clone()).or_insert(now);
        }
        // The queue of the earlier run is lost.
        self.expected.clear();
    }
}

/// Checks that what the alert reports was really there a short time ago.
#[track_caller]
fn check_cause(alert: &Alert, snapshot: &Snapshot, chaos: &Chaos, now: Duration) {
    let unit_of = |serial| snapshot.units.iter().position(|unit| unit.serial == serial);
    let units: Vec<_> = match alert.rule.as_str() {
        // Another unit reports it, so that the alert is about that one.
        "fault" => (0..snapshot.units.len()).collect(),
        _ => alert.units.iter().filter_map(|serial| unit_of(*serial)).collect(),
    };
    let mut causes = CAUSES.iter().filter(|(rule, ..)| *rule == alert.rule);
    let had = |(_, problem, max_age): &(_, Problem, Duration)| {
        let mut times = units.iter().filter_map(|unit| chaos.last_present(*problem, *unit));
        times.any(|at| at + *max_age >= now)
    };
    assert!(causes.any(had), "{now:?}: no cause of {alert:#?}");
}

/// The rules whose alerts can be caused, what causes them, and for how long they can be raised after it is over.
const CAUSES: &[(&str, Problem, Duration)] = &[
    ("battery-voltage", Problem::Voltmeter, MEASURED),
    ("over-voltage", Problem::Voltmeter, MEASURED),
    ("output-voltage", Problem::Output, MEASURED),
    ("output", Problem::Output, MEASURED),
    ("fault", Problem::Fault, MEASURED),
    ("mode", Problem::Fault, MEASURED),
    ("settings", Problem::Bulk, SETTING),
    ("setting-rules", Problem::Bulk, SETTING),
    ("over-voltage", Problem::Bulk, SETTING),
    ("unread", Problem::Unreachable, SETTING),
    ("unread", Problem::Line, SETTING),
];

/// Time for which a measurement can be judged after it has changed: its limit of age, and a round.
const MEASURED: Duration = Duration::from_mins(1);

/// Time for which a setting can be judged after it has changed, or a question that failed is not asked again.
const SETTING: Duration = Duration::from_mins(7);

/// Time in which a change of an alert is saved.
const MAX_UNSAVED: Duration = Duration::from_secs(2);
