//! Warnings for the person who decides whether to carry out a plan.

use std::fmt;

use pi18_proto::SerialNumber;
use serde::Serialize;

use super::{Plan, bank::BankCurrent};
use crate::{Limits, Setting};

/// A warning for the person who decides whether to carry out a plan.
///
/// `Display` writes the place and the text.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[non_exhaustive]
pub struct PlanWarning {
    /// Kind of the warning.
    pub kind: PlanWarningKind,
    /// Serial number of the unit concerned; `None` if the warning concerns the bank.
    pub unit: Option<SerialNumber>,
    /// The settings concerned; may be empty.
    pub settings: Vec<Setting>,
    /// Description.
    pub text: String,
}

/// Kinds of warnings.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PlanWarningKind {
    /// The old value of a setting cannot be written back.
    NotRestorable,
    /// Units of the bank are not in the plan.
    LeftOut,
    /// The charge currents of all units together exceed the battery guard.
    BankCurrent,
}

impl Plan {
    /// Returns warnings for the person who decides whether to carry out the plan: old values that cannot
    /// be restored, units of the bank that are missing, and a sum of charge currents that exceeds the
    /// guard.
    ///
    /// ```
    /// use lvx_settings::{HostClock, Permissions, Plan, PlanWarningKind, Profile, Unit};
    /// use pi18_transport::Client;
    ///
    /// let profile = Profile::parse("bank.yaml", "backlight: off\n")?;
    /// let unit = Unit::read(&mut Client::open("sim:0")?, &HostClock::system())?;
    /// let units = [("sim:0".to_owned(), unit)];
    /// let plan = Plan::for_profile(profile.profile(), units, &Permissions::default())?;
    /// let warnings = plan.warnings();
    /// assert_eq!(warnings[0].kind, PlanWarningKind::LeftOut);
    /// assert_eq!(
    ///     warnings[0].to_string(),
    ///     "the bank has at least 2 units; not in the plan: unit 96132206100411 (instance 1)"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn warnings(&self) -> Vec<PlanWarning> {
        let mut warnings = self.not_restorable();
        let left_out = self.left_out();
        if !left_out.is_empty() {
            let count = self.units.len() + left_out.len();
            let names: Vec<_> = left_out.iter().map(ToString::to_string).collect();
            warnings.push(PlanWarning {
                kind: PlanWarningKind::LeftOut,
                unit: None,
                settings: Vec::new(),
                text: format!(
                    "the bank has at least {count} units; not in the plan: {}",
                    names.join(", ")
                ),
            });
        }
        let excess = BankCurrent::of(self)
            .and_then(|current| current.excess(&self.settings_after(usize::MAX)));
        warnings.extend(excess.map(|text| PlanWarning {
            kind: PlanWarningKind::BankCurrent,
            unit: None,
            settings: vec![Setting::MaxChargeCurrent],
            text,
        }));
        warnings
    }

    /// Returns a warning for each old value that cannot be written back.
    fn not_restorable(&self) -> Vec<PlanWarning> {
        let mut warnings = Vec::new();
        for step in &self.steps {
            let Some(planned) = self.units.get(step.unit) else { continue };
            let limits = Limits::of(&planned.unit);
            for (setting, value) in step.from.iter() {
                if let Err(error) = limits.check(setting, value)
                    && step.to.get(setting) != Some(value)
                {
                    warnings.push(PlanWarning {
                        kind: PlanWarningKind::NotRestorable,
                        unit: Some(planned.unit.serial_number),
                        settings: vec![setting],
                        text: format!("{setting} cannot be restored after the change: {error}"),
                    });
                }
            }
        }
        warnings.sort_by_key(ToString::to_string);
        warnings.dedup();
        warnings
    }
}

impl fmt::Display for PlanWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(unit) = self.unit {
            write!(f, "{unit}: ")?;
        }
        f.write_str(&self.text)
    }
}
