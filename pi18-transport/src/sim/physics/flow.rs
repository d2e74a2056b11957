//! The power flow of one unit between sun, grid, battery and house.
//!
//! Four settings decide the order:
//!
//! - solar priority: whether the sun supplies the load or the battery first
//! - output priority: whether the grid or the battery supplies the rest of the load
//! - charger priority: when the grid charges the battery
//! - machine type: whether surplus power goes to the grid
//!
//! Source: PI18 2017, the commands "PSP", "POP", "PCP" and "PEI"; the details are assumed.

use pi18_proto::{ChargerPriority, MachineType, OutputPriority, SolarPriority, WorkingMode};

use crate::sim::unit::settings::Settings;

/// The conditions on which the power flow of a unit depends.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent conditions")]
pub(crate) struct FlowInput {
    pub(crate) mode: WorkingMode,
    pub(crate) settings: Settings,
    /// Power that the panels can supply, W.
    pub(crate) pv: f64,
    /// Share of the house's power that the unit supplies, W.
    pub(crate) load: f64,
    /// Whether the grid may supply the load: it is available, and the time of day allows it.
    pub(crate) grid_for_load: bool,
    /// Whether the grid may charge the battery: it is available, and the time of day allows it.
    pub(crate) grid_for_battery: bool,
    /// Whether the grid is available.
    pub(crate) grid: bool,
    /// Whether the battery is reserved, so that the grid supplies the load.
    pub(crate) reserved: bool,
    /// Voltage at the battery terminals, V.
    pub(crate) volts: f64,
    /// Largest current into the battery, A.
    pub(crate) charge_limit: f64,
}

/// The powers of one unit, W.
///
/// They balance: `pv + grid = output + battery + own use`, with an own use of [`OWN_USE`] in a unit that
/// supplies the house, and 0 in other units.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flow {
    /// Power from the panels.
    pub(crate) pv: f64,
    /// Power to the house.
    pub(crate) output: f64,
    /// Power into the battery; negative if it is discharged.
    pub(crate) battery: f64,
    /// Power from the grid; negative if power goes to the grid.
    pub(crate) grid: f64,
    /// Power from the DC side to the AC side; negative in the other direction.
    pub(crate) dc_to_ac: f64,
}

/// Power that a running inverter uses itself, W (assumed).
pub(crate) const OWN_USE: f64 = 50.0;

/// Returns whether a unit in this mode supplies the house.
pub(crate) fn feeds_load(mode: WorkingMode) -> bool {
    matches!(mode, WorkingMode::BYPASS | WorkingMode::BATTERY | WorkingMode::HYBRID)
}

impl Flow {
    /// Computes the powers of a unit. All are 0 in a mode in which it neither charges nor supplies the house.
    pub(crate) fn compute(input: &FlowInput) -> Self {
        let charges = feeds_load(input.mode) || input.mode == WorkingMode::CHARGE;
        if !charges {
            return Self::default();
        }
        let on = feeds_load(input.mode);
        let output = if on { input.load } else { 0.0 };
        let own_use = if on { OWN_USE } else { 0.0 };
        let demand = output + own_use;
        let limit = input.charge_limit * input.volts;

        let uses_grid = input.mode != WorkingMode::BATTERY;
        let utility_first = input.settings.output_priority == OutputPriority::SOLAR_UTILITY_BATTERY;
        let from_grid = input.grid_for_load
            && uses_grid
            && (utility_first || input.reserved || input.mode == WorkingMode::BYPASS);

        // "Battery before load" matters only if the grid supplies the load: otherwise the load would take
        // the same power out of the battery again.
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
            && uses_grid
            && (utility_first || input.reserved)
            && from_battery <= 0.0
            && match input.settings.charger_priority {
                ChargerPriority::SOLAR_FIRST => input.pv < DARK,
                ChargerPriority::ONLY_SOLAR => false,
                _ => true,
            };
        let max = f64::from(input.settings.max_ac_charge_current.0) * input.volts;
        let grid_to_battery =
            if may_charge { max.min(limit - pv_to_battery).max(0.0) } else { 0.0 };

        let surplus = input.pv - pv_to_load - pv_to_battery;
        let feeds = input.grid
            && input.settings.machine_type == MachineType::GRID_TIE
            && input.mode == WorkingMode::HYBRID;
        let to_grid = if feeds { surplus } else { 0.0 };

        Self {
            pv: pv_to_load + pv_to_battery + to_grid,
            output,
            battery: pv_to_battery + grid_to_battery - from_battery,
            grid: grid_to_load + grid_to_battery - to_grid,
            dc_to_ac: output - grid_to_load.min(output) + to_grid - grid_to_battery,
        }
    }
}

/// Power of the panels below which a unit treats the sun as absent, W.
pub(crate) const DARK: f64 = 20.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::unit::limits::RatedVoltage;

    fn input() -> FlowInput {
        FlowInput {
            mode: WorkingMode::HYBRID,
            settings: Settings::commissioned(RatedVoltage::V48, false),
            pv: 4000.0,
            load: 500.0,
            grid_for_load: true,
            grid_for_battery: true,
            grid: true,
            reserved: false,
            volts: 50.0,
            charge_limit: 60.0,
        }
    }

    #[track_caller]
    fn balanced(input: &FlowInput) -> Flow {
        let flow = Flow::compute(input);
        let own_use = if feeds_load(input.mode) { OWN_USE } else { 0.0 };
        let (sources, sinks) = (flow.pv + flow.grid, flow.output + own_use + flow.battery);
        assert!((sources - sinks).abs() < 1e-6, "{input:?}\n{flow:?}");
        assert!(flow.pv <= input.pv + 1e-6 && flow.pv >= 0.0, "{flow:?}");
        assert!(flow.battery <= input.charge_limit * input.volts + 1e-6, "{flow:?}");
        flow
    }

    #[track_caller]
    fn assert_near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "expected {expected}, found {found}");
    }

    #[test]
    fn powers_in_all_conditions_balance() {
        for mode in 0..=6 {
            for (pv, load) in [(0.0, 0.0), (0.0, 3000.0), (4000.0, 500.0), (5000.0, 6000.0)] {
                for bits in 0..64_u8 {
                    let bit = |at: u8| bits & (1 << at) != 0;
                    let mut input = FlowInput { mode: WorkingMode(mode), pv, load, ..input() };
                    input.grid = bit(0);
                    input.grid_for_load = bit(0) && bit(1);
                    input.grid_for_battery = bit(0);
                    input.reserved = bit(2);
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
    fn sun_supplies_load_then_charges_battery_up_to_limit() {
        let flow = balanced(&input());
        assert_near(flow.output, 500.0);
        assert_near(flow.battery, 3000.0);
        assert_near(flow.grid, 0.0);
    }

    #[test]
    fn utility_before_battery_supplies_rest_from_grid() {
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
    fn grid_tie_feeds_surplus_into_grid() {
        let mut input = input();
        input.settings.machine_type = MachineType::GRID_TIE;
        assert_near(balanced(&input).grid, -450.0);
        input.grid = false;
        assert_near(balanced(&input).grid, 0.0);
    }
}
