//! The history, as JSON and CSV.

use axum::{
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::tz::TimeZone;

use super::place::Place;
use crate::{
    history::{self, AccessError, Answer, HistoryError, PARAMETERS, ReadError},
    http::{
        Refusal,
        app::{self, Shared},
    },
};

/// Answers with the history of a bank.
pub(super) async fn history(
    State(app): State<Shared>,
    place: Place,
    parameters: Result<Query<Vec<(String, String)>>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Refusal> {
    let bad = |text: String| Refusal::new(StatusCode::BAD_REQUEST, text);
    let bank = place.bank(&app)?.handle.snapshot().bank.to_string();
    let Query(parameters) = parameters.map_err(|error| bad(error.body_text()))?;
    for (number, (name, _)) in parameters.iter().enumerate() {
        let is_known = PARAMETERS.iter().any(|(known, _)| known == name);
        if !is_known || parameters.iter().take(number).any(|(before, _)| before == name) {
            let known: Vec<_> = PARAMETERS.iter().map(|(name, _)| *name).collect();
            let text =
                format!("expected each of {} at most once, found {name:?}", known.join(", "));
            return Err(bad(text));
        }
    }
    let is_csv = match parameters.iter().find(|(name, _)| name == "format").map(|(_, of)| &**of) {
        None | Some("json") => false,
        Some("csv") => true,
        Some(other) => return Err(bad(format!("format: expected json or csv, found {other:?}"))),
    };
    let zone = TimeZone::system();
    let pairs = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let query = history::Query::parse(pairs, app::now().wall, &zone);
    let query = query.map_err(|error| bad(error.to_string()))?;
    let Some(history) = &app.history else {
        let text = "the history is off; `history` in the configuration turns it on";
        return Err(Refusal::new(StatusCode::NOT_FOUND, text));
    };
    let media_type = if is_csv { "text/csv; charset=utf-8" } else { "application/json" };
    // An answer can have some megabytes, so that it is not written on the thread of all outputs.
    let form = move |answer: &Answer, zone: &TimeZone| {
        if is_csv { Ok(answer.csv(zone)) } else { serde_json::to_string(answer) }
    };
    let body = history.answer(bank, query, form).await.map_err(|error| refusal(&error))?;
    let body =
        body.map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, media_type)], body).into_response())
}

fn refusal(error: &AccessError) -> Refusal {
    let status = match error {
        AccessError::Read(ReadError::Query(_)) => StatusCode::BAD_REQUEST,
        AccessError::Read(
            ReadError::Nothing { .. } | ReadError::File(HistoryError::Missing { .. }),
        ) => StatusCode::NOT_FOUND,
        AccessError::Busy | AccessError::Read(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let retry_after = matches!(error, AccessError::Busy).then_some(1);
    Refusal { retry_after, ..Refusal::new(status, error.to_string()) }
}
