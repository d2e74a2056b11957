//! The error for registers that are not those of a pack.

use super::other::OtherMap;
use crate::pack::frame::Registers;

/// The error for registers that are not those of a pack.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// The reply does not have the registers.
    #[error("expected registers {expected}, found {found}")]
    Registers {
        /// The registers that are needed.
        expected: &'static str,
        /// The registers of the reply.
        found: String,
    },
    /// The registers have another map: the answer is not that of one pack.
    #[error("registers 0 to 17: expected the voltages of a pack, found zeros, as {0} has them")]
    OtherMap(OtherMap),
    /// All voltages are zero, so the answer is not that of a pack.
    #[error("registers 0 to 22: expected the voltages of a pack, found zeros")]
    Zeros,
}

impl MapError {
    pub(super) fn registers(expected: &'static str, registers: &Registers) -> Self {
        let last = usize::from(registers.start()) + registers.words().len();
        let found = match registers.words() {
            [] => "none".to_owned(),
            _ => format!("{} to {}", registers.start(), last - 1),
        };
        Self::Registers { expected, found }
    }
}
