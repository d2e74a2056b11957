//! The state of a bank in a few words, the same on the page and on the terminal.

use jiff::Timestamp;
use lvx_parallel::Severity;
use serde::Serialize;

use crate::{Now, Snapshot, alert::Alert, state::LinkState};

/// The state of a bank in a few words.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Verdict {
    /// Whether something is wrong.
    pub level: Level,
    /// Headline: who and what.
    pub title: String,
    /// What the headline means; empty if there is nothing to add.
    pub detail: String,
    /// What to do first; `None` if nothing needs to be done.
    pub step: Option<String>,
    /// Id of the alert that the headline is about; `None` without an alert.
    pub finding: Option<String>,
    /// Time since which it is so.
    pub since: Timestamp,
}

/// Whether something is wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing was judged yet.
    Starting,
    /// Nothing needs to be done.
    Ok,
    /// The bank works, but not as well as it should, or a unit cannot be read.
    Warning,
    /// The bank does not work, or is being damaged.
    Error,
}

impl Verdict {
    /// Composes the verdict of a snapshot.
    #[must_use]
    pub fn of(bank: &Snapshot, now: Now) -> Self {
        let raised = bank.alerts.iter().filter(|alert| alert.is_raised());
        let worst = raised.clone().find(|alert| alert.severity > Severity::Info);
        if let Some(alert) = worst {
            let others =
                raised.filter(|other| other.severity > Severity::Info).count().saturating_sub(1);
            return Self::of_alert(alert, others);
        }
        let silent: Vec<_> = bank.units.iter().filter(|unit| is_silent(&unit.link.state)).collect();
        if let Some(first) = silent.first() {
            let names: Vec<_> = silent.iter().map(|unit| unit.name.as_str()).collect();
            let verb = if names.len() == 1 { "does" } else { "do" };
            let detail = match &first.link.state {
                LinkState::Down { why, .. } => why.clone(),
                LinkState::Starting | LinkState::Up => String::new(),
            };
            return Self {
                level: Level::Warning,
                title: format!("{} {verb} not answer", listed(&names)),
                detail,
                step: Some("Check that the unit is on and its cable is plugged in.".to_owned()),
                finding: None,
                since: silent.iter().map(|unit| unit.link.since).min().unwrap_or(now.wall),
            };
        }
        if bank.findings.is_none() {
            return Self {
                level: Level::Starting,
                title: "The bridge is starting".to_owned(),
                detail: "Not all units have been read yet.".to_owned(),
                step: None,
                finding: None,
                since: bank.started.wall,
            };
        }
        let units = match bank.units.len() {
            1 => "The unit answers".to_owned(),
            units => format!("All {units} units answer"),
        };
        Self {
            level: Level::Ok,
            title: "All is well".to_owned(),
            detail: format!("{units}, and no check found a problem."),
            step: None,
            finding: None,
            since: bank
                .alerts
                .iter()
                .filter_map(|alert| alert.cleared)
                .max()
                .unwrap_or(bank.started.wall),
        }
    }

    fn of_alert(alert: &Alert, others: usize) -> Self {
        let more = match others {
            0 => String::new(),
            1 => " One other alert is raised.".to_owned(),
            _ => format!(" {others} other alerts are raised."),
        };
        Self {
            level: if alert.severity >= Severity::Error { Level::Error } else { Level::Warning },
            title: sentence(&alert.title, ""),
            detail: sentence(&alert.why, ".") + &more,
            step: alert.advice.first().map(|step| sentence(step, ".")),
            finding: Some(alert.id.clone()),
            since: alert.since,
        }
    }
}

fn is_silent(state: &LinkState) -> bool {
    matches!(state, LinkState::Down { .. })
}

/// Returns names as `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Returns a text with a capital letter at its begin, and this end if it does not end a sentence.
fn sentence(text: &str, end: &str) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    let end = if text.ends_with(['.', '?', '!']) { "" } else { end };
    first.to_uppercase().chain(letters).chain(end.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn sentence_has_one_end() {
        for (text, expected) in
            [("a fuse", "A fuse."), ("A fuse.", "A fuse."), ("is it on?", "Is it on?"), ("", "")]
        {
            assert_eq!(sentence(text, "."), expected);
        }
    }

    #[test]
    fn verdict_starts_grey_and_is_ok_after_a_round() {
        let now = Now::system();
        let mut bank = testing::bank(now);
        assert_eq!(Verdict::of(&bank, now).level, Level::Starting);
        bank.findings = Some(Vec::new());
        let verdict = Verdict::of(&bank, now);
        assert_eq!(verdict.level, Level::Ok);
        assert_eq!(verdict.detail, "All 2 units answer, and no check found a problem.");
    }

    #[test]
    fn verdict_names_silent_units() {
        let now = Now::system();
        let mut bank = testing::bank(now);
        testing::unplug(&mut bank, 1);
        let verdict = Verdict::of(&bank, now);
        assert_eq!(verdict.level, Level::Warning);
        assert_eq!(verdict.title, "unit-2 does not answer");
        testing::unplug(&mut bank, 0);
        assert_eq!(Verdict::of(&bank, now).title, "unit-1 and unit-2 do not answer");
    }

    #[test]
    fn verdict_quotes_the_first_alert_and_counts_the_others() {
        let now = Now::system();
        let mut bank = testing::bank(now);
        bank.findings = Some(Vec::new());
        bank.alerts = vec![
            testing::alert("a", Severity::Error, now),
            testing::alert("b", Severity::Warning, now),
        ];
        let verdict = Verdict::of(&bank, now);
        assert_eq!(verdict.level, Level::Error);
        assert_eq!(verdict.title, "Battery voltages differ");
        assert_eq!(verdict.detail, "The units share one battery. One other alert is raised.");
        assert_eq!(verdict.step.as_deref(), Some("Measure at the terminals."));
        assert_eq!(verdict.finding.as_deref(), Some("a"));
        for alert in &mut bank.alerts {
            alert.severity = Severity::Info;
        }
        assert_eq!(Verdict::of(&bank, now).level, Level::Ok);
    }
}
