//! What a rule has to say.

use std::fmt;

use serde::Serialize;

/// How bad it is. The greater, the worse.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing has to be done.
    Info,
    /// Works, but will not for long, or not as well as it should.
    Warning,
    /// Does not work, or harms something.
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

/// What is the matter, why it matters, and what to do.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// Which rule says so.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is the matter.
    pub what: String,
    /// The units that it is about, each with its value.
    pub values: Vec<Observed>,
    /// Why it matters.
    pub why: String,
    /// What to do about it, in this order; nothing if nothing has to be done.
    pub advice: Vec<String>,
    /// Where the rule and its threshold come from.
    pub source: &'static str,
}

/// A unit and the value that triggered a rule.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Observed {
    /// The unit's name.
    pub unit: String,
    /// Its value, as people read it.
    pub value: String,
}

impl Finding {
    pub(crate) fn advise(mut self, advice: &[&str]) -> Self {
        self.advice.extend(advice.iter().map(|&each| each.to_owned()));
        self
    }

    /// `sim:0 54.6 V, sim:1 54.9 V`; units with one value are named together, and those of the most
    /// common one not at all if there are many: `sim:4 01 standby, all others 05 hybrid`.
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

/// Units with one value that are named one by one.
const MAX_NAMED: usize = 2;

/// The line that says it: what is the matter, and the values.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if self.values.is_empty() { Ok(()) } else { write!(f, ": {}", self.values_text()) }
    }
}
