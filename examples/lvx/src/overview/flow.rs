//! Where power goes.

use super::totals::Totals;

/// Least power that is shown as a flow, in watts.
pub(crate) const MIN_FLOW: f64 = 5.0;

/// Flows of power in watts, split by use: sun feeds the load first, then the battery; the battery, then the grid give
/// what the load still needs. Units do not measure the power of the grid, so what is from the grid is an estimate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Flow {
    /// From the sun to the load.
    pub(crate) sun_to_load: f64,
    /// From the sun to the battery.
    pub(crate) sun_to_battery: f64,
    /// From the battery to the load.
    pub(crate) battery_to_load: f64,
    /// From the grid to the load.
    pub(crate) grid_to_load: f64,
    /// From the grid to the battery.
    pub(crate) grid_to_battery: f64,
}

impl Flow {
    /// Splits the sums; `None` if one of them is missing.
    pub(crate) fn of(totals: &Totals) -> Option<Self> {
        let (solar, load, battery) = (totals.solar?, totals.load?, totals.battery?);
        let (charge, discharge) = (battery.max(0.0), (-battery).max(0.0));
        // Without grid, a difference is the use of the units themselves, and the coarse current.
        let has_grid = totals.line.as_deref() == Some("input");
        let from_grid = |power: f64| if has_grid { power.max(0.0) } else { 0.0 };
        let sun_to_load = solar.min(load);
        let sun_to_battery = (solar - sun_to_load).min(charge);
        let mut battery_to_load = (load - sun_to_load).min(discharge);
        let grid_to_load = from_grid(load - sun_to_load - battery_to_load);
        if !has_grid && discharge > 0.0 {
            battery_to_load = load - sun_to_load;
        }
        let grid_to_battery = from_grid(charge - sun_to_battery);
        Some(Self { sun_to_load, sun_to_battery, battery_to_load, grid_to_load, grid_to_battery })
    }

    /// Returns what feeds the load, the greatest part first: `sun`, `battery`, `grid`.
    pub(crate) fn sources(&self) -> Vec<&'static str> {
        let mut parts = [
            (self.sun_to_load, "sun"),
            (self.battery_to_load, "battery"),
            (self.grid_to_load, "grid"),
        ];
        parts.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        parts.into_iter().filter(|(power, _)| *power >= MIN_FLOW).map(|(_, name)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(solar: f64, load: f64, battery: f64, line: &str) -> Flow {
        let totals = Totals {
            solar: Some(solar),
            load: Some(load),
            battery: Some(battery),
            line: Some(line.to_owned()),
            ..Totals::default()
        };
        Flow::of(&totals).unwrap()
    }

    #[test]
    fn sun_feeds_the_load_before_the_battery() {
        let day = flow(7000.0, 1000.0, 5900.0, "idle");
        assert_eq!((day.sun_to_load, day.sun_to_battery), (1000.0, 5900.0));
        assert_eq!((day.battery_to_load, day.grid_to_load), (0.0, 0.0));
        assert_eq!(day.sources(), ["sun"]);
    }

    #[test]
    fn battery_and_then_grid_feed_the_rest() {
        let night = flow(0.0, 800.0, -850.0, "idle");
        assert_eq!((night.battery_to_load, night.grid_to_load), (800.0, 0.0));
        let grid = flow(200.0, 1000.0, 500.0, "input");
        assert_eq!(
            (grid.sun_to_load, grid.grid_to_load, grid.grid_to_battery),
            (200.0, 800.0, 500.0)
        );
        assert_eq!(grid.sources(), ["grid", "sun"]);
    }

    #[test]
    fn flow_of_a_missing_sum_is_unknown() {
        assert_eq!(Flow::of(&Totals { solar: Some(1.0), ..Totals::default() }), None);
    }
}
