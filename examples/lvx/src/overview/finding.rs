//! What the checks found.

use jiff::Timestamp;
use lvx_parallel::Severity;
use pi18_transport::printable;

/// A finding, or an alert of the bridge.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Finding {
    /// Rule that found it.
    pub(crate) rule: String,
    /// Severity.
    pub(crate) severity: Severity,
    /// What is wrong.
    pub(crate) title: String,
    /// Values of the units, in one line; empty without values.
    pub(crate) values: String,
    /// Why it matters.
    pub(crate) why: String,
    /// What to do, in order.
    pub(crate) steps: Vec<String>,
    /// Time since which it is so, if it is known.
    pub(crate) since: Option<Timestamp>,
    /// Who acknowledged it.
    pub(crate) acknowledged: Option<String>,
}

impl Finding {
    /// Takes over a finding of the rules.
    pub(crate) fn new(finding: &lvx_parallel::Finding) -> Self {
        let text = |text: &str| printable(text).into_owned();
        Self {
            rule: text(&finding.rule),
            severity: finding.severity,
            title: text(&finding.what),
            values: text(&finding.values_text()),
            why: text(&finding.why),
            steps: finding.advice.iter().map(|step| text(step)).collect(),
            since: None,
            acknowledged: None,
        }
    }

    /// Returns whether something has to be done.
    pub(crate) fn is_problem(&self) -> bool {
        self.severity > Severity::Info
    }
}
