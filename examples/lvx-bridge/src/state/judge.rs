//! Judges a complete round with the rules of `lvx_parallel`.

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use lvx_parallel::{
    BankSnapshot, Checks, Finding, Gap, Question, Reading, Reason, UnitSnapshot, compare,
};
use pi18_proto::Query;

use super::{Held, tracked::Tracked, tracked_pack::TrackedPack};
use crate::{
    Now,
    alert::is_about_packs,
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
    /// Findings of the rules about packs when all packs were last measured.
    carried_packs: Vec<Finding>,
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
        let packs = poll.max_pack_age().as_secs().try_into().unwrap_or(u16::MAX);
        checks.thresholds.max_age.0 = checks.thresholds.max_age.0.max(medium).max(packs);
        checks.packs = bank.battery.as_ref().and_then(|battery| battery.packs);
        // The clock of a virtual unit shows the time of the simulation.
        if bank.units.iter().any(|unit| unit.address.place().starts_with("sim:"))
            && let Ok(without_clock) = checks.clone().skip(["clock"])
        {
            checks = without_clock;
        }
        let needs_statuses =
            checks.each_rule().filter(|rule| rule.needs().has(Question::ParallelStatus));
        let cross = needs_statuses.map(|rule| rule.info().id.to_string()).collect();
        Self { checks, cross, carried: Vec::new(), statuses_at: None, carried_packs: Vec::new() }
    }

    /// Judges the bank as its units and packs answered until now. Packs are measured less often than units: without
    /// `has_new_packs`, what was found about them remains.
    pub(super) fn judge(
        &mut self,
        units: &[Tracked],
        packs: &[TrackedPack],
        has_new_packs: bool,
        now: Now,
    ) -> Judgement {
        let bank = snapshot(units, packs, now);
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
        if packs.is_empty() || has_new_packs {
            let about_packs = findings.iter().filter(|found| is_about_packs(&found.rule));
            self.carried_packs = about_packs.cloned().collect();
        } else {
            findings.retain(|found| !is_about_packs(&found.rule));
            findings.extend(self.carried_packs.iter().cloned());
        }
        let comparison = compare(&bank);
        let is_known =
            comparison.unread.is_empty() && bank.units.iter().all(|unit| unit.lost.is_none());
        let rows = comparison.agreeing.iter().chain(&comparison.further);
        let settings_that_differ = is_known.then(|| rows.filter(|row| row.is_marked()).count());
        Judgement { findings, settings_that_differ }
    }

    /// Returns whether the measurements of units and packs were read so close together that rules compare them.
    pub(super) fn are_comparable(
        &self,
        units: &[Tracked],
        packs: &[TrackedPack],
        now: Instant,
    ) -> bool {
        let status = |unit: &Tracked| Some(unit.view.held("GS")?.reply.as_ref()?.1);
        let units = units.iter().filter(|unit| unit.holder.is_some()).filter_map(status);
        let times: Vec<_> =
            units.chain(packs.iter().filter_map(|pack| pack.judged_reading(now))).collect();
        let max_skew = Duration::from_secs(self.checks.thresholds.max_skew.0.into());
        let (first, last) = (times.iter().min(), times.iter().max());
        first.zip(last).is_none_or(|(first, last)| last.duration_since(*first) <= max_skew)
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

/// Returns the fresh answers of all units and packs, as the rules judge them.
fn snapshot(units: &[Tracked], packs: &[TrackedPack], now: Now) -> BankSnapshot {
    let fresh = |held: &Held| {
        let (reply, at) = held.reply?;
        (now.instant.saturating_duration_since(at) <= held.max_age).then_some((reply, at))
    };
    let held =
        || units.iter().filter(|unit| unit.holder.is_some()).flat_map(|unit| &unit.view.held);
    let of_packs = packs.iter().filter_map(|pack| pack.judged_reading(now.instant));
    let times = held().filter_map(|held| Some(fresh(held)?.1)).chain(of_packs);
    let start = times.min().unwrap_or(now.instant);
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
    let packs = packs.iter().map(|pack| pack.snapshot(start, now.instant));
    let mut bank = BankSnapshot::new(taken).with_packs(packs);
    let since = now.instant.saturating_duration_since(start);
    let started = now.wall.checked_sub(since).unwrap_or(now.wall).to_zoned(TimeZone::system());
    bank.started = started.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string().parse().ok();
    bank
}
