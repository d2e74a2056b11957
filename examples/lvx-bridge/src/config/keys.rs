//! The keys of the configuration: one row each.

use std::time::Duration;

use lvx_parallel::BankSnapshot;

use super::form::{Form, Key, Section};

/// The top level.
pub(super) const TOP: Section = Section {
    place: "at the top level",
    keys: &[
        key("site", "Name of the site, in topics.", Form::Name, "home"),
        key(
            "units",
            "The units, if there is one bank. `bank` or `banks` take its place if banks need names.",
            Form::List(&Form::Map(&UNIT), MAX_UNITS),
            "",
        ),
        key(
            "packs",
            "The battery packs of the bank whose units are under `units`.",
            Form::List(&Form::Map(&PACK), BankSnapshot::MAX_PACKS),
            "",
        ),
        key(
            "battery",
            "Battery guard of the bank whose units are under `units`.",
            Form::Battery,
            "",
        ),
        key("bank", "The bank, if there is one.", Form::Map(&BANK), ""),
        key("banks", "The banks, if there are several.", Form::List(&Form::Map(&BANK), 32), ""),
        key("poll", "How often the units are asked.", Form::Map(&POLL), ""),
        key(
            "alerts",
            "When findings become alerts, and which programs are notified.",
            Form::Map(&ALERTS),
            "",
        ),
        key(
            "mqtt",
            "The broker. Without this key, nothing is published over MQTT.",
            Form::Map(&MQTT),
            "",
        ),
        key("http", "The HTTP server.", Form::Switch(&HTTP), "on"),
        key("history", "The history of all banks, in one file.", Form::Switch(&HISTORY), "on"),
        key(
            "control",
            "Settings that may be changed. Without this key, none.",
            Form::Map(&CONTROL),
            "",
        ),
        key(
            "lease",
            "The socket through which other commands use the units.",
            Form::Switch(&LEASE),
            "on",
        ),
    ],
};

const BANK: Section = Section {
    place: "under bank",
    keys: &[
        key("name", "Name of the bank, in topics.", Form::Name, "bank"),
        required(
            "units",
            "The units that share a battery.",
            Form::List(&Form::Map(&UNIT), MAX_UNITS),
        ),
        key(
            "packs",
            "The battery packs of this battery. Without this key, only the units are watched.",
            Form::List(&Form::Map(&PACK), BankSnapshot::MAX_PACKS),
            "",
        ),
        key(
            "battery",
            "Battery guard: chemistry, cells, and the voltages of a cell. Charge currents are controlled only under \
             a complete one.",
            Form::Battery,
            "",
        ),
    ],
};

const UNIT: Section = Section {
    place: "of a unit",
    keys: &[
        required("name", "Name of the unit, in topics.", Form::Name),
        required(
            "serial",
            "Serial number, on the label of the unit. Another unit is never published under this name.",
            Form::Serial,
        ),
        key(
            "address",
            "Where the unit is looked for first. Without this key, the USB adapters are searched.",
            Form::Address,
            "",
        ),
    ],
};

const PACK: Section = Section {
    place: "of a pack",
    keys: &[
        required("name", "Name of the pack, in topics. No unit of the bank has it.", Form::Name),
        required(
            "address",
            "Port of the pack, by which it is identified. Adapters without serial numbers have different names only in \
             `/dev/serial/by-path`.",
            Form::PackAddress,
        ),
    ],
};

const POLL: Section = Section {
    place: "under poll",
    keys: &[
        key("fast", "Period of the measurements and the mode.", time(1, 600), "5 s"),
        key(
            "medium",
            "Period of warnings, and of what each unit knows of the others.",
            time(5, 3600),
            "15 s",
        ),
        key("slow", "Period of settings, energy counters and identity.", time(10, 86_400), "2 min"),
        key("packs", "Period of the measurements of battery packs.", time(2, 600), "10 s"),
        key(
            "stale_after_periods",
            "A value is shown as stale once it is older than its period times this.",
            Form::Number(2, 100),
            "3",
        ),
    ],
};

const ALERTS: Section = Section {
    place: "under alerts",
    keys: &[
        key(
            "error_after",
            "Time that an error has to last before it is raised.",
            time(0, 86_400),
            "15 s",
        ),
        key(
            "warning_after",
            "Time that a warning has to last before it is raised.",
            time(0, 86_400),
            "2 min",
        ),
        key(
            "clear_after",
            "Time that a finding has to be away before its alert clears.",
            time(0, 86_400),
            "2 min",
        ),
        key(
            "min_severity",
            "Least severity that raises an alert.",
            Form::Word(&["info", "warning", "error"]),
            "warning",
        ),
        key(
            "hooks",
            "Programs and URLs that are notified of each change.",
            Form::List(&Form::Map(&HOOK), 16),
            "",
        ),
    ],
};

