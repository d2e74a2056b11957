//! What can be configured.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use lvx_parallel::Severity;
use lvx_settings::{Battery, Setting};
use pi18_proto::SerialNumber;
use pi18_transport::Address;

use super::Secret;
use crate::Name;

/// The configuration of a bridge.
#[derive(Clone, Debug)]
pub struct Config {
    /// Name of the site, in topics.
    pub site: Name,
    /// Banks. Usually there is one.
    pub banks: Vec<BankConfig>,
    /// Polling.
    pub poll: PollConfig,
    /// Alerts.
    pub alerts: AlertConfig,
    /// Broker; `None` without MQTT.
    pub mqtt: Option<MqttConfig>,
    /// HTTP server; `None` without.
    pub http: Option<HttpConfig>,
    /// History; `None` without.
    pub history: Option<HistoryConfig>,
    /// Settings that may be changed.
    pub control: ControlConfig,
    /// Socket for other programs; `None` without.
    pub lease: Option<LeaseConfig>,
}

/// A bank: the units that share a battery.
#[derive(Clone, Debug)]
pub struct BankConfig {
    /// Name of the bank, in topics.
    pub name: Name,
    /// Units.
    pub units: Vec<UnitConfig>,
    /// Battery packs; none if only the units are watched.
    pub packs: Vec<PackConfig>,
    /// Battery guard of the site.
    pub battery: Option<Battery>,
}

/// A unit: which one it is, and where it is looked for.
#[derive(Clone, Debug)]
pub struct UnitConfig {
    /// Name, in topics.
    pub name: Name,
    /// Serial number, which identifies the unit.
    pub serial: SerialNumber,
    /// Link on which the unit is looked for first. If another configured unit answers there, it is read there.
    pub address: Address,
}

/// A battery pack: its name, and the port at which it is read. The port identifies it, because packs have no reliable
/// serial numbers.
#[derive(Clone, Debug)]
pub struct PackConfig {
    /// Name, in topics.
    pub name: Name,
    /// Port of the pack, such as `pack:/dev/serial/by-path/…`.
    pub address: Address,
}

/// Periods of the question groups, and their limits of age.
#[derive(Clone, Copy, Debug)]
pub struct PollConfig {
    /// Period of `GS` and `MOD`.
    pub fast: Duration,
    /// Period of `FWS` and `PGS`.
    pub medium: Duration,
    /// Period of `ET`, `ED`, `PIRI`, `FLAG`, `VFW`, `T` and all other questions.
    pub slow: Duration,
    /// Period of the measurements of battery packs.
    pub packs: Duration,
    /// A value is stale once it is older than its period times this.
    pub stale_after_periods: u32,
}

impl Default for PollConfig {
    /// Returns periods that fill about a third of a line with 2400 baud, at which `GS` takes half a second. The
    /// rest is for control, for other programs, and for retries.
    fn default() -> Self {
        Self {
            fast: Duration::from_secs(5),
            medium: Duration::from_secs(15),
            slow: Duration::from_mins(2),
            packs: Duration::from_secs(10),
            stale_after_periods: 3,
        }
    }
}

impl PollConfig {
    /// Returns the age from which the measurements of a battery pack are stale.
    #[must_use]
    pub fn max_pack_age(&self) -> Duration {
        self.packs.saturating_mul(self.stale_after_periods)
    }
}

/// When findings become alerts, and where alerts go.
#[derive(Clone, Debug)]
pub struct AlertConfig {
    /// Time that an error has to last before it is raised.
    pub error_after: Duration,
    /// Time that a warning has to last before it is raised.
    pub warning_after: Duration,
    /// Time that a finding has to be away before its alert clears.
    pub clear_after: Duration,
    /// Least severity that raises an alert.
    pub min_severity: Severity,
    /// Programs and URLs that are notified of each change.
    pub hooks: Vec<HookConfig>,
}

impl Default for AlertConfig {
    fn default() -> Self {
        Self {
            error_after: Duration::from_secs(15),
            warning_after: Duration::from_mins(2),
            clear_after: Duration::from_mins(2),
            min_severity: Severity::Warning,
            hooks: Vec::new(),
        }
    }
}

/// A program or URL that is notified of each change of an alert.
#[derive(Clone, Debug)]
pub enum HookConfig {
    /// Runs a program, with the alert as JSON on its standard input.
    Exec {
        /// Absolute path of the program.
        program: PathBuf,
        /// Arguments.
        arguments: Vec<String>,
        /// Time after which its process group is killed.
        timeout: Duration,
    },
    /// Sends the alert as JSON with `POST`.
    Webhook {
        /// URL, with https unless it is on loopback.
        url: String,
        /// Value of the `Authorization` header.
        authorization: Option<Secret>,
        /// Time after which the request is given up.
        timeout: Duration,
    },
}

