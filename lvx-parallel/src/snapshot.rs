//! What one unit says of itself: one table.

use std::time::Duration;

use lvx_settings::Settings;
use pi18_proto::{
    AcChargeWindow, AcLoadWindow, AnyReply, Clock, Count, Decivolts, Defaults, FaultCode,
    FaultsAndWarnings, FirmwareVersions, Flags, GeneralStatus, Identity, MachineModel,
    MaxAcChargeCurrents, MaxChargeCurrents, Mode, Model, ParallelInstance, ParallelRating,
    ParallelStatus, Presence, ProtocolId, Query, RatedInformation, Reply, SerialNumber,
    WorkingMode,
};
use serde::{Deserialize, Serialize};

use crate::{Answer, Gap, Questions, Reading};

/// Declares what is asked: a field, its reply, and whether it stands still or lives.
macro_rules! readings {
    ($( #[doc = $doc:literal] $name:ident: $reply:ident, $when:ident; )+) => {
        /// Everything one unit says of itself, each answer with the time it was taken. What it does
        /// not answer is a gap with its reason.
        ///
        /// Whoever asks puts the answers in with [`take`](Self::take): to the queries of
        /// [`STATIC`](Self::STATIC), to `PRIn` of one instance after another until two in a row are
        /// absent or one is refused, and then close together to those of [`DYNAMIC`](Self::DYNAMIC) and to
        /// `PGSn` of each that is there. What a task does not need can be left out.
        /// [`BankSnapshot::read`](crate::BankSnapshot::read) does so.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct UnitSnapshot {
            /// What the unit is called here: the address it was reached by.
            pub name: String,
            /// Why it could not be read, or not to the end.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub lost: Option<Gap>,
            $(
                #[doc = $doc]
                #[serde(default, skip_serializing_if = "Answer::is_not_asked")]
                pub $name: Answer<$reply>,
            )+
            /// `PRIn` by instance: what it knows of the ratings of each unit of its bank.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub ratings: Vec<Answer<ParallelRating>>,
            /// `PGSn` by instance: what it knows of the status of each unit of its bank.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub statuses: Vec<Answer<ParallelStatus>>,
        }

        /// What a unit can be asked; `PRI` and `PGS` stand for one question about each unit of a bank.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Question {
            $( #[doc = $doc] $reply, )+
            /// `PRIn`: what it knows of the ratings of each unit of its bank.
            ParallelRating,
            /// `PGSn`: what it knows of the status of each unit of its bank.
            ParallelStatus,
        }

        impl Question {
            /// Every question.
            pub const ALL: &'static [Self] =
                &[$( Self::$reply, )+ Self::ParallelRating, Self::ParallelStatus];

            /// The question as it is sent, without the number of a unit.
            #[must_use]
            pub const fn mnemonic(self) -> &'static str {
                match self {
                    $( Self::$reply => <$reply as Reply>::MNEMONIC, )+
                    Self::ParallelRating => <ParallelRating as Reply>::MNEMONIC,
                    Self::ParallelStatus => <ParallelStatus as Reply>::MNEMONIC,
                }
            }

            /// The set of this question alone.
            #[expect(clippy::as_conversions, reason = "a discriminant")]
            pub(crate) const fn alone(self) -> Questions {
                Questions::bit(self as u32)
            }
        }

        impl UnitSnapshot {
            /// What does not change by itself.
            pub const STATIC: &'static [Query] = &readings!(@list static_ [] $($reply $when)+);
            /// What changes all the time, to be asked close together.
            pub const DYNAMIC: &'static [Query] = &readings!(@list dynamic [] $($reply $when)+);

            /// Puts an answer in its place. One that has no place here is left aside.
            pub fn take(&mut self, query: Query, answer: Result<Reading<AnyReply>, Gap>) {
                match query {
                    $( Query::$reply => self.$name = Answer::of(answer), )+
                    Query::ParallelRating(instance) => {
                        put(&mut self.ratings, instance, Answer::of(answer));
                    }
                    Query::ParallelStatus(instance) => {
                        put(&mut self.statuses, instance, Answer::of(answer));
                    }
                    _ => {}
                }
            }

            /// What was asked of the unit, whether it answered or not.
            #[must_use]
            pub fn asked(&self) -> Questions {
                let mut asked = Questions::NONE;
                $( if !self.$name.is_not_asked() {
                    asked = asked.and(Question::$reply.alone());
                } )+
                if !self.ratings.iter().all(Answer::is_not_asked) {
                    asked = asked.and(Question::ParallelRating.alone());
                }
                if !self.statuses.iter().all(Answer::is_not_asked) {
                    asked = asked.and(Question::ParallelStatus.alone());
                }
                asked
            }

            /// The same unit as if it had been asked these questions only.
            #[must_use]
            pub fn only(&self, questions: Questions) -> Self {
                let mut unit = self.clone();
                $( if !questions.has(Question::$reply) {
                    unit.$name = Answer::default();
                } )+
                if !questions.has(Question::ParallelRating) {
                    unit.ratings.clear();
                }
                if !questions.has(Question::ParallelStatus) {
                    unit.statuses.clear();
                }
                unit
            }

            /// Whether a question was asked and has no answer.
            pub(crate) fn is_missing(&self, question: Question) -> bool {
                let is_gap = |gap: Option<&Gap>| {
                    gap.is_some_and(|gap| gap.reason != crate::Reason::NotAsked)
                };
                match question {
                    $( Question::$reply => is_gap(self.$name.gap()), )+
                    Question::ParallelRating => self.ratings.iter().any(|told| is_gap(told.gap())),
                    Question::ParallelStatus => self.statuses.iter().any(|told| is_gap(told.gap())),
                }
            }

            /// When the last answer about something that moves came.
            pub(crate) fn latest(&self) -> Option<Duration> {
                let mut times = vec![];
                $( readings!(@time $when self.$name, times); )+
                times.extend(self.statuses.iter().map(Answer::at));
                times.into_iter().flatten().max()
            }

            /// Takes away what moves and was read before `least`.
            pub(crate) fn forget_before(&mut self, least: Duration) {
                $( readings!(@forget $when self.$name, least); )+
                for told in &mut self.statuses {
                    told.forget_before(least);
                }
            }

            /// What was asked and not answered.
            pub(crate) fn gaps(&self) -> Vec<(String, &Gap)> {
                let mut gaps = Vec::new();
                $( gaps.extend(self.$name.gap().map(|gap| (Query::$reply.to_string(), gap))); )+
                for (n, told) in self.ratings.iter().enumerate() {
                    gaps.extend(told.gap().map(|gap| (format!("PRI{n}"), gap)));
                }
                for (n, told) in self.statuses.iter().enumerate() {
                    gaps.extend(told.gap().map(|gap| (format!("PGS{n}"), gap)));
                }
                gaps.retain(|(_, gap)| gap.reason != crate::Reason::NotAsked);
                gaps
            }
        }
    };
    (@time Dynamic $told:expr, $times:ident) => { $times.push($told.at()) };
    (@time Static $told:expr, $times:ident) => {};
    (@forget Dynamic $told:expr, $least:expr) => { $told.forget_before($least) };
    (@forget Static $told:expr, $least:expr) => {};
    (@list static_ [$($done:tt)*] $reply:ident Static $($more:tt)*) => {
        readings!(@list static_ [$($done)* Query::$reply,] $($more)*)
    };
    (@list dynamic [$($done:tt)*] $reply:ident Dynamic $($more:tt)*) => {
        readings!(@list dynamic [$($done)* Query::$reply,] $($more)*)
    };
    (@list $which:ident [$($done:tt)*] $reply:ident $when:ident $($more:tt)*) => {
        readings!(@list $which [$($done)*] $($more)*)
    };
    (@list $which:ident [$($done:tt)*]) => { [$($done)*] };
}

