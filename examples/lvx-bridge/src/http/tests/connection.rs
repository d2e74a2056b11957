//! Framing, limits, slow clients.

use super::*;

#[tokio::test(start_paused = true)]
async fn ambiguous_framing_is_refused() {
    let bench = Bench::new(|_| {});
    let hidden = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:8480\r\n\r\n";
    for headers in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 6",
        "Content-Length: +5",
        "Content-Length: -1",
        "Content-Length : 5",
    ] {
        let request = format!(
            "POST /api/v1/test-alert HTTP/1.1\r\nHost: 127.0.0.1:8480\r\n{headers}\r\n\r\n0\r\n\r\n{hidden}"
        );
        let received = bench.raw(loopback(), &request).await;
        assert!(received.starts_with("HTTP/1.1 4"), "{headers:?}: {received}");
        assert_eq!(received.matches("HTTP/1.1 ").count(), 1, "{headers:?}: {received}");
        assert!(!received.contains("lvx_bridge_info"), "{headers:?}: {received}");
    }
}

#[tokio::test(start_paused = true)]
async fn chunks_of_a_proxy_end_the_connection() {
    let bench = Bench::new(|config| config.trusted_proxies = vec![[192, 0, 2, 7].into()]);
    let bearer = bench.bearer("phone", Scope::Acknowledge);
    let request = format!(
        "POST /api/v1/test-alert HTTP/1.1\r\nHost: solar.lan\r\n{bearer}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: solar.lan\r\n{bearer}\r\n\r\n"
    );
    let received = bench.raw(lan(), &request).await;
    assert!(received.starts_with("HTTP/1.1 202"), "{received}");
    assert_eq!(received.matches("HTTP/1.1 ").count(), 1, "{received}");
}

#[tokio::test(start_paused = true)]
async fn long_headers_and_bodies_are_refused() {
    let bench = Bench::new(|_| {});
    let long = format!("X-Long: {}", "a".repeat(20_000));
    assert_eq!(bench.ask(loopback(), "GET /metrics", &[&long], "").await.status, 431);
    let many = vec!["X-Many: 1"; 100];
    assert_eq!(bench.ask(loopback(), "GET /metrics", &many, "").await.status, 431);
    let bearer = bench.bearer("phone", Scope::Acknowledge);
    let headers = [bearer.as_str(), "Content-Type: application/json"];
    let body = format!("{{\"x\": \"{}\"}}", "a".repeat(20_000));
    assert_eq!(bench.ask(loopback(), "POST /api/v1/test-alert", &headers, &body).await.status, 413);
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    assert_eq!(bench.ask(loopback(), "POST /api/v1/test-alert", &headers, &deep).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn slow_headers_end_the_connection() {
    let bench = Bench::new(|_| {});
    let mut client = bench.connect(loopback(), 4096);
    client.write_all(b"GET /metrics HTTP/1.1\r\nHost:").await.unwrap();
    let start = tokio::time::Instant::now();
    let mut received = String::new();
    client.read_to_string(&mut received).await.unwrap();
    assert!(!received.contains("200 OK"), "{received}");
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn slow_body_ends_the_request() {
    let bench = Bench::new(|_| {});
    let bearer = bench.bearer("phone", Scope::Acknowledge);
    let request = format!(
        "POST /api/v1/test-alert HTTP/1.1\r\nHost: 127.0.0.1:8480\r\n{bearer}\r\nContent-Type: application/json\r\n\
         Content-Length: 5\r\n\r\n{{"
    );
    let received = bench.raw(loopback(), &request).await;
    assert!(received.starts_with("HTTP/1.1 408"), "{received}");
}

#[tokio::test(start_paused = true)]
async fn client_that_takes_nothing_is_dropped() {
    let bench = Bench::new(|_| {});
    let mut client = bench.connect(loopback(), 512);
    client.write_all(b"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:8480\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.app.counts.streams.load(std::sync::atomic::Ordering::Relaxed), 1);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(bench.app.counts.streams.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn base_path_is_optional_in_requests() {
    let bench = Bench::new(|config| config.base_path = "/solar".to_owned());
    assert_eq!(bench.local("GET /solar/healthz?x=1").await.status, 200);
    assert_eq!(bench.local("GET /healthz").await.status, 200);
    assert_eq!(bench.local("GET /solar/").await.status, 200);
    // Relative addresses of the page would leave the base path.
    let answer = bench.local("GET /solar").await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/solar/")));
    assert_eq!(bench.local("GET /other/healthz").await.status, 404);
}
