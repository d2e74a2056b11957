//! Decides which findings are alerts. No I/O, no clock.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use lvx_parallel::{Finding, Severity};
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::{
    cause::{Found, Timer, by_cause},
    model::{Acknowledgement, Alert, Change, Notice},
};
use crate::{Now, RequestError, config::AlertConfig};

/// Number of cleared alerts that are kept.
const MAX_CLEARED: usize = 32;

/// Number of causes that are watched. Others wait until one of them is away.
const MAX_CAUSES: usize = 256;

/// Number of notices that are kept for hooks. The oldest is dropped.
const MAX_NOTICES: usize = 64;

/// Longest name of who acknowledged an alert, in characters.
const MAX_NAME: usize = 64;

/// Time for which a test alert is raised.
const TEST_TIME: Duration = Duration::from_mins(1);

/// Id and rule of the test alert.
const TEST: &str = "test";

/// Decides which findings are alerts. It has no I/O and no clock.
///
/// A cause is a rule and the units that it is about. Its finding has to be there in each round for the time of its
/// severity before it becomes an alert, and has to be away for `clear_after` before the alert clears.
#[derive(Debug, Default)]
pub struct Alerts {
    config: AlertConfig,
    list: Vec<Alert>,
    causes: BTreeMap<String, (Timer, Found)>,
    /// Raised alerts of an earlier run whose cause was not judged yet.
    restored: BTreeMap<String, Timer>,
    test_until: Option<Instant>,
    notices: VecDeque<Notice>,
    last_number: u64,
}

/// What survives a restart.
#[derive(Serialize, Deserialize)]
struct Saved {
    alerts: Vec<Alert>,
    notices: VecDeque<Notice>,
    last_number: u64,
}

impl Alerts {
    /// Creates the state; `saved` is the text that [`saved`](Self::saved) returned before a restart. A text that
    /// cannot be read counts as none: alerts are then raised again.
    #[must_use]
    pub fn new(config: &AlertConfig, saved: Option<&[u8]>) -> Self {
        let mut alerts = Self { config: config.clone(), ..Self::default() };
        let read = |text| match serde_json::from_slice::<Saved>(text) {
            Ok(saved) => Some(saved),
            Err(error) => {
                warn!("the saved alerts cannot be read: {error}; alerts are raised again");
                None
            }
        };
        if let Some(mut saved) = saved.and_then(read) {
            saved.alerts.truncate(MAX_CAUSES + MAX_CLEARED);
            saved.notices.truncate(MAX_NOTICES);
            let raised = saved.alerts.iter().filter(|alert| alert.is_raised());
            let raised = raised.filter(|alert| alert.id != TEST);
            alerts.restored = raised.map(|alert| (alert.id.clone(), Timer::raised())).collect();
            alerts.list = saved.alerts;
            alerts.notices = saved.notices;
            alerts.last_number = saved.last_number;
        }
        alerts
    }

    /// Takes a new configuration. What has lasted until now counts on.
    pub fn configure(&mut self, config: &AlertConfig) {
        self.config = config.clone();
    }

    /// Takes the findings of a complete round.
    pub fn judge(&mut self, findings: &[Finding], now: Now) {
        self.judge_read(findings, |_| true, now);
    }

    /// Takes the findings of a round in which some units or packs were not read. `is_judged` returns whether the cause of
    /// an alert was judged; otherwise, it stays raised when its finding is not there.
    pub fn judge_read(
        &mut self,
        findings: &[Finding],
        is_judged: impl Fn(&Alert) -> bool,
        now: Now,
    ) {
        let mut found = by_cause(findings);
        let raised = self.list.iter().filter(|alert| alert.is_raised());
        let kept = raised.filter(|alert| !found.contains_key(&alert.id) && !is_judged(alert));
        let kept: BTreeSet<_> = kept.map(|alert| alert.id.clone()).collect();
        for (id, (timer, last)) in &mut self.causes {
            if kept.contains(id) {
                continue;
            }
            let present = found.remove(id);
            timer.see(present.as_ref().map(|found| found.severity), now);
            if let Some(present) = present {
                *last = present;
            }
        }
        for (id, timer) in &mut self.restored {
            if !found.contains_key(id) && !kept.contains(id) {
                timer.see(None, now);
            }
        }
        for (id, found) in found {
            if self.causes.len() >= MAX_CAUSES {
                break;
            }
            let mut timer = self.restored.remove(&id).unwrap_or_default();
            timer.see(Some(found.severity), now);
            self.causes.insert(id, (timer, found));
        }
        for alert in self.list.iter_mut().filter(|alert| alert.is_raised()) {
            if let Some((_, found)) = self.causes.get(&alert.id) {
                describe(alert, found);
            }
        }
        self.tick(now);
    }

