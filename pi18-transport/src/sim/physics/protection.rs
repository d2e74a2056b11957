//! The protections of a unit: against a deeply discharged battery and against overload.
//!
//! **Low battery.** Distances are from the cut-off voltage of a 48 V unit:
//!
//! | Voltage | Effect |
//! |---|---|
//! | up to 2 V above | warning "battery low", until 4 V above |
//! | at or below, for 30 s | the output is off, with the warning "battery under": fault 04 for five minutes, then standby, or charging if there is sun |
//! | 4 V above, for one minute | the output is on again, after five minutes at the earliest |
//!
//! Data sheets of Voltronic's 48 V units state a cut-off at 42 V, a warning 2 V above it until 4 V above it, and a
//! start with the battery alone ("cold start") at 46 V, also 4 V above it. The times are assumed. A unit whose load
//! the grid can supply is not cut off.
//!
//! **Overload.** The data sheets allow 110 to 150 % of the rated power for 10 s, and more for 5 s; because of the
//! length of a step it is 10 s for both. Then:
//!
//! - With the flag "overload bypass" and a grid, the grid supplies the load, until it has been below 100 % for one
//!   minute.
//! - Otherwise fault 07 follows. With the flag "overload restart" the unit starts again after one minute
//!   (assumed), together with the other units that stopped.
//!
//! **No power.** A unit without battery supplies the house with the sun alone. If that is not enough, its output is
//! off for five minutes (assumed).

use pi18_proto::FaultCode;

use super::timer::{Pace, Timer};

/// The protections of a unit, which depend on earlier voltages and powers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent states")]
pub(crate) struct Protection {
    /// Whether the unit warns of a low battery.
    pub(crate) low: bool,
    /// Whether the battery has fallen to the cut-off voltage, so that the output is off.
    pub(crate) empty: bool,
    /// Whether the unit had no source for its load, so that the output is off.
    pub(crate) unsupplied: bool,
    /// Whether an overload has stopped the unit.
    pub(crate) overloaded: bool,
    /// Whether the grid supplies an overload.
    pub(crate) bypassed: bool,
    /// Time at the cut-off voltage.
    under: Timer,
    /// Time since the output was switched off.
    off: Timer,
    /// Time at the voltage at which the output is switched on again.
    recovery: Timer,
    /// Time with an overload.
    overload: Timer,
    /// Time without an overload, while the grid supplies the load.
    relief: Timer,
}

/// The conditions on which the protections depend.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent conditions")]
pub(crate) struct Observed {
    /// Battery voltage, V, as that of a 48 V unit; `None` if the unit has no battery.
    pub(crate) volts: Option<f64>,
    /// Cut-off voltage, V, as that of a 48 V unit.
    pub(crate) cutoff: f64,
    /// Whether the grid can supply the load.
    pub(crate) grid_for_load: bool,
    /// Load as a share of the rated power.
    pub(crate) load: f64,
    /// Whether the unit has no source for its load.
    pub(crate) unsupplied: bool,
    /// The flag "overload bypass".
    pub(crate) overload_bypass: bool,
    /// Whether the unit may start again after an overload.
    pub(crate) restart: bool,
}

impl Protection {
    /// Returns the fault that the protections raise.
    pub(crate) fn fault(&self) -> FaultCode {
        if self.overloaded {
            OVERLOAD_FAULT
        } else if self.empty && !self.off.reaches(FAULT_TIME) {
            LOW_FAULT
        } else {
            FaultCode::NONE
        }
    }

    /// Returns whether the output is off.
    pub(crate) fn is_off(&self) -> bool {
        self.empty || self.unsupplied || self.overloaded
    }

    /// Returns whether an overload has stopped the unit long enough for it to start again.
    pub(crate) fn is_rested(&self) -> bool {
        self.overloaded && self.off.reaches(RESTART_TIME)
    }

    /// Returns the protections after a step.
    pub(crate) fn next(mut self, now: &Observed, pace: Pace) -> Self {
        if self.is_off() {
            self.off.count(pace);
        } else {
            self.off = Timer::default();
        }
        self.watch_battery(now, pace);
        self.watch_supply(now, pace);
        if pace == Pace::Step {
            self.watch_load(now);
        }
        self
    }

    fn watch_battery(&mut self, now: &Observed, pace: Pace) {
        let Some(volts) = now.volts else {
            (self.low, self.empty) = (false, false);
            return;
        };
        let above = volts - now.cutoff;
        self.low = above <= WARNING || self.low && above < RECOVERY;
        if self.empty {
            let is_high = self.recovery.lasts(above >= RECOVERY, RECOVERY_TIME, pace);
            let is_due = pace == Pace::AtOnce || self.off.reaches(SHORTEST_OFF);
            self.empty = !(is_high && is_due || now.grid_for_load);
        } else {
            let is_under = above <= 0.0 && !now.grid_for_load;
            self.empty = self.under.lasts(is_under, CUTOFF_TIME, pace);
            self.recovery = Timer::default();
        }
    }

    fn watch_supply(&mut self, now: &Observed, pace: Pace) {
        let is_due = self.off.reaches(SHORTEST_OFF) || pace == Pace::AtOnce || now.grid_for_load;
        self.unsupplied = now.unsupplied || self.unsupplied && !is_due;
    }

