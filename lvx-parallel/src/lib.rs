//! Is this bank of parallel inverters healthy, and if not, why and what to do.
//!
//! Take a [`UnitSnapshot`] of each unit, [`check`] them together, read the [`Report`].
//!
//! ```
//! use lvx_parallel::{UnitSnapshot, check};
//! use pi18_transport::Client;
//!
//! let mut units = Vec::new();
//! for address in ["sim:0", "sim:1"] {
//!     units.push(UnitSnapshot::read(address, &mut Client::open(address)?)?);
//! }
//! assert!(check(units).is_healthy());
//! # Ok::<(), pi18_transport::Error>(())
//! ```

mod finding;
mod report;
mod rules;
mod snapshot;

pub use finding::{Finding, Severity};
pub use report::{Report, check};
pub use snapshot::UnitSnapshot;
