//! The login form for browsers, which works without scripts.

use axum::{
    Extension, Form,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde::Deserialize;
use tracing::info;

use crate::http::{
    Refusal,
    access::{Access, COOKIE, cookie},
    app::{self, Shared},
    digest::{Digest, random_hex},
    policy::{Visitor, check_origin},
    session::MAX_AGE,
};

/// Fields of the form.
#[derive(Deserialize)]
pub(super) struct Fields {
    token: String,
}

/// Shows the form, or who is logged in.
pub(super) async fn form(
    Extension(visitor): Extension<Visitor>,
    Extension(access): Extension<Option<Access>>,
) -> Html<String> {
    page(&visitor, access.filter(|access| access.session.is_some()).as_ref(), None)
}

/// Begins a session.
pub(super) async fn login(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Form(Fields { token }): Form<Fields>,
) -> Result<Response, Refusal> {
    check_origin(&visitor, &headers, true)?;
    let now = app::now();
    let verified = match app.gate.check(token.trim(), &visitor, now) {
        Ok(verified) => verified,
        Err(refusal) => {
            let mut response =
                (refusal.status, page(&visitor, None, Some(&refusal.text))).into_response();
            if let Some(seconds) = refusal.retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            return Ok(response);
        }
    };
    let id = random_hex()?;
    if let Some(old) = cookie(&headers) {
        app.gate.sessions.end(&Digest::of(old));
    }
    app.gate.sessions.begin(Digest::of(&id), &verified, now);
    info!(target: "lvx::audit", by = %verified.name, ip = ?visitor.ip, "login");
    with_cookie(see_other(&visitor, "/"), &visitor, &id, MAX_AGE.as_secs())
}

/// Ends the session.
pub(super) async fn logout(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    check_origin(&visitor, &headers, true)?;
    if let Some(id) = cookie(&headers) {
        app.gate.sessions.end(&Digest::of(id));
    }
    with_cookie(see_other(&visitor, "/login"), &visitor, "", 0)
}

/// Sets the cookie of the session. Scripts cannot read it, and other web sites cannot make a browser send it.
fn with_cookie(
    mut response: Response,
    visitor: &Visitor,
    id: &str,
    seconds: u64,
) -> Result<Response, Refusal> {
    let path = if visitor.base_path.is_empty() { "/" } else { &visitor.base_path };
    let secure = if visitor.is_https { "; Secure" } else { "" };
    let text =
        format!("{COOKIE}={id}; Path={path}; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    let value = HeaderValue::try_from(text)
        .map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    response.headers_mut().insert(header::SET_COOKIE, value);
    Ok(response)
}

/// Leads to another path of the server.
pub(super) fn see_other(visitor: &Visitor, path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, format!("{}{path}", visitor.base_path))])
        .into_response()
}

/// Returns the page. Its variable parts are a checked path, a name of a token, and a text of this program, none of which
/// has characters with a meaning in HTML.
fn page(visitor: &Visitor, access: Option<&Access>, problem: Option<&str>) -> Html<String> {
    let base = &visitor.base_path;
    let problem = problem.map(|text| format!("<p role=\"alert\">{text}</p>")).unwrap_or_default();
    let content = match access {
        Some(Access { name, scope, .. }) => format!(
            "<p>You are logged in with the token <b>{name}</b> ({scope}). <a href=\"{base}/\">To the page</a></p>\
             <form method=\"post\" action=\"{base}/logout\"><button>Log out</button></form>"
        ),
        None => format!(
            "{problem}<form method=\"post\" action=\"{base}/login\">\
             <label>Token <input name=\"token\" type=\"password\" autocomplete=\"current-password\" required></label> \
             <button>Log in</button></form>"
        ),
    };
    Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>lvx: log in</title><link rel=\"stylesheet\" href=\"{base}/page/app.css\">\
         <main class=\"boot\"><h1>lvx bridge</h1>{content}</main></html>"
    ))
}
