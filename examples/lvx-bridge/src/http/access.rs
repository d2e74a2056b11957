//! What a client may do: by its address, its token, or its session.

use axum::http::{HeaderMap, StatusCode, header};
use tracing::info;

use super::{
    Refusal, Scope, Tokens,
    attempts::Attempts,
    digest::Digest,
    policy::{Reach, Visitor},
    session::Sessions,
    token::Verified,
};
use crate::Now;

/// A client that was identified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Access {
    /// What it may do.
    pub(super) scope: Scope,
    /// Name for the log and beside acknowledgements.
    pub(super) name: String,
    /// Token; `None` for a client on this machine that shows none.
    pub(super) token: Option<Digest>,
    /// Session; `None` without a cookie.
    pub(super) session: Option<Digest>,
}

/// Identifies clients.
#[derive(Debug)]
pub(super) struct Gate {
    /// Tokens.
    pub(super) tokens: Tokens,
    /// Sessions of browsers.
    pub(super) sessions: Sessions,
    /// Wrong tokens.
    pub(super) attempts: Attempts,
}

impl Gate {
    /// Creates the state.
    pub(super) fn new(tokens: Tokens) -> Self {
        Self { tokens, sessions: Sessions::default(), attempts: Attempts::default() }
    }

    /// Identifies a client by its headers; `None` if it shows nothing and is not on this machine.
    pub(super) fn identify(
        &self,
        visitor: &Visitor,
        headers: &HeaderMap,
        now: Now,
    ) -> Result<Option<Access>, Refusal> {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let token = value.to_str().ok().and_then(|value| {
                let (scheme, token) = value.split_once(' ')?;
                scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
            });
            let verified = self.check(token.unwrap_or_default(), visitor, now)?;
            return Ok(Some(Access::of(&verified, None)));
        }
        // A cookie that is no longer valid counts as none, so that the login form can be shown.
        let session = cookie(headers).map(Digest::of);
        let verified = session.as_ref().and_then(|id| self.sessions.token(id, now));
        if let Some(verified) = verified.and_then(|token| self.tokens.find(&token, now)) {
            return Ok(Some(Access::of(&verified, session)));
        }
        let name = if visitor.ip.is_none() { "unix socket" } else { "loopback" };
        Ok((visitor.reach != Reach::Remote).then(|| Access {
            scope: Scope::Read,
            name: name.to_owned(),
            token: None,
            session: None,
        }))
    }

    /// Checks a token, and counts wrong ones.
    pub(super) fn check(
        &self,
        token: &str,
        visitor: &Visitor,
        now: Now,
    ) -> Result<Verified, Refusal> {
        if let Some(wait) = self.attempts.wait(visitor.ip, now.instant) {
            let seconds = wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX);
            let text = format!("too many wrong tokens; wait {seconds} s");
            let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, text);
            return Err(Refusal { retry_after: Some(seconds), ..refusal });
        }
        self.tokens.verify(token, now).ok_or_else(|| {
            self.attempts.failed(visitor.ip, now.instant);
            info!(target: "lvx::audit", ip = ?visitor.ip, "wrong token");
            Refusal::new(
                StatusCode::UNAUTHORIZED,
                "expected a valid token; it may be wrong, expired or revoked",
            )
        })
    }

    /// Returns whether a client that was identified earlier still is: the token was not rotated or revoked, and the
    /// session has not ended.
    pub(super) fn is_valid(&self, access: &Access, now: Now) -> bool {
        access.token.is_none_or(|token| self.tokens.find(&token, now).is_some())
            && access.session.is_none_or(|session| self.sessions.token(&session, now).is_some())
    }
}

impl Access {
    fn of(token: &Verified, session: Option<Digest>) -> Self {
        Self { scope: token.scope, name: token.name.to_string(), token: Some(token.id), session }
    }
}

/// Returns the value of the session cookie.
pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// Name of the session cookie.
pub(super) const COOKIE: &str = "lvx_session";
