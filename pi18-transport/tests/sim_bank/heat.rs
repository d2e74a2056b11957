//! Temperatures: their rise with the load, their inertia, and over temperature.

use std::time::Duration;

use crate::{ask, bank, hours, status};

fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

#[test]
fn temperatures_start_at_rest_and_follow_load_and_ambient() {
    let sink = |switches: &str| status(&bank(&[switches]), 0).heat_sink_temperature.0;
    let idle = sink("load=0");
    assert!((27..=30).contains(&idle), "{idle}");
    let full = sink("load=12000");
    assert!((50..=58).contains(&full), "{full}");
    assert_eq!(sink("load=0&ambient=-20"), idle - 45);
    let charger = |switches: &str| status(&bank(&[switches]), 0).mppt1_temperature.0;
    assert!(charger("load=6000") > charger("load=6000&shade1=80") + 10);
}

#[test]
fn heat_sink_follows_the_load_with_inertia() {
    let mut bank = bank(&["load=0"]);
    let sink = |bank: &pi18_transport::sim::Bank| status(bank, 0).heat_sink_temperature.0;
    let cold = sink(&bank);
    bank.switch(0, "load=11000").unwrap();
    assert_eq!(sink(&bank), cold);
    bank.advance(minutes(5));
    let warm = sink(&bank);
    bank.advance(minutes(60));
    let hot = sink(&bank);
    assert!(cold + 4 < warm && warm + 8 < hot, "{cold}, {warm}, {hot}");
}

#[test]
fn unit_without_fan_warns_then_stops_and_starts_again_if_allowed() {
    for (restart, mode) in [("PEE", "05"), ("PDE", "04")] {
        let mut bank = bank(&["load=11500&fan=off"]);
        // At the start, the temperatures are those after a long time with this load.
        assert_eq!(ask(&mut bank, 0, restart), "^1");
        bank.switch(0, "fan=on").unwrap();
        bank.advance(minutes(1));
        let faults = ask_faults(&bank);
        assert!(faults.starts_with("02,0,0,1,0"), "{faults}");
        assert_eq!(status(&bank, 0).active_power.0, 0);
        bank.switch(0, "load=500").unwrap();
        bank.advance(hours(3));
        let found = crate::data(&bank.peek(0, pi18_proto::Query::Mode).unwrap());
        assert_eq!(found, mode, "{restart}");
    }
}

fn ask_faults(bank: &pi18_transport::sim::Bank) -> String {
    crate::data(&bank.peek(0, pi18_proto::Query::FaultsAndWarnings).unwrap())
}

#[test]
fn locked_fan_is_reported_only_while_it_should_turn() {
    let faults = |switches: &str| ask(&mut bank(&[switches]), 0, "FWS");
    assert!(faults("fan=off&load=0&sun=0").starts_with("00,0,0,0,0,"));
    assert!(faults("fan=off&load=4000").starts_with("00,0,0,0,1,"));
    assert!(faults("load=4000").starts_with("00,0,0,0,0,"));
}
