//! Plans that this user did not save: their addresses are shown, but never opened.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

use std::{
    fs, io,
    net::TcpListener,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

const UNIT: &str = "sim:0?frozen=on";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `lvx apply` with a state folder in this folder.
    fn apply(&self, state: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lvx"));
        command.arg("apply").args(arguments).env("LVX_STATE_DIR", self.path(state));
        command
            .env_remove("LVX_UNIT")
            .env_remove("LVX_BATTERY")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Saves a plan for the unit with the state folder `own`. Returns its path.
    fn plan(&self) -> String {
        self.plan_of("backlight: off\n")
    }

    fn plan_of(&self, text: &str) -> String {
        let profile = self.path("profile.yaml");
        fs::write(&profile, text).unwrap();
        let plan = self.path("plan.json").to_str().unwrap().to_owned();
        let options = [UNIT, "--one-unit", "--save-plan", &plan];
        let output = self.apply("own", &[&[profile.to_str().unwrap()], &options[..]].concat());
        assert!(output.status.success(), "{}", errors(&output));
        plan
    }

    /// Copies a plan with another address.
    fn forged(&self, plan: &str, address: &str) -> String {
        let text = fs::read_to_string(plan).unwrap().replace(UNIT, address);
        assert!(text.contains(address));
        let forged = self.path("forged.json");
        fs::write(&forged, text).unwrap();
        forged.to_str().unwrap().to_owned()
    }
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[track_caller]
fn assert_refused(output: &Output) {
    let text = errors(output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("its addresses are not used: give the addresses"), "{text}");
    assert!(text.contains("96132206100410"), "{text}");
    assert!(output.stdout.is_empty());
}

#[test]
fn own_plan_and_its_copy_need_no_addresses() {
    let folder = Folder::new();
    let plan = folder.plan();
    assert!(folder.apply("own", &[&plan]).status.success());
    let copy = folder.path("copy.json");
    fs::copy(&plan, &copy).unwrap();
    assert!(folder.apply("own", &[copy.to_str().unwrap()]).status.success());
}

#[test]
fn foreign_plan_needs_addresses() {
    let folder = Folder::new();
    let plan = folder.plan();
    assert_refused(&folder.apply("other", &[&plan]));
    assert_refused(&folder.apply("other", &[&plan, "--yes-serial", "96132206100410"]));
    let named = folder.apply("other", &[&plan, UNIT]);
    assert!(named.status.success(), "{}", errors(&named));
}

#[test]
fn forged_plan_opens_no_address() {
    let folder = Folder::new();
    let plan = folder.plan();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let pipe = folder.path("pipe");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).unwrap();
    for address in [
        format!("tcp:{}", listener.local_addr().unwrap()),
        format!("serial:{}", pipe.display()),
        format!("replay:{}", pipe.display()),
        "replay:/dev/zero".to_owned(),
        "sim:1".to_owned(),
    ] {
        let forged = folder.forged(&plan, &address);
        let output = folder.apply("own", &[&forged]);
        assert_refused(&output);
        assert!(errors(&output).contains(&address), "{}", errors(&output));
        assert!(folder.apply("own", &[&forged, UNIT]).status.success());
    }
    assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn guard_in_foreign_plan_is_not_trusted() {
    let folder = Folder::new();
    let guard = "{chemistry: lfp, cells: 16, max_cell_voltage: 3.60 V, min_cell_voltage: 2.80 V}";
    let plan = folder.plan_of(&format!("battery: {guard}\nbulk_voltage: 55.2 V\n"));
    let own = folder.apply("own", &[&plan, "--one-unit"]);
    assert!(own.status.success(), "{}", errors(&own));
    let words = [&*plan, UNIT, "--one-unit"];
    let refused = folder.apply("other", &words);
    assert_eq!(refused.status.code(), Some(2), "{}", errors(&refused));
    assert!(errors(&refused).contains("--no-battery-guard"), "{}", errors(&refused));
    let waived = folder.apply("other", &[&words[..], &["--no-battery-guard"]].concat());
    assert!(waived.status.success(), "{}", errors(&waived));
}
