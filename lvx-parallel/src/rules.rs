//! The rules, one a file. Each looks at all units and says what it finds.
//!
//! One cause is told once: a rule keeps still where another one that knows the cause speaks.

use crate::{
    Finding, FormatError, Question, Questions, Severity, context::Context, finding::Observed,
    thresholds::known,
};

mod bank_size;
mod baseline;
mod battery_capacity;
mod battery_voltage;
mod charge_current;
mod charge_rate;
mod clock;
mod cross_serial;
mod cross_status;
mod cross_totals;
mod discharge_current;
pub(crate) mod fault;
mod further_settings;
mod grid;
mod instance;
mod main_firmware;
pub(crate) mod mode;
mod mode_conflict;
mod output;
pub(crate) mod output_mode;
mod ratings;
mod same_unit;
mod selectable_currents;
mod serial_number;
mod settings;
mod sharing;
mod skew;
mod slave_firmware;
mod state_of_charge;
pub(crate) mod unread;
pub(crate) mod warning;

/// What is known of a rule.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RuleInfo {
    /// How it is called.
    pub id: &'static str,
    /// What it looks for.
    pub summary: &'static str,
    /// Where the rule and its threshold come from.
    pub source: &'static str,
}

/// A rule: what is known of it, and how it judges.
pub(crate) struct Rule {
    pub(crate) info: RuleInfo,
    pub(crate) check: fn(&Context<'_>) -> Vec<Finding>,
}

impl Rule {
    const fn new(
        id: &'static str,
        summary: &'static str,
        source: &'static str,
        check: fn(&Context<'_>) -> Vec<Finding>,
    ) -> Self {
        Self { info: RuleInfo { id, summary, source }, check }
    }

    fn finding(
        &self,
        severity: Severity,
        what: impl Into<String>,
        values: Vec<Observed>,
        why: &str,
    ) -> Finding {
        Finding {
            rule: self.info.id,
            severity,
            what: what.into(),
            values,
            why: why.to_owned(),
            advice: Vec::new(),
            source: self.info.source,
        }
    }
}

/// A rule with what it asks.
pub(crate) struct Row {
    pub(crate) rule: &'static Rule,
    /// What it judges by.
    pub(crate) needs: Questions,
    /// What it asks on where it found something, or an answer is missing: what explains a finding, or
    /// shows that there is none.
    pub(crate) evidence: Questions,
}

/// Declares the rules: what each needs, and its evidence.
macro_rules! rules {
    ($( $rule:ident: $needs:expr, $evidence:expr; )+) => {
        /// Every rule, in the order in which findings of one severity are told, with what it asks.
        pub(crate) static ALL: &[Row] =
            &[$( Row { rule: &$rule::RULE, needs: $needs, evidence: $evidence } ),+];
    };
}

rules! {
    unread: EVERYTHING, NONE;
    same_unit: NONE, GS;
    fault: FWS, HEARD.and(PIRI);
    main_firmware: VFW, HEARD;
    instance: GS.and(PRI), NONE;
    bank_size: GS.and(PRI), NONE;
    output_mode: PIRI.and(GS).and(PRI), HEARD;
    ratings: PIRI.and(GMN), NONE;
    settings: PIRI.and(GMN), NONE;
    further_settings: SETTINGS.and(GMN), HEARD;
    mode: MOD, HEARD;
    mode_conflict: MOD, HEARD.and(PIRI);
    warning: FWS, NONE;
    battery_voltage: GS.and(PIRI), PGS;
    charge_current: GS.and(PIRI), GMN.and(PGS);
    discharge_current: GS.and(PIRI), GMN.and(PGS);
    charge_rate: GS, NONE;
    battery_capacity: GS, PGS.and(PIRI);
    state_of_charge: GS.and(PIRI), NONE;
    grid: GS.and(PIRI), GMN.and(PGS);
    output: GS.and(PIRI), GMN.and(PGS);
    cross_serial: GS.and(PRI), HEARD;
    cross_status: GS.and(MOD).and(PGS).and(GMN), HEARD;
    cross_totals: GS.and(PIRI).and(PGS).and(GMN), HEARD;
    selectable_currents: MCHGCR.and(MUCHGCR), PIRI.and(GMN);
    serial_number: NONE, NONE;
    clock: T, SETTINGS;
    skew: GS, NONE;
    slave_firmware: VFW, NONE;
    baseline: VFW.and(GS).and(SETTINGS), NONE;
}

/// Everything that a rule judges.
const EVERYTHING: Questions = Questions::ALL.without(Question::Defaults.alone());
const NONE: Questions = Questions::NONE;
const GMN: Questions = Question::MachineModel.alone();
const VFW: Questions = Question::FirmwareVersions.alone();
const T: Questions = Question::Clock.alone();
const PIRI: Questions = Question::RatedInformation.alone();
const SETTINGS: Questions = Questions::SETTINGS;
const MCHGCR: Questions = Question::MaxChargeCurrents.alone();
const MUCHGCR: Questions = Question::MaxAcChargeCurrents.alone();
const FWS: Questions = Question::FaultsAndWarnings.alone();
const MOD: Questions = Question::Mode.alone();
const GS: Questions = Question::GeneralStatus.alone();
const PRI: Questions = Question::ParallelRating.alone();
/// Whom `PGS` is asked about, `PRI` says.
const PGS: Questions = Question::ParallelStatus.alone().and(PRI);
/// Faults, by the word of the others where a unit's own is missing: who it is say `GS` and `PRI`.
const HEARD: Questions = FWS.and(GS).and(PGS);

impl RuleInfo {
    /// What is known of each rule, in the order in which findings of one severity are told.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        ALL.iter().map(|row| &row.rule.info)
    }

