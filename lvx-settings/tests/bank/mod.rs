//! Virtual units, settings and plans that the tests share.
#![allow(dead_code, reason = "not every test needs all of it")]

pub(crate) mod cables;
pub(crate) mod recorder;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::BytesMut;

use lvx_settings::{
    Apply, ApplyReport, HostClock, Options, Permissions, Plan, PlannedUnit, Setting, SettingState,
    SettingValue, Settings, Unit, Units,
};
use pi18_proto::{
    Amperes, BatteryType, ChargerPriority, Decivolts, InputRange, MachineType, OutputPriority,
    RegulationState, SolarPriority, Switch, TimeOfDay,
};
use pi18_transport::{
    Client, Link,
    sim::{Bank, BankConfig, SharedBank, SimLink, Switches},
};
use proptest::prelude::*;
use recorder::Memory;

/// Returns a bank in simulated time, with these switches for each unit.
pub(crate) fn bank(switches: &[&str]) -> SharedBank {
    let switches: Vec<Switches> = switches.iter().map(|text| text.parse().unwrap()).collect();
    let config = BankConfig { units: switches.len(), switches };
    SharedBank::virtual_time(Bank::new(config).unwrap())
}

pub(crate) fn client(bank: &SharedBank, unit: usize) -> Client<SimLink> {
    Client::new(bank.link(unit))
}

/// Returns a host clock with the time of the bank.
pub(crate) fn host(client: &mut Client<SimLink>) -> HostClock {
    let clock: pi18_proto::Clock = client.read().unwrap();
    HostClock::new(client.now(), clock.time)
}

/// Returns a commissioned unit.
pub(crate) fn unit() -> Unit {
    let mut client = client(&bank(&["frozen=on"]), 0);
    let host = host(&mut client);
    Unit::read(&mut client, &host).unwrap()
}

/// Returns a commissioned unit with some other settings.
pub(crate) fn unit_with(settings: &Settings) -> Unit {
    let mut unit = unit();
    let all = unit.settings().overlaid(settings);
    let rated = &mut unit.rated;
    rated.battery_type = all.battery_type.unwrap();
    rated.bulk_voltage = all.bulk_voltage.unwrap();
    rated.float_voltage = all.float_voltage.unwrap();
    rated.cutoff_voltage = all.cutoff_voltage.unwrap();
    rated.recharge_voltage = all.recharge_voltage.unwrap();
    rated.redischarge_voltage = all.redischarge_voltage.unwrap();
    rated.max_charge_current = all.max_charge_current.unwrap();
    rated.max_ac_charge_current = all.max_ac_charge_current.unwrap();
    rated.output_priority = all.output_priority.unwrap();
    rated.charger_priority = all.charger_priority.unwrap();
    rated.solar_priority = all.solar_priority.unwrap();
    rated.machine_type = all.machine_type.unwrap();
    rated.input_range = all.input_range.unwrap();
    rated.output_mode = all.output_mode.unwrap();
    rated.regulation = all.regulation_state;
    let flags = unit.flags.as_mut().unwrap();
    flags.overload_bypass = all.overload_bypass.unwrap();
    flags.backlight = all.backlight.unwrap();
    if let (Some(window), Some(shown)) = (all.ac_charge_window, &mut unit.ac_charge_window) {
        (shown.start, shown.end) = (window.start, window.end);
    }
    assert!(unit.settings().satisfy(settings), "this function does not set all of these settings");
    unit
}

/// Returns the settings that `fill` sets.
pub(crate) fn profile(fill: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings::default();
    fill(&mut settings);
    settings
}

/// Generates settings that a 48 V unit can have and that break no rule.
pub(crate) fn valid_settings() -> impl Strategy<Value = Settings> {
    (voltages(), currents(), priorities(), 0..24_u8).prop_map(
        |(voltages, currents, priorities, hour)| {
            let time = |hour| TimeOfDay::new(hour % 24, 30).unwrap();
            let window = lvx_settings::Window { start: time(hour), end: time(hour + 7) };
            let all = voltages.overlaid(&currents).overlaid(&priorities);
            all.overlaid(&profile(|s| s.ac_charge_window = Some(window)))
        },
    )
}

fn voltages() -> impl Strategy<Value = Settings> {
    let by_user = (440..=500_u16, 0..=40_u16, 0..=9_u16, 0..=60_u16, 0..=60_u16).prop_map(
        |(cutoff, recharge, redischarge, float, bulk)| {
            chain([cutoff, recharge, redischarge, float, bulk])
        },
    );
    let factory = (44..=48_u16, 49..=54_u16).prop_map(|(recharge, redischarge)| {
        profile(|s| {
            s.battery_type = Some(BatteryType::AGM);
            s.cutoff_voltage = Some(Decivolts(408));
            s.recharge_voltage = Some(Decivolts(recharge * 10));
            s.redischarge_voltage = Some(Decivolts(redischarge * 10));
            s.float_voltage = Some(Decivolts(540));
            s.bulk_voltage = Some(Decivolts(564));
        })
    });
    prop_oneof![4 => by_user, 1 => factory]
}

