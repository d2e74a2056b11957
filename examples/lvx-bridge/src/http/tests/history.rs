//! The history over HTTP.

use super::*;

const HOUR: &str = "from=1782000000&to=1782003600";

#[tokio::test(start_paused = true)]
async fn history_is_json_or_csv_and_the_same_for_the_named_bank() {
    let bench = Bench::new(|_| {}).remembering();
    let ask = format!("/api/v1/history?series=pv_power,unit-1.pv_power&{HOUR}&step=30min");
    let answer = bench.local(&format!("GET {ask}")).await;
    let json = answer.json();
    assert_eq!(json["t"], serde_json::json!([1_782_000_000, 1_782_001_800]));
    assert_eq!(json["series"][0]["mean"], serde_json::json!([359.0, 1079.0]));
    assert_eq!(json["series"][1]["max"], serde_json::json!([359.0, 719.0]));
    let named = ask.replace("/v1/history", "/v1/banks/garage/history");
    assert_eq!(bench.local(&format!("GET {named}")).await.json(), json);
    let other = ask.replace("/v1/history", "/v1/banks/cabin/history");
    assert_eq!(bench.local(&format!("GET {other}")).await.status, 404);
    let csv = bench.local(&format!("GET {ask}&format=csv")).await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    let lines: Vec<_> = csv.body.lines().collect();
    assert_eq!(lines.len(), 3, "{csv:?}");
    assert!(lines[0].starts_with("time,pv_power,pv_power_min,"), "{csv:?}");
}

#[tokio::test(start_paused = true)]
async fn query_that_is_wrong_is_refused_with_a_sentence() {
    let bench = Bench::new(|_| {}).remembering();
    for (query, expected) in [
        ("step=1", "step: expected at most 2000 points"),
        (
            "serie=pv_power",
            "expected each of series, from, to, step, format at most once, found \"serie\"",
        ),
        ("to=now&to=now", "at most once, found \"to\""),
        ("format=xml", "format: expected json or csv"),
        ("series=unit-1.'%20OR%201", "series: expected names"),
        ("series=settings", "series: settings: expected a value that is recorded"),
        ("from=%FF", "from: expected a time"),
    ] {
        let answer = bench.local(&format!("GET /api/v1/history?{query}")).await;
        let error = answer.json()["error"].to_string().replace('\\', "");
        assert!(answer.status == 400 && error.contains(expected), "{query}: {answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn history_needs_the_right_to_read_and_a_file() {
    let bench = Bench::new(|_| {}).remembering();
    assert_eq!(bench.ask(lan(), "GET /api/v1/history", &[], "").await.status, 401);
    let token = bench.bearer("grafana", Scope::Read);
    assert_eq!(bench.ask(lan(), "GET /api/v1/history", &[&token], "").await.status, 200);
    assert!(bench.local("GET /metrics").await.body.contains("lvx_history_commits_total 0\n"));
    let new = Bench::new(|_| {}).remembering();
    let path = new.folder.as_ref().unwrap().path().join(crate::history::FILE);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(new.local("GET /api/v1/history").await.status, 404);
    drop(crate::history::Store::open(&path).unwrap());
    let answer = new.local("GET /api/v1/history").await;
    assert_eq!(
        (answer.status, answer.json()["error"].as_str()),
        (404, Some("bank garage: nothing was recorded yet"))
    );
    let off = Bench::new(|_| {}).local("GET /api/v1/history").await;
    assert_eq!(
        (off.status, off.json()["error"].as_str().unwrap().starts_with("the history is off")),
        (404, true)
    );
}
