//! Explanations of the fault, warning and mode codes that a unit's display shows.

use std::fmt;

use pi18_proto::{FaultCode, FaultsAndWarnings, FieldInfo, Reply, WorkingMode};
use pi18_transport::wrap;

use crate::{
    FindingKind, ReportStyle, advice, rules,
    wording::{plain, uncapitalised},
};

/// The meaning of a fault, warning or mode code, and what to check, the most likely cause first.
///
/// ```
/// use lvx_parallel::Explanation;
/// use pi18_proto::FaultCode;
///
/// let fault = Explanation::of_fault(FaultCode(83)).expect("fault 83 has a name");
/// assert_eq!(fault.what, "fault 83 parallel: battery voltages detected differ");
/// assert!(fault.advice[0].starts_with("have an electrician measure"));
/// assert!(Explanation::of_fault(FaultCode(99)).is_none());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// Code with its name.
    pub what: String,
    /// Meaning of the code.
    pub why: &'static str,
    /// What to check or do, in this order; empty if nothing needs to be done.
    pub advice: Vec<String>,
    /// Origin of the explanation.
    pub source: &'static str,
}

impl Explanation {
    /// Explains a fault; `None` if the number has no name.
    #[must_use]
    pub fn of_fault(fault: FaultCode) -> Option<Self> {
        let source = &rules::fault::RULE.info.source;
        let kind = |fault| advice::fault(fault, advice::Sharing::PerhapsPhases);
        fault
            .name()
            .filter(|_| fault.is_fault())
            .map(|_| Self::new(format!("fault {fault}"), kind(fault), source))
    }

    /// Explains a warning, given by its position among the warnings of `FWS`, counted from 1, or by its
    /// name (`fan_locked`).
    ///
    /// ```
    /// use lvx_parallel::Explanation;
    ///
    /// let warning = Explanation::of_warning("fan_locked").expect("a warning of FWS");
    /// assert_eq!(warning.why, "without its fan the unit overheats");
    /// assert_eq!(Explanation::of_warning("4"), Some(warning));
    /// ```
    #[must_use]
    pub fn of_warning(text: &str) -> Option<Self> {
        let name = text.replace('-', "_");
        let is_match =
            |(place, info): &(usize, &FieldInfo)| info.name == name || text.parse() == Ok(*place);
        let (place, info) = Self::warning_fields().find(is_match)?;
        let what = format!("warning {place:02} {}", uncapitalised(info.label));
        let source = &rules::warning::RULE.info.source;
        Some(Self::new(what, advice::warning(info.name), source))
    }

    /// Explains a mode; `None` if the number has no name.
    ///
    /// ```
    /// use lvx_parallel::Explanation;
    /// use pi18_proto::WorkingMode;
    ///
    /// let mode = Explanation::of_mode(WorkingMode::HYBRID).expect("mode 05 has a name");
    /// assert_eq!(mode.what, "mode 05 hybrid");
    /// assert!(mode.advice.is_empty());
    /// ```
    #[must_use]
    pub fn of_mode(mode: WorkingMode) -> Option<Self> {
        let source = &rules::mode::RULE.info.source;
        let what = format!("mode {:02} {}", mode.0, mode.name()?);
        Some(Self::new(what, advice::mode(mode), source))
    }

    /// Explains every fault that has a name.
    pub fn faults() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).filter_map(|code| Self::of_fault(FaultCode(code)))
    }

    /// Explains every warning, in the order of `FWS`.
    pub fn warnings() -> impl Iterator<Item = Self> {
        Self::warning_fields().filter_map(|(_, info)| Self::of_warning(info.name))
    }

    /// Explains every mode that has a name.
    pub fn modes() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).filter_map(|code| Self::of_mode(WorkingMode(code)))
    }

    fn warning_fields() -> impl Iterator<Item = (usize, &'static FieldInfo)> {
        FaultsAndWarnings::FIELDS.iter().enumerate().skip(1)
    }

    fn new(what: String, kind: &FindingKind, source: &'static str) -> Self {
        let advice = kind.advice.iter().map(|&step| step.to_owned()).collect();
        Self { what, why: kind.why, advice, source }
    }

    /// Writes the explanation as text.
    #[must_use]
    pub fn to_text(&self, style: &ReportStyle) -> String {
        let mut text = wrap("", &plain(&self.what), style.width);
        text.push_str(&wrap("    why: ", self.why, style.width));
        for (number, advice) in (1..).zip(&self.advice) {
            let lead = if number == 1 { "    do:  " } else { "         " };
            text.push_str(&wrap(&format!("{lead}{number}. "), advice, style.width));
        }
        text.push_str(&wrap("    source: ", self.source, style.width));
        text
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text(&ReportStyle::default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_as_in_findings() {
        assert_eq!(Explanation::faults().count(), 28);
        assert_eq!(Explanation::warnings().count(), FaultsAndWarnings::FIELDS.len() - 1);
        assert_eq!(Explanation::modes().count(), 7);
        assert!(Explanation::faults().all(|fault| fault.advice.len() >= 2));
        assert!(Explanation::warnings().all(|warning| warning.why != advice::UNKNOWN_WARNING.why));
        let bank = rules::testing::bank_of(&["", "fault=84"]);
        let finding = &crate::check(&bank).findings[0];
        let explanation = Explanation::of_fault(FaultCode(84)).unwrap();
        assert_eq!((&finding.what, &*finding.why), (&explanation.what, explanation.why));
        assert_eq!(finding.advice, explanation.advice);
    }

    #[test]
    fn warning_is_found_by_number_and_name() {
        let warning = Explanation::of_warning("5").unwrap();
        assert_eq!(warning.what, "warning 05 battery voltage high");
        assert_eq!(Explanation::of_warning("battery-high"), Some(warning));
        for none in ["0", "18", "fault", "", "-1"] {
            assert_eq!(Explanation::of_warning(none), None, "{none}");
        }
    }
}
