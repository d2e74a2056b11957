//! Obstacles: the reasons why a plan cannot be made.

use std::fmt;

use serde::Serialize;

use crate::{Error, GuardError, Setting};

/// A reason why a plan cannot be made.
///
/// ```
/// use lvx_settings::{HostClock, ObstacleKind, Permissions, Plan, Profile, Unit};
/// use pi18_transport::Client;
///
/// let profile = Profile::parse("bank.yaml", "max_charge_current: 100 A\n")?;
/// let unit = Unit::read(&mut Client::open("sim:0")?, &HostClock::system())?;
/// let units = [("sim:0".to_owned(), unit)];
/// let permissions = Permissions::default().with_part_of_bank();
/// let obstacles = Plan::for_profile(profile.profile(), units, &permissions).unwrap_err();
/// let obstacle = obstacles.iter().next().unwrap();
/// assert_eq!(obstacle.kind, ObstacleKind::Value);
/// assert_eq!(obstacle.place, "sim:0 (96132206100410)");
/// assert!(obstacle.why.starts_with("max_charge_current: expected one of 10, 20, 30 … 80 A"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, thiserror::Error)]
#[error("{place}: {}", self.text())]
#[non_exhaustive]
pub struct Obstacle {
    /// Kind of the obstacle.
    pub kind: ObstacleKind,
    /// The unit that the obstacle concerns, or another place, such as `bank` or `battery guard`.
    pub place: String,
    /// The settings concerned; may be empty.
    pub settings: Vec<Setting>,
    /// Description of the obstacle.
    pub why: String,
    /// Advice for removing the obstacle; empty if `why` has it.
    pub advice: String,
}

/// Kinds of obstacles, for programs that offer a remedy.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ObstacleKind {
    /// The profile is for other units.
    AppliesTo,
    /// The unit has no unique serial number or no valid parallel instance, or is given twice.
    Unit,
    /// The unit cannot be set to a value.
    Value,
    /// A rule between settings, or the battery guard, would be broken.
    Rule,
    /// An installation setting would be changed without permission.
    Installation,
    /// A battery guard is wrong, or wider than the site's.
    BatteryGuard,
    /// Charge voltages would be written without a complete battery guard and without a waiver.
    NoBatteryGuard,
    /// A setting that must be equal in a bank would be changed on some of its units only.
    PartOfBank,
    /// The output modes of the bank would contradict each other.
    OutputModes,
    /// No order of writes was found in which every step keeps the rules.
    Order,
    /// A plan from a file is inconsistent.
    Plan,
}

/// All obstacles of a plan. `Display` writes one line for each.
#[derive(Clone, Eq, PartialEq, Serialize)]
#[must_use]
pub struct Obstacles(pub(super) Vec<Obstacle>);

impl Obstacles {
    /// Iterates over the obstacles.
    pub fn iter(&self) -> std::slice::Iter<'_, Obstacle> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Obstacles {
    type Item = &'a Obstacle;
    type IntoIter = std::slice::Iter<'a, Obstacle>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Obstacles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// Writes the same text as `Display`, because a `main` that returns an error prints it with `Debug`.
impl fmt::Debug for Obstacles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Obstacles {}

impl Obstacle {
    pub(super) fn new(
        kind: ObstacleKind,
        place: impl Into<String>,
        why: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        let (place, why, advice) = (place.into(), why.into(), advice.into());
        Self { kind, place, settings: Vec::new(), why, advice }
    }

    /// Returns the description of the obstacle and the advice for removing it.
    #[must_use]
    pub fn text(&self) -> String {
        let between = if self.advice.is_empty() { "" } else { "; " };
        format!("{}{between}{}", self.why, self.advice)
    }

    pub(super) fn about(mut self, settings: impl IntoIterator<Item = Setting>) -> Self {
        self.settings.extend(settings);
        self
    }

    pub(super) fn guard(place: impl Into<String>, error: GuardError) -> Self {
        Self::new(ObstacleKind::BatteryGuard, place, error.text, error.advice)
    }
}

impl From<Obstacle> for Error {
    fn from(obstacle: Obstacle) -> Self {
        let why = obstacle.text();
        Self::plan(obstacle.place, why)
    }
}
