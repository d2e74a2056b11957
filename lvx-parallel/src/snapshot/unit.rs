//! The answers of one unit.

use std::time::Duration;

use lvx_settings::Settings;
use pi18_proto::{
    AcChargeWindow, AcLoadWindow, AnyReply, Clock, Count, Decivolts, Defaults, FaultCode,
    FaultsAndWarnings, FirmwareVersions, Flags, GeneralStatus, Identity, MachineModel,
    MaxAcChargeCurrents, MaxChargeCurrents, Mode, Model, OutputMode, ParallelInstance,
    ParallelRating, ParallelStatus, Presence, ProtocolId, Query, RatedInformation, Reply,
    SerialNumber, WorkingMode,
};
use serde::{Deserialize, Serialize};

use super::{
    answer::{Answer, Gap, Reading, Reason, Slot},
    question::{Question, Questions},
    readings::readings,
};

macro_rules! declare_unit {
    (
        static {$(
            // Content of the answer.
            #[doc = $static_doc:literal]
            // Field: type of the reply, which also names the query and the question.
            $static_field:ident: $static_reply:ident;
        )+}
        dynamic {$(
            // As above.
            #[doc = $doc:literal]
            $field:ident: $reply:ident;
        )+}
    ) => {
        /// Everything that one unit reports, each answer with the time at which it was read. A
        /// question without an answer is a gap with its reason.
        ///
        /// [`BankSnapshot::read`](crate::BankSnapshot::read) fills it over a link. To fill it in
        /// another way, use [`from_answers`](Self::from_answers), or put answers in with
        /// [`take`](Self::take) in this order: first the queries of [`STATIC`](Self::STATIC), then
        /// `PRIn` for one instance after another until two in a row are absent or one is refused, and
        /// last, close together, those of [`DYNAMIC`](Self::DYNAMIC) and `PGSn` for each unit that
        /// `PRIn` reports as present. Questions that a task does not need can be left out.
        ///
        /// ```
        /// use std::time::Duration;
        ///
        /// use lvx_parallel::{Gap, Reading, Reason, UnitSnapshot};
        ///
        /// // Every reply is the sample from the protocol's documentation.
        /// let unit = UnitSnapshot::from_answers("sample", |query| {
        ///     match query.parse_reply(query.info().sample.as_bytes()) {
        ///         Ok((value, _)) => Ok(Reading::new(value, Duration::ZERO)),
        ///         Err(error) => Err(Gap::new(Reason::Unreadable, error.to_string())),
        ///     }
        /// });
        /// assert!(unit.is_complete());
        /// assert!(unit.fault().is_none());
        /// ```
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub struct UnitSnapshot {
            /// Name of the unit in reports, a label for people: the address at which it was read.
            pub name: String,
            /// Serial number that identifies the unit in files, if it is known: the reported one, or the
            /// one by which the unit was addressed.
            #[serde(default, rename = "serial_number", skip_serializing_if = "Option::is_none")]
            pub serial: Option<SerialNumber>,
            /// Reason why the unit could not be read, or not completely.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub lost: Option<Gap>,
            $(
                #[doc = $static_doc]
                #[serde(default, skip_serializing_if = "Answer::is_not_asked")]
                pub $static_field: Answer<$static_reply>,
            )+
            $(
                #[doc = $doc]
                #[serde(default, skip_serializing_if = "Answer::is_not_asked")]
                pub $field: Answer<$reply>,
            )+
            /// `PRIn` by instance: the ratings of each unit of the bank, as this unit reports them.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub ratings: Vec<Answer<ParallelRating>>,
            /// `PGSn` by instance: the status of each unit of the bank, as this unit reports it.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub statuses: Vec<Answer<ParallelStatus>>,
        }

        impl UnitSnapshot {
            /// Queries whose answers do not change by themselves.
            pub const STATIC: &'static [Query] = &[$( Query::$static_reply ),+];
            /// Queries whose answers change by themselves, to be asked close together.
            pub const DYNAMIC: &'static [Query] = &[$( Query::$reply ),+];

            /// Stores the answer to a query. Answers to queries that a snapshot does not hold are
            /// ignored.
            pub fn take(&mut self, query: Query, answer: Result<Reading<AnyReply>, Gap>) {
                match query {
                    $( Query::$static_reply => self.$static_field = Answer::of(answer), )+
                    $( Query::$reply => self.$field = Answer::of(answer), )+
                    Query::ParallelRating(instance) => {
                        put(&mut self.ratings, instance, Answer::of(answer));
                    }
                    Query::ParallelStatus(instance) => {
                        put(&mut self.statuses, instance, Answer::of(answer));
                    }
                    _ => {}
                }
                self.fill_serial();
            }

            /// Returns every answer with its question, and the instance for `PRIn` and `PGSn`.
            fn slots(&self) -> Vec<(Question, Option<usize>, &dyn Slot)> {
                let mut slots: Vec<(Question, Option<usize>, &dyn Slot)> = vec![
                    $( (Question::$static_reply, None, &self.$static_field), )+
                    $( (Question::$reply, None, &self.$field), )+
                ];
                for (n, answer) in self.ratings.iter().enumerate() {
                    slots.push((Question::ParallelRating, Some(n), answer));
                }
                for (n, answer) in self.statuses.iter().enumerate() {
                    slots.push((Question::ParallelStatus, Some(n), answer));
                }
                slots
            }

            /// Returns every answer with its question, for modification.
            fn slots_mut(&mut self) -> Vec<(Question, &mut dyn Slot)> {
                let mut slots: Vec<(Question, &mut dyn Slot)> = vec![
                    $( (Question::$static_reply, &mut self.$static_field), )+
                    $( (Question::$reply, &mut self.$field), )+
                ];
                for answer in &mut self.ratings {
                    slots.push((Question::ParallelRating, answer));
                }
                for answer in &mut self.statuses {
                    slots.push((Question::ParallelStatus, answer));
                }
                slots
            }
        }
    };
}

