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
//!
//! Power is lost in the MPPT chargers ([`MPPT_EFFICIENCY`]) and in the inverter, in both directions
//! ([`Inverter`]). A running unit also uses power itself, on its AC side. Power from the grid to the load bypasses
//! the inverter without loss.

use pi18_proto::{ChargerPriority, MachineType, OutputPriority, SolarPriority, WorkingMode};

use crate::sim::unit::settings::Settings;

/// The conditions on which the power flow of a unit depends.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent conditions")]
pub(crate) struct FlowInput {
    pub(crate) mode: WorkingMode,
    pub(crate) settings: Settings,
    pub(crate) inverter: Inverter,
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
    /// Largest power into the battery, W.
    pub(crate) max_charge: f64,
    /// Largest power from the grid into the battery, W.
    pub(crate) max_ac_charge: f64,
}

/// Losses of an inverter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inverter {
    /// Ratio of the power that leaves it to the power that enters it, 0 to 1, in both directions.
    pub(crate) efficiency: f64,
    /// Power that it uses itself while it runs, W.
    pub(crate) own_use: f64,
}

impl Default for Inverter {
    /// The efficiency is the peak efficiency in data sheets of Voltronic's 48 V units, 93 %. Its own use includes
    /// fans and display (assumed; the data sheets say 35 to 70 W without load).
    fn default() -> Self {
        Self { efficiency: 0.93, own_use: 50.0 }
    }
}

impl Inverter {
    /// Returns the power to the house, W, if only panels supply the inverter, with `pv` W; negative if they do not
    /// cover its own use.
    pub(crate) fn solar_output(&self, pv: f64) -> f64 {
        pv * MPPT_EFFICIENCY * self.efficiency - self.own_use
    }
}

/// The powers of one unit, W.
///
/// They balance: `pv + grid = output + battery + own_use + mppt_loss + inverter_loss`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flow {
    /// Power from the panels.
    pub(crate) pv: f64,
    /// Power to the house.
    pub(crate) output: f64,
    /// Power into the battery at the unit's terminals; negative if it is discharged.
    pub(crate) battery: f64,
    /// Power from the grid; negative if power goes to the grid.
    pub(crate) grid: f64,
    /// Power from the DC side to the AC side, without losses; negative in the other direction.
    pub(crate) dc_to_ac: f64,
    /// Power that the unit uses itself.
    pub(crate) own_use: f64,
    /// Power lost in the MPPT chargers.
    pub(crate) mppt_loss: f64,
    /// Power lost in the inverter.
    pub(crate) inverter_loss: f64,
}

/// Ratio of the power that leaves the MPPT chargers to the power of the panels (assumed; makers state 98 %).
pub(crate) const MPPT_EFFICIENCY: f64 = 0.98;

/// Returns whether a unit in this mode supplies the house.
pub(crate) fn feeds_load(mode: WorkingMode) -> bool {
    matches!(mode, WorkingMode::BYPASS | WorkingMode::BATTERY | WorkingMode::HYBRID)
}

impl FlowInput {
    /// Returns whether the grid supplies the part of the load that the sun does not supply.
    pub(crate) fn loads_grid(&self) -> bool {
        let utility_first = self.settings.output_priority == OutputPriority::SOLAR_UTILITY_BATTERY;
        self.grid_for_load
            && self.mode != WorkingMode::BATTERY
            && (utility_first || self.reserved || self.mode == WorkingMode::BYPASS)
    }

    /// Returns the power that the unit can supply to the house with the sun alone, W; negative if the sun does not
    /// cover its own use.
    pub(crate) fn solar_output(&self) -> f64 {
        self.inverter.solar_output(self.pv)
    }
}

