//! Runs the chosen rules, each once.

use super::{
    suppression::{Effect, is_awaited, is_suppressed},
    table::Row,
};
use crate::{Finding, context::Context};

/// Runs each chosen rule once and returns its findings, in the order of the table.
///
/// Each rule runs at most once, whatever depends on its result.
///
/// Rules whose findings suppress others run first. A rule that is suppressed as a whole does not run.
pub(crate) fn judge(
    context: &mut Context<'_>,
    chosen: &[&'static Row],
) -> Vec<(&'static Row, Vec<Finding>)> {
    let mut judged: Vec<_> = chosen.iter().map(|row| (*row, Vec::new())).collect();
    for is_first in [true, false] {
        let turn = judged.iter_mut().filter(|(row, _)| is_awaited(row.rule.info.id) == is_first);
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
