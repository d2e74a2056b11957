//! Where power goes in one unit: what it may use, and what that makes of it.

use pi18_proto::{ChargerPriority, MachineType, OutputPriority, SolarPriority, WorkingMode};

use crate::sim::unit::settings::Settings;

/// What a unit finds and what it may do.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct FlowInput {
    pub(crate) mode: WorkingMode,
    pub(crate) settings: Settings,
    /// What the sun offers, W.
    pub(crate) pv: f64,
    /// Its share of the house, W.
    pub(crate) load: f64,
    /// There is a grid, and the time of day allows it to supply the load.
    pub(crate) grid_for_load: bool,
    /// The same for charging.
    pub(crate) grid_for_battery: bool,
    /// There is a grid.
    pub(crate) grid: bool,
    /// The battery was too low and now waits for the re-discharge voltage.
    pub(crate) saving: bool,
    /// V at the terminals.
    pub(crate) volts: f64,
    /// Most that may flow into the battery, A.
    pub(crate) charge_limit: f64,
}

/// Powers of one unit, W. What comes in goes out: pv + grid = output + battery, and [`OWN_USE`] in
/// a unit that feeds the house.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flow {
    /// Used of what the sun offers.
    pub(crate) pv: f64,
    /// To the house.
    pub(crate) output: f64,
    /// Into the battery; out of it if less than 0.
    pub(crate) battery: f64,
    /// From the grid; to it if less than 0.
    pub(crate) grid: f64,
    /// From the DC to the AC side; back if less than 0.
    pub(crate) dc_to_ac: f64,
}

/// What an inverter takes to run, W (assumed).
pub(crate) const OWN_USE: f64 = 50.0;

/// Whether a unit in this mode feeds the house.
pub(crate) fn feeds_load(mode: WorkingMode) -> bool {
    matches!(mode, WorkingMode::BYPASS | WorkingMode::BATTERY | WorkingMode::HYBRID)
}

impl Flow {
    pub(crate) fn of(input: &FlowInput) -> Self {
        let charges = feeds_load(input.mode) || input.mode == WorkingMode::CHARGE;
        if !charges {
            return Self::default();
        }
        let on = feeds_load(input.mode);
        let output = if on { input.load } else { 0.0 };
        let own_use = if on { OWN_USE } else { 0.0 };
        let demand = output + own_use;
        let limit = input.charge_limit * input.volts;

        let line = input.mode != WorkingMode::BATTERY;
        let utility_first = input.settings.output_priority == OutputPriority::SOLAR_UTILITY_BATTERY;
        let from_grid = input.grid_for_load
            && line
            && (utility_first || input.saving || input.mode == WorkingMode::BYPASS);

        // Without the grid the load takes from the battery what the battery took from the sun.
        let battery_first =
            from_grid && input.settings.solar_priority == SolarPriority::BATTERY_LOAD_UTILITY;
        let pv_to_load = if battery_first {
            (input.pv - limit.min(input.pv)).min(demand)
        } else {
            input.pv.min(demand)
        };
        let pv_to_battery = (input.pv - pv_to_load).min(limit);
        let rest = demand - pv_to_load;
        let grid_to_load = if from_grid { rest } else { 0.0 };
        let from_battery = rest - grid_to_load;

        let may_charge = input.grid_for_battery
            && line
            && (utility_first || input.saving)
            && from_battery <= 0.0
            && match input.settings.charger_priority {
                ChargerPriority::SOLAR_FIRST => input.pv < DARK,
                ChargerPriority::ONLY_SOLAR => false,
                _ => true,
            };
        let most = f64::from(input.settings.max_ac_charge.0) * input.volts;
        let grid_to_battery =
            if may_charge { most.min(limit - pv_to_battery).max(0.0) } else { 0.0 };

        let spare = input.pv - pv_to_load - pv_to_battery;
        let feeds = input.grid
            && input.settings.machine_type == MachineType::GRID_TIE
            && input.mode == WorkingMode::HYBRID;
        let to_grid = if feeds { spare } else { 0.0 };

        Self {
            pv: pv_to_load + pv_to_battery + to_grid,
            output,
            battery: pv_to_battery + grid_to_battery - from_battery,
            grid: grid_to_load + grid_to_battery - to_grid,
            dc_to_ac: output - grid_to_load.min(output) + to_grid - grid_to_battery,
        }
    }
}

/// Less sun than this, W, is none.
pub(crate) const DARK: f64 = 20.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::unit::limits::Rated;

    fn input() -> FlowInput {
        FlowInput {
            mode: WorkingMode::HYBRID,
            settings: Settings::commissioned(Rated::V48, false),
            pv: 4000.0,
            load: 500.0,
            grid_for_load: true,
            grid_for_battery: true,
            grid: true,
            saving: false,
            volts: 50.0,
            charge_limit: 60.0,
        }
    }

    #[track_caller]
    fn balanced(input: &FlowInput) -> Flow {
        let flow = Flow::of(input);
        let own_use = if feeds_load(input.mode) { OWN_USE } else { 0.0 };
        let (sources, sinks) = (flow.pv + flow.grid, flow.output + own_use + flow.battery);
        assert!((sources - sinks).abs() < 1e-6, "{input:?}\n{flow:?}");
        assert!(flow.pv <= input.pv + 1e-6 && flow.pv >= 0.0, "{flow:?}");
        assert!(flow.battery <= input.charge_limit * input.volts + 1e-6, "{flow:?}");
        flow
    }

    #[track_caller]
    fn assert_near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-6, "expected {wanted}, found {found}");
    }

    #[test]
    fn what_comes_in_goes_out() {
        for mode in 0..=6 {
            for (pv, load) in [(0.0, 0.0), (0.0, 3000.0), (4000.0, 500.0), (5000.0, 6000.0)] {
                for bits in 0..64_u8 {
                    let bit = |at: u8| bits & (1 << at) != 0;
                    let mut input = FlowInput { mode: WorkingMode(mode), pv, load, ..input() };
                    input.grid = bit(0);
                    input.grid_for_load = bit(0) && bit(1);
                    input.grid_for_battery = bit(0);
                    input.saving = bit(2);
                    input.settings.output_priority = OutputPriority(bit(3).into());
                    input.settings.solar_priority = SolarPriority(bit(4).into());
                    input.settings.machine_type = MachineType(bit(5).into());
                    for charger in 0..=2 {
                        input.settings.charger_priority = ChargerPriority(charger);
                        let flow = balanced(&input);
                        assert!(input.grid || flow.grid.abs() < 1e-6, "{flow:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_sun_feeds_the_load_and_fills_the_battery_up_to_the_limit() {
        let flow = balanced(&input());
        assert_near(flow.output, 500.0);
        assert_near(flow.battery, 3000.0);
        assert_near(flow.grid, 0.0);
    }

    #[test]
    fn utility_before_battery_takes_the_rest_from_the_grid() {
        let mut input = input();
        input.pv = 0.0;
        input.settings.charger_priority = ChargerPriority::ONLY_SOLAR;
        assert_near(balanced(&input).grid, 0.0);
        input.settings.output_priority = OutputPriority::SOLAR_UTILITY_BATTERY;
        let flow = balanced(&input);
        assert_near(flow.grid, 550.0);
        assert_near(flow.battery, 0.0);
    }

    #[test]
    fn grid_tie_feeds_what_is_left() {
        let mut input = input();
        input.settings.machine_type = MachineType::GRID_TIE;
        assert_near(balanced(&input).grid, -450.0);
        input.grid = false;
        assert_near(balanced(&input).grid, 0.0);
    }
}
