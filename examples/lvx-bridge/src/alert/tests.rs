//! Alerts in virtual time.

use std::time::{Duration, Instant};

use lvx_parallel::{Finding, Severity};
use proptest::prelude::*;
use serde_json::json;

use super::{Alert, Alerts, Change};
use crate::{Now, config::AlertConfig};

/// A clock that moves only when a test moves it.
struct Clock(Now);

impl Clock {
    fn new() -> Self {
        Self(Now { instant: Instant::now(), wall: "2026-11-28T00:00:00Z".parse().unwrap() })
    }

    fn after(&mut self, seconds: u64) -> Now {
        self.0.instant += Duration::from_secs(seconds);
        self.0.wall += Duration::from_secs(seconds);
        self.0
    }
}

fn finding(rule: &str, severity: Severity, serials: &[&str]) -> Finding {
    let values: Vec<_> = serials
        .iter()
        .map(|serial| json!({"unit": "left", "serial_number": serial, "value": "54.6 V"}))
        .collect();
    serde_json::from_value(json!({
        "rule": rule, "severity": severity, "what": "voltages differ", "values": values,
        "why": "one unit gives more", "advice": ["check the cables"], "source": "test",
    }))
    .unwrap()
}

fn error() -> Finding {
    finding("battery-voltage", Severity::Error, &["96132206100410"])
}

fn warning() -> Finding {
    finding("battery-voltage", Severity::Warning, &["96132206100410"])
}

fn changes(alerts: &Alerts) -> Vec<Change> {
    alerts.notices().map(|notice| notice.change).collect()
}

/// Returns alerts with a raised error, and the time at which it was raised.
fn raised() -> (Alerts, Clock) {
    let mut alerts = Alerts::new(&AlertConfig::default(), None);
    let mut clock = Clock::new();
    alerts.judge(&[error()], clock.after(0));
    alerts.judge(&[error()], clock.after(15));
    assert_eq!(changes(&alerts), [Change::Raised]);
    (alerts, clock)
}

#[test]
fn finding_that_lasts_becomes_an_alert_and_clears_after_it_was_away() {
    let (mut alerts, mut clock) = raised();
    let alert = &alerts.list()[0];
    assert_eq!(alert.title, "voltages differ: left");
    assert_eq!((alert.raised - alert.since).get_seconds(), 15);
    alerts.judge(&[], clock.after(5));
    alerts.tick(clock.after(119));
    assert!(alerts.list()[0].is_raised());
    alerts.tick(clock.after(1));
    assert!(!alerts.list()[0].is_raised());
    assert_eq!(changes(&alerts), [Change::Raised, Change::Cleared]);
}

#[test]
fn alert_of_a_unit_that_is_lost_stays_until_the_unit_was_read() {
    let (mut alerts, mut clock) = raised();
    let is_read = |alert: &Alert| alert.units.is_empty();
    for _ in 0..10 {
        alerts.judge_read(&[], is_read, clock.after(60));
    }
    assert!(alerts.list()[0].is_raised());
    // So does an alert of an earlier run.
    let mut again = Alerts::new(&AlertConfig::default(), Some(&alerts.saved()));
    for _ in 0..10 {
        again.judge_read(&[], is_read, clock.after(60));
    }
    assert!(again.list()[0].is_raised());
    for alerts in [&mut alerts, &mut again] {
        alerts.judge(&[], clock.after(5));
        alerts.judge(&[], clock.after(120));
        assert_eq!(changes(alerts), [Change::Raised, Change::Cleared]);
    }
    // A finding that was there in one round only does not become an alert.
    let mut new = Alerts::new(&AlertConfig::default(), None);
    new.judge(&[error()], clock.after(5));
    new.judge_read(&[], is_read, clock.after(5));
    new.judge_read(&[], is_read, clock.after(60));
    assert_eq!(new.list(), []);
}

#[test]
fn problems_of_control_with_the_same_units_are_two_alerts() {
    let mut alerts = Alerts::new(&AlertConfig::default(), None);
    let mut clock = Clock::new();
    let mut problems = [finding("control", Severity::Error, &[]), error()];
    problems[1].rule = "control".into();
    problems[1].values.clear();
    problems[1].source = "journal 2".into();
    alerts.judge(&problems, clock.after(0));
    alerts.judge(&problems, clock.after(15));
    assert_eq!(alerts.list().len(), 2);
}

#[test]
fn finding_that_returns_in_time_keeps_its_alert() {
    let (mut alerts, mut clock) = raised();
    for _ in 0..10 {
        alerts.judge(&[], clock.after(60));
        alerts.judge(&[error()], clock.after(59));
    }
    assert_eq!(changes(&alerts), [Change::Raised]);
}

#[test]
fn finding_that_flickers_is_no_alert() {
    let mut alerts = Alerts::new(&AlertConfig::default(), None);
    let mut clock = Clock::new();
    for _ in 0..100 {
        alerts.judge(&[error()], clock.after(5));
        alerts.judge(&[error()], clock.after(5));
        alerts.judge(&[], clock.after(5));
    }
    assert_eq!(changes(&alerts), []);
}

