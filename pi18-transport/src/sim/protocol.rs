//! What units understand and answer.
//!
//! [`input`] reads the bytes that reach a unit, [`respond`] returns the bytes of its answer: [`query`]
//! has the reply to each query, [`set`] carries out each set command.

pub(crate) mod input;
pub(crate) mod query;
pub(crate) mod respond;
pub(crate) mod set;
