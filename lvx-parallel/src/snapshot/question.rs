//! The questions to a unit, and sets of questions.

use std::fmt;

use pi18_proto::{
    AcChargeWindow, AcLoadWindow, Clock, Defaults, FaultsAndWarnings, FirmwareVersions, Flags,
    GeneralStatus, Identity, MachineModel, MaxAcChargeCurrents, MaxChargeCurrents, Mode,
    ParallelRating, ParallelStatus, ProtocolId, RatedInformation, Reply,
};

use super::readings::readings;

macro_rules! declare_question {
    (
        static {$(
            // Content of the answer.
            #[doc = $static_doc:literal]
            // Field of `UnitSnapshot`, not used here: type of the reply, which names the question.
            $static_field:ident: $static_reply:ident;
        )+}
        dynamic {$(
            // As above.
            #[doc = $doc:literal]
            $field:ident: $reply:ident;
        )+}
    ) => {
        /// A question to a unit, named after its reply.
        ///
        /// [`ParallelRating`](Self::ParallelRating) and [`ParallelStatus`](Self::ParallelStatus) each
        /// stand for one exchange per unit of the bank.
        ///
        /// ```
        /// use lvx_parallel::Question;
        ///
        /// assert_eq!(Question::GeneralStatus.mnemonic(), "GS");
        /// assert_eq!(Question::ALL.len(), 17);
        /// ```
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum Question {
            $( #[doc = $static_doc] $static_reply, )+
            $( #[doc = $doc] $reply, )+
            /// `PRIn`: what a unit reports about the ratings of unit `n` of its bank.
            ParallelRating,
            /// `PGSn`: what a unit reports about the status of unit `n` of its bank.
            ParallelStatus,
        }

        impl Question {
            /// Every question.
            pub const ALL: &'static [Self] = &[
                $( Self::$static_reply, )+
                $( Self::$reply, )+
                Self::ParallelRating,
                Self::ParallelStatus,
            ];

            /// Returns the question as it is sent, without the number of a unit: `PGS`.
            #[must_use]
            pub const fn mnemonic(self) -> &'static str {
                match self {
                    $( Self::$static_reply => <$static_reply as Reply>::MNEMONIC, )+
                    $( Self::$reply => <$reply as Reply>::MNEMONIC, )+
                    Self::ParallelRating => <ParallelRating as Reply>::MNEMONIC,
                    Self::ParallelStatus => <ParallelStatus as Reply>::MNEMONIC,
                }
            }

            /// Returns whether the answer changes by itself.
            pub(crate) const fn is_dynamic(self) -> bool {
                matches!(self, $( Self::$reply )|+ | Self::ParallelStatus)
            }
        }
    };
}

readings!(declare_question);

/// A set of questions.
///
/// At 2400 baud, a question takes between a tenth and half a second, so a task should ask only the questions
/// that it needs. `PI` and `ID` are always asked.
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
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// The set of all questions.
    pub const ALL: Self = Self::of(Question::ALL);
    /// The questions that every unit is asked: its protocol and its serial number.
    pub const ALWAYS: Self = Self::of(&[Question::ProtocolId, Question::Identity]);
    /// The questions whose answers hold the settings that [`compare`](crate::compare) shows.
    pub const SETTINGS: Self = Self::of(&[
        Question::RatedInformation,
        Question::Flags,
        Question::AcChargeWindow,
        Question::AcLoadWindow,
    ]);

    /// Returns the set of these questions.
    #[must_use]
    pub const fn of(questions: &[Question]) -> Self {
        let mut all = Self::NONE;
        let mut rest = questions;
        while let [question, more @ ..] = rest {
            all = all.and(Self::one(*question));
            rest = more;
        }
        all
    }

    /// Returns the set of one question.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "the discriminant is the number of the bit")]
    pub const fn one(question: Question) -> Self {
        Self(1 << (question as u32))
    }

    /// Returns the union of both sets.
    ///
    /// ```
    /// use lvx_parallel::{Question, Questions};
    ///
    /// let both = Questions::ALWAYS.and(Questions::of(&[Question::Mode]));
    /// assert_eq!(both.to_string(), "PI, ID, MOD");
    /// ```
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns this set without the questions of `other`.
    ///
    /// ```
    /// use lvx_parallel::{Question, Questions};
    ///
    /// let flags = Questions::of(&[Question::Flags]);
    /// assert_eq!(Questions::SETTINGS.without(flags).to_string(), "PIRI, ACCT, ACLT");
    /// ```
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns whether `question` is in the set.
    #[must_use]
    pub const fn has(self, question: Question) -> bool {
        self.contains(Self::one(question))
    }

    /// Returns whether all questions of `other` are in this set.
    ///
    /// ```
    /// use lvx_parallel::Questions;
    ///
    /// assert!(Questions::ALL.contains(Questions::SETTINGS));
    /// assert!(!Questions::ALWAYS.contains(Questions::SETTINGS));
    /// ```
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// Returns whether the set has no questions.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the questions of the set in the order in which they are asked.
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
