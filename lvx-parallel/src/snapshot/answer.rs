//! One answer of a unit: a value with the time at which it was read, or the reason why it is missing.

use std::time::Duration;

use pi18_proto::{AnyReply, QueryReply};
use pi18_transport::Error;
use serde::{Deserialize, Serialize};

/// A value with the time at which it was read.
///
/// ```
/// use std::time::Duration;
///
/// use lvx_parallel::{Gap, Reading, UnitSnapshot};
/// use pi18_proto::Query;
///
/// let mut unit = UnitSnapshot::new("inverter 1");
/// let (value, _) = Query::Mode.parse_reply(b"05")?;
/// unit.take(Query::Mode, Ok(Reading::new(value, Duration::from_millis(1250))));
/// assert_eq!(unit.working_mode().map(|mode| mode.to_string()).as_deref(), Some("hybrid"));
/// assert_eq!(unit.mode.reading().map(|reading| reading.at), Some(Duration::from_millis(1250)));
/// # Ok::<(), pi18_proto::DecodeError>(())
/// ```
///
/// As JSON: `{ "at_ms": 1250, "value": … }`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(
    from = "StoredReading<T>",
    into = "StoredReading<T>",
    bound(serialize = "T: Clone + Serialize", deserialize = "T: Deserialize<'de>")
)]
#[non_exhaustive]
pub struct Reading<T> {
    /// Value that the unit reported.
    pub value: T,
    /// Time since the start of the snapshot. A stored reading has whole milliseconds.
    pub at: Duration,
}

impl<T> Reading<T> {
    /// Returns a value that was read at a time since the start of the snapshot.
    pub const fn new(value: T, at: Duration) -> Self {
        Self { value, at }
    }

    /// Returns the reading with its time in whole milliseconds, as in a file.
    pub(crate) fn whole_millis(self) -> Self {
        Self { at: whole_millis(self.at), ..self }
    }
}

/// The outcome of one question: a reading, or a gap with its reason.
///
/// ```
/// use lvx_parallel::{Answer, Reason};
/// use pi18_proto::Mode;
///
/// let answer = Answer::<Mode>::default();
/// assert_eq!(answer.value(), None);
/// assert_eq!(answer.gap().map(|gap| gap.reason), Some(Reason::NotAsked));
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredAnswer<T>", into = "StoredAnswer<T>")]
#[serde(bound(serialize = "T: Clone + Serialize", deserialize = "T: Deserialize<'de>"))]
pub enum Answer<T> {
    /// The unit answered.
    Received(Reading<T>),
    /// There is no answer, for this reason.
    Missing(Gap),
}

/// The reason why an answer is missing.
///
/// An error of a link converts into a gap of the matching kind.
///
/// ```
/// use lvx_parallel::{Gap, Reason};
/// use pi18_transport::Client;
///
/// let error = Client::open("/dev/no-such-unit").unwrap_err();
/// assert_eq!(Gap::from(&error).reason, Reason::Gone);
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Gap {
    /// Kind of the reason.
    pub reason: Reason,
    /// Text of the error; empty if no error occurred.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

impl Gap {
    /// Returns a reason with the text of the error; an empty text if no error occurred.
    pub fn new(reason: Reason, text: impl Into<String>) -> Self {
        Self { reason, text: text.into() }
    }
}

/// Kinds of reasons why an answer is missing.
///
/// A unit that refuses questions still counts as complete, because older units refuse questions that newer
/// units answer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// The question was not asked: the task did not need it, the snapshot was saved by an older
    /// version, or the unit had stopped answering before.
    NotAsked,
    /// The unit refused the question (`^0`).
    Refused,
    /// No valid reply arrived in time.
    Silent,
    /// The device could not be opened, or disappeared.
    Gone,
    /// A reply arrived that cannot be decoded.
    Unreadable,
    /// The reading is too old to be judged together with the others.
    Old,
    /// A reason that this version does not know, from a file of a newer version.
    #[serde(other)]
    Other,
}

impl<T: Copy> Answer<T> {
    /// Returns the value, if the unit answered.
    #[must_use]
    pub fn value(&self) -> Option<T> {
        self.reading().map(|reading| reading.value)
    }

