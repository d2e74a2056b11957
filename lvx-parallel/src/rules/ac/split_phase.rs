//! `split-phase`: both legs of a split-phase output have about the same voltage.
//!
//! Compares the output voltages of units on phase 1 and on phase 2 of two, in both readings. If the common
//! neutral is broken, the legs share 240 V by their loads: the voltage of one rises, that of the other falls.
//! If the outputs follow the grid and its legs differ as well, the neutral of the supply is broken. A
//! generator, with a frequency far from 50 and 60 Hz, has a greater limit. A moving voltage alone does not show a
//! generator: without a neutral, the legs move with the loads.
//!
//! Limit: `leg_voltage_spread`, 10 V (assumed: the drop in the cables to loads differs by less). In the
//! sheet of 2022, only `PRIn` has split phases, so that the unit's own `PRIn` counts before `PIRI`.

use pi18_proto::OutputMode;

use crate::{
    Finding, FindingKind, Severity,
    advice::LIVE_TERMINALS,
    context::{Context, GRID, Measured, OUTPUT, follows_grid},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "split-phase",
    "the output voltages of the two legs of a split phase differ (leg_voltage_spread, source_drift)",
    "assumed: with an intact neutral, the legs differ by less than 10 V",
    &[&LEGS, &GRID_LEGS],
    check,
);

/// The first step. Without a neutral, switching off one load can raise the voltage of those that are left.
const LEGS_OFF: &str = "switch off both legs at once, now, at the main switch of the loads, not load by load, \
    which can raise the voltage; do not touch metal parts of appliances, which can be live";

static LEGS: FindingKind = FindingKind::new(
    Severity::Error,
    "the output voltages of the two legs differ by more than leg_voltage_spread in both readings, and those of \
     the grid do not",
    "the neutral may be broken: then the loads divide 240 V between the legs, and 120 V loads on the higher leg \
     can burn",
    &[
        LEGS_OFF,
        LIVE_TERMINALS,
        "check the neutral from each unit to the distribution board; the loads stay off until it is whole",
    ],
);

