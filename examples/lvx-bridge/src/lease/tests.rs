//! Clients and pollers on the same links.

mod mixed;
mod socket;