    /// Advances the timers: alerts clear when their time has come. They are raised by a round that has their finding.
    pub fn tick(&mut self, now: Now) {
        let mut changes = Vec::new();
        for (id, (timer, found)) in &self.causes {
            let raised = self.list.iter_mut().find(|alert| alert.id == *id && alert.is_raised());
            match raised {
                Some(alert) => changes.extend(follow(alert, timer, &self.config, now)),
                None => {
                    if let Some((severity, since)) = timer.lasted(&self.config) {
                        self.list.retain(|alert| alert.id != *id);
                        self.list.push(raise(id, found, severity, since, now.wall));
                        changes.push((id.clone(), Change::Raised));
                    }
                }
            }
        }
        for (id, timer) in &self.restored {
            let raised = self.list.iter_mut().find(|alert| alert.id == *id && alert.is_raised());
            changes.extend(raised.and_then(|alert| follow(alert, timer, &self.config, now)));
        }
        changes.extend(self.end_test(now));
        let is_raised =
            |id: &str| self.list.iter().any(|alert| alert.id == id && alert.is_raised());
        self.causes.retain(|id, (timer, _)| !timer.is_away(&self.config) || is_raised(id));
        self.restored.retain(|id, _| is_raised(id));
        for (id, change) in changes {
            self.notify(&id, change, now);
        }
        self.sort();
    }

    /// Acknowledges an alert, or takes the acknowledgement back.
    ///
    /// # Errors
    /// If no such alert is raised.
    pub fn acknowledge(
        &mut self,
        id: &str,
        by: &str,
        is_acknowledged: bool,
        now: Now,
    ) -> Result<(), RequestError> {
        let alert = self.list.iter_mut().find(|alert| alert.id == id && alert.is_raised());
        let Some(alert) = alert else {
            let id: String = id.chars().take(MAX_NAME).collect();
            let text = format!("expected the id of an alert that is raised, found {id:?}");
            return Err(RequestError::Unknown(text));
        };
        if alert.acknowledged.is_some() == is_acknowledged {
            return Ok(());
        }
        alert.acknowledged =
            is_acknowledged.then(|| Acknowledgement { by: name(by), at: now.wall });
        let change = if is_acknowledged { Change::Acknowledged } else { Change::Unacknowledged };
        self.notify(id, change, now);
        Ok(())
    }

    /// Acknowledges all alerts that are raised.
    pub fn acknowledge_all(&mut self, by: &str, now: Now) {
        let open = |alert: &&Alert| alert.is_raised() && alert.acknowledged.is_none();
        let ids: Vec<_> = self.list.iter().filter(open).map(|alert| alert.id.clone()).collect();
        for id in ids {
            // It is raised.
            let _ = self.acknowledge(&id, by, true, now);
        }
    }

    /// Raises a test alert, which clears after a minute.
    pub fn test(&mut self, by: &str, now: Now) {
        let is_raised = self.test_until.is_some();
        self.test_until = Some(now.instant + TEST_TIME);
        if is_raised {
            return;
        }
        self.list.retain(|alert| alert.id != TEST);
        self.list.push(Alert {
            id: TEST.to_owned(),
            rule: TEST.to_owned(),
            severity: Severity::Warning,
            title: format!("test alert of {}", name(by)),
            why: "someone asked for it, to see where alerts arrive".to_owned(),
            advice: vec!["nothing needs to be done; it clears after a minute".to_owned()],
            values: Vec::new(),
            units: Vec::new(),
            since: now.wall,
            raised: now.wall,
            acknowledged: None,
            cleared: None,
        });
        self.notify(TEST, Change::Raised, now);
        self.sort();
    }

    /// Returns the alerts that are raised, the most severe first, and those that cleared recently.
    #[must_use]
    pub fn list(&self) -> &[Alert] {
        &self.list
    }

