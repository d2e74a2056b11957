//! The rules, one a file. Each compares all units, or looks at each, and returns what it found.
//!
//! [`table`] lists the rules with the questions that they need; [`suppression`] is the table of which
//! rule is suppressed by which.

mod ac;
mod battery;
mod cross;
mod identity;
mod info;
mod judge;
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
pub(crate) use reading::unread::not_asked;
pub(crate) use rule::Rule;
pub(crate) use state::{fault, mode, warning};
pub(crate) use table::{ALL, Row};