static GRID_LEGS: FindingKind = FindingKind::new(
    Severity::Error,
    "the output voltages of the two legs follow the grid and differ by more than leg_voltage_spread in both \
     readings, and so do those of the grid",
    "the neutral of the supply may be broken: then the loads divide 240 V between the legs, and 120 V loads on \
     the higher leg can burn",
    &[
        LEGS_OFF,
        "switch off the main switch of the supply, or stop the generator, and call the operator of the grid or an \
         electrician",
        LIVE_TERMINALS,
        "check the neutral of the supply or of the generator before it is connected again",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let thresholds = context.thresholds();
    let (max, drift) = (thresholds.leg_voltage_spread, thresholds.source_drift);
    let leg = |mode| {
        let is_on_leg = |each: &&Measured<'_>| each.unit.output_mode() == Some(mode);
        context.feeding().filter(is_on_leg).collect::<Vec<_>>()
    };
    let [one, other] = [OutputMode::PHASE_1_OF_2, OutputMode::PHASE_2_OF_2].map(leg);
    let Some(gap) = OUTPUT.voltage_gap_between(&one, &other, max, drift) else {
        return Vec::new();
    };
    let units = one.iter().chain(&other);
    let is_due_to_grid = units.clone().all(|each| follows_grid(each))
        && GRID.voltage_gap_between(&one, &other, max, drift).is_some();
    let kind = if is_due_to_grid { &GRID_LEGS } else { &LEGS };
    let what =
        format!("the legs of the split phase differ by {}, more than {}", gap.found, gap.max);
    let value = |each: &&Measured<'_>| {
        let leg = each.unit.output_mode()?;
        Some(each.value(format_args!("{} on {leg}", each.status.output_voltage)))
    };
    vec![RULE.report(kind, what, units.filter_map(value).collect())]
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Decihertz, Decivolts, OutputMode};

    use crate::{
        BankSnapshot, Checks, Severity,
        rules::testing::{bank_of, findings, findings_of, first_finding, measure},
    };

    const FOUND: [(&str, Severity); 1] = [("split-phase", Severity::Error)];

    /// Returns a split-phase bank with these output voltages.
    fn legs(mode: &str, voltages: &[u16]) -> BankSnapshot {
        let switches =
            |leg: usize| format!("output-mode={}&mode={mode}&sun=30&load=1000", 5 + leg % 2);
        let switches: Vec<_> = (0..voltages.len()).map(switches).collect();
        let mut bank = bank_of(&switches.iter().map(String::as_str).collect::<Vec<_>>());
        for (unit, volts) in voltages.iter().enumerate() {
            measure(&mut bank.units, unit, |status| status.output_voltage = Decivolts(*volts));
        }
        bank
    }

    #[test]
    fn legs_far_apart_are_reported() {
        let bank = legs("03", &[1261, 1160]);
        assert_eq!(findings(&bank), FOUND);
        assert_eq!(
            first_finding(&bank),
            "the legs of the split phase differ by 10.1 V, more than 10.0 V: sim:0 126.1 V on phase 1 of 2, \
             sim:1 116.0 V on phase 2 of 2"
        );
        assert_eq!(findings(&legs("03", &[1260, 1160])), []);
        // Both legs are more than 10 % from the setting: the neutral explains this.
        assert_eq!(findings(&legs("03", &[1500, 900])), FOUND);
        assert_eq!(findings(&legs("03", &[900, 1500, 902, 1499])), FOUND);
    }

    #[test]
    fn difference_in_one_reading_is_ignored() {
        let mut bank = legs("03", &[1200, 1200]);
        bank.units[0].status.value_mut().unwrap().output_voltage = Decivolts(1310);
        assert_eq!(findings(&bank), []);
    }

    #[test]
    fn legs_that_move_are_reported() {
        for mode in ["03", "05"] {
            let mut bank = legs(mode, &[1290, 1120]);
            for (unit, volts) in [1310, 1100].into_iter().enumerate() {
                let status = bank.units[unit].status.value_mut().unwrap();
                status.output_voltage = Decivolts(volts);
            }
            assert_eq!(findings(&bank), FOUND, "{mode}");
        }
    }

    #[test]
    fn broken_neutral_of_supply_is_named() {
        let with_grid = |grid: [u16; 2], hertz: u16| {
            let mut bank = legs("05", &grid);
            for (unit, volts) in grid.into_iter().enumerate() {
                measure(&mut bank.units, unit, |status| {
                    status.grid_voltage = Decivolts(volts);
                    status.grid_frequency = Decihertz(hertz);
                    status.output_frequency = Decihertz(hertz);
                });
            }
            bank
        };
        let bank = with_grid([1290, 1110], 600);
        assert_eq!(findings(&bank), FOUND);
        let report = crate::check(&bank);
        assert!(report.findings[0].why.starts_with("the neutral of the supply"), "{report}");
        assert_eq!(findings(&with_grid([1240, 1170], 600)), []);
        // A generator drifts while the units are read.
        assert_eq!(findings(&with_grid([1290, 1110], 577)), []);
        assert_eq!(findings(&with_grid([1500, 900], 577)), FOUND);
    }

    #[test]
    fn leg_is_found_in_own_rating() {
        let mut bank = legs("03", &[1350, 1050]);
        for unit in &mut bank.units {
            unit.rated.value_mut().unwrap().output_mode = OutputMode::PARALLEL;
        }
        let checks = Checks::default().only(["split-phase"]).unwrap();
        assert_eq!(findings_of(&checks, &bank), FOUND);
        // Three phases may differ.
        for unit in &mut bank.units {
            for rating in unit.ratings.iter_mut().filter_map(|rating| rating.value_mut()) {
                rating.output_mode = OutputMode::PHASE_2_OF_3;
            }
        }
        assert_eq!(findings_of(&checks, &bank), []);
    }

    #[test]
    fn units_on_legs_of_own_ratings_are_not_compared_as_one_output() {
        let mut bank = legs("03", &[1200, 1200]);
        for unit in &mut bank.units {
            unit.rated.value_mut().unwrap().output_mode = OutputMode::PARALLEL;
        }
        measure(&mut bank.units, 0, |status| status.discharge_current.0 += 30);
        assert_eq!(findings(&bank), []);
    }
}
