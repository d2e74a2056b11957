//! Writing settings: target, plan, consent of the user, run and report.

mod apply;
mod consent;
mod drive;
mod obstacle;
mod permissions;
mod plan;
mod target;

pub(crate) use apply::apply_target;
pub(crate) use consent::{check_terminal, given as consent_given};
pub(crate) use drive::{drive, options, print_report};
pub(crate) use obstacle::{describe_objection, describe_obstacle};
pub(crate) use permissions::permissions;
pub(crate) use plan::show as show_plan;
pub(crate) use target::Target;
