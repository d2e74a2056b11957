//! Sets of questions: what a task asks of a unit, and no more.

use std::fmt;

use crate::Question;

/// A set of questions.
///
/// At 2400 baud a question takes between a tenth and half a second, so a task asks only what it
/// needs. `PI` and `ID` are always asked.
///
/// ```
/// use lvx_parallel::{Question, Questions};
///
/// let faults = Questions::of(&[Question::FaultsAndWarnings, Question::Mode]);
/// assert_eq!(faults.to_string(), "FWS, MOD");
/// assert!(Questions::ALL.contains(faults));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Questions(u32);

impl Questions {
    /// No question.
    pub const NONE: Self = Self(0);
    /// Every question.
    pub const ALL: Self = Self::of(Question::ALL);
    /// What is asked of every unit: whether it speaks PI18, and who it is.
    pub const ALWAYS: Self = Self::of(&[Question::ProtocolId, Question::Identity]);
    /// What [`compare`](crate::compare) lays side by side.
    pub const SETTINGS: Self = Self::of(&[
        Question::RatedInformation,
        Question::Flags,
        Question::AcChargeWindow,
        Question::AcLoadWindow,
    ]);

    /// The set of these.
    #[must_use]
    pub const fn of(questions: &[Question]) -> Self {
        let mut all = Self::NONE;
        let mut rest = questions;
        while let [question, more @ ..] = rest {
            all = all.and(question.alone());
            rest = more;
        }
        all
    }

    pub(crate) const fn bit(place: u32) -> Self {
        Self(1 << place)
    }

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This set without the questions of another one.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether a question is in the set.
    #[must_use]
    pub const fn has(self, question: Question) -> bool {
        self.contains(question.alone())
    }

    /// Whether all questions of another set are in this one.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// Whether there is no question in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The questions of the set, in the order in which they are asked.
    pub fn iter(self) -> impl Iterator<Item = Question> {
        Question::ALL.iter().copied().filter(move |&question| self.has(question))
    }
}

/// The questions as they are sent: `FWS, GS`.
impl fmt::Display for Questions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, question) in self.iter().enumerate() {
            write!(f, "{}{}", if place > 0 { ", " } else { "" }, question.mnemonic())?;
        }
        Ok(())
    }
}

impl FromIterator<Questions> for Questions {
    fn from_iter<T: IntoIterator<Item = Questions>>(sets: T) -> Self {
        sets.into_iter().fold(Self::NONE, Self::and)
    }
}
