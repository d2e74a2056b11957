//! Discovery payloads for Home Assistant, from the table of entities.
//!
//! The bank is a device, and each unit and each battery pack is a device behind it. A device has one retained payload with all its
//! entities. [`Discovery`] remembers which entities it has published, because Home Assistant keeps an entity that a
//! new payload leaves out until a stub in its place removes it.

mod button;
mod device;
mod discovery;
mod entity;
mod published;
mod select;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    device::{bank_id, pack_id, unit_id},
    discovery::topic,
};
pub use self::{discovery::Discovery, select::Controls};
