//! The protocol on the unit's side: requests, replies and set commands, with the quirks of units.
//!
//! [`input`] finds the requests in the bytes that reach a unit, [`respond`] returns the bytes of its answer.
//! [`query`] has the reply to each query, [`set`] carries out each set command.
//!
//! A unit is more tolerant than the protocol sheets require: it answers queries with a wrong stated length or
//! without a checksum. It does not answer damaged frames, and refuses unknown requests with `^0`. Some
//! [`Switches`](super::Switches) change this behaviour.

pub(crate) mod input;
pub(crate) mod query;
pub(crate) mod respond;
pub(crate) mod set;
