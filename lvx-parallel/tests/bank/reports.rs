//! Reports of ten typical banks, in every format.

use std::time::Duration;

use lvx_parallel::{
    Answer, BankSnapshot, Checks, Gap, Reading, Reason, Report, ReportStyle, Severity,
    UnitSnapshot, check, compare,
};
use pi18_proto::{Decivolts, Query};
use pi18_transport::sim::{Bank, BankConfig};
use serde_json::Value;

use crate::{read, strict_validator};

/// Returns a bank with these switches, all of it read at the same moment.
#[track_caller]
fn bank(switches: &[&str]) -> BankSnapshot {
    let switches: Vec<_> = switches.iter().map(|text| text.parse().unwrap()).collect();
    let bank = Bank::new(BankConfig { units: switches.len(), switches }).unwrap();
    let unit = |unit| {
        UnitSnapshot::from_answers(format!("sim:{unit}"), |query| {
            let at = Duration::ZERO;
            bank.peek(unit, query).map(|value| Reading::new(value, at)).ok_or_else(gap)
        })
    };
    BankSnapshot::new((0..bank.units()).map(unit))
}

/// Returns a bank of which one unit disappears while it is read.
fn unplugged() -> BankSnapshot {
    read(&["frozen=on", "disconnect=3"])
}

fn commissioned() -> BankSnapshot {
    bank(&["", ""])
}

fn skewed() -> BankSnapshot {
    let mut bank = bank(&["", ""]);
    let Answer::Received(reading) = &mut bank.units[1].status else { panic!() };
    reading.at += Duration::from_secs(8);
    reading.value.battery_voltage = Decivolts(600);
    bank
}

/// Returns ten typical banks with their checks.
fn banks() -> Vec<(&'static str, BankSnapshot, Checks)> {
    let usual = Checks::default;
    let mut drifted_before = commissioned();
    drifted_before.units[1].take(Query::MachineModel, Err(gap()));
    let baseline = usual().with_baseline(drifted_before);
    vec![
        ("commissioned", commissioned(), usual().with_bank_ah(300)),
        ("alone", bank(&["output-mode=0"]), usual()),
        ("firmware", bank(&["main=06303&fault=71", "main=06440&fault=71"]), usual()),
        ("no_battery", bank(&["fault=83&battery=off", "fault=83"]), usual()),
        ("drifted", bank(&["float=53.0&max-charge=80", "", "battery-offset=0.4"]), baseline),
        ("unplugged", unplugged(), usual()),
        ("night", bank(&["clock=2026-01-10T23:30:00&grid=off&soc=9", ""]), usual()),
        ("nine", bank(&["", "", "", "", "warn=fan-locked", "", "", "", "mode=01"]), usual()),
        ("numbers", bank(&["instance=1&serial-number=55355535553555", "instance=1"]), usual()),
        ("skewed", skewed(), usual()),
    ]
}

fn gap() -> Gap {
    Gap::new(Reason::Refused, "")
}

fn reports() -> Vec<(&'static str, Report)> {
    let reports = banks().into_iter().map(|(name, bank, checks)| (name, checks.check(&bank)));
    reports.collect()
}

#[test]
fn reports_as_text() {
    for (name, report) in reports() {
        insta::assert_snapshot!(format!("{name}_text"), report.to_text(&ReportStyle::default()));
    }
}

/// The banks whose reports are compared in every format: a healthy one, and one with an error.
const IN_EVERY_FORMAT: [&str; 2] = ["alone", "firmware"];

#[test]
fn reports_in_every_format() {
    for (name, report) in reports() {
        if IN_EVERY_FORMAT.contains(&name) {
            insta::assert_snapshot!(format!("{name}_markdown"), report.to_markdown());
            insta::assert_snapshot!(format!("{name}_json"), report.to_json());
        }
    }
}

#[test]
fn markdown_holds_every_finding_and_unit() {
    for (name, report) in reports() {
        let markdown = report.to_markdown();
        let verdict = report.verdict();
        assert!(markdown.starts_with(&format!("**{verdict}**\n")), "{name}: {markdown}");
        let table = markdown.lines().filter(|line| line.starts_with('|'));
        for line in table {
            let cells = line.replace("\\|", "").matches('|').count();
            assert_eq!(cells, report.units.len() + 2, "{name}: {line}");
        }
        let findings = markdown.lines().filter(|line| line.starts_with("- **"));
        assert_eq!(findings.count(), report.findings.len(), "{name}: {markdown}");
        let advice: usize = report.findings.iter().map(|finding| finding.advice.len()).sum();
        let steps = markdown.lines().filter(|line| line.starts_with("  - do "));
        assert_eq!(steps.count(), advice, "{name}: {markdown}");
    }
}

