//! Checks of a battery guard, and the combination of a site's guard with a profile's.

use std::fmt;

use pi18_proto::Decivolts;
use serde::Serialize;

use super::{Battery, Chemistry, Millivolts};
use crate::model::class::Class;

/// A mistake in a battery guard, or a value that it lacks.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, thiserror::Error)]
#[error("{text}; {advice}")]
#[non_exhaustive]
pub struct GuardError {
    /// The keys concerned, as a profile writes them; the wrong one first.
    pub keys: Vec<&'static str>,
    /// The key, the value expected and the value found.
    pub text: String,
    /// Advice for correcting it.
    pub advice: String,
}

impl GuardError {
    fn new(keys: &[&'static str], text: String, advice: impl Into<String>) -> Self {
        Self { keys: keys.to_vec(), text, advice: advice.into() }
    }
}

impl Battery {
    /// Returns the mistakes in the guard that do not depend on a unit: cell voltages outside the range of
    /// the chemistry, a number of cells for which no unit exists, or cells that the packs do not have.
    #[must_use]
    pub fn errors(&self) -> Vec<GuardError> {
        let mut found = Vec::new();
        found.extend(self.cell_voltages());
        found.extend(self.order());
        found.extend(self.cell_count());
        found.extend(self.cells_of_packs());
        found
    }

    /// Returns an error that lists the missing keys; `None` if the guard is complete.
    #[must_use]
    pub fn incomplete(&self) -> Option<GuardError> {
        let stated = [
            (CHEMISTRY, self.chemistry.is_some()),
            (CELLS, self.cells.is_some()),
            (MAX_CELL, self.max_cell_voltage.is_some()),
            (MIN_CELL, self.min_cell_voltage.is_some()),
        ];
        let missing: Vec<_> =
            stated.into_iter().filter(|(_, stated)| !stated).map(|(key, _)| key).collect();
        if missing.is_empty() {
            return None;
        }
        let text = format!("the battery guard is incomplete: {} missing", listed(&missing));
        let advice = "state chemistry, cells, max_cell_voltage and min_cell_voltage";
        Some(GuardError::new(&missing, text, advice))
    }

    /// Returns an error if the battery does not fit a unit with this rated battery voltage, that is, if
    /// its nominal voltage differs by more than 10 %.
    ///
    /// Returns `None` if it fits, or if the guard lacks chemistry or cells.
    #[must_use]
    pub fn mismatch(&self, rated: Decivolts) -> Option<GuardError> {
        let (chemistry, cells, nominal) = (self.chemistry?, self.cells?, self.nominal()?);
        if is_near(nominal, rated) {
            return None;
        }
        let text = format!(
            "cells: expected {rated} +/- 10 %, the unit's rated battery voltage, found {nominal} from \
             {cells} {chemistry} cells in series"
        );
        Some(GuardError::new(&[CELLS, CHEMISTRY], text, "check the number of cells in series"))
    }