    /// The rule of this id.
    ///
    /// # Errors
    /// If there is none; says which was perhaps meant.
    pub fn find(id: &str) -> Result<&'static Self, FormatError> {
        Self::all().find(|info| info.id == id).ok_or_else(|| {
            let ids: Vec<_> = Self::all().map(|info| info.id).collect();
            FormatError::new(id.escape_debug().to_string(), known("a rule", id, ids.into_iter()))
        })
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use std::time::Duration;

    use pi18_proto::GeneralStatus;
    use pi18_transport::sim::{Bank, BankConfig};

    use crate::{BankSnapshot, Checks, Gap, Reading, Reason, Severity, UnitSnapshot};

    /// A virtual bank with these switches, read at a moment. All have the same slave firmware, so that
    /// a healthy one has nothing to tell.
    #[track_caller]
    pub(crate) fn bank_of(switches: &[&str]) -> BankSnapshot {
        let switches = switches.iter().map(|text| format!("slave=06126&{text}").parse().unwrap());
        let switches: Vec<_> = switches.collect();
        let bank = Bank::new(BankConfig { units: switches.len(), switches }).unwrap();
        let unit = |unit| {
            UnitSnapshot::from_answers(format!("sim:{unit}"), |query| {
                match bank.peek(unit, query) {
                    Some(value) => Ok(Reading { value, at: Duration::ZERO }),
                    None => {
                        Err(Gap { reason: Reason::Refused, text: format!("{query} was refused") })
                    }
                }
            })
        };
        BankSnapshot { started: None, units: (0..bank.units()).map(unit).collect() }
    }

    /// The commissioned bank, read so long after the start.
    pub(crate) fn bank_of_at(at: Duration) -> BankSnapshot {
        let mut text = healthy().to_json();
        text = text.replace("\"at_ms\": 0", &format!("\"at_ms\": {}", at.as_millis()));
        BankSnapshot::parse(&text).unwrap()
    }

    /// The commissioned bank.
    pub(crate) fn healthy() -> BankSnapshot {
        bank_of(&["", ""])
    }

    /// Everything that is found in a bank: rule and severity.
    pub(crate) fn findings(bank: &BankSnapshot) -> Vec<(&'static str, Severity)> {
        findings_of(&Checks::default(), bank)
    }

    pub(crate) fn findings_of(
        checks: &Checks,
        bank: &BankSnapshot,
    ) -> Vec<(&'static str, Severity)> {
        let report = checks.check(bank);
        report.findings.iter().map(|finding| (finding.rule, finding.severity)).collect()
    }

    /// Everything that is found once `change` was made to a healthy bank.
    pub(crate) fn found(change: impl FnOnce(&mut [UnitSnapshot])) -> Vec<(&'static str, Severity)> {
        let mut bank = healthy();
        change(&mut bank.units);
        findings(&bank)
    }

