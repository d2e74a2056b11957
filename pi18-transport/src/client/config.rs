//! How often and how long a client asks.

use std::time::Duration;

use pi18_proto::Dialect;

/// How a [`Client`](crate::Client) asks.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClientConfig {
    /// How long one try waits for its reply. A `GS` exchange takes half a second at 2400 baud.
    pub timeout: Duration,
    /// How often a query is asked before it fails. A set command is sent once.
    pub tries: u32,
    /// How long a question may take with all its tries.
    pub deadline: Duration,
    /// How long the line must be quiet after something wrong before a try is given up.
    pub settle: Duration,
    /// Whether requests carry a checksum.
    pub dialect: Dialect,
}

impl Default for ClientConfig {
    /// Two seconds a try, three tries, ten seconds in all, a checksum.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(2),
            tries: 3,
            deadline: Duration::from_secs(10),
            settle: Duration::from_millis(300),
            dialect: Dialect::Checksum,
        }
    }
}
