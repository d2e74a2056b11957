//! Changes of settings.

use lvx_settings::Setting;

use super::*;
use crate::control::{ControlItem, ControlView};

const JSON: &str = "Content-Type: application/json";

pub(super) fn item() -> ControlItem {
    let serials = ["96132206100410", "96132206100411"];
    let serials = serials.map(|serial| pi18_proto::SerialNumber::new(serial).unwrap());
    ControlItem {
        setting: Setting::ALL[0],
        options: vec!["a".to_owned(), "b".to_owned()],
        values: serials.map(|serial| (serial, Some("a".to_owned()))).into(),
        value: Some("a".to_owned()),
        blocked: None,
    }
}

fn bench(change: impl FnOnce(&mut HttpConfig)) -> (Bench, String) {
    let mut bank = testing::bank(Now::system());
    bank.control = ControlView { items: vec![item()], ..ControlView::default() };
    let key = item().setting.key();
    (Bench::with(bank, change), format!("POST /api/v1/settings/{key}"))
}

/// Asks for a plan, and returns its digest.
async fn plan(bench: &Bench, peer: Peer, line: &str, bearer: &str) -> String {
    let answer = bench
        .ask(peer, &format!("{line}/plan"), &[bearer, JSON], r#"{"from": "a", "to": "b"}"#)
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let plan = answer.json();
    assert_eq!(plan["units"][1]["name"], "unit-2");
    assert_eq!(
        (plan["units"][1]["from"].as_str(), plan["units"][1]["to"].as_str()),
        (Some("a"), Some("b"))
    );
    plan["plan"].as_str().unwrap().to_owned()
}

fn body(digest: &str) -> String {
    format!(r#"{{"from": "a", "to": "b", "plan": "{digest}"}}"#)
}

/// Returns the beginnings of the refusals that were recorded. There must be no other request.
fn refusals(requests: &mut tokio::sync::mpsc::Receiver<Request>) -> Vec<String> {
    let refusals = std::iter::from_fn(|| requests.try_recv().ok()).map(|request| match request {
        Request::Refused { command, why } => {
            assert!(command.by.ends_with(" at 127.0.0.1"), "{command:?}");
            why.chars().take(30).collect()
        }
        other => panic!("{other:?}"),
    });
    refusals.collect()
}

#[tokio::test(start_paused = true)]
async fn change_with_its_plan_reaches_the_core_once() {
    let (mut bench, line) = bench(|_| {});
    let bearer = bench.bearer("phone", Scope::Control);
    let digest = plan(&bench, loopback(), &line, &bearer).await;
    let mut requests = std::mem::replace(&mut bench.core.requests, tokio::sync::mpsc::channel(1).1);
    let body = body(&digest);
    let headers = [bearer.as_str(), JSON];
    let (answer, command) = tokio::join!(bench.ask(loopback(), &line, &headers, &body), async {
        match requests.recv().await {
            Some(Request::Control { command, reply }) => {
                reply.send(Ok(())).unwrap();
                command
            }
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(answer.json()["id"], command.id.as_str());
    assert_eq!((command.key.as_str(), command.to.as_str()), (item().setting.key(), "b"));
    assert_eq!((command.from.as_deref(), command.by.as_str()), (Some("a"), "phone at 127.0.0.1"));
    assert_eq!(command.seen, item().values);
    assert!(command.expires.is_some());

    assert_eq!(bench.ask(loopback(), &line, &headers, &body).await.status, 409);
    assert_eq!(refusals(&mut requests), ["plan: expected a plan that was"]);
}

#[tokio::test(start_paused = true)]
async fn change_without_a_valid_plan_writes_nothing() {
    let (mut bench, line) = bench(|_| {});
    let (phone, page) =
        (bench.bearer("phone", Scope::Control), bench.bearer("page", Scope::Control));
    let digest = plan(&bench, loopback(), &line, &phone).await;
    for (bearer, body, status) in [
        (&phone, r#"{"from": "a", "to": "b"}"#.to_owned(), 422),
        (&phone, body("0"), 409),
        (&page, body(&digest), 409),
        (&phone, body(&digest), 409), // used up by the attempt before
    ] {
        let answer = bench.ask(loopback(), &line, &[bearer, JSON], &body).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
    }
    let digest = plan(&bench, loopback(), &line, &phone).await;
    bench.core.snapshots.send_modify(|bank| {
        let mut new = bank.as_ref().clone();
        new.control.items[0].values[1].1 = None;
        *bank = Arc::new(new);
    });
    let answer = bench.ask(loopback(), &line, &[&phone, JSON], &body(&digest)).await;
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("a value has changed"), "{answer:?}");
    // At most half of the queue is for refusals.
    let recorded = refusals(&mut bench.core.requests);
    assert_eq!(recorded, ["plan: expected a plan that was", "plan: expected the plan of thi"]);
}

#[tokio::test(start_paused = true)]
async fn control_beyond_this_machine_needs_tls_or_the_waiver() {
    let wish = r#"{"to": "b"}"#;
    let status = async |bench: &Bench, line: &str, more: &[&str]| {
        let bearer = bench.bearer("phone", Scope::Control);
        let headers: Vec<_> = [bearer.as_str(), JSON].iter().chain(more).copied().collect();
        bench.ask(lan(), &format!("{line}/plan"), &headers, wish).await.status
    };
    let https = "X-Forwarded-Proto: https";
    let (plain, line) = bench(|_| {});
    assert_eq!(status(&plain, &line, &[https]).await, 403);
    let (proxied, _) = bench(|config| config.trusted_proxies = vec![[192, 0, 2, 7].into()]);
    assert_eq!(status(&proxied, &line, &[https]).await, 200);
    let (waived, _) = bench(|config| config.allow_plain_control = true);
    assert_eq!(status(&waived, &line, &[]).await, 200);
}

#[tokio::test(start_paused = true)]
async fn unknown_setting_is_named() {
    let (bench, _) = bench(|_| {});
    let bearer = bench.bearer("phone", Scope::Control);
    let ask = async |key: &str| {
        let line = format!("POST /api/v1/settings/{key}/plan");
        bench.ask(loopback(), &line, &[&bearer, JSON], r#"{"to": "b"}"#).await
    };
    let answer = ask("bulk").await;
    let key = item().setting.key();
    let text = format!("expected one of {key}, found \"bulk\"");
    assert_eq!((answer.status, answer.json()["error"].as_str()), (404, Some(text.as_str())));
}