readings!(declare_unit);

/// Questions and missing answers.
impl UnitSnapshot {
    /// Returns the questions that the unit was asked, whether it answered them or not.
    #[must_use]
    pub fn asked(&self) -> Questions {
        let slots = self.slots().into_iter();
        let asked = slots.filter(|(.., slot)| !slot.missing().is_some_and(is_not_asked));
        asked.map(|(question, ..)| Questions::one(question)).collect()
    }

    /// Returns a copy that holds only the answers to `questions`.
    #[must_use]
    pub fn only(&self, questions: Questions) -> Self {
        let mut unit = self.clone();
        for (question, slot) in unit.slots_mut() {
            if !questions.has(question) {
                slot.discard(Reason::NotAsked);
            }
        }
        if !questions.has(Question::ParallelRating) {
            unit.ratings.clear();
        }
        if !questions.has(Question::ParallelStatus) {
            unit.statuses.clear();
        }
        unit
    }

    /// Returns whether the unit answered or refused every question that it was asked, and was asked at
    /// least for [its protocol and its serial number](Questions::ALWAYS).
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.lost.is_none()
            && self.asked().contains(Questions::ALWAYS)
            && self.slots().into_iter().all(|(.., slot)| {
                let is_expected = |gap: &Gap| is_not_asked(gap) || gap.reason == Reason::Refused;
                slot.missing().is_none_or(is_expected)
            })
    }

    /// Returns whether a question was asked and has no answer.
    pub(crate) fn is_missing(&self, question: Question) -> bool {
        self.slots().into_iter().any(|(each, _, slot)| {
            each == question && slot.missing().is_some_and(|gap| !is_not_asked(gap))
        })
    }

    /// Returns the questions that were asked and have no answer, each as it is sent (`PGS1`) and with
    /// the reason.
    pub(crate) fn gaps(&self) -> Vec<(Question, String, &Gap)> {
        let gaps = self.slots().into_iter().filter_map(|(question, number, slot)| {
            let gap = slot.missing().filter(|gap| !is_not_asked(gap))?;
            let number = number.map(|number| number.to_string()).unwrap_or_default();
            Some((question, format!("{}{number}", question.mnemonic()), gap))
        });
        gaps.collect()
    }

    /// Returns the time of the latest dynamic answer.
    pub(crate) fn latest(&self) -> Option<Duration> {
        self.dynamic_times().into_iter().max()
    }

    /// Returns whether a dynamic answer was read before `limit`.
    pub(crate) fn has_reading_before(&self, limit: Duration) -> bool {
        self.dynamic_times().into_iter().any(|at| at < limit)
    }

    fn dynamic_times(&self) -> Vec<Duration> {
        let dynamic = self.slots().into_iter().filter(|(question, ..)| question.is_dynamic());
        dynamic.filter_map(|(.., slot)| slot.at()).collect()
    }

    /// Discards the dynamic answers that were read before `limit`.
    ///
    /// `FWS` is kept: a fault stays active until a later reading shows that it is gone.
    pub(crate) fn discard_before(&mut self, limit: Duration) {
        for (question, slot) in self.slots_mut() {
            let is_stale = question.is_dynamic() && slot.at().is_some_and(|at| at < limit);
            if is_stale && question != Question::FaultsAndWarnings {
                slot.discard(Reason::Old);
            }
        }
    }
}

fn is_not_asked(gap: &Gap) -> bool {
    gap.reason == Reason::NotAsked
}

