//! Who may do what.

use super::*;

/// Routes without a bank's name, which is enough to see how each kind of route is protected.
fn path(path: &str) -> String {
    path.replace("{bank}", "garage").replace("{id}", "x").replace("{key}", "output_priority")
}

/// Returns the first line of a request to a route.
fn line(route: &routes::Route) -> String {
    format!("{} {}", route.method.to_uppercase(), path(route.path))
}

#[tokio::test(start_paused = true)]
async fn foreign_host_is_refused_on_every_route() {
    let bench = Bench::new(|_| {});
    for route in routes::ROUTES {
        let line = line(route);
        let answer = bench.ask(loopback(), &line, &["Host: evil.example:8480"], "").await;
        assert_eq!(answer.status, 421, "{line}");
        assert!(!answer.body.contains("garage"), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_answer_has_a_cors_header_and_all_have_security_headers() {
    let bench = Bench::new(|_| {});
    for line in [
        "GET /api/v1/bank",
        "GET /metrics",
        "GET /login",
        "GET /nothing",
        "OPTIONS /api/v1/bank",
        "DELETE /metrics",
    ] {
        let answer = bench.ask(loopback(), line, &["Origin: http://evil.example"], "").await;
        assert!(!answer.head.contains("access-control"), "{line}: {}", answer.head);
        assert!(
            answer.header("content-security-policy").unwrap().contains("default-src 'self'"),
            "{line}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{line}");
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"), "{line}");
        assert_eq!(answer.header("x-frame-options"), Some("deny"), "{line}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn other_machines_need_a_token_on_every_route_with_a_scope() {
    let bench = Bench::new(|_| {});
    for route in routes::ROUTES.iter().filter(|route| route.scope.is_some()) {
        let line = line(route);
        let answer = bench.ask(lan(), &line, &["Content-Type: application/json"], "{}").await;
        assert_eq!(answer.status, 401, "{line}");
        assert_eq!(answer.header("www-authenticate"), Some("bearer"), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn this_machine_reads_without_a_token_but_changes_nothing() {
    let bench = Bench::new(|_| {}).remembering();
    // What needs an answer of the core has tests of its own.
    let is_plain = |path: &str| !path.ends_with("/events") && !path.contains("{serial}");
    for route in routes::ROUTES.iter().filter(|route| is_plain(route.path)) {
        let line = line(route);
        let answer = bench.ask(loopback(), &line, &["Content-Type: application/json"], "{}").await;
        match route.scope {
            Some(Scope::Read) => assert_eq!(answer.status, 200, "{line}: {answer:?}"),
            Some(_) => assert_eq!(answer.status, 401, "{line}"),
            None => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn proxy_on_this_machine_is_not_this_machine() {
    let bench = Bench::new(|_| {});
    let through = |header: &'static str| {
        let bench = &bench;
        async move { bench.ask(loopback(), "GET /api/v1/bank", &[header], "").await.status }
    };
    assert_eq!(through("X-Forwarded-For: 192.0.2.7").await, 401);
    assert_eq!(through("Forwarded: for=192.0.2.7").await, 401);
    assert_eq!(through("Via: 1.1 proxy").await, 401);
    assert_eq!(through("X-Other: 1").await, 200);
    let answer =
        bench.ask(Peer::Unix, "GET /api/v1/bank", &["X-Forwarded-For: 192.0.2.7"], "").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(start_paused = true)]
async fn token_allows_its_scope_and_no_more() {
    let mut bench = Bench::new(|_| {});
    let (read, write) =
        (bench.bearer("grafana", Scope::Read), bench.bearer("phone", Scope::Acknowledge));
    let json = "Content-Type: application/json";
    assert_eq!(bench.ask(lan(), "GET /metrics", &[&read], "").await.status, 200);
    let line = "POST /api/v1/test-alert";
    assert_eq!(bench.ask(lan(), line, &[&read, json], "{}").await.status, 403);
    assert_eq!(bench.ask(lan(), line, &[&write, json], "{}").await.status, 202);
    let request = bench.core.requests.try_recv().unwrap();
    assert!(matches!(request, Request::TestAlert { by } if by == "phone"));
    assert!(bench.core.requests.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn token_in_the_url_is_not_looked_at() {
    let bench = Bench::new(|_| {});
    let bearer = bench.bearer("grafana", Scope::Read);
    let token = bearer.rsplit(' ').next().unwrap();
    for name in ["token", "access_token", "key"] {
        let answer = bench.ask(lan(), &format!("GET /metrics?{name}={token}"), &[], "").await;
        assert_eq!(answer.status, 401, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_tokens_are_limited_per_address() {
    let bench = Bench::new(|_| {});
    let good = bench.bearer("grafana", Scope::Read);
    let wrong = "Authorization: Bearer lvx_0";
    for _ in 0..super::super::attempts::MAX_FAILURES {
        assert_eq!(bench.ask(lan(), "GET /metrics", &[wrong], "").await.status, 401);
    }
    let answer = bench.ask(lan(), "GET /metrics", &[&good], "").await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("retry-after"), Some("60"));
    let other = peer("192.0.2.8:1", "192.0.2.1:8480");
    assert_eq!(bench.ask(other, "GET /metrics", &[&good], "").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn request_of_another_site_changes_nothing() {
    let mut bench = Bench::new(|_| {});
    let bearer = bench.bearer("phone", Scope::Acknowledge);
    let line = "POST /api/v1/test-alert";
    let json = "Content-Type: application/json";
    let answer =
        bench.ask(lan(), line, &[&bearer, json, "Origin: http://evil.example"], "{}").await;
    assert_eq!(answer.status, 403);
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let answer =
            bench.ask(lan(), line, &[&bearer, &format!("Content-Type: {kind}")], "{}").await;
        assert_eq!(answer.status, 415, "{kind}");
    }
    assert_eq!(bench.ask(lan(), line, &[&bearer], "{}").await.status, 415);
    assert!(bench.core.requests.try_recv().is_err());
    let answer = bench.ask(lan(), line, &[&bearer, json, "Origin: http://solar.lan"], "{}").await;
    assert_eq!(answer.status, 202);
}

#[tokio::test(start_paused = true)]
async fn acknowledgement_reaches_the_core_and_its_answer_the_client() {
    let mut bench = Bench::new(|_| {});
    let bearer = bench.bearer("phone", Scope::Acknowledge);
    let headers = [bearer.as_str(), "Content-Type: application/json"];
    let line = "POST /api/v1/findings/control%2Frun%3A1/ack";
    for (result, status) in [
        (Ok(()), 200),
        (Err(RequestError::Unknown("no such alert".into())), 404),
        (Err(RequestError::Refused("not now".into())), 409),
    ] {
        let ask = bench.app.clone();
        drop(ask);
        let (answer, ()) = {
            let requests = &mut bench.core.requests;
            let client = async {
                // The borrow of the core's side is separate from the server's.
                let mut stream = {
                    let (client, server) = duplex(1 << 16);
                    let app = Arc::clone(&bench.app);
                    tokio::spawn(
                        async move { serve(server, lan(), &app, routes::router(&app)).await },
                    );
                    client
                };
                let body = "{\"ack\": true}";
                let request = format!(
                    "{line} HTTP/1.1\r\nHost: solar.lan\r\nConnection: close\r\n{}\r\nContent-Length: {}\r\n\r\n{body}",
                    headers.join("\r\n"),
                    body.len()
                );
                stream.write_all(request.as_bytes()).await.unwrap();
                let mut text = String::new();
                stream.read_to_string(&mut text).await.unwrap();
                Answer::parse(&text)
            };
            let core = async {
                let Some(Request::Acknowledge { id, by, is_acknowledged, reply }) =
                    requests.recv().await
                else {
                    panic!("expected an acknowledgement");
                };
                assert_eq!(
                    (id.as_str(), by.as_str(), is_acknowledged),
                    ("control/run:1", "phone", true)
                );
                reply.send(result).unwrap();
            };
            tokio::join!(client, core)
        };
        assert_eq!(answer.status, status);
    }
}

#[tokio::test(start_paused = true)]
async fn snapshot_has_values_with_status_and_time() {
    let bench = Bench::new(|_| {});
    let bank = bench.local("GET /api/v1/bank").await.json();
    assert_eq!(bank["api"], 1);
    let serial = bank["order"][0].as_str().unwrap();
    let unit = &bank["units"][serial];
    assert_eq!(unit["name"], "unit-1");
    assert_eq!(unit["values"]["battery_voltage"]["status"], "fresh");
    assert!(unit["values"]["battery_voltage"]["value"].is_number());
    let age = bank["now"].as_f64().unwrap() - unit["groups"]["GS"]["at"].as_f64().unwrap();
    assert!((-0.2..5.0).contains(&age), "{age}");
    assert_eq!(bench.local("GET /api/v1/banks/garage").await.json()["order"], bank["order"]);
    let answer = bench.local("GET /api/v1/banks/attic").await;
    assert_eq!(
        (answer.status, answer.json()["error"].as_str()),
        (404, Some("bank: expected one of garage"))
    );
}

#[tokio::test(start_paused = true)]
async fn health_is_overdue_without_snapshots() {
    let bench = Bench::new(|_| {});
    assert_eq!(bench.ask(lan(), "GET /healthz", &[], "").await.json()["status"], "ok");
    let mut bank = testing::bank(Now::system());
    bank.now.instant -= Duration::from_secs(61);
    let bench = Bench::with(bank, |_| {});
    let answer = bench.local("GET /healthz").await;
    assert_eq!((answer.status, answer.json()["status"].as_str()), (503, Some("overdue")));
}

#[tokio::test(start_paused = true)]
async fn path_that_cannot_be_read_is_not_about_the_first_bank() {
    let bench = Bench::new(|_| {});
    assert_eq!(bench.local("GET /api/v1/banks/%FF").await.status, 400);
    assert_eq!(bench.local("GET /api/v1/banks/..").await.status, 404);
    assert_eq!(bench.local("GET /api/v1/banks/%2e%2e").await.status, 404);
}
