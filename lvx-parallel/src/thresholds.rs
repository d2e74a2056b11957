//! How much difference is too much: one table.

use lvx_settings::ClockOffset;
use pi18_proto::{Amperes, Decihertz, Decivolts, Percent, Seconds, Watts};
use serde::{Deserialize, Serialize};

use crate::FormatError;

/// What is known of a threshold.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ThresholdInfo {
    /// How it is called in a file and on a command line.
    pub key: &'static str,
    /// What it bounds, and in which unit.
    pub summary: &'static str,
}

macro_rules! thresholds {
    ($( #[doc = $summary:literal] $(#[doc = $more:literal])* $key:ident: $ty:ty = $default:expr; )+) => {
        /// How much difference is too much. Each has a default; a YAML file or
        /// [`set`](Self::set) changes it.
        #[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Thresholds {
            $( #[doc = $summary] $(#[doc = $more])* pub $key: $ty, )+
        }

        impl Default for Thresholds {
            fn default() -> Self {
                Self { $( $key: $default, )+ }
            }
        }

        impl Thresholds {
            /// What is known of each.
            pub const LIST: &'static [ThresholdInfo] = &[
                $( ThresholdInfo { key: stringify!($key), summary: $summary.trim_ascii() } ),+
            ];

            /// Each with its value, as people read it.
            #[must_use]
            pub fn values(&self) -> Vec<(&'static str, String)> {
                vec![$( (stringify!($key), self.$key.to_string()) ),+]
            }

            /// Changes one: `battery_voltage_spread` to `0.3`.
            ///
            /// # Errors
            /// If there is no such threshold, or the value is none of its unit.
            pub fn set(&mut self, key: &str, value: &str) -> Result<(), FormatError> {
                match key {
                    $( stringify!($key) => {
                        // With its unit or without.
                        let digits = value.trim_end_matches(|c: char| !c.is_ascii_digit());
                        self.$key = serde_saphyr::from_str(digits).map_err(|_| {
                            let why = format!("expected a number such as {}, found {value:?}", self.$key);
                            FormatError::new(key, why)
                        })?;
                        Ok(())
                    } )+
                    _ => Err(unknown(key)),
                }
            }
        }
    };
}

thresholds! {
    /// battery voltages of the units lie at most so many volts apart
    ///
    /// Default 0.2 V. Source: a commissioned pair of LVX6048 showed 55.1 and 55.1 V and was judged by
    /// about 0.2 V.
    battery_voltage_spread: Decivolts = Decivolts(2);
    /// charge currents of units that charge lie at most so many amperes apart
    ///
    /// Default 5 A. Source: the same pair, 55 and 57 A, judged by about 5 A.
    charge_current_spread: Amperes = Amperes(5);
    /// discharge currents of units that discharge lie at most so many amperes apart
    ///
    /// Default 5 A, as for charging (assumed).
    discharge_current_spread: Amperes = Amperes(5);
    /// at most so many per cent of what the panels give are lost where the sun explains a difference of currents
    ///
    /// Default 10 % (assumed: an MPPT charger passes on 90 % at least).
    pv_losses: Percent = Percent(10);
    /// grid voltages of units on one phase lie at most so many volts apart
    ///
    /// Default 5 V (assumed: voltmeters of two units on one wire).
    grid_voltage_spread: Decivolts = Decivolts(50);
    /// output voltages of units on one phase lie at most so many volts apart
    ///
    /// Default 5 V (assumed, as for the grid).
    output_voltage_spread: Decivolts = Decivolts(50);
    /// grid frequencies, and output frequencies, lie at most so many hertz apart
    ///
    /// Default 0.5 Hz (assumed).
    frequency_spread: Decihertz = Decihertz(5);
    /// battery capacities that the units show lie at most so many per cent apart
    ///
    /// Default 10 % (assumed: each unit estimates its own).
    capacity_spread: Percent = Percent(10);
    /// the battery is told to be low at so many per cent
    ///
    /// Default 20 % (assumed).
    capacity_low: Percent = Percent(20);
    /// the battery is told to be nearly empty at so many per cent while it is discharged
    ///
    /// Default 10 % (assumed).
    capacity_empty: Percent = Percent(10);
    /// the bank charges with at most so many per cent of its capacity an hour: 50 is 0.5 C
    ///
    /// Default 50 %. Source: a 300 Ah LFP bank was charged with 110 A, 0.37 C, as a matter of course;
    /// 0.5 C is what makers of LFP packs commonly allow for good.
    charge_rate: Percent = Percent(50);
    /// clocks of the units lie at most so many seconds apart
    ///
    /// Default 60 s, what makes no difference between a unit's clock and this computer's.
    clock_spread: Seconds = whole_seconds(ClockOffset::TOLERANCE);
    /// clocks of the units differ at most this many seconds from that of the computer that read them
    ///
    /// Default 300 s (assumed).
    host_clock_spread: Seconds = Seconds(300);
    /// readings that are compared were taken at most so many seconds apart
    ///
    /// Default 5 s, ten exchanges at 2400 baud: as long as nine units on serial lines take to say what
    /// they know of each other.
    max_skew: Seconds = Seconds(5);
    /// what moves was read at most so many seconds before the last reading of the bank
    ///
    /// Default 60 s (assumed). What is older is not judged.
    max_age: Seconds = Seconds(60);
    /// what one unit says of another's battery voltage is at most so many volts from its own word
    ///
    /// Default 1 V (assumed).
    cross_battery_voltage: Decivolts = Decivolts(10);
    /// the same of grid and output voltages
    ///
    /// Default 10 V (assumed).
    cross_voltage: Decivolts = Decivolts(100);
    /// the same of active power, in watts, beside a fifth of the greater
    ///
    /// Default 300 W (assumed).
    cross_power: Watts = Watts(300);
    /// the same of charge currents of the bank, in amperes, beside a fifth of the greater
    ///
    /// Default 10 A (assumed).
    cross_current: Amperes = Amperes(10);
}

