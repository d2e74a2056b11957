//! The table of switches: one row per switch, from which the list and its documentation follow.

use pi18_proto::{
    BatteryType, ChargerPriority, Count, Deciamperes, FaultCode, MachineType, Model, OutputMode,
    OutputPriority, SerialNumber, SolarPriority, Version, WorkingMode,
};

use super::{
    SwitchInfo, Switches,
    values::{
        abnormal, add, amperes, between, bms, chance, charge_currents, clock, code, dialect, digit,
        drift, edition, grid, hosts, number, on_off, percent, pi30, put, rated, short_length,
        signed_time, three_volts, time, volts, warning,
    },
};
use crate::sim::{MAX_UNITS, unit::settings::Setting};

/// Declares the switches, in groups:
///
/// ```text
/// "title of the group" {
///     /// Effect of the switch, with its default: one line, shown to users.
///     SCOPE "name", "form of the value" => HOW(PLACE, READER);
/// }
/// ```
///
/// - `SCOPE`: `unit` if each unit has the switch, `bank` if all units share it.
/// - `HOW`: [`put`] stores the value, [`add`] appends it to a list.
/// - `PLACE`: the field of [`Switches`] that takes the value.
/// - `READER`: the function that reads the value from its text, and returns `None` for a wrong one.
macro_rules! switches {
    ($(
        $group:literal {
            $(
                #[doc = $summary:literal]
                $scope:ident $name:literal, $value:literal
                    => $how:ident($($place:ident).+, $read:expr);
            )+
        }
    )+) => {
        impl Switches {
            /// All switches, in this order:
            ///
            /// <table>
            /// <tr><th>Switch</th><th>Value</th><th>Effect</th></tr>
            $(
                #[doc = concat!("<tr><th colspan=\"3\">", $group, "</th></tr>")]
                $(
                    #[doc = concat!(
                        "<tr><td><code>", $name, "</code></td><td>", $value, "</td><td>", $summary,
                        "</td></tr>"
                    )]
                )+
            )+
            /// </table>
            pub const LIST: &'static [SwitchInfo] = &[$($( SwitchInfo {
                name: $name,
                value: $value,
                summary: $summary.trim_ascii(),
                bank_wide: switches!(@bank_wide $scope),
                take: |switches, text| $how(&mut switches.$($place).+, $read(text)),
            } ),+),+];
        }
    };
    (@bank_wide unit) => { false };
    (@bank_wide bank) => { true };
}

