//! Takes events and makes snapshots.

use std::{
    mem::{Discriminant, discriminant},
    sync::Arc,
    time::{Duration, Instant},
};

use lvx_parallel::{Finding, Gap, Reason};
use pi18_proto::SerialNumber;
use serde::{Deserialize, Serialize};

use super::{
    LinkState, Snapshot, Totals,
    bank_meter::{BankMeter, SavedBankEnergy},
    energy_meter::SavedEnergy,
    judge::Judge,
    notices,
    sum::totals,
    tracked::{Duplicate, Reset, Tracked},
    tracked_pack::TrackedPack,
};
use crate::{
    Name, Now, RequestError,
    alert::{Alert, Alerts, is_about_packs},
    config::{BankConfig, PollConfig},
    control::ControlView,
    poll::{Answered, Event, EventKind, Group, PackEvent, PackEventKind},
};

/// Takes the events of the pollers of one bank and makes its snapshots. It has no I/O and no clock.
///
/// Ages and deadlines follow the monotonic clock, so a jump of the wall clock changes none of them.
#[derive(Debug)]
pub struct Core {
    poll: PollConfig,
    units: Vec<Tracked>,
    packs: Vec<TrackedPack>,
    links: Vec<LinkTrack>,
    judge: Judge,
    /// Time of the last judgement, or of the start.
    judged: Instant,
    settings_that_differ: Option<usize>,
    alerts: Alerts,
    meter: BankMeter,
    /// The last resets of each kind of each unit.
    resets: Vec<ResetNotice>,
    /// Finding about the last suspend of this computer, and the time until which it is shown.
    suspend: Option<(Finding, Instant)>,
    /// Time at which this was noticed. Answers from before are not taken.
    resumed_at: Option<Instant>,
    /// Energies of units that were configured earlier.
    retired: Vec<SavedEnergy>,
    /// Why the history is not written.
    history_problem: Option<String>,
    snapshot: Arc<Snapshot>,
}

/// A finding about a reset.
#[derive(Debug)]
struct ResetNotice {
    serial: SerialNumber,
    kind: Discriminant<Reset>,
    finding: Finding,
    /// Time until which it is shown.
    until: Instant,
}

/// A link, and who answers on it.
#[derive(Debug)]
struct LinkTrack {
    address: String,
    unit: Option<usize>,
    /// The unit that answers, if it is not configured.
    unknown_unit: Option<SerialNumber>,
}

/// What must survive a restart.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    session: u64,
    units: Vec<SavedEnergy>,
    /// Missing in files of earlier versions.
    #[serde(default)]
    bank: SavedBankEnergy,
}

impl Core {
    /// Creates the state before anything was read.
    #[must_use]
    pub fn new(
        site: &Name,
        bank: &BankConfig,
        poll: &PollConfig,
        alerts: Alerts,
        session: u64,
        now: Now,
    ) -> Self {
        let units: Vec<_> = bank.units.iter().map(|unit| Tracked::new(unit, now)).collect();
        let place = |unit: &crate::config::UnitConfig| unit.address.place().to_owned();
        let links = bank.units.iter().map(place);
        let links =
            links.map(|address| LinkTrack { address, unit: None, unknown_unit: None }).collect();
        let packs: Vec<_> =
            bank.packs.iter().map(|pack| TrackedPack::new(pack, poll, now)).collect();
        let snapshot = Snapshot {
            session,
            seq: 0,
            now,
            started: now,
            site: site.clone(),
            bank: bank.name.clone(),
            units: units.iter().map(|unit| Arc::clone(&unit.view)).collect(),
            packs: packs.iter().map(|pack| Arc::clone(&pack.view)).collect(),
            totals: Totals::default(),
            findings: None,
            judged_at: None,
            alerts: alerts.list().to_vec(),
            control: ControlView::default(),
        };
        Self {
            poll: *poll,
            units,
            packs,
            links,
            judge: Judge::new(bank, poll),
            judged: now.instant,
            settings_that_differ: None,
            alerts,
            meter: BankMeter::default(),
            resets: Vec::new(),
            suspend: None,
            resumed_at: None,
            retired: Vec::new(),
            history_problem: None,
            snapshot: Arc::new(snapshot),
        }
    }

