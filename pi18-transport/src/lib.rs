//! Links to PI18 inverters, and a client that asks one thing at a time.

mod error;
mod link;
#[cfg(feature = "sim")]
pub mod sim;

pub use error::Error;
pub use link::Link;
