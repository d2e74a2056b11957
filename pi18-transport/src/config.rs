//! The configuration of a client.

use std::time::Duration;

use pi18_proto::{Dialect, SerialNumber};

/// The configuration of a [`Client`](crate::Client): timeouts, tries, and the form of requests.
///
/// Times longer than a year count as a year.
///
/// ```
/// use std::time::Duration;
///
/// use pi18_transport::{Address, Client, ClientConfig};
///
/// let mut config = ClientConfig::default();
/// config.timeout = Duration::from_secs(5);
/// let link = "sim:0".parse::<Address>()?.link()?;
/// let unit = Client::with_config(link, config);
/// # Ok::<(), pi18_transport::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClientConfig {
    /// Maximum time that one try waits for a reply. At 2400 baud, a `GS` exchange takes half a second.
    pub timeout: Duration,
    /// Number of times that a query is sent before it fails. A set command is sent once.
    pub tries: u32,
    /// Maximum time of a request, with all its tries.
    pub deadline: Duration,
    /// How long the line must be quiet after an unexpected reply before the try ends.
    pub settle: Duration,
    /// Whether requests have a checksum.
    pub dialect: Dialect,
    /// The serial number of the only unit that may get requests, see
    /// [`Client::expecting`](crate::Client::expecting); `None` for any unit.
    pub expected_serial: Option<SerialNumber>,
}

impl ClientConfig {
    /// Returns a copy with times of at most a year, so that adding them to the time of a clock cannot overflow.
    /// A program may use `Duration::MAX` for a wait without an end.
    pub(crate) fn bounded(self) -> Self {
        const MAX: Duration = Duration::from_hours(365 * 24);
        Self {
            timeout: self.timeout.min(MAX),
            deadline: self.deadline.min(MAX),
            settle: self.settle.min(MAX),
            ..self
        }
    }
}

impl Default for ClientConfig {
    /// Returns a timeout of two seconds, three tries, a deadline of ten seconds, requests with a checksum,
    /// and any unit.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(2),
            tries: 3,
            deadline: Duration::from_secs(10),
            settle: Duration::from_millis(300),
            dialect: Dialect::Checksum,
            expected_serial: None,
        }
    }
}
