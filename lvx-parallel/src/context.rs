//! The bank as rules see it: each unit once, the master first, with what can be compared.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    fmt::Display,
    time::Duration,
};

use lvx_settings::{Setting, Settings};
use pi18_proto::{
    Amperes, Count, Decihertz, Decivolts, FaultCode, GeneralStatus, OutputMode, ParallelStatus,
    Percent, Presence, SerialNumber, Watts,
};

use crate::{Answer, BankSnapshot, Checks, Reading, Thresholds, UnitSnapshot, finding::Observed};

/// What is judged.
pub(crate) struct Context<'a> {
    /// Every unit that was given, the master first, whatever order they were given in.
    pub(crate) given: Vec<&'a UnitSnapshot>,
    /// Each unit once.
    pub(crate) units: Vec<&'a UnitSnapshot>,
    pub(crate) bank: &'a BankSnapshot,
    pub(crate) checks: &'a Checks,
    /// The units whose `GS` can be compared.
    pub(crate) live: Vec<Measured<'a>>,
    /// Faults that only other units tell of.
    pub(crate) reported_faults: Vec<ReportedFault<'a>>,
    /// How each of `units` is set.
    settings: Vec<Settings>,
}

/// A fault of a unit whose own word is missing, as another one tells it.
#[derive(Clone, Copy)]
pub(crate) struct ReportedFault<'a> {
    pub(crate) fault: FaultCode,
    /// The number of the unit that stands with it, and its serial number as far as it is known.
    pub(crate) number: usize,
    pub(crate) serial: Option<SerialNumber>,
    /// Who tells it.
    pub(crate) by: &'a UnitSnapshot,
}

/// A unit with what it measures.
#[derive(Clone, Copy)]
pub(crate) struct Measured<'a> {
    pub(crate) unit: &'a UnitSnapshot,
    pub(crate) status: GeneralStatus,
    pub(crate) at: Duration,
    /// What it says of itself as a unit of its bank, a little earlier or later.
    pub(crate) again: Option<ParallelStatus>,
}

/// The bank with names that tell its units apart: those that share one are numbered, `NAME #1`.
pub(crate) fn named_apart(bank: &BankSnapshot) -> Cow<'_, BankSnapshot> {
    let sharing = |name: &str| bank.units.iter().filter(|unit| unit.name == name).count();
    if bank.units.iter().all(|unit| sharing(&unit.name) == 1) {
        return Cow::Borrowed(bank);
    }
    let mut units: Vec<UnitSnapshot> = Vec::new();
    let mut numbers = HashMap::<&str, usize>::new();
    for unit in in_order(bank) {
        let number = numbers.entry(&unit.name).or_default();
        *number += 1;
        let mut unit = unit.clone();
        if sharing(&unit.name) > 1 {
            unit.name = format!("{} #{number}", unit.name);
        }
        units.push(unit);
    }
    Cow::Owned(BankSnapshot { started: bank.started, units })
}

/// Master first; names decide between units that say the same of themselves, and everything else
/// between those of one name.
pub(crate) fn in_order(bank: &BankSnapshot) -> Vec<&UnitSnapshot> {
    let key = |unit: &UnitSnapshot| {
        let serial = unit.identity.value().map(|identity| identity.serial_number.to_string());
        let instance = unit.instance().unwrap_or(Count(u16::MAX));
        (unit.lost.is_some(), instance, serial, unit.name.clone())
    };
    let mut units: Vec<_> = bank.units.iter().map(|unit| (key(unit), unit)).collect();
    units.sort_by(|(one, unit), (other, another)| {
        one.cmp(other).then_with(|| format!("{unit:?}").cmp(&format!("{another:?}")))
    });
    units.into_iter().map(|(_, unit)| unit).collect()
}

/// Units that feed one output together.
pub(crate) struct Sharing<'c, 'a> {
    /// Where they do: `phase 1 of 2`; `None` if the whole bank does.
    phase: Option<OutputMode>,
    pub(crate) units: Vec<&'c Measured<'a>>,
}

impl<'c, 'a> Sharing<'c, 'a> {
    /// Those of them of which this is true.
    pub(crate) fn only(mut self, is_wanted: impl Fn(&'c Measured<'a>) -> bool) -> Self {
        self.units.retain(|live| is_wanted(live));
        self
    }

    /// ` on phase 1 of 2`, ` on the first phase`; empty where there is but one.
    pub(crate) fn place(&self) -> String {
        match self.phase {
            Some(phase) => format!(" on {phase}"),
            None if self.units.iter().any(|live| live.unit.shows_first_phase_only()) => {
                " on the first phase".to_owned()
            }
            None => String::new(),
        }
    }
}

