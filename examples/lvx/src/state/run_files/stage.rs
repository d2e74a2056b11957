//! How far a run is.

use lvx_settings::{Record, ResumeMode};

/// How far a run is, as far as the effect of an interrupt depends on it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    /// No write was begun by this program.
    Before,
    /// It writes, or waits to be confirmed.
    Writing,
    /// All is written, and the units are read a last time.
    Applied,
    Confirmed,
    Undoing,
}

impl Stage {
    /// The stage after a record, if that changes it.
    pub(super) fn after(record: &Record) -> Option<Self> {
        Some(match record {
            Record::Resumed { mode: ResumeMode::Undo } | Record::Undoing { .. } => Self::Undoing,
            Record::Resumed { .. } | Record::Waiting { .. } => Self::Writing,
            Record::Applied => Self::Applied,
            Record::Confirmed => Self::Confirmed,
            _ => return None,
        })
    }

    /// What the first interrupt does.
    pub(super) fn interrupted(self) -> &'static str {
        match self {
            Self::Before => "interrupted: nothing is written",
            Self::Writing => {
                "interrupted: what was written is undone (a further Ctrl-C ends waiting for links)"
            }
            Self::Applied => {
                "interrupted: the units are read a last time, without waiting for links"
            }
            Self::Confirmed => {
                "interrupted: the run was confirmed, and what was written is kept; the units are \
                 read a last time, without waiting for links"
            }
            Self::Undoing => {
                "interrupted: the undo goes on (a further Ctrl-C ends waiting for links)"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interrupt_says_what_happens_in_the_stage_of_the_run() {
        let waiting = Record::Waiting { seconds: 600 };
        let stages = [Record::Applied, waiting, Record::Confirmed].map(|record| {
            Stage::after(&record).map(Stage::interrupted).unwrap().split(", ").next().unwrap()
        });
        assert_eq!(
            stages,
            [
                "interrupted: the units are read a last time",
                "interrupted: what was written is undone (a further Ctrl-C ends waiting for links)",
                "interrupted: the run was confirmed",
            ]
        );
        let undo = Stage::after(&Record::Resumed { mode: ResumeMode::Undo });
        assert_eq!(undo, Some(Stage::Undoing));
        assert_eq!(Stage::after(&Record::Forgotten), None);
        assert!(Stage::Before.interrupted().ends_with("nothing is written"));
    }
}