    /// Returns this guard of a site, narrowed by the guard of a profile or a plan.
    ///
    /// # Errors
    /// For every key in which the profile's guard is wider than the site's or describes another battery,
    /// with both values.
    ///
    /// ```
    /// use lvx_settings::{Battery, Chemistry, Millivolts};
    ///
    /// let site = Battery::new(Chemistry::Lfp, 16, Millivolts(2800), Millivolts(3600));
    /// let narrower = Battery::parse("bank.yaml", "
    /// {chemistry: lfp, cells: 16, max_cell_voltage: 3.50 V, min_cell_voltage: 2.80 V}
    /// ")?;
    /// assert_eq!(site.narrowed(&narrower), Ok(narrower));
    /// assert!(narrower.narrowed(&site).is_err());
    /// # Ok::<(), lvx_settings::Diagnostics>(())
    /// ```
    pub fn narrowed(&self, profile: &Self) -> Result<Self, Vec<GuardError>> {
        let mut found = Vec::new();
        let mut differ = |key, stated: &dyn fmt::Display, site: &dyn fmt::Display, bound: &str| {
            let text = format!(
                "{key}: expected {bound}{site} as in the site's battery guard, found {stated}"
            );
            let advice =
                "correct the wrong one; a profile or a plan may only narrow the site's guard";
            found.push(GuardError::new(&[key], text, advice));
        };
        if let (Some(site), Some(stated)) = (self.chemistry, profile.chemistry)
            && stated != site
        {
            differ(CHEMISTRY, &stated, &site, "");
        }
        if let (Some(site), Some(stated)) = (self.cells, profile.cells)
            && stated != site
        {
            differ(CELLS, &stated, &site, "");
        }
        if let (Some(site), Some(stated)) = (self.max_cell_voltage, profile.max_cell_voltage)
            && stated > site
        {
            differ(MAX_CELL, &stated, &site, "at most ");
        }
        if let (Some(site), Some(stated)) = (self.min_cell_voltage, profile.min_cell_voltage)
            && stated < site
        {
            differ(MIN_CELL, &stated, &site, "at least ");
        }
        if let (Some(site), Some(stated)) =
            (self.max_bank_charge_current, profile.max_bank_charge_current)
            && stated > site
        {
            differ(MAX_BANK, &stated, &site, "at most ");
        }
        if let (Some(site), Some(stated)) = (self.packs, profile.packs)
            && stated != site
        {
            differ(PACKS, &stated, &site, "");
        }
        if !found.is_empty() {
            return Err(found);
        }
        Ok(Self {
            chemistry: profile.chemistry.or(self.chemistry),
            cells: profile.cells.or(self.cells),
            max_cell_voltage: profile.max_cell_voltage.or(self.max_cell_voltage),
            min_cell_voltage: profile.min_cell_voltage.or(self.min_cell_voltage),
            max_bank_charge_current: profile
                .max_bank_charge_current
                .or(self.max_bank_charge_current),
            packs: profile.packs.or(self.packs),
        })
    }

    /// Checks that the stated cells are those of the packs.
    fn cells_of_packs(&self) -> Vec<GuardError> {
        let Some(model) = self.packs.map(|packs| packs.model) else { return Vec::new() };
        let mut found = Vec::new();
        let mut differ = |key, stated: &dyn fmt::Display, of_model: &dyn fmt::Display| {
            let text = format!("{key}: expected {of_model} as {model} packs have, found {stated}");
            found.push(GuardError::new(&[key, PACKS], text, "correct the wrong one, or remove it"));
        };
        if let Some(stated) = self.chemistry.filter(|stated| *stated != model.chemistry()) {
            differ(CHEMISTRY, &stated, &model.chemistry());
        }
        if let Some(stated) = self.cells.filter(|stated| *stated != model.cells()) {
            differ(CELLS, &stated, &model.cells());
        }
        found
    }

    /// Checks that the cell voltages are in the range of the chemistry, or of any chemistry.
    fn cell_voltages(&self) -> Vec<GuardError> {
        let both = [(MAX_CELL, self.max_cell_voltage), (MIN_CELL, self.min_cell_voltage)];
        let stated = both.into_iter().filter_map(|(key, voltage)| Some((key, voltage?)));
        let (low, high) = self.chemistry.map_or_else(any_cell, Chemistry::cell_range);
        let outside = stated.filter(|(_, voltage)| !(low..=high).contains(voltage));
        let error = |(key, voltage): (&'static str, Millivolts)| {
            let whose = self
                .chemistry
                .map_or("all chemistries".to_owned(), |chemistry| format!("{chemistry} cells"));
            let text =
                format!("{key}: expected {low} to {high}, the range of {whose}, found {voltage}");
            let other = self.chemistry.and_then(|chemistry| of_another(chemistry, voltage));
            let advice = match other {
                Some(other) => {
                    format!(
                        "{other} cells have such a voltage: correct the chemistry or the voltage"
                    )
                }
                None => "state the voltage of one cell, not of the battery".to_owned(),
            };
            match self.chemistry {
                Some(_) => GuardError::new(&[key, CHEMISTRY], text, advice),
                None => GuardError::new(&[key], text, advice),
            }
        };
        outside.map(error).collect()
    }

