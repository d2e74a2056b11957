//! `pack-voltage-drop`: packs and units measure about the same battery voltage.
//!
//! The middle one of the packs' voltages is compared with that of each unit. Cables, lugs, fuse and breaker lose a part
//! that grows with the current of the unit. All combinations of two readings of the packs and two of the unit have to
//! show the difference; without a second reading of the packs, nothing is judged.
//!
//! Limits: `pack_voltage_drop`, and `battery_cable_drop` for the current.

use crate::{
    Finding, FindingKind, Observed, Severity,
    context::{Context, common_readings, median},
    pack::Centivolts,
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "pack-voltage-drop",
    "much voltage is lost between battery packs and a unit (pack_voltage_drop, battery_cable_drop; needs two readings)",
    "assumed: tolerance of two voltmeters, and the drop of 5 mΩ",
    &[&DROP],
    check,
);

static DROP: FindingKind = FindingKind::new(
    Severity::Warning,
    "in all readings, the battery voltage of a unit differs from that of the packs by more than pack_voltage_drop, plus \
     battery_cable_drop for each 100 A of the unit",
    "a contact or a cable between packs and unit gets hot, or one of the voltmeters is wrong, so that the battery is \
     charged too far or not enough",
    &[
        "lower load and charge current: a loose connection gets hot, and can start a fire",
        "have an electrician measure the voltage along the path from the packs to the unit under load, and tighten or \
         replace what loses most",
        "without a loss there, have the voltmeter of the unit or of the packs checked",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let Some(packs) = context.comparable_packs() else { return Vec::new() };
    let readings = common_readings(&packs);
    if readings < 2 {
        return Vec::new();
    }
    let voltage = |reading: usize| {
        let each = packs.iter().filter_map(|pack| pack.readings().nth(reading));
        median(each.map(|live| i64::from(live.voltage.0)))
    };
    let of_packs: Vec<i64> = (0..readings).filter_map(voltage).collect();
    let limits = context.thresholds();
    // In hundredths of a volt.
    let limit = |current: u16| {
        i64::from(limits.pack_voltage_drop.0) * 10
            + i64::from(limits.battery_cable_drop.0) * i64::from(current) / 10
    };
    let units = context.measured.iter().filter(|each| {
        let differs = |volts: u16, current: u16| {
            let volts = i64::from(volts) * 10;
            of_packs.iter().all(|packs| (packs - volts).abs() > limit(current))
        };
        each.unit.lacks_battery().is_none()
            && each.lasts(
                |s| differs(s.battery_voltage.0, s.charge_current.0.max(s.discharge_current.0)),
                |s| differs(s.battery_voltage.0, s.charge_current.0.max(s.discharge_current.0)),
            )
    });
    let values: Vec<_> = units.map(|each| each.value(each.status.battery_voltage)).collect();
    let Some(packs) = of_packs.first().filter(|_| !values.is_empty()) else { return Vec::new() };
    let shown = Centivolts(u16::try_from(*packs).unwrap_or_default());
    let of_each = context.read_packs().map(|(pack, live)| Observed::of_pack(pack, live.voltage));
    let what = format!("a unit measures another voltage than the battery packs ({shown})");
    vec![RULE.report(&DROP, what, values.into_iter().chain(of_each).collect())]
}