    /// Returns the value with its time, if the unit answered.
    #[must_use]
    pub fn reading(&self) -> Option<Reading<T>> {
        match self {
            Self::Received(reading) => Some(*reading),
            Self::Missing(_) => None,
        }
    }
}

impl<T> Answer<T> {
    /// Returns a mutable reference to the value, if the unit answered.
    pub fn value_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Received(reading) => Some(&mut reading.value),
            Self::Missing(_) => None,
        }
    }

    /// Returns the reason why the value is missing; `None` if the unit answered.
    #[must_use]
    pub fn gap(&self) -> Option<&Gap> {
        match self {
            Self::Received(_) => None,
            Self::Missing(gap) => Some(gap),
        }
    }

    /// Returns whether the question was not asked.
    pub(crate) fn is_not_asked(&self) -> bool {
        self.gap().is_some_and(|gap| gap.reason == Reason::NotAsked)
    }
}

impl<T: QueryReply> Answer<T> {
    /// Converts the reply to a question into an answer of this type.
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
    /// Returns the answer to a question that was not asked.
    fn default() -> Self {
        Self::Missing(Gap { reason: Reason::NotAsked, text: String::new() })
    }
}

/// An answer of any type, for code that treats all answers of a unit alike.
pub(crate) trait Slot {
    /// Returns the reason why the value is missing; `None` if the unit answered.
    fn missing(&self) -> Option<&Gap>;

    /// Returns the time at which the value was read.
    fn at(&self) -> Option<Duration>;

    /// Replaces the answer by a gap.
    fn discard(&mut self, reason: Reason);
}

impl<T> Slot for Answer<T> {
    fn missing(&self) -> Option<&Gap> {
        self.gap()
    }

    fn at(&self) -> Option<Duration> {
        match self {
            Self::Received(reading) => Some(reading.at),
            Self::Missing(_) => None,
        }
    }

    fn discard(&mut self, reason: Reason) {
        *self = Self::Missing(Gap { reason, text: String::new() });
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
        Self { reason, text: format!("{error:#}") }
    }
}

fn whole_millis(time: Duration) -> Duration {
    Duration::from_millis(millis(time))
}

/// Returns a time in milliseconds.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A reading as it is stored in a file.
#[derive(Serialize, Deserialize)]
struct StoredReading<T> {
    at_ms: u64,
    value: T,
}

impl<T> From<StoredReading<T>> for Reading<T> {
    fn from(stored: StoredReading<T>) -> Self {
        Self { value: stored.value, at: Duration::from_millis(stored.at_ms) }
    }
}

impl<T> From<Reading<T>> for StoredReading<T> {
    fn from(reading: Reading<T>) -> Self {
        Self { at_ms: millis(reading.at), value: reading.value }
    }
}

/// An answer as it is stored in a file: `at_ms` and `value`, or `missing`.
#[derive(Serialize, Deserialize)]
struct StoredAnswer<T> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_ms: Option<u64>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    value: Option<T>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<Gap>,
}

/// Returns `None`. With a plain `#[serde(default)]`, the derive would require `T: Default`.
fn none<T>() -> Option<T> {
    None
}

impl<T> TryFrom<StoredAnswer<T>> for Answer<T> {
    type Error = &'static str;

    fn try_from(stored: StoredAnswer<T>) -> Result<Self, Self::Error> {
        match (stored.at_ms, stored.value, stored.missing) {
            (Some(at), Some(value), None) => {
                Ok(Self::Received(Reading { value, at: Duration::from_millis(at) }))
            }
            (None, None, Some(gap)) => Ok(Self::Missing(gap)),
            _ => Err("expected at_ms and value, or missing, found another combination"),
        }
    }
}

impl<T> From<Answer<T>> for StoredAnswer<T> {
    fn from(answer: Answer<T>) -> Self {
        match answer {
            Answer::Received(Reading { value, at }) => {
                Self { at_ms: Some(millis(at)), value: Some(value), missing: None }
            }
            Answer::Missing(gap) => Self { at_ms: None, value: None, missing: Some(gap) },
        }
    }
}
