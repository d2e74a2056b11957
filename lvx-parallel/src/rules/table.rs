//! The table of rules: one row per rule.
//!
//! To add a rule, write a file with a `RULE` in the folder of its topic and add a row here, with the values that
//! it looks at. If the rule reports the cause of another rule's finding, or the reverse, add a row to the table
//! in `suppression`.
//!
//! A task asks only the questions that the chosen rules need, because each takes up to half a second. All
//! units are asked the `needs` of the rules; the `evidence` of a rule is asked only if the rule found
//! something, or an answer is missing. The tests check on random banks that a rule finds the same with
//! these questions as with all questions.

use super::{
    ac, battery, cross, heat, identity,
    info::RuleInfo,
    kind::FindingKind,
    packs, pv, reading,
    rule::{BuiltIn, Rule},
    setup, state,
};
use crate::{Context, Finding, FormatError, Question, Questions};

/// A rule with the questions that it asks.
pub(crate) struct RuleRow {
    pub(crate) rule: &'static BuiltIn,
    /// Values that the rule judges.
    pub(crate) looks_at: &'static str,
    /// Whether the rule judges battery packs.
    pub(crate) judges_packs: bool,
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

    fn looks_at(&self) -> &str {
        self.looks_at
    }

    fn kinds(&self) -> &[&'static FindingKind] {
        self.rule.kinds
    }

    fn judges_packs(&self) -> bool {
        self.judges_packs
    }

    fn check(&self, context: &Context<'_>) -> Vec<Finding> {
        (self.rule.check)(context)
    }
}

