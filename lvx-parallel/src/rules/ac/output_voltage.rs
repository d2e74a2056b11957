//! `output-voltage`: the output of each unit has about the voltage and frequency of its settings.
//!
//! Judges each unit alone, so that units which are wrong together are found. Only outputs that are on count: the
//! unit is in bypass, battery or hybrid mode and its load is connected. In bypass and hybrid mode the output
//! follows the grid. If the grid is off as well, the grid is the cause; a grid at the rated input voltage is
//! right, even if another output voltage is set. Both readings, `GS` and the unit's own `PGSn`, must show the
//! deviation.
//!
//! Limits: `output_voltage_deviation` and `output_frequency_deviation`, 10 % (assumed: what appliances tolerate;
//! a generator has 108 to 132 V and 57 to 63 Hz). Source: PI18 2017 and 2022, "PIRI", AC output rating.

use crate::{
    Finding, FindingKind, Severity,
    advice::LIVE_TERMINALS,
    context::{Context, DeviatingOutput, Deviation},
    rules::{
        BuiltIn,
        suppression::{Effect, is_suppressed},
    },
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "output-voltage",
    "an output is far from its set voltage or frequency (output_voltage_deviation, output_frequency_deviation)",
    "PI18 2017 and 2022, \"PIRI\", AC output rating; assumed: appliances tolerate 10 %",
    &[&HIGH, &LOW, &FREQUENCY, &GRID_HIGH, &GRID_LOW, &GRID_FREQUENCY],
    check,
);

static HIGH: FindingKind = FindingKind::new(
    Severity::Error,
    "the output voltage of a unit is above its setting by more than output_voltage_deviation in both readings, \
     and the grid is not the cause",
    "this voltage destroys appliances and can set them on fire",
    &[
        "switch off all loads of this output at once, now, at their main switch",
        "have an electrician measure the voltage and check the neutral; the loads stay off until then",
        "if the voltage is high without loads as well, have the unit serviced",
    ],
);

static LOW: FindingKind = FindingKind::new(
    Severity::Warning,
    "the output voltage of a unit is below its setting by more than output_voltage_deviation in both readings, \
     and the grid is not the cause",
    "motors and compressors overheat at a low voltage; the unit is overloaded or defective, or a contact is bad",
    &[
        "switch loads off, those with motors and compressors first",
        "if the voltage is low without loads as well, have the unit serviced",
        LIVE_TERMINALS,
        "if the voltage rose without loads, check the output and battery terminals for loose contacts",
    ],
);

static FREQUENCY: FindingKind = FindingKind::new(
    Severity::Warning,
    "the output frequency of a unit deviates from its setting by more than output_frequency_deviation in both \
     readings, and the grid is not the cause",
    "motors and transformers overheat at a wrong frequency",
    &[
        "switch off loads with motors and transformers",
        "compare the output frequency on the display of the unit with its setting",
        "if they differ, have the unit serviced",
    ],
);

static GRID_HIGH: FindingKind = FindingKind::new(
    Severity::Error,
    "the output voltage of a unit follows a grid whose voltage is above the output setting and the rated input \
     voltage by more than output_voltage_deviation, in both readings",
    "the grid feeds the loads; this voltage destroys appliances and can set them on fire, and it can come from a \
     broken neutral of the supply",
    &[
        "switch off all loads of this output at once, now, at their main switch",
        "have an electrician measure the voltage and check the neutral; the loads stay off until then",
        "if a generator feeds the grid input, have its voltage adjusted",
        "if it is the public grid, call its operator",
    ],
);

static GRID_LOW: FindingKind = FindingKind::new(
    Severity::Warning,
    "the output voltage of a unit follows a grid whose voltage is below the output setting and the rated input \
     voltage by more than output_voltage_deviation, in both readings",
    "the grid feeds the loads, and its voltage is wrong, not that of the unit; motors and compressors overheat at a \
     low voltage, and a broken neutral of the supply raises the voltage of other phases, which sets appliances on \
     fire",
    &[
        "if lamps flicker or are brighter than normal, switch off all loads at once, now, at their main \
         switch; otherwise those that are sensitive, and those with motors",
        "if a generator feeds the grid input, have its voltage adjusted, or lower its load",
        "if it is the public grid, call its operator",
    ],
);