    /// Checks that the maximum cell voltage is above the minimum.
    fn order(&self) -> Option<GuardError> {
        let (max, min) = (self.max_cell_voltage?, self.min_cell_voltage?);
        (max <= min).then(|| {
            let text =
                format!("max_cell_voltage: expected more than min_cell_voltage {min}, found {max}");
            GuardError::new(&[MAX_CELL, MIN_CELL], text, "correct the wrong one")
        })
    }

    /// Checks that the nominal voltage is near a rated battery voltage of the units.
    fn cell_count(&self) -> Option<GuardError> {
        let cells = self.cells?;
        let text = if cells == 0 {
            "cells: expected a number of cells such as 16, found 0".to_owned()
        } else {
            let (chemistry, nominal) = (self.chemistry?, self.nominal()?);
            if Class::ALL.iter().any(|class| is_near(nominal, class.rated())) {
                return None;
            }
            format!(
                "cells: expected a battery of 12, 24 or 48 V +/- 10 %, found {nominal} from {cells} \
                 {chemistry} cells in series"
            )
        };
        Some(GuardError::new(&[CELLS, CHEMISTRY], text, "check the number of cells in series"))
    }
}

/// Returns whether a nominal voltage is within 10 % of a rated one.
fn is_near(nominal: Decivolts, rated: Decivolts) -> bool {
    u32::from(nominal.0.abs_diff(rated.0)) * 10 <= u32::from(rated.0)
}

/// Returns the lowest and the highest voltage of cells of any chemistry.
fn any_cell() -> (Millivolts, Millivolts) {
    let ranges = || Chemistry::ALL.into_iter().map(Chemistry::cell_range);
    let none = Millivolts(0);
    (
        ranges().map(|(low, _)| low).min().unwrap_or(none),
        ranges().map(|(_, high)| high).max().unwrap_or(none),
    )
}

/// Returns another chemistry whose cells have such a voltage.
fn of_another(chemistry: Chemistry, voltage: Millivolts) -> Option<Chemistry> {
    let has = |other: &Chemistry| {
        let (low, high) = other.cell_range();
        *other != chemistry && (low..=high).contains(&voltage)
    };
    Chemistry::ALL.into_iter().find(has)
}

/// Returns `a is`, `a and b are`, or `a, b and c are`.
fn listed(keys: &[&str]) -> String {
    match keys {
        [] => String::new(),
        [one] => format!("{one} is"),
        [more @ .., last] => format!("{} and {last} are", more.join(", ")),
    }
}

const CHEMISTRY: &str = "chemistry";
const CELLS: &str = "cells";
const MAX_CELL: &str = "max_cell_voltage";
const MIN_CELL: &str = "min_cell_voltage";
const MAX_BANK: &str = "max_bank_charge_current";
const PACKS: &str = "packs";

#[cfg(test)]
mod tests {
    use pi18_proto::Amperes;

    use super::*;
    use crate::{PackModel, Packs};

    const EG4: Battery = Battery::new(Chemistry::Lfp, 16, Millivolts(2800), Millivolts(3600));

    #[track_caller]
    fn errors(battery: Battery) -> String {
        let rated = Decivolts(480);
        let found = battery.errors().into_iter().chain(battery.mismatch(rated));
        let found = found.chain(battery.incomplete());
        found.map(|error| error.to_string() + "\n").collect()
    }

    #[test]
    fn implausible_and_incomplete_guards_are_errors() {
        assert_eq!(errors(EG4), "");
        let only = |chemistry| Battery { chemistry: Some(chemistry), ..Battery::default() };
        let only_max = Battery { max_cell_voltage: Some(Millivolts(9990)), ..Battery::default() };
        let swapped = Battery::new(Chemistry::Lfp, 16, Millivolts(3600), Millivolts(2800));
        insta::assert_snapshot!(
            [
                errors(Battery { cells: Some(160), ..EG4 }),
                errors(Battery { cells: Some(17), ..EG4 }),
                errors(Battery { cells: Some(0), ..EG4 }),
                errors(only(Chemistry::Lfp)),
                errors(only_max),
                errors(Battery { max_cell_voltage: Some(Millivolts(4100)), ..EG4 }),
                errors(swapped),
            ]
            .join("\n")
        );
    }