impl Flow {
    /// Computes the powers of a unit. All are 0 in a mode in which it neither charges nor supplies the house.
    pub(crate) fn compute(input: &FlowInput) -> Self {
        let charges = feeds_load(input.mode) || input.mode == WorkingMode::CHARGE;
        if !charges {
            return Self::default();
        }
        let efficiency = input.inverter.efficiency;
        let on = feeds_load(input.mode);
        let output = if on { input.load } else { 0.0 };
        let own_use = if on { input.inverter.own_use } else { 0.0 };
        let demand = output + own_use;
        let limit = input.max_charge;
        // Power of the panels on the DC side of the unit.
        let pv = input.pv * MPPT_EFFICIENCY;

        let uses_grid = input.mode != WorkingMode::BATTERY;
        let utility_first = input.settings.output_priority == OutputPriority::SOLAR_UTILITY_BATTERY;
        let from_grid = input.loads_grid();

        // "Battery before load" matters only if the grid supplies the load: otherwise the load would take
        // the same power out of the battery again.
        let battery_first =
            from_grid && input.settings.solar_priority == SolarPriority::BATTERY_LOAD_UTILITY;
        let pv_for_load = if battery_first { pv - limit.min(pv) } else { pv };
        let pv_to_load = (pv_for_load * efficiency).min(demand);
        let pv_to_battery = (pv - pv_to_load / efficiency).clamp(0.0, limit);
        let rest = demand - pv_to_load;
        let grid_to_load = if from_grid { rest } else { 0.0 };
        let from_battery = (rest - grid_to_load) / efficiency;

        let may_charge = input.grid_for_battery
            && uses_grid
            && (utility_first || input.reserved)
            && from_battery <= 0.0
            && match input.settings.charger_priority {
                ChargerPriority::SOLAR_FIRST => input.pv < DARK,
                ChargerPriority::ONLY_SOLAR => false,
                _ => true,
            };
        let grid_to_battery =
            if may_charge { input.max_ac_charge.min(limit - pv_to_battery).max(0.0) } else { 0.0 };

        let surplus = (pv - pv_to_load / efficiency - pv_to_battery).max(0.0);
        let feeds = input.grid
            && input.settings.machine_type == MachineType::GRID_TIE
            && input.mode == WorkingMode::HYBRID;
        let to_grid = if feeds { surplus * efficiency } else { 0.0 };

        let inverted = pv_to_load + from_battery * efficiency + to_grid;
        let rectified = grid_to_battery / efficiency;
        let panels = (inverted / efficiency - from_battery + pv_to_battery) / MPPT_EFFICIENCY;
        Self {
            pv: panels,
            output,
            battery: pv_to_battery + grid_to_battery - from_battery,
            grid: grid_to_load + rectified - to_grid,
            dc_to_ac: output - grid_to_load.min(output) + to_grid - rectified,
            own_use,
            mppt_loss: panels * (1.0 - MPPT_EFFICIENCY),
            inverter_loss: (inverted / efficiency + rectified) * (1.0 - efficiency),
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
            inverter: Inverter::default(),
            pv: 4000.0,
            load: 500.0,
            grid_for_load: true,
            grid_for_battery: true,
            grid: true,
            reserved: false,
            max_charge: 3000.0,
            max_ac_charge: 1500.0,
        }
    }

    #[track_caller]
    fn balanced(input: &FlowInput) -> Flow {
        let flow = Flow::compute(input);
        let sinks = flow.output + flow.battery + flow.own_use + flow.mppt_loss + flow.inverter_loss;
        assert!((flow.pv + flow.grid - sinks).abs() < 1e-6, "{input:?}\n{flow:?}");
        assert!(flow.pv <= input.pv + 1e-6 && flow.pv >= 0.0, "{flow:?}");
        assert!(flow.battery <= input.max_charge + 1e-6, "{flow:?}");
        assert!(flow.mppt_loss >= 0.0 && flow.inverter_loss >= 0.0, "{flow:?}");
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
        assert_near(flow.pv, (550.0 / 0.93 + 3000.0) / 0.98);
    }

    #[test]
    fn battery_supplies_load_and_losses_at_night() {
        let flow = balanced(&FlowInput { pv: 0.0, mode: WorkingMode::BATTERY, ..input() });
        assert_near(flow.battery, -550.0 / 0.93);
        assert_near(flow.inverter_loss, 550.0 / 0.93 * 0.07);
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
        input.settings.charger_priority = ChargerPriority::SOLAR_AND_UTILITY;
        let flow = balanced(&input);
        assert_near(flow.battery, 1500.0);
        assert_near(flow.grid, 550.0 + 1500.0 / 0.93);
    }

    #[test]
    fn grid_tie_feeds_surplus_into_grid() {
        let mut input = input();
        input.settings.machine_type = MachineType::GRID_TIE;
        let surplus = 4000.0 * 0.98 - 550.0 / 0.93 - 3000.0;
        assert_near(balanced(&input).grid, -surplus * 0.93);
        input.grid = false;
        assert_near(balanced(&input).grid, 0.0);
    }
}