impl<'a> Context<'a> {
    pub(crate) fn new(bank: &'a BankSnapshot, checks: &'a Checks) -> Self {
        let given = in_order(bank);
        let mut units: Vec<&UnitSnapshot> = Vec::new();
        for unit in &given {
            if !units.iter().any(|known| may_be_one(known, unit)) {
                units.push(unit);
            }
        }
        let all: Vec<_> = units.iter().filter_map(|unit| Measured::of(unit)).collect();
        let live = window(&all, |live| live.at, checks.thresholds.max_skew_time());
        let settings = units.iter().map(|unit| unit.settings()).collect();
        let mut context =
            Self { given, units, bank, checks, live, reported_faults: Vec::new(), settings };
        // What units say that do not hear each other means nothing.
        if !context.is_out_of_touch() {
            context.reported_faults = context.find_reported_faults();
        }
        context
    }

    fn find_reported_faults(&self) -> Vec<ReportedFault<'a>> {
        let mut all = Vec::new();
        for &by in &self.units {
            for (number, told) in by.statuses.iter().enumerate() {
                let Some(status) = told.value() else { continue };
                let serial = by.ratings.get(number).and_then(|told| told.value()?.serial_number());
                let says_itself = |unit: &&UnitSnapshot| {
                    let is_it = match unit.instance() {
                        Some(_) => has_number(unit, number),
                        None => serial.is_some() && unit.serial_number() == serial,
                    };
                    is_it && unit.faults.value().is_some()
                };
                if status.presence == Presence::PRESENT
                    && status.fault.is_fault()
                    && !self.units.iter().any(says_itself)
                {
                    all.push(ReportedFault { fault: status.fault, number, serial, by });
                }
            }
        }
        all
    }

    /// Whether a setting is not the same on all units that have it.
    pub(crate) fn has_difference(&self, setting: Setting) -> bool {
        let mut values = self.settings.iter().filter_map(|settings| settings.get(setting));
        values.next().is_some_and(|first| values.any(|other| other != first))
    }

    pub(crate) fn thresholds(&self) -> &Thresholds {
        &self.checks.thresholds
    }

    /// Each fault that a unit stands with, by its own word or where that is missing by another's.
    pub(crate) fn faults(&self) -> impl Iterator<Item = FaultCode> {
        let own = self.units.iter().filter_map(|unit| unit.fault());
        own.chain(self.reported_faults.iter().map(|reported| reported.fault))
    }

    /// The fault that this unit stands with.
    pub(crate) fn fault_of(&self, unit: &UnitSnapshot) -> Option<FaultCode> {
        let is_reported = |reported: &&ReportedFault<'_>| {
            unit.faults.value().is_none() && has_number(unit, reported.number)
        };
        unit.fault().or_else(|| Some(self.reported_faults.iter().find(is_reported)?.fault))
    }

    /// Whether some unit stands with one of these faults.
    pub(crate) fn has_fault(&self, faults: &[FaultCode]) -> bool {
        self.faults().any(|fault| faults.contains(&fault))
    }

    /// Whether the rule of faults speaks of one of these.
    pub(crate) fn tells_fault(&self, faults: &[FaultCode]) -> bool {
        self.checks.has(&crate::rules::fault::RULE.info) && self.has_fault(faults)
    }

    /// Whether the units cannot hear each other, so that what they say of each other means nothing.
    pub(crate) fn is_out_of_touch(&self) -> bool {
        self.has_fault(&[
            FaultCode::PARALLEL_CAN,
            FaultCode::PARALLEL_HOST_LOST,
            FaultCode::PARALLEL_SYNC_LOST,
        ])
    }

    /// How many units the bank has, as far as is known: the numbers that some unit knows to be there.
    pub(crate) fn known_size(&self) -> usize {
        let known = self.units.iter().flat_map(|unit| unit.known_numbers());
        known.collect::<BTreeSet<_>>().len()
    }

    /// The numbers that a unit knows to be there and no unit has that was given.
    pub(crate) fn strangers<'u>(&self, unit: &'u UnitSnapshot) -> impl Iterator<Item = usize> + 'u {
        let given: Vec<_> =
            self.units.iter().filter_map(|unit| Some(usize::from(unit.instance()?.0))).collect();
        unit.known_numbers().filter(move |number| !given.contains(number))
    }

    /// Whether all units of the bank are here and were read; not if no unit says who is in its bank, as
    /// older ones do not.
    pub(crate) fn is_whole(&self) -> bool {
        let told = |unit: &&UnitSnapshot| unit.ratings.iter().any(|told| told.value().is_some());
        self.units.iter().any(told)
            && self.units.len() == self.given.len()
            && self.known_size() <= self.units.len()
            && self.units.iter().all(|unit| unit.lost.is_none() && unit.status.value().is_some())
    }

    /// Whether the units feed different phases.
    pub(crate) fn has_phases(&self) -> bool {
        let modes = self.units.iter().filter_map(|unit| Some(unit.rated.value()?.output_mode));
        modes.into_iter().any(|mode| mode.0 >= OutputMode::PHASE_1_OF_3.0)
    }

    /// The live units by the output that they share: all of them, or in a bank of phases those of each.
    /// There, one that does not say its phase is with nobody.
    pub(crate) fn sharing(&self) -> Vec<Sharing<'_, 'a>> {
        if !self.has_phases() {
            return vec![Sharing { phase: None, units: self.live.iter().collect() }];
        }
        let mut all: Vec<Sharing<'_, 'a>> = Vec::new();
        for live in &self.live {
            let Some(rated) = live.unit.rated.value() else { continue };
            let phase = Some(rated.output_mode);
            match all.iter_mut().find(|sharing| sharing.phase == phase) {
                Some(sharing) => sharing.units.push(live),
                None => all.push(Sharing { phase, units: vec![live] }),
            }
        }
        all
    }

    /// The one unit that has this number.
    pub(crate) fn by_instance(&self, number: usize) -> Option<&'a UnitSnapshot> {
        let mut found = self.units.iter().filter(|unit| has_number(unit, number));
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }
}

