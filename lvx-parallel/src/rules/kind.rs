//! The kinds of findings that a rule reports.

use crate::Severity;

/// A kind of finding that a rule reports: its severity, its condition, the reason why it matters, and the
/// steps to take. [`Rule::kinds`](crate::Rule::kinds) lists those of a rule.
///
/// ```
/// use lvx_parallel::{FindingKind, Severity};
///
/// static HOT: FindingKind = FindingKind::new(
///     Severity::Warning,
///     "a heat sink is hotter than 85 °C",
///     "the unit lowers its power, and stops if it gets hotter",
///     &["lower the load", "clear the air inlets and outlets"],
/// );
/// assert_eq!(HOT.advice.len(), 2);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct FindingKind {
    /// Severity of the finding.
    pub severity: Severity,
    /// Condition under which the rule reports the finding, with the thresholds that it uses.
    pub condition: &'static str,
    /// Reason why the finding matters.
    pub why: &'static str,
    /// Steps to take, in this order; empty if nothing needs to be done.
    pub advice: &'static [&'static str],
}

impl FindingKind {
    /// Returns a kind of finding. The texts begin with a lower-case letter and have no full stop.
    #[must_use]
    pub const fn new(
        severity: Severity,
        condition: &'static str,
        why: &'static str,
        advice: &'static [&'static str],
    ) -> Self {
        Self { severity, condition, why, advice }
    }
}
