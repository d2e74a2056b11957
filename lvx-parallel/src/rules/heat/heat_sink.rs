//! `heat-sink`: no heat sink is too hot, or much hotter than that of another unit.
//!
//! Judges the heat sink of each unit alone, then compares units that do similar work: they have the same working
//! mode, and the hotter one has at most a fifth of its rated power more than the other one, counting output,
//! PV and battery power. A fan that fails or a clogged filter makes the difference. Units with a fault, or
//! with a warning about their fan or temperature, are not compared. 0 °C is not a measurement.
//!
//! Limits: `heat_sink_hot`, 85 °C, `heat_sink_too_hot`, 95 °C, and `heat_sink_spread`, 20 °C (assumed: units
//! stop with fault 02 at about 100 °C).

use pi18_proto::{Celsius, FaultCode};

use crate::{
    Finding, FindingKind, Severity,
    advice::BURNT,
    context::{Context, Measured},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "heat-sink",
    "a heat sink is hot, or hotter than that of a unit with similar work (heat_sink_hot, heat_sink_too_hot, \
     heat_sink_spread)",
    "assumed: units stop with fault 02 at about 100 °C",
    &[&TOO_HOT, &HOT, &HOTTER],
    check,
);

static TOO_HOT: FindingKind = FindingKind::new(
    Severity::Error,
    "a heat sink has at least heat_sink_too_hot",
    "the unit is about to stop with fault 02, and heat ages its parts and can ignite what touches it",
    &[
        BURNT,
        "switch loads off now, and lower the charge current",
        "take away what covers or touches the unit, but do not touch it: it burns skin",
        "if the unit blows no air, switch it off and have it serviced",
    ],
);

static HOT: FindingKind = FindingKind::new(
    Severity::Warning,
    "a heat sink has at least heat_sink_hot",
    "the unit lowers its power, and stops with fault 02 if it gets hotter",
    &[
        BURNT,
        "lower the load or the charge current",
        "clear the air inlets and outlets, and cool the room; the unit is hot enough to burn skin",
        "if the unit blows no air, have it serviced",
    ],
);

static HOTTER: FindingKind = FindingKind::new(
    Severity::Warning,
    "a heat sink is hotter by at least heat_sink_spread than that of a unit in the same mode, with at most a \
     fifth of the rated power more",
    "units with similar work are about equally warm: a fan may have failed, or dust may block the air",
    &[
        "check again in half an hour if a unit was switched on or off recently",
        "compare how much air the units blow, and clear the air inlets and outlets of the hotter one from outside",
        "if it blows less air than the others, have it serviced",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let thresholds = context.thresholds();
    let from = |least: Celsius| {
        let is_hot = move |each: &&Measured<'_>| {
            each.status.heat_sink_temperature >= least
                && context.fault_of(each.unit) != Some(FaultCode::OVER_TEMPERATURE)
        };
        let hot = context.measured.iter().filter(is_hot);
        hot.map(|each| each.value(each.status.heat_sink_temperature)).collect::<Vec<_>>()
    };
    for (kind, least) in
        [(&TOO_HOT, thresholds.heat_sink_too_hot), (&HOT, thresholds.heat_sink_hot)]
    {
        let values = from(least);
        if !values.is_empty() {
            return vec![RULE.report(kind, format!("a heat sink has {least} or more"), values)];
        }
    }
    hotter(context, thresholds.heat_sink_spread).into_iter().collect()
}

/// Returns a finding about the hottest unit that is hotter than a unit with similar work.
fn hotter(context: &Context<'_>, spread: Celsius) -> Option<Finding> {
    let units: Vec<_> =
        context.measured.iter().filter(|each| is_comparable(context, each)).collect();
    let excess = |hot: &Measured<'_>, cool: &Measured<'_>| {
        let temperature = |each: &Measured<'_>| i32::from(each.status.heat_sink_temperature.0);
        temperature(hot) - temperature(cool)
    };
    let pairs = units.iter().flat_map(|hot| units.iter().map(move |cool| (*hot, *cool)));
    let similar = pairs.filter(|(hot, cool)| has_similar_work(hot, cool) == Some(true));
    let (hot, cool) = similar.max_by_key(|(hot, cool)| excess(hot, cool))?;
    let found = excess(hot, cool);
    if found < i32::from(spread.0) {
        return None;
    }
    let what = format!("a heat sink is {found} °C hotter than that of a unit with similar work");
    let values = [hot, cool].map(|each| each.value(each.status.heat_sink_temperature));
    Some(RULE.report(&HOTTER, what, values.to_vec()))
}

/// Returns whether the temperature of a unit was measured, and nothing else explains it.
fn is_comparable(context: &Context<'_>, each: &Measured<'_>) -> bool {
    let is_explained = each.unit.faults.value().is_some_and(|faults| {
        let mut found = false;
        faults.visit_raised(&mut |info| found |= EXPLAINING.contains(&info.name));
        found
    });
    each.status.heat_sink_temperature.0 != 0
        && context.fault_of(each.unit).is_none()
        && !is_explained
}