/// Whether two snapshots may be of one unit: they report one serial number, and not two numbers in
/// their bank.
pub(crate) fn may_be_one(one: &UnitSnapshot, other: &UnitSnapshot) -> bool {
    let is_apart = one.instance().zip(other.instance()).is_some_and(|(one, other)| one != other);
    one.serial_number().is_some() && one.serial_number() == other.serial_number() && !is_apart
}

/// Whether a unit says that it has this number.
fn has_number(unit: &UnitSnapshot, number: usize) -> bool {
    unit.instance().is_some_and(|instance| usize::from(instance.0) == number)
}

impl<'a> Measured<'a> {
    fn of(unit: &'a UnitSnapshot) -> Option<Self> {
        let Reading { value, at } = unit.status.reading()?;
        let own = unit.statuses.get(usize::from(value.parallel_instance.0));
        let again = own.and_then(Answer::value).filter(|own| own.presence == Presence::PRESENT);
        Some(Self { unit, status: value, at, again })
    }

    pub(crate) fn value(&self, value: impl Display) -> Observed {
        observed(self.unit, value)
    }
}

pub(crate) fn observed(unit: &UnitSnapshot, value: impl Display) -> Observed {
    Observed { unit: unit.name.clone(), value: value.to_string() }
}

/// Each unit with a part of a reply; those that did not say it are left out.
pub(crate) fn each<'a, T: Display>(
    units: &[&'a UnitSnapshot],
    value: impl Fn(&'a UnitSnapshot) -> Option<T>,
) -> Vec<Observed> {
    units.iter().filter_map(|unit| Some(observed(unit, value(unit)?))).collect()
}

/// Whether those that say it do not all say the same.
pub(crate) fn differ<'a, T: PartialEq>(
    units: &[&'a UnitSnapshot],
    value: impl Fn(&'a UnitSnapshot) -> Option<T>,
) -> bool {
    let mut values = units.iter().filter_map(|unit| value(unit));
    values.next().is_some_and(|first| values.any(|other| other != first))
}

/// A quantity that can be subtracted.
pub(crate) trait Steps: Copy + Display {
    fn steps(self) -> i64;
    fn from_steps(steps: i64) -> Self;
}

macro_rules! steps {
    ($($ty:ident),+) => { $(
        impl Steps for $ty {
            fn steps(self) -> i64 {
                self.0.into()
            }
            fn from_steps(steps: i64) -> Self {
                Self(steps.try_into().unwrap_or_default())
            }
        }
    )+ };
}

steps!(Decivolts, Decihertz, Amperes, Percent, Watts);

/// The greatest difference between any two.
pub(crate) fn spread<Q: Steps>(values: impl Iterator<Item = Q> + Clone) -> Q {
    let steps = values.map(Steps::steps);
    let (most, least) = (steps.clone().max(), steps.min());
    Q::from_steps(most.unwrap_or(0) - least.unwrap_or(0))
}

/// The greatest difference between any two units, if it is more than `most` both times that they say
/// it: what changes just then is no difference.
pub(crate) fn lasting_spread<Q: Steps>(
    units: &[&Measured<'_>],
    most: Q,
    value: fn(&GeneralStatus) -> Q,
    again: fn(&ParallelStatus) -> Q,
) -> Option<Q> {
    let found = spread(units.iter().map(|live| value(&live.status)));
    let later: Option<Vec<Q>> = units.iter().map(|live| live.again.as_ref().map(again)).collect();
    let lasts = later.is_none_or(|later| spread(later.into_iter()).steps() > most.steps());
    (found.steps() > most.steps() && lasts).then_some(found)
}

/// The difference, whichever is greater.
pub(crate) fn apart<Q: Steps>(one: Q, other: Q) -> i64 {
    (one.steps() - other.steps()).abs()
}

/// The most elements whose times lie within `most` of each other; the earliest if there are several
/// such sets.
pub(crate) fn window<T: Copy>(all: &[T], at: impl Fn(&T) -> Duration, most: Duration) -> Vec<T> {
    let within = |start: &T| {
        let (from, until) = (at(start), at(start).saturating_add(most));
        all.iter().filter(|each| (from..=until).contains(&at(each))).copied().collect::<Vec<_>>()
    };
    let mut best = Vec::new();
    let mut starts: Vec<_> = all.iter().collect();
    starts.sort_by_key(|start| at(start));
    for start in starts {
        let found = within(start);
        if found.len() > best.len() {
            best = found;
        }
    }
    best
}