/// Returns voltages for battery type user, from the cut-off voltage and the distance of each further
/// voltage from the one before.
fn chain([cutoff, recharge, redischarge, float, bulk]: [u16; 5]) -> Settings {
    let cutoff = cutoff.min(480);
    let recharge = ((cutoff + recharge).div_ceil(10) * 10).min(510);
    let redischarge = (recharge + 10 + redischarge * 10).clamp(480, 580);
    let float = (redischarge + float).min(584);
    let bulk = (float + bulk).min(584);
    profile(|s| {
        s.battery_type = Some(BatteryType::USER);
        s.cutoff_voltage = Some(Decivolts(cutoff));
        s.recharge_voltage = Some(Decivolts(recharge));
        s.redischarge_voltage = Some(Decivolts(redischarge));
        s.float_voltage = Some(Decivolts(float));
        s.bulk_voltage = Some(Decivolts(bulk));
    })
}

/// Returns random settings of some groups for a commissioned unit.
pub(crate) fn random_settings(random: &mut fastrand::Rng) -> Settings {
    let voltages = chain([
        random.u16(440..=500),
        random.u16(0..=40),
        random.u16(0..=9),
        random.u16(0..=60),
        random.u16(0..=60),
    ]);
    let mut target = if random.bool() { voltages } else { Settings::default() };
    if random.bool() {
        let all = random.u16(3..=8) * 10;
        target.max_charge_current = Some(Amperes(all));
        target.max_ac_charge_current = Some(Amperes(random.u16(1..=3) * 10));
    }
    if random.bool() {
        target.output_priority = Some(OutputPriority(random.u8(0..2)));
        target.solar_priority = Some(SolarPriority(random.u8(0..2)));
    }
    if random.bool() {
        target.backlight = Some(Switch(random.u8(0..2)));
        target.ac_charge_window = Some(lvx_settings::Window {
            start: TimeOfDay::new(random.u8(0..24), 0).unwrap(),
            end: TimeOfDay::new(random.u8(0..24), 30).unwrap(),
        });
    }
    target
}

fn currents() -> impl Strategy<Value = Settings> {
    (1..=8_u16, 0..=8_u16).prop_map(|(all, ac)| {
        profile(|s| {
            s.max_charge_current = Some(Amperes(all * 10));
            s.max_ac_charge_current = Some(Amperes(if ac == 0 { 2 } else { ac.min(all) * 10 }));
        })
    })
}

fn priorities() -> impl Strategy<Value = Settings> {
    (0..2_u8, 0..3_u8, 0..2_u8, 0..2_u8, 0..2_u8, 0..2_u8, 0..2_u8, 0..3_u8).prop_map(
        |(output, charger, solar, machine, range, bypass, backlight, regulation)| {
            profile(|s| {
                s.output_priority = Some(OutputPriority(output));
                s.charger_priority = Some(ChargerPriority(charger));
                s.solar_priority = Some(SolarPriority(solar));
                s.machine_type = Some(MachineType(machine));
                s.input_range = Some(InputRange(range));
                s.overload_bypass = Some(Switch(bypass));
                s.backlight = Some(Switch(backlight));
                s.regulation_state = Some(RegulationState(regulation));
            })
        },
    )
}

/// Returns the value that a unit of a bank has, even if it does not show it yet.
pub(crate) fn truth(bank: &SharedBank, unit: usize, setting: Setting) -> Option<SettingValue> {
    let reply = bank.with(|bank| bank.peek(unit, setting.query()))?;
    let mut settings = Settings::default();
    settings.take(&reply, None);
    settings.get(setting)
}

/// Returns all settings of a unit of a bank.
pub(crate) fn settings_of(bank: &SharedBank, unit: usize) -> Settings {
    let mut settings = Settings::default();
    for query in ["PIRI", "FLAG", "ACCT", "ACLT"] {
        let reply = bank.with(|bank| bank.peek(unit, query.parse().unwrap()));
        settings.take(&reply.unwrap(), None);
    }
    settings
}

/// Returns a plan that gives all units of a bank these settings.
pub(crate) fn plan_for(bank: &SharedBank, target: &Settings, permissions: Permissions) -> Plan {
    let count = bank.with(|bank| bank.units());
    let host = host(&mut client(bank, 0));
    let units = (0..count).map(|at| {
        let mut client = client(bank, at);
        let unit = Unit::read(&mut client, &host).unwrap();
        PlannedUnit::new(format!("sim:{at}"), unit, *target)
    });
    let units = units.collect();
    Plan::new(units, permissions.without_battery_guard(), None).unwrap()
}

