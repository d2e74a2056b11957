//! What happens around every request: the rules of [`Policy`](super::policy::Policy), who the client is, limits, and
//! the headers of the answer.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    Refusal, Scope,
    access::{Access, cookie},
    app::{self, Shared},
    peer::Peer,
    policy::{Reach, Visitor, check_origin},
};

/// Judges a request before its route sees it, and completes the answer.
pub(super) async fn all(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let judged = judge(&app, request);
    let is_ingress = judged.as_ref().is_ok_and(|(_, visitor)| visitor.is_ingress);
    let mut response = match judged {
        Ok((request, _)) => match tokio::time::timeout(MAX_TIME, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Refusal::new(StatusCode::REQUEST_TIMEOUT, "the request took too long")
                .into_response(),
        },
        Err(refusal) => refusal.into_response(),
    };
    app.counts.answer(response.status());
    secure(response.headers_mut(), is_ingress);
    // What follows a body in chunks, or a refused request, may be another request to one program and a part of this one
    // to another.
    if is_chunked || response.status().is_client_error() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Judges a request, and adds what is known about the client.
fn judge(app: &Shared, mut request: Request) -> Result<(Request, Visitor), Refusal> {
    let peer = request.extensions().get::<Peer>().copied();
    let peer = peer
        .ok_or_else(|| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the peer is not known"))?;
    let headers = request.headers();
    let mut visitor = app.policy.judge(peer, request.uri(), headers)?;
    // Browsers and programs use HTTP/1.1; some proxies ask in HTTP/1.0, and add no header that shows them.
    if request.version() < Version::HTTP_11 && visitor.reach == Reach::Local {
        visitor.reach = if visitor.ip.is_some() { Reach::Remote } else { Reach::Socket };
    }
    let access = app.gate.identify(&visitor, headers, app::now())?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        check_origin(&visitor, headers, cookie(headers).is_some())?;
    }
    let extensions = request.extensions_mut();
    extensions.insert(visitor.clone());
    extensions.insert(access);
    Ok((request, visitor))
}

/// Refuses a client that may not use a route.
pub(super) async fn route(
    State((app, scope)): State<(Shared, Scope)>,
    request: Request,
    next: Next,
) -> Response {
    let access = request.extensions().get::<Option<Access>>().and_then(Option::as_ref);
    match admit(&app, scope, access, request.extensions().get::<Visitor>()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Judges whether a client may do what a scope allows.
pub(super) fn admit(
    app: &Shared,
    scope: Scope,
    access: Option<&Access>,
    visitor: Option<&Visitor>,
) -> Result<(), Refusal> {
    let Some(access) = access else {
        let text = "expected a token; only programs on the bridge's machine read without one";
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, text));
    };
    if access.scope < scope {
        let status =
            if access.token.is_some() { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
        let text =
            format!("expected a token with the scope {scope}, found the scope {}", access.scope);
        return Err(Refusal::new(status, text));
    }
    let is_protected =
        visitor.is_some_and(|visitor| visitor.is_https || visitor.reach == Reach::Local);
    if scope == Scope::Control && !is_protected && !app.policy.allow_plain_control {
        let text = "expected TLS, because a token that others read in the network would give them control; \
                    http.allow_plain_control in the configuration allows it";
        return Err(Refusal::new(StatusCode::FORBIDDEN, text));
    }
    Ok(())
}

/// Adds security headers. There is no CORS header, so other sites cannot read.
fn secure(headers: &mut HeaderMap, is_ingress: bool) {
    // Home Assistant shows the server in a frame under its own name.
    let (frame, policy) = if is_ingress {
        (
            "SAMEORIGIN",
            "default-src 'self'; img-src 'self' data:; frame-ancestors 'self'; base-uri 'none'; form-action 'self'; object-src 'none'",
        )
    } else {
        (
            "DENY",
            "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'",
        )
    };
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_FRAME_OPTIONS, frame),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`, with which browsers send `Origin: null` from forms.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Greatest time until an answer begins.
const MAX_TIME: Duration = Duration::from_secs(15);
