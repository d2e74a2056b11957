//! The state machine that carries out a plan.

use std::time::{Duration, Instant};

use super::{
    action::{Action, Event},
    change::{Change, Verdict},
    direction::ResumeMode,
    events,
    journal::{ApplyProgress, Record},
    options::Options,
    preflight::{Preflight, Purpose},
    reason::Reason,
    report::ApplyReport,
    state::{Doubts, Interrupts, Outcome, Strays, Undo},
    verify::Verify,
};
use crate::{Plan, Settings, Unit};

/// A plan that is being carried out.
///
/// This is a state machine without I/O and without a clock. The caller gets an action from
/// [`next_action`](Self::next_action), carries it out, and passes the result to [`handle`](Self::handle),
/// until the action is [`Action::Done`]. [`run`](crate::run()) does this over real links.
///
/// 1. Before the first write, all units are read and compared with the plan.
/// 2. The old settings are saved.
/// 3. Each step is recorded, sent, and read back. Two equal readings with the new values, from the unit with
///    the right serial number, verify it.
/// 4. If a step fails, all steps that may be done are undone in reverse order.
/// 5. All units are read a last time for the [report](Self::report).
///
/// ```
/// use lvx_settings::{Action, Apply, HostClock, Options, Permissions, Plan, Profile, Unit};
/// use pi18_transport::Client;
///
/// let host = HostClock::system();
/// let mut client = Client::open("sim:0")?;
/// let units = vec![("sim:0".to_owned(), Unit::read(&mut client, &host)?)];
/// let profile = Profile::parse("night.yaml", "backlight: off\n")?;
/// let plan = Plan::for_profile(profile.profile(), units, &Permissions::default())?;
///
/// let mut apply = Apply::new(plan, Options::default());
/// assert_eq!(apply.next_action(), Action::Survey { unit: 0 });
/// apply.interrupt();
/// assert_eq!(apply.next_action(), Action::Done);
/// let report = apply.report().expect("the run has ended");
/// assert_eq!(report.to_string(), "not started; nothing was written\n  the run was interrupted\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "nothing happens until its actions are carried out"]
pub struct Apply {
    pub(super) plan: Plan,
    pub(super) options: Options,
    /// Progress of the run that is continued, and how it is continued.
    pub(super) resumed: Option<(ApplyProgress, ResumeMode)>,
    pub(super) phase: Phase,
    /// The units as they were read before the first write. A unit whose link was opened again, or whose
    /// number in the bank changed, is updated.
    pub(super) units: Vec<Unit>,
    /// For each unit, whether it can no longer be reached.
    pub(super) lost: Vec<bool>,
    /// For each unit, voltages that it already has although a later step writes them: a new battery type
    /// replaced voltages that the plan expected to stay.
    pub(super) ahead: Vec<Settings>,
    pub(super) doubts: Doubts,
    pub(super) undo: Undo,
    pub(super) strays: Strays,
    pub(super) interrupts: Interrupts,
    /// End of waiting for idle windows, once waiting has begun.
    pub(super) idle_until: Option<Instant>,
    pub(super) outcome: Outcome,
}

/// The phase of a run.
///
/// A new run goes from `Preflight` to `Backup`, through its steps to `Verify`, then to `Confirmation` if one
/// is required, and to `Verify` again. After a failure, it goes through the undo of the steps to `Verify`.
#[derive(Debug)]
pub(super) enum Phase {
    /// Waiting because an earlier run may have sent a write just before its end, which shows only later.
    AwaitEarlierWrite,
    Preflight(Box<Preflight>),
    Backup,
    /// About to begin the step with this index.
    BeginStep(usize),
    /// About to begin the undo of the next step.
    BeginUndo,
    /// About to begin the next correction. The inner phase follows after the last correction.
    BeginCorrection(Box<Phase>),
    /// A step or its undo is being written.
    Step(Box<Change>),
    /// A correction is being written. The inner phase follows.
    Correction(Box<Change>, Box<Phase>),
    /// A record is being stored. The inner phase follows.
    Record(Record, Box<Phase>),
    Confirmation(Duration),
    Verify(Box<Verify>),
    Done,
}

