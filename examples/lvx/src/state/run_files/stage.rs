//! The stage of a run.

use lvx_settings::{Record, ResumeMode};

/// The stage of a run, which determines the effect of an interrupt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    /// No write was started by this process.
    Before,
    /// Writing, or waiting for confirmation.
    Writing,
    /// All writes are done; the units are read for the report.
    Applied,
    /// Confirmed by the user.
    Confirmed,
    /// Writing the old values back.
    Undoing,
}

impl Stage {
    /// Returns the stage after a record; `None` if the record does not change it.
    pub(super) fn after(record: &Record) -> Option<Self> {
        Some(match record {
            Record::Resumed { mode: ResumeMode::Undo } | Record::Undoing { .. } => Self::Undoing,
            Record::Resumed { .. } | Record::Waiting { .. } => Self::Writing,
            Record::Applied => Self::Applied,
            Record::Confirmed => Self::Confirmed,
            _ => return None,
        })
    }

    /// Returns the message about the effect of the first interrupt.
    pub(super) fn interrupted(self) -> &'static str {
        match self {
            Self::Before => "interrupted: nothing was written",
            Self::Writing => {
                "interrupted: undoing all writes (Ctrl-C again: do not wait for units that do not answer)"
            }
            Self::Applied => {
                "interrupted: reading the units for the report, without waiting for units that do not answer"
            }
            Self::Confirmed => {
                "interrupted: the run was confirmed, and its writes are kept; reading the units for the \
                 report, without waiting for units that do not answer"
            }
            Self::Undoing => {
                "interrupted: continuing the undo (Ctrl-C again: do not wait for units that do not answer)"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interrupt_message_depends_on_the_stage() {
        let waiting = Record::Waiting { seconds: 600 };
        let stages = [Record::Applied, waiting, Record::Confirmed].map(|record| {
            Stage::after(&record).map(Stage::interrupted).unwrap().split(", ").next().unwrap()
        });
        assert_eq!(
            stages,
            [
                "interrupted: reading the units for the report",
                "interrupted: undoing all writes (Ctrl-C again: do not wait for units that do not answer)",
                "interrupted: the run was confirmed",
            ]
        );
        let undo = Stage::after(&Record::Resumed { mode: ResumeMode::Undo });
        assert_eq!(undo, Some(Stage::Undoing));
        assert_eq!(Stage::after(&Record::Forgotten), None);
        assert!(Stage::Before.interrupted().ends_with("nothing was written"));
    }
}
