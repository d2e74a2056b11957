//! What a user chooses rules by.

/// The name of a rule, and what it checks.
///
/// ```
/// use lvx_parallel::RuleInfo;
///
/// for rule in RuleInfo::all() {
///     println!("{:20} {}", rule.id, rule.summary);
/// }
/// assert_eq!(RuleInfo::find("grid")?.source, "assumed: voltmeters of two units on one wire");
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
