//! `load`: no unit supplies more than its rated power.
//!
//! Compares the load of each unit, as a share of its rated power, with a limit. The load counts only if `GS`
//! and the unit's own `PGSn` both show it, so that a motor that starts is not reported. In a bank with phases,
//! a phase may be overloaded while another one has room. The total load of `PGSn` is not judged: it exceeds
//! the limit only if the load of a unit does.
//!
//! Limits: `load_high`, 100 %, the rated power; `load_severe`, 150 %, and `load_low`, 50 %. Source: makers'
//! manuals, which give 10 s at 110 to 150 % of the rated power, and 5 s above (from memory, so assumed).

use crate::{
    Finding, FindingKind, Severity,
    context::{Context, Measured, OutputGroup},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "load",
    "a unit supplies more than its rated power (load_high, load_severe, load_low)",
    "PI18 2017 and 2022, \"GS\", output load; the limit is the rated power; others assumed",
    &[&SEVERE, &ON_PHASE, &HIGH],
    check,
);

static SEVERE: FindingKind = FindingKind::new(
    Severity::Error,
    "a unit's load is above load_severe in both readings",
    "the unit stops with fault 07 within seconds, and its cables and breakers may be overloaded",
    &[
        "switch loads off now, those with heating elements or motors first",
        "check that the other units of the bank carry their share",
    ],
);

static ON_PHASE: FindingKind = FindingKind::new(
    Severity::Warning,
    "a unit's load is above load_high in both readings, and no unit of another phase has more than load_low",
    "the unit stops with fault 07 if the overload continues, although the other phases have room",
    &[
        "switch off loads of this phase, those with heating elements or motors first",
        "have an electrician move circuits to a phase with less load",
    ],
);

static HIGH: FindingKind = FindingKind::new(
    Severity::Warning,
    "a unit's load is above load_high in both readings",
    "the unit stops with fault 07 if the overload continues",
    &[
        "switch loads off, those with heating elements or motors first",
        "check that the other units of the bank carry their share",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let thresholds = context.thresholds();
    let max = thresholds.load_high;
    let is_above = |max| {
        move |each: &Measured<'_>| each.lasts(|s| s.load_percent > max, |s| s.load_percent > max)
    };
    let (is_high, is_severe) = (is_above(max), is_above(thresholds.load_severe));
    let high: Vec<_> = context.measured.iter().filter(|each| is_high(each)).collect();
    if high.is_empty() {
        return Vec::new();
    }
    let values = high.iter().map(|each| each.value(each.status.load_percent)).collect();
    let (low, highs): (Vec<_>, Vec<_>) = context
        .output_groups()
        .into_iter()
        .partition(|group| !group.units.iter().any(|each| is_high(each)));
    let has_room = |group: &OutputGroup<'_, '_>| {
        group.units.iter().all(|each| each.status.load_percent <= thresholds.load_low)
    };
    let (kind, max, place) = if high.iter().any(|each| is_severe(each)) {
        (&SEVERE, thresholds.load_severe, String::new())
    } else if let ([phase], false, true) =
        (highs.as_slice(), low.is_empty(), low.iter().all(has_room))
    {
        (&ON_PHASE, max, phase.place())
    } else {
        (&HIGH, max, String::new())
    };
    vec![RULE.report(kind, format!("load{place} above {max} of the rated power"), values)]
}

#[cfg(test)]
mod tests {
    use pi18_proto::Percent;

    use crate::{
        BankSnapshot, Severity,
        rules::testing::{bank_of, findings, first_finding, healthy},
    };

    /// Sets the load of a unit in both readings.
    fn set_load(bank: &mut BankSnapshot, unit: usize, percent: u16) {
        bank.units[unit].status.value_mut().unwrap().load_percent = Percent(percent);
        bank.units[unit].statuses[unit].value_mut().unwrap().load_percent = Percent(percent);
    }

    #[test]
    fn load_above_rated_power_in_both_readings_is_reported() {
        let mut bank = healthy();
        bank.units[1].status.value_mut().unwrap().load_percent = Percent(104);
        assert_eq!(findings(&bank), []);
        bank.units[1].statuses[1].value_mut().unwrap().load_percent = Percent(103);
        assert_eq!(findings(&bank), [("load", Severity::Warning)]);
        assert_eq!(first_finding(&bank), "load above 100 % of the rated power: sim:1 104 %");
    }

    #[test]
    fn warning_of_overload_is_reported_once() {
        let mut bank = bank_of(&["", "warn=overload"]);
        assert_eq!(findings(&bank), [("warning", Severity::Warning)]);
        set_load(&mut bank, 0, 110);
        let both = [("warning", Severity::Warning), ("load", Severity::Warning)];
        assert_eq!(findings(&bank), both);
        set_load(&mut bank, 1, 120);
        assert_eq!(findings(&bank), [("load", Severity::Warning)]);
    }

    #[test]
    fn severe_overload_is_an_error() {
        let mut bank = bank_of(&["rated=24&edition=2017"]);
        set_load(&mut bank, 0, 150);
        assert_eq!(findings(&bank), [("load", Severity::Warning)]);
        set_load(&mut bank, 0, 151);
        assert_eq!(findings(&bank), [("load", Severity::Error)]);
        assert_eq!(first_finding(&bank), "load above 150 % of the rated power: sim:0 151 %");
    }

    #[test]
    fn overloaded_phase_is_named_if_others_have_room() {
        let with = |loads: [u16; 3]| {
            let mut bank = bank_of(&["output-mode=2", "output-mode=3", "output-mode=4"]);
            for (unit, percent) in loads.into_iter().enumerate() {
                set_load(&mut bank, unit, percent);
            }
            assert_eq!(findings(&bank), [("load", Severity::Warning)]);
            first_finding(&bank)
        };
        let text = "load on phase 2 of 3 above 100 % of the rated power: sim:1 120 %";
        assert_eq!(with([50, 120, 10]), text);
        assert_eq!(with([60, 120, 10]), text.replace(" on phase 2 of 3", ""));
    }
}
