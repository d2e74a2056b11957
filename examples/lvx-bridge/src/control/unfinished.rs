//! Runs that were interrupted: they are reported, and undone if the configuration says so.

use std::time::Duration;

use lvx_settings::{
    Apply, ApplyProgress, Ending, Limits, Options, Plan, Record, ResumeMode, RunDirection, Setting,
    Unit,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    CommandState, CommandView, ControlProblem, OthersRun, UnfinishedRun,
    operator::{Operator, file},
};
use crate::config::Resume;

/// The run that the bridge has begun, so that its journal can be recognized after a restart.
#[derive(Serialize, Deserialize)]
struct OwnRun {
    name: String,
    /// SHA-256 of the plan, in hexadecimal.
    plan: String,
}

impl Operator {
    /// Remembers a run before its first write.
    pub(super) fn remember_run(&self, name: &str, plan: &Plan) -> Result<(), String> {
        let own = OwnRun { name: name.to_owned(), plan: digest(plan) };
        let text = serde_json::to_vec(&own).map_err(|error| error.to_string())?;
        let saved = self.storage.save(&file("run", &self.bank), &text);
        saved.map_err(|error| format!("the run cannot be recorded: {error}"))
    }

    /// Forgets the run of the bridge, which has ended.
    pub(super) fn forget_run(&self) {
        if let Err(error) = self.storage.save(&file("run", &self.bank), b"") {
            tracing::warn!("control: {error}");
        }
    }

    /// Looks for unfinished runs on the units of the bank. At the start of the program, undoes the one of the bridge if
    /// the configuration says so and all conditions of an undo hold.
    pub(crate) fn check_runs(&mut self, is_start: bool) {
        let found = self.runs.unfinished().and_then(|runs| Ok((runs, self.runs.of_others()?)));
        let (unfinished, of_others) = match found {
            Ok(found) => found,
            Err(error) => {
                self.unfinished = Some(format!("the journals of runs cannot be read: {error}"));
                return;
            }
        };
        self.unfinished = None;
        self.problems.clear();
        let serials = self.serials();
        self.report_others(&of_others);
        for run in unfinished {
            let units: Vec<_> = run.plan.units.iter().map(|unit| unit.unit.serial_number).collect();
            if !units.iter().any(|unit| serials.contains(unit)) {
                continue;
            }
            let mut why = "it was interrupted, and units may have different settings".to_owned();
            if is_start && self.config.resume == Resume::Undo {
                match self.undo(&run) {
                    Ok(Ending::Undone | Ending::NothingToDo) => continue,
                    Ok(_) => "its undo did not bring all units back".clone_into(&mut why),
                    Err(reason) => why = format!("it was not undone: {reason}"),
                }
            }
            self.unfinished = Some(format!("run {} is not finished: {why}", run.name));
            self.problems.push(ControlProblem {
                id: format!("control/run/{}", run.name),
                title: format!("The run {} of settings is not finished", run.name),
                why: format!("{why}. No setting is changed until it is finished or undone."),
                advice: vec![match &run.command {
                    Some(command) => format!(
                        "Finish or undo the run at a terminal: {command}. Then compare the units."
                    ),
                    None => {
                        "Finish or undo the run at a terminal, then compare the units.".to_owned()
                    }
                }],
                units,
            });
        }
    }

    /// Reports unfinished runs of other users on the units of the bank, one for each user.
    fn report_others(&mut self, runs: &[OthersRun]) {
        let serials = self.serials();
        for run in runs {
            // The list is untrusted: another user may have written any number of units and runs.
            let units: Vec<_> =
                serials.iter().copied().filter(|serial| run.units.contains(serial)).collect();
            let id = format!("control/run-of/{}", run.uid);
            let is_known = self.problems.iter().any(|problem| problem.id == id);
            if units.is_empty() || is_known || self.problems.len() >= MAX_OTHERS {
                continue;
            }
            self.unfinished = Some(format!("a run of {} is not finished", run.user));
            self.problems.push(ControlProblem {
                id,
                title: format!("A run of settings of {} is not finished", run.user),
                why: "It was interrupted, and units may have different settings. No setting is changed until it \
                      is finished or undone."
                    .to_owned(),
                advice: vec![
                    "That user has to finish or undo the run at a terminal. Then compare the units."
                        .to_owned(),
                ],
                units,
            });
        }
    }

