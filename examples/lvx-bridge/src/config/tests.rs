//! Tests of the reader: mistakes, defaults, and the agreement with the JSON schema.

use std::fmt::Write;

use lvx_settings::yaml::{self, Format, Node, NodeKind};
use serde_json::{Value, json};

use super::*;

/// Reads a configuration. The only secret that exists is `/etc/lvx/password`.
fn parse(text: &str) -> Result<Config, lvx_settings::Diagnostics> {
    Config::parse("bridge.yaml", text, &|place| match place {
        "/etc/lvx/password" => Ok(Secret::new("correct horse")),
        _ => Err(format!("{place}: cannot be opened: No such file or directory (os error 2)")),
    })
}

const UNITS: &str = "units: [{name: a, serial: 96132206100410, address: \"sim:0\"}]\n";

#[test]
fn mistakes_are_reported_at_once_with_their_places() {
    let text = "\
site: My Home
units:
  - {name: lvx6048-1, serial: 96132206100410, address: /dev/hidraw0}
  - {name: lvx6048-2, serial: 96132206100410, address: /dev/hidraw0}
  - {name: lvx6048-1, serial: 96132206100999, adress: /dev/hidraw1}
poll: {fast: 5, medium: 2 s, slow: 1 minute}
alerts: {min_severity: warn, hooks: [{exec: notify.sh}]}
mqtt:
  host: broker.example
  username: bridge
  password: secret
  password_file: /nowhere
http: {listen: [localhost:8480], base_path: /../x}
control: {allow: [output_prioritty, bulk_voltage]}
lease: maybe
";
    insta::assert_snapshot!(parse(text).unwrap_err());
}

#[test]
fn contradictions_are_reported() {
    for (text, expected) in [
        ("", "this configuration is empty"),
        ("site: home", "expected the units, found none"),
        (
            "units: [{name: a, serial: 96132206100410}]\nbanks: [{units: [{name: b, serial: 96132206100411}]}]",
            "expected one of units, bank and banks, found units and banks",
        ),
        (
            "banks: [{name: x, units: [{name: a, serial: 96132206100410}]}, {name: x, units: [{name: a, serial: 96132206100410}]}]",
            "serial: expected another serial for each unit, found 96132206100410 again",
        ),
        (
            "banks: [{name: x, units: [{name: a, serial: 96132206100410}]}, {name: x, units: [{name: a, serial: 96132206100411}]}]",
            "expected another name for each bank, found x again",
        ),
        ("units: []", "expected 1 to 10 values, found 0"),
        ("units: [{name: a}]", "expected the key serial of a unit, found none"),
    ] {
        let found = parse(text).unwrap_err().to_string();
        assert!(found.contains(expected), "{text}\n{found}");
    }
    for (text, expected) in [
        (
            "mqtt: {host: 192.0.2.1, username: a, password_file: /etc/lvx/password}",
            "expected tls for a password",
        ),
        ("mqtt: {host: 192.0.2.1}\ncontrol: {allow: output_priority}", "expected tls for control"),
        ("mqtt: {host: localhost, password_file: /etc/lvx/password}", "expected a username"),
        (
            "mqtt: {host: localhost, tls: {key_file: /a}}",
            "expected both certificate_file and key_file",
        ),
        (
            "control: {allow: max_charge_current}",
            "expected a battery guard of the bank, which max_charge_current needs",
        ),
        ("alerts: {hooks: [{timeout: 5 s}]}", "expected either exec or webhook"),
        (
            "alerts: {hooks: [{webhook: \"http://192.0.2.1/\"}]}",
            "without encryption, only http://localhost",
        ),
        ("alerts: {hooks: [{webhook: \"https://user@host/\"}]}", "expected a URL"),
        ("poll: {fast: 1 min}", "expected periods in this order"),
        ("site: a\nsite: b", "expected each key once"),
    ] {
        let found = parse(&format!("{UNITS}{text}")).unwrap_err().to_string();
        assert!(found.contains(expected), "{text}\n{found}");
    }
    for (text, expected) in [
        (
            "packs: [{name: p, address: \"pack:/dev/ttyUSB0\"}, {name: q, address: \"pack:serial:/dev/ttyUSB0?address=1\"}]",
            "address: expected another address for each pack, found /dev/ttyUSB0 again",
        ),
        (
            "packs: [{name: a, address: \"sim:pack0\"}]",
            "name: expected another name for each pack, found a again",
        ),
        ("packs: [{name: p, address: /dev/ttyUSB0}]", "write pack: before the port of a pack"),
        ("packs: [{name: p, address: \"sim:1\"}]", "write pack: before the port of a pack"),
        ("packs: [{name: p}]", "expected the key address of a pack, found none"),
        ("packs: [{name: p, address: \"pack:ttyUSB0\"}]", "expected the address of a battery pack"),
        (
            "battery: {packs: eg4-lp4-v2, count: 1}\npacks: [{name: p, address: \"sim:pack0\"}, {name: q, address: \"sim:pack1\"}]",
            "expected no more packs than the battery has, 1, found 2",
        ),
        ("poll: {packs: 1 s}", "1 s is too short"),
    ] {
        let found = parse(&format!("{UNITS}{text}")).unwrap_err().to_string();
        assert!(found.contains(expected), "{text}\n{found}");
    }
    let unit = "units: [{name: a, serial: 96132206100410, address: \"pack:/dev/ttyUSB0\"}]";
    assert!(parse(unit).unwrap_err().to_string().contains("write it under packs:"));
    let beside = "bank: {units: [{name: a, serial: 96132206100410}]}\npacks: [{name: p, address: \"sim:pack0\"}]";
    assert!(parse(beside).unwrap_err().to_string().contains("expected packs beside units"));
    let tcp = "units: [{name: a, serial: 96132206100410, address: \"tcp:192.0.2.1:8888\"}]\n\
               control: {allow: output_priority}";
    assert!(parse(tcp).unwrap_err().to_string().contains("expected no unit on tcp: with control"));
    assert!(parse(&tcp.replace("output_priority", "output_priority, allow_tcp_units: on")).is_ok());
}

