//! Makes a [`Config`] of checked keys, and checks what concerns several keys.

use std::{collections::BTreeMap, ops::Range, path::PathBuf};

use lvx_parallel::Severity;
use lvx_settings::{
    Battery, Diagnostics, Setting,
    yaml::{self, Format},
};
use pi18_proto::SerialNumber;
use pi18_transport::Address;

use super::{
    AlertConfig, BankConfig, Config, ControlConfig, HistoryConfig, HomeAssistantConfig, HookConfig,
    HttpConfig, LeaseConfig, MqttConfig, PackConfig, PollConfig, Resume, Secret, TlsConfig,
    UnitConfig,
    check::{Mistakes, section},
    form::{Checked, Item, Spanned},
    keys::TOP,
};
use crate::{Name, control::check_allowed};

/// Reads a secret from the file or credential that the configuration names. The error is one line.
pub type ReadSecret<'a> = &'a dyn Fn(&str) -> Result<Secret, String>;

impl Config {
    /// Reads a configuration from YAML. `name` is the name of the file in errors; `secrets` reads the secrets that
    /// the file names, usually [`read_secret`](super::read_secret).
    ///
    /// ```
    /// use lvx_bridge::config::{Config, read_secret};
    ///
    /// let text = "
    /// units:
    ///   - {name: lvx6048-1, serial: 96132206100410, address: /dev/hidraw0}
    /// mqtt: {host: localhost}
    /// ";
    /// let config = Config::parse("bridge.yaml", text, &read_secret)?;
    /// assert_eq!(config.banks[0].units[0].name.as_str(), "lvx6048-1");
    /// let wrong = Config::parse("bridge.yaml", "unit: []\n", &read_secret).unwrap_err();
    /// assert!(wrong.to_string().contains("did you mean units?"));
    /// # Ok::<(), lvx_settings::Diagnostics>(())
    /// ```
    ///
    /// # Errors
    /// All mistakes at once, each with its place.
    pub fn parse(name: &str, text: &str, secrets: ReadSecret<'_>) -> Result<Self, Diagnostics> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut mistakes = Mistakes::default();
        let root = yaml::read(text, &FORMAT, &mut mistakes.list);
        mistakes.is_cut_off = !mistakes.list.is_empty();
        let checked = match &root {
            Some(root) if !root.is_missing() => section(&TOP, root, &mut mistakes),
            _ if mistakes.is_cut_off => None,
            _ => {
                mistakes.add("this configuration is empty", 0..0, "write at least the units");
                None
            }
        };
        let config =
            checked.map(|checked| Builder { mistakes: &mut mistakes, secrets }.config(&checked));
        match config {
            Some(config) if mistakes.list.is_empty() => Ok(config),
            _ => {
                let text = hide(text, &mistakes.hidden);
                Err(Diagnostics::new(name, &text, mistakes.list))
            }
        }
    }
}

struct Builder<'a> {
    mistakes: &'a mut Mistakes,
    secrets: ReadSecret<'a>,
}

/// The places at which names, serial numbers and addresses were seen.
#[derive(Default)]
struct Seen {
    banks: BTreeMap<Name, Range<usize>>,
    units: BTreeMap<String, Range<usize>>,
}

