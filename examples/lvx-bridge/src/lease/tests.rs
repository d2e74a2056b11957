//! Clients and pollers on the same links.

mod mixed;
mod on_bank;
mod socket;
mod truth;
