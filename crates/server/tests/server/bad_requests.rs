//! Requests that are not of the right form: media type, length, path, method, keys, parameters.

use crate::support::{LEDGER, OPERATOR, Rig, SHOP, answer, id_text, transfer};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn the_form_of_a_request() {
    let rig = Rig::start().await;
    let post = |body: &'static [u8]| {
        rig.client()
            .post(rig.url("/v1/transfers"))
            .header("authorization", format!("Bearer {LEDGER}"))
            .header("idempotency-key", "k")
            .header("content-type", "application/json")
            .body(body)
    };
    for body in [&b"{"[..], b"", b"\xff\xfe", b"{\"a\":\"\x01\"}", b"{} {}"] {
        answer(post(body))
            .await
            .expect_problem(400, "malformed_json", "");
    }
    let deep = format!("{{\"id\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let deep = rig.send(
        Method::POST,
        "/v1/transfers",
        LEDGER,
        Some("k"),
        Some(deep.into_bytes()),
    );
    deep.await.expect_problem(422, "invalid_field", "id");
    let positional = json!([id_text(1), 1, 2, {"amount": 1, "currency": "CNY"}, 1001, null]);
    rig.post("/v1/transfers", LEDGER, "k", &positional)
        .await
        .expect_problem(422, "invalid_field", "");
    let plain = rig
        .client()
        .post(rig.url("/v1/transfers"))
        .header("authorization", format!("Bearer {LEDGER}"));
    let plain = plain
        .header("idempotency-key", "k")
        .header("content-type", "text/plain");
    answer(plain.body("{}"))
        .await
        .expect_problem(415, "unsupported_media_type", "");
    let untyped = rig
        .client()
        .post(rig.url("/v1/transfers"))
        .header("authorization", format!("Bearer {LEDGER}"));
    answer(untyped.header("idempotency-key", "k").body("{}"))
        .await
        .expect_problem(415, "unsupported_media_type", "");
    let long = vec![b' '; (1 << 20) + 1];
    rig.send(Method::POST, "/v1/transfers", LEDGER, Some("k"), Some(long))
        .await
        .expect_problem(413, "body_too_large", "");
    rig.get("/v1/nothing", LEDGER)
        .await
        .expect_problem(404, "unknown_route", "");
    let wrong = rig
        .send(Method::DELETE, "/v1/transfers", LEDGER, None, None)
        .await;
    let wrong = wrong.expect_problem(405, "method_not_allowed", "");
    assert_eq!(wrong.headers["allow"], "POST");
    rig.stop().await;
}

#[tokio::test]
async fn idempotency_keys() {
    let rig = Rig::start().await;
    let (wallet, bank) = rig.two_accounts().await;
    let body = serde_json::to_vec(&transfer(1, wallet, bank, 1)).unwrap();
    let send = |key: Option<&'static str>| {
        rig.send(
            Method::POST,
            "/v1/transfers",
            LEDGER,
            key,
            Some(body.clone()),
        )
    };
    send(None)
        .await
        .expect_problem(400, "idempotency_key_required", "");
    let long: &'static str = Box::leak("x".repeat(256).into_boxed_str());
    for key in ["", "a b", long] {
        send(Some(key))
            .await
            .expect_problem(400, "idempotency_key_invalid", "");
    }
    let longest: &'static str = Box::leak("x".repeat(255).into_boxed_str());
    send(Some(longest)).await.expect(201);
    rig.stop().await;
}

#[tokio::test]
async fn query_and_path_parameters() {
    let rig = Rig::start().await;
    let cases = [
        ("/v1/payments?limit=0", 400, "invalid_parameter", "limit"),
        ("/v1/payments?limit=201", 400, "invalid_parameter", "limit"),
        ("/v1/payments?limit=ten", 400, "invalid_parameter", "limit"),
        (
            "/v1/payments?after=nonsense!",
            400,
            "invalid_parameter",
            "after",
        ),
        (
            "/v1/payments?status=paid",
            400,
            "invalid_parameter",
            "status",
        ),
        (
            "/v1/payments?created_from=yesterday",
            400,
            "invalid_parameter",
            "created_from",
        ),
        (
            "/v1/payments?colour=red",
            400,
            "unknown_parameter",
            "colour",
        ),
        (
            "/v1/payments?order_number=A1&status=closed",
            400,
            "invalid_parameter",
            "status",
        ),
        ("/v1/payments/pay_none", 404, "not_found", ""),
        ("/v1/payments/%ff", 404, "not_found", ""),
        ("/v1/payments/%00", 404, "not_found", ""),
        ("/v1/accounts/one", 404, "not_found", ""),
        ("/v1/accounts/18446744073709551615", 404, "not_found", ""),
    ];
    for (path, status, code, field) in cases {
        let found = rig.get(path, SHOP).await;
        assert_eq!(
            (found.status, found.code(), found.field()),
            (status, code, field),
            "{path}"
        );
    }
    rig.get("/v1/payments", OPERATOR)
        .await
        .expect_problem(400, "invalid_parameter", "merchant");
    rig.get("/v1/transfers/short", LEDGER)
        .await
        .expect_problem(404, "not_found", "");
    let (wallet, _) = rig.two_accounts().await;
    let path = format!("/v1/accounts/{wallet}/statement?date=2026-13-01");
    rig.get(&path, LEDGER)
        .await
        .expect_problem(400, "invalid_parameter", "date");
    let path = format!("/v1/accounts/{wallet}/statement?after=AAAA");
    rig.get(&path, LEDGER)
        .await
        .expect_problem(400, "invalid_parameter", "after");
    rig.stop().await;
}

#[tokio::test]
async fn only_transfers_are_reversed() {
    let rig = Rig::start().await;
    let (wallet, bank) = rig.two_accounts().await;
    let body =
        json!({"account": wallet, "side": "debit", "amount": {"amount": 500, "currency": "CNY"}});
    let hold = rig.post("/v1/holds", LEDGER, "h", &body).await.expect(201);
    let capture = format!("/v1/holds/{}/capture", hold.id());
    let captured = transfer(901, wallet, bank, 200);
    rig.post(&capture, LEDGER, "c", &captured).await.expect(201);
    let reversal = json!({"reversal_id": id_text(902), "reason": "a mistake"});
    for id in [hold.id().to_owned(), id_text(901)] {
        let path = format!("/v1/transfers/{id}/reversal");
        rig.post(&path, LEDGER, &id, &reversal)
            .await
            .expect_problem(409, "state_conflict", "");
    }
    let path = format!("/v1/transfers/{}/reversal", id_text(900));
    rig.post(&path, LEDGER, "r", &reversal)
        .await
        .expect_problem(422, "insufficient_funds", "");
    rig.stop().await;
}