impl Builder<'_> {
    fn config(&mut self, top: &Checked) -> Config {
        let banks = self.banks(top);
        let default = AlertConfig::default();
        let alerts = top.map("alerts").map_or(default, |keys| self.alerts(&keys));
        let control = top
            .map("control")
            .map_or_else(ControlConfig::default, |keys| self.control(&keys, top, &banks));
        let has_control = top.place("control").is_some();
        Config {
            site: top.get("site").unwrap_or_else(|| Name::literal("home")),
            banks,
            poll: top.map("poll").map_or_else(PollConfig::default, |keys| self.poll(&keys)),
            alerts,
            mqtt: top.map("mqtt").map(|keys| self.mqtt(&keys, has_control)),
            http: switch(top, "http").map(|keys| http(&keys)),
            history: switch(top, "history").map(|keys| history(&keys)),
            control,
            lease: switch(top, "lease").map(|keys| lease(&keys)),
        }
    }

    fn banks(&mut self, top: &Checked) -> Vec<BankConfig> {
        let given: Vec<_> = ["units", "bank", "banks"]
            .into_iter()
            .filter_map(|key| Some((key, top.place(key)?)))
            .collect();
        let mut seen = Seen::default();
        match given.as_slice() {
            [] if self.mistakes.list.is_empty() => self.mistakes.add(
                "expected the units, found none",
                0..0,
                "write units: with name, serial and address of each",
            ),
            [] | [_] => {}
            [(first, at), (second, also), ..] => self.mistakes.twice(
                format!("expected one of units, bank and banks, found {first} and {second}"),
                also.clone(),
                at.clone(),
                "put the units under bank, or each bank under banks",
            ),
        }
        for (key, message, help) in [
            (
                "battery",
                "expected a battery beside units, found it beside banks",
                "put it under the bank that it belongs to",
            ),
            (
                "packs",
                "expected packs beside units, found them beside banks",
                "put them under the bank that they belong to",
            ),
        ] {
            if let (Some(place), None, false) =
                (top.place(key), top.place("units"), given.is_empty())
            {
                self.mistakes.add(message, place, help);
            }
        }
        let maps = || top.list("banks").iter();
        let mut banks: Vec<_> = maps().filter_map(|bank| self.bank(bank, &mut seen)).collect();
        banks.extend(top.entry("bank").and_then(|bank| self.bank(bank, &mut seen)));
        if top.place("units").is_some() {
            banks.push(self.bank_of(top, 0..0, &mut seen));
        }
        banks
    }

    fn bank(&mut self, bank: &Spanned, seen: &mut Seen) -> Option<BankConfig> {
        let Item::Map(keys) = &bank.item else { return None };
        Some(self.bank_of(keys, bank.span.clone(), seen))
    }

    fn bank_of(&mut self, keys: &Checked, place: Range<usize>, seen: &mut Seen) -> BankConfig {
        let name: Name = keys.get("name").unwrap_or_else(|| Name::literal("bank"));
        let place = keys.entry("name").map_or(place, |name| name.span.clone());
        if let Some(first) = seen.banks.insert(name.clone(), place.clone()) {
            let message = format!("expected another name for each bank, found {name} again");
            self.mistakes.twice(message, place, first, "write name: with another name");
        }
        let mut units: Vec<UnitConfig> = Vec::new();
        for unit in keys.list("units") {
            let Item::Map(map) = &unit.item else { continue };
            let (Some(unit_name), Some(serial)) =
                (map.get::<Name>("name"), map.get::<SerialNumber>("serial"))
            else {
                continue;
            };
            let id = format!("{name}/{unit_name}");
            self.once(map, "name", &id, unit_name.as_str(), UNIT, seen);
            let id = format!("serial {serial}");
            self.once(map, "serial", &id, serial.as_str(), UNIT, seen);
            let address: Option<Address> = map.get("address");
            if let Some(address) = &address {
                let id = format!("at {}", port(address));
                self.once(map, "address", &id, &address.to_string(), UNIT, seen);
            }
            // Without an address, the unit is searched on USB.
            let Some(address) = address.or_else(|| format!("sn:{serial}").parse().ok()) else {
                continue;
            };
            units.push(UnitConfig { name: unit_name, serial, address });
        }
        let packs = self.packs(keys, &name, seen);
        let battery: Option<Battery> = keys.get("battery");
        let stated = battery.and_then(|battery| battery.packs).map(|stated| stated.count);
        if let Some(count) = stated.filter(|count| packs.len() > usize::from(*count)) {
            let place = keys.place("packs").unwrap_or_default();
            let message = format!(
                "expected no more packs than the battery has, {count}, found {}",
                packs.len()
            );
            self.mistakes.add(message, place, "correct count: under battery:, or the list");
        }
        BankConfig { name, units, packs, battery }
    }

    fn packs(&mut self, keys: &Checked, bank: &Name, seen: &mut Seen) -> Vec<PackConfig> {
        let mut packs = Vec::new();
        for pack in keys.list("packs") {
            let Item::Map(map) = &pack.item else { continue };
            let (Some(name), Some(address)) = (map.get("name"), map.get::<Address>("address"))
            else {
                continue;
            };
            let pack = PackConfig { name, address };
            let id = format!("{bank}/{}", pack.name);
            self.once(map, "name", &id, pack.name.as_str(), PACK, seen);
            let port = port(&pack.address);
            self.once(map, "address", &format!("at {port}"), port, PACK, seen);
            packs.push(pack);
        }
        packs
    }

    /// Adds a mistake if a name, serial number or address was seen before.
    fn once(
        &mut self,
        map: &Checked,
        key: &str,
        id: &str,
        shown: &str,
        (what, help): (&str, &str),
        seen: &mut Seen,
    ) {
        let Some(entry) = map.entry(key) else { return };
        if let Some(first) = seen.units.insert(id.to_owned(), entry.span.clone()) {
            let message =
                format!("{key}: expected another {key} for each {what}, found {shown} again");
            self.mistakes.twice(message, entry.span.clone(), first, help);
        }
    }

    fn poll(&mut self, keys: &Checked) -> PollConfig {
        let default = PollConfig::default();
        let poll = PollConfig {
            fast: keys.get("fast").unwrap_or(default.fast),
            medium: keys.get("medium").unwrap_or(default.medium),
            slow: keys.get("slow").unwrap_or(default.slow),
            packs: keys.get("packs").unwrap_or(default.packs),
            stale_after_periods: keys
                .get("stale_after_periods")
                .unwrap_or(default.stale_after_periods),
        };
        if !(poll.fast <= poll.medium && poll.medium <= poll.slow) {
            let place = ["medium", "slow", "fast"].into_iter().find_map(|key| keys.entry(key));
            let message = "expected periods in this order: fast, medium, slow";
            let place = place.map_or(0..0, |entry| entry.span.clone());
            self.mistakes.add(message, place, "a period that is missing has its default");
        }
        poll
    }

    fn alerts(&mut self, keys: &Checked) -> AlertConfig {
        let default = AlertConfig::default();
        let severity = keys.get::<String>("min_severity").map(|word| match word.as_str() {
            "info" => Severity::Info,
            "error" => Severity::Error,
            _ => Severity::Warning,
        });
        AlertConfig {
            error_after: keys.get("error_after").unwrap_or(default.error_after),
            warning_after: keys.get("warning_after").unwrap_or(default.warning_after),
            clear_after: keys.get("clear_after").unwrap_or(default.clear_after),
            min_severity: severity.unwrap_or(default.min_severity),
            hooks: keys.list("hooks").iter().filter_map(|hook| self.hook(hook)).collect(),
        }
    }

    fn hook(&mut self, hook: &Spanned) -> Option<HookConfig> {
        let Item::Map(keys) = &hook.item else { return None };
        let timeout = keys.get("timeout").unwrap_or(std::time::Duration::from_secs(10));
        let (exec, webhook) = (keys.get::<String>("exec"), keys.get::<String>("webhook"));
        let unused = match (&exec, &webhook) {
            (Some(_), None) => "authorization_file",
            (None, Some(_)) => "arguments",
            _ => {
                if self.mistakes.list.is_empty() {
                    let message = "expected either exec or webhook in a hook";
                    self.mistakes.add(
                        message,
                        hook.span.clone(),
                        "write two hooks for two programs",
                    );
                }
                return None;
            }
        };
        if let Some(place) = keys.place(unused) {
            let other = if unused == "arguments" { "exec" } else { "webhook" };
            let message = format!("expected {unused} with {other} only");
            self.mistakes.add(message, place, "remove the line");
        }
        match (exec, webhook) {
            (Some(program), _) => Some(HookConfig::Exec {
                program: PathBuf::from(program),
                arguments: keys.all("arguments").unwrap_or_default(),
                timeout,
            }),
            (None, url) => Some(HookConfig::Webhook {
                url: url?,
                authorization: self.secret(keys, "authorization_file"),
                timeout,
            }),
        }
    }

    fn mqtt(&mut self, keys: &Checked, has_control: bool) -> MqttConfig {
        let host: String = keys.get("host").unwrap_or_default();
        let tls = keys.map("tls").map(|tls| self.tls(&tls));
        let allow_plain_text: bool = keys.get("allow_plain_text").unwrap_or_default();
        let is_local = host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let has_password = keys.place("password_file").is_some();
        if tls.is_none() && !is_local && !allow_plain_text && (has_password || has_control) {
            let what = if has_password { "a password" } else { "control" };
            let place = keys.entry("host").map_or(0..0, |host| host.span.clone());
            self.mistakes.add(
                format!("expected tls for {what} over a broker on another host"),
                place,
                "write tls: on, or tls: with ca_file; allow_plain_text: on gives it to everyone in the network",
            );
        }
        if let (Some(place), None) = (keys.place("password_file"), keys.place("username")) {
            self.mistakes.add("expected a username with password_file", place, "add username:");
        }
        MqttConfig {
            port: keys
                .get::<u32>("port")
                .and_then(|port| u16::try_from(port).ok())
                .unwrap_or(if tls.is_some() { 8883 } else { 1883 }),
            client_id: keys.get("client_id"),
            username: keys.get("username"),
            password: self.secret(keys, "password_file"),
            tls,
            allow_plain_text,
            home_assistant: switch(keys, "home_assistant").map(|keys| {
                let default = HomeAssistantConfig::default();
                HomeAssistantConfig {
                    discovery_prefix: keys
                        .get("discovery_prefix")
                        .unwrap_or(default.discovery_prefix),
                    leave_out: keys.all("leave_out").unwrap_or_default(),
                }
            }),
            host,
        }
    }

    fn tls(&mut self, keys: &Checked) -> TlsConfig {
        let (certificate, key) = (keys.place("certificate_file"), keys.place("key_file"));
        if let (Some(place), None) | (None, Some(place)) = (certificate, key) {
            let message = "expected both certificate_file and key_file, found one of them";
            self.mistakes.add(message, place, "add the other one");
        }
        let path = |key: &str| keys.get::<String>(key).map(PathBuf::from);
        TlsConfig {
            ca_file: path("ca_file"),
            certificate_file: path("certificate_file"),
            key_file: path("key_file"),
        }
    }

    fn control(&mut self, keys: &Checked, top: &Checked, banks: &[BankConfig]) -> ControlConfig {
        let mut allow: Vec<Setting> = Vec::new();
        for entry in keys.list("allow") {
            let Item::Setting(setting) = entry.item else { continue };
            let mut reasons =
                banks.iter().filter_map(|bank| check_allowed(setting, bank.battery.as_ref()).err());
            if let Some(why) = reasons.next().filter(|_| self.mistakes.list.is_empty()) {
                let help = "describe the battery of the site under battery:";
                self.mistakes.add(why, entry.span.clone(), help);
            }
            if !allow.contains(&setting) {
                allow.push(setting);
            }
        }
        let allow_tcp_units: bool = keys.get("allow_tcp_units").unwrap_or_default();
        let mut units = banks.iter().flat_map(|bank| &bank.units);
        if let Some(unit) = units.find(|unit| unit.address.place().starts_with("tcp:"))
            && !allow_tcp_units
        {
            let message = format!("expected no unit on tcp: with control, found {}", unit.name);
            let place = top.place("control").unwrap_or(0..0);
            let help = "everyone in the network can pretend to be that unit; allow_tcp_units: on accepts this";
            self.mistakes.add(message, place, help);
        }
        ControlConfig {
            allow,
            max_writes_per_day: keys.get("max_writes_per_day"),
            allow_tcp_units,
            resume: match keys.get::<String>("resume").as_deref() {
                Some("undo") => Resume::Undo,
                _ => Resume::Report,
            },
        }
    }

    /// Reads the secret that a key names.
    fn secret(&mut self, keys: &Checked, key: &str) -> Option<Secret> {
        let entry = keys.entry(key)?;
        let Item::Text(path) = &entry.item else { return None };
        (self.secrets)(path)
            .map_err(|why| self.mistakes.add(format!("{key}: {why}"), entry.span.clone(), ""))
            .ok()
    }
}

