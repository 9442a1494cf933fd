//! What belongs together is kept together, whichever server is asked.

use crate::rig::{LEDGER, OPERATOR, SHARDS, Shared, group_in};
use serde_json::json;
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread")]
async fn any_server_takes_any_request() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let other = shared.server("other").await;
    shared.until_held("other", SHARDS / 2).await;
    shared.until_held("one", SHARDS / 2).await;
    one.until_ready().await;
    other.until_ready().await;
    let mut merchants = Vec::new();
    for number in 0..12 {
        let asked = if number % 2 == 0 { &one } else { &other };
        merchants.push(asked.merchant(&format!("shop-{number}"), None).await);
    }
    let shards: BTreeSet<&str> = merchants.iter().map(|id| &id[4..6]).collect();
    assert!(shards.len() > 2, "twelve groups in {shards:?}");
    for server in [&one, &other] {
        for id in &merchants {
            let found = server.get(&format!("/v1/merchants/{id}"), OPERATOR).await;
            assert_eq!(found.expect(200)["id"], json!(id));
        }
        // Page by page, all shards in one order.
        let (mut listed, mut after) = (Vec::new(), String::new());
        loop {
            let page = server
                .get(&format!("/v1/merchants?limit=5{after}"), OPERATOR)
                .await
                .expect(200);
            let items = page["items"].as_array().unwrap();
            listed.extend(
                items
                    .iter()
                    .map(|item| item["id"].as_str().unwrap().to_owned()),
            );
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        let (listed, made): (BTreeSet<_>, BTreeSet<_>) =
            (listed.iter().collect(), merchants.iter().collect());
        assert_eq!(listed, made);
    }
    for id in &merchants {
        let order = json!({"merchant": id, "order_number": "o-1", "amount": {"amount": 100, "currency": "CNY"},
            "channel": "wechat", "description": "a book"});
        let paid = one.post("/v1/payments", OPERATOR, order.clone()).await;
        let payment = paid.expect(201)["id"].as_str().unwrap().to_owned();
        assert_eq!(
            payment[4..6],
            id[4..6],
            "a payment is kept beside its merchant"
        );
        // The other server answers the repeat from the same record.
        let again = other.post("/v1/payments", OPERATOR, order).await;
        assert_eq!(again.expect(201)["id"], json!(payment));
    }
    one.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_taken_in_whichever_group_it_was_given() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let (here, elsewhere) = (group_in(&one.book, 1), group_in(&one.book, 2));
    let first = one.merchant("platform", Some(&here)).await;
    assert_eq!(
        one.merchant("platform", Some(&here)).await,
        first,
        "the same again"
    );
    let body = json!({"external_number": "platform", "name": "platform", "fee_schedule": {"rate": 6000},
        "settlement_cycle": "T+1", "group": elsewhere});
    let refused = one.post("/v1/merchants", OPERATOR, body).await;
    refused.expect_problem(409, "already_exists", "group");
    one.account("wallet:1", Some(&here), false).await;
    let body =
        json!({"code": "wallet:1", "kind": "liability", "currency": "CNY", "group": elsewhere});
    let refused = one.post("/v1/accounts", LEDGER, body).await;
    refused.expect_problem(409, "already_exists", "group");
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_moves_within_a_group_and_nowhere_else() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let (here, elsewhere) = (group_in(&one.book, 1), group_in(&one.book, 3));
    let platform = one.merchant("platform", Some(&here)).await;
    let seller = one.merchant("seller", Some(&here)).await;
    let stranger = one.merchant("stranger", Some(&elsewhere)).await;
    let order = |receiver: &str, number: &str| {
        json!({"merchant": platform, "order_number": number, "amount": {"amount": 1000, "currency": "CNY"},
            "channel": "wechat", "description": "a book",
            "split_plan": {"receivers": [{"merchant": receiver, "kind": "seller", "share": {"proportion": 100_000}}]}})
    };
    let taken = one
        .post("/v1/payments", OPERATOR, order(&seller, "o-1"))
        .await;
    taken.expect(201);
    let refused = one
        .post("/v1/payments", OPERATOR, order(&stranger, "o-2"))
        .await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    let detail = refused.body["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("one group"), "{detail}");

    let wallet = one.account("wallet:1", Some(&here), false).await;
    let bank = one.account("bank:1", Some(&here), true).await;
    let far = one.account("wallet:2", Some(&elsewhere), true).await;
    one.transfer(1, bank, wallet, 700).await.expect(201);
    let refused = one.transfer(2, bank, far, 700).await;
    refused.expect_problem(422, "cross_shard", "credit");
    assert_eq!(
        (one.balance(wallet).await, one.balance(far).await),
        (700, 0)
    );
    // Both accounts and the transfer are found by their numbers alone.
    let id = engine::ids::id_text(1);
    one.get(&format!("/v1/transfers/{id}"), LEDGER)
        .await
        .expect(200);
    let page = one.get("/v1/accounts?limit=2", LEDGER).await.expect(200);
    assert!(page["next"].is_string());
    one.stop().await;
}
