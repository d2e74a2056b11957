//! Battery packs in all commands that show them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

mod simulator;

use std::{
    fs::File,
    io::Write,
    process::{Command, Output},
};

use serde_json::{Value as Json, json};
use simulator::Simulator;

fn lvx(arguments: &[&str]) -> Output {
    let lvx = env!("CARGO_BIN_EXE_lvx");
    Command::new(lvx).args(arguments).env_remove("COLUMNS").output().unwrap()
}

/// Returns exit status, standard output and standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = lvx(arguments);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Switches of a pack whose values do not depend on the time.
const SHOWN: &str =
    "volts=53.76&current=-4.36&cells=3.36&temperature=20&remaining=90&soc=91&cycles=1";

#[test]
fn packs_are_side_by_side_with_unknown_bits_as_bits() {
    let cells = SHOWN.replace("&cells=3.36", "&cell=3:-12");
    let second = format!("sim:pack1?{cells}&warn=0x8002&protect=0x2000");
    let (status, table, errors) = run(&["packs", &format!("sim:pack0?{SHOWN}"), &second]);
    assert_eq!((status, errors), (0, String::new()));
    insta::assert_snapshot!(table);
}

#[test]
fn document_has_numbers_and_names_of_bits() {
    let (status, text, _) = run(&[
        "packs",
        &format!("sim:pack0?{SHOWN}&warn=0x8002"),
        "sim:pack1?cut=on",
        "--format",
        "json",
    ]);
    let packs: Json = serde_json::from_str(&text).unwrap();
    let values = &packs[0]["values"];
    assert_eq!(status, 3);
    assert_eq!(packs[0]["model"], "LFP-51.2V100Ah-V1.0");
    assert_eq!((&values["voltage"], &values["current"]), (&json!(53.76), &json!(-4.36)));
    assert_eq!(values["cells"].as_array().unwrap().len(), 16);
    assert_eq!(values["warnings"], json!({ "bits": 0x8002, "names": ["cell over voltage"] }));
    assert_eq!((&packs[1]["values"], &packs[1]["model"]), (&Json::Null, &Json::Null));
    assert_eq!(packs[1]["found"], "failed");
}

#[test]
fn silent_pack_has_no_value_and_its_error_names_the_chain() {
    let (status, table, errors) = run(&["packs", "sim:pack0?chain=on", "sim:pack1"]);
    assert_eq!(status, 3);
    assert!(table.contains("sim:pack0") && !table.contains("sim:pack1"), "{table}");
    assert!(errors.starts_with("lvx: sim:pack1: ") && errors.contains("cable between"), "{errors}");
}

#[test]
fn sums_of_a_chain_are_named_and_not_shown() {
    let arguments = ["packs", "sim:pack0?summary=on", "--format", "json"];
    let (status, text, errors) = run(&arguments);
    let packs: Json = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &packs[0]["found"]), (3, &json!("aggregate")));
    assert_eq!(packs[0]["values"], Json::Null);
    assert!(errors.contains("Growatt"), "{errors}");
    assert_eq!(run(&arguments[..2]).1, "");
}

#[test]
fn units_and_packs_that_do_not_belong_are_refused_with_the_right_command() {
    let texts = [
        &["packs"][..],
        &["packs", "sim:0"],
        &["packs", "sim:pack3"],
        &["packs", "sim:pack0", "sim:pack0"],
        &["packs", "pack:ttyUSB0"],
        &["query", "GS", "sim:pack0"],
        &["now", "sim:pack0"],
        &["compare", "sim:0", "sim:1", "sim:pack0"],
        &["set", "output_priority=solar_utility_battery", "sim:pack0"],
        &["simulate", "--packs", "2", "--switch", "pack2:drift=5"],
        &["simulate", "--packs", "2", "--switch", "pack:drfit=5"],
        &["simulate", "--switch", "pack0:drift=5"],
    ]
    .map(|arguments| {
        let (status, out, errors) = run(arguments);
        format!("$ lvx {}\n{out}{errors}exit status {status}", arguments.join(" "))
    });
    insta::assert_snapshot!(texts.join("\n\n"));
}

const BANK: [&str; 5] = ["sim:0", "sim:1", "sim:pack0", "sim:pack1", "sim:pack2"];

#[test]
fn bank_with_packs_is_healthy() {
    let (status, report, _) = run(&[&["sync-check"][..], &BANK].concat());
    assert_eq!(status, 0, "{report}");
    assert!(report.contains("\npack voltage "), "{report}");
    assert!(report.ends_with("healthy: 2 units, 3 packs, no error, no warning\n"), "{report}");
}

