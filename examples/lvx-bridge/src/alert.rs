//! Alerts: findings that lasted, and the programs and URLs that are notified of them.

mod alerts;
mod cause;
mod hook;
mod model;
#[cfg(test)]
mod tests;

pub(crate) use self::cause::is_about_packs;
pub use self::{
    alerts::Alerts,
    hook::Hooks,
    model::{Acknowledgement, Alert, Change, Notice},
};
