//! The state of a bank in a few words, as the bridge says it.

use jiff::Timestamp;
use lvx_parallel::Severity;

use super::{
    finding::Finding,
    pack::Pack,
    unit::{LinkState, Unit},
};

/// The state of a bank in a few words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Verdict {
    /// Whether something is wrong.
    pub(crate) level: Level,
    /// Headline: who and what.
    pub(crate) title: String,
    /// What the headline means; empty if there is nothing to add.
    pub(crate) detail: String,
    /// What to do first.
    pub(crate) step: Option<String>,
    /// Time since which it is so, if it is known.
    pub(crate) since: Option<Timestamp>,
}

/// Whether something is wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Level {
    /// Nothing was judged yet.
    Starting,
    /// The bridge does not answer.
    #[cfg(feature = "watch")]
    Lost,
    /// Nothing needs to be done.
    Ok,
    /// The bank works, but not as well as it should, or a unit cannot be read.
    Warning,
    /// The bank does not work, or is being damaged.
    Error,
}

impl Level {
    /// Returns the sign that is shown before the headline.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Starting => "…",
            #[cfg(feature = "watch")]
            Self::Lost => "?",
            Self::Ok => "✓",
            Self::Warning => "!",
            Self::Error => "✗",
        }
    }

    /// Returns the word for the level.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            #[cfg(feature = "watch")]
            Self::Lost => "no word",
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Verdict {
    /// Composes the verdict. Before the units were judged, only units that do not answer are known.
    pub(crate) fn of(
        units: &[Unit],
        packs: &[Pack],
        findings: &[Finding],
        is_judged: bool,
    ) -> Self {
        // A unit that does not answer is also a finding, but its error is more to the point.
        let silent: Vec<_> = units
            .iter()
            .filter_map(|unit| match &unit.link {
                LinkState::Down { why, since } => Some((unit, why, *since)),
                LinkState::Starting | LinkState::Up => None,
            })
            .collect();
        let problems = findings.iter().filter(|finding| finding.is_problem());
        let worst = problems.clone().find(|finding| silent.is_empty() || finding.rule != "unread");
        if let Some(worst) = worst {
            return Self::of_finding(worst, problems.count().saturating_sub(1));
        }
        if let Some((_, why, since)) = silent.first() {
            let names: Vec<_> = silent.iter().map(|(unit, ..)| unit.name.as_str()).collect();
            let verb = if names.len() == 1 { "does" } else { "do" };
            // Before the units were judged, there is no finding about it.
            let is_error = findings.iter().any(|finding| finding.severity >= Severity::Error);
            return Self {
                level: if is_error { Level::Error } else { Level::Warning },
                title: format!("{} {verb} not answer", listed(&names)),
                detail: ended(why, "."),
                step: Some("Check that the unit is on and its cable is plugged in.".to_owned()),
                since: *since,
            };
        }
        if !is_judged {
            return Self {
                level: Level::Starting,
                title: "Reading the units".to_owned(),
                detail: "Not all units have been read yet.".to_owned(),
                step: None,
                since: None,
            };
        }
        let answer = match (units.len(), packs.len()) {
            (1, 0) => "The unit answers".to_owned(),
            (units, 0) => format!("All {units} units answer"),
            (units, packs) => {
                format!("{} and {} answer", counted(units, "unit"), counted(packs, "pack"))
            }
        };
        Self {
            level: Level::Ok,
            title: "All is well".to_owned(),
            detail: format!("{answer}, and no check found a problem."),
            step: None,
            since: None,
        }
    }

    fn of_finding(finding: &Finding, others: usize) -> Self {
        let more = match others {
            0 => String::new(),
            1 => " One other problem was found.".to_owned(),
            _ => format!(" {others} other problems were found."),
        };
        let is_error = finding.severity >= Severity::Error;
        Self {
            level: if is_error { Level::Error } else { Level::Warning },
            title: sentence(&finding.title, ""),
            detail: sentence(&finding.why, ".") + &more,
            step: finding.steps.first().map(|step| sentence(step, ".")),
            since: finding.since,
        }
    }
}

/// Returns `1 unit` or `2 units`.
fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// Returns names as `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Returns a text with a capital letter at its begin, and this end if it has no full stop.
fn sentence(text: &str, end: &str) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    ended(&first.to_uppercase().chain(letters).collect::<String>(), end)
}

/// Returns a text with this end, unless it has one.
fn ended(text: &str, end: &str) -> String {
    let end = if text.ends_with(['.', '?', '!']) { "" } else { end };
    format!("{text}{end}")
}
