//! The commands of `lvx` that carry out a step of an advice.

/// Phrases in the advice of `lvx-parallel`, each with a command that does it.
const COMMANDS: &[(&str, &str)] = &[
    ("read the main firmware of every unit", "lvx query VFW UNIT"),
    ("the answer to PRI1", "lvx query PRI1 UNIT"),
    ("compare the input voltage ranges", "lvx compare"),
    ("compare the AC input voltages and the settings", "lvx compare"),
    ("compare battery voltages and battery settings", "lvx compare"),
    ("compare output voltage, frequency and output mode of all units", "lvx compare"),
    ("save the settings", "lvx dump"),
];

/// Adds to each step the command that carries it out, if there is one.
pub(crate) fn add_commands(advice: &mut [String]) {
    for step in advice {
        for (phrase, command) in COMMANDS {
            *step = step.replace(phrase, &format!("{phrase} ({command})"));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed assumption fails the test")]
mod tests {
    use lvx_parallel::{BankSnapshot, Explanation, Member, check};

    use super::*;

    fn bank(units: &[&str]) -> BankSnapshot {
        BankSnapshot::read(units.iter().map(|unit| Member::open(&unit.parse().unwrap())).collect())
    }

    /// Returns a bank whose second unit shows another battery capacity.
    fn unequal_capacities() -> BankSnapshot {
        let mut bank = bank(&["sim:0?frozen=on", "sim:1"]);
        bank.units[1].status.value_mut().unwrap().battery_capacity.0 -= 20;
        bank.units[1].statuses[1].value_mut().unwrap().battery_capacity.0 -= 20;
        bank
    }

    #[test]
    fn every_phrase_is_in_an_advice() {
        let explanations = Explanation::faults().chain(Explanation::warnings());
        let mut steps: Vec<String> = explanations.flat_map(|each| each.advice).collect();
        for bank in [bank(&["sim:0"]), bank(&["sim:0", "sim:1?mode=06"]), unequal_capacities()] {
            steps.extend(check(&bank).findings.into_iter().flat_map(|finding| finding.advice));
        }
        for (phrase, _) in COMMANDS {
            assert!(steps.iter().any(|step| step.contains(phrase)), "{phrase}: {steps:#?}");
        }
        assert!(steps.iter().all(|step| !step.contains("lvx ")), "{steps:#?}");
    }

    #[test]
    fn command_follows_its_phrase() {
        let mut advice = ["save the settings, then wait".to_owned(), "wait".to_owned()];
        add_commands(&mut advice);
        assert_eq!(advice, ["save the settings (lvx dump), then wait", "wait"]);
    }
}
