//! The type of a rule.
//!
//! The file of each rule begins with a description: the values that the rule compares, the reason, and the
//! origin of its limits. Its `RULE` has a short version for users, and its `check` returns the findings.

use super::info::RuleInfo;
use crate::{Finding, Severity, context::Context, finding::Observed};

/// A rule: its description, and the function that judges a bank.
pub(crate) struct Rule {
    pub(crate) info: RuleInfo,
    pub(crate) check: fn(&Context<'_>) -> Vec<Finding>,
}

impl Rule {
    /// Returns a rule with its name, the condition that it reports and the origin of its limits.
    pub(super) const fn new(
        id: &'static str,
        summary: &'static str,
        source: &'static str,
        check: fn(&Context<'_>) -> Vec<Finding>,
    ) -> Self {
        Self { info: RuleInfo { id, summary, source }, check }
    }

    /// Returns a finding of this rule, without advice.
    pub(super) fn finding(
        &self,
        severity: Severity,
        what: impl Into<String>,
        values: Vec<Observed>,
        why: &str,
    ) -> Finding {
        Finding {
            rule: self.info.id,
            severity,
            what: what.into(),
            values,
            why: why.to_owned(),
            advice: Vec::new(),
            source: self.info.source,
        }
    }
}
