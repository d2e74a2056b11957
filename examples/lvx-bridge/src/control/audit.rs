//! The audit files of commands: a line before and after each command that is carried out, and one for each that is
//! refused.

use std::{io, sync::Arc};

use jiff::Timestamp;
use serde::Serialize;

use super::CommandView;
use crate::{Now, storage::Storage};

/// The audit files of a bank. Refusals have their own file, so that many of them never displace the lines of commands.
pub(crate) struct AuditFiles {
    storage: Arc<dyn Storage>,
    commands: AuditFile,
    refusals: AuditFile,
    /// Beginning of the present hour of refusals, and their number.
    hour: (Option<Timestamp>, u32),
}

/// One audit file. Each new line rewrites the whole file. If the file would get too long, its text replaces that of a
/// second file with the suffix `.1`, and the file starts empty.
pub(crate) struct AuditFile {
    name: String,
    text: Vec<u8>,
}

#[derive(Serialize)]
struct Line<'a> {
    written: Timestamp,
    #[serde(flatten)]
    command: &'a CommandView,
}

impl AuditFiles {
    /// Opens the audit files of the bank with this name.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub(crate) fn open(storage: &Arc<dyn Storage>, bank: &str) -> io::Result<Self> {
        let open =
            |kind: &str| AuditFile::open(storage.as_ref(), &format!("control-{bank}.{kind}"));
        let (commands, refusals) = (open("audit")?, open("refused")?);
        Ok(Self { storage: Arc::clone(storage), commands, refusals, hour: (None, 0) })
    }

    /// Writes the line of a command. When this returns, the line survives a crash.
    ///
    /// # Errors
    /// If the line cannot be written.
    pub(crate) fn write(&mut self, command: &CommandView, now: Now) -> io::Result<()> {
        self.commands.add(self.storage.as_ref(), &Line { written: now.wall, command })
    }

    /// Writes the line of a refused command to the log and the file. In an hour, only some of them are written, so that
    /// refused commands do not wear out the disk.
    ///
    /// # Errors
    /// If the line cannot be written.
    pub(crate) fn write_refusal(&mut self, command: &CommandView, now: Now) -> io::Result<()> {
        let (since, count) = &mut self.hour;
        if since.is_none_or(|since| now.wall.duration_since(since).as_hours() != 0) {
            (*since, *count) = (Some(now.wall), 0);
        }
        *count = count.saturating_add(1);
        if *count > MAX_REFUSALS {
            if *count == MAX_REFUSALS + 1 {
                tracing::warn!("control: more refused commands are not recorded in this hour");
            }
            return Ok(());
        }
        tracing::info!(
            "control: refused {:?} by {:?}: {}",
            command.id,
            command.by,
            command.why.as_deref().unwrap_or_default()
        );
        self.refusals.add(self.storage.as_ref(), &Line { written: now.wall, command })
    }
}

impl AuditFile {
    /// Opens a file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn open(storage: &dyn Storage, name: &str) -> io::Result<Self> {
        let text = storage.load(name)?.unwrap_or_default();
        Ok(Self { name: name.to_owned(), text })
    }

    /// Adds a line. When this returns, the line survives a crash.
    ///
    /// # Errors
    /// If the line cannot be written.
    pub(crate) fn add(&mut self, storage: &dyn Storage, line: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(line)?;
        line.push(b'\n');
        if self.text.len() + line.len() > MAX_BYTES {
            storage.save(&format!("{}.1", self.name), &self.text)?;
            self.text.clear();
        }
        self.text.extend_from_slice(&line);
        storage.save(&self.name, &self.text)
    }
}

impl std::fmt::Debug for AuditFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditFiles").field("commands", &self.commands.name).finish_non_exhaustive()
    }
}

/// Maximum size of a file.
const MAX_BYTES: usize = 64 << 10;

/// Maximum number of lines for refused commands in an hour.
const MAX_REFUSALS: u32 = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{control::CommandState, storage::MemoryStorage};

    fn view(id: &str, state: CommandState) -> CommandView {
        CommandView {
            id: id.to_owned(),
            key: "backlight".to_owned(),
            from: None,
            to: "x".repeat(128),
            by: "mqtt lvx/v1/cabin/main/cmd".to_owned(),
            at: Now::system().wall,
            state,
            why: None,
            units: Vec::new(),
        }
    }

    #[test]
    fn files_are_bounded_and_refusals_do_not_push_commands_out() {
        let memory = MemoryStorage::default();
        let storage: Arc<dyn Storage> = Arc::new(memory.clone());
        let mut audit = AuditFiles::open(&storage, "main").unwrap();
        let mut now = Now::system();
        let proved = view("first", CommandState::Proved);
        audit.write(&proved, now).unwrap();
        for number in 0..5_000 {
            now.wall += jiff::SignedDuration::from_mins(1);
            let refused = view(&number.to_string(), CommandState::Refused);
            audit.write_refusal(&refused, now).unwrap();
        }
        let text = |name: &str| memory.load(name).unwrap().unwrap();
        let commands = String::from_utf8(text("control-main.audit")).unwrap();
        assert_eq!(commands.lines().count(), 1);
        assert!(commands.contains("\"id\":\"first\""), "{commands}");
        for name in ["control-main.refused", "control-main.refused.1"] {
            assert!((1..=MAX_BYTES).contains(&text(name).len()), "{name}");
        }
        // A new start goes on with the same files.
        let mut audit = AuditFiles::open(&storage, "main").unwrap();
        audit.write(&proved, now).unwrap();
        let commands = String::from_utf8(text("control-main.audit")).unwrap();
        assert_eq!(commands.lines().count(), 2);
    }

    #[test]
    fn refusals_of_an_hour_are_limited() {
        let memory = MemoryStorage::default();
        let storage: Arc<dyn Storage> = Arc::new(memory.clone());
        let mut audit = AuditFiles::open(&storage, "main").unwrap();
        let refused = view("again", CommandState::Refused);
        (0..1_000).for_each(|_| audit.write_refusal(&refused, Now::system()).unwrap());
        let text = memory.load("control-main.refused").unwrap().unwrap();
        let lines = u32::try_from(String::from_utf8(text).unwrap().lines().count());
        assert_eq!(lines, Ok(MAX_REFUSALS));
    }
}
