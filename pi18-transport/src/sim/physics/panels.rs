//! The two strings of panels of a unit: light, power and voltage of each.
//!
//! The power follows the light, and falls with the temperature of the cells. Without load, the voltage of a
//! string is its open-circuit voltage, which rises with the logarithm of the light and falls with the
//! temperature. At the power point it is lower. A charger that needs less power than a string can supply lets
//! the voltage rise between the two.
//!
//! The coefficients are assumed, for modules of crystalline silicon. The string is assumed too, and has about
//! 295 V at its power point in full sun.

use super::day;
use crate::sim::switches::groups::StateSwitches;

/// A string of panels of a unit in the present step.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PvString {
    /// Light on the panels as a share of full sun, 0 to 1.
    light: f64,
    /// Temperature of the cells, °C.
    cells: f64,
    /// Whether its charger is abnormal, and takes no power.
    pub(crate) abnormal: bool,
    /// Power that the charger can take, W.
    pub(crate) available: f64,
}

/// Returns the strings of a unit: `sun` is the share of full sun, 0 to 1, `ambient` the temperature of the
/// air, °C.
pub(crate) fn strings(
    unit: usize,
    switches: &StateSwitches,
    sun: f64,
    ambient: f64,
) -> [PvString; 2] {
    let [first, second] = day::PV_PEAK;
    [
        (first, switches.shade1, switches.mppt1_abnormal),
        (second, switches.shade2, switches.mppt2_abnormal),
    ]
    .map(|(peak, shade, abnormal)| {
        let light = sun * (1.0 - shade);
        let by_air = 1.0 - POWER_PER_KELVIN * (ambient - USUAL_AMBIENT);
        let power = peak * day::panel_factor(unit) * light * by_air;
        let available = if abnormal { 0.0 } else { power };
        PvString { light, cells: ambient + HEATING * light, abnormal, available }
    })
}

/// Returns the power that all strings can supply, W.
pub(crate) fn available(strings: &[PvString; 2]) -> f64 {
    strings.iter().map(|string| string.available).sum()
}

/// Divides the power that a unit takes from its panels, W, between its strings.
pub(crate) fn powers(strings: &[PvString; 2], taken: f64) -> [f64; 2] {
    let all = available(strings);
    strings.map(|string| if all > 0.0 { taken * string.available / all } else { 0.0 })
}

impl PvString {
    /// Returns the voltage, V, while the charger takes `power`, W; 0 in the dark.
    pub(crate) fn voltage(&self, power: f64) -> f64 {
        if self.light <= 0.0 {
            return 0.0;
        }
        let by_light = (1.0 + VOLTAGE_PER_LOG_LIGHT * self.light.ln()).max(0.0);
        let by_heat = 1.0 - VOLTAGE_PER_KELVIN * (self.cells - 25.0);
        let open = OPEN_VOLTAGE * by_light * by_heat;
        let taken = if self.available > 0.0 { power / self.available } else { 0.0 };
        // Above the power point, the power falls about as a parabola.
        let above = (1.0 - taken.clamp(0.0, 1.0)).sqrt();
        open * (POWER_POINT + (1.0 - POWER_POINT) * above)
    }
}

/// Open-circuit voltage of a string in full sun at 25 °C, V: nine modules of 44 V (assumed).
const OPEN_VOLTAGE: f64 = 396.0;

/// Voltage at the power point as a share of the open-circuit voltage.
const POWER_POINT: f64 = 0.82;

/// Change of the open-circuit voltage per unit of the natural logarithm of the light, as a share.
const VOLTAGE_PER_LOG_LIGHT: f64 = 0.048;

/// Fall of the open-circuit voltage per kelvin, as a share.
const VOLTAGE_PER_KELVIN: f64 = 0.0029;

/// Fall of the power per kelvin, as a share.
const POWER_PER_KELVIN: f64 = 0.0035;

/// Temperature of the cells above that of the air in full sun, K.
const HEATING: f64 = 30.0;

/// Temperature of the air at which the strings have their peak power in full sun, °C (assumed).
pub(crate) const USUAL_AMBIENT: f64 = 25.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the first string without shade.
    fn string(sun: f64, ambient: f64) -> PvString {
        strings(0, &StateSwitches::default(), sun, ambient)[0]
    }

    #[test]
    fn voltage_rises_with_cold_light_and_without_load() {
        let full = string(1.0, 25.0);
        let at_power_point = full.voltage(full.available);
        assert!((290.0..300.0).contains(&at_power_point), "{at_power_point} V");
        assert!((355.0..365.0).contains(&full.voltage(0.0)), "{} V", full.voltage(0.0));
        assert!(full.voltage(full.available / 2.0) > at_power_point);
        assert!(string(1.0, -20.0).voltage(0.0) > full.voltage(0.0) + 45.0);
        assert!(string(0.01, 25.0).voltage(0.0) < full.voltage(0.0) - 40.0);
    }

    #[test]
    fn cold_raises_power() {
        assert!(string(1.0, 0.0).available > string(1.0, 25.0).available * 1.08);
    }

    #[test]
    fn dark_string_has_no_voltage() {
        assert!(string(0.0, 25.0).voltage(0.0).abs() < f64::EPSILON);
    }
}
