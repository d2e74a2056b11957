//! The description of the API is complete, and the answers have the forms that it describes.

use lvx_parallel::Severity;
use serde_json::{Value as Json, json};

use super::*;
use crate::{
    alert::{Acknowledgement, Alert},
    control::{CommandState, CommandView, ControlView},
};

/// Checks an answer against a schema.
#[track_caller]
fn check(name: &str, answer: &Json) {
    let schema = json!({
        "$ref": format!("#/components/schemas/{name}"),
        "components": { "schemas": openapi::schemas() },
    });
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(answer)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{name}: {errors:#?}\n{answer:#}");
}

/// Returns a bank in which everything that can be there is there.
fn full() -> Snapshot {
    let now = Now::system();
    let mut bank = testing::bank(now);
    testing::unplug(&mut bank, 1);
    let raised = testing::alert("a", Severity::Error, now);
    let by = "phone".to_owned();
    let acknowledged = Some(Acknowledgement { by: by.clone(), at: now.wall });
    let cleared =
        Alert { cleared: Some(now.wall), acknowledged, ..testing::alert("b", Severity::Info, now) };
    bank.alerts = vec![raised, cleared];
    bank.packs = vec![Arc::new(testing::pack("pack-1", now))];
    bank.findings = Some(Vec::new());
    bank.judged_at = Some(now.instant);
    let command = CommandView {
        id: "1".to_owned(),
        key: "output_priority".to_owned(),
        from: Some("a".to_owned()),
        to: "b".to_owned(),
        by,
        at: now.wall,
        state: CommandState::Mixed,
        why: Some("no answer".to_owned()),
        units: vec![(bank.units[0].serial, "b".to_owned())],
    };
    bank.control = ControlView {
        items: vec![change::item()],
        command: Some(command.clone()),
        results: vec![command],
        ..ControlView::default()
    };
    bank
}

#[tokio::test(start_paused = true)]
async fn answers_have_the_forms_of_the_description() {
    let mut silent = testing::bank(Now::system());
    for unit in &mut silent.units {
        Arc::make_mut(unit).held.clear();
    }
    for bank in [testing::bank(Now::system()), full(), silent] {
        let bench = Bench::with(bank, |_| {}).remembering();
        for route in routes::ROUTES.iter().filter(|route| route.method == "get") {
            let (status, media_type, schema) = route.answer;
            if media_type != "application/json" {
                continue;
            }
            let answer =
                bench.local(&format!("GET {}", route.path.replace("{bank}", "garage"))).await;
            assert_eq!(answer.status, status, "{}", route.path);
            check(schema, &answer.json());
        }
        let days = "/api/v1/history?series=pv_power,pv_energy_today&from=2026-06-20&to=2026-06-22&step=day";
        check("History", &bench.local(&format!("GET {days}")).await.json());
        check("Error", &bench.local("GET /nothing").await.json());
        check("Error", &bench.local("DELETE /metrics").await.json());
        check("Error", &bench.ask(lan(), "GET /metrics", &[], "").await.json());
    }
}

#[test]
fn every_schema_is_used_and_every_reference_leads_somewhere() {
    let description = openapi::describe(routes::ROUTES);
    let text = description.to_string();
    for name in openapi::schemas().as_object().unwrap().keys() {
        assert!(text.contains(&format!("\"#/components/schemas/{name}\"")), "{name} is not used");
    }
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(description.pointer(pointer).is_some(), "{pointer}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_path_and_method_of_the_description_is_a_route() {
    let bench = Bench::new(|_| {}).remembering();
    let description = bench.local("GET /api/v1/openapi.json").await.json();
    let mut count = 0;
    for (path, methods) in description["paths"].as_object().unwrap() {
        if path.ends_with("/events") {
            continue;
        }
        let path = path
            .replace("{bank}", "garage")
            .replace("{id}", "x")
            .replace("{key}", "x")
            .replace("{serial}", "96132206100410")
            .replace("{file}", "app.js");
        for other in ["GET", "POST", "PUT", "DELETE"] {
            let answer = bench.local(&format!("{other} {path}")).await;
            let is_there = methods.get(other.to_lowercase()).is_some();
            assert_eq!(
                answer.status != 405 && answer.status != 404,
                is_there,
                "{other} {path}: {answer:?}"
            );
            count += usize::from(is_there);
        }
    }
    assert_eq!(count + 2, routes::ROUTES.len());
}
