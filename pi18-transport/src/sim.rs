//! The virtual bank.
