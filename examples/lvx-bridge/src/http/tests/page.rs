//! The page for browsers, and what its requests need.

use super::*;
use crate::{
    control::{ControlItem, ControlView},
    page::{FILES, INDEX, find},
};

const JSON: &str = "Content-Type: application/json";

#[tokio::test(start_paused = true)]
async fn page_and_its_files_are_sent_with_tag_and_policy() {
    let bench = Bench::new(|_| {});
    for file in FILES {
        let path = if file.name == INDEX { String::new() } else { format!("page/{}", file.name) };
        let line = format!("GET /{path}");
        // Also to clients without a token: the files hold no values.
        let answer = bench.ask(lan(), &line, &[], "").await;
        assert_eq!(answer.status, 200, "{line}");
        assert_eq!(answer.body.as_bytes(), file.plain, "{line}");
        assert_eq!(answer.header("content-type"), Some(file.media_type), "{line}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{line}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{line}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'self'; ") && !policy.contains("unsafe"),
            "{policy}"
        );

        for known in [file.tag.to_owned(), format!("\"a\", {}", file.tag), "*".to_owned()] {
            let header = format!("If-None-Match: {known}");
            let answer = bench.ask(lan(), &line, &[&header], "").await;
            assert_eq!((answer.status, answer.body.as_str()), (304, ""), "{line}: {known}");
        }
        let answer = bench.ask(lan(), &line, &["If-None-Match: \"a\""], "").await;
        assert_eq!(answer.status, 200, "{line}");
    }
    for path in
        ["page/", "page/nothing", "page/index.html", "page/..%2fapp.css", "page/package.json"]
    {
        assert_eq!(bench.ask(lan(), &format!("GET /{path}"), &[], "").await.status, 404, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn files_are_compressed_for_clients_that_can_read_it() {
    let bench = Bench::new(|_| {});
    let file = find("app.css").unwrap();
    for (accepted, is_compressed) in [
        ("gzip", true),
        ("deflate, gzip;q=0.5, br", true),
        ("gzip;q=0", false),
        ("identity", false),
        ("br", false),
    ] {
        let request = format!(
            "GET /page/app.css HTTP/1.1\r\nHost: 127.0.0.1:8480\r\nConnection: close\r\nAccept-Encoding: {accepted}\r\n\r\n"
        );
        let mut client = bench.connect(loopback(), 1 << 20);
        client.write_all(request.as_bytes()).await.unwrap();
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.unwrap();
        let expected = if is_compressed { file.gzip } else { file.plain };
        assert!(received.ends_with(expected), "{accepted}");
        let head = String::from_utf8_lossy(&received[..received.len() - expected.len()]);
        assert_eq!(head.contains("content-encoding: gzip"), is_compressed, "{accepted}");
        assert!(head.contains("vary: Accept-Encoding"), "{head}");
    }
}

#[tokio::test(start_paused = true)]
async fn page_below_a_base_path_has_its_slash() {
    let bench = Bench::new(|config| config.base_path = "/a/solar".to_owned());
    let answer = bench.local("GET /a/solar").await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/a/solar/")));
    for line in ["GET /a/solar/", "GET /a/solar/page/app.js", "GET /", "GET /page/app.js"] {
        assert_eq!(bench.local(line).await.status, 200, "{line}");
    }
    let root = Bench::new(|_| {});
    assert_eq!(root.local("GET /").await.status, 200);
    assert_eq!(root.local("GET /a/solar/").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn base_path_and_forwarded_headers_are_checked() {
    for path in ["solar", "/solar/", "/so lar", "/<script>", "/a/../b", "//host", "/\"x", "/%2e"] {
        let config = HttpConfig { base_path: path.to_owned(), ..HttpConfig::default() };
        assert!(Policy::new(&config).is_err(), "{path}");
    }
    let bench = Bench::new(|config| config.trusted_proxies = vec![[192, 0, 2, 7].into()]);
    for header in [
        "X-Ingress-Path: /<script>",
        "X-Ingress-Path: //evil.example",
        "X-Ingress-Path: /a/../b",
        "X-Forwarded-Prefix: javascript:x",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-For: here",
    ] {
        let answer = bench.ask(lan(), "GET /login", &[header], "").await;
        assert!(matches!(answer.status, 400 | 421), "{header}: {answer:?}");
    }
    let answer = bench.ask(lan(), "GET /login", &["X-Ingress-Path: /a/b"], "").await;
    assert!(answer.body.contains("href=\"/a/b/page/app.css\""), "{answer:?}");
    // Of other clients they do not count.
    let plain = Bench::new(|_| {});
    let answer = plain.ask(lan(), "GET /login", &["X-Ingress-Path: /a/b"], "").await;
    assert!(answer.body.contains("href=\"/page/app.css\""), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn access_shows_what_would_be_refused() {
    let bench = Bench::new(|_| {});
    let access = async |peer: Peer, headers: &[&str]| {
        bench.ask(peer, "GET /api/v1/access", headers, "").await.json()
    };
    let local = access(loopback(), &[]).await;
    assert_eq!((&local["acknowledge"], &local["control"]), (&false.into(), &false.into()));
    assert_eq!((&local["name"], &local["session"]), (&"loopback".into(), &false.into()));
    let phone = bench.bearer("phone", Scope::Control);
    let near = access(loopback(), &[&phone]).await;
    assert_eq!((&near["acknowledge"], &near["control"]), (&true.into(), &true.into()));
    // Without TLS, other machines cannot change settings.
    let far = access(lan(), &[&phone]).await;
    assert_eq!((&far["acknowledge"], &far["control"]), (&true.into(), &false.into()));
}

/// Returns a server with one setting, the cookie of a browser that may change it, and the digest of a plan.
async fn browser() -> (Bench, String, String) {
    let mut bank = testing::bank(Now::system());
    let items: Vec<ControlItem> = vec![change::item()];
    bank.control = ControlView { items, ..ControlView::default() };
    let bench = Bench::with(bank, |_| {});
    let bearer = bench.bearer("page", Scope::Control);
    let token = bearer.rsplit(' ').next().unwrap();
    let form = "Content-Type: application/x-www-form-urlencoded";
    let body = format!("token={token}");
    let answer = bench.ask(loopback(), "POST /login", &[form, ORIGIN], &body).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let cookie = format!("Cookie: {cookie}");
    let plan = format!("{}/plan", line());
    let answer =
        bench.ask(loopback(), &plan, &[&cookie, ORIGIN, JSON], r#"{"from": "a", "to": "b"}"#).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let digest = answer.json()["plan"].as_str().unwrap().to_owned();
    (bench, cookie, digest)
}

const ORIGIN: &str = "Origin: http://127.0.0.1:8480";

fn line() -> String {
    format!("POST /api/v1/settings/{}", change::item().setting.key())
}

/// Sends the change of a page with these headers and this body, and returns the status. Only a change that is taken
/// reaches the core.
async fn send(headers: &[&str], body: impl FnOnce(&str) -> String) -> u16 {
    let (mut bench, cookie, digest) = browser().await;
    let headers: Vec<_> = headers
        .iter()
        .map(|header| if *header == COOKIE { cookie.as_str() } else { header })
        .collect();
    let mut requests = std::mem::replace(&mut bench.core.requests, tokio::sync::mpsc::channel(1).1);
    let core = tokio::spawn(async move {
        let mut count = 0;
        while let Some(request) = requests.recv().await {
            if let Request::Control { reply, .. } = request {
                count += 1;
                reply.send(Ok(())).unwrap();
            }
        }
        count
    });
    let answer = bench.ask(loopback(), &line(), &headers, &body(&digest)).await;
    drop(bench);
    assert_eq!(core.await.unwrap(), usize::from(answer.status == 202), "{answer:?}");
    answer.status
}

/// Stands for the cookie of the session.
const COOKIE: &str = "Cookie";

fn complete(digest: &str) -> String {
    format!(r#"{{"from": "a", "to": "b", "plan": "{digest}"}}"#)
}

#[tokio::test(start_paused = true)]
async fn change_of_a_page_with_everything_is_taken() {
    assert_eq!(send(&[COOKIE, ORIGIN, JSON], complete).await, 202);
}

#[tokio::test(start_paused = true)]
async fn change_without_a_token_is_refused() {
    assert_eq!(send(&[ORIGIN, JSON], complete).await, 401);
    assert_eq!(send(&["Cookie: lvx_session=0", ORIGIN, JSON], complete).await, 401);
}

#[tokio::test(start_paused = true)]
async fn change_without_an_origin_of_ours_is_refused() {
    assert_eq!(send(&[COOKIE, JSON], complete).await, 403);
    for origin in [
        "Origin: null",
        "Origin: http://evil.example",
        "Origin: https://127.0.0.1:8480",
        "Origin: http://127.0.0.1:8481",
    ] {
        assert_eq!(send(&[COOKIE, origin, JSON], complete).await, 403, "{origin}");
    }
}

#[tokio::test(start_paused = true)]
async fn change_without_a_host_of_ours_is_refused() {
    assert_eq!(send(&["Host: evil.example", COOKIE, ORIGIN, JSON], complete).await, 421);
    assert_eq!(send(&["Host: ", COOKIE, ORIGIN, JSON], complete).await, 421);
}

#[tokio::test(start_paused = true)]
async fn change_without_the_digest_of_the_plan_is_refused() {
    assert_eq!(
        send(&[COOKIE, ORIGIN, JSON], |_| r#"{"from": "a", "to": "b"}"#.to_owned()).await,
        422
    );
    assert_eq!(send(&[COOKIE, ORIGIN, JSON], |_| complete("0")).await, 409);
    let other = |digest: &str| complete(digest).replace("\"b\"", "\"a\"");
    assert_eq!(send(&[COOKIE, ORIGIN, JSON], other).await, 409);
}

#[tokio::test(start_paused = true)]
async fn change_in_a_form_of_another_site_is_refused() {
    assert_eq!(send(&[COOKIE, ORIGIN, "Content-Type: text/plain"], complete).await, 415);
}
