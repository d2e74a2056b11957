//! The temperature sensors of a pack.

use std::fmt;

use pi18_proto::Celsius;

/// The temperatures of up to six sensors.
///
/// ```
/// use lvx_parallel::pack::Sensors;
/// use pi18_proto::Celsius;
///
/// let sensors = Sensors([20, -56, 0, 0, 0, 0]);
/// assert_eq!(sensors.get(0), Some(Celsius(20)));
/// assert_eq!(sensors.get(1), None);
/// assert_eq!(sensors.to_string(), "20 - 0 0 0 0 °C");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Sensors(
    /// Temperature of each sensor in degrees Celsius, -128 to 127.
    pub [i8; Sensors::MAX],
);

impl Sensors {
    /// The number of sensors that the map has room for.
    pub const MAX: usize = 6;

    /// The temperature of a sensor that is missing.
    ///
    /// Source: assumed, from a pack with one sensor.
    pub const MISSING: i8 = -56;

    /// Returns the temperature of a sensor, counted from 0; `None` if it reports that it is
    /// [missing](Self::MISSING).
    ///
    /// Packs with fewer sensors may have 0 in the last places. A real 0 °C looks the same.
    #[must_use]
    pub fn get(&self, sensor: usize) -> Option<Celsius> {
        let degrees = self.0.get(sensor).filter(|degrees| **degrees != Self::MISSING);
        degrees.map(|degrees| Celsius((*degrees).into()))
    }
}

impl fmt::Display for Sensors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for degrees in self.0 {
            match degrees {
                Self::MISSING => f.write_str("- ")?,
                degrees => write!(f, "{degrees} ")?,
            }
        }
        f.write_str("°C")
    }
}
