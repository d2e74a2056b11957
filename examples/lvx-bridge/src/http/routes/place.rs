//! The parts of a path that stand for any text.

use std::collections::HashMap;

use axum::{
    extract::{FromRequestParts, Path, rejection::PathRejection},
    http::{StatusCode, request::Parts},
};

use crate::http::{Refusal, app::App, feed::Feed};

/// The parts of a path that stand for any text.
pub(super) struct Place(HashMap<String, String>);

impl Place {
    /// Returns the bank that the path names, or the first one.
    pub(super) fn bank<'app>(&self, app: &'app App) -> Result<&'app Feed, Refusal> {
        app.bank(self.bank_name())
    }

    /// Returns the name of the bank; `None` for the first one.
    pub(super) fn bank_name(&self) -> Option<&str> {
        self.0.get("bank").map(String::as_str)
    }

    /// Returns a part.
    pub(super) fn part(&self, name: &str) -> Result<&str, Refusal> {
        let part = self.0.get(name).map(String::as_str);
        part.ok_or_else(|| {
            Refusal::new(StatusCode::NOT_FOUND, format!("expected a path with {name}"))
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Place {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Path::<HashMap<String, String>>::from_request_parts(parts, state).await {
            Ok(Path(parts)) => Ok(Self(parts)),
            Err(PathRejection::MissingPathParams(_)) => Ok(Self(HashMap::new())),
            // Without its parts, the path would be about the first bank.
            Err(rejection) => Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                format!("path: {}", rejection.body_text()),
            )),
        }
    }
}
