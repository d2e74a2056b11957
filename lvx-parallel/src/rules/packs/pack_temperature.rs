//! `pack-temperature`: the cells of each pack are in the range of temperatures that its maker gives.
//!
//! The range is narrower while a pack is charged. The two summary temperatures are judged: the sensors that a pack does
//! not have can show 0 °C.
//!
//! Limits: those of the family of the packs, or those that the caller gives.

use lvx_settings::PackLimits;
use pi18_proto::Celsius;

use super::currents::current;
use crate::{
    Finding, FindingKind, Observed, Severity,
    context::Context,
    pack::{Live, Status},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "pack-temperature",
    "a battery pack is too cold or too hot (limits of the maker of the packs)",
    "EG4 LifePower4 v2 manual, and EG4-LL-S manual for discharging",
    &[&OUTSIDE, &UNSUITABLE],
    check,
);

static OUTSIDE: FindingKind = FindingKind::new(
    Severity::Error,
    "a pack is at a temperature at which it protects itself: LP4 v2 below -5 or above 70 °C while it is charged, below \
     -20 or above 75 °C otherwise",
    "cells that are charged below freezing are damaged for ever, and hot cells can catch fire",
    &[
        "stop charging and switch loads off until the pack is within its range",
        "if a pack is hot without a high current, get everyone away from it and call the fire service",
    ],
);

static UNSUITABLE: FindingKind = FindingKind::new(
    Severity::Warning,
    "a pack is outside the recommended temperatures: LP4 v2 below 0 or above 45 °C while it is charged, below -20 or \
     above 50 °C otherwise",
    "cells age fast there, and the pack switches itself off if it gets worse",
    &[
        "lower the charge current on all units alike",
        "heat or ventilate the room, and keep the space around the packs free",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let Some(limits) = context.pack_limits() else { return Vec::new() };
    let find = |kind, what: &str, is_bad: &dyn Fn(&Live) -> Option<Celsius>| {
        let values = context.read_packs().filter_map(|(pack, live)| {
            is_bad(live).map(|degrees| Observed::of_pack(pack, degrees))
        });
        let values: Vec<_> = values.collect();
        (!values.is_empty()).then(|| RULE.report(kind, what, values))
    };
    let outside = |live: &Live| beyond(live, protecting(&limits, live));
    let unsuitable =
        |live: &Live| beyond(live, recommended(&limits, live)).filter(|_| outside(live).is_none());
    let findings = [
        find(&OUTSIDE, "a battery pack is far outside its temperatures", &outside),
        find(&UNSUITABLE, "a battery pack is outside its recommended temperatures", &unsuitable),
    ];
    findings.into_iter().flatten().collect()
}

/// Returns the temperature of a pack that is outside a range.
fn beyond(live: &Live, (min, max): (Celsius, Celsius)) -> Option<Celsius> {
    let low = live.temperature_1.min(live.temperature_2);
    let high = live.temperature_1.max(live.temperature_2);
    if high > max { Some(high) } else { (low < min).then_some(low) }
}

fn protecting(limits: &PackLimits, live: &Live) -> (Celsius, Celsius) {
    if is_charged(live) {
        (limits.min_charge_temperature, limits.max_charge_temperature)
    } else {
        (limits.min_discharge_temperature, limits.max_discharge_temperature)
    }
}

fn recommended(limits: &PackLimits, live: &Live) -> (Celsius, Celsius) {
    if is_charged(live) {
        (limits.recommended_min_charge_temperature, limits.recommended_max_charge_temperature)
    } else {
        (limits.recommended_min_discharge_temperature, limits.recommended_max_discharge_temperature)
    }
}

/// Returns whether a pack is charged. Without a known current, its status counts.
fn is_charged(live: &Live) -> bool {
    let reported = live.status.is_some_and(|status| status.contains(Status::CHARGING));
    current(live).map_or(reported, |current| current > MIN_CURRENT)
}

/// The current from which a pack counts as charged, in hundredths of an ampere (assumed: the error of a sensor).
const MIN_CURRENT: i64 = 50;
