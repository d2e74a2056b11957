//! The routes: one row each.

mod body;
mod change;
mod events;
mod history;
mod login;
pub(super) mod page;
mod place;
mod read;
mod unit;
mod write;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware,
    routing::{MethodRouter, get, post},
};

use super::{Refusal, Scope, app::Shared, guard};

/// A route.
pub(super) struct Route {
    /// Method in lower case.
    pub(super) method: &'static str,
    /// Path; a part in braces stands for any text.
    pub(super) path: &'static str,
    /// What a client must be allowed to do; `None` if anyone may use the route.
    pub(super) scope: Option<Scope>,
    /// What it does.
    pub(super) summary: &'static str,
    /// Media type and schema of the body; empty if it has none.
    pub(super) body: (&'static str, &'static str),
    /// Status, media type and schema of the answer.
    pub(super) answer: (u16, &'static str, &'static str),
    handler: fn() -> MethodRouter<Shared>,
}

/// Writes the rows.
macro_rules! routes {
    ($(
        // Method and path.
        $method:ident $path:literal,
        // What a client must be allowed to do, and the handler.
        $scope:expr, $handler:path,
        // What it does.
        $summary:literal,
        // Media type and schema of the body, then status, media type and schema of the answer.
        $body:expr => $answer:expr;
    )*) => {
        &[$(Route {
            method: stringify!($method),
            path: $path,
            scope: $scope,
            summary: $summary,
            body: $body,
            answer: $answer,
            handler: || $method($handler),
        }),*]
    };
}

const NONE: Option<Scope> = None;
const READ: Option<Scope> = Some(Scope::Read);
const ACKNOWLEDGE: Option<Scope> = Some(Scope::Acknowledge);
const CONTROL: Option<Scope> = Some(Scope::Control);
const EMPTY: (&str, &str) = ("", "");
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const HTML: &str = "text/html";

/// All routes. Those of a bank are there twice: for the first bank, and for each bank by its name.
#[rustfmt::skip]
pub(super) const ROUTES: &[Route] = routes! {
    get "/", NONE, page::index, "the page for browsers", EMPTY => (200, HTML, "");
    get "/page/{file}", NONE, page::file, "a file of the page", EMPTY => (200, "", "");
    get "/login", NONE, login::form, "login form", EMPTY => (200, HTML, "");
    post "/login", NONE, login::login, "begins a session", (FORM, "Login") => (303, "", "");
    post "/logout", NONE, login::logout, "ends the session", EMPTY => (303, "", "");
    get "/healthz", NONE, read::health, "whether the bridge works", EMPTY => (200, JSON, "Health");
    get "/metrics", READ, read::metrics, "metrics for Prometheus", EMPTY => (200, "text/plain", "");
    get "/api/v1/openapi.json", READ, read::openapi, "this description", EMPTY => (200, JSON, "OpenApi");
    get "/api/v1/access", READ, read::access, "what this client may do", EMPTY => (200, JSON, "Access");
    get "/api/v1/entities", READ, read::entities, "what each value means", EMPTY => (200, JSON, "Entities");
    get "/api/v1/banks", READ, read::banks, "list of the banks", EMPTY => (200, JSON, "Banks");
    get "/api/v1/bank", READ, read::bank, "state of a bank", EMPTY => (200, JSON, "Bank");
    get "/api/v1/banks/{bank}", READ, read::bank, "state of a bank", EMPTY => (200, JSON, "Bank");
    get "/api/v1/events", READ, events::events, "changes as they happen", EMPTY => (200, "text/event-stream", "");
    get "/api/v1/banks/{bank}/events", READ, events::events, "changes as they happen", EMPTY => (200, "text/event-stream", "");
    get "/api/v1/history", READ, history::history, "what was read in the past", EMPTY => (200, JSON, "History");
    get "/api/v1/banks/{bank}/history", READ, history::history, "what was read in the past", EMPTY => (200, JSON, "History");
    get "/api/v1/settings", READ, read::settings, "settings that can be changed", EMPTY => (200, JSON, "Settings");
    get "/api/v1/banks/{bank}/settings", READ, read::settings, "settings that can be changed", EMPTY => (200, JSON, "Settings");
    get "/api/v1/units/{serial}/profile", READ, unit::profile, "settings of a unit as a profile", EMPTY => (200, "application/yaml", "");
    get "/api/v1/banks/{bank}/units/{serial}/profile", READ, unit::profile, "settings of a unit as a profile", EMPTY => (200, "application/yaml", "");
    get "/api/v1/units/{serial}/capture", READ, unit::capture, "last traffic of the link of a unit", EMPTY => (200, "application/jsonl", "");
    get "/api/v1/banks/{bank}/units/{serial}/capture", READ, unit::capture, "last traffic of the link of a unit", EMPTY => (200, "application/jsonl", "");
    post "/api/v1/settings/{key}/plan", CONTROL, change::plan, "shows what would be written", (JSON, "Wish") => (200, JSON, "Plan");
    post "/api/v1/banks/{bank}/settings/{key}/plan", CONTROL, change::plan, "shows what would be written", (JSON, "Wish") => (200, JSON, "Plan");
    post "/api/v1/settings/{key}", CONTROL, change::change, "changes a setting on all units", (JSON, "Change") => (202, JSON, "Taken");
    post "/api/v1/banks/{bank}/settings/{key}", CONTROL, change::change, "changes a setting on all units", (JSON, "Change") => (202, JSON, "Taken");
    post "/api/v1/findings/{id}/ack", ACKNOWLEDGE, write::acknowledge, "acknowledges an alert", (JSON, "Acknowledge") => (200, JSON, "Acknowledge");
    post "/api/v1/banks/{bank}/findings/{id}/ack", ACKNOWLEDGE, write::acknowledge, "acknowledges an alert", (JSON, "Acknowledge") => (200, JSON, "Acknowledge");
    post "/api/v1/test-alert", ACKNOWLEDGE, write::test_alert, "raises a test alert", (JSON, "Nothing") => (202, JSON, "Nothing");
    post "/api/v1/banks/{bank}/test-alert", ACKNOWLEDGE, write::test_alert, "raises a test alert", (JSON, "Nothing") => (202, JSON, "Nothing");
};

/// Returns the router with all routes. Its requests need a [`Peer`](super::peer::Peer) as an extension.
pub(super) fn router(app: &Shared) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let mut handler = (route.handler)();
        if let Some(scope) = route.scope {
            let state = (Shared::clone(app), scope);
            handler = handler.route_layer(middleware::from_fn_with_state(state, guard::route));
        }
        router = router.route(route.path, handler);
    }
    router
        .fallback(|| async { Refusal::new(StatusCode::NOT_FOUND, "there is nothing at this path") })
        .method_not_allowed_fallback(|| async {
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not have this method")
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(Shared::clone(app), guard::all))
        .with_state(Shared::clone(app))
}

/// Greatest length of a body in bytes.
const MAX_BODY: usize = 16 * 1024;
