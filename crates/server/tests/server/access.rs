//! Who may do and see what.

use crate::support::{CHECKER, FINANCE, LEDGER, OPERATOR, OTHER_SHOP, Rig, SHOP, answer};
use serde_json::json;

#[tokio::test]
async fn without_a_key_there_is_nothing() {
    let rig = Rig::start().await;
    let url = rig.url("/v1/payments");
    let bare = rig.client().get(&url);
    let refused = answer(bare).await.expect_problem(401, "unauthorized", "");
    assert_eq!(refused.headers["www-authenticate"], "Bearer");
    for value in [
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic b3BlcmF0b3I=",
        "operator-token",
    ] {
        let request = rig.client().get(&url).header("authorization", value);
        answer(request)
            .await
            .expect_problem(401, "unauthorized", "");
    }
    let twice = rig.client().get(&url);
    let twice = twice
        .header("authorization", format!("Bearer {SHOP}"))
        .header("authorization", "Bearer x");
    answer(twice).await.expect_problem(401, "unauthorized", "");
    rig.stop().await;
}

#[tokio::test]
async fn a_merchant_sees_its_own_objects_only() {
    let rig = Rig::start().await;
    let order = json!({"order_number": "A-1", "amount": {"amount": 100, "currency": "CNY"},
        "channel": "wechat", "description": "book"});
    let id = rig
        .post("/v1/payments", SHOP, "k", &order)
        .await
        .expect(201)
        .id();
    let path = format!("/v1/payments/{id}");
    rig.get(&path, SHOP).await.expect(200);
    rig.get(&path, OPERATOR).await.expect(200);
    rig.get(&path, OTHER_SHOP)
        .await
        .expect_problem(404, "not_found", "");
    rig.get(&path, LEDGER)
        .await
        .expect_problem(403, "forbidden", "");
    let close = format!("{path}/close");
    rig.press(&close, OTHER_SHOP, "k").await.expect(404);
    let listed = rig.get("/v1/payments", OTHER_SHOP).await.expect(200);
    assert_eq!(listed.body["items"], json!([]));
    let path = format!("/v1/payments?merchant={}", rig.shop);
    rig.get(&path, OTHER_SHOP)
        .await
        .expect_problem(403, "forbidden", "merchant");
    assert_eq!(
        rig.get(&path, OPERATOR).await.body["items"][0]["id"],
        id.as_str()
    );
    let path = format!("/v1/merchants/{}", rig.shop);
    rig.get(&path, OTHER_SHOP).await.expect(404);
    let own = rig.get(&path, SHOP).await.expect(200);
    let account = own.body["accounts"]["payable"].as_u64().unwrap();
    let path = format!("/v1/accounts/{account}");
    rig.get(&path, SHOP).await.expect(200);
    rig.get(&path, OTHER_SHOP).await.expect(404);
    rig.get(&path, LEDGER).await.expect(404);
    rig.stop().await;
}

#[tokio::test]
async fn roles_are_kept_apart() {
    let rig = Rig::start().await;
    let cases = [
        (
            "/v1/merchants",
            SHOP,
            json!({"external_number": "x", "name": "x", "fee_schedule": {}, "settlement_cycle": "T+1"}),
        ),
        ("/v1/days", SHOP, json!({})),
        ("/v1/days", FINANCE, json!({})),
        (
            "/v1/accounts",
            OPERATOR,
            json!({"code": "x", "kind": "asset", "currency": "CNY"}),
        ),
        (
            "/v1/cases/cas_1/explanation",
            SHOP,
            json!({"explanation": "x"}),
        ),
    ];
    for (path, token, body) in cases {
        let found = rig.post(path, token, "k", &body).await;
        assert_eq!(
            (found.status, found.code()),
            (403, "forbidden"),
            "{path} {token}"
        );
    }
    for path in [
        "/v1/cases",
        "/v1/proposals",
        "/v1/days",
        "/v1/merchants",
        "/v1/accounts",
    ] {
        assert_eq!(rig.get(path, SHOP).await.status, 403, "{path}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn a_proposal_needs_another_person() {
    let rig = Rig::start().await;
    let body = json!({"outcome": "not_paid", "evidence": "bank letter 88"});
    let proposed = rig
        .post("/v1/payouts/pot_none/resolution", FINANCE, "k", &body)
        .await
        .expect(202);
    let id = proposed.body["proposal"].as_str().unwrap();
    let open = rig.get("/v1/proposals", FINANCE).await.expect(200);
    assert_eq!(open.body["items"][0]["id"], id);
    assert_eq!(open.body["items"][0]["maker"]["principal"], "wang.fang");
    let approve = format!("/v1/proposals/{id}/approve");
    rig.press(&approve, FINANCE, "k")
        .await
        .expect_problem(403, "maker_is_checker", "");
    rig.press(&approve, OPERATOR, "k")
        .await
        .expect_problem(403, "forbidden", "");
    let decline = format!("/v1/proposals/{id}/decline");
    rig.press(&decline, CHECKER, "k").await.expect(204);
    for decision in [&approve, &decline] {
        rig.press(decision, CHECKER, "k-2")
            .await
            .expect_problem(409, "state_conflict", "");
    }
    rig.press("/v1/proposals/prp_none/approve", CHECKER, "k")
        .await
        .expect_problem(404, "not_found", "");
    let one = rig
        .get(&format!("/v1/proposals/{id}"), FINANCE)
        .await
        .expect(200);
    assert_eq!(one.body["status"], "declined");
    rig.stop().await;
}

#[tokio::test]
async fn keys_are_replaced_while_the_server_runs() {
    use server::{ApiKeyConfig, Role};
    let rig = Rig::start().await;
    let key = ApiKeyConfig::of_token("new", "new-token", "li.na", Role::Operator);
    rig.server.state().set_api_keys(&[key]).unwrap();
    rig.get("/v1/merchants", OPERATOR).await.expect(401);
    rig.get("/v1/merchants", "new-token").await.expect(200);
    let bad = ApiKeyConfig::of_token("m", "t", "m", Role::Merchant);
    assert!(rig.server.state().set_api_keys(&[bad]).is_err());
    rig.get("/v1/merchants", "new-token").await.expect(200);
    rig.stop().await;
}

#[tokio::test]
async fn request_ids_come_back() {
    let rig = Rig::start().await;
    let ask = |id: &'static str| {
        answer(
            rig.client()
                .get(rig.url("/livez"))
                .header("x-request-id", id),
        )
    };
    assert_eq!(
        ask("trace-1.a_B").await.headers["x-request-id"],
        "trace-1.a_B"
    );
    let own = ask("with space").await;
    let own = own.headers["x-request-id"].to_str().unwrap();
    assert!(own.starts_with("req_") && own.len() == 20);
    rig.stop().await;
}
