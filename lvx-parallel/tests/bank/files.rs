//! Saved banks, and errors in files.

use fastrand::Rng;
use lvx_parallel::{BankSnapshot, HostTime, Reason, check};
use pi18_proto::{Date, DateTime};

use crate::{random::Plan, read, strict_validator};

#[test]
fn saved_bank_reads_back_equal() {
    for seed in 0..40 {
        let mut random = Rng::with_seed(seed);
        let bank = Plan::healthy(&mut random).read(&mut random);
        assert_eq!(BankSnapshot::parse(&bank.to_yaml()), Ok(bank.clone()), "{seed}");
        assert_eq!(BankSnapshot::parse(&bank.to_json()), Ok(bank), "{seed}");
    }
    let live = read(&["silent=0.2", "disconnect=9"]);
    assert!(!live.is_complete());
    assert_eq!(BankSnapshot::parse(&live.to_yaml()).as_ref(), Ok(&live));
    assert_eq!(BankSnapshot::parse(&live.to_json()).as_ref(), Ok(&live));
    let again = BankSnapshot::parse(&live.to_json()).unwrap();
    assert_eq!(check(&again), check(&live));
}

#[test]
fn bank_with_former_name_of_buzzer_is_read() {
    let bank = read(&["", ""]);
    for text in [bank.to_yaml(), bank.to_json()] {
        let saved = text.replace("buzzer", "buzzer_silenced");
        assert_ne!(saved, text);
        assert_eq!(BankSnapshot::parse(&saved).unwrap().to_yaml(), bank.to_yaml());
    }
}

#[test]
fn saved_bank_of_nine_units_is_far_below_limit() {
    let text = read(&[""; 9]).to_json();
    assert!(text.len() * 5 < BankSnapshot::MAX_BYTES, "{}", text.len());
}

#[test]
fn bank_without_units_is_read() {
    let text = "format: lvx-bank\nversion: 1\nunits: []\n";
    assert_eq!(BankSnapshot::parse(text), Ok(BankSnapshot::default()));
}

#[test]
fn unknown_keys_are_ignored() {
    let bank = read(&["frozen=on"]);
    let yaml = bank.to_yaml().replace("version: ", "site: roof\nversion: ");
    let yaml = yaml
        .replace("- name:", "- colour: [red]\n  name:")
        .replace("  at_ms:", "  tries: 2\n    at_ms:");
    assert!(yaml.matches("tries: 2").count() > 10, "{yaml}");
    assert_eq!(BankSnapshot::parse(&yaml), Ok(bank.clone()));
    let json = bank.to_json().replace("\"at_ms\":", "\"tries\": 2, \"at_ms\":");
    assert_eq!(BankSnapshot::parse(&json), Ok(bank));
}

#[test]
fn bank_of_later_version_is_read_as_far_as_known() {
    let mut bank = read(&["frozen=on"]);
    bank.started = HostTime::now();
    let later = bank.to_json().replacen("\"version\": 2", "\"version\": 9", 1);
    let read = BankSnapshot::parse(&later).unwrap();
    assert_eq!((read.newer_format, &read.units), (Some(9), &bank.units));
    let report = check(&read);
    let expected = "the bank was saved in a later format: version 9, known are 1 to 2";
    assert!(report.findings.iter().any(|finding| finding.what == expected), "{report}");
    assert!(report.verdict().starts_with("healthy as far as it was judged"), "{report}");

    // Values that this version cannot read, in YAML as well.
    let yaml = bank.to_yaml().replacen("version: 2", "version: 9", 1);
    let yaml = yaml.replace("working_mode: 5", "working_mode: {code: 5, name: hybrid}");
    let yaml = yaml.replace("started: \"20", "started: \"year 20");
    let yaml = yaml.replacen("serial_number: ", "serial_number: 17 #", 1);
    let yaml = yaml.replacen("presence: ", "presence: [] #", 1);
    let read = BankSnapshot::parse(&yaml).unwrap();
    let (unit, known) = (&read.units[0], &bank.units[0]);
    assert_eq!(read.started, None);
    assert_eq!(unit.mode.gap().map(|gap| gap.reason), Some(Reason::Unreadable));
    assert_eq!(unit.ratings[0].gap().map(|gap| gap.reason), Some(Reason::Unreadable));
    assert_eq!(unit.ratings[1..], known.ratings[1..]);
    assert_eq!((unit.serial, &unit.status), (known.serial, &known.status));
    let text = check(&read).to_string();
    assert!(text.contains("some answers are missing: sim:0 MOD, PRI0, PGS0 answered"), "{text}");
}

