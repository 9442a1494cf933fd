//! What is wrong with a request is said with status, code and field, and changes nothing.

use crate::support::{FINANCE, LEDGER, OPERATOR, Rig, SHOP, id_text, transfer};
use serde_json::{Value, json};

/// `(what, body, status, code, field)`
type Case = (&'static str, Value, u16, &'static str, &'static str);

/// Sends each case under a key of its own and checks that the book did not move.
async fn check(rig: &Rig, path: &str, token: &str, cases: Vec<Case>) {
    let row = rig.last_row().await;
    for (index, (what, body, status, code, field)) in cases.into_iter().enumerate() {
        let key = format!("bad-{index}");
        let found = rig.post(path, token, &key, &body).await;
        let found_as = (found.status, found.code(), found.field());
        assert_eq!(
            found_as,
            (status, code, field),
            "{path}: {what}: {:?}",
            found.body
        );
        assert!(
            found.body["request_id"]
                .as_str()
                .unwrap()
                .starts_with("req_")
        );
        assert_eq!(found.body["instance"], path);
    }
    assert_eq!(rig.last_row().await, row, "{path} changed the book");
}

/// The valid body with one field replaced (or removed, with `null`).
fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        parent.remove(name);
    } else {
        parent.insert(name.to_owned(), value);
    }
    body
}

#[tokio::test]
async fn transfers() {
    let rig = Rig::start().await;
    let (wallet, bank) = rig.two_accounts().await;
    let good = || transfer(1, wallet, bank, 500);
    let cases: Vec<Case> = vec![
        (
            "unknown field",
            with(good(), "/note", json!("x")),
            422,
            "unknown_field",
            "note",
        ),
        (
            "unknown inner field",
            with(good(), "/amount/unit", json!("x")),
            422,
            "unknown_field",
            "amount.unit",
        ),
        (
            "no amount",
            with(good(), "/amount", Value::Null),
            422,
            "missing_field",
            "amount",
        ),
        (
            "zero",
            with(good(), "/amount/amount", json!(0)),
            422,
            "invalid_field",
            "amount.amount",
        ),
        (
            "negative",
            with(good(), "/amount/amount", json!(-1)),
            422,
            "invalid_field",
            "amount.amount",
        ),
        (
            "fraction",
            with(good(), "/amount/amount", json!(1.5)),
            422,
            "invalid_field",
            "amount.amount",
        ),
        (
            "text",
            with(good(), "/amount/amount", json!("500")),
            422,
            "invalid_field",
            "amount.amount",
        ),
        (
            "over 64 bits",
            with(
                good(),
                "/amount/amount",
                json!(9_223_372_036_854_775_808_u64),
            ),
            422,
            "invalid_field",
            "amount.amount",
        ),
        (
            "unknown currency",
            with(good(), "/amount/currency", json!("RMB")),
            422,
            "invalid_field",
            "amount.currency",
        ),
        (
            "currency of no money",
            with(good(), "/amount/currency", json!("XAU")),
            422,
            "invalid_field",
            "amount.currency",
        ),
        (
            "another currency",
            with(good(), "/amount/currency", json!("USD")),
            422,
            "posting_refused",
            "",
        ),
        (
            "short id",
            with(good(), "/id", json!("01")),
            422,
            "invalid_field",
            "id",
        ),
        (
            "lower-case id",
            with(good(), "/id", json!(id_text(1).replace('0', "a"))),
            422,
            "invalid_field",
            "id",
        ),
        (
            "id of nothing",
            with(good(), "/id", json!(id_text(0))),
            422,
            "invalid_field",
            "id",
        ),
        (
            "negative account",
            with(good(), "/debit", json!(-1)),
            422,
            "invalid_field",
            "debit",
        ),
        (
            "code too large",
            with(good(), "/code", json!(70_000)),
            422,
            "invalid_field",
            "code",
        ),
        (
            "code of the institution",
            with(good(), "/code", json!(1)),
            422,
            "invalid_field",
            "code",
        ),
        (
            "unknown account",
            with(good(), "/credit", json!(999_999)),
            404,
            "not_found",
            "",
        ),
        (
            "the institution's account",
            with(good(), "/credit", json!(1)),
            403,
            "forbidden",
            "credit",
        ),
        (
            "same account",
            with(good(), "/credit", json!(wallet)),
            422,
            "posting_refused",
            "",
        ),
        (
            "too much",
            with(good(), "/amount/amount", json!(100_001)),
            422,
            "insufficient_funds",
            "",
        ),
        (
            "control character",
            with(good(), "/reference", json!("a\u{0}b")),
            422,
            "invalid_field",
            "reference",
        ),
        (
            "line break",
            with(good(), "/reference", json!("a\nb")),
            422,
            "invalid_field",
            "reference",
        ),
        (
            "long reference",
            with(good(), "/reference", json!("x".repeat(65))),
            422,
            "invalid_field",
            "reference",
        ),
        ("a list", json!([]), 422, "invalid_field", ""),
        ("nothing", Value::Null, 422, "invalid_field", ""),
    ];
    check(&rig, "/v1/transfers", LEDGER, cases).await;
    rig.stop().await;
}