    fn watch_load(&mut self, now: &Observed) {
        if self.overloaded {
            self.overloaded = !now.restart;
            return;
        }
        let is_over = self.overload.lasts(now.load > OVERLOAD, OVERLOAD_TIME, Pace::Step);
        if self.bypassed {
            let is_relieved = self.relief.lasts(now.load < 1.0, RELIEF_TIME, Pace::Step);
            self.bypassed = now.grid_for_load && !is_relieved;
        } else if is_over {
            self.bypassed = now.overload_bypass && now.grid_for_load;
            self.overloaded = !self.bypassed;
            self.overload = Timer::default();
            self.relief = Timer::default();
            self.off = Timer::default();
        }
    }

    /// Returns protections in which the states of both have been entered.
    pub(crate) fn entered(mut self, other: Self) -> Self {
        self.low |= other.low;
        self.empty |= other.empty;
        self.unsupplied |= other.unsupplied;
        self
    }
}

/// Fault "battery voltage too low".
const LOW_FAULT: FaultCode = FaultCode(4);

/// Fault "overload time-out".
const OVERLOAD_FAULT: FaultCode = FaultCode(7);

/// Distances above the cut-off voltage, V: below the first one the unit warns of a low battery, above the second one
/// the warning ends and the output can be switched on again.
const WARNING: f64 = 2.0;
const RECOVERY: f64 = 4.0;

/// Time at the cut-off voltage until the output is switched off, seconds.
const CUTOFF_TIME: u64 = 30;

/// Time for which a unit shows fault 04, seconds.
const FAULT_TIME: u64 = 300;

/// Shortest time for which the output is off, seconds.
const SHORTEST_OFF: u64 = 300;

/// Time at the recovery voltage until the output is switched on again, seconds.
const RECOVERY_TIME: u64 = 60;

/// Load above which a unit stops, as a share of its rated power, and its time, seconds.
const OVERLOAD: f64 = 1.1;
const OVERLOAD_TIME: u64 = 10;

/// Time after which a unit that an overload has stopped can start again, seconds.
const RESTART_TIME: u64 = 60;

/// Time without an overload until the grid no longer supplies the load, seconds.
const RELIEF_TIME: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: Observed = Observed {
        volts: Some(53.0),
        cutoff: 48.0,
        grid_for_load: false,
        load: 0.5,
        unsupplied: false,
        overload_bypass: false,
        restart: false,
    };

    fn after(mut state: Protection, seconds: u64, now: Observed) -> Protection {
        for _ in 0..seconds / 10 {
            state = state.next(&now, Pace::Step);
        }
        state
    }

    fn at(volts: f64) -> Observed {
        Observed { volts: Some(volts), ..CALM }
    }

    #[test]
    fn battery_is_low_then_cut_off_then_recovers() {
        let state = after(Protection::default(), 600, at(50.0));
        assert!(state.low && !state.empty);
        assert!(after(state, 10, at(51.9)).low && !after(state, 10, at(52.0)).low);
        assert!(!after(state, 20, at(48.0)).empty);
        let off = after(state, 30, at(48.0));
        assert!(off.empty && off.is_off());
        assert_eq!(off.fault(), FaultCode(4));
        // The voltage rises at once when the load is gone, but the output stays off.
        assert!(after(off, 290, at(51.0)).empty);
        assert_eq!(after(off, 300, at(51.0)).fault(), FaultCode::NONE);
        assert!(after(off, 3600, at(51.9)).empty);
        assert!(!after(off, 300, at(52.0)).empty);
        assert!(after(off, 290, at(52.0)).empty);
        assert!(!after(off, 10, Observed { grid_for_load: true, ..at(48.0) }).empty);
    }

    #[test]
    fn grid_prevents_cut_off() {
        let grid = Observed { grid_for_load: true, ..at(47.0) };
        assert!(!after(Protection::default(), 600, grid).empty);
    }

    #[test]
    fn overload_ends_in_fault_and_restarts_only_with_the_flag() {
        let over = Observed { load: 1.2, ..CALM };
        assert!(!after(Protection::default(), 3600, Observed { load: 1.05, ..CALM }).overloaded);
        let off = after(Protection::default(), 10, over);
        assert_eq!(off.fault(), FaultCode(7));
        assert!(after(off, 3600, CALM).overloaded);
        assert!(!off.is_rested() && after(off, 60, CALM).is_rested());
        let restarted = after(off, 70, Observed { restart: true, ..CALM });
        assert!(!restarted.overloaded);
    }

    #[test]
    fn grid_supplies_an_overload_with_the_flag() {
        let over = Observed { load: 1.2, overload_bypass: true, grid_for_load: true, ..CALM };
        let state = after(Protection::default(), 10, over);
        assert!(state.bypassed && !state.overloaded);
        assert!(after(state, 3600, over).bypassed);
        let relieved = Observed { load: 0.9, ..over };
        assert!(after(state, 50, relieved).bypassed && !after(state, 60, relieved).bypassed);
        assert!(!after(state, 10, CALM).bypassed);
    }

    #[test]
    fn unit_without_source_rests_before_it_tries_again() {
        let dark = Observed { unsupplied: true, volts: None, ..CALM };
        let off = after(Protection::default(), 10, dark);
        let light = Observed { volts: None, ..CALM };
        assert!(off.is_off() && after(off, 290, light).is_off());
        assert!(!after(off, 300, light).is_off());
        assert_eq!(off.fault(), FaultCode::NONE);
    }
}
