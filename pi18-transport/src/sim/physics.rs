//! How the bank gets from one moment to the next: modes, powers, battery, energy.
//!
//! Powers hold for a step, so that nothing depends on when somebody asks.

use std::time::Duration;

use pi18_proto::{LoadConnection, OutputPriority, WorkingMode};

use super::{
    bank::Bank,
    battery::Battery,
    day,
    flow::{DARK, Flow, Given, feeds_load},
    settings::Window,
    unit::{Stage, Unit},
};

/// How long powers hold.
pub(super) const STEP: Duration = Duration::from_secs(10);

impl Bank {
    /// Lets the present powers flow for one step, then looks again.
    pub(super) fn step(&mut self) {
        let hours = STEP.as_secs_f64() / 3600.0;
        let at = day::later(self.start, self.stepped);
        for unit in &mut self.units {
            let date = day::shifted(at, unit.clock_offset).date();
            unit.energy.add(date, unit.flow.pv * hours);
        }
        let power = self.units.iter().map(|unit| unit.flow.battery).sum();
        self.battery.flow(power, hours);
        self.stepped += STEP;
        let (grid, battery) = (self.grid(), self.battery);
        for unit in &mut self.units {
            unit.stage = unit.stage.next(unit, battery, grid);
        }
        self.settle();
    }

    /// Finds the modes and powers that belong to the present state.
    pub(super) fn settle(&mut self) {
        let at = day::later(self.start, self.stepped);
        let [cloud, appliance] = self.gusts();
        let sun = day::sun(at) * self.switches.sun.unwrap_or(1.0) * (1.0 - cloud);
        let grid = self.grid();
        for unit in &mut self.units {
            unit.offered = sun * day::panel_factor(unit.index) * day::PV_PEAK.iter().sum::<f64>();
            unit.mode = mode(unit, grid);
        }
        let count = |wanted: fn(WorkingMode) -> bool| {
            let count = self.units.iter().filter(|unit| wanted(unit.mode)).count();
            f64::from(u32::try_from(count).unwrap_or_default().max(1))
        };
        let house = self.switches.load.unwrap_or_else(|| day::load(at)) * (1.0 - appliance);
        let load = house / count(feeds_load);
        let chargers = count(|mode| feeds_load(mode) || mode == WorkingMode::CHARGE);

        // Currents depend on the voltage and it on them: the second round is close enough.
        let mut volts = self.battery.rest_voltage();
        for _ in 0..2 {
            for unit in &mut self.units {
                let scale = unit.switches.state.rated.scale();
                let local = day::time_of_day(day::shifted(at, unit.clock_offset));
                let allows = |window: Window| grid && window.contains(local);
                unit.flow = Flow::of(&Given {
                    mode: unit.mode,
                    settings: unit.settings,
                    pv: unit.offered,
                    load,
                    grid_for_load: allows(unit.extras.ac_load),
                    grid_for_battery: allows(unit.extras.ac_charge),
                    grid,
                    saving: unit.stage.saving,
                    volts: volts * scale,
                    charge_limit: charge_limit(unit, self.battery, chargers),
                });
            }
            volts = self.battery.voltage(self.units.iter().map(|unit| unit.flow.battery).sum());
        }
        for unit in &mut self.units {
            unit.volts = volts * unit.switches.state.rated.scale();
        }
    }
}

impl Bank {
    /// How much less sun and load there is in this step than there could be, 0 to 1. Drawn from the
    /// step, so that it does not depend on what else was drawn.
    fn gusts(&self) -> [f64; 2] {
        let most = self.switches.gusts.unwrap_or_default();
        let seed = self.switches.seed.unwrap_or_default().wrapping_mul(STEPS_A_RUN);
        let mut random = fastrand::Rng::with_seed(seed.wrapping_add(self.stepped.as_secs()));
        [random.f64() * most, random.f64() * most]
    }
}

/// Amperes that a unit may let into the battery: its setting, and its part of what the voltage
/// allows.
fn charge_limit(unit: &Unit, battery: Battery, chargers: f64) -> f64 {
    let scale = unit.switches.state.rated.scale();
    let target = if unit.stage.floating { unit.settings.float } else { unit.settings.bulk };
    let by_voltage = battery.current_to(target.in_unit() / scale) / scale / chargers;
    by_voltage.min(unit.settings.max_charge.0.into())
}

fn mode(unit: &Unit, grid: bool) -> WorkingMode {
    let sunny = unit.offered >= DARK;
    let utility_first = unit.settings.output_priority == OutputPriority::SOLAR_UTILITY_BATTERY;
    if unit.fault().is_fault() {
        WorkingMode::FAULT
    } else if let Some(pinned) = unit.switches.state.mode {
        pinned
    } else if unit.stage.empty || unit.load == LoadConnection::DISCONNECTED {
        if sunny { WorkingMode::CHARGE } else { WorkingMode::STANDBY }
    } else if grid && (sunny || utility_first || unit.stage.saving) {
        WorkingMode::HYBRID
    } else {
        WorkingMode::BATTERY
    }
}

impl Stage {
    fn next(self, unit: &Unit, battery: Battery, grid: bool) -> Self {
        let scale = unit.switches.state.rated.scale();
        let settings = &unit.settings;
        let [bulk, float, recharge, redischarge, cutoff] = [
            settings.bulk,
            settings.float,
            settings.recharge,
            settings.redischarge,
            settings.cutoff,
        ]
        .map(|voltage| voltage.in_unit() / scale);
        let volts = unit.volts / scale;
        let full = battery.current_to(bulk) < battery.capacity() * TAIL;
        let saved = if redischarge > 0.0 { volts >= redischarge } else { full };
        Self {
            floating: full || self.floating && battery.rest_voltage() > float - FLOAT_SAG,
            saving: volts <= recharge || self.saving && !saved,
            empty: !grid && (volts <= cutoff || self.empty && volts < cutoff + CUTOFF_REST),
        }
    }
}

/// More seconds than a bank runs, so that two seeds have no steps in common.
const STEPS_A_RUN: u64 = 1 << 40;

/// The battery is full once so little flows at the bulk voltage, A per Ah.
const TAIL: f64 = 0.02;

/// Bulk charging starts again so much under the float voltage, V (assumed).
const FLOAT_SAG: f64 = 0.8;

/// The output comes back so much above the cut-off voltage, V (assumed).
const CUTOFF_REST: f64 = 2.0;
