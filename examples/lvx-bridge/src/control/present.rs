//! Present values and options of the settings that may be changed.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use lvx_settings::{Allowed, Battery, Limits, Setting, SettingValue, Settings, Unit};
use pi18_proto::SerialNumber;

use super::{ControlItem, option_text};
use crate::Snapshot;

/// What is known about the units of a bank.
#[derive(Debug)]
pub(crate) struct Present {
    allow: Vec<Setting>,
    battery: Option<Battery>,
    units: Vec<Known>,
}

/// What is known about one unit.
#[derive(Debug)]
struct Known {
    serial: SerialNumber,
    /// Limits of the unit; `None` before it was read.
    limits: Option<Limits>,
    /// Values, and when they were read.
    values: BTreeMap<Setting, (SettingValue, Instant)>,
}

impl Present {
    /// Knows nothing about the units yet.
    pub(crate) fn new(
        allow: &[Setting],
        battery: Option<Battery>,
        serials: impl IntoIterator<Item = SerialNumber>,
    ) -> Self {
        let unknown = |serial| Known { serial, limits: None, values: BTreeMap::new() };
        let units = serials.into_iter().map(unknown).collect();
        Self { allow: allow.to_vec(), battery, units }
    }

    /// Returns whether the limits of every unit are known.
    pub(crate) fn is_complete(&self) -> bool {
        self.units.iter().all(|unit| unit.limits.is_some())
    }

    /// Takes a unit that was read completely.
    pub(crate) fn take_unit(&mut self, unit: &Unit, at: Instant) {
        if let Some(known) = self.known(unit.serial_number) {
            known.limits = Some(Limits::of(unit));
        }
        let settings = unit.settings();
        for setting in self.allow.clone() {
            self.take_value(unit.serial_number, setting, settings.get(setting), at);
        }
    }

    /// Takes the value of a setting; `None` if it is not known any more.
    pub(crate) fn take_value(
        &mut self,
        serial: SerialNumber,
        setting: Setting,
        value: Option<SettingValue>,
        at: Instant,
    ) {
        let Some(known) = self.known(serial) else { return };
        match value {
            Some(value) => drop(known.values.insert(setting, (value, at))),
            None => drop(known.values.remove(&setting)),
        }
    }

    /// Takes the values of a snapshot that are newer than those that are known.
    pub(crate) fn take_snapshot(&mut self, snapshot: &Snapshot) {
        for view in &snapshot.units {
            for setting in self.allow.clone() {
                let held = view.held.iter().find(|held| held.query == setting.query());
                let Some((reply, at)) = held.and_then(|held| held.reply.as_ref()) else { continue };
                let Some(known) = self.known(view.serial) else { continue };
                if known.values.get(&setting).is_some_and(|(_, before)| before >= at) {
                    continue;
                }
                let mut settings = Settings::default();
                settings.take(reply, None);
                if let Some(value) = settings.get(setting) {
                    known.values.insert(setting, (value, *at));
                }
            }
        }
    }

    /// Returns the value of a setting on each unit, as text; `None` if it is not known or too old.
    pub(crate) fn values(
        &self,
        setting: Setting,
        now: Instant,
    ) -> Vec<(SerialNumber, Option<String>)> {
        let value = |known: &Known| {
            let (value, at) = known.values.get(&setting)?;
            let age = now.saturating_duration_since(*at);
            (age <= MAX_AGE).then(|| option_text(*value))
        };
        self.units.iter().map(|known| (known.serial, value(known))).collect()
    }

    /// Returns the values that every unit accepts, as text; empty while a unit was not read.
    pub(crate) fn options(&self, setting: Setting) -> Vec<String> {
        let mut limits = self.units.iter().map(|known| known.limits.as_ref());
        let Some(first) = limits.next().flatten() else { return Vec::new() };
        let texts = match &first.get(setting).allowed {
            Allowed::Listed(amperes) => {
                amperes.iter().map(|amperes| format!("{amperes} A")).collect()
            }
            _ => setting.shape().words(),
        };
        let values = texts.iter().filter_map(|text| setting.parse(text).ok());
        let fits = |value: &SettingValue| {
            self.is_within_guard(setting, *value)
                && self.units.iter().all(|known| {
                    let limits = known.limits.as_ref();
                    limits.is_some_and(|limits| limits.check(setting, *value).is_ok())
                })
        };
        let mut options: Vec<String> = Vec::new();
        for option in values.filter(fits).map(option_text) {
            if !options.contains(&option) {
                options.push(option);
            }
        }
        options
    }

    /// Returns whether all units together stay within the charge current of the battery guard.
    pub(super) fn is_within_guard(&self, setting: Setting, value: SettingValue) -> bool {
        let SettingValue::Current(current) = value else { return true };
        let is_charge = matches!(setting, Setting::MaxChargeCurrent | Setting::MaxAcChargeCurrent);
        let max = self.battery.as_ref().and_then(|battery| battery.max_bank_charge_current);
        let all = u32::from(current.0)
            .saturating_mul(u32::try_from(self.units.len()).unwrap_or(u32::MAX));
        !is_charge || max.is_some_and(|max| all <= u32::from(max.0))
    }

    /// Returns the items of the view. `blocked` is why no setting can be changed now.
    pub(crate) fn items(&self, blocked: Option<&str>, now: Instant) -> Vec<ControlItem> {
        let item = |&setting: &Setting| {
            let (values, options) = (self.values(setting, now), self.options(setting));
            let first = values.first().and_then(|(_, value)| value.clone());
            let is_same = values.iter().all(|(_, value)| *value == first);
            let unread = "the limits of a unit were not read yet";
            let blocked = blocked
                .or((!self.is_complete()).then_some(unread))
                .map(str::to_owned)
                .or_else(|| options.is_empty().then(|| "no value fits every unit".to_owned()));
            ControlItem { setting, options, values, value: first.filter(|_| is_same), blocked }
        };
        self.allow.iter().map(item).collect()
    }

    fn known(&mut self, serial: SerialNumber) -> Option<&mut Known> {
        self.units.iter_mut().find(|known| known.serial == serial)
    }
}

/// Age from which a value is not known any more. Settings are read every few minutes.
const MAX_AGE: Duration = Duration::from_mins(15);
