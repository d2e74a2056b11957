//! What a new configuration changes, and what of that takes effect without a restart.

use super::{Config, HttpConfig};

/// A difference between two configurations.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// The key, such as `control.allow`.
    pub key: &'static str,
    /// Whether it gives more access: more settings, more addresses, or a waiver. A changed file alone does not do
    /// that; SIGHUP or a restart does.
    pub widens: bool,
}

/// Returns what changes between two configurations. The order of lists does not matter.
#[must_use]
pub fn changes(old: &Config, new: &Config) -> Vec<Change> {
    let mut found = Vec::new();
    let mut add = |key, is_changed: bool, widens: bool| {
        if is_changed {
            found.push(Change { key, widens });
        }
    };
    let differ = |one: &dyn std::fmt::Debug, other: &dyn std::fmt::Debug| {
        format!("{one:?}") != format!("{other:?}")
    };
    add("site", old.site != new.site, false);
    // A unit or a battery guard decides what control may write.
    let has_control = !new.control.allow.is_empty();
    add("banks", differ(&old.banks, &new.banks), has_control);
    add("poll", differ(&old.poll, &new.poll), false);
    // A hook runs programs.
    add("alerts", differ(&old.alerts, &new.alerts), differ(&old.alerts.hooks, &new.alerts.hooks));
    let password = |config: &Config| config.mqtt.as_ref().and_then(|mqtt| mqtt.password.clone());
    let is_changed = differ(&old.mqtt, &new.mqtt) || password(old) != password(new);
    let plain = |config: &Config| config.mqtt.as_ref().is_some_and(|mqtt| mqtt.allow_plain_text);
    // Whoever writes to the broker can send commands.
    add("mqtt", is_changed, has_control || (plain(new) && !plain(old)));
    add("http", differ(&old.http, &new.http), http_widens(old.http.as_ref(), new.http.as_ref()));
    // The bridge writes a file at the path.
    let path = |config: &Config| config.history.as_ref().and_then(|history| history.path.clone());
    let widens = path(new).is_some() && path(old) != path(new);
    add("history", differ(&old.history, &new.history), widens);
    let (before, after) = (&old.control, &new.control);
    let widens = after.allow.iter().any(|setting| !before.allow.contains(setting))
        || (after.allow_tcp_units && !before.allow_tcp_units)
        || (after.resume != before.resume)
        || after.writes_per_day() > before.writes_per_day();
    add("control", differ(before, after), widens);
    let writes = |config: &Config| config.lease.as_ref().is_some_and(|lease| lease.allow_writes);
    let place = |config: &Config| {
        config.lease.as_ref().map(|lease| (lease.socket.clone(), lease.group.clone()))
    };
    let widens = new.lease.is_some() && (place(old) != place(new) || (writes(new) && !writes(old)));
    add("lease", differ(&old.lease, &new.lease), widens);
    found
}

/// Returns whether the HTTP server can be reached by more programs, or believes more of them.
fn http_widens(old: Option<&HttpConfig>, new: Option<&HttpConfig>) -> bool {
    fn more<T: PartialEq>(old: &[T], new: &[T]) -> bool {
        new.iter().any(|one| !old.contains(one))
    }
    let Some(new) = new else { return false };
    let Some(old) = old else { return true };
    more(&old.listen, &new.listen)
        || more(&old.hosts, &new.hosts)
        || more(&old.trusted_proxies, &new.trusted_proxies)
        || (new.unix_socket.is_some() && new.unix_socket != old.unix_socket)
        || (new.allow_plain_control && !old.allow_plain_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn config(text: &str) -> Config {
        let units = "units: [{name: a, serial: 96132206100410}]\n";
        Config::parse("bridge.yaml", &format!("{units}{text}"), &super::super::read_secret).unwrap()
    }

    #[test]
    fn change_that_gives_more_access_widens() {
        let old = config("control: {allow: [output_priority]}\nmqtt: {host: localhost}");
        let new = config(
            "control: {allow: [output_priority, charger_priority]}\nmqtt: {host: localhost}\n\
             http: {listen: [127.0.0.1:8480, 0.0.0.0:80]}\npoll: {fast: 2 s}",
        );
        let found = changes(&old, &new);
        let keys: Vec<_> = found.iter().map(|change| (change.key, change.widens)).collect();
        assert_eq!(keys, [("poll", false), ("http", true), ("control", true)]);
        let default = "control: {allow: [output_priority]}";
        let limit = |text: &str| config(&format!("control: {{allow: [output_priority]{text}}}"));
        let is_wider = |from: &Config, to: &Config| changes(from, to)[0].widens;
        assert!(is_wider(&config(default), &limit(", max_writes_per_day: 25")));
        assert!(!is_wider(&config(default), &limit(", max_writes_per_day: 23")));
        let (off, path) = (config("history: off"), config("history: {path: /mnt/history.db}"));
        assert!(is_wider(&off, &path) && !is_wider(&off, &config("")) && !is_wider(&path, &off));
        let back = changes(&new, &old);
        assert!(back.iter().all(|change| !change.widens), "{back:?}");
        assert_eq!(changes(&old, &old.clone()), []);
    }
}
