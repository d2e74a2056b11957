//! The table of the limits that rules use.

mod centivolts;

use std::time::Duration;

use pi18_proto::{
    Amperes, Celsius, Count, Decihertz, Decivolts, Percent, Seconds, VoltAmperes, Watts,
};
use serde::{Deserialize, Serialize};

use crate::{FormatError, pack::Centivolts};

/// The name and description of a threshold.
///
/// ```
/// use lvx_parallel::Thresholds;
///
/// for threshold in Thresholds::LIST {
///     println!("{:25} {}", threshold.key, threshold.summary);
/// }
/// assert_eq!(Thresholds::LIST[0].key, "battery_voltage_spread");
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ThresholdInfo {
    /// Name of the threshold, as it is in a file.
    pub key: &'static str,
    /// Description of the limit, with its unit.
    pub summary: &'static str,
    /// The default, and its origin.
    pub origin: &'static str,
}

macro_rules! thresholds {
    ($(
        // Description of the limit, with its unit; also the summary.
        #[doc = $summary:literal]
        // The default, and its origin.
        $(#[doc = $more:literal])*
        // Name: quantity = default value.
        $key:ident: $ty:ty = $default:expr;
    )+) => {
        /// The limits that rules use. Each has a default, which a YAML file or [`set`](Self::set)
        /// changes.
        ///
        /// ```
        /// use lvx_parallel::Thresholds;
        /// use pi18_proto::Decivolts;
        ///
        /// let mut thresholds = Thresholds::parse("battery_voltage_spread: 0.4")?;
        /// assert_eq!(thresholds.battery_voltage_spread, Decivolts(4));
        /// thresholds.set("charge_rate", "80 %")?;
        /// assert_eq!(thresholds.charge_rate.to_string(), "80 %");
        /// # Ok::<(), lvx_parallel::FormatError>(())
        /// ```
        #[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        #[non_exhaustive]
        pub struct Thresholds {
            $( #[doc = $summary] $(#[doc = $more])* pub $key: $ty, )+
        }

        impl Default for Thresholds {
            fn default() -> Self {
                Self { $( $key: $default, )+ }
            }
        }

        impl Thresholds {
            /// Name and meaning of each threshold.
            pub const LIST: &'static [ThresholdInfo] = &[
                $( ThresholdInfo {
                    key: stringify!($key),
                    summary: $summary.trim_ascii(),
                    origin: concat!($($more),*).trim_ascii(),
                } ),+
            ];

            /// Returns the name of each threshold with its value as it is shown.
            ///
            /// ```
            /// use lvx_parallel::Thresholds;
            ///
            /// let values = Thresholds::default().values();
            /// assert!(values.contains(&("max_skew", "5 s".to_owned())));
            /// ```
            #[must_use]
            pub fn values(&self) -> Vec<(&'static str, String)> {
                vec![$( (stringify!($key), self.$key.to_string()) ),+]
            }

            /// Sets a threshold from text, with or without its unit: `battery_voltage_spread` to `0.3`.
            ///
            /// # Errors
            /// If there is no such threshold, or the value does not fit its quantity.
            pub fn set(&mut self, key: &str, value: &str) -> Result<(), FormatError> {
                match key {
                    $( stringify!($key) => {
                        let digits = value.trim_end_matches(|c: char| !c.is_ascii_digit());
                        self.$key = serde_saphyr::from_str(digits).map_err(|_| {
                            let example = self.$key;
                            let why = format!("expected a number such as {example}, found {value:?}");
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
    /// largest difference between the battery voltages of the units, in volts
    ///
    /// Default 0.2 V. Source: two commissioned LVX6048s on one battery showed 55.1 and 55.1 V and were
    /// judged with a limit of about 0.2 V.
    battery_voltage_spread: Decivolts = Decivolts(2);
    /// voltage that battery cables, lugs and breakers of a unit may lose for each 100 A, in volts: 0.5 is 5 mΩ
    ///
    /// Default 0.5 V, 5 mΩ (assumed: 4 m of copper of 50 mm² have 1.4 mΩ; lugs, fuse and breaker add to it).
    battery_cable_drop: Decivolts = Decivolts(5);
    /// voltage above bulk and float voltage from which the battery is reported, in volts for 48 V
    ///
    /// Default 0.5 V (assumed: a charger regulates within 0.2 V).
    above_bulk: Decivolts = Decivolts(5);
    /// voltage above bulk and float voltage from which the battery counts as overcharged, in volts for 48 V
    ///
    /// Default 1.0 V (assumed).
    far_above_bulk: Decivolts = Decivolts(10);
    /// voltage above bulk and float voltage from which a battery without current counts as disconnected by its BMS, in volts for 48 V
    ///
    /// Default 0.3 V (assumed).
    opened_above_bulk: Decivolts = Decivolts(3);
    /// battery capacity, in per cent, below which the battery cannot have such a voltage because it is full
    ///
    /// Default 95 % (assumed).
    opened_capacity: Percent = Percent(95);
    /// voltage below the cut-off voltage from which a discharging battery is reported, in volts for 48 V
    ///
    /// Default 0.5 V (assumed).
    below_cutoff: Decivolts = Decivolts(5);
    /// battery voltage below which cells are damaged, in volts for 48 V
    ///
    /// Default 40.0 V. Source: data sheets of LFP cells give 2.5 V as the discharge limit, 40 V for 16 cells.
    deep_discharge: Decivolts = Decivolts(400);
    /// least plausible battery voltage, in per cent of the rated battery voltage
    ///
    /// Default 80 % (assumed: 38.4 V for 48 V).
    battery_voltage_least: Percent = Percent(80);
    /// greatest plausible battery voltage, in per cent of the rated battery voltage
    ///
    /// Default 130 % (assumed: 62.4 V for 48 V; 24 lead-acid cells are equalised with up to 61 V).
    battery_voltage_greatest: Percent = Percent(130);
    /// largest difference between the charge currents of units that charge, in amperes
    ///
    /// Default 5 A. Source: the same two units, 55 and 57 A, judged with a limit of about 5 A.
    charge_current_spread: Amperes = Amperes(5);
    /// largest difference between the discharge currents of units that discharge, in amperes
    ///
    /// Default 5 A, as for charging (assumed).
    discharge_current_spread: Amperes = Amperes(5);
    /// share of the mean current by which units may differ if that is more, in per cent
    ///
    /// Default 10 % (assumed: tolerance of two current sensors and of current sharing).
    current_share: Percent = Percent(10);
    /// distance to bulk or float voltage within which charge currents are not compared, in volts for 48 V
    ///
    /// Default 0.3 V (assumed: the tolerance of the voltmeters of two chargers, each of which lowers its own
    /// current there).
    taper_margin: Decivolts = Decivolts(3);
    /// largest share of PV power that is lost in conversion, in per cent, for deciding whether PV power explains a difference between currents
    ///
    /// Default 10 % (assumed: an MPPT charger has an efficiency of at least 90 %).
    pv_losses: Percent = Percent(10);
    /// PV voltage, in volts, at or above which it is near the maximum of the units
    ///
    /// Default 430 V, 95 % of 450 V. Source: user manuals of 48 V models of this maker give a maximum of 450 V
    /// (5 kW) or 500 V (3.6 and 5.6 kW). A unit does not report its maximum: set 95 % of the maximum PV voltage in
    /// the data sheet of the model.
    pv_voltage_high: Decivolts = Decivolts(4300);
    /// maximum PV voltage of the units, in volts
    ///
    /// Default 500 V, the greater maximum of the manuals named at `pv_voltage_high`. Set the maximum PV voltage in
    /// the data sheet of the model; 95 % of it then counts as near the maximum.
    pv_voltage_max: Decivolts = Decivolts(5000);
    /// PV voltage, in volts, from which a PV charger must work
    ///
    /// Default 150 V. Source: the start-up voltage in the user manual of 3.6 and 5.6 kW models; assumed for others.
    pv_voltage_start: Decivolts = Decivolts(1500);
    /// largest PV power of a PV input that supplies nothing, in watts
    ///
    /// Default 20 W (assumed).
    pv_power_idle: Watts = Watts(20);
    /// smallest PV power of a unit or a string that produces substantially, in watts
    ///
    /// Default 500 W, a tenth of the panels of a unit (assumed). With less, the sun is low or covered.
    pv_power_producing: Watts = Watts(500);
    /// largest difference between the grid voltages of units on one phase, in volts
    ///
    /// Default 5 V (assumed: tolerance of two voltmeters on one wire).
    grid_voltage_spread: Decivolts = Decivolts(50);
    /// largest difference between the output voltages of units on one phase, in volts
    ///
    /// Default 5 V (assumed, as for the grid).
    output_voltage_spread: Decivolts = Decivolts(50);
    /// largest difference between the grid frequencies, and between the output frequencies, in hertz
    ///
    /// Default 0.5 Hz (assumed).
    frequency_spread: Decihertz = Decihertz(5);
    /// largest difference between an output voltage and its setting, in per cent of the setting
    ///
    /// Default 10 % (assumed: what appliances tolerate).
    output_voltage_deviation: Percent = Percent(10);
    /// largest difference between an output frequency and its setting, in per cent of the setting
    ///
    /// Default 10 % (assumed: a generator has 57 to 63 Hz).
    output_frequency_deviation: Percent = Percent(10);
    /// largest difference between the output voltages of the two legs of a split phase, in volts
    ///
    /// Default 10 V (assumed: with an intact neutral, the legs differ by less).
    leg_voltage_spread: Decivolts = Decivolts(100);
    /// largest difference between voltages or frequencies of a source that drifts, in per cent of the greatest value
    ///
    /// Default 20 % (assumed: a generator has 108 to 132 V and 57 to 63 Hz, and units are read at different
    /// moments). It replaces `grid_voltage_spread`, `output_voltage_spread` and `frequency_spread` if the
    /// frequency is more than 1 Hz from 50 and 60 Hz, or if the two readings of a unit differ.
    source_drift: Percent = Percent(20);
    /// largest difference between the battery capacities that the units show, in per cent
    ///
    /// Default 10 % (assumed: each unit makes its own estimate).
    capacity_spread: Percent = Percent(10);
    /// battery capacity, in per cent, at or below which the battery is reported as low
    ///
    /// Default 20 % (assumed).
    capacity_low: Percent = Percent(20);
    /// battery capacity, in per cent, at or below which a discharging battery is reported as nearly empty
    ///
    /// Default 10 % (assumed).
    capacity_empty: Percent = Percent(10);
    /// greatest voltage of a battery that is low, in volts for 48 V
    ///
    /// Default 52.0 V, 3.25 V for each of 16 LFP cells. Source: the usual table of LFP cells at rest, with about
    /// 3.2 V at 20 % and 3.25 V at 40 %.
    low_voltage: Decivolts = Decivolts(520);
    /// greatest voltage of a battery that is low and charges, in volts for 48 V
    ///
    /// Default 53.6 V (assumed: 0.1 V a cell more than at rest, at 0.5 C).
    low_voltage_charging: Decivolts = Decivolts(536);
    /// largest load of a unit, in per cent of its rated power
    ///
    /// Default 100 %: the rated power.
    load_high: Percent = Percent(100);
    /// largest output power of a unit that supplies nothing, in watts
    ///
    /// Default 50 W (assumed).
    idle_power: Watts = Watts(50);
    /// smallest output power of a unit that carries much of the load, in watts, for deciding whether another one idles
    ///
    /// Default 750 W, an eighth of 6 kW (assumed: units share the load accurately above a tenth of their rated
    /// power).
    busy_power: Watts = Watts(750);
    /// smallest battery current of a unit that carries much of it, in amperes, for deciding whether another one idles
    ///
    /// Default 15 A (assumed, as for `busy_power`).
    busy_current: Amperes = Amperes(15);
    /// load of a unit, in per cent of its rated power, above which an overload is an error
    ///
    /// Default 150 %. Source: makers' manuals, from memory: a unit stops within 5 s (assumed).
    load_severe: Percent = Percent(150);
    /// load of a unit, in per cent of its rated power, up to which its phase has room for other loads
    ///
    /// Default 50 % (assumed).
    load_low: Percent = Percent(50);
    /// apparent power of a unit, in volt-amperes, above which it may be that of a current between units
    ///
    /// Default 1000 VA (assumed: more than the reactive power of a house on each unit).
    circulating_power: VoltAmperes = VoltAmperes(1000);
    /// power factor of a unit, in per cent, below which its apparent power may be that of a current between units
    ///
    /// Default 50 % (assumed: the power factor of a house is above 80 %).
    power_factor_low: Percent = Percent(50);
    /// temperature of a heat sink, in degrees Celsius, from which it is reported as hot
    ///
    /// Default 85 °C (assumed).
    heat_sink_hot: Celsius = Celsius(85);
    /// temperature of a heat sink, in degrees Celsius, from which it is reported as too hot
    ///
    /// Default 95 °C (assumed: units stop with fault 02 at about 100 °C).
    heat_sink_too_hot: Celsius = Celsius(95);
    /// difference between the heat sinks of units with similar work, in degrees Celsius, from which it is reported
    ///
    /// Default 20 °C (assumed).
    heat_sink_spread: Celsius = Celsius(20);
    /// largest charge current of the bank, in per cent of the battery capacity per hour: 50 is 0.5 C
    ///
    /// Default 50 %. Source: a 300 Ah LFP bank was routinely charged with 110 A, 0.37 C; makers of LFP
    /// packs commonly allow 0.5 C continuously.
    charge_rate: Percent = Percent(50);
    /// largest difference between the voltage of a battery pack and the sum of its cells, in volts
    ///
    /// Default 0.2 V (assumed: captures of healthy packs differ by at most 0.01 V).
    pack_cell_sum: Decivolts = Decivolts(2);
    /// state of charge of a battery pack, in per cent, from which it counts as full
    ///
    /// Default 98 %. Source: captures of full, healthy packs.
    pack_full: Percent = Percent(98);
    /// voltage of a cell, in volts, above which it is reported
    ///
    /// Default 3.65 V. Source: data sheets of LFP cells give it as the charge limit.
    pack_cell_high: Centivolts = Centivolts(365);
    /// voltage of a cell, in volts, from which the pack protects itself
    ///
    /// Default 3.80 V. Source: EG4 LifePower4 v2 manual.
    pack_cell_too_high: Centivolts = Centivolts(380);
    /// voltage of a cell, in volts, below which it is reported
    ///
    /// Default 2.90 V (assumed: less than 5 % of the charge is left).
    pack_cell_low: Centivolts = Centivolts(290);
    /// voltage of a cell, in volts, at which the pack protects itself
    ///
    /// Default 2.30 V. Source: EG4-LL-S manual, for packs with the same cells.
    pack_cell_too_low: Centivolts = Centivolts(230);
    /// largest difference between the cells of a pack that all are between `pack_flat_low` and `pack_flat_high`, in volts
    ///
    /// Default 0.05 V (assumed: there, LFP cells with the same charge differ by a few millivolts).
    pack_cell_spread_flat: Centivolts = Centivolts(5);
    /// lowest voltage of a cell, in volts, where its voltage hardly depends on its charge
    ///
    /// Default 3.10 V (assumed, from the usual table of LFP cells).
    pack_flat_low: Centivolts = Centivolts(310);
    /// highest voltage of a cell, in volts, where its voltage hardly depends on its charge
    ///
    /// Default 3.40 V (assumed, from the usual table of LFP cells).
    pack_flat_high: Centivolts = Centivolts(340);
    /// largest difference between the cells of a pack, in volts
    ///
    /// Default 0.12 V (assumed: nearly full and nearly empty cells differ more than others).
    pack_cell_spread: Centivolts = Centivolts(12);
    /// difference between the cells of a pack, in volts, above which it is an error
    ///
    /// Default 0.20 V (assumed).
    pack_cell_spread_severe: Centivolts = Centivolts(20);
    /// largest difference between the states of charge of packs with the same voltage, in per cent
    ///
    /// Default 10 %. Source: packs that were not charged to the end for weeks showed 50 to 76 % at the same voltage.
    pack_charge_spread: Percent = Percent(10);
    /// difference between the voltages of packs, in volts, up to which they count as the same
    ///
    /// Default 0.1 V (assumed: the tolerance of two voltmeters).
    pack_same_voltage: Decivolts = Decivolts(1);
    /// mean current of the packs, in amperes, from which their currents are compared
    ///
    /// Default 10 A (assumed: smaller currents are not shared evenly).
    pack_busy_current: Amperes = Amperes(10);
    /// deviation of the current of a pack from its share, in per cent of the share, plus 5 A
    ///
    /// Default 50 % (assumed: cables and contacts of different resistance).
    pack_share: Percent = Percent(50);
    /// largest difference between the sum of the packs' currents and that of the units, in amperes, plus `pack_current_share`
    ///
    /// Default 10 A (assumed: each unit reports whole amperes, and at another moment).
    pack_current: Amperes = Amperes(10);
    /// largest difference between the sum of the packs' currents and that of the units, in per cent of the greater sum
    ///
    /// Default 20 % (assumed).
    pack_current_share: Percent = Percent(20);
    /// largest difference between the voltages of packs and units without a current, in volts
    ///
    /// Default 0.3 V (assumed: the tolerance of two voltmeters). `battery_cable_drop` adds the drop of the cables.
    pack_voltage_drop: Decivolts = Decivolts(3);
    /// tolerance of the recommended voltages of packs, in volts
    ///
    /// Default 0.2 V. Source: EG4 LifePower4 v2 manual.
    pack_voltage_tolerance: Decivolts = Decivolts(2);
    /// largest difference between the clocks of the units, in seconds
    ///
    /// Default 300 s (assumed: a clock that gains or loses a second a day is off by five minutes within a year).
    clock_spread: Seconds = Seconds(300);
    /// largest difference between the clock of a unit and that of the computer that read it, in seconds
    ///
    /// Default 300 s (assumed).
    host_clock_spread: Seconds = Seconds(300);
    /// difference between clocks, or from the computer, from which a clock counts as lost, in days
    ///
    /// Default 1 day (assumed).
    clock_days: Count = Count(1);
    /// largest time between readings that are compared, in seconds
    ///
    /// Default 5 s, ten exchanges at 2400 baud: the time that nine units on serial lines take to report
    /// about each other.
    max_skew: Seconds = Seconds(5);
    /// largest age of a changing value, relative to the latest reading of the bank, in seconds
    ///
    /// Default 60 s (assumed). Older values are not judged.
    max_age: Seconds = Seconds(60);
    /// largest difference between a unit's battery voltage and what another unit reports about it, in volts
    ///
    /// Default 1 V (assumed).
    cross_battery_voltage: Decivolts = Decivolts(10);
    /// largest difference between a unit's grid or output voltage and what another unit reports about it, in volts
    ///
    /// Default 10 V (assumed).
    cross_voltage: Decivolts = Decivolts(100);
    /// largest difference between output powers that should be equal, of a unit or of the bank, in watts, plus a fifth of the greater one
    ///
    /// Default 300 W (assumed).
    cross_power: Watts = Watts(300);
    /// largest difference between the total charge current that units report and the sum, in amperes, plus a fifth of the greater one
    ///
    /// Default 10 A (assumed).
    cross_current: Amperes = Amperes(10);
}

impl Thresholds {
    /// The largest text that [`parse`](Self::parse) reads, in bytes.
    pub const MAX_BYTES: usize = 1 << 16;

    /// Reads thresholds from YAML. Thresholds that are not in the text keep their defaults.
    ///
    /// # Errors
    /// If the text contains anything else. The error has the line and the column.
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

    pub(crate) fn max_skew_time(&self) -> Duration {
        Duration::from_secs(self.max_skew.0.into())
    }
}

fn unknown(key: &str) -> FormatError {
    let keys: Vec<_> = Thresholds::LIST.iter().map(|info| info.key).collect();
    FormatError::unknown_name("a threshold", key, &keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_keeps_defaults_of_keys_not_named() {
        let read =
            Thresholds::parse("# ours\nbattery_voltage_spread: 0.4\nmax_skew: 10\n").unwrap();
        let expected = Thresholds {
            battery_voltage_spread: Decivolts(4),
            max_skew: Seconds(10),
            ..Thresholds::default()
        };
        assert_eq!(read, expected);
        assert_eq!(Thresholds::parse("# nothing\n"), Ok(Thresholds::default()));
    }

    #[test]
    fn errors_name_place_and_expectation() {
        let error = |text| Thresholds::parse(text).unwrap_err().to_string();
        let wrong = error("max_skew: 3\nbattery_voltage_spread: 0.25\n");
        let expected = "line 2 column 1: expected a voltage from 0.0 to 6553.5 V in steps of 0.1 V, found 0.25";
        assert_eq!(wrong, expected);
        assert!(
            error("skew: 1")
                .starts_with("line 1 column 1: expected one of battery_voltage_spread, "),
            "{}",
            error("skew: 1")
        );
        let twice = error("max_skew: 3\nmax_skew: 3\n");
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
    fn written_thresholds_read_back_equal() {
        let mut thresholds = Thresholds::default();
        thresholds.set("cross_voltage", "12.5").unwrap();
        let text = serde_saphyr::to_string(&thresholds).unwrap();
        assert_eq!(Thresholds::parse(&text), Ok(thresholds));
    }
}
