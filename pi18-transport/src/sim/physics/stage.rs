//! The charging stage of a unit: bulk, then float; and the reserve for times without sun.
//!
//! | Stage | Until |
//! |---|---|
//! | bulk: constant current, then the bulk voltage | at the bulk voltage, the unit's own current stays below a twentieth of its maximum charge current for three minutes, or eight hours have passed |
//! | float: no current above the float voltage, otherwise that voltage | the voltage stays 0.8 V below the float voltage for five minutes |
//!
//! The eight hours are assumed. The tail current is assumed: two units with 60 A on a battery of 300 Ah end together at 0.02 C. The rest is assumed.
//!
//! A battery that stays at the re-charge voltage is reserved: the grid supplies the load until the battery reaches
//! the re-discharge voltage, or has left the bulk stage if the re-discharge voltage is 0.

use super::timer::{Pace, Timer};
use crate::sim::unit::settings::Settings;

/// The charging stage of a unit, which depends on earlier voltages and currents.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Stage {
    /// Whether bulk charging has ended, so that the unit charges to the float voltage only.
    pub(crate) floating: bool,
    /// Whether the battery is reserved: it has fallen to the re-charge voltage and has not reached the
    /// re-discharge voltage since.
    pub(crate) reserved: bool,
    /// Time with a small current at the bulk voltage.
    tail: Timer,
    /// Time since the bulk voltage was reached.
    absorption: Timer,
    /// Time far below the float voltage.
    discharged: Timer,
    /// Time at the re-charge voltage.
    low: Timer,
    /// Time since the battery was reserved.
    reserve: Timer,
}

/// What a unit measures at its battery terminals. A unit that is rated below 48 V measures a fixed share of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminals {
    /// Voltage, V.
    pub(crate) volts: f64,
    /// Current into the battery, A; negative while it is discharged.
    pub(crate) current: f64,
    /// Ratio of the unit's rated voltage to 48 V.
    pub(crate) scale: f64,
    /// Whether the battery can be charged through its cable.
    pub(crate) connected: bool,
}

impl Stage {
    /// Returns the stage after a step.
    pub(crate) fn next(mut self, now: Terminals, settings: &Settings, pace: Pace) -> Self {
        if !now.connected {
            return self;
        }
        let [bulk, float, recharge, redischarge] =
            [settings.bulk, settings.float, settings.recharge, settings.redischarge]
                .map(|voltage| voltage.in_unit() / now.scale);
        let volts = now.volts / now.scale;
        if self.floating {
            let is_low = volts < float - REBULK;
            self.floating = !self.discharged.lasts(is_low, REBULK_TIME, pace);
            self.absorption = Timer::default();
        } else {
            let is_small = now.current < f64::from(settings.max_charge_current.0) * TAIL;
            let is_high = volts >= bulk - AT_BULK;
            let ended = self.tail.lasts(is_high && is_small, TAIL_TIME, pace);
            if is_high {
                self.absorption.count(pace);
            }
            self.floating = ended || self.absorption.reaches(LONGEST_ABSORPTION);
            self.discharged = Timer::default();
        }
        if self.reserved {
            self.reserve.count(pace);
            let is_charged = if redischarge > 0.0 { volts >= redischarge } else { self.floating };
            let is_due = self.reserve.reaches(SHORTEST_RESERVE) || pace == Pace::AtOnce;
            self.reserved = !(is_charged && is_due) || volts <= recharge;
        } else {
            self.reserved = self.low.lasts(volts <= recharge, LOW_TIME, pace);
            self.reserve = Timer::default();
        }
        self
    }

    /// Returns a stage in which the states of both have been entered.
    pub(crate) fn entered(mut self, other: Self) -> Self {
        self.floating |= other.floating;
        self.reserved |= other.reserved;
        self
    }
}

/// Current below which bulk charging ends, as a share of the maximum charge current.
const TAIL: f64 = 0.05;

/// Distance from the bulk voltage within which it counts as reached, V.
const AT_BULK: f64 = 0.1;

/// Time with a small current after which bulk charging ends, seconds.
const TAIL_TIME: u64 = 180;

/// Longest time at the bulk voltage, seconds.
const LONGEST_ABSORPTION: u64 = 8 * 3600;

/// Distance below the float voltage at which bulk charging starts again, V, and its time, seconds.
const REBULK: f64 = 0.8;
const REBULK_TIME: u64 = 300;

/// Time at the re-charge voltage after which the battery is reserved, seconds.
const LOW_TIME: u64 = 30;

/// Shortest time for which the battery is reserved, seconds.
const SHORTEST_RESERVE: u64 = 300;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::unit::limits::RatedVoltage;

    fn terminals(volts: f64, current: f64) -> Terminals {
        Terminals { volts, current, scale: 1.0, connected: true }
    }

    /// Returns the stage after some seconds with the same voltage and current.
    fn after(mut stage: Stage, seconds: u64, now: Terminals) -> Stage {
        let settings = Settings::commissioned(RatedVoltage::V48, false);
        for _ in 0..seconds / 10 {
            stage = stage.next(now, &settings, Pace::Step);
        }
        stage
    }

    #[test]
    fn bulk_ends_after_a_small_current_has_lasted() {
        let stage = after(Stage::default(), 3600, terminals(56.4, 20.0));
        assert!(!stage.floating);
        assert!(!after(stage, 170, terminals(56.4, 2.0)).floating);
        assert!(after(stage, 180, terminals(56.4, 2.0)).floating);
        // A small current at a lower voltage is weak sun.
        assert!(!after(stage, 3600, terminals(55.0, 2.0)).floating);
    }

    #[test]
    fn bulk_ends_after_eight_hours_at_its_voltage() {
        let stage = after(Stage::default(), 8 * 3600 - 10, terminals(56.4, 20.0));
        assert!(!stage.floating);
        assert!(after(stage, 10, terminals(56.4, 20.0)).floating);
    }

    #[test]
    fn bulk_starts_again_well_below_float() {
        let stage = after(Stage::default(), 180, terminals(56.4, 0.0));
        let stage = after(stage, 3600, terminals(53.4, -20.0));
        assert!(stage.floating);
        assert!(after(stage, 290, terminals(53.1, -20.0)).floating);
        assert!(!after(stage, 300, terminals(53.1, -20.0)).floating);
    }

    #[test]
    fn reserve_lasts_from_recharge_to_redischarge_voltage() {
        let stage = after(Stage::default(), 20, terminals(47.9, -20.0));
        assert!(!stage.reserved);
        let stage = after(stage, 10, terminals(47.9, -20.0));
        assert!(stage.reserved);
        assert!(after(stage, 3600, terminals(53.9, 20.0)).reserved);
        assert!(!after(stage, 3600, terminals(54.0, 20.0)).reserved);
        // Not within five minutes, however fast the voltage rises.
        assert!(after(stage, 290, terminals(54.0, 20.0)).reserved);
    }

    #[test]
    fn unit_without_battery_keeps_its_stage() {
        let apart = Terminals { connected: false, ..terminals(57.9, 0.0) };
        assert_eq!(after(Stage::default(), 3600, apart), Stage::default());
    }
}