/// Filling a snapshot.
impl UnitSnapshot {
    /// Returns a unit without answers.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Returns a unit that could not be reached.
    ///
    /// ```
    /// use lvx_parallel::{Gap, Reason, UnitSnapshot};
    ///
    /// let gap = Gap::new(Reason::Gone, "no such device");
    /// let unit = UnitSnapshot::lost("/dev/hidraw0", gap);
    /// assert!(!unit.is_complete());
    /// assert!(unit.asked().is_empty());
    /// ```
    pub fn lost(name: impl Into<String>, why: impl Into<Gap>) -> Self {
        Self { lost: Some(why.into()), ..Self::new(name) }
    }

    /// Returns a unit whose answers come from `ask`, without a link: from a capture, a proxy or a
    /// virtual unit.
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

    /// Returns the next `PRIn` to ask; `None` once two instances in a row are absent, or one has no answer.
    ///
    /// The question after one absent instance finds units behind a gap in the numbers.
    pub(crate) fn next_rating(&self) -> Option<Query> {
        let last = self.ratings.len().checked_sub(2).and_then(|from| self.ratings.get(from..));
        let is_finished = match last.unwrap_or(&self.ratings) {
            [.., Answer::Missing(_)] => true,
            [Answer::Received(one), Answer::Received(other)] => {
                !is_present(one.value) && !is_present(other.value)
            }
            _ => false,
        };
        let next = instances().nth(self.ratings.len()).filter(|_| !is_finished);
        next.map(Query::ParallelRating)
    }

    /// Returns `PGSn` for each unit that `PRIn` reports as present, or for unit 0 if there is none.
    pub(crate) fn statuses_to_ask(&self) -> Vec<Query> {
        let is_known = |answer: &Answer<ParallelRating>| answer.value().is_some_and(is_present);
        let known = instances().zip(&self.ratings).filter(|(_, answer)| is_known(answer));
        let known: Vec<_> = known.map(|(instance, _)| instance).collect();
        let asked = if known.is_empty() { instances().take(1).collect() } else { known };
        asked.into_iter().map(Query::ParallelStatus).collect()
    }
}

/// Values derived from the answers.
impl UnitSnapshot {
    /// Returns the serial number, if it looks like a genuine one. A unit that did not report one has the
    /// number by which it was addressed.
    #[must_use]
    pub fn serial_number(&self) -> Option<SerialNumber> {
        let serial = match self.identity.value() {
            Some(identity) => identity.serial_number,
            None => self.serial?,
        };
        serial.looks_genuine().then_some(serial)
    }

    /// Stores the serial number that the unit reported as the one that identifies it.
    pub(super) fn fill_serial(&mut self) {
        self.serial = self.serial_number();
    }

    /// Returns the number of the unit in its bank; 0 is the master. `None` if `GS` is unknown or every field of
    /// it is 0.
    ///
    /// Source: reported, units in three-phase parallel whose `GS` is all zeros.
    #[must_use]
    pub fn instance(&self) -> Option<Count> {
        let status = self.status.value().filter(|status| !is_zero(status));
        status.map(|status| status.parallel_instance)
    }

    /// Returns whether the unit reports this number as its own.
    pub(crate) fn has_number(&self, number: usize) -> bool {
        self.instance().is_some_and(|instance| usize::from(instance.0) == number)
    }

    /// Returns the working mode.
    #[must_use]
    pub fn working_mode(&self) -> Option<WorkingMode> {
        self.mode.value().map(|mode| mode.working_mode)
    }

    /// Returns what the unit reports about itself in `PGSn`.
    pub(crate) fn own_status(&self) -> Option<ParallelStatus> {
        let own = self.statuses.get(usize::from(self.instance()?.0))?.value();
        own.filter(|own| own.presence == Presence::PRESENT)
    }

    /// Returns the output mode, which is a setting: a phase of two in the unit's own `PRIn`, otherwise the mode
    /// in `PIRI`.
    ///
    /// Source: in PI18 2022, only `PRIn` has the phases of two; a unit can show parallel in `PIRI` then.
    pub(crate) fn output_mode(&self) -> Option<OutputMode> {
        let legs = [OutputMode::PHASE_1_OF_2, OutputMode::PHASE_2_OF_2];
        let own = self.own_rating().map(|own| own.output_mode);
        let leg = own.filter(|mode| legs.contains(mode));
        leg.or_else(|| Some(self.rated.value()?.output_mode))
    }

    /// Returns what the unit reports about itself in `PRIn`. A unit without a number is found by its serial
    /// number.
    pub(crate) fn own_rating(&self) -> Option<ParallelRating> {
        let mut present = self.ratings.iter().enumerate().filter_map(|(number, answer)| {
            Some((number, answer.value().filter(|rating| is_present(*rating))?))
        });
        let serial = self.serial_number();
        let is_own = |number, rating: ParallelRating| match self.instance() {
            Some(_) => self.has_number(number),
            None => serial.is_some() && rating.serial_number() == serial,
        };
        present.find(|&(number, rating)| is_own(number, rating)).map(|(_, rating)| rating)
    }