#[tokio::test]
async fn batches_name_the_index() {
    let rig = Rig::start().await;
    let (wallet, bank) = rig.two_accounts().await;
    let item = |id: u32, amount: i64| json!([id_text(id), wallet, bank, amount, 1001]);
    let batch = |linked: bool, transfers: Value| json!({"currency": "CNY", "linked": linked, "transfers": transfers});
    let cases: Vec<Case> = vec![
        (
            "empty",
            batch(true, json!([])),
            422,
            "invalid_field",
            "transfers",
        ),
        (
            "too many",
            batch(true, Value::Array(vec![item(1, 1); 8_193])),
            422,
            "invalid_field",
            "transfers",
        ),
        (
            "bad third",
            batch(true, json!([item(1, 1), item(2, 1), item(3, 0)])),
            422,
            "invalid_field",
            "transfers[2][3]",
        ),
        (
            "short array",
            batch(true, json!([[id_text(1), wallet]])),
            422,
            "invalid_field",
            "transfers[0]",
        ),
        (
            "missing in object",
            batch(
                true,
                json!([{"id": id_text(1), "debit": 1, "credit": 2, "code": 1001}]),
            ),
            422,
            "missing_field",
            "transfers[0].amount",
        ),
    ];
    check(&rig, "/v1/transfers/batch", LEDGER, cases).await;
    let linked = batch(true, json!([item(1, 10), item(2, 999_999)]));
    let row = rig.last_row().await;
    let refused = rig
        .post("/v1/transfers/batch", LEDGER, "linked", &linked)
        .await;
    let refused = refused.expect_problem(422, "insufficient_funds", "");
    assert_eq!(refused.body["details"]["index"], "1");
    assert_eq!(rig.last_row().await, row);
    let each = batch(false, json!([item(1, 10), item(2, 999_999), item(3, 5)]));
    let done = rig
        .post("/v1/transfers/batch", LEDGER, "each", &each)
        .await
        .expect(200);
    assert_eq!(
        (&done.body["posted"], &done.body["refused"][0]["index"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(done.body["refused"][0]["code"], "insufficient_funds");
    rig.stop().await;
}

#[tokio::test]
async fn payments_and_refunds() {
    let rig = Rig::start().await;
    let good = || {
        json!({"order_number": "A-1", "amount": {"amount": 100, "currency": "CNY"},
            "channel": "wechat", "description": "book"})
    };
    let cases: Vec<Case> = vec![
        (
            "no number",
            with(good(), "/order_number", Value::Null),
            422,
            "missing_field",
            "order_number",
        ),
        (
            "empty number",
            with(good(), "/order_number", json!("")),
            422,
            "invalid_field",
            "order_number",
        ),
        (
            "slash in number",
            with(good(), "/order_number", json!("a/b")),
            422,
            "invalid_field",
            "order_number",
        ),
        (
            "unknown channel",
            with(good(), "/channel", json!("cash")),
            422,
            "invalid_field",
            "channel",
        ),
        (
            "zero",
            with(good(), "/amount/amount", json!(0)),
            422,
            "invalid_field",
            "amount.amount",
        ),
        (
            "dollars",
            with(good(), "/amount/currency", json!("USD")),
            422,
            "invalid_field",
            "amount",
        ),
        (
            "huge",
            with(good(), "/amount/amount", json!(i64::MAX)),
            422,
            "invalid_field",
            "amount",
        ),
        (
            "empty description",
            with(good(), "/description", json!("")),
            422,
            "invalid_field",
            "description",
        ),
        (
            "past expiry",
            with(good(), "/expires_at", json!("2020-01-01T00:00:00+08:00")),
            422,
            "invalid_field",
            "expires_at",
        ),
        (
            "no time",
            with(good(), "/expires_at", json!("tomorrow")),
            422,
            "invalid_field",
            "expires_at",
        ),
        (
            "another merchant",
            with(good(), "/merchant", json!(rig.other_shop)),
            403,
            "forbidden",
            "merchant",
        ),
        (
            "control character in metadata",
            with(good(), "/metadata", json!({"a": "b\u{7f}"})),
            422,
            "invalid_field",
            "metadata.a",
        ),
    ];
    check(&rig, "/v1/payments", SHOP, cases).await;
    let refund = || json!({"refund_number": "R-1", "amount": {"amount": 1, "currency": "CNY"}});
    let cases: Vec<Case> = vec![
        ("unknown payment", refund(), 404, "not_found", "payment"),
        (
            "unknown field",
            with(refund(), "/x", json!(1)),
            422,
            "unknown_field",
            "x",
        ),
        (
            "negative",
            with(refund(), "/amount/amount", json!(-4)),
            422,
            "invalid_field",
            "amount.amount",
        ),
    ];
    check(&rig, "/v1/payments/pay_none/refunds", SHOP, cases).await;
    let payout = || json!({"payout_number": "W-1", "amount": {"amount": 1, "currency": "CNY"}, "purpose": "x"});
    let payee = |number: &str| {
        with(
            payout(),
            "/payee",
            json!({"account_number": number, "holder": "x"}),
        )
    };
    let cases: Vec<Case> = vec![
        ("no payee", payout(), 422, "invalid_field", "payee"),
        (
            "letters in the account",
            payee("62220212345x"),
            422,
            "invalid_field",
            "payee.account_number",
        ),
        (
            "number as account",
            with(
                payout(),
                "/payee",
                json!({"account_number": 6_222_021_234_567_890_u64, "holder": "x"}),
            ),
            422,
            "invalid_field",
            "payee.account_number",
        ),
        (
            "nothing settled",
            payee("6222021234567890"),
            422,
            "insufficient_funds",
            "amount",
        ),
    ];
    check(&rig, "/v1/payouts", SHOP, cases).await;
    rig.stop().await;
}

#[tokio::test]
async fn merchants_days_cases_and_webhooks() {
    let rig = Rig::start().await;
    let good = || json!({"external_number": "m-9", "name": "x", "fee_schedule": {"rate": 6000}, "settlement_cycle": "T+1"});
    let cases: Vec<Case> = vec![
        (
            "rate above the whole",
            with(good(), "/fee_schedule", json!({"rate": 1_000_001})),
            422,
            "invalid_field",
            "fee_schedule.rate",
        ),
        (
            "negative flat fee",
            with(good(), "/fee_schedule", json!({"flat": -1})),
            422,
            "invalid_field",
            "fee_schedule",
        ),
        (
            "unknown cycle",
            with(good(), "/settlement_cycle", json!("soon")),
            422,
            "invalid_field",
            "settlement_cycle",
        ),
        (
            "bad number",
            with(good(), "/external_number", json!("a b")),
            422,
            "invalid_field",
            "external_number",
        ),
        (
            "long name",
            with(good(), "/name", json!("x".repeat(129))),
            422,
            "invalid_field",
            "name",
        ),
    ];
    check(&rig, "/v1/merchants", OPERATOR, cases).await;
    let cases: Vec<Case> = vec![
        (
            "no date",
            json!({"to": "2026-02-30"}),
            422,
            "invalid_field",
            "to",
        ),
        (
            "backwards",
            json!({"to": "2026-11-19"}),
            422,
            "invalid_field",
            "to",
        ),
    ];
    check(&rig, "/v1/days", OPERATOR, cases).await;
    let cases: Vec<Case> = vec![(
        "unknown case",
        json!({"explanation": "x"}),
        404,
        "not_found",
        "case",
    )];
    check(&rig, "/v1/cases/cas_none/explanation", FINANCE, cases).await;
    let cases: Vec<Case> = vec![
        (
            "plain HTTP",
            json!({"url": "http://shop.example.com/"}),
            422,
            "invalid_field",
            "url",
        ),
        (
            "inner address",
            json!({"url": "https://10.0.0.1/"}),
            422,
            "invalid_field",
            "url",
        ),
    ];
    check(&rig, "/v1/webhook-endpoints", SHOP, cases).await;
    rig.stop().await;
}
