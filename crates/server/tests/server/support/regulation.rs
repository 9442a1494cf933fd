//! Merchants, orders and refusals as tests of the rules see them.

use super::{Answer, OPERATOR, Rig};
use calendar::{BusinessDate, instant_at};
use channels::answer::{Answer as Statement, Notification, OrderState};
use channels::operation::{Channel, ChannelReference};
use compliance::Packs;
use domain::merchant::Profile;
use domain::{Command, Fact, QingyuanApp, Settings};
use engine::runtime::Clock;
use engine::{Actor, Envelope, Verdict};
use money::Money;
use serde_json::{Value, json};
use std::sync::Arc;

pub const YUAN: i64 = 100;

/// A book that begins at an instant, under packs in which texts are replaced.
pub async fn rig(day: (i16, i8, i8), clock: (u8, u8, u8), edits: &[(&str, &str)]) -> Rig {
    let date = BusinessDate::new(day.0, day.1, day.2).unwrap();
    Rig::at(instant_at(date, clock.0, clock.1, clock.2), app(edits)).await
}

pub fn app(edits: &[(&str, &str)]) -> QingyuanApp {
    let mut texts: Vec<(&str, String)> = compliance::EMBEDDED
        .iter()
        .map(|(name, text)| (*name, (*text).to_owned()))
        .collect();
    for (from, to) in edits {
        let place = texts.iter_mut().find(|(_, text)| text.contains(from));
        let (_, text) = place.expect("a text to replace");
        *text = text.replace(from, to);
    }
    let borrowed: Vec<(&str, &str)> = texts
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let packs = Packs::load(&borrowed).unwrap();
    QingyuanApp::new(Settings::sample(), Arc::new(packs)).unwrap()
}

pub fn profile(change: impl FnOnce(&mut Profile)) -> Value {
    let mut profile = Profile::ordinary();
    change(&mut profile);
    serde_json::to_value(profile).unwrap()
}

pub fn micro(profile: &mut Profile) {
    profile.kind = Some(domain::merchant::MerchantKind::Micro);
    profile.owner = Some("owner-1".to_owned());
}

pub async fn onboard(rig: &Rig, number: &str, profile: Value) -> Answer {
    let body = json!({"external_number": number, "name": number, "fee_schedule": {"rate": 0},
        "settlement_cycle": "D+1", "automatic_payout": false, "split_share_max": 1_000_000,
        "settlement_account": {"account_number": "6216261000000002485", "holder": "宗晓", "owner": "merchant"},
        "group": profile["owner"], "profile": profile});
    // Without a key: a refusal is not remembered, so the same number is asked for anew.
    let body = serde_json::to_vec(&body).unwrap();
    let method = reqwest::Method::POST;
    rig.send(method, "/v1/merchants", OPERATOR, None, Some(body))
        .await
}

pub async fn order(
    rig: &Rig,
    merchant: &str,
    number: &str,
    fen: i64,
    source: Option<&str>,
) -> Answer {
    let mut body = json!({"merchant": merchant, "order_number": number, "channel": "wechat",
        "amount": {"amount": fen, "currency": "CNY"}, "description": "books"});
    if let Some(source) = source {
        body["source"] = json!(source);
    }
    rig.post(
        "/v1/payments",
        OPERATOR,
        &format!("order-{merchant}-{number}"),
        &body,
    )
    .await
}

pub async fn told(rig: &Rig, answer: Statement) {
    let notification = Notification {
        id: "n".into(),
        answer,
    };
    let fact = Command::Fact(Fact::Notified {
        channel: Channel::Wechat,
        notification,
    });
    let outcome = rig
        .running
        .engine
        .submit(Envelope::new(Actor::system(), fact))
        .await
        .unwrap();
    assert!(matches!(outcome.result, Verdict::Done(_)), "{outcome:?}");
}

pub async fn state(rig: &Rig, payment: &str, state: OrderState) {
    let order = ChannelReference(payment.trim_start_matches("pay_").to_owned());
    told(rig, Statement::Order { order, state }).await;
}

pub async fn paid(rig: &Rig, payment: &str, fen: i64) {
    let paid = OrderState::Paid {
        channel_number: format!("trade-{payment}"),
        amount: Money::cny(fen),
        paid_at: rig.clock.now(),
        instrument: None,
        payer: None,
    };
    state(rig, payment, paid).await;
}

/// Effects that were recorded: nothing is sent without one.
pub async fn last_row(rig: &Rig) -> u64 {
    rig.last_row().await
}

#[track_caller]
pub fn refused_by(answer: Answer, rule: &str) -> Answer {
    let answer = answer.expect_problem(422, "refused_by_rule", "");
    let clauses = answer.body["clauses"].as_array().expect("clauses");
    let clause = clauses
        .iter()
        .find(|clause| clause["rule"] == rule)
        .unwrap_or_else(|| panic!("{rule} is not among {clauses:?}"));
    for text in [
        &clause["instrument"]["zh"],
        &clause["instrument"]["en"],
        &clause["reason"]["zh"],
        &clause["remedy"]["zh"],
        &clause["confidence"],
    ] {
        assert!(
            text.as_str().is_some_and(|text| !text.is_empty()),
            "{clause}"
        );
    }
    assert_eq!(answer.body["packs"].as_str().map(str::len), Some(64));
    answer
}

#[track_caller]
pub fn lacks(answer: Answer, fact: &str) {
    let answer = answer.expect_problem(422, "facts_missing", "");
    let missing = answer.body["missing_facts"].as_array().expect("a list");
    assert!(
        missing.iter().any(|missing| missing["fact"] == fact),
        "{fact} is not among {missing:?}"
    );
}
