//! `lvx links` and `lvx devices` without adapters. `tests/kernel` tests them with units.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

use std::{
    fs,
    io::{BufRead, BufReader, Lines},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
};

/// A temporary folder for links and units.yaml, removed at the end of the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lvx-links-{name}-{}", std::process::id()));
        fs::create_dir_all(path.join("dev")).unwrap();
        Self(path)
    }

    fn units(self, text: &str) -> Self {
        fs::write(self.0.join("units.yaml"), text).unwrap();
        self
    }

    /// Runs `lvx links` in this folder and returns all output.
    fn links(&self, arguments: &[&str]) -> String {
        let mut all = vec!["links", "--units", "units.yaml", "--dir", "dev"];
        all.extend(arguments);
        seen(&self.0, &all)
    }

    fn link(&self, name: &str, target: &str) {
        symlink(target, self.0.join("dev").join(name)).unwrap();
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.join("dev")).unwrap().flatten();
        let mut names: Vec<_> = entries.map(|it| it.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn seen(folder: &Path, arguments: &[&str]) -> String {
    let lvx = env!("CARGO_BIN_EXE_lvx");
    let output = Command::new(lvx).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let status = output.status.code().unwrap();
    format!("{}{}exit status {status}", text(&output.stdout), text(&output.stderr))
}

/// Returns whether this machine has adapters, which most of these tests must not touch.
fn has_adapters() -> bool {
    !pi18_transport::adapters().is_empty()
}

#[test]
fn print_writes_udev_rules_and_service() {
    let here = Path::new(".");
    insta::assert_snapshot!("udev", seen(here, &["links", "--print", "udev"]));
    insta::assert_snapshot!("systemd", seen(here, &["links", "--print", "systemd"]));
    let other =
        seen(here, &["links", "--print", "udev", "--group", "dialout", "--lvx", "/usr/bin/lvx"]);
    assert!(other.contains(r#"GROUP="dialout""#) && other.contains(r#"RUN+="/usr/bin/lvx links "#));
}

/// The effect of the commands is tested in `tests/kernel/install.rs`.
#[test]
fn installation_commands_in_documentation_and_help_are_equal() {
    let page = include_str!("../../../docs/names-and-udev.md");
    let (_, section) = page.split_once("\n## Install the links\n").unwrap();
    let commands =
        section.split("```sh kernel-tests\n").nth(1).unwrap().split("```").next().unwrap();
    let help = seen(Path::new("."), &["links", "--help"]);
    for command in commands.lines() {
        assert!(help.contains(&format!("\n  {command}\n")), "{command}");
    }
}

#[test]
fn missing_unit_is_reported_and_its_link_removed() {
    if has_adapters() {
        return;
    }
    let scratch = Scratch::new("missing")
        .units("units:\n  96132206100410: lvx6048-1\n  96132206100411: lvx6048-2\n");
    scratch.link("lvx6048-1", "/dev/./hidraw0");
    scratch.link("an-old-name", "/dev/./hidraw1");
    scratch.link("other", "hidraw0");
    insta::assert_snapshot!("missing-dry", scratch.links(&["--wait", "0s", "--dry-run"]));
    assert_eq!(scratch.names(), ["an-old-name", "lvx6048-1", "other"]);
    insta::assert_snapshot!("missing", scratch.links(&["--wait", "0s"]));
    assert_eq!(scratch.names(), ["other"]);
}

#[test]
fn clear_removes_all_or_dead_links() {
    let scratch = Scratch::new("clear");
    scratch.link("dead", "/dev/./hidraw250");
    // A node that always exists.
    scratch.link("alive", "/dev/./null");
    scratch.link("other", "hidraw250");
    insta::assert_snapshot!("clear-dead", scratch.links(&["clear", "--dead"]));
    assert_eq!(scratch.names(), ["alive", "other"]);
    insta::assert_snapshot!("clear", scratch.links(&["clear"]));
    assert_eq!(scratch.names(), ["other"]);
}

#[test]
fn option_of_another_subcommand_is_refused() {
    let scratch = Scratch::new("option");
    scratch.link("a", "/dev/./hidraw250");
    for option in ["--dry-run", "--watch", "--print=udev"] {
        assert!(scratch.links(&[option, "clear"]).ends_with("exit status 2"), "{option}");
    }
    assert_eq!(scratch.names(), ["a"]);
}

#[test]
fn print_refuses_unsafe_paths_and_groups() {
    let seen = |arguments: &[&str]| {
        seen(Path::new("."), &[&["links", "--print", "systemd"], arguments].concat())
    };
    let scratch = Scratch::new("unsafe");
    let own = scratch.0.join("dev");
    for (option, why) in [
        (["--lvx", "lvx"], "expected an absolute path"),
        (["--lvx", "/usr/../home/x/lvx"], "expected a path without `..`"),
        (["--lvx", "/var/tmp"], "expected a path outside /var/tmp"),
        (["--lvx", "/dev/shm/lvx"], "expected /dev/shm to be writable only by root"),
        (["--units", "/home/a/u.yaml"], "expected a path outside /home"),
        (["--dir", own.to_str().unwrap()], ""),
        (["--dir", "/srv/a b"], "expected letters, digits"),
        (["--group", "a\""], "expected a letter or `_`"),
        (["--group=-x", "--lvx=/usr/bin/lvx"], "expected a letter or `_`"),
    ] {
        let text = seen(&option);
        assert!(text.ends_with("exit status 2") && text.contains(why), "{option:?}: {text}");
    }
    assert!(seen(&["--dir", "/run/lvx-links"]).contains("\nReadWritePaths=/run/lvx-links\n"));
}

#[test]
fn watch_rereads_units_file() {
    if has_adapters() {
        return;
    }
    let scratch = Scratch::new("follow").units("units:\n  96132206100410: old\n");
    let mut watch = Watch::start(&scratch);
    assert_eq!(watch.next_line(), "old (96132206100410) is missing");
    fs::write(scratch.0.join("units.yaml"), "units: nonsense").unwrap();
    assert!(watch.next_line().starts_with("lvx: units.yaml: line 1 column 8: "));
    fs::write(scratch.0.join("units.yaml"), "units:\n  96132206100410: new\n").unwrap();
    assert_eq!(watch.next_line(), "new (96132206100410) is missing");
}

/// A process that maintains links, killed at the end of the test.
struct Watch {
    process: Child,
    stderr: Lines<BufReader<ChildStderr>>,
}

impl Watch {
    fn start(scratch: &Scratch) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_lvx"))
            .args(["links", "--units", "units.yaml", "--dir", "dev", "--watch"])
            .current_dir(&scratch.0)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap()).lines();
        Self { process, stderr }
    }

    fn next_line(&mut self) -> String {
        self.stderr.next().unwrap().unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn lock_on_the_folder_itself_has_no_effect() {
    let scratch = Scratch::new("anyone").units("units: {}");
    let anyone = fs::File::open(scratch.0.join("dev")).unwrap();
    anyone.lock().unwrap();
    for arguments in [&["clear"][..], &["clear", "--dead"], &["--wait", "0s"]] {
        scratch.link("stale", "/dev/./hidraw250");
        let text = scratch.links(arguments);
        assert!(text.ends_with("exit status 0"), "{arguments:?}: {text}");
        assert!(scratch.names().iter().all(|name| name.starts_with('.')), "{arguments:?}");
    }
}

#[test]
fn second_watch_is_refused_but_clear_works() {
    if has_adapters() {
        return;
    }
    let scratch = Scratch::new("kept").units("units:\n  96132206100410: a\n");
    let mut watch = Watch::start(&scratch);
    watch.next_line();
    insta::assert_snapshot!("second-watch", scratch.links(&[]));
    scratch.link("stale", "/dev/./hidraw250");
    let text = scratch.links(&["clear"]);
    assert!(
        text.contains("another lvx maintains these links and will create them again"),
        "{text}"
    );
    assert!(text.ends_with("exit status 0"), "{text}");
    assert!(!scratch.names().contains(&"stale".to_owned()));
}

#[test]
fn invalid_input_changes_no_link() {
    let scratch = Scratch::new("wrong");
    scratch.link("a", "/dev/./hidraw250");
    insta::assert_snapshot!("no-units", scratch.links(&[]));
    let scratch = scratch.units("units:\n  96132206100410: a\n  96132206100411: a\n");
    insta::assert_snapshot!("wrong-units", scratch.links(&[]));
    insta::assert_snapshot!("no-folder", seen(&scratch.0, &["links", "clear", "--dir", "nowhere"]));
    assert_eq!(scratch.names(), ["a"]);
}

#[test]
fn no_adapter_is_reported() {
    if has_adapters() {
        return;
    }
    let scratch = Scratch::new("nothing");
    insta::assert_snapshot!("devices-none", seen(&scratch.0, &["devices"]));
    insta::assert_snapshot!(
        "devices-none-json",
        seen(&scratch.0, &["devices", "--format", "json"])
    );
    insta::assert_snapshot!("init-none", scratch.links(&["init"]));
    assert!(!scratch.0.join("units.yaml").exists());
}
