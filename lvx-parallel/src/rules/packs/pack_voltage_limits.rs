//! `pack-voltage-limits`: bulk, float and cut-off voltage of the units suit the packs.
//!
//! Limits: those of the family of the packs, or those that the caller gives; `pack_voltage_tolerance` for what the maker
//! recommends.

use pi18_proto::{Decivolts, RatedInformation};

use crate::{
    Finding, FindingKind, Severity,
    context::{Context, observed},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "pack-voltage-limits",
    "bulk, float or cut-off voltage do not suit the battery packs (limits of the maker of the packs, pack_voltage_tolerance)",
    "EG4 LifePower4 v2 manual",
    &[&ABOVE, &BELOW, &UNSUITABLE],
    check,
);

static ABOVE: FindingKind = FindingKind::new(
    Severity::Error,
    "bulk or float voltage is above the highest voltage to which a pack may be charged: LP4 v2 56.8 V",
    "cells are overcharged, and packs switch themselves off under full power",
    &["lower bulk and float voltage on all units alike"],
);

static BELOW: FindingKind = FindingKind::new(
    Severity::Warning,
    "the cut-off voltage is below the voltage at which a pack switches itself off: LP4 v2 44.8 V",
    "the packs switch off before the units do, and may not switch on again by themselves",
    &["raise the cut-off voltage on all units alike"],
);

static UNSUITABLE: FindingKind = FindingKind::new(
    Severity::Info,
    "a voltage is not the recommended one by more than pack_voltage_tolerance: LP4 v2 bulk above 56.2 V, float above \
     54.0 V, cut-off below 48.0 V",
    "the packs bear these voltages, but age faster",
    &[],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let Some(limits) = context.pack_limits() else { return Vec::new() };
    if context.packs().is_empty() {
        return Vec::new();
    }
    let margin = context.thresholds().pack_voltage_tolerance.0;
    let above = |limit: Decivolts| Decivolts(limit.0.saturating_add(margin));
    let cutoff = Decivolts(limits.recommended_cutoff_voltage.0.saturating_sub(margin));
    let is_above = |rated: &RatedInformation| {
        rated.bulk_voltage.max(rated.float_voltage) > limits.max_charge_voltage
    };
    let is_below = |rated: &RatedInformation| rated.cutoff_voltage < limits.min_discharge_voltage;
    let is_unsuitable = |rated: &RatedInformation| {
        !is_above(rated)
            && !is_below(rated)
            && (rated.bulk_voltage > above(limits.recommended_charge_voltage)
                || rated.float_voltage > above(limits.recommended_float_voltage)
                || rated.cutoff_voltage < cutoff)
    };
    let find = |kind, what: &str, is_bad: &dyn Fn(&RatedInformation) -> bool| {
        let values = context.units().iter().filter_map(|unit| {
            let rated = unit.rated.value()?;
            let is_of_packs = rated.battery_rated_voltage == NOMINAL;
            let text = format!(
                "bulk {}, float {}, cut-off {}",
                rated.bulk_voltage, rated.float_voltage, rated.cutoff_voltage
            );
            (is_of_packs && is_bad(&rated)).then(|| observed(unit, text))
        });
        let values: Vec<_> = values.collect();
        (!values.is_empty()).then(|| RULE.report(kind, what, values))
    };
    let findings = [
        find(&ABOVE, "a unit charges the battery packs to too high a voltage", &is_above),
        find(&BELOW, "a unit discharges the battery packs until they switch off", &is_below),
        find(
            &UNSUITABLE,
            "voltages are not those recommended for the battery packs",
            &is_unsuitable,
        ),
    ];
    findings.into_iter().flatten().collect()
}

/// The rated battery voltage of units for packs of 16 cells.
const NOMINAL: Decivolts = Decivolts(480);