impl Phase {
    /// Returns the phase that stores a record before `next`.
    pub(super) fn record(record: Record, next: Self) -> Self {
        Self::Record(record, Box::new(next))
    }

    /// Returns the phase that sends the queued corrections before `next`.
    pub(super) fn correct(next: Self) -> Self {
        Self::BeginCorrection(Box::new(next))
    }
}

impl Apply {
    /// Carries out a plan from its first step.
    pub fn new(plan: Plan, options: Options) -> Self {
        Self::start(plan, options, None)
    }

    /// Continues an earlier run of a plan that did not end.
    pub fn resume(plan: Plan, options: Options, progress: ApplyProgress, mode: ResumeMode) -> Self {
        Self::start(plan, options, Some((progress, mode)))
    }

    fn start(plan: Plan, options: Options, resumed: Option<(ApplyProgress, ResumeMode)>) -> Self {
        let earlier = resumed.as_ref().map(|(progress, _)| progress.clone()).unwrap_or_default();
        let mut apply = Self {
            lost: vec![false; plan.units.len()],
            ahead: vec![Settings::default(); plan.units.len()],
            plan,
            options,
            resumed,
            phase: Phase::AwaitEarlierWrite,
            units: Vec::new(),
            doubts: Doubts::new(earlier.unproved),
            undo: Undo::default(),
            strays: Strays::new(earlier.strays, earlier.corrected),
            interrupts: Interrupts::default(),
            idle_until: None,
            outcome: Outcome::default(),
        };
        if !earlier.in_flight {
            apply.phase = apply.preflight();
        }
        apply
    }

    /// Returns the plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the units as they were read before the first write; empty before that. A unit whose link was
    /// opened again, or whose number in the bank changed, is updated.
    #[must_use]
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// Returns the report, or `None` if the run has not ended.
    #[must_use]
    pub fn report(&self) -> Option<&ApplyReport> {
        self.outcome.report.as_ref()
    }

    /// Stops the run and undoes its writes, unless they were confirmed. A further interrupt ends all waits of
    /// the undo, for a link or for an idle window.
    pub fn interrupt(&mut self) {
        self.interrupts.count = self.interrupts.count.saturating_add(1);
    }

    /// Returns the next action. It is the same action until [`handle`](Self::handle) or
    /// [`interrupt`](Self::interrupt) is called.
    pub fn next_action(&mut self) -> Action {
        loop {
            if let Some(action) = self.action() {
                return action;
            }
        }
    }

