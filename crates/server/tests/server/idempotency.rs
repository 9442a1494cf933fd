//! Retries: the same request again, another one under the same key, the same number again.

use crate::support::{self, LEDGER, OPERATOR, Rig, SHOP, transfer};
use serde_json::{Value, json};

fn replayed(answer: &support::Answer) -> Option<&str> {
    let value = answer.headers.get("idempotency-replayed")?;
    value.to_str().ok()
}

/// Two accounts and a transfer of 700 between them, posted under the key `k1`: its request and its answer.
async fn posted(rig: &Rig) -> ((u64, u64), Value, support::Answer) {
    let accounts = rig.two_accounts().await;
    let body = transfer(1, accounts.0, accounts.1, 700);
    let answer = rig.post("/v1/transfers", LEDGER, "k1", &body).await;
    (accounts, body, answer.expect(201))
}

#[tokio::test]
async fn a_repeat_under_the_same_key_is_answered_as_the_first() {
    let rig = Rig::start().await;
    let (_, body, first) = posted(&rig).await;
    assert_eq!(replayed(&first), None);
    let row = rig.last_row().await;
    let second = rig
        .post("/v1/transfers", LEDGER, "k1", &body)
        .await
        .expect(201);
    assert_eq!(replayed(&second), Some("true"));
    assert_eq!(second.body, first.body);
    assert_eq!(rig.last_row().await, row);
    rig.stop().await;
}

#[tokio::test]
async fn another_body_under_the_same_key_is_refused() {
    let rig = Rig::start().await;
    let ((wallet, bank), ..) = posted(&rig).await;
    let row = rig.last_row().await;
    let other = transfer(2, wallet, bank, 700);
    rig.post("/v1/transfers", LEDGER, "k1", &other)
        .await
        .expect_problem(422, "idempotency_key_reused", "Idempotency-Key");
    assert_eq!(rig.last_row().await, row);
    rig.stop().await;
}

#[tokio::test]
async fn a_late_retry_under_another_key_is_caught_by_its_number() {
    let rig = Rig::start().await;
    let ((wallet, bank), body, _) = posted(&rig).await;
    let row = rig.last_row().await;
    let again = rig
        .post("/v1/transfers", LEDGER, "k2", &body)
        .await
        .expect(200);
    assert_eq!(again.body["repeated"], true);
    let changed = transfer(1, wallet, bank, 701);
    let refused = rig.post("/v1/transfers", LEDGER, "k3", &changed).await;
    refused.expect_problem(409, "already_exists", "");
    assert_eq!(rig.last_row().await, row);
    rig.stop().await;
}

#[tokio::test]
async fn the_same_key_of_two_credentials_does_not_meet() {
    let rig = Rig::start().await;
    let order = json!({"order_number": "A-1", "amount": {"amount": 100, "currency": "CNY"},
        "channel": "wechat", "description": "book"});
    let own = rig
        .post("/v1/payments", SHOP, "k1", &order)
        .await
        .expect(201);
    let other = rig
        .post("/v1/payments", support::OTHER_SHOP, "k1", &order)
        .await
        .expect(201);
    assert_ne!(own.id(), other.id());
    assert_eq!(own.body["merchant"], rig.shop.as_str());
    rig.stop().await;
}

#[tokio::test]
async fn an_order_number_answers_its_payment_or_says_what_differs() {
    let rig = Rig::start().await;
    let order = |amount: i64, channel: &str| {
        json!({"order_number": "A-1", "amount": {"amount": amount, "currency": "CNY"},
            "channel": channel, "description": "book"})
    };
    let path = "/v1/payments";
    let first = rig
        .post(path, SHOP, "k1", &order(100, "wechat"))
        .await
        .expect(201);
    let again = rig
        .post(path, SHOP, "k2", &order(100, "wechat"))
        .await
        .expect(200);
    assert_eq!(again.id(), first.id());
    let refused = rig.post(path, SHOP, "k3", &order(101, "wechat")).await;
    let refused = refused.expect_problem(409, "already_exists", "amount");
    assert!(refused.body["detail"].as_str().unwrap().contains("amount"));
    rig.stop().await;
}

#[tokio::test]
async fn a_refusal_is_replayed_too() {
    let rig = Rig::start().await;
    let (wallet, bank) = rig.two_accounts().await;
    let body = transfer(1, wallet, bank, 999_999);
    let first = rig.post("/v1/transfers", LEDGER, "k1", &body).await;
    let first = first.expect_problem(422, "insufficient_funds", "");
    rig.post(
        "/v1/transfers",
        LEDGER,
        "k2",
        &transfer(2, bank, wallet, 5_000_000),
    )
    .await
    .expect(201);
    assert_eq!(replayed(&first), None);
    let second = rig.post("/v1/transfers", LEDGER, "k1", &body).await;
    let second = second.expect_problem(422, "insufficient_funds", "");
    assert_eq!(replayed(&second), Some("true"));
    let row = |answer: &support::Answer| answer.headers["x-journal-sequence"].clone();
    assert_eq!(row(&second), row(&first));
    let said = |mut answer: support::Answer| {
        // The one thing that is each request's own.
        answer.body.as_object_mut().unwrap().remove("request_id");
        answer.body
    };
    assert_eq!(said(second), said(first));
    rig.post("/v1/transfers", LEDGER, "k3", &body)
        .await
        .expect(201);
    rig.stop().await;
}

#[tokio::test]
async fn a_bank_account_is_stored_once_and_never_shown() {
    let rig = Rig::start().await;
    let body = json!({"external_number": "m-3", "name": "书店", "fee_schedule": {"rate": 6000},
        "settlement_cycle": "T+1",
        "settlement_account": {"account_number": "6216261000000002485", "holder": "宗晓", "owner": "merchant"},
        "profile": domain::merchant::Profile::ordinary()});
    let first = rig
        .post("/v1/merchants", OPERATOR, "k1", &body)
        .await
        .expect(201);
    let text = first.body.to_string();
    assert!(text.contains("621626*********2485") && !text.contains("6216261000000002485"));
    assert!(!text.contains("宗晓") && !text.contains("vlt_"));
    let second = rig
        .post("/v1/merchants", OPERATOR, "k2", &body)
        .await
        .expect(200);
    assert_eq!(second.id(), first.id());
    let head = rig
        .running
        .engine
        .queries()
        .journal_after(0, 1_000)
        .unwrap();
    let journal = format!("{head:?}");
    assert!(!journal.contains("6216261000000002485") && !journal.contains("宗晓"));
    rig.stop().await;
}
