//! Set commands: when a unit accepts them, and their effects.

use std::time::Duration;

use pi18_proto::{ACCEPTED, Amperes, Decivolts, Dialect, Frame, REFUSED, SetCommand};
use pi18_transport::sim::SetCounts;

use crate::{ask, ask_at, bank, exchange, hours, rated, request};

/// Sends set commands to a unit that has these switches and does not charge, and returns its answers.
#[track_caller]
fn answers<const N: usize>(switches: &str, commands: [&str; N]) -> [String; N] {
    let mut bank = bank(&[&format!("frozen=on&sun=0&{switches}")]);
    commands.map(|text| ask(&mut bank, 0, text))
}

#[test]
fn every_set_command_is_accepted_or_refused() {
    let switches = "clock=2026-06-21T02:00:00&flags=11";
    let mut refused = Vec::new();
    for info in SetCommand::LIST {
        let mut bank = bank(&[switches]);
        match ask(&mut bank, 0, info.example).as_str() {
            "^1" => assert_eq!(bank.set_counts(0), SetCounts { received: 1, accepted: 1 }),
            "^0" => {
                refused.push(info.example);
                assert_eq!(bank.set_counts(0), SetCounts { received: 1, accepted: 0 });
            }
            other => panic!("{}: {other:?}", info.example),
        }
        assert_eq!(bank.set_counts(1), SetCounts::default());
    }
    // A low-voltage model does not supply 230 V.
    assert_eq!(refused, ["V2300"]);
}

#[test]
fn accepted_setting_is_shown_in_piri() {
    let mut bank = bank(&["sun=0&grid=off"]);
    for (command, at, shown) in [
        ("MCHGC0,080", 15, "080"),
        ("MUCHGC0,002", 14, "002"),
        ("BUCD460,530", 8, "460"),
        ("BUCD460,520", 9, "520"),
        ("PSDV450", 10, "450"),
        ("MCHGV580,550", 11, "580"),
        ("MCHGV580,545", 12, "545"),
        ("POP0", 17, "0"),
        ("PCP0,2", 18, "2"),
        ("PSP1", 23, "1"),
        ("PGR1", 16, "1"),
        ("PEI", 20, "1"),
        ("PDI", 20, "0"),
        ("POPM0,0", 22, "0"),
        ("F50", 3, "500"),
        ("V1100", 2, "1100"),
        ("RS00", 25, "00"),
        ("PBT3", 13, "3"),
    ] {
        assert_eq!(ask(&mut bank, 0, command), "^1", "{command}");
        let piri = ask(&mut bank, 0, "PIRI");
        assert_eq!(piri.split(',').nth(at), Some(shown), "{command}");
    }
}

#[test]
fn accepted_setting_outside_piri_is_shown_in_its_reply() {
    let mut bank = bank(&["flags=11"]);
    for (command, query, shown) in [
        ("PDA", "FLAG", "0,0,1,0,0,1,1,0,0,0,0"),
        ("PEB", "FLAG", "0,1,1,0,0,1,1,0,0,0,0"),
        ("PEI", "FLAG", "0,1,1,0,0,1,1,0,1,0,0"),
        ("PEK", "FLAG", "0,1,1,0,0,1,1,0,1,0,1"),
        ("ACCT0100,0530", "ACCT", "0100,0530"),
        ("ACLT2200,0600", "ACLT", "2200,0600"),
        ("MODBUS017,2,0,1", "MODBUS", "017,2,0,1"),
        ("LEDE0", "LED", "0,1,2,2,0,000100255,255000000,000255000,1"),
        ("LEDC2001002003", "LED", "0,1,2,2,0,000100255,001002003,000255000,1"),
        ("PSDS020", "BSC", "020,030,080,020"),
        ("PSDS2030", "BSC", "020,030,080,030"),
        ("PBCS040", "BSC", "020,040,080,030"),
        ("PBDS090", "BSC", "020,040,090,030"),
        ("DAT260426130500", "T", "20260426130500"),
        ("ID0812345678000000000000", "ID", "0812345678000000000000"),
        ("CLE", "ET", "00000000"),
    ] {
        assert_eq!(ask(&mut bank, 0, command), "^1", "{command}");
        assert_eq!(ask(&mut bank, 0, query), shown, "{command}");
    }
    assert_eq!(ask_at(&mut bank, 0, "T", hours(1)), "20260426140500");
    assert_eq!(ask_at(&mut bank, 1, "T", hours(1)), "20260621133000");
}

