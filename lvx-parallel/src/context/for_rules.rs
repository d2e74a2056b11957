//! The part of [`Context`] that rules of other crates use.

use std::fmt::Display;

use lvx_settings::Packs;
use pi18_proto::{FaultCode, GeneralStatus, Version};

use super::{Context, ReportedFault, differ, each};
use crate::{BankSnapshot, HostTime, Observed, Thresholds, UnitSnapshot};

/// Units and their answers.
impl<'a> Context<'a> {
    /// Returns each unit once, the master first. A unit that was given twice is in it once.
    #[must_use]
    pub fn units(&self) -> &[&'a UnitSnapshot] {
        &self.units
    }

    /// Returns the units that answered `GS` at about the same time, within
    /// [`Thresholds::max_skew`], so that their measurements can be compared. A unit that is switched off
    /// while others work is not among them.
    pub fn measured(&self) -> impl Iterator<Item = (&'a UnitSnapshot, &GeneralStatus)> {
        self.measured.iter().map(|measured| (measured.unit, &measured.status))
    }

    /// Returns whether the bank is complete: its units report which units it has, and all of them were given
    /// and read. Rules that need a sum over the bank return nothing otherwise.
    ///
    /// Returns `false` if no unit reports which units its bank has, as older units do not.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let has_rating =
            |unit: &&UnitSnapshot| unit.ratings.iter().any(|answer| answer.value().is_some());
        self.units.iter().any(has_rating)
            && !self.has_duplicate_unit()
            && self.known_size() <= self.units.len()
            && self.units.iter().all(|unit| unit.lost.is_none() && unit.status.value().is_some())
    }

    /// Returns the time at which reading started, by the clock of the computer that read the units. The times
    /// of readings count from here.
    #[must_use]
    pub fn started(&self) -> Option<HostTime> {
        self.started
    }
}

/// What the caller chose, and what other rules found.
impl<'a> Context<'a> {
    /// Returns the limits that rules use.
    #[must_use]
    pub fn thresholds(&self) -> &'a Thresholds {
        self.chosen.thresholds
    }

    /// Returns the version of the main firmware that all units should have, if the caller expects one.
    #[must_use]
    pub fn expected_firmware(&self) -> Option<Version> {
        self.chosen.expected_firmware
    }

    /// Returns the capacity of the battery in ampere-hours, if the caller knows it.
    #[must_use]
    pub fn bank_ah(&self) -> Option<u32> {
        self.chosen.bank_ah
    }

    /// Returns the battery packs that the site has, if the caller knows them.
    #[must_use]
    pub fn site_packs(&self) -> Option<Packs> {
        self.chosen.packs
    }

    /// Returns the earlier snapshot of the bank, if the caller has one.
    #[must_use]
    pub fn baseline(&self) -> Option<&'a BankSnapshot> {
        self.chosen.baseline
    }

    /// Returns whether the rule with this id is applied.
    #[must_use]
    pub fn applies(&self, id: &str) -> bool {
        self.chosen.applied.contains(&id)
    }

    /// Returns whether the rule with this id has reported something. All built-in rules that are applied have
    /// run before an added rule, so that it need not report the same cause again.
    #[must_use]
    pub fn has_reported(&self, id: &str) -> bool {
        self.reporting.iter().any(|each| each == id)
    }
}

/// Comparisons.
impl<'a> Context<'a> {
    /// Returns each unit with its value, for a finding. Units without the value are left out.
    pub fn values<T: Display>(
        &self,
        value: impl Fn(&'a UnitSnapshot) -> Option<T>,
    ) -> Vec<Observed> {
        each(&self.units, value)
    }

    /// Returns each [measured](Self::measured) unit with a measurement, for a finding.
    pub fn measured_values<T: Display>(
        &self,
        value: impl Fn(&GeneralStatus) -> T,
    ) -> Vec<Observed> {
        self.measured().map(|(unit, status)| Observed::new(unit, value(status))).collect()
    }

    /// Returns whether the units that have a value do not all have the same one.
    pub fn differs<T: PartialEq>(&self, value: impl Fn(&'a UnitSnapshot) -> Option<T>) -> bool {
        differ(&self.units, value)
    }

    /// Returns the least and the greatest measurement of the [measured](Self::measured) units; `None` with
    /// fewer than two such units.
    pub fn extremes<T: Ord>(&self, value: impl Fn(&GeneralStatus) -> T) -> Option<(T, T)> {
        if self.measured.len() < 2 {
            return None;
        }
        let least = self.measured().map(|(_, status)| value(status)).min()?;
        let greatest = self.measured().map(|(_, status)| value(status)).max()?;
        Some((least, greatest))
    }
}

/// Faults.
impl Context<'_> {
    /// Returns each active fault: what each unit reports about itself, and what others report about
    /// units that did not answer.
    pub fn faults(&self) -> impl Iterator<Item = FaultCode> {
        let own = self.units.iter().filter_map(|unit| unit.fault());
        own.chain(self.reported_faults.iter().map(|reported| reported.fault))
    }

    /// Returns the active fault of a unit: its own report, or else that of other units.
    #[must_use]
    pub fn fault_of(&self, unit: &UnitSnapshot) -> Option<FaultCode> {
        let is_reported = |reported: &&ReportedFault<'_>| {
            unit.faults.value().is_none() && unit.has_number(reported.number)
        };
        unit.fault().or_else(|| Some(self.reported_faults.iter().find(is_reported)?.fault))
    }

    /// Returns whether one of these faults is active.
    #[must_use]
    pub fn has_fault(&self, faults: &[FaultCode]) -> bool {
        self.faults().any(|fault| faults.contains(&fault))
    }
}
