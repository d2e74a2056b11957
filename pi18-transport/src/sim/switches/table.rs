//! The table of switches: one row has all that is known of a switch.

use pi18_proto::{
    BatteryType, ChargerPriority, Count, Deciamperes, FaultCode, MachineType, Model, OutputMode,
    OutputPriority, SerialNumber, SolarPriority, Version, WorkingMode,
};

use super::{
    SwitchInfo, Switches,
    values::{
        add, amperes, between, chance, charge_currents, clock, code, dialect, digit, edition,
        hosts, number, on_off, percent, pi30, put, rated, short_length, three_volts, time, volts,
        warning,
    },
};
use crate::sim::{MAX_UNITS, unit::settings::Setting};

/// Declares the switches: what it does, its name, what its value looks like, where that goes and
/// how it is read.
macro_rules! switches {
    ($(
        #[doc = $summary:literal]
        $scope:ident $name:literal, $value:literal => $how:ident($($place:ident).+, $read:expr);
    )+) => {
        impl Switches {
            /// What is known of each switch.
            pub const LIST: &'static [SwitchInfo] = &[$( SwitchInfo {
                name: $name,
                value: $value,
                summary: $summary.trim_ascii(),
                of_bank: switches!(@of_bank $scope),
                take: |switches, text| $how(&mut switches.$($place).+, $read(text)),
            } ),+];
        }
    };
    (@of_bank unit) => { false };
    (@of_bank bank) => { true };
}