switches! {
    "Behaviour of the unit" {
        /// Refuse MCHGC while the unit charges (default on)
        unit "charging-lock", "on|off" => put(quirks.charging_lock, on_off);
        /// Refuse BUCD if the re-discharge voltage is 0 or above the float voltage (default on)
        unit "redischarge-limits", "on|off" => put(quirks.redischarge_limits, on_off);
        /// Time for which PIRI shows the old values after an accepted set command (default 0s)
        unit "lag", "a time such as 2s" => put(quirks.lag, time);
        /// Apply POP, but damage the checksum of its reply (default off)
        unit "pop-garbled", "on|off" => put(quirks.pop_garbled, on_off);
        /// Bulk, float and cut-off voltages that the battery type user restores (default: none)
        unit "stored-voltages", "three voltages such as 58.4,54.0,42.0" =>
            put(quirks.stored_voltages, three_volts);
        /// PF sets the serial number to 55355535553555 (default off)
        unit "pf-serial", "on|off" => put(quirks.pf_serial, on_off);
        /// Chance that a set command is refused without a visible reason (default 0)
        unit "refuse", "a chance from 0 to 1" => put(quirks.refuse, chance);
        /// Chance that a set command is accepted and changes nothing (default 0)
        unit "ignore", "a chance from 0 to 1" => put(quirks.ignore, chance);
        /// Set commands that the unit accepts: with a checksum, without one, or both (default crc)
        unit "dialect", "crc|no-crc|any" => put(quirks.dialect, dialect);
        /// Edition of the protocol that the unit follows (default 2022)
        unit "edition", "2017|2022" => put(quirks.edition, edition);
        /// Number of fields in the reply to FLAG (default 9)
        unit "flags", "9|10|11" =>
            put(quirks.flags, |text| number(text).filter(|n| (9_u8..=11).contains(n)));
        /// Highest current that MCHGCR lists, 10 to 120 in steps of ten (default 80)
        unit "charge-currents", "amperes such as 120" =>
            put(quirks.charge_currents, charge_currents);
        /// Rated input and output current in PIRI (default: rated power divided by output voltage)
        unit "rated-current", "amperes such as 25.0" =>
            put(quirks.rated_current, |text| volts(text).map(|steps| Deciamperes(steps.0)));
        /// Replies whose stated length is one too small: none, PIRI, or all (default off)
        unit "short-length", "off|piri|all" => put(quirks.short_length, short_length);
        /// Refuse a query with a wrong stated length (default off)
        unit "strict-length", "on|off" => put(quirks.strict_length, on_off);
        /// Answer to a PI30 query: (NAK, ^0, or the reply of a PI30 unit (default nak)
        unit "pi30", "nak|refuse|answer" => put(quirks.pi30, pi30);
        /// Answer requests with a wrong checksum too (default off)
        unit "ignore-checksum", "on|off" => put(quirks.ignore_checksum, on_off);
    }
    "State of the unit" {
        /// Fault, which stops the unit in mode 04, or all units with 71, 72 and 80 to 86; 00 ends it (default 00)
        unit "fault", "a fault code such as 83" => put(state.fault, |text| code(text).map(FaultCode));
        /// Mode that the unit keeps (default: follows from sun, grid and battery)
        unit "mode", "a mode such as 06" => put(state.mode, |text| code(text).map(WorkingMode));
        /// Warning that FWS shows; may be given more than once
        unit "warn", "a warning such as fan-locked" => add(state.warnings, warning);
        /// Firmware version of the main processor (default 06306)
        unit "main", "a version such as 06303" => put(state.main, Version::new);
        /// Firmware version of the slave processor (default 06126 for the first unit, 06021 for the others)
        unit "slave", "a version such as 06021" => put(state.slave, Version::new);
        /// Machine model in GMN (default 05)
        unit "model", "a code such as 05" => put(state.model, |text| code(text).map(Model));
        /// Serial number (default: 96132206100410 for the first unit, counted up for the others)
        unit "serial-number", "up to 20 characters" => put(state.serial, SerialNumber::new);
        /// Instance number of the unit in parallel operation (default: its position in the bank, from 0)
        unit "instance", "0 to 9" => put(state.instance, |text| digit(text).map(|n| Count(n.into())));
        /// Rated battery voltage (default 48)
        unit "rated", "12|24|48" => put(state.rated, rated);
        /// Error that the unit's voltmeter adds to the battery voltage (default 0)
        unit "battery-offset", "volts such as 0.5" =>
            put(state.battery_offset, |text| between(text, -10.0, 10.0));
        /// Battery connected; if off, the unit measures 0 V and 0 A at its battery terminals (default on)
        unit "battery", "on|off" => put(state.battery_off, |text| on_off(text).map(|on| !on));
        /// Resistance of the unit's battery cable (default 2)
        unit "cable", "milliohms such as 5" =>
            put(state.cable, |text| between(text, 0.0, 100.0).map(|milliohms| milliohms / 1000.0));
        /// Efficiency of the inverter in both directions, % (default 93)
        unit "efficiency", "50 to 100" =>
            put(state.efficiency, |text| between(text, 50.0, 100.0).map(|percent| percent / 100.0));
        /// Power that the running unit uses itself (default 50)
        unit "standby-use", "watts such as 60" =>
            put(state.standby_use, |text| between(text, 0.0, 500.0));
        /// Share of the load relative to the other units (default 1)
        unit "share", "a factor such as 1.2" => put(state.share, |text| between(text, 0.1, 10.0));
        /// Apparent power without active power that circulates between the unit and the others (default 0)
        unit "circulating", "volt-amperes such as 1500" =>
            put(state.circulating, |text| between(text, 0.0, 9_999.0));
        /// Error of the AC output voltage (default 0)
        unit "output-offset", "volts such as 12" =>
            put(state.output_offset, |text| between(text, -100.0, 100.0));
        /// Error of the unit's estimate of the state of charge, % (default 0)
        unit "soc-error", "points such as -8" =>
            put(state.soc_error, |text| between(text, -100.0, 100.0).map(|points| points / 100.0));
        /// Difference between the unit's clock and the bank's (default 0s)
        unit "clock-offset", "a time such as 100s or -2s" => put(state.clock_offset, signed_time);
        /// Time that the unit's clock gains, or loses, in a day, in seconds (default 0)
        unit "clock-drift", "-3600 to 3600" => put(state.clock_drift, drift);
        /// Power switch of the unit; if off, it answers in mode 01, without output and without charging (default on)
        unit "switch", "on|off" => put(state.power_off, |text| on_off(text).map(|on| !on));
        /// Fan; if off, the unit gets hotter, and warns when the fan should turn (default on)
        unit "fan", "on|off" => put(state.fan_off, |text| on_off(text).map(|on| !on));
    }
    "Panels of the unit" {
        /// Share of the light that is kept off the first string of panels, % (default 0)
        unit "shade1", "0 to 100" => put(state.shade1, percent);
        /// Share of the light that is kept off the second string of panels, % (default 0)
        unit "shade2", "0 to 100" => put(state.shade2, percent);
        /// Charger of the first string; an abnormal one takes no power (default normal)
        unit "mppt1", "normal|abnormal" => put(state.mppt1_abnormal, abnormal);
        /// Charger of the second string; an abnormal one takes no power (default normal)
        unit "mppt2", "normal|abnormal" => put(state.mppt2_abnormal, abnormal);
    }
    "Initial settings of the unit" {
        /// Bulk (C.V.) voltage
        unit "bulk", "volts such as 56.4" => add(settings, |text| volts(text).map(Setting::Bulk));
        /// Float voltage
        unit "float", "volts such as 54.0" => add(settings, |text| volts(text).map(Setting::Float));
        /// Cut-off voltage
        unit "cutoff", "volts such as 48.0" => add(settings, |text| volts(text).map(Setting::Cutoff));
        /// Re-charge (stop discharge) voltage
        unit "recharge", "volts such as 48.0" =>
            add(settings, |text| volts(text).map(Setting::Recharge));
        /// Re-discharge (stop charge) voltage
        unit "redischarge", "volts such as 54.0" =>
            add(settings, |text| volts(text).map(Setting::Redischarge));
        /// Maximum charge current
        unit "max-charge", "amperes such as 60" =>
            add(settings, |text| amperes(text).map(Setting::MaxChargeCurrent));
        /// Maximum AC charge current
        unit "max-ac-charge", "amperes such as 30" =>
            add(settings, |text| amperes(text).map(Setting::MaxAcChargeCurrent));
        /// Battery type, without a change of the voltages
        unit "battery-type", "a code such as 2" =>
            add(settings, |text| digit(text).map(|n| Setting::BatteryType(BatteryType(n))));
        /// Output source priority
        unit "output-priority", "a code such as 1" =>
            add(settings, |text| digit(text).map(|n| Setting::OutputPriority(OutputPriority(n))));
        /// Charger source priority
        unit "charger-priority", "a code such as 0" =>
            add(settings, |text| digit(text).map(|n| Setting::ChargerPriority(ChargerPriority(n))));
        /// Solar power priority
        unit "solar-priority", "a code such as 0" =>
            add(settings, |text| digit(text).map(|n| Setting::SolarPriority(SolarPriority(n))));
        /// Machine type
        unit "machine-type", "a code such as 0" =>
            add(settings, |text| digit(text).map(|n| Setting::MachineType(MachineType(n))));
        /// Output mode
        unit "output-mode", "a code such as 1" =>
            add(settings, |text| digit(text).map(|n| Setting::OutputMode(OutputMode(n))));
    }
    "Line to the unit" {
        /// Speed of the line: each byte takes ten bits (default: bytes take no time)
        unit "pace", "baud such as 2400" =>
            put(line.pace, |text| number(text).filter(|baud: &u32| *baud > 0));
        /// Replies arrive in reports of 8 bytes, padded with zeros (default off; always on for USB)
        unit "reports", "on|off" => put(line.reports, on_off);
        /// Time between a request and the reply (default 0s)
        unit "think", "a time such as 20ms" => put(line.think, time);
        /// Chance that a byte of a reply is lost (default 0)
        unit "lose", "a chance from 0 to 1" => put(line.lose, chance);
        /// Chance that a byte of a reply arrives twice (default 0)
        unit "double", "a chance from 0 to 1" => put(line.double, chance);
        /// Chance, for each byte of a reply, that bits in it and the next byte are flipped (default 0)
        unit "flip", "a chance from 0 to 1" => put(line.flip, chance);
        /// Chance that random bytes arrive before or after a reply (default 0)
        unit "junk", "a chance from 0 to 1" => put(line.junk, chance);
        /// Chance that a reply is delayed by late-by (default 0)
        unit "late", "a chance from 0 to 1" => put(line.late, chance);
        /// Delay of a late reply (default 3s)
        unit "late-by", "a time such as 3s" => put(line.late_by, time);
        /// Chance that a reply is followed by a copy of the previous reply (default 0)
        unit "stale", "a chance from 0 to 1" => put(line.stale, chance);
        /// Chance that a request gets no answer and has no effect (default 0)
        unit "silent", "a chance from 0 to 1" => put(line.silent, chance);
        /// Number of exchanges after which the link is disconnected (default: never)
        unit "disconnect", "a number of exchanges" => put(line.disconnect, number::<u64>);
        /// Hosts that the TCP bridge serves at the same time; with all, each host receives every reply (default one)
        unit "hosts", "one|all" => put(line.shared, hosts);
    }
    "The whole bank" {
        /// Number of units (default 2)
        bank "units", "1 to 9" =>
            put(bank.units, |text| number(text).filter(|n| (1..=MAX_UNITS).contains(n)));
        /// Stop everything that changes with time: clock, sun, house and battery (default off)
        bank "frozen", "on|off" => put(bank.frozen, on_off);
        /// Date and time at the bank's start (default 2026-06-21T12:30:00)
        bank "clock", "a time such as 2026-04-26T13:05:00" => put(bank.clock, clock);
        /// Seed of the random numbers for chances and gusts (default 0)
        bank "seed", "a number" => put(bank.seed, number::<u64>);
        /// Initial state of charge of the battery, % (default 80)
        bank "soc", "0 to 100" => put(bank.soc, percent);
        /// Capacity of the battery (default 300)
        bank "capacity", "Ah such as 300" => put(bank.capacity, |text| between(text, 1.0, 100_000.0));
        /// Battery management system: it protects the cells, or is open or closed (default auto)
        bank "bms", "auto|open|closed" => put(bank.bms, bms);
        /// Power that the house uses (default: by time of day)
        bank "load", "watts such as 1500" => put(bank.load, |text| between(text, 0.0, 99_999.0));
        /// Share of the sun that reaches the panels, % (default 100)
        bank "sun", "0 to 100" => put(bank.sun, percent);
        /// Source at the AC input: the grid, or a generator whose voltage and frequency drift (default on)
        bank "grid", "on|off|generator" => put(bank.grid, grid);
        /// Power factor of the house (default: rises with the load)
        bank "power-factor", "0.1 to 1" => put(bank.power_factor, |text| between(text, 0.1, 1.0));
        /// How many times faster sun, house, battery and clocks run than the line to the unit (default 1)
        bank "speed", "1 to 3600" =>
            put(bank.speed, |text| number(text).filter(|n: &u32| (1..=3600).contains(n)));
        /// Temperature of the air, °C (default 25)
        bank "ambient", "-40 to 60" => put(bank.ambient, |text| between(text, -40.0, 60.0));
        /// Largest random reduction of load and sun, drawn every ten seconds, % (default 0)
        bank "gusts", "0 to 100" => put(bank.gusts, percent);
    }
}