const HOOK: Section = Section {
    place: "of a hook",
    keys: &[
        key(
            "exec",
            "Program that is run with the alert as JSON on standard input.",
            Form::Path,
            "",
        ),
        key("arguments", "Arguments of the program.", Form::List(&Form::Text, 32), ""),
        key("webhook", "URL to which the alert is sent with POST.", Form::Url, ""),
        key(
            "authorization_file",
            "File with the value of the `Authorization` header.",
            Form::SecretFile,
            "",
        ),
        key("timeout", "Time after which the attempt is given up.", time(1, 30), "10 s"),
    ],
};

const MQTT: Section = Section {
    place: "under mqtt",
    keys: &[
        required("host", "Host name or IP address of the broker.", Form::Host),
        key("port", "Port; 8883 with `tls`, otherwise 1883.", Form::Number(1, 65_535), ""),
        key("client_id", "Client id; made from the name of the site otherwise.", Form::Text, ""),
        key("username", "User name.", Form::Text, ""),
        key("password_file", "File with the password.", Form::SecretFile, ""),
        key("tls", "Encryption. Required for a broker on another host.", Form::Switch(&TLS), "off"),
        key(
            "allow_plain_text",
            "Allows a password and control without encryption to a broker on another host.",
            Form::Flag,
            "off",
        ),
        key("home_assistant", "Discovery by Home Assistant.", Form::Switch(&HOME_ASSISTANT), "on"),
    ],
};

const TLS: Section = Section {
    place: "under tls",
    keys: &[
        key(
            "ca_file",
            "Authority that signed the certificate of the broker, PEM; those of the system otherwise.",
            Form::Path,
            "",
        ),
        key("certificate_file", "Certificate of the bridge, PEM.", Form::Path, ""),
        key("key_file", "Key of that certificate, PEM.", Form::Path, ""),
    ],
};

const HOME_ASSISTANT: Section = Section {
    place: "under home_assistant",
    keys: &[
        key("discovery_prefix", "Prefix of discovery topics.", Form::Text, "homeassistant"),
        key("leave_out", "Keys of entities that are left out.", Form::List(&Form::Text, 256), ""),
    ],
};

const HTTP: Section = Section {
    place: "under http",
    keys: &[
        key(
            "listen",
            "Addresses to listen on. Other addresses than loopback require a token for everything.",
            Form::List(&Form::Socket, 8),
            "127.0.0.1:8480",
        ),
        key("unix_socket", "Unix socket to listen on, for a reverse proxy.", Form::Path, ""),
        key(
            "hosts",
            "Names by which browsers may reach the server.",
            Form::List(&Form::Host, 16),
            "",
        ),
        key("base_path", "Path under which a reverse proxy shows the server.", Form::BasePath, ""),
        key(
            "trusted_proxies",
            "Reverse proxies whose forwarding headers are believed.",
            Form::List(&Form::Ip, 16),
            "",
        ),
        key(
            "allow_plain_control",
            "Allows control without encryption beyond loopback.",
            Form::Flag,
            "off",
        ),
    ],
};

const HISTORY: Section = Section {
    place: "under history",
    keys: &[
        key(
            "path",
            "The file; `history.db` in the state folder of the bridge otherwise.",
            Form::Path,
            "",
        ),
        key("raw", "Time for which each reading is kept.", time(86_400, 366 * 86_400), "30 d"),
        key(
            "keep",
            "Time for which the statistics of five minutes, and the energies of days, are kept.",
            time(30 * 86_400, 36_500 * 86_400),
            "3650 d",
        ),
    ],
};

const CONTROL: Section = Section {
    place: "under control",
    keys: &[
        required(
            "allow",
            "Settings that may be changed. Naming a setting here is the first of the two times that a write is asked \
             for.",
            Form::List(&Form::Setting, 32),
        ),
        key("max_writes_per_day", "Writes per setting and day.", Form::Number(1, 1000), ""),
        key(
            "allow_tcp_units",
            "Allows control of units over `tcp:`, where anyone in the network can pretend to be the unit.",
            Form::Flag,
            "off",
        ),
        key(
            "resume",
            "What happens at the start with a run that was interrupted.",
            Form::Word(&["report", "undo"]),
            "report",
        ),
    ],
};

const LEASE: Section = Section {
    place: "under lease",
    keys: &[
        key("socket", "Path of the socket.", Form::Path, "/run/lvx/bridge.sock"),
        key("group", "Group whose members may connect.", Form::Text, "plugdev"),
        key("allow_writes", "Whether clients may send set commands.", Form::Flag, "on"),
    ],
};

/// Maximum number of units of a bank.
const MAX_UNITS: usize = 10;

const fn key(name: &'static str, about: &'static str, form: Form, default: &'static str) -> Key {
    Key { name, about, form, default, is_required: false }
}

const fn required(name: &'static str, about: &'static str, form: Form) -> Key {
    Key { name, about, form, default: "", is_required: true }
}

/// Returns the form of a time between two numbers of seconds.
const fn time(min: u64, max: u64) -> Form {
    Form::Time(Duration::from_secs(min), Duration::from_secs(max))
}