#[test]
fn json_holds_the_report() {
    for (name, report) in reports() {
        let json: Value = serde_json::from_str(&report.to_json()).unwrap();
        assert_eq!(json["verdict"], report.verdict(), "{name}");
        assert_eq!(json["healthy"], report.is_healthy(), "{name}");
        assert_eq!(json["complete"], report.complete, "{name}");
        let names: Vec<_> = report.units.iter().map(|unit| unit.name.as_str()).collect();
        let found: Vec<_> = json["units"].as_array().unwrap().iter().map(|u| &u["name"]).collect();
        assert_eq!(found, names, "{name}");
        let table = json["table"].as_array().unwrap();
        assert_eq!(table.len(), report.rows.len(), "{name}");
        for (row, expected) in table.iter().zip(&report.rows) {
            assert_eq!(row["label"], expected.label, "{name}");
            let cells = row["cells"].as_array().unwrap();
            assert_eq!(cells.len(), report.units.len(), "{name}");
            for (cell, expected) in cells.iter().zip(&expected.cells) {
                assert_eq!(cell["value"].as_str(), expected.value.as_deref(), "{name}");
                assert_eq!(cell["marked"], expected.marked, "{name}");
            }
        }
        let findings = serde_json::to_value(&report.findings).unwrap();
        assert_eq!(json["findings"], findings, "{name}");
    }
}

#[test]
fn json_reports_match_schema() {
    let validator = strict_validator(Report::SCHEMA);
    for (name, report) in reports() {
        let report: Value = serde_json::from_str(&report.to_json()).unwrap();
        let errors: Vec<_> = validator.iter_errors(&report).map(|e| e.to_string()).collect();
        assert_eq!(errors, [""; 0], "{name}");
        // The schema rejects reports that lack a key or have another version.
        for key in ["verdict", "findings", "table", "units"] {
            let mut less = report.clone();
            less.as_object_mut().unwrap().remove(key);
            assert!(!validator.is_valid(&less), "{key}");
        }
        let mut other = report.clone();
        other["version"] = 1.into();
        assert!(!validator.is_valid(&other));
    }
}

#[test]
fn json_reports_are_read_back() {
    for (name, report) in reports() {
        assert_eq!(Report::parse(&report.to_json()).as_ref(), Ok(&report), "{name}");
        let value = serde_json::to_value(&report).unwrap();
        assert_eq!(serde_json::from_value::<Report>(value).unwrap(), report, "{name}");
    }
}

#[test]
fn report_of_later_version_is_read() {
    let (_, report) = reports().swap_remove(2);
    let mut json: Value = serde_json::from_str(&report.to_json()).unwrap();
    json["version"] = 7.into();
    json["site"] = "roof".into();
    json["started"] = "2026-W48".into();
    json["verdict"] = "one notice".into();
    json["healthy"] = true.into();
    json["units"][0]["colour"] = "red".into();
    let finding = &mut json["findings"][0];
    finding["severity"] = "notice".into();
    finding["rule"] = "phase-order".into();
    finding["since"] = 3.into();
    let read = Report::parse(&json.to_string()).unwrap();
    assert_eq!((read.verdict(), read.is_healthy()), ("one notice", true));
    assert_eq!(
        (&*read.findings[0].rule, read.findings[0].severity),
        ("phase-order", Severity::Unknown)
    );
    assert!(read.to_string().contains("unknown: main firmware differs"), "{read}");
    assert_eq!(read.started, None);
    let error = |text: &str| Report::parse(text).unwrap_err().to_string();
    let other = report.to_json().replace("lvx-report", "lvx-bank");
    assert_eq!(
        error(&other),
        "format: expected lvx-report version 1 or later, found lvx-bank version 2"
    );
    assert_eq!(error("{}"), "line 1 column 2: expected the key format, found none");
}

#[test]
fn colours_are_written_only_on_request() {
    let report = check(&bank(&["fault=83", "warn=overload"]));
    let coloured = report.to_text(&ReportStyle::default().coloured(true));
    assert!(!report.to_text(&ReportStyle::default()).contains('\x1b'));
    let mut bare = coloured.clone();
    for code in ["\x1b[1;31m", "\x1b[33m", "\x1b[32m", "\x1b[1m", "\x1b[0m"] {
        bare = bare.replace(code, "");
    }
    assert_eq!(bare, report.to_text(&ReportStyle::default()));
    assert!(coloured.contains("\x1b[1;31merror\x1b[0m: fault 83"), "{coloured:?}");
}