/// Carries out a plan on a bank.
pub(crate) fn apply_to(
    bank: &SharedBank,
    plan: Plan,
    options: Options,
    memory: Memory,
) -> (ApplyReport, Memory) {
    let links = (0..plan.units.len()).map(|at| client(bank, at)).collect();
    run_with(bank, links, Apply::new(plan, options), memory)
}

/// Carries out a run over any links.
pub(crate) fn run_with<L: Link>(
    bank: &SharedBank,
    clients: Vec<Client<L>>,
    apply: Apply,
    mut memory: Memory,
) -> (ApplyReport, Memory) {
    let host = host(&mut client(bank, 0));
    let mut units = Units::new(clients, host);
    let report = lvx_settings::run(apply, &mut units, &mut memory);
    (report, memory)
}

/// The fate of bytes that are sent to a unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fate {
    /// They arrive.
    Arrive,
    /// They are lost.
    Lost,
}

/// A function that receives the bytes sent to a unit and the index of the unit, and decides their fate.
pub(crate) type Interceptor = Arc<Mutex<dyn FnMut(&SharedBank, usize, &[u8]) -> Fate + Send>>;

/// A link with an interceptor.
pub(crate) struct Intercepted {
    link: SimLink,
    unit: usize,
    interceptor: Interceptor,
}

impl Link for Intercepted {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), pi18_transport::Error> {
        let bank = self.link.bank().clone();
        let fate = (self.interceptor.lock().unwrap())(&bank, self.unit, bytes);
        match fate {
            Fate::Arrive => self.link.send(bytes, deadline),
            Fate::Lost => Ok(()),
        }
    }

    fn receive(
        &mut self,
        buffer: &mut BytesMut,
        deadline: Instant,
    ) -> Result<(), pi18_transport::Error> {
        self.link.receive(buffer, deadline)
    }

    fn name(&self) -> &str {
        self.link.name()
    }

    fn now(&self) -> Instant {
        self.link.now()
    }

    fn pause(&mut self, time: Duration) {
        self.link.pause(time);
    }
}

/// Returns a client of a unit whose link has an interceptor.
pub(crate) fn intercepted(
    bank: &SharedBank,
    unit: usize,
    interceptor: &Interceptor,
) -> Client<Intercepted> {
    Client::new(Intercepted { link: bank.link(unit), unit, interceptor: Arc::clone(interceptor) })
}

/// Carries out a plan over links with an interceptor.
pub(crate) fn apply_intercepted(
    bank: &SharedBank,
    plan: Plan,
    options: Options,
    memory: Memory,
    intercept: impl FnMut(&SharedBank, usize, &[u8]) -> Fate + Send + 'static,
) -> (ApplyReport, Memory) {
    let interceptor: Interceptor = Arc::new(Mutex::new(intercept));
    let links = (0..plan.units.len()).map(|at| intercepted(bank, at, &interceptor)).collect();
    run_with(bank, links, Apply::new(plan, options), memory)
}

/// Returns settings that need two writes on each commissioned unit.
pub(crate) fn other() -> Settings {
    profile(|s| {
        s.bulk_voltage = Some(Decivolts(560));
        s.float_voltage = Some(Decivolts(540));
        s.output_priority = Some(OutputPriority::SOLAR_UTILITY_BATTERY);
    })
}

pub(crate) const STATIC: &str = "frozen=on";

/// Returns two units whose battery is full, so that they do not charge.
pub(crate) fn idle_bank() -> SharedBank {
    bank(&["frozen=on&soc=100&sun=0&grid=off", STATIC])
}

/// Returns the number of set commands that each unit has received.
pub(crate) fn received(bank: &SharedBank) -> Vec<u64> {
    bank.with(|bank| (0..bank.units()).map(|unit| bank.set_counts(unit).received).collect())
}

pub(crate) fn planned(bank: &SharedBank, target: &Settings) -> Plan {
    plan_for(bank, target, Permissions::default())
}

/// Returns the settings of a unit after a pause in which every write shows.
pub(crate) fn settled(bank: &SharedBank, unit: usize) -> Settings {
    bank.link(unit).pause(Duration::from_mins(2));
    settings_of(bank, unit)
}

/// Checks the values in a report against the units.
#[track_caller]
pub(crate) fn assert_true(report: &ApplyReport, bank: &SharedBank) {
    for (at, unit) in report.units.iter().enumerate() {
        let has = settled(bank, at);
        for setting in unit.settings.iter().filter(|_| unit.state != SettingState::Unknown) {
            assert_eq!(setting.now, has.get(setting.setting), "unit {at}\n{report}");
        }
    }
}

pub(crate) fn is_set(bytes: &[u8], mnemonic: &str) -> bool {
    bytes.starts_with(b"^S")
        && bytes.get(5..).is_some_and(|data| data.starts_with(mnemonic.as_bytes()))
}