/// A unit in errors: its name, and what it has of its own.
const UNIT: (&str, &str) =
    ("unit", "a unit belongs to one bank, and has its own name, serial number and address");

/// A pack in errors.
const PACK: (&str, &str) = (
    "pack",
    "a pack is read at its own port, and no unit or pack of the bank has its name, which findings use",
);

/// Returns the port of an address, which only one unit or pack has.
fn port(address: &Address) -> &str {
    let place = address.place();
    let place = place.strip_prefix("pack:").unwrap_or(place);
    place.strip_prefix("serial:").unwrap_or(place)
}

/// Returns a text with asterisks at some places.
fn hide(text: &str, hidden: &[Range<usize>]) -> String {
    let is_hidden = |at: usize| hidden.iter().any(|range| range.contains(&at));
    let shown = text.char_indices().flat_map(|(at, c)| {
        let is_hidden = is_hidden(at) && c != '\n';
        // As many bytes as before, so that the places stay right.
        std::iter::repeat_n(
            if is_hidden { '*' } else { c },
            if is_hidden { c.len_utf8() } else { 1 },
        )
    });
    shown.collect()
}

/// Returns the keys below a key that is on unless it is `off`.
fn switch(keys: &Checked, key: &str) -> Option<Checked> {
    if keys.place(key).is_none() { Some(Checked::default()) } else { keys.map(key) }
}

