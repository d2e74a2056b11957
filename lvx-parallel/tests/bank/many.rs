//! Random banks: no error in a healthy one, and the cause of one problem in the others.
//!
//! Each runs for up to a day of virtual time, so that only some are checked by default. The environment variable
//! `LVX_RANDOM_BANKS` sets their number; the whole check uses 10000.

mod injections;

use std::{collections::BTreeMap, fmt::Write};

use fastrand::Rng;
use lvx_parallel::{BankSnapshot, Questions, Severity};

pub(crate) use self::injections::{FAULTS, Injected};
use crate::{findings, random::Plan, texts};

/// Returns the number of random banks.
fn banks() -> u64 {
    std::env::var("LVX_RANDOM_BANKS").map_or(2_000, |number| number.parse().unwrap())
}

#[test]
fn healthy_banks_have_no_errors_and_few_warnings() {
    // Seeds by severity and rule.
    let mut found = BTreeMap::<(Severity, &str), Vec<u64>>::new();
    let mut warned = 0;
    for seed in 0..banks() {
        let (_, bank) = healthy(seed);
        let findings = findings(&bank);
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
                let (plan, bank) = healthy(*seed);
                write!(report, "\n  seed {seed}: {:?}, {plan:?}", texts(&bank)).unwrap();
            }
        }
    }
    println!("{report}");
    assert!(found.keys().all(|(severity, _)| *severity < Severity::Error), "{report}");
    assert!(warned * 100 <= banks(), "{report}");
}

#[test]
fn one_problem_is_found_in_each_bank() {
    let mut injected = BTreeMap::<&str, u64>::new();
    for seed in 0..banks() {
        let mut random = Rng::with_seed(seed);
        let mut plan = Plan::healthy(&mut random);
        let (name, inject) = &FAULTS[usize::try_from(seed).unwrap() % FAULTS.len()];
        let Some(fault) = inject(&mut plan, &mut random) else { continue };
        let mut bank = plan.read(&mut random);
        (fault.change)(&mut bank);
        let found = findings(&asked(bank, seed));
        let is_found =
            found.iter().any(|(rule, severity)| *rule == fault.rule && *severity >= fault.severity);
        assert!(is_found, "seed {seed}, {name}: {found:?}, {plan:?}");
        let others = |(rule, severity): &&(&str, Severity)| {
            // If a unit stops, the others may be overloaded.
            *severity == Severity::Error && *rule != fault.rule && *rule != "load"
        };
        let other = found.iter().find(others);
        assert_eq!(other, None, "seed {seed}, {name}: {found:?}, {plan:?}");
        *injected.entry(name).or_default() += 1;
    }
    println!("{injected:?}");
    assert_eq!(injected.len(), FAULTS.len(), "{injected:?}");
    assert!(injected.values().sum::<u64>() > banks() * 3 / 4, "{injected:?}");
}

/// Returns a healthy bank with its plan.
fn healthy(seed: u64) -> (Plan, BankSnapshot) {
    let mut random = Rng::with_seed(seed);
    let plan = Plan::healthy(&mut random);
    let bank = asked(plan.read(&mut random), seed);
    (plan, bank)
}

/// Restricts every other bank to what is read: in a large bank, units report only about themselves and the
/// next one.
fn asked(bank: BankSnapshot, seed: u64) -> BankSnapshot {
    if seed.is_multiple_of(2) { bank.only(Questions::ALL) } else { bank }
}