#[test]
fn warning_needs_longer_than_an_error() {
    let mut alerts = Alerts::new(&AlertConfig::default(), None);
    let mut clock = Clock::new();
    alerts.judge(&[warning()], clock.after(0));
    alerts.judge(&[warning()], clock.after(119));
    // Without a round, the finding may be over.
    alerts.tick(clock.after(60));
    assert_eq!(alerts.list(), []);
    alerts.judge(&[warning()], clock.after(1));
    assert_eq!(alerts.list()[0].severity, Severity::Warning);
    let info = finding("clock", Severity::Info, &[]);
    for _ in 0..100 {
        alerts.judge(&[warning(), info.clone()], clock.after(60));
    }
    assert_eq!(alerts.list().len(), 1, "information is below min_severity");
}

#[test]
fn alert_that_gets_worse_needs_attention_again() {
    let mut alerts = Alerts::new(&AlertConfig::default(), None);
    let mut clock = Clock::new();
    alerts.judge(&[warning()], clock.after(0));
    alerts.judge(&[warning()], clock.after(120));
    let id = alerts.list()[0].id.clone();
    alerts.acknowledge(&id, "Ann\u{7}", true, clock.0).unwrap();
    assert_eq!(alerts.list()[0].acknowledged.as_ref().unwrap().by, "Ann");
    alerts.judge(&[error()], clock.after(5));
    alerts.judge(&[error()], clock.after(15));
    assert_eq!(alerts.list()[0].severity, Severity::Error);
    assert_eq!(alerts.list()[0].acknowledged, None);
    alerts.judge(&[warning()], clock.after(5));
    alerts.judge(&[warning()], clock.after(120));
    assert_eq!(alerts.list()[0].severity, Severity::Warning);
    let expected = [Change::Raised, Change::Acknowledged, Change::Worse, Change::Better];
    assert_eq!(changes(&alerts), expected);
}

#[test]
fn alert_is_one_per_rule_and_units() {
    let mut alerts = Alerts::new(&AlertConfig::default(), None);
    let mut clock = Clock::new();
    let both = finding("battery-voltage", Severity::Error, &["96132206100411", "96132206100410"]);
    let turned = finding("battery-voltage", Severity::Error, &["96132206100410", "96132206100411"]);
    alerts.judge(&[error(), warning(), both], clock.after(0));
    alerts.judge(&[warning(), error(), turned], clock.after(15));
    assert_eq!(alerts.list().len(), 2);
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    assert!(alerts.list().iter().all(|alert| alert.id.chars().all(is_word)));
}

#[test]
fn acknowledging_what_is_not_raised_is_an_error() {
    let (mut alerts, mut clock) = raised();
    let error = alerts.acknowledge("other", "Ann", true, clock.0).unwrap_err();
    let text = "expected the id of an alert that is raised, found \"other\"";
    assert_eq!(error.to_string(), text);
    alerts.judge(&[], clock.after(1));
    alerts.tick(clock.after(120));
    let id = alerts.list()[0].id.clone();
    assert!(alerts.acknowledge(&id, "Ann", true, clock.0).is_err());
}

#[test]
fn all_alerts_that_are_raised_are_acknowledged_once() {
    let (mut alerts, mut clock) = raised();
    alerts.test("Ann", clock.after(0));
    alerts.acknowledge_all("Bob", clock.after(1));
    alerts.acknowledge_all("Eve", clock.after(1));
    assert_eq!(alerts.list().len(), 2);
    for alert in alerts.list() {
        assert_eq!(alert.acknowledged.as_ref().map(|it| it.by.as_str()), Some("Bob"));
    }
    let acknowledged = [Change::Acknowledged, Change::Acknowledged];
    assert_eq!(changes(&alerts)[2..], acknowledged);
}

#[test]
fn test_alert_clears_after_a_minute() {
    let mut alerts = Alerts::new(&AlertConfig::default(), None);
    let mut clock = Clock::new();
    alerts.test("Ann", clock.after(0));
    alerts.test("Ann", clock.after(30));
    alerts.tick(clock.after(59));
    assert!(alerts.list()[0].is_raised());
    alerts.tick(clock.after(1));
    assert_eq!(changes(&alerts), [Change::Raised, Change::Cleared]);
}

#[test]
fn alert_that_cleared_last_is_kept_after_the_clock_was_set_back() {
    let mut alerts = Alerts::new(&AlertConfig::default(), None);
    let mut clock = Clock::new();
    for number in 0..40 {
        let rule = format!("rule-{number}");
        for findings in [&[finding(&rule, Severity::Error, &[])][..], &[]] {
            alerts.judge(findings, clock.after(5));
            alerts.judge(findings, clock.after(120));
        }
        let cleared = alerts.list().iter().find(|alert| !alert.is_raised()).unwrap();
        assert_eq!(cleared.rule, rule);
        clock.0.wall -= Duration::from_hours(2);
    }
    assert_eq!(alerts.list().len(), 32);
}

