//! Findings: what rules report, with severity, reason and advice.

use std::{borrow::Cow, fmt};

use pi18_proto::SerialNumber;
use serde::{Deserialize, Serialize};

use crate::{PackSnapshot, RuleInfo, UnitSnapshot};

/// How severe a finding is. A greater value is more severe.
///
/// ```
/// use lvx_parallel::Severity;
///
/// assert!(Severity::Error > Severity::Warning);
/// assert_eq!(Severity::Info.to_string(), "info");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// Information; no action is needed.
    Info,
    /// The bank works, but not as well as it should, or a failure is likely.
    Warning,
    /// The bank does not work, or is being damaged.
    Error,
    /// A severity that this version does not know, in a report of a newer version. It is the greatest, so
    /// that it is not overlooked.
    #[serde(other)]
    Unknown,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Unknown => "unknown",
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
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// Id of the rule that reports the finding.
    pub rule: Cow<'static, str>,
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
    pub source: Cow<'static, str>,
}

/// A unit or a battery pack with its value in a [`Finding`].
///
/// ```
/// use lvx_parallel::{Observed, UnitSnapshot};
/// use pi18_proto::Celsius;
///
/// let unit = UnitSnapshot::new("inverter 1");
/// let observed = Observed::new(&unit, Celsius(45));
/// assert_eq!((&*observed.unit, &*observed.value), ("inverter 1", "45 °C"));
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Observed {
    /// Name of the unit or battery pack: a label for people, which is unique in a report.
    pub unit: String,
    /// Serial number of the unit, if it is known. It identifies the unit in all reports.
    #[serde(default)]
    pub serial_number: Option<SerialNumber>,
    /// Value as it is shown.
    pub value: String,
}

impl Observed {
    /// Returns a unit with its value as it is shown.
    pub fn new(unit: &UnitSnapshot, value: impl fmt::Display) -> Self {
        Self {
            unit: unit.name.clone(),
            serial_number: unit.serial_number(),
            value: value.to_string(),
        }
    }

    /// Returns a battery pack with its value as it is shown. The name of a pack, its port, identifies it.
    pub fn of_pack(pack: &PackSnapshot, value: impl fmt::Display) -> Self {
        Self { unit: pack.name.clone(), serial_number: None, value: value.to_string() }
    }
}

/// Construction of findings, for [rules](crate::Rule).
impl Finding {
    /// Returns a finding of this rule, without values and advice: `what` was found, and `why` it matters. The
    /// texts begin with a lower-case letter and have no full stop.
    pub fn new(
        rule: &RuleInfo,
        severity: Severity,
        what: impl Into<String>,
        why: impl Into<String>,
    ) -> Self {
        Self {
            rule: rule.id.clone(),
            severity,
            what: what.into(),
            values: Vec::new(),
            why: why.into(),
            advice: Vec::new(),
            source: rule.source.clone(),
        }
    }

    /// Appends units with their values.
    #[must_use]
    pub fn with_values(mut self, values: impl IntoIterator<Item = Observed>) -> Self {
        self.values.extend(values);
        self
    }

    /// Appends a step to the advice.
    #[must_use]
    pub fn with_advice(mut self, step: impl Into<String>) -> Self {
        self.advice.push(step.into());
        self
    }

    /// Replaces the origin, which otherwise is that of the rule.
    #[must_use]
    pub fn with_source(self, source: impl Into<Cow<'static, str>>) -> Self {
        Self { source: source.into(), ..self }
    }
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
        for Observed { unit, value, .. } in &self.values {
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
