//! Sends an alert with `POST`.

use std::time::Duration;

use ureq::{Agent, http::Uri};

use crate::{config::Secret, loopback::is_loopback};

/// Largest head of an answer, in bytes. Its body is not read.
const MAX_HEAD: usize = 16 * 1024;

/// Sends a text, and expects a status from 200 to 299. Certificates are checked, redirects are not followed, and
/// plain HTTP goes to this computer only.
pub(super) fn post(
    url: &str,
    authorization: Option<&Secret>,
    timeout: Duration,
    text: &str,
) -> Result<(), String> {
    let uri: Uri = url.parse().map_err(|error| format!("expected a URL: {error}"))?;
    let is_local = uri.host().is_some_and(is_loopback);
    if uri.scheme_str() != Some("https") && !is_local {
        return Err("expected https, because the host is another one".to_owned());
    }
    let config = Agent::config_builder()
        .https_only(!is_local)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(timeout))
        .max_response_header_size(MAX_HEAD)
        .http_status_as_error(false)
        .build();
    let mut request = Agent::new_with_config(config)
        .post(uri)
        .header("content-type", "application/json")
        .header("connection", "close");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization.reveal());
    }
    let answer = request.send(text).map_err(|error| format!("cannot be sent: {error}"))?;
    let status = answer.status();
    if status.is_success() {
        Ok(())
    } else {
        Err(format!("expected a status from 200 to 299, found {}", status.as_u16()))
    }
}

/// Returns the host of a URL.
pub(super) fn host(url: &str) -> String {
    let uri = url.parse::<Uri>().ok();
    uri.as_ref().and_then(Uri::host).unwrap_or("(no host)").to_owned()
}