    /// Undoes a run of the bridge.
    ///
    /// # Errors
    /// Why nothing was written.
    fn undo(&mut self, run: &UnfinishedRun) -> Result<Ending, String> {
        self.authenticate(run)?;
        if run.age > MAX_AGE {
            return Err(format!("it is older than {} min", MAX_AGE.as_secs() / 60));
        }
        if let Some(why) = self.blocked() {
            return Err(why);
        }
        let owner = format!("the undo of run {}", run.name);
        let (_lock, units) = self.read_locked(&owner)?;
        let settings = self.check_values(run, &units)?;
        let recorder = self.runs.resume(run).map_err(|error| error.to_string())?;
        let progress = ApplyProgress::of(&run.records);
        let apply = Apply::resume(run.plan.clone(), Options::default(), progress, ResumeMode::Undo);
        let report = self.run(apply, recorder);
        for &setting in &settings {
            let (state, why) = self.conclude(setting, &report);
            let now = self.clock.now();
            let values = self.present.values(setting, now.instant);
            let units = values
                .into_iter()
                .map(|(unit, value)| (unit, value.unwrap_or_else(|| "unknown".to_owned())));
            let view = CommandView {
                id: run.name.clone(),
                key: setting.key().to_owned(),
                from: None,
                to: String::new(),
                by: "control.resume".to_owned(),
                at: now.wall,
                state: if report.ending == Ending::Mixed { CommandState::Mixed } else { state },
                why,
                units: units.collect(),
            };
            self.finish(view, now);
        }
        if report.ending != Ending::Mixed {
            self.forget_run();
        }
        Ok(report.ending)
    }

    /// Checks that the bridge itself began the run with this plan.
    fn authenticate(&self, run: &UnfinishedRun) -> Result<(), String> {
        let saved =
            self.storage.load(&file("run", &self.bank)).map_err(|error| error.to_string())?;
        let own = saved.and_then(|text| serde_json::from_slice::<OwnRun>(&text).ok());
        let is_own = own.is_some_and(|own| own.name == run.name && own.plan == digest(&run.plan));
        if is_own { Ok(()) } else { Err("it is not a run of this bridge".to_owned()) }
    }

    /// Checks that the old values are allowed and within the limits, and that the units have the values that the run
    /// wrote. Returns the settings.
    fn check_values(&self, run: &UnfinishedRun, units: &[Unit]) -> Result<Vec<Setting>, String> {
        let progress = ApplyProgress::of(&run.records);
        let is_proved = |step: usize| {
            let proof = Record::Proved { step, direction: RunDirection::Forward };
            run.records.contains(&proof)
        };
        let mut settings = Vec::new();
        for (number, step) in run.plan.steps.iter().enumerate() {
            let planned = run.plan.units.get(step.unit).ok_or("it names no unit")?;
            let serial = planned.unit.serial_number;
            let unit = units.iter().find(|unit| unit.serial_number == serial);
            let unit = unit.ok_or_else(|| format!("it is about unit {serial}, too"))?;
            let (limits, present) = (Limits::of(unit), unit.settings());
            for (setting, from) in step.from.iter() {
                let to = step.to.get(setting);
                if Some(from) == to {
                    continue;
                }
                if !self.config.allow.contains(&setting) {
                    return Err(format!("{setting} is not in control.allow"));
                }
                limits.check(setting, from).map_err(|error| format!("{serial}: {error}"))?;
                if !self.present.is_within_guard(setting, from) {
                    return Err(format!("{setting} of {serial} was outside the battery guard"));
                }
                let now = present.get(setting);
                let is_written = number < progress.at_most;
                let is_expected = (now == to && is_written)
                    || (now == Some(from) && !(is_written && is_proved(number)));
                if !is_expected {
                    return Err(format!("{setting} of {serial} was changed since"));
                }
                if !settings.contains(&setting) {
                    settings.push(setting);
                }
            }
        }
        Ok(settings)
    }
}

/// Returns the SHA-256 of a plan.
fn digest(plan: &Plan) -> String {
    // A plan can always be written as JSON.
    let text = serde_json::to_vec(plan).unwrap_or_default();
    pi18_transport::to_hex(&Sha256::digest(text))
}

/// Maximum number of users whose runs are reported.
const MAX_OTHERS: usize = 10;

/// Age from which a run is not undone without a person.
const MAX_AGE: Duration = Duration::from_mins(15);
