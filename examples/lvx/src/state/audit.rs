//! The audit file: one line for each set command with its result.

use std::{
    io::{self, Write},
    rc::Rc,
};

use lvx_settings::{Audit, PlannedUnit, RunDirection, Settings, Step};
use serde::Serialize;

use super::folder::Folder;
use crate::terminal::print_note;

/// Writer of the audit file of a state folder.
///
/// The line of a command is written when its result is known: after verification, or with the next record or
/// command. If the program is killed before that, the journal still contains the write.
#[derive(Debug)]
pub(super) struct AuditFile {
    folder: Rc<Folder>,
    run: String,
    /// Time and content of the last command, whose result is not known yet.
    pending: Option<(String, Audit)>,
}

#[derive(Serialize)]
struct Line<'a> {
    at: &'a str,
    run: &'a str,
    address: &'a str,
    serial_number: &'a str,
    command: &'a str,
    settings: &'a Settings,
    direction: RunDirection,
    outcome: &'a str,
    /// Whether the new values were read back from the unit.
    proved: bool,
}

impl AuditFile {
    pub(super) fn new(folder: Rc<Folder>, run: String) -> Self {
        Self { folder, run, pending: None }
    }

    /// Records a set command that was sent.
    pub(super) fn sent(&mut self, line: &Audit) {
        self.settle(false);
        self.pending = Some((now(), line.clone()));
    }

    /// Records a write that an earlier program announced in the journal before it was stopped. Whether the
    /// command was sent is unknown.
    pub(super) fn unknown(&mut self, planned: &PlannedUnit, step: &Step, direction: RunDirection) {
        let settings = match direction {
            RunDirection::Forward => step.to,
            RunDirection::Backward => step.from,
        };
        self.write(&Line {
            at: &now(),
            run: &self.run,
            address: &planned.address,
            serial_number: planned.unit.serial_number.as_str(),
            command: step.group().map_or("", |group| group.mnemonic()),
            settings: &settings,
            direction,
            outcome: "unknown",
            proved: false,
        });
    }

    /// Records the result of the last command.
    pub(super) fn settle(&mut self, proved: bool) {
        let Some((at, line)) = self.pending.take() else { return };
        let line = Line {
            at: &at,
            run: &self.run,
            address: &line.address,
            serial_number: line.serial_number.as_str(),
            command: &line.command,
            settings: &line.settings,
            direction: line.direction,
            outcome: line.outcome,
            proved,
        };
        self.write(&line);
    }

    fn write(&self, line: &Line<'_>) {
        let text = serde_json::to_string(line).map(|text| text + "\n").map_err(io::Error::other);
        let written =
            text.and_then(|text| self.folder.append_or_create(NAME)?.write_all(text.as_bytes()));
        if let Err(error) = written {
            let path = self.folder.path().join(NAME);
            print_note(&format!("warning: {}: a write was not recorded: {error}", path.display()));
        }
    }
}

impl Drop for AuditFile {
    fn drop(&mut self) {
        self.settle(false);
    }
}

/// Returns the local time in the form `2026-11-24T13:10:29+01:00`.
fn now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

const NAME: &str = "audit.jsonl";
