//! Judges a complete round with the rules of `lvx_parallel`.

use std::time::Instant;

use jiff::tz::TimeZone;
use lvx_parallel::{
    BankSnapshot, Checks, Finding, Gap, Question, Reading, Reason, UnitSnapshot, compare,
};
use pi18_proto::Query;

use super::{Held, tracked::Tracked};
use crate::{
    Now,
    config::{BankConfig, PollConfig},
    poll::Group,
};

/// The rules, and the findings that wait for the next reading of what the units report about each other.
#[derive(Debug)]
pub(super) struct Judge {
    checks: Checks,
    /// Ids of the rules that compare `PGSn` with `GS`.
    cross: Vec<String>,
    /// Findings of these rules, and the time of the latest `PGSn` at that time.
    carried: Vec<Finding>,
    statuses_at: Option<Instant>,
}

/// The result of a judgement.
#[derive(Debug)]
pub(super) struct Judgement {
    pub(super) findings: Vec<Finding>,
    /// Number of settings that differ; `None` if those of a unit are not known.
    pub(super) settings_that_differ: Option<usize>,
}

impl Judge {
    pub(super) fn new(bank: &BankConfig, poll: &PollConfig) -> Self {
        let mut checks = Checks::default();
        let medium = Group::Medium.max_age(poll).as_secs().try_into().unwrap_or(u16::MAX);
        checks.thresholds.max_age.0 = checks.thresholds.max_age.0.max(medium);
        // The clock of a virtual unit shows the time of the simulation.
        if bank.units.iter().any(|unit| unit.address.place().starts_with("sim:"))
            && let Ok(without_clock) = checks.clone().skip(["clock"])
        {
            checks = without_clock;
        }
        let needs_statuses =
            checks.each_rule().filter(|rule| rule.needs().has(Question::ParallelStatus));
        let cross = needs_statuses.map(|rule| rule.info().id.to_string()).collect();
        Self { checks, cross, carried: Vec::new(), statuses_at: None }
    }

    /// Judges the bank as its units answered until now.
    pub(super) fn judge(&mut self, units: &[Tracked], now: Now) -> Judgement {
        let bank = snapshot(units, now);
        let mut findings = self.checks.check(&bank).findings;
        // `PGSn` is asked less often than `GS`. In between, what was found with it remains.
        let latest = latest_status(units);
        if latest != self.statuses_at || latest.is_none() {
            self.statuses_at = latest;
            self.carried = findings.iter().filter(|found| self.is_cross(found)).cloned().collect();
        } else {
            findings.retain(|found| !self.is_cross(found));
            findings.extend(self.carried.iter().cloned());
        }
        let comparison = compare(&bank);
        let is_known =
            comparison.unread.is_empty() && bank.units.iter().all(|unit| unit.lost.is_none());
        let rows = comparison.agreeing.iter().chain(&comparison.further);
        let settings_that_differ = is_known.then(|| rows.filter(|row| row.is_marked()).count());
        Judgement { findings, settings_that_differ }
    }

    fn is_cross(&self, finding: &Finding) -> bool {
        self.cross.iter().any(|id| *id == finding.rule)
    }
}

/// Returns the time of the latest `PGSn` of all units.
fn latest_status(units: &[Tracked]) -> Option<Instant> {
    let held = units.iter().flat_map(|unit| &unit.view.held);
    let statuses = held.filter(|held| matches!(held.query, Query::ParallelStatus(_)));
    statuses.filter_map(|held| held.reply.as_ref().map(|(_, at)| *at)).max()
}

/// Returns the fresh answers of all units, as the rules judge them.
fn snapshot(units: &[Tracked], now: Now) -> BankSnapshot {
    let fresh = |held: &Held| {
        let (reply, at) = held.reply?;
        (now.instant.saturating_duration_since(at) <= held.max_age).then_some((reply, at))
    };
    let held =
        || units.iter().filter(|unit| unit.holder.is_some()).flat_map(|unit| &unit.view.held);
    let start = held().filter_map(|held| Some(fresh(held)?.1)).min().unwrap_or(now.instant);
    let taken = units.iter().map(|tracked| {
        let view = &tracked.view;
        if tracked.holder.is_none() {
            let mut unit = UnitSnapshot::lost(view.name.as_str(), tracked.gap.clone());
            unit.serial = Some(view.serial);
            return unit;
        }
        let mut unit = UnitSnapshot::new(view.name.as_str());
        for held in &view.held {
            let answer = match (fresh(held), &held.failure) {
                (Some((reply, at)), _) => {
                    Ok(Reading::new(reply, at.saturating_duration_since(start)))
                }
                (None, Some(gap)) => Err(gap.clone()),
                (None, None) => Err(Gap::new(Reason::Old, "")),
            };
            unit.take(held.query, answer);
        }
        unit
    });
    let mut bank = BankSnapshot::new(taken);
    let since = now.instant.saturating_duration_since(start);
    let started = now.wall.checked_sub(since).unwrap_or(now.wall).to_zoned(TimeZone::system());
    bank.started = started.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string().parse().ok();
    bank
}
