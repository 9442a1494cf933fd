//! Whatever a client sends, the answer is not a 5xx.

use crate::support::{CHECKER, LEDGER, OPERATOR, Rig, SHOP, answer};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value};

/// Stands for the merchant's id, which is another in each run: equal inputs are equal requests.
const KNOWN: &str = "KNOWN";

/// Names that requests know, so that random bodies get past the first check now and then.
const NAMES: [&str; 24] = [
    "merchant",
    "amount",
    "currency",
    "order_number",
    "refund_number",
    "payout_number",
    "channel",
    "description",
    "purpose",
    "payee",
    "account_number",
    "holder",
    "id",
    "debit",
    "credit",
    "code",
    "transfers",
    "linked",
    "accounts",
    "kind",
    "to",
    "url",
    "evidence",
    "reason",
];

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        prop_oneof![
            Just("CNY"),
            Just("wechat"),
            Just("liability"),
            Just("T+1"),
            Just("2026-11-21")
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(NAMES.to_vec()), inner), 0..8).prop_map(
                |members| {
                    let members = members
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value));
                    Value::Object(members.collect::<Map<String, Value>>())
                }
            ),
        ]
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => json().prop_map(|value| serde_json::to_vec(&value).unwrap()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
        1 => json().prop_map(|value| { let mut bytes = serde_json::to_vec(&value).unwrap(); bytes.truncate(bytes.len() / 2); bytes }),
    ]
}

fn writes(api: &Value) -> Vec<(reqwest::Method, String)> {
    let mut found = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for method in ["post", "patch", "delete", "put"] {
            if item.get(method).is_some() {
                let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                found.push((method, path.clone()));
            }
        }
    }
    found
}

#[test]
fn no_body_makes_a_write_fail_inside() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let rig = runtime.block_on(Rig::start());
    let api = runtime.block_on(rig.get("/openapi.json", "")).body;
    let routes = writes(&api);
    let id = prop_oneof![
        Just("1".to_owned()),
        Just(KNOWN.to_owned()),
        "[a-z0-9_%.]{1,20}"
    ];
    let token = prop::sample::select(vec![OPERATOR, CHECKER, LEDGER, SHOP]);
    let input = (
        prop::sample::select(routes),
        id,
        token,
        body(),
        "[!-~]{1,20}",
    );
    let mut runner = TestRunner::new(Config {
        cases: 1_500,
        ..Config::default()
    });
    let result = runner.run(&input, |((method, route), id, token, body, key)| {
        let id = if id == KNOWN { &rig.shop } else { &id };
        let path = route
            .replace("{id}", id)
            .replace("{merchant}", id)
            .replace("{key}", id);
        let found = runtime.block_on(rig.send(method, &path, token, Some(&key), Some(body)));
        prop_assert!(found.status < 500, "{path}: {:?}", found.body);
        prop_assert!(found.headers.contains_key("x-request-id"));
        if found.status >= 400 {
            prop_assert!(!found.code().is_empty());
        }
        Ok(())
    });
    result.unwrap();
    runtime.block_on(rig.stop());
}

#[test]
fn no_query_makes_a_read_fail_inside() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let rig = runtime.block_on(Rig::start());
    let api = runtime.block_on(rig.get("/openapi.json", "")).body;
    let reads: Vec<String> = api["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, item)| item.get("get").is_some())
        .map(|(path, _)| path.clone())
        .collect();
    let pair = (
        prop::sample::select(vec![
            "limit",
            "after",
            "merchant",
            "status",
            "date",
            "created_from",
            "code",
            "x",
        ]),
        "[a-zA-Z0-9%+:._-]{0,20}",
    );
    let input = (
        prop::sample::select(reads),
        "[a-zA-Z0-9_%.]{1,20}",
        prop::collection::vec(pair, 0..4),
    );
    let mut runner = TestRunner::new(Config {
        cases: 500,
        ..Config::default()
    });
    let result = runner.run(&input, |(route, id, query)| {
        let query: Vec<String> = query
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let path = route.replace("{id}", &id).replace("{date}", &id);
        let url = rig.url(&format!("{path}?{}", query.join("&")));
        let request = rig
            .client()
            .get(url)
            .header("authorization", format!("Bearer {OPERATOR}"));
        let found = runtime.block_on(answer(request));
        prop_assert!(found.status < 500, "{path}: {:?}", found.body);
        Ok(())
    });
    result.unwrap();
    runtime.block_on(rig.stop());
}