/// The broker, and what is published there.
#[derive(Clone, Debug)]
pub struct MqttConfig {
    /// Host name or IP address of the broker.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Client id; derived from site and bank if `None`.
    pub client_id: Option<String>,
    /// User name.
    pub username: Option<String>,
    /// Password.
    pub password: Option<Secret>,
    /// Encryption; `None` for a connection in plain text, which is allowed on loopback only unless
    /// `allow_plain_text` is set.
    pub tls: Option<TlsConfig>,
    /// Allows a password and control over a connection in plain text to another host.
    pub allow_plain_text: bool,
    /// Home Assistant; `None` without discovery.
    pub home_assistant: Option<HomeAssistantConfig>,
}

/// Certificates of an encrypted connection.
#[derive(Clone, Debug, Default)]
pub struct TlsConfig {
    /// Authority that signed the certificate of the broker, PEM; the authorities of the system if `None`.
    pub ca_file: Option<PathBuf>,
    /// Certificate of the bridge, PEM.
    pub certificate_file: Option<PathBuf>,
    /// Key of that certificate, PEM.
    pub key_file: Option<PathBuf>,
}

/// Discovery of Home Assistant.
#[derive(Clone, Debug)]
pub struct HomeAssistantConfig {
    /// Prefix of discovery topics.
    pub discovery_prefix: String,
    /// Keys of entities that are left out.
    pub leave_out: Vec<String>,
}

impl Default for HomeAssistantConfig {
    fn default() -> Self {
        Self { discovery_prefix: "homeassistant".to_owned(), leave_out: Vec::new() }
    }
}

/// The HTTP server.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Addresses to listen on.
    pub listen: Vec<SocketAddr>,
    /// Path of a Unix socket to listen on, for reverse proxies.
    pub unix_socket: Option<PathBuf>,
    /// Names by which clients may reach the server, beside the addresses in `listen` and `localhost`.
    pub hosts: Vec<String>,
    /// Path under which a reverse proxy shows the server, such as `/solar`; empty for the root.
    pub base_path: String,
    /// Addresses of reverse proxies whose `X-Forwarded-*` and `X-Ingress-Path` headers count.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// Allows control over plain HTTP beyond loopback.
    pub allow_plain_control: bool,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 8480))],
            unix_socket: None,
            hosts: Vec::new(),
            base_path: String::new(),
            trusted_proxies: Vec::new(),
            allow_plain_control: false,
        }
    }
}

/// The history.
#[derive(Clone, Debug)]
pub struct HistoryConfig {
    /// The file; `None` for one in the folder of the [`Storage`](crate::storage::Storage).
    pub path: Option<PathBuf>,
    /// Time for which each reading is kept.
    pub raw: Duration,
    /// Time for which statistics and energies are kept.
    pub keep: Duration,
}

impl Default for HistoryConfig {
    fn default() -> Self {
        let days = |days: u64| Duration::from_hours(24 * days);
        Self { path: None, raw: days(30), keep: days(3650) }
    }
}

/// Settings that may be changed.
#[derive(Clone, Debug, Default)]
pub struct ControlConfig {
    /// Settings that may be changed. Naming a setting here is the first of the two times that a write is asked for.
    pub allow: Vec<Setting>,
    /// Writes per setting and day; [`Self::DEFAULT_WRITES_PER_DAY`] if `None`.
    pub max_writes_per_day: Option<u32>,
    /// Allows control of units over `tcp:`, where anyone in the network can pretend to be the unit.
    pub allow_tcp_units: bool,
    /// What happens at the start with a run that was interrupted.
    pub resume: Resume,
}

impl ControlConfig {
    /// Writes per setting and day, unless the configuration states another number.
    pub const DEFAULT_WRITES_PER_DAY: u32 = 24;

    /// Returns the maximum number of writes per setting and day.
    #[must_use]
    pub fn writes_per_day(&self) -> u32 {
        self.max_writes_per_day.unwrap_or(Self::DEFAULT_WRITES_PER_DAY)
    }
}

/// What happens at the start with a run that was interrupted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Resume {
    /// It is reported; nothing is written.
    #[default]
    Report,
    /// It is undone, if the journal is one of the bridge, recent, and the units have the values that it wrote.
    Undo,
}

/// The socket for other programs.
#[derive(Clone, Debug)]
pub struct LeaseConfig {
    /// Path of the socket.
    pub socket: PathBuf,
    /// Group whose members may connect.
    pub group: String,
    /// Whether clients may send set commands.
    pub allow_writes: bool,
}

impl Default for LeaseConfig {
    fn default() -> Self {
        Self {
            socket: PathBuf::from("/run/lvx/bridge.sock"),
            group: "plugdev".to_owned(),
            allow_writes: true,
        }
    }
}