    /// Returns the session number in a text that [`saved`](Self::saved) returned; 0 if there is none. Each start
    /// of the bridge takes a greater number.
    #[must_use]
    pub fn last_session(saved: &[u8]) -> u64 {
        serde_json::from_slice(saved).map_or(0, |saved: Saved| saved.session)
    }

    /// Takes the text that [`saved`](Self::saved) returned before a restart.
    ///
    /// # Errors
    /// If the text is damaged. The energies then start again.
    pub fn restore(&mut self, saved: &[u8], now: Now) -> Result<(), RequestError> {
        let saved: Saved = serde_json::from_slice(saved).map_err(|error| {
            RequestError::Unknown(format!("expected the saved state of a bank, found: {error}"))
        })?;
        self.meter = BankMeter::restore(saved.bank);
        for energy in saved.units {
            match self.units.iter_mut().find(|unit| unit.view.serial == energy.serial) {
                Some(unit) => {
                    unit.meter.restore(&energy);
                    Arc::make_mut(&mut unit.view).energy = unit.meter.energy();
                }
                None if self.retired.len() < MAX_RETIRED => self.retired.push(energy.retired()),
                None => {}
            }
        }
        self.publish(now);
        Ok(())
    }

    /// Returns what must survive a restart: the session number and the energies, as JSON.
    #[must_use]
    pub fn saved(&self) -> Vec<u8> {
        let units = self.units.iter().map(|unit| unit.meter.saved(unit.view.serial));
        let units = units.chain(self.retired.iter().cloned()).collect();
        let bank = self.meter.saved();
        let saved = Saved { session: self.snapshot.session, units, bank };
        serde_json::to_vec(&saved).unwrap_or_default()
    }

    /// Returns what must survive a restart, like [`saved`](Self::saved). Eras, and energies that the bridge counts, are
    /// shown as they are in this text, once [`show_saved`](Self::show_saved) is called: so they do not fall after a crash.
    pub fn take_saved(&mut self) -> Vec<u8> {
        self.meter.mark_saved();
        self.units.iter_mut().for_each(|unit| unit.meter.mark_saved());
        self.saved()
    }

    /// Returns whether an era began since the last [`take_saved`](Self::take_saved).
    #[must_use]
    pub fn has_new_era(&self) -> bool {
        self.units.iter().any(|unit| unit.meter.has_new_era())
    }

    /// Shows the eras and energies that the last [`take_saved`](Self::take_saved) returned, which are on the disk now.
    pub fn show_saved(&mut self, now: Now) {
        let before = self.meter.energy();
        self.meter.show_saved();
        let mut is_changed = self.meter.energy() != before;
        for unit in &mut self.units {
            unit.meter.show_saved();
            let energy = unit.meter.energy();
            if unit.view.energy != energy {
                Arc::make_mut(&mut unit.view).energy = energy;
                is_changed = true;
            }
        }
        if is_changed {
            self.publish(now);
        }
    }

    /// Takes an event.
    pub fn handle(&mut self, event: Event, now: Now) {
        let link = event.link;
        match event.kind {
            EventKind::Connected { serial } | EventKind::Swapped { serial } => {
                self.identified(link, serial, now);
            }
            EventKind::Lost { why, retry_in } => self.lost(link, &why, retry_in, now),
            EventKind::Batch { serial, answers } => self.commit(link, serial, answers, now),
        }
        if self.is_round_complete(now.instant) || self.has_new_unit(now.instant) {
            self.judge(now);
        }
        self.publish(now);
    }

    /// Takes what happened to a pack. Units are not judged before their round is complete, whatever a pack does.
    pub fn handle_pack(&mut self, event: PackEvent, now: Now) {
        let is_old = self.resumed_at.is_some_and(|at| event.at < at);
        let is_measured = matches!(event.kind, PackEventKind::Measured { .. });
        let Some(pack) = self.packs.get_mut(event.pack).filter(|_| !(is_old && is_measured)) else {
            return;
        };
        pack.take(event.kind, event.at, now);
        let is_between_rounds = self.snapshot.findings.is_some()
            && !self.is_starting()
            && self.units.iter().all(|unit| unit.holder.is_none() || unit.is_ready(now.instant));
        if is_between_rounds
            && self.has_new_packs(now.instant)
            && self.judge.are_comparable(&self.units, &self.packs, now.instant)
        {
            self.judge(now);
        }
        self.publish(now);
    }

