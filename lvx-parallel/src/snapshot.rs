//! Snapshots: the answers of the units and packs of a bank, and the file in which they are saved.

mod answer;
mod bank;
mod file;
mod host_time;
mod newer;
mod pack;
mod question;
mod readings;
pub(crate) mod ring;
mod unit;

pub use answer::{Answer, Gap, Reading, Reason};
pub use bank::BankSnapshot;
pub(crate) use bank::{not_asked, skew};
pub use host_time::HostTime;
pub use pack::PackSnapshot;
pub use question::{Question, Questions};
pub(crate) use unit::ESSENTIAL;
pub use unit::UnitSnapshot;