/// Warnings of `FWS` that explain a hot unit.
const EXPLAINING: [&str; 2] = ["over_temperature", "fan_locked"];

/// Returns whether the hotter one of two units does not work much more than the other; `None` if this is not
/// known.
fn has_similar_work(hot: &Measured<'_>, cool: &Measured<'_>) -> Option<bool> {
    let mode = |each: &Measured<'_>| each.unit.working_mode();
    let rated = |each: &Measured<'_>| {
        let rated = each.unit.rated.value()?.output_apparent_power.0;
        (rated > 0).then_some(u64::from(rated))
    };
    // Work in per cent of the rated power.
    let work = |each: &Measured<'_>| Some(power(each) * 100 / rated(each)?);
    Some(mode(hot)? == mode(cool)? && work(hot)? <= work(cool)? + SIMILAR)
}

/// Returns the sum of output, PV and battery power, in VA and W.
fn power(each: &Measured<'_>) -> u64 {
    let status = &each.status;
    let current = u64::from(status.charge_current.0) + u64::from(status.discharge_current.0);
    let battery = u64::from(status.battery_voltage.0) * current / 10;
    let pv = u64::from(status.pv1_power.0) + u64::from(status.pv2_power.0);
    u64::from(status.apparent_power.0) + pv + battery
}

/// The work, in per cent of the rated power, that a hotter unit may do more than the other one (assumed: a fifth
/// of the rated power warms a heat sink by about 5 °C).
const SIMILAR: u64 = 20;

#[cfg(test)]
mod tests {
    use pi18_proto::{Celsius, Watts};

    use crate::{
        BankSnapshot, Severity,
        rules::testing::{bank_of, findings, first_finding, measure},
    };

    const WARNING: [(&str, Severity); 1] = [("heat-sink", Severity::Warning)];
    const ERROR: [(&str, Severity); 1] = [("heat-sink", Severity::Error)];

    fn with_heat(switches: &[&str], temperatures: &[i16]) -> BankSnapshot {
        let mut bank = bank_of(switches);
        for (unit, temperature) in temperatures.iter().enumerate() {
            measure(&mut bank.units, unit, |status| {
                status.heat_sink_temperature = Celsius(*temperature);
            });
        }
        bank
    }

    #[test]
    fn hot_heat_sink_is_reported() {
        for switches in ["", "edition=2017", "rated=24&mode=03&sun=30&load=300"] {
            assert_eq!(findings(&with_heat(&[switches], &[84])), [], "{switches}");
            assert_eq!(findings(&with_heat(&[switches], &[85])), WARNING, "{switches}");
            assert_eq!(findings(&with_heat(&[switches], &[94])), WARNING, "{switches}");
            assert_eq!(findings(&with_heat(&[switches], &[95])), ERROR, "{switches}");
        }
        let bank = with_heat(&["", ""], &[96, 88]);
        assert_eq!(findings(&bank), ERROR);
        assert_eq!(first_finding(&bank), "a heat sink has 95 °C or more: sim:0 96 °C");
        assert_eq!(findings(&with_heat(&["", ""], &[88, 87])), WARNING);
    }

    #[test]
    fn unit_hotter_than_sibling_is_reported() {
        let bank = with_heat(&["", ""], &[40, 60]);
        assert_eq!(findings(&bank), WARNING);
        assert_eq!(
            first_finding(&bank),
            "a heat sink is 20 °C hotter than that of a unit with similar work: sim:1 60 °C, sim:0 40 °C"
        );
        assert_eq!(findings(&with_heat(&["", ""], &[40, 59])), []);
        assert_eq!(findings(&with_heat(&["", ""], &[0, 40])), []);
    }

    #[test]
    fn unit_that_works_more_may_be_hotter() {
        let with_more = |watts: u32| {
            let mut bank = with_heat(&["mode=03&sun=30&load=600", "mode=03"], &[40, 65]);
            for unit in 0..2 {
                measure(&mut bank.units, unit, |status| status.pv1_power = Watts(100));
            }
            let status = bank.units[1].status.value_mut().unwrap();
            status.apparent_power.0 += watts;
            findings(&bank)
        };
        assert_eq!(with_more(1100), WARNING);
        assert_eq!(with_more(1300), []);
    }

    #[test]
    fn cause_of_heat_is_reported_once() {
        for warning in ["fan-locked", "over-temperature"] {
            let bank = with_heat(&["", &format!("warn={warning}")], &[40, 65]);
            assert_eq!(findings(&bank), [("warning", Severity::Warning)], "{warning}");
        }
        let bank = with_heat(&["", "warn=over-temperature"], &[40, 96]);
        assert_eq!(findings(&bank), ERROR);
        // A unit that has stopped cools.
        let bank = with_heat(&["", "fault=07"], &[60, 25]);
        assert_eq!(findings(&bank), [("fault", Severity::Error)]);
        let bank = with_heat(&["", "fault=02"], &[60, 99]);
        assert_eq!(findings(&bank), [("fault", Severity::Error)]);
    }
}