#[test]
fn password_is_in_no_text() {
    let text = "mqtt: {host: localhost, username: a, password_file: /etc/lvx/password}";
    let config = parse(&format!("{UNITS}{text}")).unwrap();
    let mqtt = config.mqtt.clone().unwrap();
    assert_eq!(mqtt.password.unwrap().reveal(), "correct horse");
    assert!(!format!("{config:?}").contains("horse"));
}

#[test]
fn defaults_of_the_keys_are_those_that_are_used() {
    fn yaml(section: &form::Section, indent: usize, text: &mut String) {
        for key in section.keys {
            let pad = " ".repeat(indent);
            match key.form {
                form::Form::Map(below) | form::Form::Switch(below)
                    if matches!(key.name, "poll" | "alerts" | "http" | "lease") =>
                {
                    writeln!(text, "{pad}{}:", key.name).unwrap();
                    yaml(below, indent + 2, text);
                }
                _ if !key.default.is_empty() && key.name != "name" => {
                    writeln!(text, "{pad}{}: {}", key.name, key.default).unwrap();
                }
                _ => {}
            }
        }
    }
    let mut text = UNITS.to_owned();
    yaml(&keys::TOP, 0, &mut text);
    assert!(text.contains("fast: 5 s"), "{text}");
    assert_eq!(format!("{:?}", parse(&text).unwrap()), format!("{:?}", parse(UNITS).unwrap()));
}