static GRID_FREQUENCY: FindingKind = FindingKind::new(
    Severity::Warning,
    "the output frequency of a unit follows a grid whose frequency deviates from the output setting by more \
     than output_frequency_deviation, in both readings",
    "the grid feeds the loads, and its frequency does not match the setting of the unit; motors and transformers \
     overheat at a wrong frequency",
    &[
        "check that the output frequency is set to that of the public grid, 50 or 60 Hz",
        "if a generator feeds the grid input, have its speed adjusted, or lower its load",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let off = context.deviating_outputs();
    let of =
        |kind: &FindingKind, is_about: &dyn Fn(&DeviatingOutput<'_, '_>) -> bool, what: String| {
            let values: Vec<_> = off.iter().filter(|off| is_about(off)).map(value).collect();
            (!values.is_empty()).then(|| RULE.report(kind, what, values))
        };
    let is = |deviation| {
        move |off: &DeviatingOutput<'_, '_>| off.deviation == deviation && !off.is_due_to_grid
    };
    let from_grid = |deviation| {
        move |off: &DeviatingOutput<'_, '_>| off.deviation == deviation && off.is_due_to_grid
    };
    let max = context.thresholds().output_voltage_deviation;
    let max_frequency = context.thresholds().output_frequency_deviation;
    let voltages = [
        of(
            &HIGH,
            &is(Deviation::VoltageHigh),
            format!("output voltage more than {max} above its setting"),
        ),
        of(
            &LOW,
            &is(Deviation::VoltageLow),
            format!("output voltage more than {max} below its setting"),
        ),
        of(
            &GRID_HIGH,
            &from_grid(Deviation::VoltageHigh),
            format!("the grid gives the output a voltage more than {max} above its setting"),
        ),
    ];
    let low_grid = of(
        &GRID_LOW,
        &from_grid(Deviation::VoltageLow),
        format!("the grid gives the output a voltage more than {max} below its setting"),
    );
    let frequency = of(
        &FREQUENCY,
        &is(Deviation::Frequency),
        format!("output frequency more than {max_frequency} off its setting"),
    );
    let grid_frequency = of(
        &GRID_FREQUENCY,
        &from_grid(Deviation::Frequency),
        format!("the grid gives the output a frequency more than {max_frequency} off its setting"),
    );
    let keeps_grid = !is_suppressed(context, Effect::OutputFromGrid);
    let keeps_frequency = !is_suppressed(context, Effect::OutputFrequency);
    let others = [
        low_grid.filter(|_| keeps_grid),
        frequency.filter(|_| keeps_frequency),
        grid_frequency.filter(|_| keeps_grid && keeps_frequency),
    ];
    voltages.into_iter().chain(others).flatten().collect()
}

fn value(off: &DeviatingOutput<'_, '_>) -> crate::Observed {
    let status = &off.measured.status;
    let setting = off.measured.unit.rated.value();
    let text = match (off.deviation, setting) {
        (_, None) => String::new(),
        (Deviation::Frequency, Some(set)) => {
            format!("{}, set {}", status.output_frequency, set.output_frequency)
        }
        (_, Some(set)) => format!("{}, set {}", status.output_voltage, set.output_voltage),
    };
    off.measured.value(text)
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Decihertz, Decivolts, FaultCode, LoadConnection};

    use crate::{
        BankSnapshot, Severity,
        rules::testing::{bank_of, findings, first_finding, measure},
    };

    const WARNING: [(&str, Severity); 1] = [("output-voltage", Severity::Warning)];
    const ERROR: [(&str, Severity); 1] = [("output-voltage", Severity::Error)];

    /// Sets the output of all units, in all readings, and the grid as well if it is on.
    fn with_output(bank: &mut BankSnapshot, volts: u16, hertz: u16) {
        for unit in 0..bank.units.len() {
            measure(&mut bank.units, unit, |status| {
                status.output_voltage = Decivolts(volts);
                status.output_frequency = Decihertz(hertz);
            });
        }
    }

    fn on_battery(volts: u16, hertz: u16) -> Vec<(&'static str, Severity)> {
        let mut bank = bank_of(&["mode=03&sun=30&load=1000", "mode=03"]);
        with_output(&mut bank, volts, hertz);
        findings(&bank)
    }

    #[test]
    fn output_far_from_setting_on_all_units_is_reported() {
        assert_eq!(on_battery(1321, 600), ERROR);
        assert_eq!(on_battery(1320, 600), []);
        assert_eq!(on_battery(1079, 600), WARNING);
        assert_eq!(on_battery(1080, 600), []);
        assert_eq!(on_battery(1200, 539), WARNING);
        assert_eq!(on_battery(1200, 540), []);
        let mut bank = bank_of(&["mode=03&sun=30&load=1000"]);
        with_output(&mut bank, 1400, 600);
        assert_eq!(findings(&bank), ERROR);
        assert_eq!(
            first_finding(&bank),
            "output voltage more than 10 % above its setting: sim:0 140.0 V, set 120.0 V"
        );
    }

    #[test]
    fn output_of_other_units_is_judged_by_their_settings() {
        for edition in ["2017", "2022"] {
            let with = |volts| {
                let text = format!("rated=24&mode=03&sun=30&load=500&edition={edition}");
                let mut bank = bank_of(&[&text]);
                let rated = bank.units[0].rated.value_mut().unwrap();
                rated.input_voltage = Decivolts(2300);
                rated.output_voltage = Decivolts(2300);
                with_output(&mut bank, volts, 600);
                findings(&bank)
            };
            assert_eq!(with(2300), [], "{edition}");
            assert_eq!(with(2600), ERROR, "{edition}");
            assert_eq!(with(2000), WARNING, "{edition}");
        }
    }

    #[test]
    fn output_that_is_off_or_not_measured_is_not_judged() {
        assert_eq!(on_battery(0, 0), []);
        let mut bank = bank_of(&["mode=03&sun=30&load=1000"]);
        with_output(&mut bank, 300, 600);
        bank.units[0].status.value_mut().unwrap().load_connection = LoadConnection::DISCONNECTED;
        assert_eq!(findings(&bank), []);
        let mut bank = bank_of(&["mode=06&sun=30&load=1000"]);
        with_output(&mut bank, 300, 600);
        assert_eq!(findings(&bank), []);
        // The setting is not known.
        let mut bank = bank_of(&["mode=03&sun=30&load=1000"]);
        with_output(&mut bank, 2300, 500);
        let rated = bank.units[0].rated.value_mut().unwrap();
        (rated.output_voltage, rated.output_frequency) = (Decivolts(0), Decihertz(0));
        assert_eq!(findings(&bank), []);
    }

    #[test]
    fn deviation_in_one_reading_is_ignored() {
        let mut bank = bank_of(&["mode=03&sun=30&load=1000"]);
        bank.units[0].status.value_mut().unwrap().output_voltage = Decivolts(900);
        assert_eq!(findings(&bank), []);
    }

    /// Returns a bank of two units in hybrid mode on this grid.
    fn on_grid(volts: u16, hertz: u16) -> BankSnapshot {
        let mut bank = bank_of(&["", ""]);
        with_output(&mut bank, volts, hertz);
        for unit in 0..2 {
            measure(&mut bank.units, unit, |status| {
                status.grid_voltage = Decivolts(volts);
                status.grid_frequency = Decihertz(hertz);
            });
        }
        bank
    }

    #[test]
    fn output_that_follows_wrong_grid_names_grid() {
        for (volts, hertz, expected) in
            [(1350, 600, ERROR), (1050, 600, WARNING), (1200, 530, WARNING)]
        {
            let bank = on_grid(volts, hertz);
            assert_eq!(findings(&bank), expected, "{volts} {hertz}");
            assert!(first_finding(&bank).starts_with("the grid gives"), "{}", first_finding(&bank));
        }
        for (volts, hertz) in [(1320, 630), (1080, 570), (1270, 600)] {
            assert_eq!(findings(&on_grid(volts, hertz)), [], "{volts} {hertz}");
        }
        // The output is off and the grid is not: the unit is the cause.
        let mut bank = on_grid(1200, 600);
        with_output(&mut bank, 1350, 600);
        assert_eq!(findings(&bank), ERROR);
    }

    #[test]
    fn grid_at_rated_input_voltage_is_right() {
        let mut bank = on_grid(1230, 600);
        for unit in &mut bank.units {
            unit.rated.value_mut().unwrap().output_voltage = Decivolts(1100);
        }
        assert_eq!(findings(&bank), []);
    }

    #[test]
    fn unit_with_wrong_output_or_grid_is_reported_once() {
        let mut bank = bank_of(&["mode=03&sun=30&load=1000", "mode=03"]);
        measure(&mut bank.units, 1, |status| status.output_voltage = Decivolts(1400));
        assert_eq!(findings(&bank), ERROR);
        let mut bank = on_grid(1200, 600);
        measure(&mut bank.units, 1, |status| {
            status.grid_voltage = Decivolts(1000);
            status.output_voltage = Decivolts(1000);
        });
        assert_eq!(findings(&bank), [("grid", Severity::Warning)]);
    }

    #[test]
    fn high_voltage_is_reported_beside_other_causes() {
        let mut bank = bank_of(&["mode=03&sun=30&load=1000", "mode=03"]);
        bank.units[1].rated.value_mut().unwrap().output_frequency = Decihertz(500);
        measure(&mut bank.units, 0, |status| status.output_voltage = Decivolts(1500));
        assert!(findings(&bank).contains(&ERROR[0]), "{:?}", findings(&bank));
        let mut bank = on_grid(1200, 600);
        measure(&mut bank.units, 1, |status| {
            status.grid_voltage = Decivolts(1500);
            status.output_voltage = Decivolts(1500);
        });
        assert!(findings(&bank).contains(&ERROR[0]), "{:?}", findings(&bank));
    }

    #[test]
    fn unit_with_fault_that_supplies_its_output_is_judged() {
        let mut bank = bank_of(&["mode=03&sun=30&load=1000"]);
        with_output(&mut bank, 1500, 600);
        bank.units[0].faults.value_mut().unwrap().fault = FaultCode::BATTERY_LOW;
        assert!(findings(&bank).contains(&ERROR[0]), "{:?}", findings(&bank));
        bank.units[0].mode = crate::Answer::default();
        assert!(!findings(&bank).contains(&ERROR[0]), "{:?}", findings(&bank));
    }
}