#[test]
fn restart_repeats_nothing() {
    let (alerts, mut clock) = raised();
    let mut again = Alerts::new(&AlertConfig::default(), Some(&alerts.saved()));
    assert_eq!(again.last_number(), alerts.last_number());
    again.tick(clock.after(3600));
    again.judge(&[error()], clock.after(5));
    again.judge(&[error()], clock.after(60));
    assert_eq!(changes(&again), [Change::Raised]);
    // Its cause went away while the bridge was down.
    let mut third = Alerts::new(&AlertConfig::default(), Some(&again.saved()));
    third.judge(&[], clock.after(5));
    third.judge(&[], clock.after(120));
    assert_eq!(changes(&third), [Change::Raised, Change::Cleared]);
    assert_eq!(Alerts::new(&AlertConfig::default(), Some(b"{damaged")).list(), []);
}

#[test]
fn saved_state_does_not_follow_measured_values() {
    let (mut alerts, mut clock) = raised();
    let before = alerts.saved();
    let mut other = error();
    other.values[0].value = "54.7 V".to_owned();
    alerts.judge(&[other], clock.after(5));
    assert_eq!(alerts.list()[0].values[0].1, "54.7 V");
    assert_eq!(alerts.saved(), before);
}

/// A step of a random run: seconds, severity of the finding of each of three rules, whether the bridge restarts.
fn steps() -> impl Strategy<Value = Vec<(u64, [Option<Severity>; 3], bool)>> {
    let severity = prop_oneof![
        2 => Just(None),
        1 => Just(Some(Severity::Info)),
        2 => Just(Some(Severity::Warning)),
        3 => Just(Some(Severity::Error)),
    ];
    let step = (1_u64..90, prop::array::uniform3(severity), prop::bool::weighted(0.1));
    prop::collection::vec(step, 1..200)
}

proptest! {
    /// Compares a random run with what the configuration says, judged from the whole past.
    #[test]
    fn alerts_follow_the_delays(steps in steps()) {
        let config = AlertConfig::default();
        let mut alerts = Alerts::new(&config, None);
        let mut clock = Clock::new();
        let mut last_number = 0;
        let mut is_raised = [false; 3];
        // Seconds for which the cause is there, as an error, and away.
        let mut there = [None; 3];
        let mut bad = [None; 3];
        let mut away = [None; 3];
        for (seconds, severities, is_restart) in steps {
            let now = clock.after(seconds);
            if is_restart {
                alerts = Alerts::new(&config, Some(&alerts.saved()));
                // What has not become an alert yet has to last again.
                (there, bad) = ([None; 3], [None; 3]);
                away = [None; 3];
            }
            let rules = ["one", "two", "three"];
            let findings: Vec<_> = rules
                .iter()
                .zip(severities)
                .filter_map(|(rule, severity)| Some(finding(rule, severity?, &[])))
                .collect();
            alerts.judge(&findings, now);
            for index in 0..3 {
                let severity = severities[index].filter(|it| *it >= Severity::Warning);
                let instant = now.instant;
                let age = |at: Option<Instant>| at.map_or(0, |at| (instant - at).as_secs());
                there[index] = severity.map(|_| there[index].unwrap_or(instant));
                let error = severity.filter(|it| *it == Severity::Error);
                bad[index] = error.map(|_| bad[index].unwrap_or(instant));
                away[index] = match severity {
                    None => Some(away[index].unwrap_or(instant)),
                    Some(_) => None,
                };
                let lasted = age(there[index]) >= 120 || age(bad[index]) >= 15;
                if !is_raised[index] && lasted {
                    is_raised[index] = true;
                } else if is_raised[index] && age(away[index]) >= 120 {
                    is_raised[index] = false;
                }
                let of_rule = |alert: &&Alert| alert.rule == rules[index] && alert.is_raised();
                let found = alerts.list().iter().filter(of_rule).count();
                prop_assert_eq!(found, usize::from(is_raised[index]), "rule {}", index);
            }
            // Each change has a new number, and raising and clearing take turns.
            for notice in alerts.notices().filter(|notice| notice.number > last_number) {
                prop_assert!(notice.change != Change::Cleared || !notice.alert.is_raised());
            }
            last_number = alerts.last_number();
        }
        let mut numbers = alerts.notices().map(|notice| notice.number);
        prop_assert!(numbers.by_ref().is_sorted());
        prop_assert!(alerts.list().len() <= 3 + 32 && alerts.notices().len() <= 64);
        for rule in ["one", "two", "three"] {
            let of_rule = alerts.notices().filter(|notice| notice.alert.rule == rule);
            let turns = of_rule.filter(|it| matches!(it.change, Change::Raised | Change::Cleared));
            let turns: Vec<_> = turns.map(|notice| notice.change).collect();
            prop_assert!(turns.windows(2).all(|pair| pair[0] != pair[1]), "{:?}", turns);
        }
    }
}