    /// Returns whether the unit is one of the virtual bank in this process, by the address at which it was read:
    /// `sim:0`.
    pub(crate) fn is_virtual(&self) -> bool {
        self.name.starts_with("sim:")
    }

    /// Returns the active fault.
    #[must_use]
    pub fn fault(&self) -> Option<FaultCode> {
        self.faults.value().map(|faults| faults.fault).filter(|fault| fault.is_fault())
    }

    /// Returns the number of units in the bank that `PRIn` reports as present, this one included.
    ///
    /// ```
    /// use lvx_parallel::{BankSnapshot, Member};
    ///
    /// let bank = BankSnapshot::read(vec![Member::open(&"sim:1".parse()?)]);
    /// assert_eq!(bank.units[0].bank_size(), 2);
    /// assert_eq!(bank.units[0].instance().map(|instance| instance.0), Some(1));
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    #[must_use]
    pub fn bank_size(&self) -> usize {
        self.known_numbers().count()
    }

    /// Returns the numbers of the units that `PRIn` reports as present.
    pub(crate) fn known_numbers(&self) -> impl Iterator<Item = usize> {
        let ratings = self.ratings.iter().enumerate();
        ratings
            .filter(|(_, answer)| answer.value().is_some_and(is_present))
            .map(|(number, _)| number)
    }

    /// Returns the measured battery voltage if it is too low for any connected battery: below half of
    /// the rated battery voltage (assumed; units stop far above it).
    pub(crate) fn lacks_battery(&self) -> Option<Decivolts> {
        let rated = self.rated.value().map_or(0, |rated| rated.battery_rated_voltage.0);
        let least = Decivolts(rated / 2).max(MIN_BATTERY_VOLTAGE);
        self.status.value().map(|status| status.battery_voltage).filter(|found| *found < least)
    }

    /// Returns whether the unit has three phases, of which `GS` reports only the first. The others are
    /// in `GS2`, which is not asked.
    ///
    /// Source: PI18 2022, "GS2". That these models have three phases is from their names in that edition
    /// (V III: assumed).
    pub(crate) fn shows_first_phase_only(&self) -> bool {
        let three_phases = [Model::V2_15KW_3P, Model::V3, Model::V3_TWIN];
        self.model.value().is_some_and(|model| three_phases.contains(&model.model))
    }

    /// Returns whether the unit has a PV string that `GS` does not report.
    pub(crate) fn has_unseen_string(&self) -> bool {
        self.rated.value().is_some_and(|rated| rated.mppt_strings > STRINGS_IN_GS)
    }

    /// Returns the settings of the unit, without the clock: see [`clock`](Self::clock).
    ///
    /// ```
    /// use lvx_parallel::{BankSnapshot, Member, Questions};
    /// use lvx_settings::Setting;
    ///
    /// let members = vec![Member::open(&"sim:0?float=53.0".parse()?)];
    /// let bank = BankSnapshot::read_only(members, Questions::SETTINGS);
    /// let float_voltage = bank.units[0].settings().get(Setting::FloatVoltage);
    /// assert_eq!(float_voltage.map(|value| value.to_string()).as_deref(), Some("53.0 V"));
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
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
}

/// The voltage below which no battery is connected, whatever the rated voltage of the unit.
const MIN_BATTERY_VOLTAGE: Decivolts = Decivolts(80);

/// The number of PV strings in `GS`. A third one is in `GS2`.
const STRINGS_IN_GS: Count = Count(2);

/// Questions that every unit answers.
pub(crate) const ESSENTIAL: Questions = Questions::of(&[
    Question::ProtocolId,
    Question::Identity,
    Question::FirmwareVersions,
    Question::RatedInformation,
    Question::FaultsAndWarnings,
    Question::Mode,
    Question::GeneralStatus,
]);

/// Returns whether every field is 0, so that the unit reports nothing.
fn is_zero(status: &GeneralStatus) -> bool {
    let mut buffer = [0; 256];
    let written = status.encode(&mut buffer).ok().and_then(|length| buffer.get(..length));
    written.is_some_and(|data| data.iter().all(|byte| matches!(byte, b'0' | b',')))
}

fn is_present(rating: ParallelRating) -> bool {
    rating.presence == Presence::PRESENT
}

/// Returns each number that a unit of a bank can have, 0 to 9.
fn instances() -> impl Iterator<Item = ParallelInstance> {
    (0..=9).filter_map(|number| ParallelInstance::new(Count(number)).ok())
}

fn put<T>(answers: &mut Vec<Answer<T>>, instance: ParallelInstance, answer: Answer<T>) {
    let place = usize::from(instance.get().0);
    while answers.len() <= place {
        answers.push(Answer::default());
    }
    if let Some(slot) = answers.get_mut(place) {
        *slot = answer;
    }
}
