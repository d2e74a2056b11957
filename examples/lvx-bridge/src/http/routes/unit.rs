//! What can be kept about one unit: its settings as a profile, and the last traffic of its link.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use lvx_parallel::Reason;
use lvx_settings::{Profile, Unit};
use pi18_proto::{AnyReply, SerialNumber};
use tokio::sync::oneshot;

use super::place::Place;
use crate::{
    Now, Request, RequestError, Snapshot,
    http::{
        Refusal,
        app::{self, Shared},
    },
    state::UnitView,
};

/// Answers with the settings of a unit, as a profile with comments.
pub(super) async fn profile(State(app): State<Shared>, place: Place) -> Result<Response, Refusal> {
    let bank = place.bank(&app)?.handle.snapshot();
    let view = find(&bank, &place)?;
    let unit = unit(view, app::now())?;
    let text = Profile::from_unit(&unit).commented(&unit);
    Ok(file(view.serial, "yaml", "application/yaml", text.into_bytes()))
}

/// Answers with the last traffic of the link of a unit, as a capture.
pub(super) async fn capture(State(app): State<Shared>, place: Place) -> Result<Response, Refusal> {
    let feed = place.bank(&app)?;
    let unit = find(&feed.handle.snapshot(), &place)?.serial;
    let (reply, answer) = oneshot::channel();
    feed.handle.send(Request::Capture { unit, reply })?;
    let lines = answer.await.unwrap_or(Err(RequestError::Busy))?;
    Ok(file(unit, "jsonl", "application/jsonl", lines))
}

/// Returns the unit that the path names.
fn find<'bank>(bank: &'bank Snapshot, place: &Place) -> Result<&'bank UnitView, Refusal> {
    let serial = place.part("serial")?;
    let found = bank.units.iter().find(|unit| unit.serial.as_str() == serial);
    found.map(AsRef::as_ref).ok_or_else(|| {
        let known: Vec<_> = bank.units.iter().map(|unit| unit.serial.to_string()).collect();
        let text = format!("unit: expected one of {}", known.join(", "));
        Refusal::new(StatusCode::NOT_FOUND, text)
    })
}

/// Returns what was read of a unit. Nothing that a profile needs may be old or missing, unless the unit refuses the
/// question.
fn unit(view: &UnitView, now: Now) -> Result<Unit, Refusal> {
    let missing = |question: &str| {
        let text = format!(
            "the settings are not known now: expected a recent answer to {question}, found none"
        );
        Refusal::new(StatusCode::CONFLICT, text)
    };
    let find = |question: &str| {
        if let Some((reply, _)) = view.fresh(question, now.instant) {
            return Ok(Some(*reply));
        }
        let failure = view.held(question).and_then(|held| held.failure.as_ref());
        let is_refused = failure.is_some_and(|gap| gap.reason == Reason::Refused);
        if is_refused { Ok(None) } else { Err(missing(question)) }
    };
    /// Returns the reply of one kind.
    macro_rules! reply {
        ($name:ident, $question:literal) => {
            match find($question)? {
                Some(AnyReply::$name(reply)) => Some(reply),
                _ => None,
            }
        };
    }
    let firmware = reply!(FirmwareVersions, "VFW").ok_or_else(|| missing("VFW"))?;
    let rated = reply!(RatedInformation, "PIRI").ok_or_else(|| missing("PIRI"))?;
    let mode = reply!(Mode, "MOD").ok_or_else(|| missing("MOD"))?;
    let status = reply!(GeneralStatus, "GS").ok_or_else(|| missing("GS"))?;
    let mut unit = Unit::new(view.serial, firmware, rated, mode.working_mode, status);
    unit.flags = Some(reply!(Flags, "FLAG").ok_or_else(|| missing("FLAG"))?);
    unit.model = reply!(MachineModel, "GMN").map(|reply| reply.model);
    unit.ac_charge_window = reply!(AcChargeWindow, "ACCT");
    unit.ac_load_window = reply!(AcLoadWindow, "ACLT");
    unit.defaults = reply!(Defaults, "DI");
    unit.max_charge_currents = reply!(MaxChargeCurrents, "MCHGCR").map(|list| list.currents);
    unit.max_ac_charge_currents = reply!(MaxAcChargeCurrents, "MUCHGCR").map(|list| list.currents);
    Ok(unit)
}

/// Returns a file that browsers save.
fn file(serial: SerialNumber, end: &str, media_type: &'static str, content: Vec<u8>) -> Response {
    let mut response = content.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    // A serial number has only digits and letters.
    let name = HeaderValue::from_str(&format!("attachment; filename=\"lvx-{serial}.{end}\""));
    headers.extend(name.map(|name| (header::CONTENT_DISPOSITION, name)));
    response
}
