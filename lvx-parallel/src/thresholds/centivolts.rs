//! Voltages in steps of 0.01 V as numbers in volts, as thresholds have them in a file.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::pack::Centivolts;

impl Serialize for Centivolts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.in_unit())
    }
}

impl<'de> Deserialize<'de> for Centivolts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let volts = f64::deserialize(deserializer)?;
        let steps = (volts * 100.0).round();
        let is_exact = (volts * 100.0 - steps).abs() < 1e-6;
        let steps = (is_exact && (0.0..=65535.0).contains(&steps)).then_some(steps);
        // The text of a whole number has no fraction, so that it is read without rounding.
        let steps = steps.and_then(|steps| format!("{steps:.0}").parse().ok());
        let wrong = || {
            let what = "expected a voltage from 0.00 to 655.35 V in steps of 0.01 V, found";
            de::Error::custom(format!("{what} {volts}"))
        };
        steps.map(Self).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Thresholds, pack::Centivolts};

    #[test]
    fn cell_voltages_are_read_in_volts() {
        let mut thresholds = Thresholds::parse("pack_cell_high: 3.60\n").unwrap();
        assert_eq!(thresholds.pack_cell_high, Centivolts(360));
        thresholds.set("pack_cell_spread", "0.15 V").unwrap();
        assert_eq!(thresholds.pack_cell_spread, Centivolts(15));
        let error = Thresholds::parse("pack_cell_high: 3.605\n").unwrap_err().to_string();
        assert!(error.contains("in steps of 0.01 V, found 3.605"), "{error}");
        assert!(Thresholds::parse("pack_cell_high: -1\n").is_err());
    }
}
