//! Whether commands are taken over MQTT at all.

use std::path::Path;

use crate::{
    config::{Config, MqttConfig},
    loopback::is_loopback,
};

/// Returns whether commands are taken over MQTT: the connection is encrypted and with a login, or within this
/// computer, or the owner accepts the risk. Those that change settings are also a matter of `control.allow`.
pub(super) fn may_command(config: &Config, mqtt: &MqttConfig) -> bool {
    let has_certificate = mqtt.tls.as_ref().is_some_and(|tls| tls.certificate_file.is_some());
    let has_login = mqtt.password.is_some() || has_certificate;
    let is_allowed =
        is_loopback(&mqtt.host) || mqtt.allow_plain_text || (mqtt.tls.is_some() && has_login);
    if !is_allowed && !config.control.allow.is_empty() {
        tracing::warn!(
            "mqtt: control is off here, because {} is another host; it needs mqtt.tls and a login",
            mqtt.host
        );
    }
    is_allowed
}

/// Returns whether the clock of this computer cannot judge the expiry of commands: the broker is on another host, whose
/// clock may differ, and systemd-timesyncd runs here but has not set the clock since the start.
///
/// Other programs that set the clock leave no such file. With them, a wrong clock is noticed only because commands of
/// senders with a right clock have expired or expire too far ahead. `run` is the folder `/run`.
pub(super) fn is_clock_unknown(mqtt: &MqttConfig, run: &Path) -> bool {
    let folder = run.join("systemd/timesync");
    !is_loopback(&mqtt.host) && folder.is_dir() && !folder.join("synchronized").exists()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Secret, TlsConfig, read_secret};

    fn config(host: &str) -> Config {
        let text = format!(
            "units: [{{name: a, serial: 96132206100410}}]\ncontrol: {{allow: [output_priority]}}\n\
             mqtt: {{host: {host}, tls: on}}"
        );
        Config::parse("bridge.yaml", &text, &read_secret).unwrap()
    }

    fn mqtt(host: &str) -> MqttConfig {
        MqttConfig { tls: None, ..config(host).mqtt.unwrap() }
    }

    #[test]
    fn commands_need_tls_and_a_login_unless_on_loopback_or_waived() {
        let may = |mqtt: &MqttConfig| may_command(&config("localhost"), mqtt);
        let (remote, password) = (mqtt("broker.lan"), Some(Secret::new("x")));
        let tls = Some(TlsConfig::default());
        let with_certificate = TlsConfig {
            ca_file: None,
            certificate_file: Some("/a.pem".into()),
            key_file: Some("/a.key".into()),
        };
        assert!(may(&mqtt("localhost")));
        assert!(may(&mqtt("127.0.0.1")));
        assert!(!may(&remote));
        assert!(!may(&MqttConfig { password: password.clone(), ..remote.clone() }));
        assert!(!may(&MqttConfig { tls: tls.clone(), ..remote.clone() }));
        assert!(may(&MqttConfig { password, tls, ..remote.clone() }));
        assert!(may(&MqttConfig { tls: Some(with_certificate), ..remote.clone() }));
        assert!(may(&MqttConfig { allow_plain_text: true, ..remote }));
    }

    #[test]
    fn clock_that_was_not_set_judges_no_commands_of_another_host() {
        let run = tempfile::tempdir().unwrap();
        let is_unknown = |host| is_clock_unknown(&mqtt(host), run.path());
        // Another program may set the clock.
        assert!(!is_unknown("broker.lan"));
        let folder = run.path().join("systemd/timesync");
        fs::create_dir_all(&folder).unwrap();
        assert!(is_unknown("broker.lan"));
        assert!(!is_unknown("localhost"));
        fs::write(folder.join("synchronized"), "").unwrap();
        assert!(!is_unknown("broker.lan"));
    }
}