    /// Changes what a unit measures, in its own words and in those of the others.
    pub(crate) fn measure(
        units: &mut [UnitSnapshot],
        unit: usize,
        change: impl Fn(&mut GeneralStatus),
    ) {
        let status = units[unit].status.value_mut().unwrap();
        change(status);
        let status = *status;
        let current = |unit: &UnitSnapshot| unit.status.value().unwrap().charge_current.0;
        let total = units.iter().map(current).sum();
        for asked in units {
            let told = asked.statuses[unit].value_mut().unwrap();
            told.battery_voltage = status.battery_voltage;
            told.battery_capacity = status.battery_capacity;
            told.grid_voltage = status.grid_voltage;
            told.grid_frequency = status.grid_frequency;
            told.output_voltage = status.output_voltage;
            told.output_frequency = status.output_frequency;
            told.charge_current = status.charge_current;
            told.discharge_current = status.discharge_current;
            told.pv1_power = status.pv1_power;
            for told in &mut asked.statuses {
                told.value_mut().unwrap().total_charge_current.0 = total;
            }
        }
    }

    /// The first finding in words.
    #[track_caller]
    pub(crate) fn told(bank: &BankSnapshot) -> String {
        crate::check(bank).findings[0].to_string()
    }

    #[test]
    fn a_healthy_bank_has_nothing_to_tell() {
        assert_eq!(findings(&healthy()), []);
        assert_eq!(findings(&bank_of(&["", "", "", "", "", "", "", "", ""])), []);
        assert_eq!(findings(&bank_of(&[""])), []);
    }

    #[test]
    fn no_rule_keeps_still_for_one_that_is_left_out() {
        let banks = [
            ["main=06303&fault=71", "main=06440&fault=71"],
            ["", "fault=83&battery=off"],
            ["", "output-mode=0&fault=86"],
            ["instance=1&fault=81", "instance=2&fault=81"],
            ["max-charge=100", "float=53.0"],
            ["", "battery=off"],
        ]
        .map(|switches| bank_of(&switches));
        for bank in &banks {
            let all = findings(bank);
            for info in super::RuleInfo::all() {
                let checks = Checks { only: vec![info], ..Checks::default() };
                let alone = findings_of(&checks, bank);
                let together: Vec<_> =
                    all.iter().filter(|(rule, _)| *rule == info.id).copied().collect();
                assert!(alone.len() >= together.len(), "{}: {alone:?}, {together:?}", info.id);
            }
        }
        let only = |id, bank| {
            let only = vec![super::RuleInfo::find(id).unwrap()];
            findings_of(&Checks { only, ..Checks::default() }, bank)
        };
        assert_eq!(only("fault", &banks[0]), [("fault", Severity::Error)]);
        assert_eq!(only("battery-voltage", &banks[1]), [("battery-voltage", Severity::Warning)]);
    }

    #[test]
    fn what_says_nothing_is_not_healthy() {
        let named = |name: &str| UnitSnapshot { name: name.to_owned(), ..UnitSnapshot::default() };
        let bank = BankSnapshot { started: None, units: vec![named("a"), named("b")] };
        let report = crate::check(&bank);
        assert!(!report.complete && !report.is_healthy(), "{report}");
    }

    #[test]
    fn a_slave_alone_that_does_not_know_its_bank_is_no_error() {
        let mut bank = bank_of(&["", ""]);
        bank.units.remove(0);
        for told in &mut bank.units[0].ratings {
            *told = crate::Answer::Missing(Gap { reason: Reason::Refused, text: String::new() });
        }
        assert!(findings(&bank).iter().all(|(_, severity)| *severity < Severity::Error));
    }

    #[test]
    fn units_that_are_set_to_single_count_themselves_0() {
        let bank = bank_of(&["output-mode=0&instance=0", "output-mode=0&instance=0"]);
        assert_eq!(findings(&bank), [("output-mode", Severity::Error)]);
    }

    #[test]
    fn every_rule_has_an_id_of_its_own() {
        let mut ids: Vec<_> = super::RuleInfo::all().map(|info| info.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), super::ALL.len());
        assert!(
            super::RuleInfo::all().all(|info| !info.summary.is_empty() && !info.source.is_empty())
        );
        assert_eq!(
            super::RuleInfo::find("main-firmwre").unwrap_err().to_string(),
            "main-firmwre: expected the name of a rule, perhaps main-firmware"
        );
    }
}
