//! The rules, one a file. Each looks at all units and says what it finds.

use crate::{Finding, UnitSnapshot};

mod battery_voltage;
mod charge_current;
mod fault;
mod firmware;
mod identity;
mod instance;
mod mode;

/// Says what it finds; it gets all units of the bank.
type Rule = fn(&[UnitSnapshot]) -> Vec<Finding>;

/// Every rule.
pub(crate) const ALL: &[Rule] = &[
    identity::check,
    fault::check,
    mode::check,
    firmware::check,
    instance::check,
    battery_voltage::check,
    charge_current::check,
];

/// `sim:0 54.6 V, sim:1 54.9 V`
fn each<T: std::fmt::Display>(
    units: &[UnitSnapshot],
    value: impl Fn(&UnitSnapshot) -> T,
) -> String {
    let told: Vec<_> = units.iter().map(|unit| format!("{} {}", unit.name, value(unit))).collect();
    told.join(", ")
}

/// The greatest difference between any two values.
fn spread(values: impl Iterator<Item = u16> + Clone) -> u16 {
    let (most, least) = (values.clone().max(), values.min());
    most.unwrap_or(0) - least.unwrap_or(0)
}

#[cfg(test)]
mod testing {
    use pi18_transport::{
        Client,
        sim::{Bank, Config, SharedBank},
    };

    use crate::{Severity, UnitSnapshot, check};

    /// The commissioned bank.
    pub(super) fn healthy() -> Vec<UnitSnapshot> {
        let bank = SharedBank::virtual_time(Bank::new(Config::default()).unwrap());
        let read =
            |unit| UnitSnapshot::read(format!("sim:{unit}"), &mut Client::new(bank.link(unit)));
        (0..2).map(|unit| read(unit).unwrap()).collect()
    }

    /// What is found once `change` was made to a healthy bank: rule and severity.
    pub(super) fn found(change: impl FnOnce(&mut [UnitSnapshot])) -> Vec<(&'static str, Severity)> {
        let mut units = healthy();
        change(&mut units);
        let report = check(units);
        report
            .findings
            .iter()
            .map(|finding| (finding.rule, finding.severity))
            .filter(|(_, severity)| *severity > Severity::Info)
            .collect()
    }
}
