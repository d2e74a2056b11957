//! Requests to the API of a bridge on this computer.

use std::{net::IpAddr, path::Path, time::Duration};

use ureq::{Agent, Body, http::Uri};

use crate::{input::read_text, terminal::Failure};

/// A bank of a bridge.
#[derive(Clone, Debug)]
pub(super) struct Bridge {
    /// Address of the bridge, as it was given.
    pub(super) url: String,
    /// Start of all addresses of the bank.
    bank: String,
    token: Option<String>,
}

impl Bridge {
    /// Checks the address of a bridge, such as `http://127.0.0.1:8480`, and reads the token.
    ///
    /// # Errors
    /// If it is not plain HTTP to this computer, because a token would be readable on the way; if there is no token in
    /// the file.
    pub(super) fn new(
        url: &str,
        bank: Option<&str>,
        token_file: Option<&Path>,
    ) -> Result<Self, Failure> {
        let expected = "expected http:// and a host of this machine, such as http://127.0.0.1:8480";
        let refused = || Failure::usage(format_args!("--bridge: {expected}, found {url:?}"));
        let uri: Uri = url.parse().map_err(|_| refused())?;
        let host = uri.host().unwrap_or_default();
        let is_plain = uri.scheme_str() == Some("http") && uri.query().is_none();
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if !is_plain || has_user || !is_loopback(host) {
            return Err(refused().with_message(
                "for a bridge on another machine: ssh -L 8480:127.0.0.1:8480 HOST, then \
                 --bridge http://127.0.0.1:8480",
            ));
        }
        let bank = match bank {
            None => String::new(),
            Some(bank) if bank.chars().all(is_name) => format!("/banks/{bank}"),
            Some(bank) => {
                let expected = "expected letters, digits, - and _";
                return Err(Failure::usage(format_args!("--bank: {expected}, found {bank:?}")));
            }
        };
        let url = url.trim_end_matches('/').to_owned();
        Ok(Self { bank: format!("{url}/api/v1{bank}"), url, token: token(token_file)? })
    }

    /// Asks for something about the bank. `path` is `/events`, for example.
    ///
    /// # Errors
    /// If there is no answer with the status 200: why, for people.
    pub(super) fn get(&self, path: &str, media_type: &str) -> Result<Body, String> {
        let config = Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_connect(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE))
            // The bridge sends at least the time every five seconds.
            .timeout_per_read(Some(PATIENCE))
            .http_status_as_error(false)
            .build();
        let address = format!("{}{path}", self.bank);
        let mut request = Agent::new_with_config(config).get(address).header("accept", media_type);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answer = request.call().map_err(|error| error.to_string())?;
        match answer.status().as_u16() {
            200 => Ok(answer.into_body()),
            401 | 403 => Err("it expects a token: --token-file".to_owned()),
            404 => Err("it has no such bank".to_owned()),
            status => Err(format!("expected status 200, found {status}")),
        }
    }
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Returns the token of a file, or of the environment.
fn token(file: Option<&Path>) -> Result<Option<String>, Failure> {
    let (place, text) = match file {
        Some(path) => (path.display().to_string(), read_text(path, MAX_TOKEN)?),
        None => match std::env::var("LVX_BRIDGE_TOKEN") {
            Ok(token) if !token.is_empty() => ("LVX_BRIDGE_TOKEN".to_owned(), token),
            _ => return Ok(None),
        },
    };
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        // The token itself is not shown.
        let expected = "expected a token of `lvx bridge token create`, found something else";
        return Err(Failure::usage(format_args!("{place}: {expected}")));
    }
    Ok(Some(token.to_owned()))
}

/// Longest time without a word of the bridge.
const PATIENCE: Duration = Duration::from_secs(12);
/// Longest token in bytes.
const MAX_TOKEN: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bridge_is_on_this_machine() {
        for url in ["http://127.0.0.1:8480", "http://localhost:8480/", "http://[::1]:8480"] {
            let bridge = Bridge::new(url, Some("main"), None).unwrap();
            assert!(bridge.bank.ends_with("0/api/v1/banks/main"), "{bridge:?}");
        }
        for url in [
            "https://127.0.0.1",
            "http://192.0.2.1:8480",
            "127.0.0.1:8480",
            "http://a@localhost",
            "",
        ] {
            assert!(Bridge::new(url, None, None).is_err(), "{url}");
        }
        assert!(Bridge::new("http://localhost", Some("a/b"), None).is_err());
    }
}
