//! The audit file of commands: one line per command, also for those that were refused.

use std::{io, sync::Arc};

use jiff::Timestamp;
use serde::Serialize;

use super::CommandView;
use crate::{Now, storage::Storage};

/// The audit file of a bank. It is replaced as a whole, and begun anew when it is full; the one before is kept.
pub(crate) struct AuditFile {
    storage: Arc<dyn Storage>,
    name: String,
    text: Vec<u8>,
    /// Beginning of the present hour of refusals, and their number.
    refusals: (Option<Timestamp>, u32),
}

#[derive(Serialize)]
struct Line<'a> {
    at: Timestamp,
    #[serde(flatten)]
    command: &'a CommandView,
}

impl AuditFile {
    /// Opens the audit file of the bank with this name.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn open(storage: &Arc<dyn Storage>, bank: &str) -> io::Result<Self> {
        let name = format!("control-{bank}.audit");
        let text = storage.load(&name)?.unwrap_or_default();
        Ok(Self { storage: Arc::clone(storage), name, text, refusals: (None, 0) })
    }

    /// Writes the line of a command. When this returns, the line survives a crash.
    ///
    /// # Errors
    /// If the line cannot be written.
    pub(crate) fn write(&mut self, command: &CommandView, now: Now) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Line { at: now.wall, command })?;
        line.push(b'\n');
        if self.text.len() + line.len() > MAX_BYTES {
            self.storage.save(&format!("{}.1", self.name), &self.text)?;
            self.text.clear();
        }
        self.text.extend_from_slice(&line);
        self.storage.save(&self.name, &self.text)
    }

    /// Writes the line of a refused command. In an hour, only some of them are written, so that refused commands do
    /// not wear out the disk; the others are in the log.
    ///
    /// # Errors
    /// If the line cannot be written.
    pub(crate) fn write_refusal(&mut self, command: &CommandView, now: Now) -> io::Result<()> {
        let (since, count) = &mut self.refusals;
        if since.is_none_or(|since| now.wall.duration_since(since).as_hours() != 0) {
            (*since, *count) = (Some(now.wall), 0);
        }
        *count += 1;
        tracing::info!(
            "control: refused {:?} by {:?}: {}",
            command.id,
            command.by,
            command.why.as_deref().unwrap_or_default()
        );
        if *count > MAX_REFUSALS { Ok(()) } else { self.write(command, now) }
    }
}

impl std::fmt::Debug for AuditFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditFile").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Maximum size of the file in bytes.
const MAX_BYTES: usize = 64 << 10;

/// Maximum number of lines for refused commands in an hour.
const MAX_REFUSALS: u32 = 60;
