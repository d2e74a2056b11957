//! The input of the rules: each unit once, the master first, with its measurements, settings and faults.
//!
//! [`prepared`] orders and names the units and removes old readings; [`Context::new`] then finds duplicate
//! units, the measurements that can be compared in time, and faults that only other units report. Rules use
//! the methods of [`Context`] and the helpers of this module, and never each other.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use lvx_settings::{Packs, Setting};
use pi18_proto::{FaultCode, OutputMode, Version};

use crate::{BankSnapshot, HostTime, PackSnapshot, Thresholds, UnitSnapshot};

mod for_rules;
mod measured;
mod output;
mod output_group;
mod packs;
mod reported_fault;
mod source;
mod spread;
mod switched_off;
mod units;
mod values;

pub(crate) use measured::{Measured, lasting_spread, window};
pub(crate) use output::{DeviatingOutput, Deviation, follows_grid};
pub(crate) use output_group::OutputGroup;
pub(crate) use packs::{common_readings, median, prepared_packs};
pub(crate) use reported_fault::ReportedFault;
pub(crate) use source::{GRID, OUTPUT};
pub(crate) use spread::difference;
pub(crate) use units::{may_be_same, named, prepared};
pub(crate) use values::{differ, each, has_pv_voltage, observed};

/// A bank as [rules](crate::Rule) judge it: each unit once, the master first, without answers that are too
/// old, and with distinct names.
///
/// A bank may have battery packs beside its units: [`packs`](Self::packs).
///
/// A rule reads the answers of [`units`](Self::units), compares measurements with
/// [`measured`](Self::measured) or [`extremes`](Self::extremes), and shows values with
/// [`values`](Self::values) or [`measured_values`](Self::measured_values).
///
/// ```
/// use lvx_parallel::{Context, Finding, RuleInfo, Severity};
///
/// static INFO: RuleInfo = RuleInfo::new("model", "a unit is of another model", "our contract");
///
/// fn check(context: &Context<'_>) -> Vec<Finding> {
///     let models = context.values(|unit| Some(unit.model.value()?.model));
///     if !context.differs(|unit| unit.model.value()) {
///         return Vec::new();
///     }
///     let why = "the spare parts fit only one model";
///     vec![Finding::new(&INFO, Severity::Warning, "models differ", why).with_values(models)]
/// }
/// ```
pub struct Context<'a> {
    /// What the caller chose.
    pub(crate) chosen: Chosen<'a>,
    /// Time of the computer when reading started.
    pub(crate) started: Option<HostTime>,
    /// Version of the format of the file, if this version does not know it.
    pub(crate) newer_format: Option<u32>,
    /// Every unit that was given, the master first.
    pub(crate) given: Vec<&'a UnitSnapshot>,
    /// Each unit once, even if it was given twice.
    pub(crate) units: Vec<&'a UnitSnapshot>,
    /// The units whose `GS` was read at about the same time, so that it can be compared. A unit that is
    /// switched off while others work is not among them.
    pub(crate) measured: Vec<Measured<'a>>,
    /// The battery packs, sorted by name.
    pub(crate) packs: Vec<&'a PackSnapshot>,
    /// The faults that only other units report.
    pub(crate) reported_faults: Vec<ReportedFault<'a>>,
    /// Ids of the rules that have reported something so far.
    pub(crate) reporting: Vec<Cow<'static, str>>,
    /// The settings of each of `units`.
    settings: Vec<lvx_settings::Settings>,
}

/// The choice of the caller, as rules see it.
pub(crate) struct Chosen<'a> {
    pub(crate) thresholds: &'a Thresholds,
    pub(crate) expected_firmware: Option<Version>,
    pub(crate) bank_ah: Option<u32>,
    pub(crate) packs: Option<Packs>,
    pub(crate) baseline: Option<&'a BankSnapshot>,
    /// Ids of the rules that are applied.
    pub(crate) applied: Vec<&'a str>,
}

impl<'a> Context<'a> {
    /// Returns the context of units and packs that [`prepared`] and [`prepared_packs`] returned for this bank.
    pub(crate) fn new(
        prepared: &'a [Cow<'_, UnitSnapshot>],
        packs: &'a [Cow<'_, PackSnapshot>],
        bank: &BankSnapshot,
        chosen: Chosen<'a>,
    ) -> Self {
        let given: Vec<&UnitSnapshot> = prepared.iter().map(|unit| &**unit).collect();
        let units = units::distinct(&given);
        let settings = units.iter().map(|unit| unit.settings()).collect();
        let mut context = Self {
            chosen,
            started: bank.started,
            newer_format: bank.newer_format,
            given,
            units,
            measured: Vec::new(),
            packs: packs.iter().map(|pack| &**pack).collect(),
            reported_faults: Vec::new(),
            reporting: Vec::new(),
            settings,
        };
        // Units that cannot communicate report nothing reliable about each other.
        if !context.has_communication_fault() {
            context.reported_faults = reported_fault::find(&context.units);
        }
        let working = context.units.iter().filter(|unit| !context.is_switched_off(unit));
        let all: Vec<_> = working.filter_map(|unit| Measured::of(unit)).collect();
        context.measured = window(&all, |unit| unit.at, context.thresholds().max_skew_time());
        context
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("units", &self.units)
            .field("packs", &self.packs)
            .finish_non_exhaustive()
    }
}

