//! The rules, one per file. Each examines the units and packs of a bank and returns findings.
//!
//! [`table`] lists the rules with the questions that they need; [`suppression`] lists which rule suppresses
//! which. The other modules are the rules by topic, and the functions that run them.

mod ac;
mod battery;
mod cross;
mod heat;
mod identity;
mod info;
mod judge;
mod kind;
mod packs;
mod pv;
mod reading;
mod rule;
mod setup;
mod state;
mod suppression;
mod table;
#[cfg(test)]
pub(crate) mod testing;

pub use info::RuleInfo;
pub(crate) use judge::judge;
pub use kind::FindingKind;
pub(crate) use reading::unread::{newer_format, not_asked};
pub(crate) use rule::BuiltIn;
pub use rule::Rule;
pub(crate) use state::{fault, mode, warning};
pub(crate) use table::ALL;
