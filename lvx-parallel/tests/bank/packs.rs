//! Battery packs beside the units: reading, rules, reports and files.
//!
//! The environment variable `LVX_RANDOM_BANKS` sets the number of random banks, as for those without packs.

mod faults;
mod plan;

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use fastrand::Rng;
use lvx_parallel::{
    BankSnapshot, Checks, PackMember, PackSnapshot, Reading, Report, ReportStyle, Severity, check,
    pack::{Centivolts, Live, PackAddress, PackClient, Protections, Warnings},
};
use lvx_settings::{PackModel, Packs};
use pi18_proto::Percent;
use pi18_transport::{
    Link,
    sim::{Bank, BankConfig, SharedBank},
};
use serde_json::Value;

use self::{faults::FAULTS, plan::PackPlan};
use crate::{
    asked::{narrow, sorted},
    findings, findings_of, member, shared, strict_validator, texts,
};

/// Returns the number of random banks.
fn banks() -> u64 {
    std::env::var("LVX_RANDOM_BANKS").map_or(200, |number| number.parse().unwrap())
}

fn healthy(seed: u64) -> PackPlan {
    PackPlan::healthy(&mut Rng::with_seed(seed))
}

#[track_caller]
fn switch(bank: &SharedBank, pack: usize, text: &str) {
    bank.with(|bank| bank.switch_pack(pack, text)).unwrap();
}

/// Returns the findings about packs.
fn about_packs(bank: &BankSnapshot) -> Vec<(&'static str, Severity)> {
    findings(bank).into_iter().filter(|(rule, _)| rule.starts_with("pack-")).collect()
}

/// Reads units and packs of a virtual bank over their links, as a program does.
fn read_over_links(bank: &SharedBank) -> BankSnapshot {
    let units = bank.concurrent_links().into_iter().map(member).collect();
    let pack = |pack| {
        let link = bank.pack_link(pack);
        PackMember::new(link.name().to_owned(), PackClient::new(link, PackAddress::LP4_V2))
    };
    let packs = (0..bank.with(|bank| bank.packs())).map(pack).collect();
    crate::timeless(BankSnapshot::read_with_packs(units, packs))
}

#[test]
fn healthy_banks_with_packs_have_no_errors_and_few_warnings() {
    let mut found = BTreeMap::<(Severity, &str), Vec<u64>>::new();
    let mut warned = 0;
    for seed in 0..banks() {
        let findings = findings(&healthy(seed).read());
        warned += u64::from(findings.iter().any(|(_, severity)| *severity == Severity::Warning));
        for (rule, severity) in findings {
            found.entry((severity, rule)).or_default().push(seed);
        }
    }
    let mut report = format!("{warned} of {} banks with a warning", banks());
    for ((severity, rule), seeds) in &found {
        write!(report, "\n{severity}, {rule}: {} banks", seeds.len()).unwrap();
        if *severity >= Severity::Warning {
            for seed in seeds.iter().take(3) {
                let plan = healthy(*seed);
                write!(report, "\n  seed {seed}: {:?}, {plan:?}", texts(&plan.read())).unwrap();
            }
        }
    }
    println!("{report}");
    assert!(found.keys().all(|(severity, _)| *severity < Severity::Error), "{report}");
    assert!(warned * 100 <= banks(), "{report}");
}

#[test]
fn one_problem_of_packs_is_found_in_each_bank() {
    let mut injected = BTreeMap::<&str, u64>::new();
    for seed in 0..banks() {
        let mut random = Rng::with_seed(seed);
        let mut plan = PackPlan::healthy(&mut random);
        let fault = &FAULTS[usize::try_from(seed).unwrap() % FAULTS.len()];
        if plan.len() < fault.packs {
            continue;
        }
        let pack = random.usize(0..plan.len());
        (fault.plan)(&mut plan, pack, &mut random);
        let mut bank = plan.read();
        (fault.change)(&mut bank, pack);
        let found = findings(&bank);
        let is_found =
            found.iter().any(|(rule, severity)| *rule == fault.rule && *severity >= fault.severity);
        let name = fault.name;
        assert!(is_found, "seed {seed}, {name}: {found:?}, {plan:?}");
        *injected.entry(name).or_default() += 1;
    }
    println!("{injected:?}");
    assert_eq!(injected.len(), FAULTS.len(), "{injected:?}");
}

