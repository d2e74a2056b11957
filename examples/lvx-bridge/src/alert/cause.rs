//! How long a cause has lasted, and how long it has been away.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use lvx_parallel::{Finding, Observed, Severity};
use pi18_proto::SerialNumber;
use sha2::{Digest, Sha256};

use crate::{Now, config::AlertConfig};

/// Severities for which time is counted, ascending.
const LEVELS: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Error];

/// Rule of the problems of control. The source of a finding names the problem.
const CONTROL: &str = "control";

/// Returns whether a rule is about battery packs, which findings name instead of a serial number.
pub(crate) fn is_about_packs(rule: &str) -> bool {
    rule.starts_with("pack-")
}

/// The findings of one round with the same rule, units and packs, as one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) rule: String,
    pub(super) severity: Severity,
    pub(super) title: String,
    pub(super) why: String,
    pub(super) advice: Vec<String>,
    pub(super) values: Vec<(String, String)>,
    pub(super) units: Vec<SerialNumber>,
    /// Names of the packs.
    packs: Vec<String>,
    /// Name of the cause, if a rule can have several for the same units.
    cause: Option<String>,
}

/// Returns the findings of a round by the id of their cause: the rule, the serial numbers of the units and the names of
/// the packs.
pub(super) fn by_cause(findings: &[Finding]) -> BTreeMap<String, Found> {
    let mut causes: BTreeMap<String, Found> = BTreeMap::new();
    for finding in findings {
        let found = Found::new(finding);
        match causes.get_mut(&found.id()) {
            None => _ = causes.insert(found.id(), found),
            Some(known) => known.merge(found),
        }
    }
    causes
}

impl Found {
    fn new(finding: &Finding) -> Self {
        let mut units: Vec<_> =
            finding.values.iter().filter_map(|value| value.serial_number).collect();
        units.sort_unstable();
        units.dedup();
        let is_pack =
            |value: &&Observed| value.serial_number.is_none() && is_about_packs(&finding.rule);
        let packs = finding.values.iter().filter(is_pack);
        let mut packs: Vec<_> = packs.map(|value| value.unit.clone()).collect();
        packs.sort_unstable();
        packs.dedup();
        let names: Vec<_> = finding.values.iter().map(|value| value.unit.as_str()).collect();
        let title = match names.len() {
            0 => finding.what.clone(),
            _ => format!("{}: {}", finding.what, names.join(", ")),
        };
        let values = finding.values.iter();
        Self {
            rule: finding.rule.to_string(),
            severity: finding.severity,
            title,
            why: finding.why.clone(),
            advice: finding.advice.clone(),
            values: values.map(|each| (each.unit.clone(), each.value.clone())).collect(),
            units,
            packs,
            cause: (finding.rule == CONTROL).then(|| finding.source.to_string()),
        }
    }

    /// Returns the id: the name of the rule, and a hash of rule, serial numbers and packs, so that it needs no escaping.
    fn id(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(&self.rule);
        for serial in &self.units {
            hash.update([0]);
            hash.update(serial.as_str());
        }
        for pack in &self.packs {
            hash.update([1]);
            hash.update(pack);
        }
        if let Some(cause) = &self.cause {
            hash.update([0]);
            hash.update(cause);
        }
        let hash = hash.finalize().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let rule: String = self.rule.chars().take(40).map(word).collect();
        format!("{}-{hash:016x}", rule.trim_matches('-'))
    }

    /// Adds another finding of the same cause. The more severe one gives the title.
    fn merge(&mut self, mut other: Self) {
        if other.severity > self.severity {
            std::mem::swap(self, &mut other);
        }
        self.advice.extend(other.advice);
        let mut seen = std::collections::BTreeSet::new();
        self.advice.retain(|step| seen.insert(step.clone()));
        self.values.extend(other.values);
    }
}

/// How long a cause has lasted, for each severity and those above it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Timer {
    levels: [Level; 3],
    /// Time of the last round in which it was there.
    seen: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Level {
    /// Time at which it came; `None` while it is away, or if it was there before the start.
    since: Option<Now>,
    /// Time at which it went; `None` while it is there.
    away: Option<Instant>,
}

impl Timer {
    /// Returns the timer of an alert that was raised before the start. It counts as there until a round without it.
    pub(super) fn raised() -> Self {
        Self::default()
    }

    /// Takes the severity of a round; `None` if it was not found.
    pub(super) fn see(&mut self, severity: Option<Severity>, now: Now) {
        if severity.is_some() {
            self.seen = Some(now.instant);
        }
        for (level, of) in self.levels.iter_mut().zip(LEVELS) {
            if severity.is_some_and(|severity| severity >= of) {
                if level.since.is_none() {
                    level.since = Some(now);
                }
                level.away = None;
            } else {
                level.since = None;
                level.away.get_or_insert(now.instant);
            }
        }
    }

    /// Returns the greatest severity that had lasted long enough in the last round in which the cause was there, and the
    /// time since which it is there. While nothing is judged, it may be over.
    pub(super) fn lasted(&self, config: &AlertConfig) -> Option<(Severity, Timestamp)> {
        let seen = self.seen?;
        let is_long = |(level, of): &(&Level, Severity)| {
            let delay = delay(config, *of);
            *of >= config.min_severity
                && level.since.is_some_and(|since| passed(since.instant, seen, delay))
        };
        let levels = self.levels.iter().zip(LEVELS);
        let (_, severity) = levels.clone().rfind(is_long)?;
        let mut counted = levels.filter(|(_, of)| *of >= config.min_severity);
        let since = counted.find_map(|(level, _)| level.since)?;
        Some((severity, since.wall))
    }

    /// Returns the greatest severity that is there, or has been away for less than `clear_after`; `None` if the alert
    /// clears.
    pub(super) fn remains(&self, config: &AlertConfig, now: Now) -> Option<Severity> {
        let is_there = |(level, of): &(&Level, Severity)| {
            let is_gone = |away| passed(away, now.instant, config.clear_after);
            *of >= config.min_severity && !level.away.is_some_and(is_gone)
        };
        self.levels.iter().zip(LEVELS).rfind(is_there).map(|(_, severity)| severity)
    }

    /// Returns whether the cause was away in the last round.
    pub(super) fn is_away(&self, config: &AlertConfig) -> bool {
        let mut counted =
            self.levels.iter().zip(LEVELS).filter(|(_, of)| *of >= config.min_severity);
        counted.next().is_none_or(|(level, _)| level.away.is_some())
    }
}

fn passed(from: Instant, now: Instant, time: Duration) -> bool {
    now.saturating_duration_since(from) >= time
}

fn delay(config: &AlertConfig, severity: Severity) -> Duration {
    if severity >= Severity::Error { config.error_after } else { config.warning_after }
}
