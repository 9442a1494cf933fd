//! Every route that takes a body, out of the API's own description, is sent every kind of bad body:
//! the answer is a problem that names the field, and the book does not move.

use crate::support::{Answer, CHECKER, LEDGER, OPERATOR, Rig, SHOP, answer};
use reqwest::Method;
use serde_json::{Value, json};

struct Route {
    method: Method,
    path: String,
    example: Value,
    large: bool,
}

/// Routes with a JSON body and an example of it.
fn routes(api: &Value, shop: &str) -> Vec<Route> {
    let mut found = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for name in ["post", "patch", "put"] {
            let body = &item[name]["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            let Some(reference) = body.as_str() else {
                continue;
            };
            let schema = api.pointer(reference.strip_prefix('#').unwrap()).unwrap();
            let example = schema
                .get("example")
                .or_else(|| schema.pointer("/examples/0"));
            found.push(Route {
                method: Method::from_bytes(name.to_uppercase().as_bytes()).unwrap(),
                path: path.replace("{id}", shop).replace("{merchant}", shop),
                example: example
                    .unwrap_or_else(|| panic!("{path} has no example"))
                    .clone(),
                large: path.ends_with("/batch"),
            });
        }
    }
    found
}

struct Sweep {
    rig: Rig,
    sent: u32,
}

impl Sweep {
    async fn send(&mut self, route: &Route, token: &str, media: &str, body: Vec<u8>) -> Answer {
        self.sent += 1;
        let request = self
            .rig
            .client()
            .request(route.method.clone(), self.rig.url(&route.path))
            .header("authorization", format!("Bearer {token}"))
            .header("idempotency-key", format!("sweep-{}", self.sent))
            .header("content-type", media)
            .body(body);
        answer(request).await
    }

    /// Sends a body with every role and expects one of the problems each time. Where the body cannot
    /// be read the role does not come into it.
    async fn refused(&mut self, route: &Route, body: &Value, codes: &[&str], field: &str) {
        for token in [OPERATOR, CHECKER, LEDGER, SHOP] {
            let bytes = serde_json::to_vec(body).unwrap();
            let found = self.send(route, token, "application/json", bytes).await;
            let place = format!("{} {} {body:.300}: {found:?}", route.method, route.path);
            check_form(&found, &place);
            if ["forbidden", "not_found"].contains(&found.code()) && codes != ["unknown_field"] {
                continue;
            }
            assert!(codes.contains(&found.code()), "{place}");
            let named = found.field().replace("[0]", "");
            assert!(named.starts_with(field), "{field} is not named: {place}");
        }
    }
}

fn check_form(found: &Answer, place: &str) {
    assert!((400..500).contains(&found.status), "{place}");
    assert_eq!(
        found.headers["content-type"], "application/problem+json",
        "{place}"
    );
    assert!(
        !found.code().is_empty() && found.body["detail"].is_string(),
        "{place}"
    );
    assert_eq!(found.body["status"], found.status, "{place}");
}

/// Paths of all objects `{"amount": …, "currency": …}` and of all texts, as JSON pointers.
fn places(value: &Value, at: &str, amounts: &mut Vec<String>, texts: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if members.contains_key("currency") && members.contains_key("amount") {
                amounts.push(at.to_owned());
            }
            for (name, member) in members {
                places(member, &format!("{at}/{name}"), amounts, texts);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate().take(1) {
                places(item, &format!("{at}/{index}"), amounts, texts);
            }
        }
        Value::String(_) => texts.push(at.to_owned()),
        _ => {}
    }
}

fn with(body: &Value, pointer: &str, value: Value) -> Value {
    let mut body = body.clone();
    *body.pointer_mut(pointer).unwrap() = value;
    body
}

/// `/transfers/0/amount` as problems name it, without indices.
fn dotted(pointer: &str) -> String {
    let parts = pointer
        .split('/')
        .filter(|part| !part.is_empty() && *part != "0");
    parts.collect::<Vec<_>>().join(".")
}

#[tokio::test]
async fn every_route_names_what_is_wrong_with_a_body() {
    let rig = Rig::start().await;
    let api = rig.get("/openapi.json", "").await.body;
    let routes = routes(&api, &rig.shop);
    assert!(routes.len() > 20, "{}", routes.len());
    let row = rig.last_row().await;
    let mut sweep = Sweep { rig, sent: 0 };
    for route in &routes {
        let example = &route.example;
        let mut unknown = example.clone();
        unknown["surprise"] = json!(1);
        sweep
            .refused(route, &unknown, &["unknown_field"], "surprise")
            .await;
        for name in example.as_object().unwrap().keys() {
            for wrong in [json!([[]]), json!({"surprise": {}})] {
                let body = with(example, &format!("/{name}"), wrong);
                let codes = ["invalid_field", "missing_field", "unknown_field"];
                sweep.refused(route, &body, &codes, name).await;
            }
        }
        let (mut amounts, mut texts) = (Vec::new(), Vec::new());
        places(example, "", &mut amounts, &mut texts);
        let codes = ["invalid_field", "unknown_field"];
        for pointer in &amounts {
            let field = dotted(pointer);
            for wrong in [
                json!(-1),
                json!(1.5),
                json!("1"),
                json!(9_223_372_036_854_775_808_u64),
                json!(1e300),
            ] {
                // A channel gives back fees of a day on which it charges none.
                if wrong == json!(-1) && pointer.ends_with("/channel_fee") {
                    continue;
                }
                let body = with(example, &format!("{pointer}/amount"), wrong);
                sweep.refused(route, &body, &codes, &field).await;
            }
            for wrong in [json!("RMB"), json!("cny"), json!(""), json!(156)] {
                let body = with(example, &format!("{pointer}/currency"), wrong);
                sweep.refused(route, &body, &codes, &field).await;
            }
        }
        for pointer in &texts {
            let field = dotted(pointer);
            for wrong in ["a\u{0}b", "a\u{1b}[0m", "a\u{85}"] {
                let body = with(example, pointer, json!(wrong));
                sweep.refused(route, &body, &codes, &field).await;
            }
        }
    }
    assert_eq!(sweep.rig.last_row().await, row);
    sweep.rig.stop().await;
}