readings! {
    /// `PI`: which protocol it speaks.
    protocol: ProtocolId, Static;
    /// `ID`: who it is.
    identity: Identity, Static;
    /// `GMN`: its product line; older units refuse.
    model: MachineModel, Static;
    /// `VFW`: its firmware.
    firmware: FirmwareVersions, Static;
    /// `T`: its clock.
    clock: Clock, Static;
    /// `PIRI`: its ratings and most of its settings.
    rated: RatedInformation, Static;
    /// `FLAG`: its flags.
    flags: Flags, Static;
    /// `DI`: its factory defaults.
    defaults: Defaults, Static;
    /// `MCHGCR`: the maximum charge currents that it offers.
    charge_currents: MaxChargeCurrents, Static;
    /// `MUCHGCR`: the maximum AC charge currents that it offers.
    ac_charge_currents: MaxAcChargeCurrents, Static;
    /// `ACCT`: when AC may charge.
    ac_charge_window: AcChargeWindow, Static;
    /// `ACLT`: when AC may supply the loads.
    ac_load_window: AcLoadWindow, Static;
    /// `FWS`: its fault and warnings.
    faults: FaultsAndWarnings, Dynamic;
    /// `MOD`: what it is doing.
    mode: Mode, Dynamic;
    /// `GS`: what it measures.
    status: GeneralStatus, Dynamic;
}

