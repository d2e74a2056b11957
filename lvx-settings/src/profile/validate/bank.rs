//! Checks a profile for the units of a bank together.

use super::{Check, validate_for};
use crate::{
    Diagnostics, ObstacleKind, ParsedProfile, Permissions, Plan, Setting, Unit,
    profile::diagnostic::{Diagnostic, DiagnosticKind},
};

/// Diagnostics of a profile for several units, for each by itself and for all together.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[must_use = "a profile with errors cannot be used"]
pub struct BankDiagnostics {
    /// Diagnostics of [`validate_for`] for each unit, in the order of the units.
    pub units: Vec<Diagnostics>,
    /// Diagnostics that concern the units together.
    pub together: Diagnostics,
}

impl BankDiagnostics {
    /// Returns whether the profile cannot be applied to these units.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.together.has_errors() || self.units.iter().any(Diagnostics::has_errors)
    }
}

/// Checks a profile for units that will be set together, each with the address at which it was read. In
/// addition to [`validate_for`] for each, this checks the rules of their bank.
///
/// The result has no errors exactly if [`Plan::for_profile`] finds a plan for the units under these
/// permissions, with every installation setting permitted.
///
/// ```
/// use lvx_settings::{HostClock, Permissions, Profile, Unit, validate_for_bank};
/// use pi18_transport::Client;
///
/// let profile = Profile::parse("bank.yaml", "output_mode: phase_1_of_2\n")?;
/// let host = HostClock::system();
/// let mut units = Vec::new();
/// for address in ["sim:0", "sim:1"] {
///     units.push((address.to_owned(), Unit::read(&mut Client::open(address)?, &host)?));
/// }
/// let found = validate_for_bank(&profile, &units, &Permissions::default());
/// assert!(found.units.iter().all(|unit| !unit.has_errors()));
/// assert!(found.together.to_string().contains("one of two phases has no unit"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn validate_for_bank(
    profile: &ParsedProfile,
    units: &[(String, Unit)],
    permissions: &Permissions,
) -> BankDiagnostics {
    let found: Vec<_> =
        units.iter().map(|(_, unit)| validate_for(profile, unit, permissions)).collect();
    let is_sound_alone = found.iter().all(|found| !found.has_errors());
    let installation = Setting::ALL.iter().filter(|setting| setting.group().is_installation());
    let permitted = permissions.clone().with_installation(installation.copied());
    let mut check = Check::new(profile, None, permissions);
    if let Err(obstacles) = Plan::for_profile(profile.profile(), units.iter().cloned(), &permitted)
    {
        for obstacle in &obstacles {
            // Obstacles of a single unit are in the diagnostics of that unit.
            let is_of_bank = obstacle.place == "bank"
                || [ObstacleKind::PartOfBank, ObstacleKind::OutputModes].contains(&obstacle.kind);
            if !is_sound_alone && !is_of_bank {
                continue;
            }
            let error = Diagnostic::error(&*obstacle.why);
            let error = error.of_kind(DiagnosticKind::Obstacle(obstacle.kind));
            let mut diagnostic = check.at_all(error, &obstacle.settings);
            if !obstacle.advice.is_empty() {
                diagnostic = diagnostic.help(&*obstacle.advice);
            }
            if !check.found.contains(&diagnostic) {
                check.found.push(diagnostic);
            }
        }
    }
    let together = Diagnostics::of(profile.source().clone(), check.found);
    BankDiagnostics { units: found, together }
}
