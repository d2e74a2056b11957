//! Faults: which units they stop, and what units report of each other.

use pi18_proto::{ParallelStatus, WorkingMode};
use pi18_transport::sim::Bank;

use crate::{ask, ask_at, bank, decode, hours, status};

/// Returns the mode and the fault code of each unit.
fn modes_and_faults(bank: &mut Bank) -> Vec<(String, String)> {
    (0..bank.units())
        .map(|unit| {
            let faults = ask(bank, unit, "FWS");
            (ask(bank, unit, "MOD"), faults.split(',').next().unwrap().to_owned())
        })
        .collect()
}

#[track_caller]
fn assert_faults(bank: &mut Bank, expected: &[&str]) {
    for ((mode, fault), expected) in modes_and_faults(bank).iter().zip(expected) {
        assert_eq!(fault, expected);
        assert_eq!(mode == "04", *expected != "00", "mode {mode} with fault {fault}");
    }
}

#[test]
fn fault_of_one_unit_stops_only_that_unit() {
    let mut bank = bank(&["load=1000"]);
    assert_eq!(status(&bank, 1).active_power.0, 500);
    bank.switch(0, "fault=02").unwrap();
    assert_faults(&mut bank, &["02", "00"]);
    assert_eq!(status(&bank, 0).active_power.0, 0);
    assert_eq!(status(&bank, 1).active_power.0, 1000);
    bank.switch(0, "fault=00").unwrap();
    assert_eq!(status(&bank, 0).active_power.0, 500);
}

#[test]
fn fault_of_parallel_operation_stops_the_bank() {
    for code in ["71", "72", "80", "81", "82", "83", "84", "85", "86"] {
        let mut bank = bank(&["units=3&load=900", &format!("fault={code}")]);
        assert_faults(&mut bank, &[code; 3]);
        assert_eq!([0, 1, 2].map(|unit| status(&bank, unit).active_power.0), [0; 3]);
        bank.switch(1, "fault=00").unwrap();
        assert_faults(&mut bank, &["00"; 3]);
        assert_eq!(status(&bank, 2).active_power.0, 300);
    }
}

#[test]
fn fault_of_a_unit_hides_that_of_the_bank() {
    assert_faults(&mut bank(&["fault=07", "fault=83"]), &["07", "83"]);
}

#[test]
fn without_communication_units_report_the_last_values_of_each_other() {
    for code in ["80", "81", "82"] {
        let mut bank = bank(&["max-charge=50&load=1000"]);
        let before: ParallelStatus = decode(&ask(&mut bank, 1, "PGS0"));
        let rating = ask(&mut bank, 1, "PRI0");
        bank.switch(1, &format!("fault={code}")).unwrap();
        bank.switch(0, "max-charge=40").unwrap();
        bank.advance(hours(9));
        let stale: ParallelStatus = decode(&ask_at(&mut bank, 1, "PGS0", hours(9)));
        assert_eq!((stale.working_mode, stale.fault.0), (before.working_mode, 0));
        assert_eq!(stale.pv1_power, before.pv1_power);
        assert_eq!(stale.grid_voltage, before.grid_voltage);
        assert_eq!(stale.total_active_power.0, 500);
        assert_eq!(ask_at(&mut bank, 1, "PRI0", hours(9)), rating);
        // A unit knows itself.
        let own: ParallelStatus = decode(&ask_at(&mut bank, 1, "PGS1", hours(9)));
        assert_eq!(
            (own.working_mode, own.fault.0.to_string().as_str()),
            (WorkingMode::FAULT, code)
        );
        assert_eq!((own.active_power.0, own.total_active_power.0), (0, 500));
        // Nor do commands reach the other unit.
        assert_eq!(ask_at(&mut bank, 1, "PCP0,1", hours(9)), "^0");
        assert_eq!(ask_at(&mut bank, 1, "PCP1,1", hours(9)), "^1");
        bank.switch(1, "fault=00").unwrap();
        let after: ParallelStatus = decode(&ask_at(&mut bank, 1, "PGS0", hours(9)));
        assert_ne!(after.pv1_power, before.pv1_power);
        assert_ne!(ask_at(&mut bank, 1, "PRI0", hours(9)), rating);
    }
}

#[test]
fn bank_that_starts_without_communication_has_heard_of_all_units() {
    let mut bank = bank(&["fault=80", ""]);
    assert!(ask(&mut bank, 1, "PGS0").starts_with("1,5,00,"));
    assert!(ask(&mut bank, 0, "PGS0").starts_with("1,4,80,"));
    bank.switch(0, "units=3").unwrap();
    assert!(ask(&mut bank, 0, "PGS2").starts_with("0,0,00,"));
    assert!(ask(&mut bank, 0, "PRI2").starts_with("0,00,"));
}

#[test]
fn unit_that_is_switched_off_answers_in_standby_and_has_no_fault() {
    let mut bank = bank(&["load=1000&fault=02", ""]);
    bank.switch(0, "switch=off").unwrap();
    assert_eq!(ask(&mut bank, 0, "MOD"), "01");
    assert!(ask(&mut bank, 0, "FWS").starts_with("00,"));
    let [off, on] = [0, 1].map(|unit| status(&bank, unit));
    assert_eq!((off.output_voltage.0, off.active_power.0, off.pv1_power.0), (0, 0, 0));
    assert_eq!((off.charge_current.0, off.discharge_current.0), (0, 0));
    assert!(off.battery_voltage.0 > 500 && off.pv1_voltage.0 > 3000);
    assert_eq!(on.active_power.0, 1000);
    // A fault of parallel operation does not reach it, and the unit starts again with its switch.
    bank.switch(1, "fault=83").unwrap();
    assert!(ask(&mut bank, 0, "FWS").starts_with("00,"));
    bank.switch(1, "fault=00").unwrap();
    bank.switch(0, "fault=00").unwrap();
    bank.switch(0, "switch=on").unwrap();
    assert_eq!(status(&bank, 0).active_power.0, 500);
}

#[test]
fn interruption_counts_also_after_another_parallel_fault() {
    let mut bank = bank(&["units=3&load=900&fault=83", ""]);
    bank.switch(1, "fault=80").unwrap();
    bank.switch(2, "units=4").unwrap();
    // The new unit was never heard of.
    assert!(ask(&mut bank, 0, "PGS3").starts_with("0,0,00,"));
}