impl UnitSnapshot {
    /// A unit of which nothing is known yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// A unit of which `ask` knows everything, for whoever has no link: from a capture, from a proxy,
    /// from a virtual unit.
    pub fn from_answers(
        name: impl Into<String>,
        mut ask: impl FnMut(Query) -> Result<Reading<AnyReply>, Gap>,
    ) -> Self {
        let mut unit = Self::new(name);
        for &query in Self::STATIC {
            unit.take(query, ask(query));
        }
        while let Some(query) = unit.next_rating() {
            unit.take(query, ask(query));
        }
        for &query in Self::DYNAMIC {
            unit.take(query, ask(query));
        }
        for query in unit.statuses_to_ask() {
            unit.take(query, ask(query));
        }
        unit
    }

    /// The next `PRIn` to be asked for, until two in a row are absent or one is not answered: so one
    /// unit that is off hides none behind it, and asking on costs one exchange.
    pub(crate) fn next_rating(&self) -> Option<Query> {
        let last = self.ratings.len().checked_sub(2).and_then(|from| self.ratings.get(from..));
        let is_over = match last.unwrap_or(&self.ratings) {
            [.., Answer::Missing(_)] => true,
            [Answer::Received(one), Answer::Received(other)] => {
                !is_present(one.value) && !is_present(other.value)
            }
            _ => false,
        };
        let next = instances().nth(self.ratings.len()).filter(|_| !is_over);
        next.map(Query::ParallelRating)
    }

    /// `PGSn` of each unit that it knows to be there; of unit 0 if it knows none.
    pub(crate) fn statuses_to_ask(&self) -> Vec<Query> {
        let is_there = |told: &Answer<ParallelRating>| told.value().is_some_and(is_present);
        let known = instances().zip(&self.ratings).filter(|(_, told)| is_there(told));
        let known: Vec<_> = known.map(|(instance, _)| instance).collect();
        let asked = if known.is_empty() { instances().take(1).collect() } else { known };
        asked.into_iter().map(Query::ParallelStatus).collect()
    }

    /// A unit that could not be reached.
    pub fn lost(name: impl Into<String>, why: impl Into<Gap>) -> Self {
        Self { lost: Some(why.into()), ..Self::new(name) }
    }

    /// Its serial number, as far as it looks like one.
    #[must_use]
    pub fn serial_number(&self) -> Option<SerialNumber> {
        let serial = self.identity.value()?.serial_number;
        serial.looks_genuine().then_some(serial)
    }

    /// Its own number in its bank: 0 is the master.
    #[must_use]
    pub fn instance(&self) -> Option<Count> {
        self.status.value().map(|status| status.parallel_instance)
    }

