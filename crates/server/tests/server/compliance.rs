//! Business models and facts judged over HTTP.

use crate::support::{LEDGER, OPERATOR, Rig};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const PATH: &str = "/v1/compliance/check";

fn marketplace() -> Value {
    json!({
        "title": {"en": "Marketplace", "zh": "平台"},
        "as_of": "2018-01-02",
        "lifecycle": "new",
        "party": {
            "buyers": {"kind": "natural_person"},
            "pay": {"kind": "npi", "licences": ["internet_payment"]},
            "bank": {"kind": "bank"},
            "platform": {"kind": "platform", "licences": []},
            "sellers": {"kind": "merchant", "online": true}
        },
        "contract": [{"kind": "acquiring", "between": ["pay", "platform"], "checked_by": "pay"}],
        "leg": [
            {"from": "buyers", "to": "pay", "account": "reserve", "amount": 100.5, "goods_of": "sellers",
             "route": ["pay", "nucc", "bank"]},
            {"from": "pay", "to": "platform", "amount": 100},
            {"from": "platform", "to": "sellers", "amount": "95.25"}
        ]
    })
}

fn verdicts(answer: &Value) -> Vec<&str> {
    let legs = answer["legs"].as_array().unwrap();
    legs.iter()
        .map(|leg| leg["verdict"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_flow_is_judged() {
    let rig = Rig::start().await;
    let row = rig.last_row().await;
    let asked = json!({"flow": marketplace(), "picture": "mermaid", "lang": "zh"});
    let answer = rig.post(PATH, OPERATOR, "", &asked).await.expect(200).body;
    assert_eq!(answer["verdict"], "deny");
    assert_eq!(verdicts(&answer), ["allow", "deny", "deny"]);
    let shapes: Vec<&str> = answer["shapes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|shape| shape["shape"].as_str().unwrap())
        .collect();
    assert!(shapes.contains(&"second_clearing"), "{shapes:?}");
    let fired = answer["legs"][1]["fired"].as_array().unwrap();
    let article = fired
        .iter()
        .find(|rule| rule["rule"] == "PBC-2010-2/3")
        .unwrap();
    assert!(
        article["citation"]["en"]
            .as_str()
            .unwrap()
            .contains("art. 3")
    );
    assert!(answer["picture"].as_str().unwrap().contains("禁止"));

    // Six years later another instrument forbids it.
    let asked = json!({"flow": marketplace(), "as_of": "2024-08-01", "picture": "svg"});
    let later = rig.post(PATH, LEDGER, "", &asked).await.expect(200).body;
    assert_eq!(later["as_of"], "2024-08-01");
    let text = later["legs"].to_string();
    assert!(
        text.contains("SC-768/6") && !text.contains("PBC-2010-2/3"),
        "{text}"
    );
    assert!(later["picture"].as_str().unwrap().starts_with("<svg"));

    let asked = json!({"flow": marketplace(), "compare": "2024-08-01"});
    let both = rig.post(PATH, OPERATOR, "", &asked).await.expect(200).body;
    assert_eq!(
        (&both["from"]["as_of"], &both["to"]["as_of"]),
        (&"2018-01-02".into(), &"2024-08-01".into())
    );
    let gone = both["changes"][0]["gone"].to_string();
    assert!(
        gone.contains("PBC-2010-2/3") && gone.contains("ended_on"),
        "{gone}"
    );
    assert_eq!(rig.last_row().await, row, "asking changes nothing");
    rig.stop().await;
}

#[tokio::test]
async fn facts_are_judged() {
    let rig = Rig::start().await;
    let asked = json!({"facts": {"as_of": "2018-04-01", "service": "code_payment", "code": "static",
        "scan": "payer_scans", "factors": ["knowledge"], "day_total": 300, "amount": 250.01}});
    let answer = rig.post(PATH, OPERATOR, "", &asked).await.expect(200).body;
    assert_eq!(answer["verdict"], "deny");
    assert_eq!(answer["limits"][0]["remaining"], 200);
    // A fact left out is asked for.
    let mut less = asked.clone();
    less["facts"].as_object_mut().unwrap().remove("day_total");
    let answer = rig.post(PATH, OPERATOR, "", &less).await.expect(200).body;
    assert_eq!(answer["verdict"], "ask");
    assert!(!answer["missing"].as_array().unwrap().is_empty());
    rig.stop().await;
}

#[tokio::test]
async fn a_key_is_needed() {
    let rig = Rig::start().await;
    let asked = json!({"flow": marketplace()});
    rig.post(PATH, "nobody", "", &asked).await.expect(401);
    rig.stop().await;
}

/// What is changed, into what, and the refusal: code and field.
type Case = (&'static str, Value, &'static str, &'static str);

#[tokio::test]
async fn what_is_wrong_is_said_with_its_field() {
    let rig = Rig::start().await;
    let cases: Vec<Case> = vec![
        (
            "/flow/leg/1/to",
            json!("shop"),
            "invalid_field",
            "flow.leg[1].to",
        ),
        (
            "/flow/leg/1/to",
            json!("pay"),
            "invalid_field",
            "flow.leg[1].to",
        ),
        (
            "/flow/leg/1/to",
            Value::Null,
            "missing_field",
            "flow.leg[1].to",
        ),
        (
            "/flow/leg/0/amount",
            json!(-1),
            "invalid_field",
            "flow.leg[0].amount",
        ),
        (
            "/flow/leg/0/amount",
            json!(0.001),
            "invalid_field",
            "flow.leg[0].amount",
        ),
        (
            "/flow/leg/0/amount",
            json!(1e300),
            "invalid_field",
            "flow.leg[0].amount",
        ),
        (
            "/flow/leg/0/account",
            json!("sub_account"),
            "invalid_field",
            "flow.leg[0].account",
        ),
        (
            "/flow/leg/0/route/1",
            json!("nuc"),
            "invalid_field",
            "flow.leg[0].route[1]",
        ),
        (
            "/flow/leg/0/rout",
            json!([]),
            "unknown_field",
            "flow.leg[0].rout",
        ),
        ("/flow/leg", json!([]), "invalid_field", "flow"),
        ("/flow/leg", json!({}), "invalid_field", "flow.leg"),
        ("/flow/party", Value::Null, "missing_field", "flow.party"),
        (
            "/flow/party/pay/licences/0",
            json!("bank_card"),
            "invalid_field",
            "flow.party.pay.licences[0]",
        ),
        (
            "/flow/party/platform/licences",
            json!(["internet_payment"]),
            "invalid_field",
            "flow.party.platform.licences",
        ),
        (
            "/flow/as_of",
            json!("1999-12-31"),
            "invalid_field",
            "flow.as_of",
        ),
        (
            "/flow/as_of",
            json!("2018-13-01"),
            "invalid_field",
            "flow.as_of",
        ),
        ("/flow/as_of", Value::Null, "missing_field", "as_of"),
        ("/as_of", json!("1999-12-31"), "invalid_field", "as_of"),
        ("/as_of", json!("yesterday"), "invalid_field", "as_of"),
        ("/compare", json!("2018-02-30"), "invalid_field", "compare"),
        (
            "/flow/leg/2/facts",
            json!({"pooled": false}),
            "invalid_field",
            "flow.leg[2].facts.pooled",
        ),
        (
            "/flow/leg/2/facts",
            json!({"poled": false}),
            "unknown_field",
            "flow.leg[2].facts.poled",
        ),
        (
            "/facts",
            json!({"as_of": "2018-01-02"}),
            "invalid_field",
            "facts",
        ),
        ("/flow", Value::Null, "missing_field", "flow"),
        ("/flow", json!("x"), "invalid_field", "flow"),
        ("/picture", json!("png"), "invalid_field", "picture"),
    ];
    for (pointer, value, code, field) in cases {
        let mut asked = json!({"flow": marketplace()});
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match asked.pointer_mut(parent).unwrap() {
            Value::Object(members) if value.is_null() => {
                members.remove(name);
            }
            Value::Object(members) => {
                members.insert(name.to_owned(), value.clone());
            }
            Value::Array(items) => items[name.parse::<usize>().unwrap()] = value.clone(),
            _ => panic!("{pointer}"),
        }
        let found = rig.post(PATH, OPERATOR, "", &asked).await;
        assert_eq!(
            (found.status, found.code(), found.field()),
            (422, code, field),
            "{pointer} {value}: {:?}",
            found.body
        );
    }
    let facts = [
        (
            json!({"as_of": "2018-01-02", "servce": "sale"}),
            "unknown_field",
            "facts.servce",
        ),
        (
            json!({"as_of": "2018-01-02", "service": "sail"}),
            "invalid_field",
            "facts.service",
        ),
        (
            json!({"as_of": "2018-01-02", "amount": -3}),
            "invalid_field",
            "facts.amount",
        ),
        (
            json!({"code": "none", "scan": "payer_scans"}),
            "invalid_field",
            "facts.code",
        ),
        (
            json!({"as_of": "2026-11-26", "outsourced": ["merchant-review"]}),
            "invalid_field",
            "facts.outsourced",
        ),
        (
            json!({"as_of": "2026-11-26", "merchant": {"province": "foo"}}),
            "invalid_field",
            "facts.merchant.province",
        ),
        (
            json!({"as_of": "2026-11-26", "settlement_cycle": "D0"}),
            "invalid_field",
            "facts.settlement_cycle",
        ),
    ];
    for (facts, code, field) in facts {
        let found = rig.post(PATH, OPERATOR, "", &json!({"facts": facts})).await;
        assert_eq!(
            (found.status, found.code(), found.field()),
            (422, code, field),
            "{:?}",
            found.body
        );
    }
    let both = json!({"facts": {"as_of": "2018-01-02"}, "compare": "2018-01-03"});
    let found = rig.post(PATH, OPERATOR, "", &both).await;
    assert_eq!(
        (found.status, found.field()),
        (422, "compare"),
        "{:?}",
        found.body
    );
    rig.stop().await;
}

/// What the description says of flows and facts is what is read.
#[tokio::test]
async fn the_description_names_every_field_of_a_flow_and_every_fact() {
    let rig = Rig::start().await;
    let api = rig.get("/openapi.json", "").await.expect(200).body;
    let schema = |name: &str| &api["components"]["schemas"][name]["properties"];
    let named = |properties: &Value| -> BTreeSet<String> {
        properties.as_object().unwrap().keys().cloned().collect()
    };
    // The reader tells what it knows when it meets what it does not.
    let shop = json!({"kind": "merchant"});
    let payer = json!({"kind": "natural_person"});
    let leg = json!({"from": "payer", "to": "shop"});
    let flow = |party: Value, contract: Value, leg: Value| json!({"party": {"shop": party, "payer": payer}, "contract": [contract], "leg": [leg]});
    let contract = json!({"kind": "purchase", "between": ["shop", "payer"]});
    let odd = |value: &Value| {
        let mut value = value.clone();
        value["surprise"] = json!(1);
        value
    };
    for (name, flow) in [
        (
            "Flow",
            odd(&flow(shop.clone(), contract.clone(), leg.clone())),
        ),
        ("FlowParty", flow(odd(&shop), contract.clone(), leg.clone())),
        (
            "FlowContract",
            flow(shop.clone(), odd(&contract), leg.clone()),
        ),
        ("FlowLeg", flow(shop.clone(), contract.clone(), odd(&leg))),
    ] {
        let answer = rig.post(PATH, OPERATOR, "", &json!({"flow": flow})).await;
        assert_eq!(answer.code(), "unknown_field", "{name}: {:?}", answer.body);
        let detail = answer.body["detail"].as_str().unwrap();
        let (_, known) = detail.split_once("expected one of ").unwrap();
        let known: BTreeSet<String> = known.split(", ").map(str::to_owned).collect();
        assert_eq!(named(schema(name)), known, "{name}");
    }
    let facts = &schema("ComplianceCheck")["facts"]["properties"];
    for fact in compliance::vocabulary() {
        let mut found = facts;
        for (position, part) in fact.path.split('.').enumerate() {
            found = &found[if position == 0 { part } else { "properties" }];
            if position > 0 {
                found = &found[part];
            }
        }
        let stated = fact.origin != compliance::Origin::Concluded;
        assert_eq!(found["description"].is_string(), stated, "{}", fact.path);
    }
    rig.stop().await;
}
