//! Findings: what rules report, with severity, reason and advice.

use std::fmt;

use serde::Serialize;

/// How severe a finding is. A greater value is more severe.
///
/// ```
/// use lvx_parallel::Severity;
///
/// assert!(Severity::Error > Severity::Warning);
/// assert_eq!(Severity::Info.to_string(), "info");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Information; no action is needed.
    Info,
    /// The bank works, but not as well as it should, or a failure is likely.
    Warning,
    /// The bank does not work, or is being damaged.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A problem or a fact that a rule reports, with the values of the units, a reason and advice.
///
/// Its `Display` is one line: what was found, and the values of the units.
///
/// ```
/// use lvx_parallel::{BankSnapshot, Member, check};
///
/// let members = ["sim:0".parse()?, "sim:1?battery-offset=0.3".parse()?];
/// let bank = BankSnapshot::read(members.map(|address| Member::open(&address)).into());
/// for finding in check(&bank).findings {
///     println!("{}: {finding}\n  why: {}", finding.severity, finding.why);
///     for (number, step) in (1..).zip(&finding.advice) {
///         println!("  {number}. {step}");
///     }
/// }
/// # Ok::<(), pi18_transport::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// Id of the rule that reports the finding.
    pub rule: &'static str,
    /// Severity of the finding.
    pub severity: Severity,
    /// Description of the problem or fact, without the values.
    pub what: String,
    /// The units that the finding is about, each with its value.
    pub values: Vec<Observed>,
    /// Reason why the finding matters.
    pub why: String,
    /// Steps to take, in this order; empty if nothing needs to be done.
    pub advice: Vec<String>,
    /// Origin of the rule and its limits.
    pub source: &'static str,
}

/// A unit with its value in a [`Finding`].
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Observed {
    /// Name of the unit.
    pub unit: String,
    /// Value as it is shown.
    pub value: String,
}

impl Finding {
    /// Appends advice to the finding.
    pub(crate) fn advise(mut self, advice: &[&str]) -> Self {
        self.advice.extend(advice.iter().map(|&each| each.to_owned()));
        self
    }

    /// Returns the values in one line: `sim:0 54.6 V, sim:1 54.9 V`.
    ///
    /// Units with the same value are named together. If more than two units share the one most common
    /// value, they are not named: `sim:4 01 standby, all others 05 hybrid`.
    #[must_use]
    pub fn values_text(&self) -> String {
        let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
        for Observed { unit, value } in &self.values {
            match groups.iter_mut().find(|(known, _)| known == value) {
                Some((_, units)) => units.push(unit),
                None => groups.push((value, vec![unit])),
            }
        }
        let largest = groups.iter().map(|(_, units)| units.len()).max().unwrap_or(0);
        let leaders = groups.iter().filter(|(_, units)| units.len() == largest).count();
        let mut others = None;
        if largest > MAX_NAMED && leaders == 1 && groups.len() > 1 {
            let is_largest = |(_, units): &(&str, Vec<&str>)| units.len() == largest;
            others = groups.iter().position(is_largest).map(|place| groups.remove(place).0);
        }
        let named = groups.iter().map(|(value, units)| format!("{} {value}", units.join(" + ")));
        let others = others.map(|value| format!("all others {value}"));
        named.chain(others).collect::<Vec<_>>().join(", ")
    }
}

/// The largest number of units with the most common value that are named one by one.
const MAX_NAMED: usize = 2;

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if self.values.is_empty() { Ok(()) } else { write!(f, ": {}", self.values_text()) }
    }
}