#[test]
fn each_rule_about_packs_has_a_problem_that_it_finds() {
    let checks = Checks::default();
    let rules = checks.each_rule().filter(|rule| rule.judges_packs());
    for rule in rules {
        let id = &rule.info().id;
        assert!(FAULTS.iter().any(|fault| fault.rule == *id), "{id}");
    }
}

#[test]
fn questions_of_rules_about_packs_are_sufficient() {
    for (seed, fault) in (0..).zip(FAULTS.iter().chain(FAULTS)) {
        let mut random = Rng::with_seed(seed);
        let mut plan = PackPlan::healthy(&mut random);
        while plan.len() < fault.packs {
            plan = PackPlan::healthy(&mut random);
        }
        (fault.plan)(&mut plan, 0, &mut random);
        let mut bank = plan.read();
        (fault.change)(&mut bank, 0);
        let checks = Checks::default().only([fault.rule]).unwrap();
        let full = sorted(checks.check(&bank).findings);
        assert!(!full.is_empty(), "{}", fault.name);
        assert_eq!(sorted(narrow(&checks, &bank)), full, "seed {seed}, {}", fault.name);
    }
}

#[test]
fn report_is_independent_of_pack_order() {
    for seed in 0..banks().min(200) {
        let mut random = Rng::with_seed(seed);
        let mut plan = PackPlan::healthy(&mut random);
        let fault = &FAULTS[random.usize(0..FAULTS.len())];
        let pack = random.usize(0..plan.len());
        if plan.len() >= fault.packs {
            (fault.plan)(&mut plan, pack, &mut random);
        }
        let mut bank = plan.read();
        if plan.len() >= fault.packs {
            (fault.change)(&mut bank, pack);
        }
        let report = check(&bank);
        random.shuffle(&mut bank.packs);
        assert_eq!(check(&bank), report, "seed {seed}");
    }
}

#[test]
fn chain_cable_silences_two_packs_and_the_finding_clears_without_it() {
    let bank = shared(&["", ""]);
    for pack in 0..3 {
        switch(&bank, pack, "volts=54.62");
        switch(&bank, pack, "cells=3.414");
    }
    switch(&bank, 0, "chain=on");
    let report = check(&read_over_links(&bank));
    let finding = report.findings.iter().find(|finding| finding.rule == "pack-silent").unwrap();
    assert_eq!(
        finding.to_string(),
        "2 of 3 battery packs are silent: chained packs fall silent on their own ports: sim:pack1 + \
         sim:pack2 no answer"
    );
    assert!(finding.advice[0].contains("cables between the link ports"), "{finding:?}");
    assert!(!report.is_healthy() && !report.complete);
    assert_eq!(report.packs.iter().filter(|pack| pack.complete).count(), 1);

    switch(&bank, 0, "chain=off");
    let snapshot = read_over_links(&bank);
    let voltages = snapshot.packs.iter().map(|pack| pack.live.unwrap().value.voltage);
    assert_eq!(voltages.collect::<Vec<_>>(), [Centivolts(5462); 3]);
    let report = check(&snapshot);
    assert!(report.findings.iter().all(|finding| finding.rule != "pack-silent"), "{report}");
    assert!(report.complete, "{report}");
}

#[test]
fn packs_are_read_before_and_after_the_units() {
    let bank = shared(&["slave=06126", "slave=06126"]);
    let snapshot = read_over_links(&bank);
    let status = snapshot.units[0].status.reading().unwrap().at;
    for pack in &snapshot.packs {
        assert_eq!(pack.label.as_ref().unwrap().model, "LFP-51.2V100Ah-V1.0");
        assert_eq!(pack.earlier.len(), 1);
        assert!(pack.earlier[0].at < status && status < pack.live.unwrap().at);
    }
    assert_eq!(
        texts(&snapshot),
        [
            "with one battery pack less, the units may charge with 120 A, 60 A for each of 2, more than 50 A: \
         sim:0 + sim:1 60 A"
        ]
    );
}