    /// Returns the latest changes, the oldest first. A hook is notified of those that are new to it; save
    /// [`saved`](Self::saved) first, or a restart can repeat them.
    #[must_use]
    pub fn notices(&self) -> impl ExactSizeIterator<Item = &Notice> {
        self.notices.iter()
    }

    /// Returns the number of the latest change; 0 if there was none.
    #[must_use]
    pub fn last_number(&self) -> u64 {
        self.last_number
    }

    /// Returns what must survive a restart.
    #[must_use]
    pub fn saved(&self) -> Vec<u8> {
        let mut alerts = self.list.clone();
        // Measured values change each round. The next round has them again.
        alerts.iter_mut().filter(|alert| alert.is_raised()).for_each(|alert| alert.values.clear());
        let saved = Saved { alerts, notices: self.notices.clone(), last_number: self.last_number };
        // Texts, numbers and times can always be written as JSON.
        serde_json::to_vec(&saved).unwrap_or_default()
    }

    /// Clears the test alert when its time is over, or if it is from an earlier run.
    fn end_test(&mut self, now: Now) -> Option<(String, Change)> {
        if self.test_until.is_some_and(|until| now.instant < until) {
            return None;
        }
        self.test_until = None;
        let test = self.list.iter_mut().find(|alert| alert.id == TEST && alert.is_raised())?;
        test.cleared = Some(now.wall);
        Some((TEST.to_owned(), Change::Cleared))
    }

    fn notify(&mut self, id: &str, change: Change, now: Now) {
        let Some(alert) = self.list.iter().find(|alert| alert.id == id) else { return };
        // Based on the time, so that a number is not used again if the last state was not saved.
        let time = u64::try_from(now.wall.as_millisecond()).unwrap_or(0);
        self.last_number = time.max(self.last_number.saturating_add(1));
        if self.notices.len() >= MAX_NOTICES {
            self.notices.pop_front();
        }
        let alert = alert.clone();
        self.notices.push_back(Notice { number: self.last_number, at: now.wall, change, alert });
    }

    /// Sorts the raised alerts by severity and time. Those that cleared follow, the last one first: the sort is stable,
    /// and does not compare times of the wall clock, which may have been set back.
    fn sort(&mut self) {
        self.list.sort_by(|a, b| match (a.is_raised(), b.is_raised()) {
            (true, true) => b
                .severity
                .cmp(&a.severity)
                .then(b.raised.cmp(&a.raised))
                .then_with(|| a.id.cmp(&b.id)),
            (a_raised, b_raised) => b_raised.cmp(&a_raised),
        });
        let raised = self.list.iter().filter(|alert| alert.is_raised()).count();
        self.list.truncate(raised + MAX_CLEARED);
    }
}

/// Clears a raised alert, or changes its severity, if it is time.
fn follow(
    alert: &mut Alert,
    timer: &Timer,
    config: &AlertConfig,
    now: Now,
) -> Option<(String, Change)> {
    let change = match (timer.lasted(config), timer.remains(config, now)) {
        (_, None) => {
            alert.cleared = Some(now.wall);
            Change::Cleared
        }
        (Some((lasted, _)), _) if lasted > alert.severity => {
            alert.severity = lasted;
            alert.acknowledged = None;
            Change::Worse
        }
        (_, Some(remains)) if remains < alert.severity => {
            alert.severity = remains;
            Change::Better
        }
        _ => return None,
    };
    Some((alert.id.clone(), change))
}

fn raise(
    id: &str,
    found: &Found,
    severity: Severity,
    since: Timestamp,
    raised: Timestamp,
) -> Alert {
    let mut alert = Alert {
        id: id.to_owned(),
        rule: found.rule.clone(),
        severity,
        title: String::new(),
        why: String::new(),
        advice: Vec::new(),
        values: Vec::new(),
        units: Vec::new(),
        since,
        raised,
        acknowledged: None,
        cleared: None,
    };
    describe(&mut alert, found);
    alert
}

/// Sets what the last round says about the cause.
fn describe(alert: &mut Alert, found: &Found) {
    alert.title.clone_from(&found.title);
    alert.why.clone_from(&found.why);
    alert.advice.clone_from(&found.advice);
    alert.values.clone_from(&found.values);
    alert.units.clone_from(&found.units);
}

/// Returns a name without control characters, of limited length.
fn name(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect()
}