/// Faults.
impl Context<'_> {
    /// Returns whether a fault shows that the units cannot communicate. Their data about each other is
    /// then not reliable.
    pub(crate) fn has_communication_fault(&self) -> bool {
        self.has_fault(&[
            FaultCode::PARALLEL_CAN,
            FaultCode::PARALLEL_HOST_LOST,
            FaultCode::PARALLEL_SYNC_LOST,
        ])
    }
}

/// The units of the bank.
impl<'a> Context<'a> {
    /// Returns whether a unit was given twice.
    pub(crate) fn has_duplicate_unit(&self) -> bool {
        self.units.len() < self.given.len()
    }

    /// Returns the known size of the bank: the number of instances that at least one unit reports as
    /// present.
    pub(crate) fn known_size(&self) -> usize {
        let known = self.units.iter().flat_map(|unit| unit.known_numbers());
        known.collect::<BTreeSet<_>>().len()
    }

    /// Returns the numbers that a unit reports as present and no given unit has.
    pub(crate) fn missing_numbers<'u>(
        &self,
        unit: &'u UnitSnapshot,
    ) -> impl Iterator<Item = usize> + 'u {
        let given: Vec<_> =
            self.units.iter().filter_map(|unit| Some(usize::from(unit.instance()?.0))).collect();
        unit.known_numbers().filter(move |number| !given.contains(number))
    }

    /// Returns the unit with this number, if exactly one has it.
    pub(crate) fn by_instance(&self, number: usize) -> Option<&'a UnitSnapshot> {
        let mut found = self.units.iter().filter(|unit| unit.has_number(number));
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }
}

/// Differences between units.
impl<'a> Context<'a> {
    /// Returns whether a setting differs between the units that have it.
    pub(crate) fn has_difference(&self, setting: Setting) -> bool {
        let mut values = self.settings.iter().filter_map(|settings| settings.get(setting));
        values.next().is_some_and(|first| values.any(|other| other != first))
    }

    /// Returns whether one of the settings that must agree differs.
    pub(crate) fn has_disagreement(&self) -> bool {
        Setting::AGREEING.into_iter().any(|setting| self.has_difference(setting))
    }

    /// Returns whether output voltages or output frequencies are set differently.
    pub(crate) fn has_output_difference(&self) -> bool {
        let outputs = [Setting::OutputVoltage, Setting::OutputFrequency];
        outputs.into_iter().any(|setting| self.has_difference(setting))
    }

    /// Returns whether the units are of different models: their ratings or product lines differ.
    pub(crate) fn has_different_models(&self) -> bool {
        differ(&self.units, ratings) || differ(&self.units, |unit| Some(unit.model.value()?.model))
    }

    /// Returns whether the main firmware differs between units.
    pub(crate) fn has_different_firmware(&self) -> bool {
        differ(&self.units, main_firmware)
    }

    /// Returns whether the units feed different phases.
    pub(crate) fn has_phases(&self) -> bool {
        let modes = self.units.iter().filter_map(|unit| unit.output_mode());
        modes.into_iter().any(|mode| mode.0 >= OutputMode::PHASE_1_OF_3.0)
    }

    /// Returns the measured units by the output that they share: all together, or one group for each
    /// phase. A unit whose phase is unknown is in no group of a bank with phases.
    pub(crate) fn output_groups(&self) -> Vec<OutputGroup<'_, 'a>> {
        if self.has_phases() {
            OutputGroup::by_phase(&self.measured)
        } else {
            vec![OutputGroup::all(&self.measured)]
        }
    }
}

/// Returns the ratings that no setting changes.
fn ratings(unit: &UnitSnapshot) -> Option<impl PartialEq + use<>> {
    let rated = unit.rated.value()?;
    Some((
        rated.battery_rated_voltage,
        rated.output_apparent_power,
        rated.output_active_power,
        rated.topology,
    ))
}

/// Returns the version of the main firmware.
pub(crate) fn main_firmware(unit: &UnitSnapshot) -> Option<Version> {
    Some(unit.firmware.value()?.main)
}