    /// Returns the action of the current phase, or `None` if the phase has just been replaced.
    fn action(&mut self) -> Option<Action> {
        if self.interrupts.take()
            && let Some(next) = self.interrupted()
        {
            self.phase = next;
        }
        match &mut self.phase {
            Phase::AwaitEarlierWrite => return Some(Action::Pause(self.options.within)),
            Phase::Preflight(preflight) => return Some(preflight.next()),
            Phase::Backup => return Some(Action::Backup),
            Phase::Record(record, _) => return Some(Action::Record(record.clone())),
            Phase::Step(change) | Phase::Correction(change, _) => return Some(change.next()),
            Phase::Confirmation(time) => return Some(Action::Confirmation(*time)),
            Phase::Done => return Some(Action::Done),
            Phase::Verify(verify) => {
                if let Some(action) = verify.next() {
                    return Some(action);
                }
            }
            Phase::BeginStep(_) | Phase::BeginUndo | Phase::BeginCorrection(_) => {}
        }
        self.phase = match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::BeginStep(step) => self.begin_step(step),
            Phase::BeginUndo => self.begin_undo(),
            Phase::BeginCorrection(next) => self.begin_correction(*next),
            Phase::Verify(verify) => self.verify_done(&verify.into_shown()),
            phase => phase,
        };
        None
    }

    /// Takes the result of the last action. An event that does not belong to this action has no effect.
    pub fn handle(&mut self, event: Event, now: Instant) {
        self.phase = match (std::mem::replace(&mut self.phase, Phase::Done), event) {
            (Phase::AwaitEarlierWrite, Event::Paused) => self.preflight(),
            (Phase::Preflight(mut preflight), event) => {
                let (plan, options) = (&self.plan, &self.options);
                match preflight.handle(event, plan, options, &mut self.idle_until, now) {
                    Some(found) => self.preflight_done(found),
                    None => Phase::Preflight(preflight),
                }
            }
            (Phase::Backup, Event::Stored(Ok(()))) => Phase::BeginStep(0),
            (Phase::Backup, Event::Stored(Err(error))) => self.refuse(Reason::NotSaved { error }),
            (Phase::Record(_, next), Event::Stored(Ok(()))) => *next,
            (Phase::Record(record, next), Event::Stored(Err(error))) => {
                self.record_failed(&record, error, *next)
            }
            (Phase::Step(mut change), event) => match self.pass_on(&mut change, event, now) {
                Some(verdict) => self.step_ended(&change, verdict),
                None => Phase::Step(change),
            },
            (Phase::Correction(mut change, next), event) => {
                match self.pass_on(&mut change, event, now) {
                    Some(verdict) => self.correction_ended(&change, verdict, *next),
                    None => Phase::Correction(change, next),
                }
            }
            (Phase::Confirmation(_), Event::Confirmed(true)) => {
                self.outcome.confirmed = true;
                Phase::record(Record::Confirmed, self.verify())
            }
            (Phase::Confirmation(_), Event::Confirmed(false)) => {
                let interrupted = self.interrupts.any();
                let why = if interrupted { Reason::Interrupted } else { Reason::NotConfirmed };
                self.fail(why, self.plan.steps.len())
            }
            (Phase::Verify(mut verify), event) => {
                verify.handle(event, now);
                Phase::Verify(verify)
            }
            (phase, _) => phase,
        };
    }

    /// Passes an event on to a write. Updates the unit if the write found that it has changed.
    fn pass_on(&mut self, change: &mut Change, event: Event, now: Instant) -> Option<Verdict> {
        if let Event::Written(written) = &event {
            self.outcome.writes += u64::from(written.is_ok());
            events::sent(change, written);
        }
        let verdict = change.handle(event, now);
        self.idle_until = change.idle_until();
        if let Some(unit) = change.take_update()
            && let Some(known) = self.units.get_mut(change.unit())
        {
            *known = unit;
        }
        verdict
    }

    /// Returns the phase after an interrupt, or `None` if the current phase continues.
    fn interrupted(&mut self) -> Option<Phase> {
        match &mut self.phase {
            Phase::AwaitEarlierWrite | Phase::Preflight(_) | Phase::Backup => {
                return Some(self.refuse(Reason::Interrupted));
            }
            Phase::Verify(verify) => {
                verify.hurry();
                return None;
            }
            Phase::Step(_) | Phase::Correction(..) => {}
            _ => return None,
        }
        Some(match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Step(mut change) => match change.interrupt() {
                Some(verdict) => self.step_ended(&change, verdict),
                None => Phase::Step(change),
            },
            Phase::Correction(mut change, next) => match change.interrupt() {
                Some(verdict) => self.correction_ended(&change, verdict, *next),
                None => Phase::Correction(change, next),
            },
            phase => phase,
        })
    }

    /// Returns the phase that reads all units before the first write.
    fn preflight(&self) -> Phase {
        let purpose = Purpose::of(self.resumed.as_ref().map(|(_, mode)| *mode));
        Phase::Preflight(Box::new(Preflight::new(purpose)))
    }
}
