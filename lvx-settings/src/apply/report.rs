//! How it ended: what is now true of every unit.

use serde::{Deserialize, Serialize};

use super::{Apply, Astray, Stray, verify::Shown};
use crate::{Setting, SettingValue, Settings, model::settings::same};

mod text;

/// How carrying out a plan ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[must_use = "a run may have ended without doing what was planned"]
pub enum Ending {
    /// Everything was already as it was wanted; nothing was written.
    NothingToDo,
    /// Something spoke against it beforehand; nothing was written.
    Refused,
    /// Every unit has what was wanted.
    Applied,
    /// Every unit has what it had before, except for foreign changes.
    Undone,
    /// Neither: see what each unit has.
    Mixed,
}

/// What is now true.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
#[must_use = "a run may have ended without doing what was planned"]
pub struct ApplyReport {
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
    /// Set commands that may have reached another unit than intended.
    pub strays: Vec<StrayReport>,
}

/// A set command that may have reached another unit than the one that it was meant for.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StrayReport {
    /// How the unit that it was meant for was reached.
    pub address: String,
    /// The serial number of the unit that it was meant for.
    pub serial_number: pi18_proto::SerialNumber,
    /// The command as it was sent.
    pub command: String,
    /// Why it may have reached another unit.
    #[serde(flatten)]
    pub cause: Astray,
    /// Whether the unit that may have got it was given back what it had, and that was proved.
    pub put_right: bool,
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
    pub state: SettingState,
    /// Why it could not be read, if so.
    pub unread: Option<String>,
    /// The settings that were to change.
    pub settings: Vec<SettingReport>,
    /// Settings that somebody else changed meanwhile: others than those that were to change, or those
    /// that are neither as before nor as wanted although nothing of the run is left to undo.
    pub changed_by_others: Vec<SettingReport>,
}

/// Where a unit stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SettingState {
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
    pub old: Option<SettingValue>,
    /// As wanted.
    #[serde(serialize_with = "as_text")]
    pub new: Option<SettingValue>,
    /// As read in the end, twice alike.
    #[serde(serialize_with = "as_text")]
    pub now: Option<SettingValue>,
}

#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
fn as_text<S: serde::Serializer>(
    value: &Option<SettingValue>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

impl ApplyReport {
    /// After the units were read a last time.
    pub(super) fn new(apply: &Apply, shown: &[Shown]) -> Self {
        let units = unit_reports(apply, shown);
        let strays: Vec<_> =
            apply.strays.iter().filter_map(|stray| stray_report(apply, stray)).collect();
        let at_large = |stray: &StrayReport| stray.cause != Astray::NeverShown && !stray.put_right;
        let all = |state| {
            let good =
                |unit: &UnitReport| unit.state == state || unit.state == SettingState::Unchanged;
            !strays.iter().any(at_large) && units.iter().all(good)
        };
        let ending = match apply.why {
            None if all(SettingState::New) => Ending::Applied,
            Some(_) if all(SettingState::Old) => Ending::Undone,
            _ => Ending::Mixed,
        };
        let left = apply.left.iter().map(|left| left.why.clone());
        Self {
            ending,
            why: apply.why.clone(),
            remarks: apply.remarks.iter().cloned().chain(left).collect(),
            writes: apply.writes,
            units_agree: agree(shown).filter(|_| apply.doubts.is_empty()),
            units,
            strays,
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
            strays: Vec::new(),
        }
    }

    /// Why not every unit has what was wanted, and all else as it was, if so.
    pub(super) fn not_as_planned(&self) -> Option<String> {
        self.units.iter().find_map(|unit| {
            let serial = unit.serial_number;
            let off = unit.settings.iter().find(|setting| setting.now != setting.new);
            let off =
                off.filter(|_| !matches!(unit.state, SettingState::New | SettingState::Unchanged));
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

fn stray_report(apply: &Apply, stray: &Stray) -> Option<StrayReport> {
    let planned = apply.plan.units.get(stray.unit)?;
    Some(StrayReport {
        address: planned.address.clone(),
        serial_number: planned.unit.serial_number,
        command: stray.command.clone(),
        cause: stray.cause,
        put_right: apply.is_corrected(stray),
    })
}

fn unit_reports(apply: &Apply, shown: &[Shown]) -> Vec<UnitReport> {
    let steps = apply.plan.steps.len();
    let (old, new) = (apply.plan.settings_after(0), apply.plan.settings_after(steps));
    let states = old.iter().zip(&new).zip(shown);
    (0..)
        .zip(states)
        .filter_map(|(at, ((old, new), shown))| unit_report(apply, at, [old, new], shown))
        .collect()
}

fn unit_report(
    apply: &Apply,
    at: usize,
    [old, new]: [&Settings; 2],
    shown: &Shown,
) -> Option<UnitReport> {
    let planned = apply.plan.units.get(at)?;
    let doubtful = Err("a write may still show".to_owned());
    let doubt = shown.is_ok() && apply.doubts.iter().any(|(unit, _)| *unit == at);
    let shown = if doubt { &doubtful } else { shown };
    let now = shown.as_ref().map_or(Settings::default(), |now| *now);
    let touched: Vec<_> = apply.plan.touched(at).collect();
    let taken_over = |setting: &Setting| {
        let is = |all: &Settings| match (all.get(*setting), now.get(*setting)) {
            (Some(one), Some(other)) => same(one, other),
            (one, other) => one == other,
        };
        shown.is_ok() && apply.is_over_for(at, *setting) && !is(old) && !is(new)
    };
    let (foreign, own): (Vec<_>, Vec<_>) = touched.iter().copied().partition(taken_over);
    let part = |all: &Settings| all.only(|setting| own.contains(&setting));
    let state = match shown {
        Err(_) => SettingState::Unknown,
        Ok(_) if touched.is_empty() => SettingState::Unchanged,
        Ok(now) if apply.why.is_some() && now.satisfy(&part(old)) => SettingState::Old,
        Ok(now) if now.satisfy(&part(new)) => SettingState::New,
        Ok(now) if now.satisfy(&part(old)) => SettingState::Old,
        Ok(_) => SettingState::Between,
    };
    let report = |setting| SettingReport {
        setting,
        old: old.get(setting),
        new: new.get(setting),
        now: now.get(setting),
    };
    // The clock moves by itself.
    let others = old.differences(&now).map(|change| change.setting);
    let others = others.filter(|setting| !touched.contains(setting) && *setting != Setting::Clock);
    Some(UnitReport {
        address: planned.address.clone(),
        serial_number: planned.unit.serial_number,
        state,
        unread: shown.as_ref().err().cloned(),
        settings: touched.iter().copied().map(report).collect(),
        changed_by_others: foreign.into_iter().chain(others).map(report).collect(),
    })
}

/// Whether the units have the same of what must be equal; `None` if that is not known.
fn agree(shown: &[Shown]) -> Option<bool> {
    let known = shown.iter().map(|shown| shown.as_ref().ok()).collect::<Option<Vec<_>>>()?;
    let (first, others) = known.split_first().filter(|(_, others)| !others.is_empty())?;
    let wanted = first.only(|setting| Setting::AGREEING.contains(&setting));
    let differs = |other: &&Settings| !other.satisfy(&wanted);
    (!wanted.is_empty()).then(|| others.iter().all(|other| !differs(other)))
}