#[test]
fn accepted_voltages_depend_on_rated_voltage() {
    let commands =
        ["MCHGV564,540", "MCHGV282,270", "PSDV440", "PSDV220", "BUCD450,530", "BUCD225,265"];
    assert_eq!(answers("rated=48", commands), ["^1", "^0", "^1", "^0", "^1", "^0"]);
    assert_eq!(answers("rated=24", commands), ["^0", "^1", "^0", "^1", "^0", "^1"]);
    assert_eq!(answers("rated=12", commands), ["^0"; 6]);
    assert_eq!(answers("rated=12", ["BUCD115,133"]), ["^1"]);
}

#[test]
fn only_currents_in_the_lists_are_accepted() {
    let commands =
        ["MCHGC0,080", "MCHGC0,090", "MCHGC0,055", "MCHGC0,002", "MUCHGC0,002", "MUCHGC0,005"];
    assert_eq!(answers("", commands), ["^1", "^0", "^0", "^0", "^1", "^0"]);
}

#[test]
fn charge_voltages_need_battery_type_user() {
    let commands = ["MCHGV564,540", "PSDV440", "BUCD480,530"];
    assert_eq!(answers("battery-type=2", commands), ["^1", "^1", "^1"]);
    for battery_type in [0, 1, 3] {
        let switches = format!("battery-type={battery_type}");
        assert_eq!(answers(&switches, commands), ["^0", "^0", "^1"]);
    }
}

#[test]
fn battery_type_command_sets_voltages_of_the_type() {
    let mut bank = bank(&["bulk=55.0&float=53.5&cutoff=47.0"]);
    let voltages = |bank: &_| {
        let rated = rated(bank, 0);
        (rated.bulk_voltage, rated.float_voltage, rated.cutoff_voltage)
    };
    assert_eq!(voltages(&bank), (Decivolts(550), Decivolts(535), Decivolts(470)));
    ask(&mut bank, 0, "PBT1");
    assert_eq!(voltages(&bank), (Decivolts(584), Decivolts(540), Decivolts(408)));
    ask(&mut bank, 0, "PBT0");
    assert_eq!(voltages(&bank), (Decivolts(564), Decivolts(540), Decivolts(408)));
    assert_eq!(["PBT6", "PBT8", "PBT9"].map(|text| ask(&mut bank, 0, text)), ["^0"; 3]);
}

#[test]
fn battery_type_user_restores_stored_voltages() {
    let mut bank = bank(&["frozen=on&battery-type=0&stored-voltages=58.4,54.0,42.0"]);
    assert_eq!(ask(&mut bank, 0, "PBT2"), "^1");
    let shown = rated(&bank, 0);
    assert_eq!(
        [shown.bulk_voltage, shown.float_voltage, shown.cutoff_voltage],
        [Decivolts(584), Decivolts(540), Decivolts(420)]
    );
    // A unit that already has type user keeps its voltages.
    assert_eq!(ask(&mut bank, 0, "PSDV450"), "^1");
    assert_eq!(ask(&mut bank, 0, "PBT2"), "^1");
    assert_eq!(rated(&bank, 0).cutoff_voltage, Decivolts(450));
}

#[test]
fn charging_unit_refuses_max_charge_current() {
    for (switches, answer) in [("", "^0"), ("charging-lock=off", "^1"), ("sun=0", "^1")] {
        let mut bank = bank(&[switches]);
        assert_eq!(ask(&mut bank, 0, "MCHGC0,050"), answer, "{switches}");
        let shown = if answer == "^1" { 50 } else { 60 };
        assert_eq!(rated(&bank, 0).max_charge_current, Amperes(shown));
    }
}

#[test]
fn redischarge_outside_limits_is_refused_unless_switched_off() {
    let commands = ["BUCD480,000", "BUCD480,550", "BUCD480,540"];
    assert_eq!(answers("", commands), ["^0", "^0", "^1"]);
    assert_eq!(answers("redischarge-limits=off", commands), ["^1", "^1", "^1"]);
}

#[test]
fn equal_cutoff_and_recharge_are_accepted() {
    assert_eq!(answers("", ["PSDV480", "BUCD480,540", "MCHGV540,564"]), ["^1", "^1", "^1"]);
}

#[test]
fn commands_with_unit_number_change_that_unit() {
    let mut bank = bank(&["sun=0"]);
    for command in ["MUCHGC1,020", "MCHGC1,020", "PCP1,2", "POPM1,0"] {
        assert_eq!(ask(&mut bank, 0, command), "^1", "{command}");
    }
    assert_eq!(ask(&mut bank, 0, "PRI1"), "1,14,96132206100411000000,2,020,020,0");
    assert_eq!(ask(&mut bank, 0, "PRI0"), "1,14,96132206100410000000,0,060,030,1");
    for command in ["MUCHGC2,020", "MCHGC2,020", "PCP2,2", "POPM2,0"] {
        assert_eq!(ask(&mut bank, 0, command), "^0", "{command}");
    }
    assert_eq!(bank.set_counts(0), SetCounts { received: 8, accepted: 4 });
    assert_eq!(bank.set_counts(1), SetCounts::default());
}

