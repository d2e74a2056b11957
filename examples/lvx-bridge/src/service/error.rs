//! Why a service cannot start.

use std::{fmt, io};

/// Why a service cannot start. Waiting does not help.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another bridge polls a unit.
    #[error("unit {unit}: another bridge of this user polls it; stop that one first")]
    Polled {
        /// Name of the unit.
        unit: String,
    },
    /// A file of the bridge cannot be used.
    #[error("state folder: {name}: {source}; correct its owner and access rights, or remove it")]
    Storage {
        /// Name of the file.
        name: String,
        /// The error.
        source: io::Error,
    },
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] io::Error),
    /// An output cannot be used as it is configured.
    #[error("{output}: {why}")]
    Output {
        /// The output, such as `http`.
        output: &'static str,
        /// What is wrong.
        why: String,
    },
}

impl StartError {
    /// Wraps the error of an output, which may name the output itself.
    pub(super) fn output(output: &'static str, error: &dyn fmt::Display) -> Self {
        let text = error.to_string();
        let why = text.strip_prefix(output).and_then(|rest| rest.strip_prefix(": "));
        Self::Output { output, why: why.unwrap_or(&text).to_owned() }
    }
}
