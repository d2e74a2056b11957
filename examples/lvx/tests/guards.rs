//! `lvx set`, the battery guard of a site, and obstacles in JSON.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

const GUARD: &str =
    "chemistry: lfp\ncells: 16\nmax_cell_voltage: 3.60 V\nmin_cell_voltage: 2.80 V\n";
const BOTH: [&str; 2] = ["sim:0?frozen=on", "sim:1"];

/// A temporary folder, removed at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("lvx-guard-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs `lvx` with the guard of the site in a file.
    fn lvx(&self, site: Option<&str>, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lvx"));
        command.args(words).env("LVX_STATE_DIR", &self.0).stdin(Stdio::null());
        command.env_remove("LVX_BATTERY").env_remove("LVX_UNIT");
        if let Some(site) = site {
            command.env("LVX_BATTERY", site);
        }
        command.output().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Returns all output of a command with its exit status.
fn seen(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let status = output.status.code().unwrap();
    format!("{}{}exit status {status}", text(&output.stdout), text(&output.stderr))
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn set_and_apply_print_the_same_plan() {
    let folder = Folder::new();
    let site = folder.file("battery.yaml", GUARD);
    let profile =
        folder.file("p.yaml", "bulk_voltage: 55.2\noutput_priority: solar_utility_battery\n");
    let words =
        ["set", "bulk_voltage=55.2", BOTH[0], "output_priority=solar_utility_battery", BOTH[1]];
    let set = folder.lvx(Some(&site), &words);
    let applied = folder.lvx(Some(&site), &["apply", &profile, BOTH[0], BOTH[1]]);
    assert_eq!(seen(&set), seen(&applied));
    assert_eq!(set.status.code(), Some(0), "{}", seen(&set));
    assert!(seen(&set).contains("MCHGV   bulk_voltage 56.4 V -> 55.2 V"), "{}", seen(&set));
    let outputs: Vec<_> = [
        &["set", "bulk_voltage=high", BOTH[0]][..],
        &["set", "bulk_voltage=55.2", "float_voltage", BOTH[0]],
        &["set", BOTH[0]],
        &["set", "bulk_voltage=55.2"],
        &["set", "bulk_voltage=59", BOTH[0], BOTH[1]],
    ]
    .map(|words| seen(&folder.lvx(Some(&site), words)))
    .into();
    insta::assert_snapshot!(outputs.join("\n\n"));
}

#[test]
fn help_for_a_profile_names_the_options_that_permit_it() {
    let folder = Folder::new();
    let validate = |text: &str, units: &[&str]| {
        let profile = folder.file("p.yaml", text);
        let mut words = vec!["validate", &profile];
        words.extend(units.iter().flat_map(|unit| ["--for", unit]));
        seen(&folder.lvx(None, &words))
    };
    let unknown = validate("volts: 56.4\n", &[]);
    assert!(unknown.contains("= help: lvx profile init UNIT prints such a profile\n"), "{unknown}");
    let similar = validate("bulk_voltge: 56.4\n", &[]);
    assert!(!similar.contains("lvx profile init"), "{similar}");
    let unguarded = validate("bulk_voltage: 56.0 V\n", &BOTH[..1]);
    assert!(
        unguarded.contains("use --no-battery-guard with lvx apply or lvx set\n"),
        "{unguarded}"
    );
    let init = seen(&folder.lvx(None, &["profile", "init", BOTH[0]]));
    assert!(init.starts_with("# lvx apply writes an installation setting only"), "{init}");
    let set =
        seen(&folder.lvx(None, &["set", "output_mode=parallel", "machine_type=grid_tie", BOTH[0]]));
    assert!(set.contains("(--allow-installation machine_type)\n"), "{set}");
    assert!(set.contains(", or use --one-unit\n"), "{set}");
}

#[test]
fn charge_voltages_without_guard_need_a_waiver() {
    let folder = Folder::new();
    let words = ["set", "bulk_voltage=55.2", BOTH[0], BOTH[1]];
    let refused = folder.lvx(None, &words);
    insta::assert_snapshot!(seen(&refused));
    let waived = folder.lvx(None, &[&words[..], &["--no-battery-guard"]].concat());
    assert_eq!(waived.status.code(), Some(0), "{}", seen(&waived));
    // A saved plan needs the waiver again.
    let plan = folder.0.join("plan.json");
    let plan = plan.to_str().unwrap();
    let saved = [&words[..], &["--no-battery-guard", "--save-plan", plan]].concat();
    assert_eq!(folder.lvx(None, &saved).status.code(), Some(0));
    let again = folder.lvx(None, &["apply", plan]);
    assert_eq!(again.status.code(), Some(2));
    assert!(seen(&again).contains("--no-battery-guard"), "{}", seen(&again));
    let again = folder.lvx(None, &["apply", plan, "--no-battery-guard"]);
    assert_eq!(again.status.code(), Some(0), "{}", seen(&again));
    let narrow = folder.file("battery.yaml", &GUARD.replace("3.60", "3.44"));
    let again = folder.lvx(Some(&narrow), &["apply", plan, "--no-battery-guard"]);
    assert!(seen(&again).contains("above 3.44 V"), "{}", seen(&again));
}

#[test]
fn site_guard_is_checked_and_can_only_be_narrowed() {
    let folder = Folder::new();
    let profile = |name: &str, text: &str| {
        let printed = folder.lvx(Some(&folder.file(name, text)), &["profile", "battery"]);
        seen(&printed).replace(folder.0.to_str().unwrap(), "")
    };
    let outputs = [
        profile("battery.yaml", GUARD),
        profile("nested.yaml", &format!("battery:\n  {}", GUARD.trim().replace('\n', "\n  "))),
        profile("many.yaml", &GUARD.replace("16", "160")),
        profile("lone.yaml", "chemistry: lfp\n"),
        profile("empty.yaml", ""),
    ];
    insta::assert_snapshot!(outputs.join("\n\n"));
    let missing = folder.lvx(Some("/nonexistent/battery.yaml"), &["set", "backlight=off", BOTH[0]]);
    assert_eq!(missing.status.code(), Some(2), "{}", seen(&missing));
    let site = folder.file("battery.yaml", GUARD);
    let wide = "battery: {max_cell_voltage: 3.65 V}\nbulk_voltage: 55.2 V\n";
    let wide = folder.file("wide.yaml", wide);
    for words in [&["apply", &wide, BOTH[0], BOTH[1]][..], &["validate", &wide]] {
        let refused = folder.lvx(Some(&site), words);
        assert_eq!(refused.status.code(), Some(2));
        let text = seen(&refused);
        assert!(text.contains("expected at most 3.60 V as in the site's battery guard"), "{text}");
    }
}

#[test]
fn agreeing_setting_of_one_unit_needs_an_option() {
    let folder = Folder::new();
    let alone = folder.lvx(None, &["set", "output_priority=solar_utility_battery", BOTH[0]]);
    insta::assert_snapshot!(seen(&alone));
    let words = ["set", "output_priority=solar_utility_battery", BOTH[0], "--one-unit"];
    let allowed = folder.lvx(None, &words);
    assert_eq!(allowed.status.code(), Some(0), "{}", seen(&allowed));
    assert!(
        seen(&allowed).contains(
            "warning: the bank has at least 2 units; not in the plan: unit 96132206100411"
        ),
        "{}",
        seen(&allowed)
    );
}

#[test]
fn json_contains_obstacles() {
    let folder = Folder::new();
    let words =
        ["set", "bulk_voltage=55.2", "output_mode=single", BOTH[0], BOTH[1], "--format", "json"];
    let refused = folder.lvx(None, &words);
    assert_eq!(refused.status.code(), Some(2));
    let shown = json(&refused);
    let kinds = shown["obstacles"].as_array().unwrap().iter();
    let kinds: Vec<_> =
        kinds.map(|obstacle| obstacle["kind"].as_str().unwrap().to_owned()).collect();
    for kind in ["no_battery_guard", "installation", "output_modes"] {
        assert!(kinds.iter().any(|known| known == kind), "{kinds:?}");
    }
    assert_eq!(shown["plan"], serde_json::Value::Null);
    // A unit with a fault is not written to; the JSON contains the plan and the reason.
    let faulty = ["set", "backlight=off", "sim:0?fault=83", "sim:1", "--format", "json"];
    let dry = folder.lvx(None, &faulty);
    assert_eq!(dry.status.code(), Some(1), "{}", seen(&dry));
    let shown = json(&dry);
    assert_eq!(shown["plan"]["steps"].as_array().unwrap().len(), 2);
    let why = shown["obstacles"][0]["why"].as_str().unwrap();
    assert!(why.contains("fault 83"), "{shown}");
    assert_eq!(shown["obstacles"][0]["objection"]["kind"], "fault", "{shown}");
    assert_eq!(shown["obstacles"][0]["objection"]["unit"], "96132206100410", "{shown}");
    let warnings =
        [&shown["warnings"], &shown["warning_details"]].map(|list| list.as_array().unwrap().len());
    assert_eq!(warnings[0], warnings[1], "{shown}");
    // A refused run prints the reason in the same form.
    let wrong = [&faulty[..], &["--yes-serial", "96132206100499"]].concat();
    let refused = folder.lvx(None, &wrong);
    assert_eq!(refused.status.code(), Some(2), "{}", seen(&refused));
    let shown = json(&refused);
    assert_eq!(shown["plan"]["steps"].as_array().unwrap().len(), 2);
    assert_eq!(shown["obstacles"][0]["kind"], "consent");
    let dry = folder.lvx(None, &faulty[..4]);
    assert!(seen(&dry).contains("nothing was written; --confirm would refuse because:\n  "));
}

#[test]
fn refusal_of_charging_unit_names_wait_option() {
    let folder = Folder::new();
    let set = [
        "set",
        "max_charge_current=50",
        "sim:0?frozen=on&soc=60",
        "sim:1?frozen=on",
        "--no-battery-guard",
        "--format",
        "json",
    ];
    let dry = folder.lvx(None, &set);
    assert_eq!(dry.status.code(), Some(1), "{}", seen(&dry));
    let shown = json(&dry);
    let why = shown["obstacles"][0]["why"].as_str().unwrap();
    assert!(why.contains("the unit charges at") && why.contains("--wait-idle 12h"), "{why}");
    let confirmed = [&set[..], &["--yes-serial", "96132206100410,96132206100411"]].concat();
    let refused = folder.lvx(None, &confirmed);
    assert_ne!(refused.status.code(), Some(0), "{}", seen(&refused));
    assert!(seen(&refused).contains("to wait until the unit no longer charges: --wait-idle 12h"));
}

#[test]
fn unknown_setting_suggests_the_nearest() {
    let folder = Folder::new();
    for word in ["Bulk_voltage=55.2", "BULK=3"] {
        let refused = folder.lvx(None, &["set", word, BOTH[0]]);
        assert_eq!(refused.status.code(), Some(2), "{}", seen(&refused));
        let seen = seen(&refused);
        assert!(!seen.contains("no setting is given"), "{seen}");
        assert!(seen.contains("did you mean bulk_voltage?"), "{seen}");
    }
}

#[test]
fn validate_and_apply_use_the_same_bank_rules() {
    let folder = Folder::new();
    let bank = "max_bank_charge_current: 100 A\n";
    let site = folder.file("battery.yaml", &format!("{GUARD}{bank}"));
    for (text, option, expected) in [
        ("output_mode: phase_1_of_2\n", "output_mode", Err("one of two phases has no unit")),
        ("max_charge_current: 80 A\n", "output_mode", Err("160 A, above")),
        ("max_charge_current: 50 A\n", "output_mode", Ok(())),
        ("machine_type: grid_tie\n", "machine_type", Ok(())),
    ] {
        let profile = folder.file("p.yaml", text);
        let words = ["apply", &profile, BOTH[0], BOTH[1], "--allow-installation", option];
        let applied = folder.lvx(Some(&site), &words);
        let words = ["validate", &profile, "--for", BOTH[0], "--for", BOTH[1]];
        let validated = folder.lvx(Some(&site), &words);
        let text = seen(&validated);
        // Exit status 1 concerns the present state of a unit, not the profile.
        let refuses = |output: &Output| output.status.code() == Some(2);
        assert_eq!(refuses(&validated), refuses(&applied), "{text}{}", seen(&applied));
        match expected {
            Ok(()) => assert_eq!(validated.status.code(), Some(0), "{text}"),
            Err(why) => {
                assert_eq!(validated.status.code(), Some(2), "{text}");
                assert!(text.contains(why), "{text}");
                assert!(text.contains("NOT valid for these units together"), "{text}");
            }
        }
    }
}

#[test]
fn saved_plan_wider_than_the_site_guard_is_refused() {
    let folder = Folder::new();
    let guard = GUARD.trim().replace('\n', ", ");
    let profile = folder.file("p.yaml", &format!("battery: {{{guard}}}\nbulk_voltage: 55.2 V\n"));
    let plan = folder.0.join("plan.json");
    let plan = plan.to_str().unwrap();
    let saved = folder.lvx(None, &["apply", &profile, BOTH[0], BOTH[1], "--save-plan", plan]);
    assert_eq!(saved.status.code(), Some(0), "{}", seen(&saved));
    let site = folder.file("battery.yaml", &GUARD.replace("3.60", "3.55"));
    let refused = folder.lvx(Some(&site), &["apply", plan, "--no-battery-guard"]);
    assert_eq!(refused.status.code(), Some(2), "{}", seen(&refused));
    let text = seen(&refused);
    assert!(text.contains("a profile or a plan may only narrow the site's guard"), "{text}");
}
