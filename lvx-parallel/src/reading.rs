//! One answer of a unit: a value with the time it was taken, or why there is none.

use std::time::Duration;

use pi18_proto::{AnyReply, QueryReply};
use pi18_transport::Error;
use serde::{Deserialize, Serialize};

/// A value and when it was taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reading<T> {
    /// The value.
    pub value: T,
    /// Time since the start of the snapshot, in whole milliseconds once it is stored.
    pub at: Duration,
}

/// What came of a question: a reading, or a gap with its reason.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Row<T>", into = "Row<T>")]
#[serde(bound(serialize = "T: Clone + Serialize", deserialize = "T: Deserialize<'de>"))]
pub enum Answer<T> {
    /// The unit answered.
    Received(Reading<T>),
    /// There is no answer.
    Missing(Gap),
}

/// Why there is no answer.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// What kind of reason.
    pub reason: Reason,
    /// The error in words; empty if there was none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// Kinds of reasons for which there is no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It was not asked for: an older snapshot, or the unit had been given up.
    NotAsked,
    /// The unit does not know the question (`^0`).
    Refused,
    /// Nothing usable came in time.
    Silent,
    /// The device could not be opened, or went away.
    Gone,
    /// Something came that cannot be read.
    Unreadable,
    /// It was read too long before the others to be judged with them.
    Old,
}

impl<T: Copy> Answer<T> {
    /// The value, if there is one.
    #[must_use]
    pub fn value(&self) -> Option<T> {
        self.reading().map(|reading| reading.value)
    }

    /// The value with its time, if there is one.
    #[must_use]
    pub fn reading(&self) -> Option<Reading<T>> {
        match self {
            Self::Received(reading) => Some(*reading),
            Self::Missing(_) => None,
        }
    }
}

impl<T> Answer<T> {
    /// The value, if there is one, to be changed.
    pub fn value_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Received(reading) => Some(&mut reading.value),
            Self::Missing(_) => None,
        }
    }

    /// Why there is no value, if there is none.
    #[must_use]
    pub fn gap(&self) -> Option<&Gap> {
        match self {
            Self::Received(_) => None,
            Self::Missing(gap) => Some(gap),
        }
    }

    /// When the answer came.
    pub(crate) fn at(&self) -> Option<Duration> {
        match self {
            Self::Received(reading) => Some(reading.at),
            Self::Missing(_) => None,
        }
    }

    /// Takes the answer away if it came before `least`.
    pub(crate) fn forget_before(&mut self, least: Duration) {
        if self.at().is_some_and(|at| at < least) {
            *self = Self::Missing(Gap { reason: Reason::Old, text: String::new() });
        }
    }

    /// Whether the question was not asked.
    pub(crate) fn is_not_asked(&self) -> bool {
        self.gap().is_some_and(|gap| gap.reason == Reason::NotAsked)
    }
}

impl<T: QueryReply> Answer<T> {
    /// The answer to a question of this kind.
    pub(crate) fn of(answer: Result<Reading<AnyReply>, Gap>) -> Self {
        match answer {
            Ok(Reading { value, at }) => match T::from_reply(value) {
                Some(value) => Self::Received(Reading { value, at: whole_millis(at) }),
                None => Self::Missing(Gap {
                    reason: Reason::Unreadable,
                    text: format!("expected a reply to {}, found another", T::MNEMONIC),
                }),
            },
            Err(gap) => Self::Missing(gap),
        }
    }
}

impl<T> Default for Answer<T> {
    fn default() -> Self {
        Self::Missing(Gap { reason: Reason::NotAsked, text: String::new() })
    }
}

impl From<&Error> for Gap {
    fn from(error: &Error) -> Self {
        let reason = if error.is_refused() {
            Reason::Refused
        } else if error.is_timeout() {
            Reason::Silent
        } else if error.is_decode() || error.is_not_pi18() {
            Reason::Unreadable
        } else {
            Reason::Gone
        };
        Self { reason, text: error.to_string() }
    }
}

fn whole_millis(time: Duration) -> Duration {
    Duration::from_millis(millis(time))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// As it stands in a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row<T> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_ms: Option<u64>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    value: Option<T>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<Gap>,
}

/// A default that wants nothing of `T`.
fn none<T>() -> Option<T> {
    None
}

impl<T> TryFrom<Row<T>> for Answer<T> {
    type Error = &'static str;

    fn try_from(row: Row<T>) -> Result<Self, Self::Error> {
        match (row.at_ms, row.value, row.missing) {
            (Some(at), Some(value), None) => {
                Ok(Self::Received(Reading { value, at: Duration::from_millis(at) }))
            }
            (None, None, Some(gap)) => Ok(Self::Missing(gap)),
            _ => Err("expected either at_ms and value, or missing"),
        }
    }
}

impl<T> From<Answer<T>> for Row<T> {
    fn from(told: Answer<T>) -> Self {
        match told {
            Answer::Received(Reading { value, at }) => {
                Self { at_ms: Some(millis(at)), value: Some(value), missing: None }
            }
            Answer::Missing(gap) => Self { at_ms: None, value: None, missing: Some(gap) },
        }
    }
}
