//! The meaning of the registers.
//!
//! | registers | content |
//! |---|---|
//! | 0 to 38 | measurements: [`Live`] |
//! | 39 to 44 | not known |
//! | 45 to 104 | protection settings on EG4-LL packs, zeros on LP4 v2 packs |
//! | 105 to 127 | model, firmware and serial number or date: [`Label`] |
//!
//! Other makers use other maps with the same frames ([`OtherMap`]), and some families use other scales in this
//! map ([`Family`]).

mod cells;
mod error;
mod family;
mod flags;
mod label;
mod live;
mod other;
mod sensors;
mod varying;

pub use cells::Cells;
pub use error::MapError;
pub use family::{Family, Scales};
pub use flags::{Balancing, Errors, Protections, Status, Warnings};
pub use label::Label;
pub use live::{Live, LiveField};
pub use other::OtherMap;
pub use sensors::Sensors;
pub use varying::{Scale, Varying};
