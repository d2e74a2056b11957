//! Judges the answers of the units with the rules of `lvx_parallel`, and remembers since when a finding is there.

use std::time::{Duration, Instant};

use jiff::{Timestamp, tz::TimeZone};
use lvx_parallel::{BankSnapshot, Checks, Question};

use super::{
    answers::{Answers, SLOW_LIMIT},
    packs::PackAnswers,
};
use crate::{overview::Finding, terminal::add_commands};

/// The rules, and what they found.
#[derive(Debug)]
pub(super) struct Judge {
    checks: Checks,
    /// Ids of the rules that compare what the units report about each other with what they measure.
    cross: Vec<String>,
    /// Time of the latest answer that these rules have judged.
    statuses_at: Option<Instant>,
    findings: Vec<Finding>,
}

impl Judge {
    /// Starts without findings.
    pub(super) fn new() -> Self {
        let mut checks = Checks::default();
        let slow = u16::try_from(SLOW_LIMIT.as_secs()).unwrap_or(u16::MAX);
        checks.thresholds.max_age.0 = checks.thresholds.max_age.0.max(slow);
        // While a unit is slow, others are read more often. The rules compare only what was read together.
        if let Ok(without_skew) = checks.clone().skip(["skew"]) {
            checks = without_skew;
        }
        let needs_statuses =
            checks.each_rule().filter(|rule| rule.needs().has(Question::ParallelStatus));
        let cross = needs_statuses.map(|rule| rule.info().id.to_string()).collect();
        Self { checks, cross, statuses_at: None, findings: Vec::new() }
    }

    /// Judges the answers until now. Returns the findings, the most severe first.
    pub(super) fn judge(
        &mut self,
        (units, packs): (&[Answers], &[PackAnswers]),
        every: Duration,
        now: Instant,
        wall: Timestamp,
    ) -> Vec<Finding> {
        let report = self.checks.check(&snapshot(units, packs, every, now, wall));
        let mut found: Vec<_> = report
            .findings
            .into_iter()
            .map(|mut finding| {
                add_commands(&mut finding.advice);
                Finding::new(&finding)
            })
            .collect();
        // What the units report about each other is asked less often. In between, what was found with it remains.
        let latest = units.iter().filter_map(Answers::statuses_at).max();
        if latest == self.statuses_at && latest.is_some() {
            found.retain(|finding| !self.is_cross(finding));
            let carried = self.findings.iter().filter(|finding| self.is_cross(finding));
            found.extend(carried.cloned());
            found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        }
        self.statuses_at = latest;
        for finding in &mut found {
            let known = self
                .findings
                .iter()
                .find(|known| known.rule == finding.rule && kind(known) == kind(finding));
            finding.since = known.map_or(Some(wall), |known| known.since);
        }
        self.findings.clone_from(&found);
        found
    }

    fn is_cross(&self, finding: &Finding) -> bool {
        self.cross.contains(&finding.rule)
    }
}

/// Returns the words of a title without measured values, which change from round to round.
fn kind(finding: &Finding) -> Vec<&str> {
    let is_measured = |word: &&str| word.contains('.') && word.parse::<f64>().is_ok();
    finding.title.split_whitespace().filter(|word| !is_measured(word)).collect()
}

/// Returns the answers of all units, and of the packs that are known, as the rules judge them.
fn snapshot(
    units: &[Answers],
    packs: &[PackAnswers],
    every: Duration,
    now: Instant,
    wall: Timestamp,
) -> BankSnapshot {
    let times = units.iter().filter_map(|unit| unit.oldest(every, now));
    let start = times.chain(packs.iter().filter_map(PackAnswers::oldest)).min().unwrap_or(now);
    let known = packs.iter().filter(|pack| pack.is_known()).map(|pack| pack.snapshot(start));
    let mut bank = BankSnapshot::new(units.iter().map(|unit| unit.snapshot(every, start, now)))
        .with_packs(known);
    let since = now.saturating_duration_since(start);
    let started = wall.checked_sub(since).unwrap_or(wall).to_zoned(TimeZone::system());
    bank.started = started.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string().parse().ok();
    bank
}
