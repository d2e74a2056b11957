//! The table of rules: one row per rule.
//!
//! To add a rule, write a file with a `RULE` in the folder of its topic and add a row here. If the rule
//! reports the cause of another rule's finding, or the reverse, add a row to the table in `suppression`.
//!
//! A task asks only the questions that the chosen rules need, because each takes up to half a second. All
//! units are asked the `needs` of the rules; the `evidence` of a rule is asked only if the rule found
//! something, or an answer is missing. The tests check on random banks that a rule finds the same with
//! these questions as with all questions.

use super::{
    ac, battery, cross, identity,
    info::RuleInfo,
    kind::FindingKind,
    pv, reading,
    rule::{BuiltIn, Rule},
    setup, state,
};
use crate::{Context, Finding, FormatError, Question, Questions};

/// A rule with the questions that it asks.
pub(crate) struct RuleRow {
    pub(crate) rule: &'static BuiltIn,
    /// Questions whose answers the rule judges.
    pub(crate) needs: Questions,
    /// Questions to ask if the rule found something, or an answer is missing. Their answers explain the
    /// finding, or replace the missing answer.
    pub(crate) evidence: Questions,
}

impl Rule for RuleRow {
    fn info(&self) -> &RuleInfo {
        &self.rule.info
    }

    fn needs(&self) -> Questions {
        self.needs
    }

    fn evidence(&self) -> Questions {
        self.evidence
    }

    fn kinds(&self) -> &[&'static FindingKind] {
        self.rule.kinds
    }

    fn check(&self, context: &Context<'_>) -> Vec<Finding> {
        (self.rule.check)(context)
    }
}

macro_rules! rules {
    ($(
        // Folder and file of the rule: questions that it needs, questions for evidence.
        $room:ident::$rule:ident: $needs:expr, $evidence:expr;
    )+) => {
        /// Every rule, in the order in which findings of the same severity are reported.
        pub(crate) static ALL: &[RuleRow] = &[$(
            RuleRow { rule: &$room::$rule::RULE, needs: $needs, evidence: $evidence }
        ),+];
    };
}

rules! {
    reading::unread: EVERYTHING, NONE;
    identity::same_unit: NONE, GS;
    state::fault: FWS, FAULTS.and(PIRI).and(MOD).and(GMN);
    identity::main_firmware: VFW, FAULTS;
    identity::instance: GS.and(PRI), NONE;
    identity::bank_size: GS.and(PRI), NONE;
    setup::output_mode: PIRI.and(GS).and(PRI), FAULTS;
    identity::ratings: PIRI.and(GMN), NONE;
    setup::settings: PIRI.and(GMN), NONE;
    setup::further_settings: SETTINGS.and(GMN), FAULTS;
    state::mode: MOD, FAULTS;
    state::mode_conflict: MOD, FAULTS.and(PIRI);
    state::warning: FWS, NONE;
    battery::battery_voltage: GS.and(PIRI), PGS;
    battery::charge_current: GS.and(PIRI), GMN.and(PGS);
    battery::discharge_current: GS.and(PIRI), GMN.and(PGS);
    battery::charge_rate: GS, NONE;
    battery::battery_capacity: GS, PGS.and(PIRI);
    battery::state_of_charge: GS.and(PIRI), NONE;
    pv::pv_voltage: GS.and(FWS).and(GMN), PGS;
    pv::charger_status: GS.and(PIRI).and(MOD).and(FWS).and(T), PGS;
    pv::pv_string: GS.and(PIRI).and(MOD).and(FWS), PGS;
    state::idle: GS.and(PIRI).and(MOD).and(FWS), GMN.and(PGS).and(SETTINGS);
    ac::grid: GS.and(PIRI), GMN.and(PGS);
    ac::output: GS.and(PIRI), GMN.and(PGS);
    ac::load: GS, PGS;
    cross::cross_serial: GS.and(PRI), FAULTS;
    cross::cross_status: GS.and(MOD).and(PGS).and(GMN), FAULTS;
    cross::cross_totals: GS.and(PIRI).and(PGS).and(GMN), FAULTS;
    setup::selectable_currents: MCHGCR.and(MUCHGCR), PIRI.and(GMN);
    identity::serial_number: NONE, NONE;
    setup::clock: T, SETTINGS;
    reading::skew: GS, NONE;
    identity::slave_firmware: VFW, NONE;
    reading::baseline: VFW.and(GS).and(SETTINGS), NONE;
}

/// Every question that some rule needs.
const EVERYTHING: Questions = Questions::ALL.without(Questions::one(Question::Defaults));
const NONE: Questions = Questions::NONE;
const GMN: Questions = Questions::one(Question::MachineModel);
const VFW: Questions = Questions::one(Question::FirmwareVersions);
const T: Questions = Questions::one(Question::Clock);
const PIRI: Questions = Questions::one(Question::RatedInformation);
const SETTINGS: Questions = Questions::SETTINGS;
const MCHGCR: Questions = Questions::one(Question::MaxChargeCurrents);
const MUCHGCR: Questions = Questions::one(Question::MaxAcChargeCurrents);
const FWS: Questions = Questions::one(Question::FaultsAndWarnings);
const MOD: Questions = Questions::one(Question::Mode);
const GS: Questions = Questions::one(Question::GeneralStatus);
const PRI: Questions = Questions::one(Question::ParallelRating);
/// `PRI` lists the units to ask `PGS` about.
const PGS: Questions = Questions::one(Question::ParallelStatus).and(PRI);
/// Active faults, as each unit reports them about itself (`FWS`) and about others (`PGS`); `GS` and `PRI`
/// show which unit has which instance.
const FAULTS: Questions = FWS.and(GS).and(PGS);

impl RuleInfo {
    /// Returns every built-in rule, in the order in which findings of the same severity are reported.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        ALL.iter().map(|row| &row.rule.info)
    }

    /// Returns the built-in rule with this id.
    ///
    /// # Errors
    /// If there is no such rule. The error suggests a rule with a similar name, or lists all.
    ///
    /// ```
    /// use lvx_parallel::RuleInfo;
    ///
    /// assert_eq!(RuleInfo::find("fault")?.id, "fault");
    /// let error = RuleInfo::find("faults").unwrap_err();
    /// assert_eq!(error.to_string(), "faults: expected the name of a rule, perhaps fault");
    /// # Ok::<(), lvx_parallel::FormatError>(())
    /// ```
    pub fn find(id: &str) -> Result<&'static Self, FormatError> {
        let ids = || Self::all().map(|info| &*info.id).collect::<Vec<_>>();
        Self::all()
            .find(|info| info.id == id)
            .ok_or_else(|| FormatError::unknown_name("a rule", id, &ids()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_ids_are_distinct_and_documented() {
        let mut ids: Vec<_> = RuleInfo::all().map(|info| &info.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
        assert!(RuleInfo::all().all(|info| !info.summary.is_empty() && !info.source.is_empty()));
    }

    #[test]
    fn find_misspelled_id_suggests_rule() {
        assert_eq!(
            RuleInfo::find("main-firmwre").unwrap_err().to_string(),
            "main-firmwre: expected the name of a rule, perhaps main-firmware"
        );
    }
}
