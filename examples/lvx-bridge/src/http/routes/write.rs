//! Routes that change something.

use axum::{Extension, Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value as Json_, json};
use tokio::sync::oneshot;

use super::{body::Body, place::Place};
use crate::{
    Request, RequestError,
    http::{Refusal, access::Access, app::Shared},
};

/// Body of an acknowledgement.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Acknowledge {
    /// Whether the alert is acknowledged; false takes the acknowledgement back.
    ack: bool,
}

/// Body without content.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Acknowledges an alert, or takes the acknowledgement back.
pub(super) async fn acknowledge(
    State(app): State<Shared>,
    Extension(access): Extension<Option<Access>>,
    place: Place,
    Body(Acknowledge { ack }): Body<Acknowledge>,
) -> Result<Json<Json_>, Refusal> {
    let by = name(access);
    let id = place.part("id")?.to_owned();
    let feed = place.bank(&app)?;
    tracing::info!(target: "lvx::audit", by, id, ack, "acknowledge");
    let (reply, answer) = oneshot::channel();
    feed.handle.send(Request::Acknowledge { id, by, is_acknowledged: ack, reply })?;
    received(answer).await?;
    Ok(Json(json!({ "ack": ack })))
}

/// Raises a test alert, which clears after a minute.
pub(super) async fn test_alert(
    State(app): State<Shared>,
    Extension(access): Extension<Option<Access>>,
    place: Place,
    Body(Nothing {}): Body<Nothing>,
) -> Result<(StatusCode, Json<Json_>), Refusal> {
    let by = name(access);
    tracing::info!(target: "lvx::audit", by, "test alert");
    place.bank(&app)?.handle.send(Request::TestAlert { by })?;
    Ok((StatusCode::ACCEPTED, Json(json!({}))))
}

fn name(access: Option<Access>) -> String {
    access.map_or_else(|| "unknown".to_owned(), |access| access.name)
}

/// Waits for the answer of the core, which may have ended.
pub(super) async fn received(
    answer: oneshot::Receiver<Result<(), RequestError>>,
) -> Result<(), RequestError> {
    answer.await.unwrap_or(Err(RequestError::Busy))
}