switches! {
    // Quirks.
    /// MCHGC is refused while the unit charges (default on)
    unit "charging-lock", "on|off" => put(quirks.charging_lock, on_off);
    /// BUCD is refused if re-discharge is 0 or above float (default on)
    unit "redischarge-limits", "on|off" => put(quirks.redischarge_limits, on_off);
    /// PIRI shows old values so long after an accepted set command (default 0s)
    unit "lag", "a time such as 2s" => put(quirks.lag, time);
    /// POP is applied and its reply's checksum spoiled (default off)
    unit "pop-garbled", "on|off" => put(quirks.pop_garbled, on_off);
    /// Bulk, float and cut-off voltage that a change to battery type user brings back (default: none)
    unit "stored-voltages", "three voltages such as 58.4,54.0,42.0" =>
        put(quirks.stored_voltages, three_volts);
    /// PF makes the serial number 55355535553555 (default off)
    unit "pf-serial", "on|off" => put(quirks.pf_serial, on_off);
    /// How likely a set command is refused for no reason that shows
    unit "refuse", "a chance from 0 to 1" => put(quirks.refuse, chance);
    /// How likely a set command is accepted and changes nothing
    unit "ignore", "a chance from 0 to 1" => put(quirks.ignore, chance);
    /// Which set commands are taken: with a checksum, without one, or both (default crc)
    unit "dialect", "crc|no-crc|any" => put(quirks.dialect, dialect);
    /// Which sheet the unit follows (default 2022)
    unit "edition", "2017|2022" => put(quirks.edition, edition);
    /// How many fields FLAG has (default 9)
    unit "flags", "9|10|11" =>
        put(quirks.flags, |text| number(text).filter(|n| (9_u8..=11).contains(n)));

    /// The greatest current that MCHGCR lists, 10 to 120 in steps of ten (default 80)
    unit "charge-currents", "amperes such as 120" =>
        put(quirks.charge_currents, charge_currents);
    /// The rated input and output current of PIRI (default: by power and voltage)
    unit "rated-current", "amperes such as 25.0" =>
        put(quirks.rated_current, |text| volts(text).map(|steps| Deciamperes(steps.0)));
    /// Which replies state a length that is one short: none, PIRI, or all (default off)
    unit "short-length", "off|piri|all" => put(quirks.short_length, short_length);
    /// A query that states a wrong length is refused (default off)
    unit "strict-length", "on|off" => put(quirks.strict_length, on_off);
    /// How a PI30 query is answered: (NAK, ^0, or as a PI30 unit does (default nak)
    unit "pi30", "nak|refuse|answer" => put(quirks.pi30, pi30);
    /// Requests are taken whatever their checksum is (default off)
    unit "ignore-checksum", "on|off" => put(quirks.ignore_checksum, on_off);

    // State.
    /// The unit stands in mode 04 with this fault; 00 ends it
    unit "fault", "a fault code such as 83" => put(state.fault, |text| code(text).map(FaultCode));
    /// The unit stays in this mode
    unit "mode", "a mode such as 06" => put(state.mode, |text| code(text).map(WorkingMode));
    /// FWS raises this warning; can be given more than once
    unit "warn", "a warning such as fan-locked" => add(state.warnings, warning);
    /// The main processor's firmware
    unit "main", "a version such as 06303" => put(state.main, Version::new);
    /// The slave processor's firmware
    unit "slave", "a version such as 06021" => put(state.slave, Version::new);
    /// The machine model, GMN (default 05)
    unit "model", "a code such as 05" => put(state.model, |text| code(text).map(Model));
    /// The serial number
    unit "serial", "up to 20 characters" => put(state.serial, SerialNumber::new);
    /// The unit's number in its bank
    unit "instance", "0 to 9" => put(state.instance, |text| digit(text).map(|n| Count(n.into())));
    /// The battery voltage that the unit is made for (default 48)
    unit "rated", "12|24|48" => put(state.rated, rated);
    /// The unit's voltmeter reads so much more
    unit "battery-offset", "volts such as 0.5" =>
        put(state.battery_offset, |text| between(text, -10.0, 10.0));
    /// Whether the unit's battery cable is connected; if not, it measures nothing there (default on)
    unit "battery", "on|off" => put(state.battery_off, |text| on_off(text).map(|on| !on));

    // Settings.
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
        add(settings, |text| amperes(text).map(Setting::MaxCharge));
    /// Maximum AC charge current
    unit "max-ac-charge", "amperes such as 30" =>
        add(settings, |text| amperes(text).map(Setting::MaxAcCharge));
    /// Battery type; the voltages stay as they are
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

    // The line.
    /// Every byte takes its time on the line (default: none)
    unit "pace", "baud such as 2400" =>
        put(line.pace, |text| number(text).filter(|baud: &u32| *baud > 0));
    /// Replies come in reports of 8 bytes, the last one filled with zeros (default off; always on USB)
    unit "reports", "on|off" => put(line.reports, on_off);
    /// The time before a reply (default 0s)
    unit "think", "a time such as 20ms" => put(line.think, time);
    /// How likely a byte of a reply is lost
    unit "lose", "a chance from 0 to 1" => put(line.lose, chance);
    /// How likely a byte of a reply comes twice
    unit "double", "a chance from 0 to 1" => put(line.double, chance);
    /// How likely up to 16 bits from a byte of a reply on are flipped
    unit "flip", "a chance from 0 to 1" => put(line.flip, chance);
    /// How likely random bytes come before or after a reply
    unit "junk", "a chance from 0 to 1" => put(line.junk, chance);
    /// How likely a reply is held up on the line
    unit "late", "a chance from 0 to 1" => put(line.late, chance);
    /// How long a late reply is held up (default 3s)
    unit "late-by", "a time such as 3s" => put(line.late_by, time);
    /// How likely an earlier reply is left lying after a reply
    unit "stale", "a chance from 0 to 1" => put(line.stale, chance);
    /// How likely a request is swallowed
    unit "silent", "a chance from 0 to 1" => put(line.silent, chance);
    /// The link is gone after so many exchanges
    unit "disconnect", "a number of exchanges" => put(line.disconnect, number::<u64>);
    /// Hosts that the TCP bridge serves at a time: one, or all, each of which gets every reply (default one)
    unit "hosts", "one|all" => put(line.shared, hosts);

    // The bank.
    /// How many units the bank has (default 2)
    bank "units", "1 to 9" =>
        put(bank.units, |text| number(text).filter(|n| (1..=MAX_UNITS).contains(n)));
    /// Clock, sun, house and battery stand still (default off)
    bank "frozen", "on|off" => put(bank.frozen, on_off);
    /// The clock at the bank's start (default 2026-06-21T12:30:00)
    bank "clock", "a time such as 2026-04-26T13:05:00" => put(bank.clock, clock);
    /// Where the generator of line faults starts (default 0)
    bank "seed", "a number" => put(bank.seed, number::<u64>);
    /// The battery's state of charge from now on, % (default 80)
    bank "soc", "0 to 100" => put(bank.soc, percent);
    /// The battery's capacity (default 300)
    bank "capacity", "Ah such as 300" => put(bank.capacity, |text| between(text, 1.0, 100_000.0));
    /// What the house takes (default: by time of day)
    bank "load", "watts such as 1500" => put(bank.load, |text| between(text, 0.0, 99_999.0));
    /// How much of the sun comes through, % (default 100)
    bank "sun", "0 to 100" => put(bank.sun, percent);
    /// Whether there is a grid (default on)
    bank "grid", "on|off" => put(bank.grid, on_off);
    /// How much load and sun change from one ten seconds to the next, % (default 0)
    bank "gusts", "0 to 100" => put(bank.gusts, percent);
}
