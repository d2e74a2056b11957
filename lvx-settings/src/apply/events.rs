//! `tracing` events of writes. Without the feature `tracing`, nothing happens.
//!
//! All events have the target `lvx_settings`. Events of a write have the fields `unit`, `setting`, `old`, `new`
//! and `direction`; with two settings in one command, the values of a field are separated by commas.

use pi18_transport::SetOutcome;

use super::{
    action::Trouble,
    change::{Change, Verdict},
    reason::Reason,
    report::ApplyReport,
};

/// Emits the outcome of a set command.
#[cfg(feature = "tracing")]
pub(super) fn sent(change: &Change, written: &Result<SetOutcome, Trouble>) {
    let outcome =
        written.as_ref().map_or("not sent", |outcome| super::action::outcome_name(*outcome));
    let WriteText { unit, setting, old, new, direction } = WriteText::of(change);
    tracing::info!(target: TARGET, unit, setting, old, new, direction, outcome, "write");
}

/// Emits how a write ended: verified, or failed with its cause.
#[cfg(feature = "tracing")]
pub(super) fn ended(change: &Change, verdict: &Verdict) {
    let WriteText { unit, setting, old, new, direction } = WriteText::of(change);
    match verdict {
        Verdict::Proved => {
            let outcome = "verified";
            tracing::info!(target: TARGET, unit, setting, old, new, direction, outcome, "write ended");
        }
        Verdict::Failed(failure) => {
            let (outcome, why) = ("failed", failure.why.to_string());
            tracing::warn!(target: TARGET, unit, setting, old, new, direction, outcome, why, "write ended");
        }
    }
}

/// Emits that steps are about to be undone.
#[cfg(feature = "tracing")]
pub(super) fn undoing(why: &Reason, steps: usize) {
    tracing::warn!(target: TARGET, why = why.to_string(), steps, "undo");
}

/// Emits the end of a run.
#[cfg(feature = "tracing")]
pub(super) fn run_ended(report: &ApplyReport) {
    let ending = report.ending.to_string();
    tracing::info!(target: TARGET, ending, writes = report.writes, "run ended");
}

/// The fields of a write.
#[cfg(feature = "tracing")]
struct WriteText {
    unit: String,
    setting: String,
    old: String,
    new: String,
    direction: &'static str,
}

#[cfg(feature = "tracing")]
impl WriteText {
    fn of(change: &Change) -> Self {
        let (from, to) = change.values();
        let join = |texts: Vec<String>| texts.join(", ");
        let value = |settings: &crate::Settings, setting| {
            settings.get(setting).map_or("no value".to_owned(), |value| value.to_string())
        };
        Self {
            unit: change.serial_number().to_string(),
            setting: join(to.iter().map(|(setting, _)| setting.to_string()).collect()),
            old: join(to.iter().map(|(setting, _)| value(&from, setting)).collect()),
            new: join(to.iter().map(|(_, value)| value.to_string()).collect()),
            direction: match change.task().place().1 {
                super::RunDirection::Forward => "forward",
                super::RunDirection::Backward => "backward",
            },
        }
    }
}

#[cfg(feature = "tracing")]
const TARGET: &str = "lvx_settings";

#[cfg(not(feature = "tracing"))]
pub(super) fn sent(_: &Change, _: &Result<SetOutcome, Trouble>) {}

#[cfg(not(feature = "tracing"))]
pub(super) fn ended(_: &Change, _: &Verdict) {}

#[cfg(not(feature = "tracing"))]
pub(super) fn undoing(_: &Reason, _: usize) {}

#[cfg(not(feature = "tracing"))]
pub(super) fn run_ended(_: &ApplyReport) {}
