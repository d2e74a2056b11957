//! Commands that arrive over MQTT: which are taken, and which are refused. No I/O, no clock.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Topics,
    message::{Answer, Received},
};
use crate::control::Command;

/// Largest payload of a command, in bytes.
const MAX_BYTES: usize = 1024;

/// Greatest depth of a payload.
const MAX_DEPTH: usize = 2;

/// Longest time between a command and its expiry.
const MAX_EXPIRY: SignedDuration = SignedDuration::from_secs(60);

/// Largest correlation data, in bytes.
const MAX_CORRELATION: usize = 64;

/// Longest text in a command, in bytes.
const MAX_TEXT: usize = 64;

/// Number of ids that are remembered.
const MAX_IDS: usize = 256;

/// Judges commands, and remembers the ids of those that were taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Commands {
    seen: Seen,
}

/// What survives a restart.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    /// Ids, the oldest first, with their expiry.
    ids: VecDeque<(String, Timestamp)>,
    /// Latest time at which a command was taken. A clock that shows an earlier time is wrong.
    latest: Option<Timestamp>,
}

/// The payload of a command.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    id: String,
    key: String,
    from: Option<String>,
    to: String,
    expires: Option<Expires>,
}

/// A time as RFC 3339 text, or as seconds since 1970.
#[derive(Deserialize)]
#[serde(untagged)]
enum Expires {
    Text(Timestamp),
    Seconds(f64),
}

/// Why a command was refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Refusal {
    /// Id of the command, if it could be read.
    pub(super) id: Option<String>,
    /// Reason.
    pub(super) why: String,
    /// Where the result goes.
    pub(super) answer: Answer,
}

impl Refusal {
    /// Refuses a message because the clock of this computer is not set.
    pub(super) fn clock(message: &Received, topics: &Topics) -> Self {
        let why = "the clock of the bridge is not synchronized, so an expiry cannot be judged; wait for \
                   systemd-timesyncd, or give it a time server";
        match answer(message, topics) {
            Ok(answer) => {
                let id = parse(&message.payload).ok().map(|payload| payload.id);
                Self { id, why: why.to_owned(), answer }
            }
            Err(refusal) => refusal,
        }
    }
}

impl Commands {
    /// Creates the state; `saved` is the text that [`saved`](Self::saved) returned before a restart.
    ///
    /// # Errors
    /// If the text cannot be read. Without it, a command could be carried out twice.
    pub(super) fn new(saved: Option<&[u8]>) -> Result<Self, serde_json::Error> {
        let mut seen: Seen = saved.map_or_else(|| Ok(Seen::default()), serde_json::from_slice)?;
        let surplus = seen.ids.len().saturating_sub(MAX_IDS);
        seen.ids.drain(..surplus);
        Ok(Self { seen })
    }

    /// Returns what must survive a restart.
    pub(super) fn saved(&self) -> Vec<u8> {
        // A list of texts and times can always be written as JSON.
        serde_json::to_vec(&self.seen).unwrap_or_default()
    }

    /// Returns the command of a message, and remembers its id.
    ///
    /// # Errors
    /// If the message is retained, repeated, late, without expiry, or not a command.
    pub(super) fn judge(
        &mut self,
        message: &Received,
        topics: &Topics,
        now: Timestamp,
    ) -> Result<(Command, Answer), Refusal> {
        let answer = answer(message, topics)?;
        let refuse = |id: Option<&str>, why: String| Refusal {
            id: id.map(str::to_owned),
            why,
            answer: answer.clone(),
        };
        if message.retain {
            return Err(refuse(
                None,
                "retained commands are not carried out; send it without the retain flag".to_owned(),
            ));
        }
        let payload = parse(&message.payload).map_err(|why| refuse(None, why))?;
        let id = payload.id.as_str();
        let expires = self.check(&payload, now).map_err(|why| refuse(Some(id), why))?;
        let command = Command {
            id: payload.id.clone(),
            key: payload.key,
            from: payload.from,
            seen: Vec::new(),
            to: payload.to,
            by: format!("mqtt {}", message.topic),
            expires: Some(expires),
        };
        if self.seen.ids.len() >= MAX_IDS {
            self.seen.ids.pop_front();
        }
        self.seen.ids.push_back((payload.id, expires));
        self.seen.latest = Some(now);
        Ok((command, answer))
    }

