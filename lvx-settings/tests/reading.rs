//! Partial reading of a unit: only the queries that some settings require.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

mod bank;

use std::sync::{Arc, Mutex};

use bank::{
    Fate, Interceptor, apply_to, bank as virtual_bank, host, intercepted, profile,
    recorder::Memory, settings_of,
};
use lvx_settings::{Ending, Options, Permissions, Plan, PlannedUnit, Settings, Unit};
use pi18_proto::{Amperes, BatteryType, SolarPriority, Switch};

/// Reads a unit for these settings. Returns the queries that were sent, and the unit.
fn read_for(settings: &Settings) -> (Vec<String>, Unit) {
    let bank = virtual_bank(&["frozen=on"]);
    let sent = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&sent);
    let interceptor: Interceptor = Arc::new(Mutex::new(move |_: &_, _, bytes: &[u8]| {
        let request = String::from_utf8_lossy(&bytes[5..bytes.len() - 3]).into_owned();
        seen.lock().unwrap().push(request);
        Fate::Arrive
    }));
    let mut client = intercepted(&bank, 0, &interceptor);
    let host = lvx_settings::HostClock::system();
    let unit = Unit::read_for(&mut client, &host, settings).unwrap();
    (sent.lock().unwrap().clone(), unit)
}

fn priority() -> Settings {
    profile(|s| s.solar_priority = Some(SolarPriority::LOAD_BATTERY_UTILITY))
}

#[test]
fn partial_reading_sends_only_required_queries() {
    let (sent, unit) = read_for(&priority());
    for query in ["FLAG", "ACCT", "ACLT", "T", "DI", "MCHGCR", "MUCHGCR"] {
        assert!(!sent.iter().any(|each| each == query), "{query}: {sent:?}");
    }
    assert_eq!(unit.flags, None);
    for (settings, needed) in [
        (profile(|s| s.backlight = Some(Switch::ON)), "FLAG"),
        (profile(|s| s.clock = Some(lvx_settings::ClockOffset::default())), "T"),
        (profile(|s| s.battery_type = Some(BatteryType::USER)), "DI"),
        (profile(|s| s.max_charge_current = Some(Amperes(60))), "MCHGCR"),
        (profile(|s| s.max_ac_charge_current = Some(Amperes(30))), "MUCHGCR"),
    ] {
        let (sent, _) = read_for(&settings);
        assert!(sent.iter().any(|each| each == needed), "{needed}: {sent:?}");
    }
}

#[test]
fn plan_from_a_partial_reading_has_equal_steps_and_is_refused() {
    let bank = virtual_bank(&["frozen=on"]);
    let mut client = bank::client(&bank, 0);
    let host = host(&mut client);
    let whole = Unit::read(&mut client, &host).unwrap();
    let part = Unit::read_for(&mut client, &host, &priority()).unwrap();
    let plan = |unit: &Unit| {
        let address = "sim:0".to_owned();
        let planned = PlannedUnit::new(address, unit.clone(), priority());
        Plan::new(vec![planned], Permissions::default(), None).unwrap()
    };
    assert_eq!(plan(&part).steps, plan(&whole).steps);
    assert_eq!(
        plan(&part).objections(std::slice::from_ref(&part)),
        plan(&whole).objections(&[whole])
    );
    let before = settings_of(&bank, 0);
    drop(client);
    let (report, _) = apply_to(&bank, plan(&part), Options::default(), Memory::default());
    assert_eq!(report.ending, Ending::Refused);
    assert_eq!(settings_of(&bank, 0), before);
}
