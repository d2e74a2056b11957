//! Decides whether a command is carried out, before anything is read or written.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use lvx_settings::Setting;
use serde::{Deserialize, Serialize};

use super::Command;
use crate::{Now, RequestError, config::ControlConfig};

/// The decisions about commands. It has no I/O and no clock.
#[derive(Debug)]
pub(crate) struct Gate {
    allow: Vec<Setting>,
    max_writes_per_day: usize,
    memory: Memory,
    /// Times of the last commands.
    recent: VecDeque<Instant>,
}

/// What survives a restart.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Memory {
    /// Ids of commands that were taken, and when they expire.
    ids: VecDeque<(String, Timestamp)>,
    /// Settings that were written, and when.
    writes: VecDeque<(String, Timestamp)>,
    /// Latest time of the wall clock at which a command was taken.
    latest: Option<Timestamp>,
}

impl Gate {
    /// Creates the state; `saved` is what [`saved`](Self::saved) returned before a restart.
    ///
    /// # Errors
    /// If the saved state cannot be read: without it, a command could be carried out twice.
    pub(crate) fn new(
        config: &ControlConfig,
        saved: Option<&[u8]>,
    ) -> Result<Self, serde_json::Error> {
        let mut memory: Memory =
            saved.map_or_else(|| Ok(Memory::default()), serde_json::from_slice)?;
        let surplus = memory.ids.len().saturating_sub(MAX_IDS);
        memory.ids.drain(..surplus);
        Ok(Self {
            allow: config.allow.clone(),
            max_writes_per_day: usize::try_from(config.writes_per_day()).unwrap_or(usize::MAX),
            memory,
            recent: VecDeque::new(),
        })
    }

    /// Returns what must survive a restart.
    pub(crate) fn saved(&self) -> Vec<u8> {
        // Lists of texts and times can always be written as JSON.
        serde_json::to_vec(&self.memory).unwrap_or_default()
    }

    /// Takes a command, and returns its setting. Its id is remembered, and it counts as a write.
    ///
    /// # Errors
    /// If the setting is not allowed, the command is malformed, repeated or expired, or a limit is reached.
    pub(crate) fn judge(&mut self, command: &Command, now: Now) -> Result<Setting, RequestError> {
        let setting = self.setting(command)?;
        self.check(command, setting, now).map_err(RequestError::Refused)?;
        let expires = command.expires.unwrap_or(now.wall);
        if self.memory.ids.len() >= MAX_IDS {
            self.memory.ids.pop_front();
        }
        self.memory.ids.push_back((command.id.clone(), expires));
        self.memory.writes.push_back((setting.key().to_owned(), now.wall));
        self.memory.latest = Some(now.wall);
        self.recent.push_back(now.instant);
        Ok(setting)
    }

    /// Returns whether a command with this id was taken.
    #[cfg(test)]
    pub(crate) fn has_taken(&self, id: &str) -> bool {
        self.memory.ids.iter().any(|(known, _)| known == id)
    }

    fn setting(&self, command: &Command) -> Result<Setting, RequestError> {
        let known = Setting::from_key(&command.key).filter(|setting| self.allow.contains(setting));
        known.ok_or_else(|| {
            let keys: Vec<_> = self.allow.iter().map(|setting| setting.key()).collect();
            let key: String = command.key.chars().take(MAX_TEXT).collect();
            RequestError::Unknown(format!("expected one of {}, found {key:?}", keys.join(", ")))
        })
    }

    fn check(&mut self, command: &Command, setting: Setting, now: Now) -> Result<(), String> {
        for (name, text) in [("id", &command.id), ("to", &command.to), ("by", &command.by)] {
            if text.is_empty() || text.len() > MAX_TEXT || text.chars().any(char::is_control) {
                return Err(format!(
                    "{name}: expected 1 to {MAX_TEXT} bytes without control characters"
                ));
            }
        }
        let Some(expires) = command.expires else {
            return Err("expected an expiry, found none".to_owned());
        };
        if self.memory.latest.is_some_and(|latest| now.wall < latest) {
            return Err(
                "the clock of the bridge went back; wait until it is right again".to_owned()
            );
        }
        if expires <= now.wall {
            return Err(format!(
                "expected an expiry in the future, found {expires} at {}",
                now.wall
            ));
        }
        if expires.duration_since(now.wall) > MAX_EXPIRY {
            return Err(format!(
                "expected an expiry at most 60 s ahead, found {expires} at {}",
                now.wall
            ));
        }
        if self.memory.ids.iter().any(|(id, _)| *id == command.id) {
            return Err("a command with this id was already taken; use a new id".to_owned());
        }
        let is_full = self.memory.ids.len() >= MAX_IDS;
        if is_full && self.memory.ids.front().is_some_and(|(_, expires)| now.wall < *expires) {
            return Err("too many commands within a minute; try again later".to_owned());
        }
        self.recent.retain(|at| now.instant.saturating_duration_since(*at) < RATE_TIME);
        if self.recent.len() >= MAX_RATE {
            return Err(format!("expected at most {MAX_RATE} commands a minute; try again later"));
        }
        self.memory.writes.retain(|(_, at)| now.wall.duration_since(*at) < DAY);
        let writes = self.memory.writes.iter().filter(|(key, _)| key == setting.key()).count();
        if writes >= self.max_writes_per_day {
            return Err(format!(
                "expected at most {} writes of {setting} a day (control.max_writes_per_day)",
                self.max_writes_per_day
            ));
        }
        Ok(())
    }
}