    /// Returns the expiry of a command that may be carried out.
    fn check(&self, payload: &Payload, now: Timestamp) -> Result<Timestamp, String> {
        let expires = match payload.expires {
            None => {
                return Err(
                    "expected an expiry, found none; set expires to a time within the next 60 s"
                        .to_owned(),
                );
            }
            Some(Expires::Text(at)) => at,
            Some(Expires::Seconds(seconds)) => time(seconds)?,
        };
        if self.seen.latest.is_some_and(|latest| now < latest) {
            return Err(
                "the clock of the bridge went back; wait until it is right again".to_owned()
            );
        }
        if expires <= now {
            return Err(format!(
                "expected an expiry in the future, found {expires} at {now}; if the command was just sent, \
                 compare the clocks of the sender and the bridge"
            ));
        }
        if expires.duration_since(now) > MAX_EXPIRY {
            return Err(format!(
                "expected an expiry at most 60 s ahead, found {expires} at {now}; compare the clocks of the \
                 sender and the bridge"
            ));
        }
        if self.seen.ids.iter().any(|(id, _)| *id == payload.id) {
            return Err("a command with this id was already taken; use a new id".to_owned());
        }
        if self.seen.ids.len() >= MAX_IDS
            && self.seen.ids.front().is_some_and(|(_, expires)| now < *expires)
        {
            return Err("too many commands within a minute; try again later".to_owned());
        }
        Ok(expires)
    }
}

/// Returns where the result of a command goes.
fn answer(message: &Received, topics: &Topics) -> Result<Answer, Refusal> {
    let refuse = |why: String| Refusal { id: None, why, answer: Answer::default() };
    if let Some(topic) = &message.response_topic
        && !topics.is_response(topic)
    {
        return Err(refuse(format!(
            "expected a response topic at or below {}, found another one",
            topics.command_result()
        )));
    }
    let size = message.correlation.as_ref().map_or(0, Vec::len);
    if size > MAX_CORRELATION {
        return Err(refuse(format!(
            "expected correlation data of at most {MAX_CORRELATION} bytes, found {size}"
        )));
    }
    Ok(Answer { topic: message.response_topic.clone(), correlation: message.correlation.clone() })
}

fn parse(payload: &[u8]) -> Result<Payload, String> {
    if payload.len() > MAX_BYTES {
        return Err(format!("expected at most {MAX_BYTES} bytes, found {}", payload.len()));
    }
    if depth(payload) > MAX_DEPTH {
        return Err("expected a flat JSON object, found a nested one".to_owned());
    }
    let payload: Payload = serde_json::from_slice(payload)
        .map_err(|error| format!("expected JSON with id, key, to and expires: {error}"))?;
    for (name, text) in [
        ("id", Some(&payload.id)),
        ("key", Some(&payload.key)),
        ("to", Some(&payload.to)),
        ("from", payload.from.as_ref()),
    ] {
        let is_fit = |text: &String| {
            (1..=MAX_TEXT).contains(&text.len()) && !text.chars().any(char::is_control)
        };
        if !text.is_none_or(is_fit) {
            return Err(format!(
                "{name}: expected 1 to {MAX_TEXT} bytes without control characters"
            ));
        }
    }
    Ok(payload)
}

/// Returns the depth of a JSON text, without reading it.
fn depth(text: &[u8]) -> usize {
    let (mut depth, mut greatest, mut is_text, mut is_escaped) = (0_usize, 0, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'{' | b'[' if !is_text => {
                depth += 1;
                greatest = greatest.max(depth);
            }
            b'}' | b']' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    greatest
}

/// Returns the time at this number of seconds since 1970.
fn time(seconds: f64) -> Result<Timestamp, String> {
    SignedDuration::try_from_secs_f64(seconds).and_then(Timestamp::from_duration).map_err(|_| {
        format!("expires: expected seconds since 1970 or an RFC 3339 time, found {seconds}")
    })
}