    /// What it is doing.
    #[must_use]
    pub fn working_mode(&self) -> Option<WorkingMode> {
        self.mode.value().map(|mode| mode.working_mode)
    }

    /// Its fault, if there is one.
    #[must_use]
    pub fn fault(&self) -> Option<FaultCode> {
        self.faults.value().map(|faults| faults.fault).filter(|fault| fault.is_fault())
    }

    /// How many units it knows its bank to have, itself included: those of `PRIn` that are there.
    #[must_use]
    pub fn bank_size(&self) -> usize {
        self.known_numbers().count()
    }

    /// The numbers in its bank that it knows a unit to have.
    pub(crate) fn known_numbers(&self) -> impl Iterator<Item = usize> {
        let ratings = self.ratings.iter().enumerate();
        ratings.filter(|(_, told)| told.value().is_some_and(is_present)).map(|(number, _)| number)
    }

    /// What it measures where its battery should be, if that is less than any battery that is there has:
    /// half of what the unit is made for (assumed; units stop far above it).
    pub(crate) fn lacks_battery(&self) -> Option<Decivolts> {
        let made_for = self.rated.value().map_or(0, |rated| rated.battery_rated_voltage.0);
        let least = Decivolts(made_for / 2).max(LEAST_BATTERY);
        self.status.value().map(|status| status.battery_voltage).filter(|found| *found < least)
    }

    /// Whether `GS` is about the first of its three phases only; the others stand in `GS2`, which is
    /// not asked.
    ///
    /// Source: PI18 2022, "GS2"; the product lines by their names and the sheet's (V III: assumed).
    pub(crate) fn shows_first_phase_only(&self) -> bool {
        let three = [Model::V2_15KW_3P, Model::V3, Model::V3_TWIN];
        self.model.value().is_some_and(|model| three.contains(&model.model))
    }

    /// Whether it has panels of which `GS` says nothing.
    pub(crate) fn has_unseen_string(&self) -> bool {
        self.rated.value().is_some_and(|rated| rated.mppt_strings > STRINGS_OF_GS)
    }

    /// How it is set. The clock is left out: see [`clock`](Self::clock).
    #[must_use]
    pub fn settings(&self) -> Settings {
        let replies = [
            self.rated.value().map(AnyReply::from),
            self.flags.value().map(AnyReply::from),
            self.ac_charge_window.value().map(AnyReply::from),
            self.ac_load_window.value().map(AnyReply::from),
        ];
        let mut settings = Settings::default();
        replies.iter().flatten().for_each(|reply| settings.take(reply, None));
        settings
    }

    /// Whether the unit answered or refused every question that it was asked.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.lost.is_none()
            && self.asked().contains(Questions::ALWAYS)
            && self.gaps().iter().all(|(_, gap)| gap.reason == crate::Reason::Refused)
    }
}

/// Less than any battery has, whatever the unit is made for.
const LEAST_BATTERY: Decivolts = Decivolts(80);

/// PV 1 and PV 2; the third stands in `GS2`.
const STRINGS_OF_GS: Count = Count(2);

/// What every unit answers.
pub(crate) const ESSENTIAL: [&str; 7] = ["PI", "ID", "VFW", "PIRI", "FWS", "MOD", "GS"];

fn is_present(rating: ParallelRating) -> bool {
    rating.presence == Presence::PRESENT
}

/// Each number that a unit of a bank can have, 0 to 9.
fn instances() -> impl Iterator<Item = ParallelInstance> {
    (0..=9).filter_map(|number| ParallelInstance::new(Count(number)).ok())
}

fn put<T>(row: &mut Vec<Answer<T>>, instance: ParallelInstance, told: Answer<T>) {
    let place = usize::from(instance.get().0);
    while row.len() <= place {
        row.push(Answer::default());
    }
    if let Some(slot) = row.get_mut(place) {
        *slot = told;
    }
}
