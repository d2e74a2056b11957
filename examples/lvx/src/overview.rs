//! What people see of a bank: values with their ages, sums, flows of power, findings and a verdict.
//!
//! Plain data without a terminal, a link or a clock. `lvx now` and `lvx watch` show it.

#[cfg(feature = "watch")]
mod api;
mod bank;
mod finding;
mod flow;
mod json;
mod key;
mod pack;
#[cfg(feature = "watch")]
mod past;
mod rows;
mod text;
mod totals;
mod unit;
mod value;
mod verdict;

#[cfg(feature = "watch")]
pub(crate) use self::{
    api::overview,
    flow::{Flow, MIN_FLOW},
    key::Key,
    pack::packs_in_short,
    past::{Curve, Past, Spans},
    rows::Row,
    text::{about, ago, energy, local_time, power},
    totals::Totals,
    value::Value,
    verdict::Level,
};
pub(crate) use self::{
    bank::{Overview, Summary},
    finding::Finding,
    pack::Pack,
    unit::{LinkState, Unit},
    verdict::Verdict,
};
