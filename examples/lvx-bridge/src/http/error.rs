//! Errors: why the server cannot start, and answers that refuse a request.

use std::{io, path::PathBuf};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::RequestError;

/// Why the HTTP server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on, for example because another program uses the port.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Address or path.
        address: String,
        /// Error of the system.
        source: io::Error,
    },
    /// Another program listens on the Unix socket.
    #[error("unix_socket {0}: another program listens on it; stop it, or choose another path")]
    SocketInUse(PathBuf),
    /// A setting of the server cannot be used.
    #[error("{0}")]
    Config(String),
}

impl StartError {
    /// Returns whether waiting can help: another program may release the port.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Config(_))
    }
}

/// An answer that refuses a request: a status, and a sentence for people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Refusal {
    /// Status.
    pub(super) status: StatusCode,
    /// Sentence for people.
    pub(super) text: String,
    /// Seconds after which it can be tried again.
    pub(super) retry_after: Option<u64>,
}

impl Refusal {
    /// Creates an answer.
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), retry_after: None }
    }
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        let status = match error {
            RequestError::Busy => StatusCode::SERVICE_UNAVAILABLE,
            RequestError::Unknown(_) => StatusCode::NOT_FOUND,
            RequestError::Refused(_) => StatusCode::CONFLICT,
        };
        Self::new(status, error.to_string())
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Json(serde_json::json!({ "error": self.text }));
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
