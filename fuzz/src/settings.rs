//! Properties of profiles, plans and journals, which a user can edit.

use std::time::Instant;

use lvx_settings::{
    Action, Apply, Diagnostics, Event, Options, ParsedProfile, Past, Permissions, Plan, Profile,
    ResumeMode, Unit, broken_rules, validate, validate_for,
};
use pi18_proto::{
    Defaults, FirmwareVersions, Flags, GeneralStatus, MaxAcChargeCurrents, MaxChargeCurrents,
    Model, RatedInformation, Reply, SerialNumber, WorkingMode,
};

/// Parses a profile.
///
/// Each diagnostic has a span within the text and is displayed without control characters. A valid
/// profile round-trips.
///
/// # Panics
/// If the property is violated.
pub fn profile(data: &[u8]) {
    let parsed = match Profile::parse_bytes("any", data) {
        Ok(parsed) => parsed,
        Err(found) => {
            assert!(found.has_errors());
            return check_found(&found);
        }
    };
    let permissions = Permissions::default();
    check_found(&validate(&parsed, &permissions));
    check_found(&validate_for(&parsed, &unit(), &permissions));
    let text = parsed.profile().to_yaml();
    let again = Profile::parse("again", &text).map(ParsedProfile::into_profile);
    assert_eq!(again.as_ref(), Ok(parsed.profile()), "{text}");
}

fn check_found(found: &Diagnostics) {
    for diagnostic in found {
        for label in &diagnostic.labels {
            assert!(found.text().get(label.span.clone()).is_some(), "{diagnostic:?}");
        }
    }
    let printed = found.to_string();
    assert!(printed.chars().all(|c| c == '\n' || !c.is_control()), "{printed:?}");
}

/// Parses the JSON of a plan.
///
/// The steps of an accepted plan break no rule that was satisfied before, and reach the target settings.
///
/// # Panics
/// If the property is violated.
pub fn plan(data: &[u8]) {
    let Ok(plan) = serde_json::from_slice::<Plan>(data) else { return };
    let shown = format!("{plan}{:?}", plan.warnings());
    assert!(!shown.is_empty());
    match plan.check() {
        Err(error) => assert!(error.is_plan() && !error.to_string().is_empty()),
        Ok(()) => check_plan(&plan),
    }
}

fn check_plan(plan: &Plan) {
    let battery = plan.battery.as_ref();
    let starts = plan.settings_after(0);
    for count in 0..=plan.steps.len() {
        for (start, state) in starts.iter().zip(plan.settings_after(count)) {
            let before = broken_rules(start, battery);
            for rule in broken_rules(&state, battery) {
                assert!(before.iter().any(|known| known.rule == rule.rule), "{rule}");
            }
        }
    }
    let ends = plan.settings_after(plan.steps.len());
    for (planned, end) in plan.units.iter().zip(ends) {
        assert!(end.satisfy(&planned.target));
    }
    let text = serde_json::to_vec(plan).unwrap_or_default();
    assert_eq!(serde_json::from_slice::<Plan>(&text).ok().as_ref(), Some(plan));
}

/// Parses a journal.
///
/// The position that is read from a journal is within its plan, and a truncated journal is accepted
/// too. A run that resumes at this position reads the units before it writes.
///
/// # Panics
/// If the property is violated.
pub fn journal(data: &[u8]) {
    let Ok(past) = Past::parse(data) else { return };
    check_past(&past);
    let head = data.iter().position(|&byte| byte == b'\n').map_or(data.len(), |end| end + 1);
    for cut in (head..data.len()).step_by(7) {
        match Past::parse(&data[..cut]) {
            Ok(earlier) => assert!(past.records.starts_with(&earlier.records)),
            Err(error) => panic!("cut at {cut}: {error}"),
        }
    }
}

fn check_past(past: &Past) {
    let progress = past.progress();
    let steps = past.plan.steps.len();
    assert!(progress.at_most <= steps.max(1), "{progress:?}");
    for mode in [ResumeMode::Finish, ResumeMode::Undo] {
        let mut apply =
            Apply::resume(past.plan.clone(), Options::default(), progress.clone(), mode);
        if progress.in_flight {
            assert!(matches!(apply.next_action(), Action::Pause(_)));
            apply.handle(Event::Paused, Instant::now());
        }
        assert!(matches!(apply.next_action(), Action::Survey { .. }));
    }
}

/// Returns a unit with the sample replies.
fn unit() -> Unit {
    fn sample<R: Reply>() -> R {
        R::decode(R::SAMPLE.as_bytes()).unwrap_or_else(|error| panic!("{}: {error}", R::MNEMONIC))
    }
    let Some(serial_number) = SerialNumber::new("96132206100410") else {
        panic!("expected a serial number")
    };
    let mut unit = Unit::new(
        serial_number,
        sample::<FirmwareVersions>(),
        sample::<RatedInformation>(),
        WorkingMode::HYBRID,
        sample::<GeneralStatus>(),
    );
    unit.model = Some(Model::V2_LV);
    unit.flags = Some(sample::<Flags>());
    unit.ac_charge_window = Some(sample());
    unit.ac_load_window = Some(sample());
    unit.defaults = Some(sample::<Defaults>());
    unit.max_charge_currents = Some(sample::<MaxChargeCurrents>().currents);
    unit.max_ac_charge_currents = Some(sample::<MaxAcChargeCurrents>().currents);
    unit
}
