//! Why MQTT cannot be started. Waiting does not help.

use std::{
    fmt::Display,
    io,
    path::{Path, PathBuf},
};

/// Why MQTT cannot be started with a configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A password would be sent in plain text to another host.
    #[error(
        "mqtt: expected TLS for a password to {0}, found a connection in plain text; add mqtt.tls, or set \
         mqtt.allow_plain_text"
    )]
    PlainTextPassword(String),
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// Reason.
        source: io::Error,
    },
    /// A file does not contain what it should.
    #[error("{}: expected PEM, found something else: {reason}", path.display())]
    Pem {
        /// Path of the file.
        path: PathBuf,
        /// Reason.
        reason: String,
    },
    /// Only one of certificate and key is there.
    #[error("mqtt.tls: expected both certificate_file and key_file, found one of them")]
    HalfClientCertificate,
    /// This computer has no certificate authorities.
    #[error(
        "mqtt.tls: expected certificate authorities of the system, found none; set ca_file, or install \
         ca-certificates"
    )]
    NoAuthorities,
    /// The certificates do not fit.
    #[error("mqtt.tls: {0}")]
    Tls(String),
    /// A file of the bridge cannot be used.
    #[error("{name}: {source}; remove the file if it is damaged")]
    Storage {
        /// Name of the file.
        name: String,
        /// Reason.
        source: io::Error,
    },
}

impl Error {
    pub(super) fn pem(path: &Path, reason: &impl Display) -> Self {
        Self::Pem { path: path.to_owned(), reason: reason.to_string() }
    }
}