#[test]
fn slow_adapter_is_waited_for_and_a_cut_cable_is_a_pack_with_an_error() {
    let bank = shared(&[""]);
    switch(&bank, 0, "opening=30s");
    switch(&bank, 2, "cut=on");
    let snapshot = read_over_links(&bank);
    let [slow, good, cut] = &*snapshot.packs else { panic!() };
    assert!(slow.live.is_some() && good.live.is_some());
    assert!(bank.elapsed() >= Duration::from_secs(30));
    assert!(cut.live.is_none() && cut.lost.is_some());
    let report = check(&snapshot);
    assert!(report.findings.iter().any(|finding| {
        finding.to_string() == "1 of 3 battery packs is without a port: sim:pack2 no port"
    }));
}

#[test]
fn bank_with_packs_is_saved_and_reported_in_every_format() {
    let mut plan = healthy(7);
    while plan.len() < 3 || plan.plan.units() < 2 {
        plan = healthy(plan.plan.runs.as_secs());
    }
    let bank = plan.read();
    for text in [bank.to_yaml(), bank.to_json()] {
        assert_eq!(BankSnapshot::parse(&text).unwrap(), bank);
    }
    let json: Value = serde_json::from_str(&bank.to_json()).unwrap();
    strict_validator(BankSnapshot::SCHEMA).validate(&json).unwrap();
    let report = check(&bank);
    assert_eq!(report.packs.len(), bank.packs.len());
    assert_eq!(Report::parse(&report.to_json()).unwrap(), report);
    let json: Value = serde_json::from_str(&report.to_json()).unwrap();
    strict_validator(Report::SCHEMA).validate(&json).unwrap();
    assert_eq!(json["pack_table"][1]["label"], "pack voltage");
    let text = report.to_text(&ReportStyle::default());
    let (units, packs) = (text.find("output power").unwrap(), text.find("pack voltage").unwrap());
    assert!(units < packs && text.contains("highest cell"), "{text}");
    assert!(report.to_markdown().contains("| pack voltage |"));
    assert!(report.verdict().contains(&format!("{} packs", bank.packs.len())));
    // A program that reads packs of a later version keeps what it can read.
    let later = bank.to_json().replacen("\"version\": 2", "\"version\": 9", 1);
    let later = later.replacen("\"registers\": [", "\"registers\": [\"new\",", 1);
    let later = BankSnapshot::parse(&later).unwrap();
    assert!(later.packs[0].lost.is_some() && later.packs[1] == bank.packs[1]);
}

#[test]
fn bank_without_packs_is_saved_and_reported_as_before() {
    let bank = crate::read(&["", ""]);
    assert!(!bank.to_json().contains("\"packs\""));
    let report = check(&bank);
    assert!(!report.to_json().contains("pack"), "{report}");
    assert!(!report.to_text(&ReportStyle::default()).contains("pack"));
}

#[test]
fn packs_are_judged_without_units() {
    let packs = healthy(3).read().packs;
    let count = packs.len();
    let mut bank = BankSnapshot::default().with_packs(packs);
    assert_eq!(about_packs(&bank), []);
    assert!(check(&bank).is_healthy());
    assert!(check(&bank).verdict().contains(&format!("{count} pack")));
    bank.packs[0].live.as_mut().unwrap().value.protections = Some(Protections(0x0010));
    assert_eq!(about_packs(&bank), [("pack-alarm", Severity::Error)]);
}

#[test]
fn rules_that_need_history_are_silent_without_it() {
    for fault in FAULTS {
        if !["pack-twice", "pack-sharing", "pack-current", "pack-voltage-drop"]
            .contains(&fault.rule)
        {
            continue;
        }
        let mut bank = (0..10_000).map(healthy).find(|plan| plan.len() >= 3).unwrap().read();
        (fault.change)(&mut bank, 1);
        let is_found =
            |bank: &BankSnapshot| findings(bank).iter().any(|(rule, _)| *rule == fault.rule);
        assert!(is_found(&bank), "{}", fault.name);
        for pack in &mut bank.packs {
            pack.earlier.clear();
        }
        assert!(!is_found(&bank), "{}", fault.name);
    }
}

#[test]
fn full_pack_with_a_harmless_warning_and_protection_is_healthy() {
    let with = |charge: u16, warnings: u16, protections: u16| {
        let mut bank = healthy(3).read();
        for pack in &mut bank.packs {
            let live = &mut pack.live.as_mut().unwrap().value;
            live.state_of_charge = Percent(charge);
            live.warnings = Some(Warnings(warnings));
            live.protections = Some(Protections(protections));
        }
        about_packs(&bank).into_iter().filter(|(rule, _)| *rule == "pack-alarm").collect::<Vec<_>>()
    };
    assert_eq!(with(98, 0x0002, 0x1000), []);
    assert_eq!(with(97, 0x0002, 0), [("pack-alarm", Severity::Warning)]);
    assert_eq!(with(97, 0, 0x1000), [("pack-alarm", Severity::Error)]);
    assert_eq!(with(98, 0, 0x1002), [("pack-alarm", Severity::Error)]);
    assert_eq!(with(100, 0x0012, 0), [("pack-alarm", Severity::Warning)]);
}