fn http(keys: &Checked) -> HttpConfig {
    let default = HttpConfig::default();
    HttpConfig {
        listen: keys.all("listen").unwrap_or(default.listen),
        unix_socket: keys.get::<String>("unix_socket").map(PathBuf::from),
        hosts: keys.all("hosts").unwrap_or_default(),
        base_path: keys.get("base_path").unwrap_or_default(),
        trusted_proxies: keys.all("trusted_proxies").unwrap_or_default(),
        allow_plain_control: keys.get("allow_plain_control").unwrap_or_default(),
    }
}

fn history(keys: &Checked) -> HistoryConfig {
    let default = HistoryConfig::default();
    HistoryConfig {
        path: keys.get::<String>("path").map(PathBuf::from),
        raw: keys.get("raw").unwrap_or(default.raw),
        keep: keys.get("keep").unwrap_or(default.keep),
    }
}

fn lease(keys: &Checked) -> LeaseConfig {
    let default = LeaseConfig::default();
    LeaseConfig {
        socket: keys.get::<String>("socket").map_or(default.socket, PathBuf::from),
        group: keys.get("group").unwrap_or(default.group),
        allow_writes: keys.get("allow_writes").unwrap_or(default.allow_writes),
    }
}

const FORMAT: Format = Format::new("configuration");
