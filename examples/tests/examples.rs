//! Runs each example with virtual units and compares its output.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Returns the program of an example.
fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.ancestors().nth(2).unwrap().join("examples").join(name)
}

/// Runs an example and returns its output. Cargo builds the examples before the tests.
#[track_caller]
fn prints(example: &str, arguments: &[&str]) -> String {
    prints_in(&std::env::temp_dir(), example, arguments)
}

/// Runs an example in a folder, where it may create files.
#[track_caller]
fn prints_in(folder: &Path, example: &str, arguments: &[&str]) -> String {
    let program = self::example(example);
    let output = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn read_status() {
    insta::assert_snapshot!(prints("read_status", &["sim:0?frozen=on"]));
}

#[test]
fn watch_status() {
    insta::assert_snapshot!(prints("watch_status", &["sim:0?frozen=on", "2"]));
}

#[test]
fn async_monitor() {
    let printed = prints("async_monitor", &["2", "sim:0?frozen=on", "sim:1", "tcp:localhost:1"]);
    // The lines of different units are in any order.
    let mut lines: Vec<_> = printed.lines().collect();
    lines.sort_unstable();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn list_settings() {
    let printed = prints("list_settings", &["sim:0?frozen=on"]);
    // The clock of the virtual bank is frozen, so its difference to this computer changes.
    let lines: Vec<_> = printed.lines().filter(|line| !line.contains("Clock")).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn save_profile() {
    insta::assert_snapshot!(prints("save_profile", &["sim:0?frozen=on"]));
}

#[test]
fn diff_profile() {
    insta::assert_snapshot!(prints("diff_profile", &["sim:0?frozen=on"]));
}

#[test]
fn apply_profile() {
    insta::assert_snapshot!(prints("apply_profile", &["sim:0?frozen=on", "sim:1"]));
    let folder = std::env::temp_dir().join(format!("lvx-example-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let [written, again] = [(); 2]
        .map(|()| prints_in(&folder, "apply_profile", &["--write", "sim:0?frozen=on", "sim:1"]));
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(written, again);
    insta::assert_snapshot!(written);
}

#[test]
fn decode_capture() {
    insta::assert_snapshot!(prints("decode_capture", &[]));
}

#[test]
fn decode_in_firmware() {
    insta::assert_snapshot!(prints("decode_in_firmware", &[]));
}

/// The proxy shows each frame before it relays it, so all is printed when the host program has ended.
#[test]
fn proxy_relays_and_shows_both_directions() {
    let mut proxy = Command::new(example("proxy"))
        .arg("sim:0?frozen=on")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(proxy.stdout.take().unwrap()).lines();
    let address = lines.next().unwrap().unwrap();
    let host = prints("read_status", &[&address]);
    proxy.kill().unwrap();
    proxy.wait().unwrap();
    assert_eq!(host, prints("read_status", &["sim:0?frozen=on"]));
    let shown: Vec<_> = lines.map(Result::unwrap).collect();
    for line in ["Host: MOD", "Device: reply to MOD", "Host: GS", "Device: reply to GS"] {
        assert!(shown.iter().any(|shown| shown == line), "{line} in {shown:#?}");
    }
    assert!(shown.iter().any(|line| line.starts_with("    Battery voltage: ")), "{shown:#?}");
}

#[test]
fn read_pack() {
    insta::assert_snapshot!(prints("read_pack", &[&format!("sim:pack0?{}", SHOWN.join("&"))]));
}

#[test]
fn serve_pack_serves_a_serial_port_and_tcp() {
    let mut server =
        Command::new(example("serve_pack")).args(SHOWN).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let addresses: Vec<_> = lines.take(2).map(Result::unwrap).collect();
    let printed: Vec<_> = addresses.iter().map(|address| prints("read_pack", &[address])).collect();
    server.kill().unwrap();
    server.wait().unwrap();
    let own = prints("read_pack", &[&format!("sim:pack0?{}", SHOWN.join("&"))]);
    assert_eq!(printed, [own.clone(), own]);
}

/// Switches of a pack whose values do not depend on the time.
const SHOWN: [&str; 7] = [
    "volts=53.76",
    "current=-4.36",
    "cells=3.36",
    "temperature=20",
    "remaining=90",
    "soc=91",
    "cycles=1",
];

#[test]
fn answer_queries() {
    insta::assert_snapshot!(prints("answer_queries", &[]));
}

#[test]
fn custom_link() {
    insta::assert_snapshot!(prints("custom_link", &[]));
}

/// The kernel tests of `lvx` cover discovery with units.
#[test]
fn find_units_and_follow_unit_without_adapters() {
    if pi18_transport::adapters().is_empty() {
        insta::assert_snapshot!(prints("find_units", &[]));
        insta::assert_snapshot!(prints("follow_unit", &[]));
    }
}

#[test]
fn check_bank() {
    let printed = prints("check_bank", &["sim:0?frozen=on", "sim:1?fault=83"]);
    // The finding about clocks depends on the present date.
    let (before, about_clocks) = printed.split_once("info: clocks differ").unwrap();
    let after: Vec<_> = about_clocks.lines().skip(3).collect();
    insta::assert_snapshot!(format!("{before}{}", after.join("\n")));
}

#[test]
fn check_packs() {
    let packs =
        ["sim:pack0?volts=54.86", "sim:pack1?volts=54.86&drift=-20", "sim:pack2?volts=54.86"];
    let printed = prints("check_packs", &[&["sim:0?frozen=on", "sim:1"][..], &packs].concat());
    let lines = |start: &str| printed.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!((lines("sim:pack0: 54.86 V, "), lines("sim:pack1: 54.86 V, ")), (1, 1), "{printed}");
    assert_eq!(lines("not healthy: 2 units, 3 packs, 0 errors, 1 warning"), 1, "{printed}");
    assert!(printed.contains("first step: charge"), "{printed}");
}

#[test]
fn custom_rule() {
    insta::assert_snapshot!(prints("custom_rule", &["sim:0?frozen=on&soc=40", "sim:1"]));
}

#[test]
fn compare_units() {
    insta::assert_snapshot!(prints("compare_units", &["sim:0?frozen=on", "sim:1?float=53.0"]));
}

#[test]
fn sum_power() {
    insta::assert_snapshot!(prints("sum_power", &["sim:0?frozen=on", "sim:1"]));
}

/// With the environment variable `UPDATE_PLOTS`, the files in the documentation are written again.
#[test]
fn plots_in_documentation_are_those_of_the_example() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/physics");
    let folder = std::env::temp_dir().join(format!("lvx-plots-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let printed = prints_in(&folder, "plot_bank", &[]);
    let page = include_str!("../../docs/physics.md");
    for file in printed.lines().map(|file| file.trim_start_matches("./")) {
        let drawn = std::fs::read_to_string(folder.join(file)).unwrap();
        assert!(drawn.len() < 40_000, "{file}: {} bytes", drawn.len());
        if std::env::var_os("UPDATE_PLOTS").is_some() {
            std::fs::write(docs.join(file), &drawn).unwrap();
        }
        let shown = std::fs::read_to_string(docs.join(file)).unwrap();
        assert!(shown == drawn, "docs/physics/{file} is old: run this test with UPDATE_PLOTS=1");
        assert!(page.contains(&format!("(physics/{file})")), "{file} is not on the page");
    }
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(printed.lines().count(), 5, "{printed}");
}

#[test]
fn profile_in_documentation_has_no_mistakes() {
    let page = include_str!("../../docs/settings.md");
    let profile = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let profile = lvx_settings::Profile::parse("docs/settings.md", profile).unwrap();
    let found = lvx_settings::validate(&profile, &lvx_settings::Permissions::default());
    assert!(found.is_empty(), "{found}");
}