#[test]
fn packs_of_the_site_give_number_and_limits() {
    let mut bank = (0..10_000).map(healthy).find(|plan| plan.len() == 2).unwrap().read();
    let charge_limit = |checks: &Checks, bank: &BankSnapshot| {
        let found = findings_of(checks, bank);
        found.into_iter().find(|(rule, _)| *rule == "pack-charge-limit").map(|found| found.1)
    };
    let units = u16::try_from(bank.units.len()).unwrap();
    for unit in &mut bank.units {
        unit.rated.value_mut().unwrap().max_charge_current.0 = 180 / units;
    }
    let packs = |count| Packs::new(PackModel::Eg4Lp4V2, count).unwrap();
    assert_eq!(charge_limit(&Checks::default(), &bank), Some(Severity::Warning));
    let five = Checks::default().with_packs(packs(5));
    assert_eq!(charge_limit(&five, &bank), None);
    let one = Checks::default().with_packs(packs(1));
    assert_eq!(charge_limit(&one, &bank), Some(Severity::Error));
    // Without the other three packs, sums cannot be compared.
    for pack in &mut bank.packs {
        let all = pack.live.iter_mut().chain(&mut pack.earlier);
        all.for_each(|reading| {
            let current = &mut reading.value.current;
            *current = lvx_parallel::pack::Varying::new(current.raw() + 9000, current.scale());
        });
    }
    let has = |checks: &Checks| {
        findings_of(checks, &bank).iter().any(|(rule, _)| *rule == "pack-current")
    };
    assert!(has(&Checks::default()) && !has(&five));
}

#[test]
fn packs_that_share_a_name_are_numbered_and_old_measurements_are_not_judged() {
    let plan = (0..10_000).map(healthy).find(|plan| plan.len() >= 2).unwrap();
    let mut bank = plan.read();
    for pack in &mut bank.packs {
        pack.name = "pack".to_owned();
    }
    let names: Vec<_> = check(&bank).packs.into_iter().map(|pack| pack.name).collect();
    assert_eq!(names[..2], ["pack #1", "pack #2"]);
    bank.packs.iter_mut().skip(1).for_each(|pack| {
        pack.live.as_mut().unwrap().at += Duration::from_secs(61);
    });
    assert!(about_packs(&bank).contains(&("pack-silent", Severity::Warning)));
    assert!(texts(&bank).iter().any(|text| text.contains("not read recently")));
}

#[test]
fn pack_that_switches_itself_off_is_found_with_its_cause() {
    let bank = Bank::new(BankConfig {
        units: 2,
        switches: vec!["clock=2026-01-10T22:00:00&load=6000&grid=off".parse().unwrap()],
    });
    let bank = SharedBank::virtual_time(bank.unwrap());
    switch(&bank, 1, "breaker=off");
    let found = about_packs(&plan::read(&bank));
    assert!(found.contains(&("pack-sharing", Severity::Warning)), "{found:?}");
    switch(&bank, 1, "breaker=on");
    switch(&bank, 1, "protect=0x0020");
    let found = about_packs(&plan::read(&bank));
    assert!(found.contains(&("pack-alarm", Severity::Error)), "{found:?}");
    assert!(!found.contains(&("pack-sharing", Severity::Warning)), "{found:?}");
}

#[test]
fn earlier_readings_are_bounded() {
    let live: Live = healthy(1).read().packs[0].live.unwrap().value;
    let mut pack = PackSnapshot::new("pack");
    for second in 0..20 {
        pack.take(Ok(Reading::new(live, Duration::from_secs(second))));
    }
    assert_eq!(pack.earlier.len(), PackSnapshot::MAX_EARLIER);
    assert_eq!(pack.earlier[0].at, Duration::from_secs(15));
    assert_eq!(pack.live.unwrap().at, Duration::from_secs(19));
}
