//! The login form and its cookie.

use super::*;

const ORIGIN: &str = "Origin: http://solar.lan";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

/// Logs in, and returns the header with the cookie.
async fn login(bench: &Bench, token: &str, headers: &[&str]) -> Answer {
    let headers: Vec<_> = [FORM].iter().chain(headers).copied().collect();
    bench.ask(lan(), "POST /login", &headers, &format!("token={token}")).await
}

fn token(bench: &Bench, scope: Scope) -> String {
    bench.bearer("page", scope).rsplit(' ').next().unwrap().to_owned()
}

fn cookie(answer: &Answer) -> String {
    let value = answer.header("set-cookie").unwrap();
    format!("Cookie: a=b; {}", value.split(';').next().unwrap())
}

#[tokio::test(start_paused = true)]
async fn session_has_the_rights_of_its_token() {
    let bench = Bench::new(|_| {});
    let token = token(&bench, Scope::Acknowledge);
    let answer = login(&bench, &token, &[ORIGIN]).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    let set = answer.header("set-cookie").unwrap();
    assert!(set.contains("; path=/; httponly; samesite=strict; max-age="), "{set}");
    assert!(!set.contains("secure") && !set.contains(&token), "{set}");

    let cookie = cookie(&answer);
    assert_eq!(bench.ask(lan(), "GET /api/v1/bank", &[&cookie], "").await.status, 200);
    let page = bench.ask(lan(), "GET /login", &[&cookie], "").await;
    assert!(page.body.contains("<b>page</b> (acknowledge)"), "{page:?}");

    let line = "POST /api/v1/test-alert";
    let json = "Content-Type: application/json";
    assert_eq!(bench.ask(lan(), line, &[&cookie, json, ORIGIN], "{}").await.status, 202);
    assert_eq!(
        bench.ask(lan(), line, &[&cookie, json], "{}").await.status,
        403,
        "without an origin"
    );
    let foreign = "Origin: http://evil.example";
    assert_eq!(bench.ask(lan(), line, &[&cookie, json, foreign], "{}").await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn session_ends_with_its_token_and_with_logout() {
    let bench = Bench::new(|_| {});
    let token = token(&bench, Scope::Read);
    let first = cookie(&login(&bench, &token, &[ORIGIN]).await);
    let second = cookie(&login(&bench, &token, &[ORIGIN]).await);
    let status =
        async |cookie: &str| bench.ask(lan(), "GET /api/v1/bank", &[cookie], "").await.status;
    assert_eq!((status(&first).await, status(&second).await), (200, 200));

    assert_eq!(bench.ask(lan(), "POST /logout", &[&first], "").await.status, 403);
    let answer = bench.ask(lan(), "POST /logout", &[&first, ORIGIN], "").await;
    assert!(answer.header("set-cookie").unwrap().contains("max-age=0"));
    assert_eq!((status(&first).await, status(&second).await), (401, 200));

    bench.tokens.rotate(&"page".parse().unwrap(), jiff::Timestamp::now()).unwrap();
    assert_eq!(status(&second).await, 401);
}

#[tokio::test(start_paused = true)]
async fn login_needs_the_origin_and_a_valid_token() {
    let bench = Bench::new(|_| {});
    let token = token(&bench, Scope::Read);
    assert_eq!(login(&bench, &token, &[]).await.status, 403);
    assert_eq!(login(&bench, &token, &["Origin: null"]).await.status, 403);
    for _ in 0..super::super::attempts::MAX_FAILURES {
        let answer = login(&bench, "lvx_%3Cscript%3E", &[ORIGIN]).await;
        assert_eq!(answer.status, 401);
        assert!(
            answer.header("set-cookie").is_none() && !answer.body.contains("script"),
            "{answer:?}"
        );
    }
    assert_eq!(login(&bench, &token, &[ORIGIN]).await.status, 429);
}

#[tokio::test(start_paused = true)]
async fn cookie_follows_tls_and_path_of_the_proxy() {
    let bench = Bench::new(|config| config.trusted_proxies = vec![[192, 0, 2, 7].into()]);
    let token = token(&bench, Scope::Read);
    let headers = [
        "Origin: https://solar.lan",
        "X-Forwarded-Proto: https",
        "X-Ingress-Path: /api/hassio_ingress/abc",
    ];
    let answer = login(&bench, &token, &headers).await;
    let set = answer.header("set-cookie").unwrap();
    assert!(
        set.contains("; path=/api/hassio_ingress/abc; httponly; samesite=strict")
            && set.ends_with("; secure"),
        "{set}"
    );
    assert_eq!(answer.header("location"), Some("/api/hassio_ingress/abc/"));
    assert!(answer.header("content-security-policy").unwrap().contains("frame-ancestors 'self'"));
    let plain = Bench::new(|_| {});
    let token = self::token(&plain, Scope::Read);
    assert_eq!(
        login(&plain, &token, &headers).await.status,
        403,
        "headers of a proxy that is not configured"
    );
}
