//! Pages: newest first, nothing twice and nothing skipped while the list grows.

use crate::support::{self, LEDGER, Rig, SHOP, transfer};
use serde_json::json;

async fn order(rig: &Rig, number: usize) -> String {
    // A millisecond between orders, so that their order is known.
    let now = support::start_time() + jiff::SignedDuration::from_millis(number as i64 + 1);
    rig.clock.set(now);
    let body = json!({"order_number": format!("A-{number}"), "amount": {"amount": 100, "currency": "CNY"},
        "channel": "wechat", "description": "book"});
    rig.post("/v1/payments", SHOP, &format!("k{number}"), &body)
        .await
        .expect(201)
        .id()
}

#[tokio::test]
async fn a_list_that_grows_shows_nothing_twice() {
    let rig = Rig::start().await;
    let mut expected = Vec::new();
    for number in 0..7 {
        expected.push(order(&rig, number).await);
    }
    expected.reverse();
    let mut found = Vec::new();
    let mut path = "/v1/payments?limit=3".to_owned();
    for page in 0.. {
        let answer = rig.get(&path, SHOP).await.expect(200);
        for item in answer.body["items"].as_array().unwrap() {
            found.push(item["id"].as_str().unwrap().to_owned());
        }
        order(&rig, 100 + page).await;
        match answer.body["next"].as_str() {
            Some(next) => path = format!("/v1/payments?limit=3&after={next}"),
            None => break,
        }
    }
    assert_eq!(found, expected);
    rig.stop().await;
}

#[tokio::test]
async fn filters_narrow_a_list() {
    let rig = Rig::start().await;
    for number in 0..5 {
        order(&rig, number).await;
    }
    let ids = |answer: &support::Answer| answer.body["items"].as_array().unwrap().len();
    let none = rig
        .get("/v1/payments?status=succeeded", SHOP)
        .await
        .expect(200);
    assert_eq!((ids(&none), none.body.get("next")), (0, None));
    assert_eq!(
        ids(&rig.get("/v1/payments?status=created&limit=5", SHOP).await),
        5
    );
    let one = rig
        .get("/v1/payments?order_number=A-3", SHOP)
        .await
        .expect(200);
    assert_eq!(one.body["items"][0]["order_number"], "A-3");
    let late = "/v1/payments?created_from=2026-11-20T10:00:00.004+08:00";
    assert_eq!(ids(&rig.get(late, SHOP).await.expect(200)), 2);
    assert_eq!(
        ids(&rig.get("/v1/payments?created_to=2026-11-20", SHOP).await),
        0
    );
    assert_eq!(
        ids(&rig.get("/v1/payments?created_from=2026-11-20", SHOP).await),
        5
    );
    rig.stop().await;
}

#[tokio::test]
async fn a_statement_adds_up_over_its_pages() {
    let rig = Rig::start().await;
    let (wallet, bank) = rig.two_accounts().await;
    for id in 1..=7 {
        let body = transfer(id, wallet, bank, 100);
        rig.post("/v1/transfers", LEDGER, &format!("t{id}"), &body)
            .await
            .expect(201);
    }
    let base = format!("/v1/accounts/{wallet}/statement?date=2026-11-20&limit=3");
    let mut path = base.clone();
    let mut amounts = Vec::new();
    loop {
        let page = rig.get(&path, LEDGER).await.expect(200);
        assert_eq!(page.body["closing"]["amount"], 99_300);
        assert_eq!(page.body["opening"]["amount"], 0);
        for entry in page.body["entries"].as_array().unwrap() {
            let sign = if entry["side"] == "credit" { 1 } else { -1 };
            amounts.push((
                entry["balance"]["amount"].as_i64().unwrap(),
                sign * entry["amount"]["amount"].as_i64().unwrap(),
            ));
        }
        match page.body["next"].as_str() {
            Some(next) => path = format!("{base}&after={next}"),
            None => break,
        }
    }
    assert_eq!(amounts.len(), 9, "{amounts:?}");
    let mut balance = 0;
    for (after, change) in amounts.into_iter().rev() {
        balance += change;
        assert_eq!(after, balance);
    }
    let now = rig
        .get(&format!("/v1/accounts/{wallet}"), LEDGER)
        .await
        .expect(200);
    assert_eq!(now.body["balance"]["amount"], 99_300);
    rig.get(
        &format!("/v1/accounts/{wallet}/statement?date=2026-11-19"),
        LEDGER,
    )
    .await
    .expect(404);
    rig.stop().await;
}

#[tokio::test]
async fn accounts_are_listed_by_number() {
    let rig = Rig::start().await;
    let accounts: Vec<_> = (0..5)
        .map(|n| json!({"code": format!("w:{n}"), "kind": "liability", "currency": "CNY"}))
        .collect();
    let opened = rig
        .post(
            "/v1/accounts/batch",
            LEDGER,
            "k",
            &json!({"accounts": accounts}),
        )
        .await
        .expect(201);
    assert_eq!(opened.body["accounts"].as_array().unwrap().len(), 5);
    let mut names = Vec::new();
    let mut path = "/v1/accounts?limit=4".to_owned();
    loop {
        let page = rig.get(&path, LEDGER).await.expect(200);
        for item in page.body["items"].as_array().unwrap() {
            names.push(item["name"].as_str().unwrap().to_owned());
        }
        match page.body["next"].as_str() {
            Some(next) => path = format!("/v1/accounts?limit=4&after={next}"),
            None => break,
        }
    }
    assert_eq!(
        names,
        [
            "client:w:0",
            "client:w:1",
            "client:w:2",
            "client:w:3",
            "client:w:4"
        ]
    );
    let one = rig.get("/v1/accounts?code=w:2", LEDGER).await.expect(200);
    assert_eq!(one.body["items"][0]["name"], "client:w:2");
    rig.stop().await;
}
