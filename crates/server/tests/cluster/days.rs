//! A book's day closes when all shards have turned.

use crate::rig::{OPERATOR, Shared, group_in};
use calendar::{BusinessDate, instant_at};
use domain::closing::TurnDay;
use domain::{Command, Request};
use engine::{Actor, Envelope, ShardCode, Verdict};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_day_turns_in_every_shard_and_its_report_is_one() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    for shard in 0..4 {
        let group = group_in(&one.book, shard);
        let merchant = one.merchant(&format!("m-{shard}"), Some(&group)).await;
        let order = json!({"merchant": merchant, "order_number": "o-1",
            "amount": {"amount": 100, "currency": "CNY"}, "channel": "wechat", "description": "a book"});
        one.post("/v1/payments", OPERATOR, order).await.expect(201);
    }
    let open = one.get("/v1/days/current", OPERATOR).await.expect(200);
    assert_eq!(open["date"], "2026-11-20");
    assert_eq!(open["figures"]["payments_created"]["count"], 4);
    assert_eq!(one.get("/v1/days/2026-11-20", OPERATOR).await.status, 404);

    let closed = one.post("/v1/days", OPERATOR, json!({})).await.expect(201);
    assert_eq!(closed["date"], "2026-11-20");
    assert_eq!(closed["next_date"], "2026-11-21");
    assert_eq!(closed["figures"]["payments_created"]["count"], 4);
    let repeated = one.post("/v1/days", OPERATOR, json!({})).await.expect(201);
    assert_eq!(
        repeated["date"], "2026-11-20",
        "the same request again turns nothing"
    );
    let report = one.get("/v1/days/2026-11-20", OPERATOR).await.expect(200);
    assert_eq!(report["figures"], closed["figures"]);
    let days = one.get("/v1/days", OPERATOR).await.expect(200);
    assert_eq!(days["items"].as_array().unwrap().len(), 1);
    let current = one.get("/v1/days/current", OPERATOR).await.expect(200);
    assert_eq!(current["date"], "2026-11-21");
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_that_is_half_turned_hides_no_other() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    one.post("/v1/days", OPERATOR, json!({})).await.expect(201);
    let next = BusinessDate::new(2026, 11, 21).unwrap();
    shared.clock.set(instant_at(next, 10, 0, 0));
    let to = next.next();
    let command = Command::Request(Request::TurnDay(TurnDay { to: Some(to) }));
    let envelope = Envelope::new(Actor::system(), command);
    let turned = one.book.submit(ShardCode::FIRST, envelope).await.unwrap();
    assert!(matches!(turned.result, Verdict::Done(_)), "{turned:?}");

    let page = one.get("/v1/days?limit=1", OPERATOR).await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 0);
    let next = page["next"].as_str().expect("an older date follows");
    let path = format!("/v1/days?limit=1&after={next}");
    let page = one.get(&path, OPERATOR).await.expect(200);
    assert_eq!(page["items"][0]["date"], "2026-11-20");
    assert_eq!(page["next"].as_str(), None);
    one.stop().await;
}
