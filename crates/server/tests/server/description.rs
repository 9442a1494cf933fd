//! The API's description is whole: every route is in it, every reference leads somewhere, and what
//! it promises is there.

use crate::support::{self, Rig};
use serde_json::Value;
use std::collections::BTreeSet;

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(target) if name == "$ref" => {
                        found.insert(target.to_owned());
                    }
                    _ => references(member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

fn operations(api: &Value) -> Vec<(String, String, Value)> {
    let methods = ["get", "post", "put", "patch", "delete"];
    let mut found = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for method in methods {
            if let Some(operation) = item.get(method) {
                found.push((path.clone(), method.to_uppercase(), operation.clone()));
            }
        }
    }
    found
}

/// Types of events that a list of events can be asked for.
fn references_of_events(api: &Value) -> Vec<String> {
    let list = api["paths"]["/v1/events"]["get"]["parameters"]
        .as_array()
        .unwrap();
    let types = list
        .iter()
        .find(|parameter| parameter["name"] == "type")
        .unwrap();
    let names: Vec<String> = serde_json::from_value(types["schema"]["enum"].clone()).unwrap();
    assert_eq!(names.len(), api["webhooks"].as_object().unwrap().len());
    names
}

#[tokio::test]
async fn it_holds_together() {
    let rig = Rig::start().await;
    let api = rig.get("/openapi.json", "").await.expect(200).body;
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut found = BTreeSet::new();
    references(&api, &mut found);
    assert!(found.len() > 30);
    for reference in &found {
        let pointer = reference.strip_prefix('#').expect("a local reference");
        assert!(api.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for event in references_of_events(&api) {
        let webhook = &api["webhooks"][&event]["post"];
        let body = &webhook["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(body["properties"]["type"]["enum"][0], event.as_str());
        assert!(body["properties"]["data"]["$ref"].is_string(), "{event}");
        assert!(!webhook["description"].as_str().unwrap().is_empty());
        let names: Vec<&str> = webhook["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            ["webhook-id", "webhook-timestamp", "webhook-signature"]
        );
    }
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&api) {
        let place = format!("{method} {path}");
        assert!(
            operation["summary"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{place}"
        );
        assert!(
            ids.insert(operation["operationId"].to_string()),
            "{place} has another's operationId"
        );
        assert!(
            operation["responses"]["default"]["$ref"].is_string(),
            "{place}"
        );
        assert!(operation["security"][0]["key"].is_array(), "{place}");
        let named: BTreeSet<&str> = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        let parameters = operation["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let described: BTreeSet<&str> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(named, described, "{place}");
        let ok = operation["responses"]
            .as_object()
            .unwrap()
            .keys()
            .any(|status| status.starts_with('2'));
        assert!(ok, "{place} describes no success");
    }
    rig.stop().await;
}

/// A described route that is not served would answer `unknown_route` or `method_not_allowed`.
#[tokio::test]
async fn every_described_route_is_served() {
    let rig = Rig::start().await;
    let api = rig.get("/openapi.json", "").await.body;
    let all = operations(&api);
    assert!(all.len() > 50, "{}", all.len());
    for (path, method, _) in all {
        let concrete = path
            .replace("{date}", "2026-01-01")
            .replace("{merchant}", "m")
            .replace("{key}", "k")
            .replace("{id}", "1");
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let found = rig
            .send(method.clone(), &concrete, "nobody", None, None)
            .await;
        assert_eq!(found.status, 401, "{method} {path}");
    }
    rig.stop().await;
}

/// Every example of a request body is accepted as far as its form goes.
#[tokio::test]
async fn examples_are_of_the_right_form() {
    let rig = Rig::start().await;
    let api = rig.get("/openapi.json", "").await.body;
    let mut checked = 0;
    for (path, method, operation) in operations(&api) {
        let Some(body) = operation.pointer("/requestBody/content/application~1json/schema/$ref")
        else {
            continue;
        };
        let schema = api
            .pointer(body.as_str().unwrap().strip_prefix('#').unwrap())
            .unwrap();
        let example = schema
            .get("example")
            .or_else(|| schema.pointer("/examples/0"));
        let example = example.unwrap_or_else(|| panic!("{body} has no example"));
        let concrete = path.replace("{id}", "1");
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let bytes = serde_json::to_vec(example).unwrap();
        for token in [support::OPERATOR, support::FINANCE, support::LEDGER] {
            let found = rig
                .send(
                    method.clone(),
                    &concrete,
                    token,
                    Some("k"),
                    Some(bytes.clone()),
                )
                .await;
            let malformed =
                ["malformed_json", "unknown_field", "missing_field"].contains(&found.code());
            assert!(!malformed && found.status < 500, "{path}: {:?}", found.body);
        }
        checked += 1;
    }
    assert!(checked > 20, "{checked}");
    rig.stop().await;
}

#[tokio::test]
async fn health_metrics_and_landing_page() {
    let rig = Rig::start().await;
    for path in ["/livez", "/readyz"] {
        assert_eq!(rig.get(path, "").await.expect(200).body, "ok\n");
    }
    let page = rig.get("/", "").await.expect(200).body;
    assert!(page.as_str().unwrap().contains("/openapi.json"));
    rig.two_accounts().await;
    let metrics = rig.get("/metrics", "").await.expect(200).body;
    let metrics = metrics.as_str().unwrap();
    for line in [
        "qingyuan_http_requests_total{method=\"POST\",route=\"/v1/transfers\",status=\"201\"} 1",
        "qingyuan_http_requests_total{method=\"GET\",route=\"/livez\",status=\"200\"} 1",
        "qingyuan_failed_commits_total 0",
        "qingyuan_queue_length 0",
        // The built-in list covers 2026.
        "qingyuan_holidays_end_timestamp_seconds 1798732800",
        "qingyuan_effects{state=\"due\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is missing in\n{metrics}");
    }
    assert!(metrics.ends_with("# EOF\n"));
    rig.stop().await;
}