#[test]
fn lines_are_within_width() {
    for (name, report) in reports() {
        for width in [60, 80, 120] {
            let text = report.to_text(&ReportStyle::default().wide(width));
            let long = text.lines().find(|line| line.chars().count() > width);
            // A single column of the table may be wider.
            assert!(long.is_none_or(|line| !line.starts_with("    ")), "{name} {width}: {long:?}");
        }
    }
}

#[test]
fn control_characters_in_names_are_escaped() {
    let mut bank = commissioned();
    bank.units[0].name = "\x1b[2J|<b>*x*\n".to_owned();
    bank.units[1].rated.value_mut().unwrap().float_voltage = Decivolts(530);
    let report = check(&bank);
    let text = report.to_text(&ReportStyle::default());
    assert!(!text.contains('\x1b'), "{text:?}");
    let markdown = report.to_markdown();
    assert!(!markdown.contains("<b>") && !markdown.contains('\x1b'), "{markdown:?}");
    let rows = markdown.lines().filter(|line| line.starts_with('|'));
    let bars = |line: &str| line.replace("\\|", "").matches('|').count();
    assert!(rows.clone().count() > 5 && rows.clone().all(|line| bars(line) == 4), "{markdown}");
}

#[test]
fn comparisons_in_every_format() {
    let drifted = bank(&["float=53.0&max-charge=80", "", "output-mode=2"]);
    insta::assert_snapshot!("compare_text", compare(&drifted).to_text(&ReportStyle::default()));
    insta::assert_snapshot!("compare_markdown", compare(&drifted).to_markdown());
    insta::assert_snapshot!("compare_equal_text", compare(&commissioned()).to_string());
}

#[test]
fn json_holds_the_comparison() {
    let comparison = compare(&bank(&["float=53.0&max-charge=80", "", "output-mode=2"]));
    let json: Value = serde_json::from_str(&comparison.to_json()).unwrap();
    // The order in the text: a parsed value need not keep it.
    let text = comparison.to_json();
    let keys = text.lines().filter_map(|line| line.strip_prefix("  \"")?.split_once("\":"));
    let keys: Vec<_> = keys.map(|(key, _)| key).collect();
    let expected = [
        "format",
        "version",
        "matches",
        "units",
        "serial_numbers",
        "unread",
        "agreeing",
        "further",
    ];
    assert_eq!(keys, expected);
    assert_eq!((&json["format"], &json["version"]), (&"lvx-comparison".into(), &1.into()));
    assert_eq!(json["matches"], comparison.matches());
    assert_eq!(json["units"], serde_json::to_value(&comparison.units).unwrap());
    assert_eq!(json["serial_numbers"][1], "96132206100411");
    assert_eq!(serde_json::to_value(&comparison).unwrap(), json);
    assert_eq!(json["unread"], serde_json::to_value(&comparison.unread).unwrap());
    for (part, rows) in [("agreeing", &comparison.agreeing), ("further", &comparison.further)] {
        let matching = rows.iter().filter(|row| !row.is_marked()).count();
        assert_eq!(
            (&json[part]["matching"], &json[part]["of"]),
            (&matching.into(), &rows.len().into())
        );
        assert_eq!(json[part]["settings"], serde_json::to_value(rows).unwrap());
    }
}

#[test]
fn output_modes_of_phases_are_no_mismatch() {
    let phases = compare(&bank(&["output-mode=5", "output-mode=6"]));
    assert!(phases.matches(), "{phases}");
    let three = compare(&bank(&["output-mode=2", "output-mode=3", "output-mode=4"]));
    assert!(three.matches(), "{three}");
    for modes in [["output-mode=1", "output-mode=6"], ["output-mode=2", "output-mode=6"]] {
        let mixed = compare(&bank(&modes));
        assert!(!mixed.matches() && mixed.to_string().contains("output mode"), "{mixed}");
    }
    let report = check(&bank(&["output-mode=5", "output-mode=6"])).to_string();
    assert!(!report.contains("output mode"), "{report}");
}

#[test]
fn units_with_same_name_are_numbered() {
    let mut bank = bank(&["float=53.0&slave=06126", "slave=06126"]);
    for unit in &mut bank.units {
        unit.name = "/dev/hidraw0".to_owned();
    }
    let status = bank.units[0].statuses[1].value_mut().unwrap();
    status.battery_voltage = Decivolts(400);
    let report = check(&bank);
    let texts: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    assert_eq!(texts[0], "float voltage differs: /dev/hidraw0 #1 53.0 V, /dev/hidraw0 #2 54.0 V");
    assert!(texts[1].contains("/dev/hidraw0 #1 about unit 1: battery 40.0 V"), "{texts:?}");
    assert_eq!(compare(&bank).units, ["/dev/hidraw0 #1", "/dev/hidraw0 #2"]);
    assert_eq!(report.units[1].name, "/dev/hidraw0 #2");
}