#[test]
fn lost_unit_and_list_of_later_version_stay_missing() {
    let bank = read(&["frozen=on", "frozen=on"]);
    let mut later = serde_json::to_value(&bank).unwrap();
    later["version"] = 9.into();
    later["units"][0]["lost"] = serde_json::json!({ "cause": "burnt" });
    later["units"][1]["statuses"] = serde_json::json!({ "0": "normal" });
    let read = BankSnapshot::parse(&later.to_string()).unwrap();
    assert_eq!(read.units[0].lost.as_ref().map(|gap| gap.reason), Some(Reason::Unreadable));
    let statuses: Vec<_> = read.units[1].statuses.iter().map(|status| status.gap()).collect();
    assert_eq!(statuses.len(), 1);
    assert_eq!(statuses[0].map(|gap| gap.reason), Some(Reason::Unreadable));
    assert!(!read.units[0].is_complete() && !read.units[1].is_complete());
    let report = check(&read);
    assert!(!report.is_healthy(), "{report}");
}

#[test]
fn saved_banks_match_schema() {
    let validator = strict_validator(BankSnapshot::SCHEMA);
    let mut started = read(&["", "battery-offset=0.4"]);
    started.started = HostTime::now();
    for bank in [started, read(&["silent=0.2", "disconnect=9"]), read(&[""; 9])] {
        let json = serde_json::to_value(&bank).unwrap();
        let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0]);
        assert_eq!(serde_json::from_value::<BankSnapshot>(json.clone()).unwrap(), bank);
        for key in ["format", "version", "units"] {
            let mut less = json.clone();
            less.as_object_mut().unwrap().remove(key);
            assert!(!validator.is_valid(&less), "{key}");
        }
    }
}

#[test]
fn unit_that_cannot_be_opened_has_the_serial_number_of_its_address() {
    for address in ["sn:96132206100499", "/dev/no-such-unit?serial=96132206100499"] {
        let member = lvx_parallel::Member::open(&address.parse().unwrap());
        let bank = BankSnapshot::read(vec![member]);
        let unit = &bank.units[0];
        assert!(unit.lost.is_some());
        assert_eq!(unit.serial_number().unwrap().to_string(), "96132206100499");
        assert_eq!(check(&bank).units[0].serial_number.as_deref(), Some("96132206100499"));
        assert_eq!(BankSnapshot::parse(&bank.to_yaml()), Ok(bank));
    }
}

#[test]
fn errors_name_place_and_expectation() {
    let date = Date::new(2026, 11, 27).unwrap();
    let started = DateTime::new(date, 6, 0, 0).ok().map(HostTime::new);
    let mut bank = read(&["frozen=on"]);
    bank.started = started;
    let good = bank.to_yaml();
    let error = |from: &str, to: &str| {
        assert!(good.contains(from), "{good}");
        let bad = good.replacen(from, to, 1);
        format!("{to:?}\n  {}", BankSnapshot::parse(&bad).unwrap_err())
    };
    let mut all = vec![
        error("lvx-bank", "lvx-plan"),
        error("version: 2", "version: 0"),
        error("main: \"06306\"", "main: 06306.5.4"),
        error("grid_voltage: 120.0", "grid_voltage: 120.05"),
        error("grid_voltage: 120.0", "grid_voltage: high"),
        error("at_ms: 0\n", "at_ms: -1\n"),
        error("  identity:\n    at_ms: 0\n", "  identity:\n"),
        error("units:", "units: [\n"),
        error("version: 2\n", "version: 1\nversion: 1\n"),
        error("version: 2\n", "version: [1]\n"),
        error("version: 2\n", "version: one\n"),
        error("version: 2\n", "---\nversion: 1\n"),
        error("units:", "unit: &a\n  <<: *b\nunits:"),
    ];
    for text in [
        "",
        "hello",
        "{",
        "[]",
        "{\"format\": \"lvx-bank\", \"version\": 1}",
        "{\"format\": 1}",
        "{\"x\": 1}",
        "{,",
        "\0",
    ] {
        all.push(format!("{text:?}\n  {}", BankSnapshot::parse(text).unwrap_err()));
    }
    let units = "- name: x\n".repeat(11);
    let many = format!("format: lvx-bank\nversion: 1\nunits:\n{units}");
    all.push(format!("eleven units\n  {}", BankSnapshot::parse(&many).unwrap_err()));
    let long = " ".repeat(BankSnapshot::MAX_BYTES + 1);
    all.push(format!("a long text\n  {}", BankSnapshot::parse(&long).unwrap_err()));
    insta::assert_snapshot!(all.join("\n"));
}
