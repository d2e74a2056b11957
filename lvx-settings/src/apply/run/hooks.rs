//! A recorder with functions of a front end.

use std::{fmt, io};

use pi18_proto::DateTime;

use super::recorder::{Audit, Recorder};
use crate::{Action, ApplyReport, Plan, Record, Unit};

/// A recorder, such as a [`Journal`](crate::Journal), with functions of a front end: they show what happens,
/// and report interrupts and the confirmation.
///
/// ```
/// use lvx_settings::{
///     Apply, HostClock, Hooks, Journal, Options, Permissions, Plan, Profile, Reason, Units, run,
/// };
///
/// let mut units = Units::open(["sim:0?frozen=on", "sim:1"], HostClock::system())?;
/// let profile = Profile::parse("night.yaml", "backlight: off\n")?;
/// let plan = Plan::for_profile(profile.profile(), units.read()?, &Permissions::default())?;
///
/// let folder = tempfile::tempdir()?;
/// let (mut sent, interrupts) = (0, std::cell::Cell::new(0));
/// let journal = Journal::create(folder.path().join("night.journal"), &plan)?;
/// let mut hooks = Hooks::new(journal)
///     .on_audit(|line| {
///         sent += 1;
///         // This program interrupts itself.
///         interrupts.set(1);
///         assert_eq!(line.outcome, "accepted");
///     })
///     .interrupts_from(|| interrupts.get());
/// let report = run(Apply::new(plan, Options::default()), &mut units, &mut hooks);
/// drop(hooks);
/// assert!(report.why.is_some_and(|why| why.is_interrupted()));
/// assert_eq!(sent, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Hooks<'a, R> {
    recorder: R,
    record: Box<dyn FnMut(&Record) + 'a>,
    audit: Box<dyn FnMut(&Audit) + 'a>,
    action: Box<dyn FnMut(&Action) + 'a>,
    interrupts: Option<Box<dyn FnMut() -> u32 + 'a>>,
    confirmed: Option<Box<dyn FnMut() -> bool + 'a>>,
}

impl<'a, R: Recorder> Hooks<'a, R> {
    /// Returns the recorder without functions.
    #[must_use]
    pub fn new(recorder: R) -> Self {
        Self {
            recorder,
            record: Box::new(|_| ()),
            audit: Box::new(|_| ()),
            action: Box::new(|_| ()),
            interrupts: None,
            confirmed: None,
        }
    }

    /// Calls a function after each record that was stored.
    #[must_use]
    pub fn on_record(self, record: impl FnMut(&Record) + 'a) -> Self {
        Self { record: Box::new(record), ..self }
    }

    /// Calls a function after each set command that was sent.
    #[must_use]
    pub fn on_audit(self, audit: impl FnMut(&Audit) + 'a) -> Self {
        Self { audit: Box::new(audit), ..self }
    }

    /// Calls a function before each action.
    #[must_use]
    pub fn on_action(self, action: impl FnMut(&Action) + 'a) -> Self {
        Self { action: Box::new(action), ..self }
    }

    /// Takes the number of interrupts from a function, see [`Recorder::interrupts`].
    #[must_use]
    pub fn interrupts_from(self, interrupts: impl FnMut() -> u32 + 'a) -> Self {
        Self { interrupts: Some(Box::new(interrupts)), ..self }
    }

    /// Takes the confirmation of the new settings from a function, see [`Recorder::is_confirmed`].
    #[must_use]
    pub fn confirmed_by(self, confirmed: impl FnMut() -> bool + 'a) -> Self {
        Self { confirmed: Some(Box::new(confirmed)), ..self }
    }
}

impl<R: Recorder> Recorder for Hooks<'_, R> {
    fn begin(&mut self, plan: &Plan, units: &[Unit]) -> io::Result<()> {
        self.recorder.begin(plan, units)
    }

    fn record(&mut self, record: &Record, at: Option<DateTime>) -> io::Result<()> {
        self.recorder.record(record, at)?;
        (self.record)(record);
        Ok(())
    }

    fn end(&mut self, report: &ApplyReport) {
        self.recorder.end(report);
    }

    fn audit(&mut self, line: &Audit) {
        self.recorder.audit(line);
        (self.audit)(line);
    }

    fn watch(&mut self, action: &Action) {
        self.recorder.watch(action);
        (self.action)(action);
    }

    fn is_confirmed(&mut self) -> bool {
        match &mut self.confirmed {
            Some(confirmed) => confirmed(),
            None => self.recorder.is_confirmed(),
        }
    }

    fn is_interrupted(&mut self) -> bool {
        self.interrupts() > 0
    }

    fn interrupts(&mut self) -> u32 {
        match &mut self.interrupts {
            Some(interrupts) => interrupts(),
            None => self.recorder.interrupts(),
        }
    }
}

impl<R: fmt::Debug> fmt::Debug for Hooks<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").field("recorder", &self.recorder).finish_non_exhaustive()
    }
}
