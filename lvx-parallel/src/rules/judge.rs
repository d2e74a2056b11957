//! Runs the chosen rules.

use super::{
    rule::Rule,
    suppression::{is_rule_suppressed, runs_first},
};
use crate::{Context, Finding};

/// Runs each chosen rule at most once and returns its findings, in the order of `chosen`.
///
/// Rules whose findings suppress others run first. A rule that is suppressed as a whole does not run.
pub(crate) fn judge<'r>(
    context: &mut Context<'_>,
    chosen: &[&'r dyn Rule],
) -> Vec<(&'r dyn Rule, Vec<Finding>)> {
    let mut judged: Vec<_> = chosen.iter().map(|rule| (*rule, Vec::new())).collect();
    for is_first in [true, false] {
        let turn = judged.iter_mut().filter(|(rule, _)| runs_first(&rule.info().id) == is_first);
        for (rule, findings) in turn {
            let id = &rule.info().id;
            if is_rule_suppressed(context, id) {
                continue;
            }
            *findings = rule.check(context);
            if !findings.is_empty() {
                context.reporting.push(id.clone());
            }
        }
    }
    judged
}