#[test]
fn chain_is_found_live_and_in_a_saved_bank() {
    let chained =
        ["sim:0", "sim:1", "sim:pack0?chain=on", "sim:pack1?tries=1", "sim:pack2?tries=1"];
    let (status, saved, errors) = run(&[&["dump"][..], &chained].concat());
    assert_eq!((status, errors.lines().count()), (3, 2), "{errors}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bank.yaml");
    std::fs::write(&path, saved).unwrap();
    let (status, text, _) =
        run(&["sync-check", "--from", path.to_str().unwrap(), "--format", "json"]);
    let report: Json = serde_json::from_str(&text).unwrap();
    let finding = &report["findings"][0];
    assert_eq!((status, &finding["rule"]), (3, &json!("pack-silent")), "{text}");
    assert!(finding["advice"][0].as_str().unwrap().contains("cables between"), "{finding}");
    assert_eq!(report["packs"][0]["name"], "sim:pack0");
    let (_, live, _) = run(&[&["sync-check", "--only", "pack-silent"][..], &chained].concat());
    assert!(live.contains(finding["what"].as_str().unwrap()), "{live}");
}

#[test]
fn now_shows_packs_and_no_value_of_a_silent_one() {
    let units =
        ["sim:0?seed=1", "sim:1?seed=1", "sim:pack0?drift=-3", "sim:pack1?silent=1&tries=1"];
    let (status, text, _) = run(&[&["now", "--format", "json"][..], &units].concat());
    let bank: Json = serde_json::from_str(&text).unwrap();
    let packs = &bank["packs"];
    assert_eq!((status, packs.as_array().unwrap().len()), (3, 2), "{text}");
    assert_eq!(packs[0]["link"], json!({ "state": "up", "address": "sim:pack0" }));
    let voltage = &packs[0]["values"]["voltage"];
    assert_eq!((&voltage["status"], &voltage["unit"]), (&json!("fresh"), &json!("V")));
    assert_eq!(packs[0]["values"]["warnings"], json!({ "status": "fresh", "value": "none" }));
    assert_eq!((&packs[1]["link"]["state"], &packs[1]["values"]), (&json!("down"), &json!({})));
    let (_, text, _) = run(&[&["now"][..], &units].concat());
    let line = text.lines().find(|line| line.starts_with("sim:pack1 ")).unwrap();
    assert!(line.split_whitespace().skip(1).take(6).all(|cell| cell == "–"), "{text}");
    assert!(line.ends_with("no answer"), "{text}");
    assert!(text.contains("\nsim:pack0  77 %  ") || text.contains("\nsim:pack0  76 %  "), "{text}");
}

#[test]
fn packs_are_served_on_ptys_and_on_tcp() {
    let arguments = "--packs 2 --switch pack:temperature=20 --switch pack1:drift=-20";
    let arguments: Vec<_> = arguments.split(' ').collect();
    for (place, kind) in [(&[][..], "pack:/dev/"), (&["--tcp", "127.0.0.1:0"], "pack:tcp:127.")] {
        let simulator = Simulator::start(&[&arguments, place].concat());
        let [unit, first, second] = &simulator.addresses[..] else {
            panic!("{:?}", simulator.addresses)
        };
        assert!(first.starts_with(kind), "{first}");
        let (status, table, errors) = run(&["packs", first, second]);
        assert_eq!(status, 0, "{errors}");
        assert!(
            table.contains("20 20 °C") && table.contains("80 %") && table.contains("60 %"),
            "{table}"
        );
        assert_eq!(run(&["query", "MOD", unit]).0, 0);
    }
}

/// A pack takes the queries of units for noise, and a unit the request of a pack.
#[cfg(target_os = "linux")]
#[test]
fn devices_finds_units_and_packs_behind_serial_ports() {
    let simulator = Simulator::start(&["--packs", "2", "--switch", "pack1:address=16"]);
    let ports: Vec<_> = simulator
        .addresses
        .iter()
        .map(|address| address.trim_start_matches("pack:").trim_start_matches("serial:"))
        .collect();
    let (status, text, _) = run(&["devices", "--format", "json", "--serial", &ports.join(",")]);
    let devices: Json = serde_json::from_str(&text).unwrap();
    let found = |port: &str| {
        let devices = devices.as_array().unwrap();
        devices.iter().find(|device| device["device"] == port).unwrap()
    };
    let unit = found(ports[0]);
    assert_eq!(
        (&unit["unit"]["serial_number"], unit.get("pack")),
        (&json!("96132206100410"), None)
    );
    let [first, second] = [found(ports[1]), found(ports[2])];
    assert_eq!((&first["found"], &first["error"]), (&json!("pack"), &Json::Null), "{first}");
    assert_eq!(first["pack"]["address"], format!("pack:{}", ports[1]));
    assert_eq!(first["pack"]["model"], "LFP-51.2V100Ah-V1.0");
    assert_eq!(second["pack"]["address"], format!("pack:{}?address=16", ports[2]));
    if pi18_transport::adapters().is_empty() {
        assert_eq!(status, 0);
    }
    let request = [0x40, 0x03, 0x00, 0x00, 0x00, 0x27, 0x0A, 0xC1];
    File::options().write(true).open(ports[0]).unwrap().write_all(&request).unwrap();
    assert_eq!(run(&["query", "MOD", &simulator.addresses[0]]).0, 0);
}