#[test]
fn schema_accepts_what_the_reader_accepts_and_refuses_what_it_refuses() {
    let schema = schema();
    assert!(jsonschema::draft202012::meta::validate(&schema).is_ok());
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let full = "\
site: home
banks:
  - name: garage
    units: [{name: a, serial: 96132206100410}, {name: b, serial: \"96132206100411\", address: \"serial:/dev/ttyUSB0\"}]
    battery: {chemistry: lfp, cells: 16, max_cell_voltage: 3.60 V, min_cell_voltage: 2.80 V, max_bank_charge_current: 120 A}
    packs: [{name: pack-1, address: \"sim:pack0\"}]
  - {name: barn, units: [{name: a, serial: 96132206100412, address: \"sim:1\"}], battery: {chemistry: lfp, cells: 16, max_cell_voltage: 3.6, min_cell_voltage: 2.8, max_bank_charge_current: 120}}
poll: {packs: 5 s, fast: 2s, medium: 30 s, slow: 10 min, stale_after_periods: 4}
alerts:
  error_after: 500 ms
  min_severity: info
  hooks:
    - {exec: /usr/local/bin/notify, arguments: [a, b], timeout: 20 s}
    - {webhook: \"https://example.org/hook\", authorization_file: /etc/lvx/password}
mqtt:
  host: broker.example
  port: 8883
  username: bridge
  password_file: /etc/lvx/password
  tls: {ca_file: /etc/lvx/ca.pem, certificate_file: /etc/lvx/a.pem, key_file: /etc/lvx/a.key}
  home_assistant: {discovery_prefix: homeassistant, leave_out: [a]}
http: {listen: \"[::1]:8480\", hosts: solar.local, base_path: /solar/x, trusted_proxies: 192.0.2.1}
control: {allow: [output_priority, max_charge_current], max_writes_per_day: 20, resume: undo}
lease: off
";
    let few = [
        "http: on\nlease: {socket: /run/x.sock, group: dialout, allow_writes: off}",
        "mqtt: {host: \"::1\", tls: on}",
    ];
    for text in std::iter::once(full.to_owned()).chain(few.map(|text| format!("{UNITS}{text}"))) {
        parse(&text).unwrap();
        if let Err(error) = validator.validate(&json(&text)) {
            panic!("{text}\n{error} at {}", error.instance_path());
        }
    }
    for text in [
        "poll: {fast: 5}",
        "packs: [{name: p}]",
        "packs: []",
        "poll: {fast: 5 sec}",
        "poll: {slower: 5 s}",
        "site: My Home",
        "http: {listen: localhost:80}",
        "http: {base_path: solar}",
        "mqtt: {}",
        "mqtt: {host: localhost, port: 0}",
        "mqtt: {host: localhost, password: x}",
        "control: {allow: bulk_voltage}",
        "control: {allow: []}",
        "alerts: {min_severity: bad}",
        "alerts: {hooks: {exec: notify}}",
        "lease: {socket: run/x}",
        "battery: {cels: 16}",
        "bank: {name: x, units: [{name: b, serial: 96132206100411}]}",
    ] {
        let text = format!("{UNITS}{text}");
        assert!(parse(&text).is_err(), "{text}");
        assert!(!validator.is_valid(&json(&text)), "{text}");
    }
}

#[test]
fn every_key_is_in_the_reference() {
    let reference = reference();
    for key in [
        "site",
        "units",
        "stale_after_periods",
        "password_file",
        "ca_file",
        "resume",
        "allow_writes",
    ] {
        assert!(reference.contains(&format!("| `{key}` |")), "{key}");
    }
    assert!(reference.contains("### `mqtt.tls`\n"));
}

#[test]
fn published_schema_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/config.json");
    let generated = format!("{:#}\n", schema());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &generated).unwrap();
    }
    assert!(
        std::fs::read_to_string(path).unwrap_or_default() == generated,
        "set UPDATE_SCHEMA=1 and run this test to update the published schema"
    );
}

#[test]
fn reference_on_the_page_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/bridge.md");
    // The page is not in the package.
    let Ok(page) = std::fs::read_to_string(path) else { return };
    let (before, rest) = page.split_once("<!-- reference -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of the reference -->").unwrap();
    let reference = reference();
    let current =
        format!("{before}<!-- reference -->\n\n{reference}\n<!-- end of the reference -->{after}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &current).unwrap();
    }
    assert!(page == current, "set UPDATE_DOCS=1 and run this test to update docs/bridge.md");
}

/// Returns a file as an editor parses it: numbers as numbers, switches as booleans.
fn json(text: &str) -> Value {
    fn of(node: &Node) -> Value {
        match &node.kind {
            NodeKind::Scalar { text, is_plain: true } => text
                .parse::<u64>()
                .map(Value::from)
                .or_else(|_| text.parse::<f64>().map(Value::from))
                .unwrap_or_else(|_| json!(text)),
            NodeKind::Scalar { text, .. } => json!(text),
            NodeKind::List(items) => items.iter().map(of).collect(),
            NodeKind::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, value)| (of(key).as_str().unwrap().to_owned(), of(value)))
                    .collect(),
            ),
        }
    }
    of(&yaml::read(text, &Format::new("configuration"), &mut Vec::new()).unwrap())
}