/// Maximum number of ids that are remembered.
const MAX_IDS: usize = 256;

/// Maximum length of a text of a command in bytes.
const MAX_TEXT: usize = 128;

/// Longest time until a command expires.
const MAX_EXPIRY: SignedDuration = SignedDuration::from_secs(60);

/// Maximum number of commands within [`RATE_TIME`].
const MAX_RATE: usize = 6;

const RATE_TIME: Duration = Duration::from_mins(1);

const DAY: SignedDuration = SignedDuration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> ControlConfig {
        ControlConfig { allow: vec![Setting::OutputPriority], ..ControlConfig::default() }
    }

    fn now(seconds: i64) -> Now {
        let wall: Timestamp = "2026-06-21T10:00:00Z".parse().unwrap();
        let past = Duration::from_secs(seconds.unsigned_abs());
        Now { instant: start() + past, wall: wall + SignedDuration::from_secs(seconds) }
    }

    fn start() -> Instant {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        *START.get_or_init(Instant::now)
    }

    fn command(id: &str, expires: Option<Timestamp>) -> Command {
        Command {
            id: id.to_owned(),
            key: "output_priority".to_owned(),
            from: None,
            seen: Vec::new(),
            to: "solar_utility_battery".to_owned(),
            by: "test".to_owned(),
            expires,
        }
    }

    #[track_caller]
    fn refused(gate: &mut Gate, command: &Command, now: Now, why: &str) {
        let error = gate.judge(command, now).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn repeated_late_and_unbounded_commands_are_refused() {
        let mut gate = Gate::new(&config(), None).unwrap();
        let good = command("1", Some(now(30).wall));
        assert_eq!(gate.judge(&good, now(0)), Ok(Setting::OutputPriority));
        refused(&mut gate, &good, now(1), "already taken");
        refused(&mut gate, &command("2", None), now(1), "expected an expiry, found none");
        refused(&mut gate, &command("3", Some(now(1).wall)), now(1), "in the future");
        refused(&mut gate, &command("4", Some(now(62).wall)), now(1), "at most 60 s ahead");
        refused(
            &mut gate,
            &command("5", Some(now(9).wall)),
            now(-1),
            "the clock of the bridge went back",
        );
        refused(&mut gate, &command("a\nb", Some(now(9).wall)), now(1), "control characters");
        let other = Command { key: "bulk_voltage".to_owned(), ..command("6", Some(now(9).wall)) };
        assert!(matches!(gate.judge(&other, now(1)), Err(RequestError::Unknown(_))));
        // The ids survive a restart.
        let mut gate = Gate::new(&config(), Some(&gate.saved())).unwrap();
        refused(&mut gate, &good, now(1), "already taken");
        assert!(Gate::new(&config(), Some(b"{")).is_err());
    }

    #[test]
    fn commands_are_limited_per_minute_and_per_day() {
        let config = ControlConfig { max_writes_per_day: Some(8), ..config() };
        let mut gate = Gate::new(&config, None).unwrap();
        for id in 0..6 {
            assert!(gate.judge(&command(&id.to_string(), Some(now(30).wall)), now(0)).is_ok());
        }
        refused(
            &mut gate,
            &command("x", Some(now(60).wall)),
            now(59),
            "at most 6 commands a minute",
        );
        assert!(gate.judge(&command("6", Some(now(90).wall)), now(60)).is_ok());
        assert!(gate.judge(&command("7", Some(now(90).wall)), now(61)).is_ok());
        let mut gate = Gate::new(&config, Some(&gate.saved())).unwrap();
        let late = 24 * 3600 - 1;
        refused(&mut gate, &command("x", Some(now(late + 9).wall)), now(late), "at most 8 writes");
        assert!(gate.judge(&command("8", Some(now(late + 9).wall)), now(late + 1)).is_ok());
    }

    #[test]
    fn number_of_ids_is_bounded() {
        let mut gate =
            Gate::new(&ControlConfig { max_writes_per_day: Some(u32::MAX), ..config() }, None);
        let gate = gate.as_mut().unwrap();
        for id in 0..2_000_i64 {
            let at = id * 11;
            assert!(gate.judge(&command(&id.to_string(), Some(now(at + 9).wall)), now(at)).is_ok());
        }
        assert_eq!(gate.memory.ids.len(), MAX_IDS);
    }
}
