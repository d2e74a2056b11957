//! The public description of a rule.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The name of a rule, the condition that it reports, and the origin of its limits.
///
/// ```
/// use lvx_parallel::RuleInfo;
///
/// for rule in RuleInfo::all() {
///     println!("{:20} {}", rule.id, rule.summary);
/// }
/// let grid = RuleInfo::find("grid")?;
/// assert!(grid.source.starts_with("assumed: tolerance of two voltmeters on one wire"));
/// # Ok::<(), lvx_parallel::FormatError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RuleInfo {
    /// Name of the rule, by which it is chosen.
    pub id: Cow<'static, str>,
    /// Condition that the rule reports, with the thresholds that it uses.
    pub summary: Cow<'static, str>,
    /// Origin of the rule and its limits.
    pub source: Cow<'static, str>,
}

impl RuleInfo {
    /// Describes a rule whose texts are known when it is compiled.
    ///
    /// ```
    /// use lvx_parallel::RuleInfo;
    ///
    /// static INFO: RuleInfo = RuleInfo::new("heat-sinks", "heat sinks differ", "assumed");
    /// assert_eq!(INFO.id, "heat-sinks");
    /// ```
    #[must_use]
    pub const fn new(id: &'static str, summary: &'static str, source: &'static str) -> Self {
        Self {
            id: Cow::Borrowed(id),
            summary: Cow::Borrowed(summary),
            source: Cow::Borrowed(source),
        }
    }

    /// Describes a rule whose texts are known when the program runs, for example from its configuration.
    pub fn owned(
        id: impl Into<String>,
        summary: impl Into<String>,
        source: impl Into<String>,
    ) -> Self {
        Self {
            id: Cow::Owned(id.into()),
            summary: Cow::Owned(summary.into()),
            source: Cow::Owned(source.into()),
        }
    }
}
