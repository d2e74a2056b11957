//! The routes: one row each.

mod body;
mod events;
mod login;
mod place;
mod read;
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
    /// Path; a part in braces stands for any text.
    pub(super) path: &'static str,
    /// What a client must be allowed to do; `None` if anyone may use the route.
    pub(super) scope: Option<Scope>,
    handler: fn() -> MethodRouter<Shared>,
}

/// All routes. Those of a bank are there twice: for the first bank and for each bank by its name.
pub(super) const ROUTES: &[Route] = &[
    Route { path: "/", scope: None, handler: || get(login::root) },
    Route { path: "/login", scope: None, handler: || get(login::form) },
    Route { path: "/login", scope: None, handler: || post(login::login) },
    Route { path: "/logout", scope: None, handler: || post(login::logout) },
    Route { path: "/healthz", scope: None, handler: || get(read::health) },
    Route { path: "/metrics", scope: Some(Scope::Read), handler: || get(read::metrics) },
    Route { path: "/api/v1/banks", scope: Some(Scope::Read), handler: || get(read::banks) },
    Route { path: "/api/v1/entities", scope: Some(Scope::Read), handler: || get(read::entities) },
    Route { path: "/api/v1/bank", scope: Some(Scope::Read), handler: || get(read::bank) },
    Route { path: "/api/v1/banks/{bank}", scope: Some(Scope::Read), handler: || get(read::bank) },
    Route { path: "/api/v1/events", scope: Some(Scope::Read), handler: || get(events::events) },
    Route {
        path: "/api/v1/banks/{bank}/events",
        scope: Some(Scope::Read),
        handler: || get(events::events),
    },
    Route { path: "/api/v1/settings", scope: Some(Scope::Read), handler: || get(read::settings) },
    Route {
        path: "/api/v1/banks/{bank}/settings",
        scope: Some(Scope::Read),
        handler: || get(read::settings),
    },
    Route {
        path: "/api/v1/findings/{id}/ack",
        scope: Some(Scope::Acknowledge),
        handler: || post(write::acknowledge),
    },
    Route {
        path: "/api/v1/banks/{bank}/findings/{id}/ack",
        scope: Some(Scope::Acknowledge),
        handler: || post(write::acknowledge),
    },
    Route {
        path: "/api/v1/test-alert",
        scope: Some(Scope::Acknowledge),
        handler: || post(write::test_alert),
    },
    Route {
        path: "/api/v1/banks/{bank}/test-alert",
        scope: Some(Scope::Acknowledge),
        handler: || post(write::test_alert),
    },
];

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
