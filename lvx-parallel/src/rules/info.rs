//! The public description of a rule.

/// The name of a rule, the condition that it reports, and the origin of its limits.
///
/// ```
/// use lvx_parallel::RuleInfo;
///
/// for rule in RuleInfo::all() {
///     println!("{:20} {}", rule.id, rule.summary);
/// }
/// assert_eq!(RuleInfo::find("grid")?.source, "assumed: tolerance of two voltmeters on one wire");
/// # Ok::<(), lvx_parallel::FormatError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RuleInfo {
    /// Name of the rule, by which it is chosen.
    pub id: &'static str,
    /// Condition that the rule reports, with the thresholds that it uses.
    pub summary: &'static str,
    /// Origin of the rule and its limits.
    pub source: &'static str,
}
