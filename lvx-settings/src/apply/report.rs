//! How it ended: what is now true of every unit.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Apply, verify::Shown};
use crate::{Setting, Settings, Value};

/// How carrying out a plan ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ending {
    /// Everything was already as it was wanted; nothing was written.
    NothingToDo,
    /// Something spoke against it beforehand; nothing was written.
    Refused,
    /// Every unit has what was wanted.
    Applied,
    /// Every unit has what it had before.
    Undone,
    /// Neither: see what each unit has.
    Mixed,
}

/// What is now true.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// How it ended.
    pub ending: Ending,
    /// What went wrong, if something did.
    pub why: Option<String>,
    /// What else has to be known.
    pub remarks: Vec<String>,
    /// How many set commands were sent.
    pub writes: u64,
    /// Whether all units were seen to have the same of the twelve settings that must be equal;
    /// `None` with a single unit, or one that could not be read.
    pub units_agree: Option<bool>,
    /// The units.
    pub units: Vec<UnitReport>,
}

/// What is now true of one unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UnitReport {
    /// How it was reached.
    pub address: String,
    /// Its serial number.
    pub serial_number: pi18_proto::SerialNumber,
    /// Where it stands.
    pub state: State,
    /// Why it could not be read, if so.
    pub unread: Option<String>,
    /// The settings that were to change.
    pub settings: Vec<SettingReport>,
    /// Other settings that somebody else changed meanwhile.
    pub changed_by_others: Vec<SettingReport>,
}

/// Where a unit stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// Nothing was to change.
    Unchanged,
    /// All settings are as they were before.
    Old,
    /// All settings are as they were wanted.
    New,
    /// Some are, some are not.
    Between,
    /// It could not be read in the end.
    Unknown,
}

/// What is now true of one setting.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SettingReport {
    /// The setting.
    pub setting: Setting,
    /// Before.
    #[serde(serialize_with = "as_text")]
    pub old: Option<Value>,
    /// As wanted.
    #[serde(serialize_with = "as_text")]
    pub new: Option<Value>,
    /// As read in the end, twice alike.
    #[serde(serialize_with = "as_text")]
    pub now: Option<Value>,
}

#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
fn as_text<S: serde::Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

impl Report {
    /// After the units were read a last time.
    pub(super) fn new(apply: &Apply, shown: &[Shown]) -> Self {
        let units = unit_reports(apply, shown);
        let untouched = units.iter().all(|unit| unit.changed_by_others.is_empty());
        let all = |state| {
            let good = |unit: &UnitReport| unit.state == state || unit.state == State::Unchanged;
            untouched && units.iter().all(good)
        };
        let ending = match apply.why {
            None if all(State::New) => Ending::Applied,
            Some(_) if all(State::Old) => Ending::Undone,
            _ => Ending::Mixed,
        };
        Self {
            ending,
            why: apply.why.clone(),
            remarks: apply.remarks.clone(),
            writes: apply.writes,
            units_agree: agree(shown).filter(|_| apply.doubts.is_empty()),
            units,
        }
    }

    /// Nothing was written: there was nothing to do, or something spoke against it.
    pub(super) fn unwritten(apply: &Apply, shown: &[Shown]) -> Self {
        Self {
            ending: if apply.why.is_some() { Ending::Refused } else { Ending::NothingToDo },
            why: apply.why.clone(),
            remarks: Vec::new(),
            writes: 0,
            units_agree: agree(shown),
            units: unit_reports(apply, shown),
        }
    }

    /// Why not every unit has what was wanted, and all else as it was, if so.
    pub(super) fn not_as_planned(&self) -> Option<String> {
        self.units.iter().find_map(|unit| {
            let serial = unit.serial_number;
            let off = unit.settings.iter().find(|setting| setting.now != setting.new);
            let off = off.filter(|_| !matches!(unit.state, State::New | State::Unchanged));
            let setting = unit.changed_by_others.first().or(off);
            match (setting, &unit.unread) {
                (_, Some(why)) => Some(format!("{serial}: it could not be read in the end: {why}")),
                (Some(setting), None) => Some(format!(
                    "{serial}: another program, or the unit itself, changed something: {setting}"
                )),
                (None, None) => None,
            }
        })
    }
}

