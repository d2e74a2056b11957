//! Writing settings: from what is wanted, over a plan and the consent of the user, to proof.

mod apply;
mod consent;
mod drive;
mod obstacle;
mod permissions;
mod plan;
mod wanted;

pub(crate) use apply::carry;
pub(crate) use consent::{can_be_asked, given as consent_given};
pub(crate) use drive::{drive, options, print_report};
pub(crate) use obstacle::describe_obstacle;
pub(crate) use permissions::permissions;
pub(crate) use plan::show as show_plan;
pub(crate) use wanted::Wanted;