#[test]
fn piri_shows_old_values_during_the_lag() {
    let mut bank = bank(&["lag=2s"]);
    let bulk = |bank: &mut _, millis| {
        let piri = ask_at(bank, 0, "PIRI", Duration::from_millis(millis));
        piri.split(',').nth(11).unwrap().to_owned()
    };
    assert_eq!(ask_at(&mut bank, 0, "MCHGV560,540", Duration::ZERO), "^1");
    assert_eq!(bulk(&mut bank, 500), "564");
    assert_eq!(ask_at(&mut bank, 0, "MCHGV550,540", Duration::from_secs(1)), "^1");
    assert_eq!(bulk(&mut bank, 1_999), "564");
    assert_eq!(bulk(&mut bank, 2_000), "560");
    assert_eq!(bulk(&mut bank, 2_999), "560");
    assert_eq!(bulk(&mut bank, 3_000), "550");
}

#[test]
fn pop_with_garbled_reply_takes_effect() {
    let mut bank = bank(&["pop-garbled=on"]);
    let frame = request("POP0").to_frame(Dialect::Checksum);
    let reply = exchange(&mut bank, 0, &frame, Duration::ZERO);
    assert!(Frame::parse(&reply).is_err(), "{}", reply.escape_ascii());
    assert_eq!(rated(&bank, 0).output_priority.0, 0);
    assert_eq!(ask(&mut bank, 0, "PSP1"), "^1");
    assert_eq!(ask(&mut bank, 1, "POP0"), "^1");
}

#[test]
fn pf_restores_factory_defaults() {
    let mut bank = bank(&["bulk=55.0", "pf-serial=on"]);
    for (unit, serial) in [(0, "1496132206100410000000"), (1, "1455355535553555000000")] {
        assert_eq!(ask(&mut bank, unit, "PF"), "^1");
        let piri = ask(&mut bank, unit, "PIRI");
        assert!(piri.contains(",460,540,408,564,540,0,030,060,0,0,1,9,0,0,0,0,"), "{piri}");
        assert_eq!(ask(&mut bank, unit, "FLAG"), "1,1,1,0,0,1,1,0,0");
        assert_eq!(ask(&mut bank, unit, "ID"), serial);
    }
}

#[test]
fn refuse_and_ignore_switches_leave_settings_unchanged() {
    let mut bank = bank(&["refuse=1", "ignore=1"]);
    for (unit, answer) in [(0, "^0"), (1, "^1")] {
        let before = rated(&bank, unit);
        assert_eq!(ask(&mut bank, unit, "PSP1"), answer);
        assert_eq!(rated(&bank, unit), before);
    }
}

#[test]
fn lon_command_switches_the_output() {
    let mut bank = bank(&["units=1&load=1000"]);
    assert_eq!(ask(&mut bank, 0, "LON0"), "^1");
    assert_eq!(ask(&mut bank, 0, "MOD"), "06");
    let gs = ask(&mut bank, 0, "GS");
    assert_eq!(gs.split(',').nth(23), Some("0"));
    assert_eq!(gs.split(',').nth(5), Some("0000"));
    ask(&mut bank, 0, "LON1");
    assert_eq!(ask(&mut bank, 0, "GS").split(',').nth(5), Some("1000"));
}

#[test]
fn dialect_decides_which_set_commands_are_accepted() {
    let with = request("PSP1").to_frame(Dialect::Checksum);
    let without = request("PSP1").to_frame(Dialect::NoChecksum);
    for (dialect, to_with, to_without) in
        [("crc", ACCEPTED, &b""[..]), ("no-crc", REFUSED, ACCEPTED), ("any", ACCEPTED, ACCEPTED)]
    {
        let switches = format!("dialect={dialect}");
        for (frame, reply) in [(with, to_with), (without, to_without)] {
            let mut bank = bank(&[&switches]);
            assert_eq!(exchange(&mut bank, 0, &frame, Duration::ZERO), reply, "{dialect}");
            let accepted = u64::from(reply == ACCEPTED);
            assert_eq!(bank.set_counts(0), SetCounts { received: 1, accepted });
            assert_eq!(u64::from(rated(&bank, 0).solar_priority.0), accepted);
        }
    }
}

#[test]
fn no_crc_unit_sends_half_a_reply_to_a_query_with_checksum() {
    let mut bank = bank(&["dialect=no-crc"]);
    let full = exchange(&mut bank, 0, b"^P005GS\r", Duration::ZERO);
    let half = exchange(&mut bank, 0, b"^P005GSX\x14\r", Duration::ZERO);
    assert!(Frame::parse(&full).is_ok());
    assert_eq!(half, full[..full.len() / 2]);
}