    /// Advances the timers: alerts are raised and cleared, sums over values that became stale are dropped. To be called
    /// about once a second.
    pub fn tick(&mut self, now: Now) {
        self.resets.retain(|reset| reset.until > now.instant);
        self.suspend.take_if(|(_, until)| *until <= now.instant);
        for unit in &mut self.units {
            unit.forget_old(now.instant);
        }
        if self.is_round_overdue(now.instant) {
            self.judge(now);
        }
        self.alerts.tick(now);
        let is_changed = self.snapshot.alerts != self.alerts.list()
            || self.snapshot.totals != self.totals(now.instant)
            || self.snapshot.judged_at != self.judged_at();
        if is_changed {
            self.publish(now);
        }
    }

    /// Takes a suspend of this computer. Values are older by that time, although the monotonic clock stopped; those that
    /// are now beyond their limit of age are stale. The pollers have to read everything again.
    pub fn resume(&mut self, suspended: Duration, now: Now) {
        self.units.iter_mut().for_each(|unit| unit.resume(suspended, now.instant));
        self.packs.iter_mut().for_each(|pack| pack.resume(suspended));
        self.suspend = Some((notices::suspended(suspended), now.instant + NOTICE_TIME));
        self.resumed_at = Some(now.instant);
        self.publish(now);
    }

