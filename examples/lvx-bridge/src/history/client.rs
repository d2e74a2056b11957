//! Asks a running bridge.

use std::time::Duration;

use ureq::Agent;

use super::Answer;
use crate::config::Secret;

/// A bridge that is asked over HTTP.
#[derive(Clone, Debug)]
pub struct Bridge {
    /// URL of the bridge, with its base path, such as `http://solar.lan:8480`.
    pub url: String,
    /// Token; `None` on the machine of the bridge.
    pub token: Option<Secret>,
}

/// Why a bridge gave no answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ClientError(String);

impl Bridge {
    /// Asks for the history of a bank, or of the first one. `parameters` are those of
    /// [`PARAMETERS`](super::PARAMETERS).
    ///
    /// # Errors
    /// If the bridge cannot be reached, refuses, or answers in another form.
    pub fn history<'a>(
        &self,
        bank: Option<&str>,
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Answer, ClientError> {
        let base = self.url.trim_end_matches('/');
        let path = match bank {
            Some(bank) => format!("/api/v1/banks/{bank}/history"),
            None => "/api/v1/history".to_owned(),
        };
        let failed = |error: &dyn std::fmt::Display| ClientError(format!("{base}: {error}"));
        let config = Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_global(Some(MAX_TIME))
            .http_status_as_error(false)
            .build();
        let mut request = Agent::new_with_config(config).get(format!("{base}{path}"));
        for (name, value) in parameters {
            request = request.query(name, value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {}", token.reveal().trim()));
        }
        let mut answer = request.call().map_err(|error| failed(&error))?;
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(MAX_BODY).read_to_vec();
        let body = body.map_err(|error| failed(&error))?;
        if !status.is_success() {
            let refusal: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
            let why = refusal.as_ref().and_then(|refusal| refusal.get("error")?.as_str());
            let why = why.unwrap_or("expected a bridge, found another server");
            return Err(ClientError(format!("{base}: status {}: {why}", status.as_u16())));
        }
        serde_json::from_slice(&body)
            .map_err(|error| ClientError(format!("{base}: expected a history, found: {error}")))
    }
}

/// Greatest time of an answer.
const MAX_TIME: Duration = Duration::from_secs(30);

/// Greatest length of an answer in bytes.
const MAX_BODY: u64 = 32 << 20;
