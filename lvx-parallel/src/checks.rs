//! The checks that a caller chooses: rules, thresholds, expected values and a baseline.

use std::sync::Arc;

use lvx_settings::Packs;
use pi18_proto::Version;

use crate::{BankSnapshot, FormatError, Rule, RuleInfo, Thresholds, rules};

mod judge;

pub use judge::check;

/// The rules to apply to a bank, with their thresholds and the values that are expected.
///
/// The default applies every built-in rule with its default thresholds. Rules `charge-rate` and `baseline`
/// report nothing until [`bank_ah`](Self::bank_ah) and [`baseline`](Self::baseline) are set.
///
/// ```
/// use lvx_parallel::{BankSnapshot, Checks, Member};
/// use pi18_proto::Decivolts;
///
/// let members = ["sim:0".parse()?, "sim:1?battery-offset=0.3".parse()?];
/// let bank = BankSnapshot::read(members.map(|address| Member::open(&address)).into());
///
/// let mut checks = Checks::default().only(["battery-voltage"])?;
/// assert_eq!(checks.check(&bank).findings[0].rule, "battery-voltage");
/// checks.thresholds.battery_voltage_spread = Decivolts(4);
/// assert!(checks.check(&bank).findings.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Checks {
    /// Limits that the rules use.
    pub thresholds: Thresholds,
    /// Version of the main firmware that all units should have. Without it, rule `main-firmware` only
    /// compares the units with each other.
    pub expected_firmware: Option<Version>,
    /// Capacity of the battery in ampere-hours. Without it, the charge rate is not checked.
    pub bank_ah: Option<u32>,
    /// Packs of the site's battery guard: their number and their limits. Without them, the limits are those of the
    /// family of the packs, and the battery has as many packs as were given.
    pub packs: Option<Packs>,
    /// Earlier snapshot of the bank. Rule `baseline` reports what has changed since then; units are matched
    /// by their serial numbers.
    pub baseline: Option<BankSnapshot>,
    /// Ids of the rules to apply; all if the list is empty.
    only: Vec<String>,
    /// Ids of the rules to leave out.
    skip: Vec<String>,
    /// Rules that are not built in.
    added: Vec<Arc<dyn Rule>>,
}

/// Choice of rules.
impl Checks {
    /// Adds a rule. It runs after the built-in rules and those that were added before.
    ///
    /// If [`only`](Self::only) was called, the rule is applied only if its id is named there too, in a call
    /// after this one.
    ///
    /// # Errors
    /// If another rule has the same id, or the id is not made of lower-case letters, digits and hyphens.
    ///
    /// See [`Rule`] for an example.
    pub fn with_rule(mut self, rule: impl Rule + 'static) -> Result<Self, FormatError> {
        let id = &*rule.info().id;
        let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if id.is_empty() || !id.chars().all(is_allowed) {
            let why = "expected an id of lower-case letters, digits and hyphens";
            return Err(FormatError::new("rule", format!("{why}, found {id:?}")));
        }
        if self.rules().any(|info| info.id == id) {
            let why = "expected an id that no other rule has, found one that is in use";
            return Err(FormatError::new(format!("rule {id}"), why));
        }
        self.added.push(Arc::new(rule));
        Ok(self)
    }

    /// Applies only the rules with these ids, and those of earlier calls. With an empty list, nothing
    /// changes.
    ///
    /// A rule that is not applied does not suppress another one, except where the units cannot be compared
    /// at all.
    ///
    /// # Errors
    /// If an id is neither that of a built-in rule, nor of one that was [added](Self::with_rule) before. The
    /// error suggests a rule with a similar name, or lists all.
    ///
    /// ```
    /// use lvx_parallel::Checks;
    ///
    /// let checks = Checks::default().only(["fault", "mode"])?;
    /// assert!(checks.applies("mode") && !checks.applies("clock"));
    /// let error = checks.only(["faults"]).unwrap_err();
    /// assert_eq!(error.to_string(), "faults: expected the name of a rule, perhaps fault");
    /// # Ok::<(), lvx_parallel::FormatError>(())
    /// ```
    pub fn only<I: AsRef<str>>(
        mut self,
        ids: impl IntoIterator<Item = I>,
    ) -> Result<Self, FormatError> {
        for id in ids {
            self.only.push(self.known(id.as_ref())?);
        }
        Ok(self)
    }

    /// Leaves out the rules with these ids, and those of earlier calls.
    ///
    /// # Errors
    /// As for [`only`](Self::only).
    ///
    /// ```
    /// use lvx_parallel::Checks;
    ///
    /// let checks = Checks::default().skip(["clock"])?;
    /// assert!(!checks.applies("clock") && checks.applies("mode"));
    /// # Ok::<(), lvx_parallel::FormatError>(())
    /// ```
    pub fn skip<I: AsRef<str>>(
        mut self,
        ids: impl IntoIterator<Item = I>,
    ) -> Result<Self, FormatError> {
        for id in ids {
            self.skip.push(self.known(id.as_ref())?);
        }
        Ok(self)
    }

    /// Returns the built-in rules and those that were added, chosen or not.
    pub fn rules(&self) -> impl Iterator<Item = &RuleInfo> {
        self.each_rule().map(Rule::info)
    }

    /// Returns the same rules with their declarations: questions, values, kinds of findings.
    ///
    /// ```
    /// use lvx_parallel::Checks;
    ///
    /// for rule in Checks::default().each_rule() {
    ///     println!("{}: {}", rule.info().id, rule.looks_at());
    ///     for kind in rule.kinds() {
    ///         println!("  {} if {}", kind.severity, kind.condition);
    ///     }
    /// }
    /// ```
    pub fn each_rule(&self) -> impl Iterator<Item = &dyn Rule> {
        let built_in = rules::ALL.iter().map(|row| -> &dyn Rule { row });
        built_in.chain(self.added.iter().map(|rule| &**rule))
    }

    /// Returns whether the rule with this id is applied.
    #[must_use]
    pub fn applies(&self, id: &str) -> bool {
        let among = |ids: &[String]| ids.iter().any(|each| each == id);
        (self.only.is_empty() || among(&self.only))
            && !among(&self.skip)
            && self.rules().any(|info| info.id == id)
    }

    /// Returns the id if a rule has it.
    fn known(&self, id: &str) -> Result<String, FormatError> {
        let ids: Vec<_> = self.rules().map(|info| &*info.id).collect();
        if ids.contains(&id) {
            Ok(id.to_owned())
        } else {
            Err(FormatError::unknown_name("a rule", id, &ids))
        }
    }
}

/// Limits and expected values.
impl Checks {
    /// Sets [`thresholds`](Self::thresholds).
    #[must_use]
    pub fn with_thresholds(self, thresholds: Thresholds) -> Self {
        Self { thresholds, ..self }
    }

    /// Sets [`expected_firmware`](Self::expected_firmware).
    #[must_use]
    pub fn with_expected_firmware(self, version: Version) -> Self {
        Self { expected_firmware: Some(version), ..self }
    }

    /// Sets [`bank_ah`](Self::bank_ah).
    #[must_use]
    pub fn with_bank_ah(self, ampere_hours: u32) -> Self {
        Self { bank_ah: Some(ampere_hours), ..self }
    }

    /// Sets [`packs`](Self::packs).
    #[must_use]
    pub fn with_packs(self, packs: Packs) -> Self {
        Self { packs: Some(packs), ..self }
    }

    /// Sets [`baseline`](Self::baseline).
    #[must_use]
    pub fn with_baseline(self, bank: BankSnapshot) -> Self {
        Self { baseline: Some(bank), ..self }
    }
}