    /// Returns the present snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot)
    }

    /// Takes the settings that can be changed, and the command in progress.
    pub fn set_control(&mut self, control: ControlView, now: Now) {
        if self.snapshot.control != control {
            Arc::make_mut(&mut self.snapshot).control = control;
            self.publish(now);
        }
    }

    /// Takes why the history is not written; the next judgement has it as a finding.
    pub fn set_history_problem(&mut self, problem: Option<String>) {
        self.history_problem = problem;
    }

    /// Returns the alerts.
    #[must_use]
    pub fn alerts(&self) -> &Alerts {
        &self.alerts
    }

    /// Changes the alerts, for example acknowledges one, and makes a snapshot.
    pub fn change_alerts<T>(&mut self, now: Now, change: impl FnOnce(&mut Alerts) -> T) -> T {
        let result = change(&mut self.alerts);
        self.publish(now);
        result
    }

    /// Records the unit that answers on a link.
    fn identified(&mut self, link: usize, serial: SerialNumber, now: Now) {
        let index = self.units.iter().position(|unit| unit.view.serial == serial);
        let Some(track) = self.links.get_mut(link) else { return };
        let address = track.address.clone();
        let before = std::mem::replace(&mut track.unit, index);
        track.unknown_unit = index.is_none().then_some(serial);
        let why = Gap::new(Reason::Gone, format!("{address}: unit {serial} answers here"));
        if let Some(before) = before.filter(|before| Some(*before) != index) {
            self.release(before, link, &why, None, now);
        }
        if Some(link) != index
            && let Some(configured) = self.units.get_mut(link).filter(|unit| unit.holder.is_none())
        {
            configured.lose(why, None, now);
        }
        let Some(unit) = index.and_then(|index| self.units.get_mut(index)) else { return };
        match unit.holder {
            Some(holder) if holder != link => {
                unit.duplicate = Some(Duplicate { link, is_last: false, alternations: 0 });
            }
            _ => unit.connect(link, &address, now),
        }
    }

    /// Takes the loss of a link.
    fn lost(&mut self, link: usize, why: &Gap, retry_in: Duration, now: Now) {
        let Some(track) = self.links.get_mut(link) else { return };
        track.unknown_unit = None;
        if let Some(unit) = track.unit.take() {
            self.release(unit, link, why, Some(retry_in), now);
        } else if let Some(unit) = self.units.get_mut(link).filter(|unit| unit.holder.is_none()) {
            unit.lose(why.clone(), Some(retry_in), now);
        }
    }

    /// No longer reads a unit on a link. If it answers on another one, it is read there.
    fn release(&mut self, index: usize, link: usize, why: &Gap, retry: Option<Duration>, now: Now) {
        let Some(unit) = self.units.get_mut(index) else { return };
        if unit.duplicate.is_some_and(|duplicate| duplicate.link == link) {
            unit.duplicate = None;
        }
        if unit.holder == Some(link) {
            let duplicate = unit.duplicate.take();
            unit.lose(why.clone(), retry, now);
            if let Some(duplicate) = duplicate
                && let Some(track) = self.links.get(duplicate.link)
            {
                unit.hold(duplicate.link, &track.address, now);
            }
        }
    }

    /// Takes the answers of a unit.
    fn commit(&mut self, link: usize, serial: SerialNumber, answers: Vec<Answered>, now: Now) {
        let mut answers = answers;
        answers.retain(|answer| self.resumed_at.is_none_or(|at| answer.at >= at));
        let index = self.units.iter().position(|unit| unit.view.serial == serial);
        let Some(unit) = index.and_then(|index| self.units.get_mut(index)) else { return };
        if unit.holder.is_none()
            && let Some(track) = self.links.get_mut(link)
        {
            track.unit = index;
            unit.hold(link, &track.address, now);
        }
        let is_holder = unit.holder == Some(link);
        if let Some(duplicate) = &mut unit.duplicate
            && (is_holder || duplicate.link == link)
        {
            // Only one of the links is read, so that values of two units are not mixed.
            duplicate.alternations += u32::from(is_holder && duplicate.is_last);
            duplicate.is_last = !is_holder;
        }
        if !is_holder {
            return;
        }
        let resets = unit.take(answers, &self.poll);
        self.meter.add(&unit.meter.take_growth());
        for reset in &resets {
            let (finding, kind) = (notices::reset(&unit.view, reset), discriminant(reset));
            self.resets.retain(|other| (other.serial, other.kind) != (serial, kind));
            let until = now.instant + NOTICE_TIME;
            self.resets.push(ResetNotice { serial, kind, finding, until });
        }
    }

    /// Returns whether every unit that can be reached has been measured since the last judgement. While a unit is
    /// being found or read for the first time, nothing is judged.
    fn is_round_complete(&self, now: Instant) -> bool {
        let mut reached = self.units.iter().filter(|unit| unit.holder.is_some()).peekable();
        !self.is_starting()
            && reached.peek().is_some()
            && reached.all(|unit| unit.is_measured && unit.is_ready(now))
    }

    /// Returns whether a unit that was found has been read for the first time. It is judged at once, instead of in
    /// the next round.
    fn has_new_unit(&self, now: Instant) -> bool {
        let reached = || self.units.iter().filter(|unit| unit.holder.is_some());
        !self.is_starting()
            && reached().any(|unit| unit.is_new)
            && reached().all(|unit| unit.is_ready(now))
    }

    /// Returns whether a round takes so long that it is judged without waiting for the others.
    fn is_round_overdue(&self, now: Instant) -> bool {
        let limit = Group::Fast.max_age(&self.poll);
        let mut reached = self.units.iter().filter(|unit| unit.holder.is_some());
        !self.is_starting()
            && now.saturating_duration_since(self.judged) >= limit
            && reached.all(|unit| unit.is_ready(now))
    }

    /// Returns whether there is something new about the packs: one was lost or found, its values are stale, or each one
    /// that answers was measured since the packs were judged.
    fn has_new_packs(&self, now: Instant) -> bool {
        let mut reached = self.packs.iter().filter(|pack| pack.is_up()).peekable();
        let is_stale = |pack: &TrackedPack| pack.is_up() && !pack.view.is_fresh(now);
        self.packs.iter().any(|pack| pack.is_changed || is_stale(pack))
            || (reached.peek().is_some() && reached.all(|pack| pack.is_measured))
    }

    fn is_starting(&self) -> bool {
        self.units.iter().any(|unit| unit.view.link.state == LinkState::Starting)
    }

    /// Judges what was read.
    fn judge(&mut self, now: Now) {
        let has_new_packs = self.has_new_packs(now.instant);
        let judgement = self.judge.judge(&self.units, &self.packs, has_new_packs, now);
        self.judged = now.instant;
        self.settings_that_differ = judgement.settings_that_differ;
        let mut findings = judgement.findings;
        findings.extend(self.notices());
        let lost = self.units.iter().filter(|unit| unit.holder.is_none());
        let lost: Vec<_> = lost.map(|unit| unit.view.serial).collect();
        let lost_packs = self.packs.iter().filter(|pack| !pack.is_up());
        let lost_packs: Vec<_> = lost_packs.map(|pack| pack.view.name.as_str()).collect();
        // Without answers of a unit or pack, its problem is not known to be over.
        let is_judged = |alert: &Alert| {
            let names = || alert.values.iter().map(|(name, _)| name.as_str());
            let needs_packs = is_about_packs(&alert.rule) && !READING_RULES.contains(&&*alert.rule);
            notices::is_own_rule(&alert.rule)
                || !(alert.units.iter().any(|unit| lost.contains(unit))
                    || (needs_packs
                        && !lost_packs.is_empty()
                        // The values of an alert from before the start are not known.
                        && (alert.values.is_empty() || names().any(|name| lost_packs.contains(&name)))))
        };
        self.alerts.judge_read(&findings, is_judged, now);
        for unit in &mut self.units {
            unit.is_measured = false;
            unit.is_new &= unit.holder.is_none();
        }
        if has_new_packs {
            for pack in &mut self.packs {
                (pack.is_measured, pack.is_changed) = (false, false);
            }
        }
        let snapshot = Arc::make_mut(&mut self.snapshot);
        (snapshot.findings, snapshot.judged_at) = (Some(findings), Some(now.instant));
    }

    /// Returns the findings of the bridge itself.
    fn notices(&self) -> Vec<Finding> {
        let duplicates = self.units.iter().filter_map(|unit| {
            let duplicate = unit.duplicate.filter(|duplicate| duplicate.is_confirmed())?;
            Some(notices::duplicate_serial(&unit.view, &self.links.get(duplicate.link)?.address))
        });
        let links = self.links.iter().zip(&self.units);
        let unknown = links.filter_map(|(link, unit)| {
            Some(notices::unknown_unit(&unit.view, &link.address, link.unknown_unit?))
        });
        let resets = self.resets.iter().map(|reset| reset.finding.clone());
        // Duplicate serial numbers are found above.
        let problems = self.snapshot.control.problems.iter();
        let problems = problems.filter(|problem| !problem.id.starts_with("control/doubled"));
        let control = problems
            .map(|problem| notices::control(problem, self.units.iter().map(|unit| &*unit.view)));
        let suspend = self.suspend.iter().map(|(finding, _)| finding.clone());
        let history = self.history_problem.iter().map(|why| notices::history(why));
        let all = duplicates.chain(unknown).chain(resets).chain(suspend).chain(control);
        all.chain(history).collect()
    }

    fn judged_at(&self) -> Option<Instant> {
        self.snapshot.findings.as_ref().map(|_| self.judged)
    }

    fn totals(&self, now: Instant) -> Totals {
        let units: Vec<_> = self.units.iter().map(|unit| &*unit.view).collect();
        totals(&units, self.meter.energy(), self.settings_that_differ, now)
    }

    /// Makes a new snapshot.
    fn publish(&mut self, now: Now) {
        let totals = self.totals(now.instant);
        let units = self.units.iter().map(|unit| Arc::clone(&unit.view)).collect();
        let packs = self.packs.iter().map(|pack| Arc::clone(&pack.view)).collect();
        // Outputs may still read the old snapshot; then it is copied.
        let snapshot = Arc::make_mut(&mut self.snapshot);
        snapshot.seq += 1;
        snapshot.now = now;
        snapshot.units = units;
        snapshot.packs = packs;
        snapshot.totals = totals;
        snapshot.alerts = self.alerts.list().to_vec();
    }
}

/// Rules that report which packs were not read. All other rules about packs judge measurements.
const READING_RULES: [&str; 2] = ["pack-silent", "pack-aggregate"];

/// Time for which a reset of counters or a suspend is shown.
const NOTICE_TIME: Duration = Duration::from_hours(1);

/// Largest number of units that are no longer configured and whose energies are kept.
const MAX_RETIRED: usize = 64;
