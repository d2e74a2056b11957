//! What is in the way of a plan.

use std::fmt;

use serde::Serialize;

use crate::{Error, GuardError, Setting};

/// Why something cannot be planned.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, thiserror::Error)]
#[error("{place}: {}", self.text())]
#[non_exhaustive]
pub struct Obstacle {
    /// What kind of obstacle it is.
    pub kind: ObstacleKind,
    /// The unit, or what else it is about.
    pub place: String,
    /// The settings that it is about, if it is about some.
    pub settings: Vec<Setting>,
    /// What is in the way.
    pub why: String,
    /// What to do; empty if `why` says it.
    pub advice: String,
}

/// Kinds of obstacles, for programs that know what their user can do about one.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ObstacleKind {
    /// The profile is for other units.
    AppliesTo,
    /// The unit cannot be distinguished from others, or is given twice.
    Unit,
    /// A value that the unit cannot be set to.
    Value,
    /// A rule between settings, or the battery guard, would be broken.
    Rule,
    /// An installation setting that was not permitted.
    Installation,
    /// A battery guard that cannot be right, or is wider than the site's.
    BatteryGuard,
    /// Charge voltages would be written without a complete battery guard and without a waiver.
    NoBatteryGuard,
    /// A setting on which a bank must agree would be changed on some of its units only.
    PartOfBank,
    /// The output modes of the bank would not go together.
    OutputModes,
    /// No order of writes is known in which every step is sound.
    Order,
    /// A plan from a file does not hold together.
    Plan,
}

/// Everything that is in the way of a plan, a line each.
#[derive(Clone, Eq, PartialEq)]
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

/// Writes the same text as `Display`, because a `main` that returns an error shows it by `Debug`.
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

    /// Returns what is in the way, and what to do.
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