macro_rules! rules {
    ($(
        // Values that the rule judges.
        $( #[doc = $looks_at:literal] )*
        // Folder and file of the rule: questions that it needs, questions for evidence.
        $room:ident::$rule:ident: $needs:expr, $evidence:expr;
    )+) => {
        /// Every rule, in the order in which findings of the same severity are reported.
        pub(crate) static ALL: &[RuleRow] = &[$(
            RuleRow {
                rule: &$room::$rule::RULE,
                looks_at: concat!($($looks_at),*).trim_ascii(),
                judges_packs: matches!(stringify!($room).as_bytes(), b"packs"),
                needs: $needs,
                evidence: $evidence,
            }
        ),+];
    };
}

rules! {
    /// whether every question was answered, and how old the answers are
    reading::unread: EVERYTHING, NONE;
    /// serial numbers (`ID`) and instances of the units
    identity::same_unit: NONE, GS;
    /// the fault code of each unit (`FWS`, or `PGSn` of the others), with mode, power and output modes
    state::fault: FWS, FAULTS.and(PIRI).and(MOD).and(GMN);
    /// the version of the main processor (`VFW`), and the version that the caller expects
    identity::main_firmware: VFW, FAULTS;
    /// the last field of `GS`
    identity::instance: GS.and(PRI), NONE;
    /// which units exist (`PRIn`), and how many were given
    identity::bank_size: GS.and(PRI), NONE;
    /// output modes (`PIRI`, `PRIn`)
    setup::output_mode: PIRI.and(GS).and(PRI), FAULTS;
    /// rated battery voltage, rated power, topology and MPPT strings (`PIRI`), product line (`GMN`)
    identity::ratings: PIRI.and(GMN), NONE;
    /// the twelve settings that must agree (`PIRI`)
    setup::settings: PIRI.and(GMN), NONE;
    /// settings of each unit that must fit together (`PIRI`)
    setup::setting_rules: PIRI, NONE;
    /// battery type, bulk and float voltage (`PIRI`)
    setup::battery_type: PIRI, NONE;
    /// all other settings but the clock and the output mode (`PIRI`, `FLAG`, `ACCT`, `ACLT`)
    setup::further_settings: SETTINGS.and(GMN), FAULTS;
    /// the working mode (`MOD`)
    state::mode: MOD, FAULTS;
    /// the working modes (`MOD`), with PV power and PV voltages
    state::mode_conflict: MOD, FAULTS.and(PIRI);
    /// the warnings (`FWS`)
    state::warning: FWS, NONE;
    /// battery voltages (`GS` and the own `PGSn`), and the rated battery voltage (`PIRI`)
    battery::battery_voltmeter: GS.and(PIRI), PGS;
    /// battery voltages, battery currents and PV voltages (`GS` and the own `PGSn`), bulk and float voltage (`PIRI`)
    battery::over_voltage: GS.and(PIRI), PGS;
    /// battery voltages and currents (`GS` and the own `PGSn`), and the cut-off voltage (`PIRI`)
    battery::under_voltage: GS.and(PIRI), PGS;
    /// battery voltages and currents (`GS` and the own `PGSn`)
    battery::battery_voltage: GS.and(PIRI), PGS;
    /// charge currents and PV power (`GS` and the own `PGSn`) of units on one output (`PIRI`, `PRIn`)
    battery::charge_current: GS.and(PIRI).and(PRI), GMN.and(PGS);
    /// discharge currents and PV power (`GS` and the own `PGSn`) of units on one output (`PIRI`, `PRIn`)
    battery::discharge_current: GS.and(PIRI).and(PRI), GMN.and(PGS);
    /// the sum of the charge currents (`GS`), and the capacity that the caller gives
    battery::charge_rate: GS, NONE;
    /// battery capacities and battery voltages (`GS` and the own `PGSn`)
    battery::battery_capacity: GS.and(PIRI), PGS;
    /// the lowest battery capacity, battery voltages and battery currents (`GS`)
    battery::state_of_charge: GS.and(PIRI), PGS;
    /// PV voltages (`GS` and the own `PGSn`), and the maximum of the model (`GMN`)
    pv::pv_voltage: GS.and(FWS).and(GMN), PGS;
    /// MPPT status, PV voltages and PV power (`GS` and the own `PGSn`), faults and the time of day
    pv::charger_status: GS.and(PIRI).and(MOD).and(FWS).and(T), PGS;
    /// PV power and PV voltage of each input, and charge targets (`GS`, the own `PGSn`, `PIRI`)
    pv::pv_string: GS.and(PIRI).and(MOD).and(FWS), PGS;
    /// modes, power and battery currents of a unit, and of the others (`MOD`, `GS`)
    state::idle: GS.and(PIRI).and(PRI).and(MOD).and(FWS), GMN.and(PGS).and(SETTINGS);
    /// output voltages (`GS` and the own `PGSn`) of units on the two legs of a split phase
    ac::split_phase: GS.and(PIRI).and(PRI).and(MOD), FAULTS;
    /// output voltage and frequency (`GS` and the own `PGSn`), their settings (`PIRI`) and those of the grid
    ac::output_voltage: GS.and(PIRI).and(MOD), FAULTS;
    /// grid voltages and frequencies (`GS` and the own `PGSn`) of units on one phase
    ac::grid: GS.and(PIRI).and(PRI), GMN.and(PGS);
    /// output voltages and frequencies (`GS` and the own `PGSn`) of units on one phase
    ac::output: GS.and(PIRI).and(PRI), GMN.and(PGS);
    /// the load in per cent of the rated power (`GS` and the own `PGSn`)
    ac::load: GS.and(PIRI).and(PRI), PGS;
    /// apparent and active power (`GS` and the own `PGSn`) of all units on one output
    ac::circulating_current: GS.and(PIRI).and(PRI).and(MOD), FAULTS.and(GMN);
    /// the heat sink temperature, with the power of output, PV and battery (`GS`)
    heat::heat_sink: GS.and(PIRI).and(MOD), FAULTS;
    /// serial numbers in `PRIn` and in `ID`
    cross::cross_serial: GS.and(PRI), FAULTS;
    /// mode, voltages and power in `PGSn` of other units, and in `GS`, `MOD` and the own `PGSn`
    cross::cross_status: GS.and(MOD).and(PGS).and(GMN), FAULTS;
    /// totals in `PGSn`, and the sums of output power and charge current in `GS`
    cross::cross_totals: GS.and(PIRI).and(PGS).and(GMN), FAULTS;
    /// which packs answered
    packs::pack_silent: NONE, NONE;
    /// whether a port answered for a chain of packs
    packs::pack_aggregate: NONE, NONE;
    /// cells, cycles, capacity and charge of the packs, in two readings
    packs::pack_twice: NONE, NONE;
    /// warnings, protections, errors and status of each pack, and its state of charge
    packs::pack_alarm: NONE, NONE;
    /// the cell voltages of each pack
    packs::pack_cell_voltage: NONE, NONE;
    /// the cell voltages of each pack
    packs::pack_cell_spread: NONE, NONE;
    /// the cell voltages and the voltage of each pack
    packs::pack_cell_sum: NONE, NONE;
    /// temperatures and current of each pack, and the limits of its family
    packs::pack_temperature: NONE, NONE;
    /// state of charge and voltage of the packs
    packs::pack_charge_drift: NONE, NONE;
    /// currents, capacities and state of charge of the packs, in two readings
    packs::pack_sharing: NONE, NONE;
    /// the sum of the packs' currents, in two readings, and of the battery currents of the units (`GS`, the own `PGSn`)
    packs::pack_current: GS.and(PRI), PGS;
    /// voltages of the packs, in two readings, and of the units (`GS`, the own `PGSn`), with their battery currents
    packs::pack_voltage_drop: GS, PGS;
    /// maximum charge currents of the units (`PIRI`), number and limits of the packs
    packs::pack_charge_limit: PIRI, NONE;
    /// bulk, float and cut-off voltage of the units (`PIRI`), and the limits of the packs
    packs::pack_voltage_limits: PIRI, NONE;
    /// battery capacities of the units (`GS`), and state of charge of the packs
    packs::pack_state_of_charge: GS, NONE;
    /// the lists of charge currents (`MCHGCR`, `MUCHGCR`)
    setup::selectable_currents: MCHGCR.and(MUCHGCR), PIRI.and(GMN);
    /// the serial number (`ID`)
    identity::serial_number: NONE, NONE;
    /// the clocks (`T`), the clock of the computer, and time windows
    setup::clock: T, SETTINGS;
    /// the times at which `GS` was read
    reading::skew: GS, NONE;
    /// the versions of the slave processors (`VFW`)
    identity::slave_firmware: VFW, NONE;
    /// firmware, instances and settings, now and in a saved bank
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
    fn rules_declare_their_findings() {
        for row in ALL {
            let id = &row.rule.info.id;
            assert!(!row.kinds().is_empty() && !row.looks_at.is_empty(), "{id}");
        }
    }

    #[test]
    fn find_misspelled_id_suggests_rule() {
        assert_eq!(
            RuleInfo::find("main-firmwre").unwrap_err().to_string(),
            "main-firmwre: expected the name of a rule, perhaps main-firmware"
        );
    }
}