fn unit_reports(apply: &Apply, shown: &[Shown]) -> Vec<UnitReport> {
    let steps = apply.plan.steps.len();
    let (old, new) = (apply.plan.settings_after(0), apply.plan.settings_after(steps));
    let states = old.iter().zip(&new).zip(shown);
    apply
        .plan
        .units
        .iter()
        .enumerate()
        .zip(states)
        .map(|((at, planned), ((old, new), shown))| {
            let doubtful = Err("a write may still show".to_owned());
            let doubt = shown.is_ok() && apply.doubts.contains(&at);
            let shown = if doubt { &doubtful } else { shown };
            let touched: Vec<_> = apply.plan.touched(at).collect();
            let part = |all: &Settings| all.only(|setting| touched.contains(&setting));
            let (before, after) = (part(old), part(new));
            let state = match shown {
                Err(_) => State::Unknown,
                Ok(_) if touched.is_empty() => State::Unchanged,
                Ok(now) if now.satisfy(&after) => State::New,
                Ok(now) if now.satisfy(&before) => State::Old,
                Ok(_) => State::Between,
            };
            let now = shown.as_ref().map_or(Settings::default(), |now| *now);
            let report = |setting| SettingReport {
                setting,
                old: old.get(setting),
                new: new.get(setting),
                now: now.get(setting),
            };
            // The clock moves by itself.
            let others = old.differences(&now).map(|change| change.setting);
            let others =
                others.filter(|setting| !touched.contains(setting) && *setting != Setting::Clock);
            UnitReport {
                address: planned.address.clone(),
                serial_number: planned.unit.serial_number,
                state,
                unread: shown.as_ref().err().cloned(),
                settings: touched.iter().copied().map(report).collect(),
                changed_by_others: others.map(report).collect(),
            }
        })
        .collect()
}

/// Whether the units have the same of what must be equal; `None` if that is not known.
fn agree(shown: &[Shown]) -> Option<bool> {
    let known = shown.iter().map(|shown| shown.as_ref().ok()).collect::<Option<Vec<_>>>()?;
    let (first, others) = known.split_first().filter(|(_, others)| !others.is_empty())?;
    let wanted = first.only(|setting| Setting::AGREEING.contains(&setting));
    let differs = |other: &&Settings| !other.satisfy(&wanted);
    (!wanted.is_empty()).then(|| others.iter().all(|other| !differs(other)))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.writes == 1 { "" } else { "s" };
        match self.ending {
            Ending::NothingToDo => writeln!(f, "everything is already so; nothing was written")?,
            Ending::Refused => writeln!(f, "not begun; nothing was written")?,
            Ending::Applied => writeln!(f, "applied and proved: {} write{plural}", self.writes)?,
            Ending::Undone => {
                writeln!(
                    f,
                    "undone: everything is as it was before; {} write{plural}",
                    self.writes
                )?;
            }
            Ending::Mixed => writeln!(
                f,
                "NOT as wanted and NOT as before, see each unit; {} write{plural}",
                self.writes
            )?,
        }
        if let Some(why) = &self.why {
            for line in why.lines() {
                writeln!(f, "  {line}")?;
            }
        }
        for remark in &self.remarks {
            writeln!(f, "  {remark}")?;
        }
        for unit in &self.units {
            write!(f, "{} ({}): {}", unit.serial_number, unit.address, unit.state)?;
            match &unit.unread {
                Some(why) => writeln!(f, ": {why}")?,
                None => writeln!(f)?,
            }
            if self.ending == Ending::Mixed && unit.unread.is_none() {
                for setting in &unit.settings {
                    writeln!(f, "  {setting}")?;
                }
            }
            for setting in &unit.changed_by_others {
                writeln!(f, "  changed by another program, or the unit itself: {setting}")?;
            }
        }
        match self.units_agree {
            Some(true) => writeln!(f, "the units agree in the twelve settings that must be equal"),
            Some(false) => writeln!(f, "the units DIFFER in settings that must be equal"),
            None if self.units.len() > 1 => {
                writeln!(f, "whether the units agree is not known")
            }
            None => Ok(()),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingToDo => "there was nothing to do",
            Self::Refused => "not begun",
            Self::Applied => "applied",
            Self::Undone => "undone",
            Self::Mixed => "neither as wanted nor as before",
        })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unchanged => "nothing was to change",
            Self::Old => "as it was before",
            Self::New => "as wanted",
            Self::Between => "in between",
            Self::Unknown => "not known",
        })
    }
}

impl fmt::Display for SettingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text =
            |value: Option<Value>| value.map_or("not known".to_owned(), |value| value.to_string());
        write!(
            f,
            "{}: now {} (before {}, wanted {})",
            self.setting,
            text(self.now),
            text(self.old),
            text(self.new)
        )
    }
}
