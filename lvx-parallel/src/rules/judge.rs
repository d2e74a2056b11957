//! Runs the chosen rules.

use super::{
    suppression::{Effect, is_suppressed, runs_first},
    table::RuleRow,
};
use crate::{Finding, context::Context};

/// Runs each chosen rule at most once and returns its findings, in the order of the table.
///
/// Rules whose findings suppress others run first. A rule that is suppressed as a whole does not run.
pub(crate) fn judge(
    context: &mut Context<'_>,
    chosen: &[&'static RuleRow],
) -> Vec<(&'static RuleRow, Vec<Finding>)> {
    let mut judged: Vec<_> = chosen.iter().map(|row| (*row, Vec::new())).collect();
    for is_first in [true, false] {
        let turn = judged.iter_mut().filter(|(row, _)| runs_first(row.rule.info.id) == is_first);
        for (row, findings) in turn {
            let id = row.rule.info.id;
            if is_suppressed(context, Effect::Rule(id)) {
                continue;
            }
            *findings = (row.rule.check)(context);
            if !findings.is_empty() {
                context.reporting.push(id);
            }
        }
    }
    judged
}
