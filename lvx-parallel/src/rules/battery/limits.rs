//! Limits of the battery voltage, and the measurements to which they apply.
//!
//! Limits are thresholds for a battery of 48 V; for units of 12 and 24 V they are smaller in proportion to the
//! rated battery voltage.

use pi18_proto::{Decivolts, GeneralStatus, ParallelStatus};

use crate::{
    UnitSnapshot,
    context::{Context, Measured},
};

/// A unit that measures a plausible battery voltage, with its rated battery voltage.
#[derive(Clone, Copy)]
pub(super) struct Battery<'c, 'a> {
    pub(super) each: &'c Measured<'a>,
    rated: Decivolts,
}

/// Returns the units that measure a battery. Units without `PIRI`, without a battery, and with an implausible
/// voltage are left out: see [`is_implausible`].
pub(super) fn batteries<'c, 'a>(context: &'c Context<'a>) -> Vec<Battery<'c, 'a>> {
    let battery = |each: &'c Measured<'a>| {
        let rated = rated(each.unit)?;
        let has_battery =
            each.unit.lacks_battery().is_none() && !is_implausible(context, each, Side::Either);
        has_battery.then_some(Battery { each, rated })
    };
    context.measured.iter().filter_map(battery).collect()
}

/// Returns the rated battery voltage of a unit. 0 is not a rated voltage.
fn rated(unit: &UnitSnapshot) -> Option<Decivolts> {
    let rated = unit.rated.value()?.battery_rated_voltage;
    (rated.0 > 0).then_some(rated)
}

impl Battery<'_, '_> {
    /// Returns whether both readings are above `limit` plus `margin`, which is for a battery of 48 V.
    pub(super) fn is_above(&self, limit: Decivolts, margin: Decivolts) -> bool {
        let limit = centivolts(limit) + self.scaled(margin);
        let is_above = |volts| centivolts(volts) > limit;
        self.lasts(is_above)
    }

    /// Returns whether both readings are below `limit` minus `margin`, which is for a battery of 48 V.
    pub(super) fn is_below(&self, limit: Decivolts, margin: Decivolts) -> bool {
        let limit = centivolts(limit) - self.scaled(margin);
        let is_below = |volts| centivolts(volts) < limit;
        self.lasts(is_below)
    }

    /// Returns whether both readings are below a limit for a battery of 48 V.
    pub(super) fn is_below_for_48_v(&self, limit: Decivolts) -> bool {
        let limit = self.scaled(limit);
        self.lasts(|volts| centivolts(volts) < limit)
    }

    /// Returns whether `GS` shows at most this voltage, which is for a battery of 48 V.
    pub(super) fn is_at_most_for_48_v(&self, limit: Decivolts) -> bool {
        centivolts(self.each.status.battery_voltage) <= self.scaled(limit)
    }

    fn lasts(&self, condition: impl Fn(Decivolts) -> bool) -> bool {
        self.each.lasts(|s| condition(s.battery_voltage), |s| condition(s.battery_voltage))
    }

    /// Returns a voltage for a battery of 48 V, scaled to this battery, in hundredths of a volt.
    fn scaled(&self, for_48_v: Decivolts) -> i64 {
        centivolts(for_48_v) * i64::from(self.rated.0) / i64::from(RATED_48_V.0)
    }
}

/// Returns whether the battery voltage of a unit is near its bulk or float voltage, in either reading, so that
/// the charger lowers its current; `None` if the unit reports no settings.
pub(super) fn is_near_full(context: &Context<'_>, each: &Measured<'_>) -> Option<bool> {
    let settings = each.unit.rated.value()?;
    let battery = Battery { each, rated: rated(each.unit)? };
    let margin = battery.scaled(context.thresholds().taper_margin);
    let is_near = |volts: Decivolts| {
        let targets = [settings.bulk_voltage, settings.float_voltage];
        targets.iter().any(|&target| (centivolts(volts) - centivolts(target)).abs() <= margin)
    };
    let again = each.again.is_some_and(|again| is_near(again.battery_voltage));
    Some(is_near(each.status.battery_voltage) || again)
}

/// The side on which a voltage is implausible.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Side {
    Low,
    High,
    Either,
}

/// Returns whether both readings of the battery voltage are too far from the rated battery voltage. 0 V is not
/// a measurement.
fn is_implausible(context: &Context<'_>, each: &Measured<'_>, side: Side) -> bool {
    let Some(rated) = rated(each.unit) else { return false };
    let thresholds = context.thresholds();
    let share = |percent: u16| i64::from(rated.0) * i64::from(percent);
    let low = share(thresholds.battery_voltage_least.0);
    let high = share(thresholds.battery_voltage_greatest.0);
    let is_outside = |volts: Decivolts| {
        let volts = i64::from(volts.0) * 100;
        let is_low = volts > 0 && volts < low;
        (is_low && side != Side::High) || (volts > high && side != Side::Low)
    };
    each.lasts(|s| is_outside(s.battery_voltage), |s| is_outside(s.battery_voltage))
}

/// Returns whether a unit measures an implausible voltage, other than one without a battery while others have it.
pub(in crate::rules) fn has_implausible_voltage(context: &Context<'_>) -> bool {
    !implausible(context, Side::Either).is_empty()
}

/// Returns the units with an implausible voltage. If others measure a battery, a unit without one is left out.
pub(super) fn implausible<'c, 'a>(context: &'c Context<'a>, side: Side) -> Vec<&'c Measured<'a>> {
    let measured = context.measured.iter();
    let lacks_battery = |each: &Measured<'_>| each.unit.lacks_battery().is_some();
    let is_missing_everywhere = measured.clone().all(lacks_battery);
    let is_found = |each: &&Measured<'_>| {
        (is_missing_everywhere || !lacks_battery(each)) && is_implausible(context, each, side)
    };
    measured.filter(is_found).collect()
}

/// Returns whether the units together discharge the battery, in both readings.
pub(super) fn is_discharged(context: &Context<'_>) -> bool {
    let now = |s: &GeneralStatus| i64::from(s.discharge_current.0) - i64::from(s.charge_current.0);
    let again =
        |s: &ParallelStatus| i64::from(s.discharge_current.0) - i64::from(s.charge_current.0);
    let measured = &context.measured;
    let later: Option<i64> = measured.iter().map(|each| each.again.as_ref().map(again)).sum();
    let net: i64 = measured.iter().map(|each| now(&each.status)).sum();
    net > 0 && later.is_none_or(|net| net > 0)
}

/// Returns whether all units measure a voltage that a battery with a low state of charge can have. A battery
/// that charges may have a higher one.
pub(super) fn shows_low_voltage(context: &Context<'_>) -> bool {
    let thresholds = context.thresholds();
    let units = batteries(context);
    let is_low = |unit: &Battery<'_, '_>| {
        let charges = unit.each.status.charge_current.0 > 0;
        let limit = if charges { thresholds.low_voltage_charging } else { thresholds.low_voltage };
        unit.is_at_most_for_48_v(limit)
    };
    !units.is_empty() && units.iter().all(is_low)
}

fn centivolts(volts: Decivolts) -> i64 {
    i64::from(volts.0) * 10
}

const RATED_48_V: Decivolts = Decivolts(480);
