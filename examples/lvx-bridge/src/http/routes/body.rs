//! JSON bodies.

use axum::{
    Json,
    extract::{FromRequest, Request, rejection::JsonRejection},
    http::StatusCode,
};
use serde::de::DeserializeOwned;

use crate::http::Refusal;

/// A body of JSON with the media type `application/json`, which forms of other web sites cannot send.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        match Json::from_request(request, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(JsonRejection::MissingJsonContentType(_)) => {
                let text = "expected a body with Content-Type: application/json";
                Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text))
            }
            Err(rejection) => {
                Err(Refusal::new(rejection.status(), format!("body: {}", rejection.body_text())))
            }
        }
    }
}
