//! Which rows of the table of entities are recorded.

use std::sync::LazyLock;

use crate::{
    Snapshot,
    entity::{BANK, Entity, Kind, PACK, UNIT},
    state::{Datum, PackView, UnitView},
};

/// What a series is about. Units, packs and banks have different rows, and so different tables.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Subject {
    /// A unit.
    Unit,
    /// A bank.
    Bank,
    /// A battery pack.
    Pack,
}

impl Subject {
    /// All subjects.
    pub(super) const ALL: [Self; 3] = [Self::Unit, Self::Bank, Self::Pack];

    /// Returns the word with which the names of its tables start.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Bank => "bank",
            Self::Pack => "pack",
        }
    }
}

/// A column of a table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Series {
    /// Key of the entity, which is the name of the column.
    pub(super) key: &'static str,
    /// Name for people.
    pub(super) name: &'static str,
    /// Unit of measurement; empty if it has none.
    pub(super) unit: &'static str,
    /// Digits after the decimal point: numbers in the file are multiples of `10^-decimals`.
    pub(super) decimals: u8,
}

impl Series {
    /// Returns whether it is a power, whose energy is integrated.
    pub(super) fn is_power(&self) -> bool {
        self.unit == "W"
    }
}

/// Rows of a unit that are recorded.
pub(super) static UNIT_ROWS: LazyLock<Vec<&'static Entity<UnitView>>> =
    LazyLock::new(|| UNIT.iter().filter(|row| is_recorded(row)).collect());

/// Rows of a battery pack that are recorded: those that Home Assistant shows without being asked, so that the file does
/// not grow by each cell.
pub(super) static PACK_ROWS: LazyLock<Vec<&'static Entity<PackView>>> =
    LazyLock::new(|| PACK.iter().filter(|row| is_recorded(row) && row.enabled).collect());

/// Rows of a bank that are recorded.
pub(super) static BANK_ROWS: LazyLock<Vec<&'static Entity<Snapshot>>> =
    LazyLock::new(|| BANK.iter().filter(|row| is_recorded(row)).collect());

static UNIT_SERIES: LazyLock<Vec<Series>> =
    LazyLock::new(|| UNIT_ROWS.iter().map(|row| series(row)).collect());

static PACK_SERIES: LazyLock<Vec<Series>> =
    LazyLock::new(|| PACK_ROWS.iter().map(|row| series(row)).collect());

static BANK_SERIES: LazyLock<Vec<Series>> =
    LazyLock::new(|| BANK_ROWS.iter().map(|row| series(row)).collect());

/// Returns the series of a subject, in the order of the table of entities.
pub(super) fn recorded(subject: Subject) -> &'static [Series] {
    match subject {
        Subject::Unit => &UNIT_SERIES,
        Subject::Bank => &BANK_SERIES,
        Subject::Pack => &PACK_SERIES,
    }
}

/// Returns the counters of a subject that start at zero each day.
pub(super) fn daily(subject: Subject) -> Vec<Series> {
    match subject {
        Subject::Unit => UNIT.iter().filter(|row| is_daily(row)).map(series).collect(),
        Subject::Bank => BANK.iter().filter(|row| is_daily(row)).map(series).collect(),
        Subject::Pack => Vec::new(),
    }
}

/// Measurements are recorded, except for those that describe the link or the clock.
fn is_recorded<T>(row: &Entity<T>) -> bool {
    row.kind == Kind::Measurement && !row.diagnostic
}

/// Returns whether a row is a counter of the day.
pub(super) fn is_daily<T>(row: &Entity<T>) -> bool {
    row.kind == Kind::Daily
}

fn series<T>(row: &Entity<T>) -> Series {
    Series { key: row.key, name: row.name, unit: row.unit, decimals: row.decimals }
}

/// Returns a value as a multiple of `10^-decimals`; `None` if it is not a quantity, or does not fit.
pub(super) fn steps(datum: &Datum, decimals: u8) -> Option<i64> {
    let Datum::Quantity { steps, decimals: own, .. } = *datum else { return None };
    let more = u32::from(decimals.saturating_sub(own));
    let fewer = u32::from(own.saturating_sub(decimals));
    steps.checked_mul(10_i64.checked_pow(more)?)?.checked_div(10_i64.checked_pow(fewer)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measurements_are_recorded_and_counters_of_the_link_are_not() {
        let keys: Vec<_> = recorded(Subject::Unit).iter().map(|series| series.key).collect();
        assert!(keys.contains(&"battery_voltage") && keys.contains(&"pv_power"), "{keys:?}");
        assert!(!keys.contains(&"link_latency") && !keys.contains(&"pv_energy"), "{keys:?}");
        let keys: Vec<_> = recorded(Subject::Bank).iter().map(|series| series.key).collect();
        assert!(keys.contains(&"state_of_charge"), "{keys:?}");
        assert_eq!(daily(Subject::Unit).len(), 1);
        assert_eq!(daily(Subject::Bank)[0].key, "pv_energy_today");
    }

    /// Files of users have these columns. If the digits, the unit or the meaning of a key change, old rows would be read
    /// wrongly: add a migration, or use another key.
    #[test]
    fn recorded_columns_are_frozen() {
        for (subject, expected) in [
            (
                Subject::Unit,
                "grid_voltage:1V grid_frequency:1Hz output_voltage:1V output_frequency:1Hz apparent_power:0VA \
                 active_power:0W load:0% battery_voltage:1V battery_voltage_scc1:1V battery_voltage_scc2:1V \
                 charge_current:0A discharge_current:0A state_of_charge:0% battery_power:0W battery_current:0A \
                 pv1_power:0W pv2_power:0W pv_power:0W pv1_voltage:1V pv2_voltage:1V heat_sink_temperature:0°C \
                 mppt1_temperature:0°C mppt2_temperature:0°C",
            ),
            (
                Subject::Bank,
                "pv_power:0W load_power:0W apparent_power:0VA battery_power:0W battery_current:0A battery_voltage:1V \
                 battery_voltage_spread:1V state_of_charge:0% settings_that_differ:0 alerts:0",
            ),
            (
                Subject::Pack,
                "voltage:2V current:2A power:0W state_of_charge:0% highest_cell_voltage:3V lowest_cell_voltage:3V \
                 cell_voltage_spread:0mV board_temperature:0°C temperature_1:0°C temperature_2:0°C",
            ),
        ] {
            let show = |one: &Series| format!("{}:{}{}", one.key, one.decimals, one.unit);
            let found: Vec<_> = recorded(subject).iter().map(show).collect();
            assert_eq!(found.join(" "), expected);
        }
    }

    #[test]
    fn keys_are_words_that_need_no_quotes_in_sql() {
        for series in Subject::ALL.into_iter().flat_map(recorded) {
            let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            assert!(series.key.chars().all(is_word), "{}", series.key);
        }
    }

    #[test]
    fn value_is_scaled_to_the_digits_of_its_column() {
        let volts = |steps, decimals| Datum::Quantity { steps, decimals, unit: "V" };
        assert_eq!(steps(&volts(541, 1), 1), Some(541));
        assert_eq!(steps(&volts(54, 0), 1), Some(540));
        assert_eq!(steps(&volts(5412, 2), 1), Some(541));
        assert_eq!(steps(&volts(i64::MAX, 0), 1), None);
        assert_eq!(steps(&Datum::Flag(true), 0), None);
    }
}