    #[test]
    fn common_batteries_fit_units_of_their_voltage() {
        let fits = |chemistry, cells, rated| {
            Battery { chemistry: Some(chemistry), cells: Some(cells), ..Battery::default() }
                .mismatch(Decivolts(rated))
                .is_none()
        };
        for (chemistry, cells, rated) in [
            (Chemistry::Lfp, 4, 120),
            (Chemistry::Lfp, 8, 240),
            (Chemistry::Lfp, 15, 480),
            (Chemistry::Lfp, 16, 480),
            (Chemistry::Nmc, 7, 240),
            (Chemistry::Nmc, 13, 480),
            (Chemistry::Nmc, 14, 480),
            (Chemistry::LeadAcid, 6, 120),
            (Chemistry::LeadAcid, 24, 480),
        ] {
            assert!(fits(chemistry, cells, rated), "{cells} {chemistry}");
        }
        for (chemistry, cells, rated) in
            [(Chemistry::Lfp, 17, 480), (Chemistry::Lfp, 8, 480), (Chemistry::LeadAcid, 12, 480)]
        {
            assert!(!fits(chemistry, cells, rated), "{cells} {chemistry}");
        }
    }

    #[test]
    fn guard_with_packs_has_their_cells_and_a_profile_cannot_name_others() {
        let packs = Packs::new(PackModel::Eg4Lp4V2, 3).unwrap();
        let guard = EG4.with_packs(packs);
        assert_eq!(guard.errors(), []);
        assert_eq!(guard.max_cell_voltage, EG4.max_cell_voltage);
        assert_eq!(guard.max_bank_charge_current, Some(Amperes(300)));
        let wrong = errors(Battery { cells: Some(15), ..guard });
        assert_eq!(
            wrong,
            "cells: expected 16 as eg4-lp4-v2 packs have, found 15; correct the wrong one, or remove it\n"
        );
        let nmc =
            Battery { chemistry: Some(Chemistry::Nmc), cells: Some(14), ..Battery::default() };
        assert_eq!(nmc.with_packs(packs).cells_of_packs().len(), 2);
        assert_eq!(guard.narrowed(&EG4).unwrap().packs, Some(packs));
        assert_eq!(EG4.narrowed(&guard).unwrap(), guard);
        let others = Packs::new(PackModel::Eg4Lp4V2, 2).unwrap();
        let differ = guard.narrowed(&others.guard()).unwrap_err();
        let differ: Vec<_> = differ.iter().map(|error| error.text.as_str()).collect();
        let expected = [
            "max_cell_voltage: expected at most 3.60 V as in the site's battery guard, found 3.65 V",
            "packs: expected 3 eg4-lp4-v2 as in the site's battery guard, found 2 eg4-lp4-v2",
        ];
        assert_eq!(differ, expected);
    }

    #[test]
    fn profile_guard_narrows_the_site_guard_and_cannot_widen_it() {
        let site = EG4.with_max_bank_charge_current(Amperes(120));
        let narrower = Battery {
            max_cell_voltage: Some(Millivolts(3500)),
            max_bank_charge_current: Some(Amperes(100)),
            ..Battery::default()
        };
        let both = site.narrowed(&narrower).unwrap();
        assert_eq!(both.max_cell_voltage, Some(Millivolts(3500)));
        assert_eq!(both.max_bank_charge_current, Some(Amperes(100)));
        assert_eq!((both.cells, both.min_cell_voltage), (site.cells, site.min_cell_voltage));
        assert_eq!(site.narrowed(&site), Ok(site));
        let wider = Battery::new(Chemistry::Nmc, 14, Millivolts(2700), Millivolts(3650))
            .with_max_bank_charge_current(Amperes(121));
        let errors: Vec<_> =
            site.narrowed(&wider).unwrap_err().iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(errors.join("\n"));
    }
}
