//! Frames of battery packs: captures, damage, properties, and a foreign judge.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod captures;
mod client;
mod frames;
mod judge;
mod properties;
mod virtual_packs;
mod wire;