/// What only the books can judge: the answer is a refusal in its form, never a failure.
#[tokio::test]
async fn no_route_fails_on_amounts_and_texts_of_any_size() {
    let rig = Rig::start().await;
    let api = rig.get("/openapi.json", "").await.body;
    let routes = routes(&api, &rig.shop);
    let mut sweep = Sweep { rig, sent: 0 };
    for route in &routes {
        let (mut amounts, mut texts) = (Vec::new(), Vec::new());
        places(&route.example, "", &mut amounts, &mut texts);
        let mut bodies = Vec::new();
        for pointer in &amounts {
            for (amount, currency) in [(0, "CNY"), (i64::MAX, "CNY"), (1, "USD"), (1, "JPY")] {
                bodies.push(with(
                    &route.example,
                    pointer,
                    json!({"amount": amount, "currency": currency}),
                ));
            }
        }
        for pointer in &texts {
            bodies.push(with(&route.example, pointer, json!("x".repeat(100_000))));
            bodies.push(with(&route.example, pointer, json!("")));
            bodies.push(with(&route.example, pointer, json!("清源 💰 \u{202e} ﷽")));
        }
        for body in bodies {
            for token in [OPERATOR, CHECKER, LEDGER, SHOP] {
                let bytes = serde_json::to_vec(&body).unwrap();
                let found = sweep.send(route, token, "application/json", bytes).await;
                let place = format!("{} {body:.300}: {:?}", route.path, found.body);
                assert!(found.status < 500, "{place}");
                if found.status >= 400 {
                    check_form(&found, &place);
                }
                if found.code() == "invalid_field" {
                    assert!(!found.field().is_empty(), "{place}");
                }
            }
        }
    }
    sweep.rig.stop().await;
}

#[tokio::test]
async fn every_route_refuses_what_is_no_json_of_a_fitting_size() {
    let rig = Rig::start().await;
    let api = rig.get("/openapi.json", "").await.body;
    let routes = routes(&api, &rig.shop);
    let row = rig.last_row().await;
    let mut sweep = Sweep { rig, sent: 0 };
    for route in &routes {
        let good = serde_json::to_vec(&route.example).unwrap();
        let json = "application/json";
        let mut invalid = good.clone();
        let quote = invalid.iter().rposition(|byte| *byte == b'"').unwrap();
        invalid.insert(quote, 0xff);
        let mut raw_control = good.clone();
        raw_control.insert(quote, 0);
        let limit = if route.large { 8 << 20 } else { 1 << 20 };
        let cases: Vec<(&str, Vec<u8>, u16, &str)> = vec![
            (json, Vec::new(), 400, "malformed_json"),
            (json, good[..good.len() - 1].to_vec(), 400, "malformed_json"),
            (json, [&good[..], b"x"].concat(), 400, "malformed_json"),
            (json, invalid, 400, "malformed_json"),
            (json, raw_control, 400, "malformed_json"),
            (json, b"\xef\xbb\xbf{}".to_vec(), 400, "malformed_json"),
            (json, b"null".to_vec(), 422, "invalid_field"),
            (json, b"[]".to_vec(), 422, "invalid_field"),
            (json, vec![b' '; limit + 1], 413, "body_too_large"),
            ("text/plain", good.clone(), 415, "unsupported_media_type"),
            (
                "application/x-www-form-urlencoded",
                good.clone(),
                415,
                "unsupported_media_type",
            ),
        ];
        for (media, body, status, code) in cases {
            let found = sweep.send(route, OPERATOR, media, body).await;
            let place = format!("{} as {media}: {found:?}", route.path);
            check_form(&found, &place);
            assert_eq!((found.status, found.code()), (status, code), "{place}");
        }
    }
    assert_eq!(sweep.rig.last_row().await, row);
    sweep.rig.stop().await;
}

#[tokio::test]
async fn long_and_odd_ids_name_nothing() {
    let rig = Rig::start().await;
    let api = rig.get("/openapi.json", "").await.body;
    let ids = [
        "x".repeat(5_000),
        "%00".to_owned(),
        "%ff".to_owned(),
        "a%2Fb".to_owned(),
        "%F0%9F%92%B0".to_owned(),
    ];
    for (path, item) in api["paths"].as_object().unwrap() {
        if !path.contains('{') {
            continue;
        }
        for name in ["get", "post", "delete"] {
            if item.get(name).is_none() {
                continue;
            }
            let method = Method::from_bytes(name.to_uppercase().as_bytes()).unwrap();
            for id in &ids {
                let path: String = path
                    .split('/')
                    .map(|part| if part.starts_with('{') { id } else { part })
                    .collect::<Vec<_>>()
                    .join("/");
                for token in [OPERATOR, SHOP] {
                    let found = rig.send(
                        method.clone(),
                        &path,
                        token,
                        Some("k"),
                        Some(b"{}".to_vec()),
                    );
                    let found = found.await;
                    check_form(&found, &format!("{name} {path:.100}: {:?}", found.body));
                }
            }
        }
    }
    rig.stop().await;
}
