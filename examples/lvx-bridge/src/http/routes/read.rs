//! Routes that read.

use std::sync::Arc;

use axum::{Extension, Json, extract::State, http::header, response::IntoResponse};
use serde_json::{Value as Json_, json};

use super::place::Place;
use crate::{
    Snapshot,
    http::{
        Refusal, Scope,
        access::Access,
        app::{self, App, Shared},
        counters, document, guard,
        policy::Visitor,
    },
    metrics,
};

/// Answers with the whole document of a bank.
pub(super) async fn bank(State(app): State<Shared>, place: Place) -> Result<Json<Json_>, Refusal> {
    Ok(Json(place.bank(&app)?.document(app::now())))
}

/// Answers with the list of banks.
pub(super) async fn banks(State(app): State<Shared>) -> Json<Json_> {
    let now = app::now();
    let banks = snapshots(&app);
    Json(
        json!({ "api": document::API, "banks": banks.iter().map(|bank| document::summary(bank, now)).collect::<Vec<_>>() }),
    )
}

/// Answers with the table of values.
pub(super) async fn entities() -> Json<Json_> {
    Json(document::entities())
}

/// Answers with what the client may do, so that a page offers nothing that would be refused.
pub(super) async fn access(
    State(app): State<Shared>,
    Extension(access): Extension<Option<Access>>,
    Extension(visitor): Extension<Visitor>,
) -> Json<Json_> {
    let may = |scope| guard::admit(&app, scope, access.as_ref(), Some(&visitor)).is_ok();
    Json(json!({
        "name": access.as_ref().map_or("", |access| access.name.as_str()),
        "session": access.as_ref().is_some_and(|access| access.session.is_some()),
        "acknowledge": may(Scope::Acknowledge),
        "control": may(Scope::Control),
    }))
}

/// Answers with the description of the API.
pub(super) async fn openapi(State(app): State<Shared>) -> Json<Json_> {
    Json((app.openapi)())
}

/// Answers with the settings of a bank that can be changed.
pub(super) async fn settings(
    State(app): State<Shared>,
    place: Place,
) -> Result<Json<Json_>, Refusal> {
    Ok(Json(document::settings(&place.bank(&app)?.handle.snapshot())))
}

/// Answers with the metrics.
pub(super) async fn metrics(State(app): State<Shared>) -> impl IntoResponse {
    let mut text = metrics::write(&snapshots(&app), app::now());
    metrics::write_mqtt(&mut text, app.banks.iter().map(|feed| &feed.handle), app::now());
    counters::write(&mut text, &app.counts);
    if let Some(history) = &app.history {
        history.write_metrics(&mut text);
    }
    ([(header::CONTENT_TYPE, metrics::MEDIA_TYPE)], text.finish())
}

/// Answers whether the process is alive and its snapshots are recent. Anyone may ask, so it says nothing else.
pub(super) async fn health(State(app): State<Shared>) -> impl IntoResponse {
    let now = app::now();
    let is_overdue = snapshots(&app).iter().any(|bank| bank.is_overdue(now));
    let (status, text) = if is_overdue {
        (axum::http::StatusCode::SERVICE_UNAVAILABLE, "overdue")
    } else {
        (axum::http::StatusCode::OK, "ok")
    };
    (status, Json(json!({ "status": text })))
}

fn snapshots(app: &App) -> Vec<Arc<Snapshot>> {
    app.banks.iter().map(|feed| feed.handle.snapshot()).collect()
}
