//! The audit file: one line for each set command, once it is known what came of it.

use std::{
    io::{self, Write},
    rc::Rc,
};

use lvx_settings::{Audit, PlannedUnit, RunDirection, Settings, Step};
use serde::Serialize;

use super::folder::Folder;
use crate::terminal::print_note;

/// Writes the audit file of a state folder.
///
/// A line is held back until its write is proved, or something else follows. After a crash the journal
/// has what is missing here.
#[derive(Debug)]
pub(super) struct AuditFile {
    folder: Rc<Folder>,
    run: String,
    held: Option<(String, Audit)>,
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
    /// Whether the unit was read back with the new values.
    proved: bool,
}

impl AuditFile {
    pub(super) fn new(folder: Rc<Folder>, run: String) -> Self {
        Self { folder, run, held: None }
    }

    /// A set command was sent.
    pub(super) fn sent(&mut self, line: &Audit) {
        self.settle(false);
        self.held = Some((now(), line.clone()));
    }

    /// Notes a write that an earlier program announced and did not live to note: whether it was sent is
    /// not known.
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

    /// What came of the command that was sent last.
    pub(super) fn settle(&mut self, proved: bool) {
        let Some((at, line)) = self.held.take() else { return };
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
            print_note(&format!("warning: {}: a write was not noted: {error}", path.display()));
        }
    }
}

impl Drop for AuditFile {
    fn drop(&mut self) {
        self.settle(false);
    }
}

/// `2026-11-24T13:10:29+01:00`
fn now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

const NAME: &str = "audit.jsonl";
