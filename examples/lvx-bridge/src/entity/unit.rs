//! The rows of a unit.

use super::{
    Entity, compute,
    row::{computed, field},
};
use crate::state::UnitView;

/// Writes the row of a warning.
macro_rules! warning {
    // The field of `FWS`, and the warning in words.
    ($field:literal, $name:literal) => {
        field("FWS", $field, concat!("Warning: ", $name))
            .key(concat!("warning_", $field))
            .flag()
            .class("problem")
    };
}

/// Writes the row of a counter of the link, which starts at zero with the bridge.
macro_rules! link {
    // The field of `LinkCounts`, and the counter in words.
    ($field:ident, $name:literal) => {
        computed(concat!("link_", stringify!($field)), $name, |unit: &UnitView, _| {
            compute::count(unit.link.counts.$field)
        })
        .counted("")
        .live()
        .diagnostic()
    };
}

/// Everything that is published about a unit. A test compares it with the fields of the replies.
///
/// The replies of other units of the bank (`PGS`) are left out: a unit is asked for its own values. Grid energy is
/// left out: units do not measure it.
pub const UNIT: &[Entity<UnitView>] = &[
    // Grid and output.
    field("GS", "grid_voltage", "Grid voltage").measured("V", 1).enabled(),
    field("GS", "grid_frequency", "Grid frequency").measured("Hz", 1).enabled(),
    field("GS", "output_voltage", "Output voltage").measured("V", 1).enabled(),
    field("GS", "output_frequency", "Output frequency").measured("Hz", 1).enabled(),
    field("GS", "apparent_power", "Output apparent power").measured("VA", 0).enabled(),
    field("GS", "active_power", "Output power").measured("W", 0).enabled(),
    field("GS", "load", "Output load").measured("%", 0).enabled(),
    field("GS", "load_connection", "Load connection").named().enabled(),
    field("GS", "line_direction", "Line direction").named().enabled(),
    field("GS", "dc_ac_direction", "DC/AC direction").named(),
    // Battery.
    field("GS", "battery_voltage", "Battery voltage").measured("V", 1).enabled(),
    field("GS", "battery_voltage_scc1", "Battery voltage from SCC 1").measured("V", 1),
    field("GS", "battery_voltage_scc2", "Battery voltage from SCC 2").measured("V", 1),
    field("GS", "charge_current", "Battery charge current").measured("A", 0).enabled(),
    field("GS", "discharge_current", "Battery discharge current").measured("A", 0).enabled(),
    field("GS", "battery_capacity", "State of charge")
        .key("state_of_charge")
        .measured("%", 0)
        .class("battery")
        .enabled(),
    field("GS", "battery_direction", "Battery direction").named().enabled(),
    computed("battery_power", "Battery power", compute::battery_power).measured("W", 0).enabled(),
    computed("battery_current", "Battery current", compute::battery_current)
        .measured("A", 0)
        .enabled(),
    // Solar.
    field("GS", "pv1_power", "PV 1 power").measured("W", 0).enabled(),
    field("GS", "pv2_power", "PV 2 power").measured("W", 0).enabled(),
    computed("pv_power", "PV power", compute::pv_power).measured("W", 0),
    field("GS", "pv1_voltage", "PV 1 voltage").measured("V", 1).enabled(),
    field("GS", "pv2_voltage", "PV 2 voltage").measured("V", 1).enabled(),
    field("GS", "mppt1_status", "MPPT 1 status").named().enabled(),
    field("GS", "mppt2_status", "MPPT 2 status").named().enabled(),
    // Energy.
    computed("pv_energy", "PV energy", compute::pv_energy).counted("Wh").enabled(),
    computed("pv_energy_today", "PV energy today", compute::pv_energy_today)
        .counted_daily("Wh")
        .enabled(),
    computed("battery_charge_energy", "Battery charge energy (computed)", compute::charge_energy)
        .counted("Wh")
        .enabled(),
    computed(
        "battery_discharge_energy",
        "Battery discharge energy (computed)",
        compute::discharge_energy,
    )
    .counted("Wh")
    .enabled(),
    // State.
    field("MOD", "working_mode", "Mode").key("mode").named().enabled(),
    // Without a list of names, so that Home Assistant shows a code that has none.
    field("FWS", "fault", "Fault").named().class("").enabled(),
    field("FWS", "fault", "Fault code").key("fault_code").number("", 0).diagnostic(),
    field("GS", "heat_sink_temperature", "Heat sink temperature").measured("°C", 0).enabled(),
    field("GS", "mppt1_temperature", "MPPT 1 temperature").measured("°C", 0),
    field("GS", "mppt2_temperature", "MPPT 2 temperature").measured("°C", 0),
    warning!("line_fail", "line fail"),
    warning!("output_short", "output short circuit"),
    warning!("over_temperature", "over temperature"),
    warning!("fan_locked", "fan locked"),
    warning!("battery_high", "battery voltage high"),
    warning!("battery_low", "battery low"),
    warning!("battery_under", "battery under"),
    warning!("overload", "overload"),
    warning!("eeprom_fail", "EEPROM fail"),
    warning!("power_limit", "power limit"),
    warning!("pv1_voltage_high", "PV 1 voltage high"),
    warning!("pv2_voltage_high", "PV 2 voltage high"),
    warning!("mppt1_overload", "MPPT 1 overload"),
    warning!("mppt2_overload", "MPPT 2 overload"),
    warning!("battery_too_low_scc1", "battery too low for SCC 1"),
    warning!("battery_too_low_scc2", "battery too low for SCC 2"),
    warning!("battery_open", "battery open"),
    // Identity and ratings.
    computed("serial_number", "Serial number", compute::serial_number).fixed(),
    field("VFW", "main", "Main firmware").key("firmware_main").fixed(),
    field("VFW", "slave1", "Slave 1 firmware").key("firmware_slave1").fixed(),
    field("VFW", "slave2", "Slave 2 firmware").key("firmware_slave2").fixed(),
    field("GS", "parallel_instance", "Parallel instance").number("", 0).fixed(),
    rating("input_voltage", "rated_input_voltage", "Rated input voltage").number("V", 1),
    rating("input_current", "rated_input_current", "Rated input current").number("A", 1),
    rating("output_voltage", "rated_output_voltage", "Rated output voltage").number("V", 1),
    rating("output_frequency", "rated_output_frequency", "Rated output frequency").number("Hz", 1),
    rating("output_current", "rated_output_current", "Rated output current").number("A", 1),
    rating("output_apparent_power", "rated_apparent_power", "Rated apparent power").number("VA", 0),
    rating("output_active_power", "rated_power", "Rated power").number("W", 0),
    rating("battery_rated_voltage", "rated_battery_voltage", "Rated battery voltage")
        .number("V", 1),
    rating("parallel_max", "parallel_max", "Maximum parallel units").number("", 0),
    rating("mppt_strings", "mppt_strings", "MPPT strings").number("", 0),
    rating("topology", "topology", "Topology").named(),
    // Settings. Numbers have no statistics.
    setting("battery_type", "Battery type").named(),
    setting("bulk_voltage", "Bulk voltage").number("V", 1),
    setting("float_voltage", "Float voltage").number("V", 1),
    setting("cutoff_voltage", "Cut-off voltage").number("V", 1),
    setting("recharge_voltage", "Re-charge voltage").number("V", 1),
    setting("redischarge_voltage", "Re-discharge voltage").number("V", 1),
    setting("max_charge_current", "Maximum charge current").number("A", 0),
    setting("max_ac_charge_current", "Maximum AC charge current").number("A", 0),
    setting("output_priority", "Output source priority").named(),
    setting("charger_priority", "Charger source priority").named(),
    setting("solar_priority", "Solar power priority").named(),
    setting("input_range", "Input voltage range").named(),
    setting("machine_type", "Machine type").named(),
    setting("output_mode", "Output mode").named(),
    setting("regulation", "Grid regulation").named(),
    // It is not known whether 1 means a silent or a sounding buzzer.
    field("FLAG", "buzzer", "Buzzer").number("", 0).fixed(),
    switch("overload_bypass", "Overload bypass"),
    switch("display_escape", "Display returns to its first page"),
    switch("overload_restart", "Overload restart"),
    switch("over_temperature_restart", "Over-temperature restart"),
    switch("backlight", "Backlight"),
    switch("primary_source_alarm", "Alarm on loss of the primary source"),
    switch("fault_record", "Fault record"),
    switch("feed_to_grid", "Feed to grid"),
    switch("lithium_turn_on", "Lithium battery turn-on"),
    switch("lithium_auto_turn_on", "Automatic lithium battery turn-on"),
    computed("clock_offset", "Clock offset", compute::clock_offset).measured("s", 0).diagnostic(),
    // The link.
    computed("link_address", "Link address", compute::link_address).fixed(),
    computed("link_latency", "Link latency", compute::link_latency).measured("ms", 0).diagnostic(),
    link!(exchanges, "Link exchanges"),
    link!(timeouts, "Link timeouts"),
    link!(refusals, "Refused questions"),
    link!(unreadable, "Unreadable replies"),
    link!(connects, "Link connects"),
    link!(missed_deadlines, "Missed deadlines"),
];

const fn rating(name: &'static str, key: &'static str, label: &'static str) -> Entity<UnitView> {
    field("PIRI", name, label).key(key).fixed()
}

const fn setting(name: &'static str, label: &'static str) -> Entity<UnitView> {
    field("PIRI", name, label).fixed()
}

const fn switch(name: &'static str, label: &'static str) -> Entity<UnitView> {
    field("FLAG", name, label).flag().fixed()
}