impl Thresholds {
    pub(crate) fn max_skew_time(&self) -> std::time::Duration {
        std::time::Duration::from_secs(self.max_skew.0.into())
    }

    /// Most bytes of a text that [`parse`](Self::parse) reads.
    pub const MAX_BYTES: usize = 1 << 16;

    /// Reads thresholds from YAML; what is not stated keeps its default.
    ///
    /// # Errors
    /// If it states something else; says line and column.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        if text.len() > Self::MAX_BYTES {
            let why = format!("expected at most {} bytes, found {}", Self::MAX_BYTES, text.len());
            return Err(FormatError::new("the text", why));
        }
        if text.lines().all(|line| line.trim().is_empty() || line.trim().starts_with('#')) {
            return Ok(Self::default());
        }
        serde_saphyr::from_str(text).map_err(|error| FormatError::yaml(&error))
    }
}

fn whole_seconds(time: std::time::Duration) -> Seconds {
    Seconds(time.as_secs().try_into().unwrap_or(u16::MAX))
}

fn unknown(key: &str) -> FormatError {
    let keys = Thresholds::LIST.iter().map(|info| info.key);
    FormatError::new(key.escape_debug().to_string(), known("a threshold", key, keys))
}

/// What was wanted where a name is not on a list.
pub(crate) fn known<'a>(
    what: &str,
    found: &str,
    names: impl Iterator<Item = &'a str> + Clone,
) -> String {
    let near = names.clone().min_by_key(|name| strsim::damerau_levenshtein(name, found));
    match near.filter(|near| strsim::damerau_levenshtein(near, found) <= near.len() / 3) {
        Some(near) => format!("expected the name of {what}, perhaps {near}"),
        None => {
            format!("expected the name of {what}: one of {}", names.collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_changes_what_it_states() {
        let read =
            Thresholds::parse("# ours\nbattery_voltage_spread: 0.4\nmax_skew: 10\n").unwrap();
        let wanted = Thresholds {
            battery_voltage_spread: Decivolts(4),
            max_skew: Seconds(10),
            ..Thresholds::default()
        };
        assert_eq!(read, wanted);
        assert_eq!(Thresholds::parse("# nothing\n"), Ok(Thresholds::default()));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let told = |text| Thresholds::parse(text).unwrap_err().to_string();
        let wrong = told("max_skew: 3\nbattery_voltage_spread: 0.25\n");
        let wanted =
            "line 2 column 1: expected a number of tenths of a volt up to 65535, found 0.25";
        assert_eq!(wrong, wanted);
        assert!(
            told("skew: 1")
                .starts_with("line 1 column 1: expected one of battery_voltage_spread, "),
            "{}",
            told("skew: 1")
        );
        let twice = told("max_skew: 3\nmax_skew: 3\n");
        assert_eq!(twice, "line 2 column 1: expected each key once, found max_skew again");
        let mut thresholds = Thresholds::default();
        let wrong = thresholds.set("max-skew", "3").unwrap_err().to_string();
        assert_eq!(wrong, "max-skew: expected the name of a threshold, perhaps max_skew");
        assert!(thresholds.set("max_skew", "soon").is_err());
        let wrong = thresholds.set("battery_voltage_spread", "0.44").unwrap_err().to_string();
        assert_eq!(
            wrong,
            "battery_voltage_spread: expected a number such as 0.2 V, found \"0.44\""
        );
        thresholds.set("battery_voltage_spread", "0.4 V").unwrap();
        assert_eq!(thresholds.battery_voltage_spread, Decivolts(4));
        assert!(thresholds.set("charge_rate", "80").is_ok());
        assert_eq!(thresholds.charge_rate, Percent(80));
    }

    #[test]
    fn written_and_read_they_are_the_same() {
        let mut thresholds = Thresholds::default();
        thresholds.set("cross_voltage", "12.5").unwrap();
        let text = serde_saphyr::to_string(&thresholds).unwrap();
        assert_eq!(Thresholds::parse(&text), Ok(thresholds));
    }
}
