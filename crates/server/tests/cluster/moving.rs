//! Shards that change hands.

use crate::rig::{SHARDS, Shared, group_in, until};
use engine::ShardCode;
use engine::store::lease::Holder;
use server::book::Place;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_gives_up_another_goes_on_with() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let mut wallets = Vec::new();
    for shard in 0..4 {
        let group = group_in(&one.book, shard);
        let bank = one
            .account(&format!("bank:{shard}"), Some(&group), true)
            .await;
        let wallet = one
            .account(&format!("wallet:{shard}"), Some(&group), false)
            .await;
        wallets.push((bank, wallet));
    }
    let other = shared.server("other").await;
    shared.until_held("other", SHARDS / 2).await;
    other.until_ready().await;
    let mut id = 0;
    for (bank, wallet) in &wallets {
        id += 1;
        one.transfer(id, *bank, *wallet, 100).await.expect(201);
        // A retry at the other server finds what was done.
        other.transfer(id, *bank, *wallet, 100).await;
        assert_eq!(other.balance(*wallet).await, 100);
    }
    let stopping = tokio::spawn(one.stop());
    for (bank, wallet) in &wallets {
        id += 1;
        other.transfer(id, *bank, *wallet, 10).await.expect(201);
        assert_eq!(other.balance(*wallet).await, 110);
    }
    stopping.await.unwrap();
    shared.until_held("other", SHARDS).await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lost_its_lease_writes_and_answers_nothing_more() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let group = group_in(&one.book, 2);
    one.account("wallet:1", Some(&group), false).await;
    let thief = Holder {
        server: "thief".into(),
        address: "http://127.0.0.1:9".into(),
    };
    let shard = ShardCode::new(2).unwrap();
    shared.leases.steal(shard, &thief);
    until(|| matches!(one.book.place(shard).as_ref(), Place::There(_))).await;
    // Nobody answers at the thief's address: the request waits for the shard, and is then to be repeated.
    let body = serde_json::json!({"code": "wallet:2", "kind": "liability", "currency": "CNY", "group": group});
    let refused = one.post("/v1/accounts", crate::rig::LEDGER, body).await;
    refused.expect_problem(503, "shard_moving", "");
    shared.until_held("one", SHARDS - 1).await;
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_clock_is_wrong_takes_no_shard_until_it_is_right() {
    let shared = Shared::new();
    shared.leases.put_clock_ahead(2_500);
    let one = shared.server("one").await;
    until(|| shared.leases.refused() >= 3).await;
    assert_eq!(shared.leases.held_by("one"), 0);
    let answer = one.get("/readyz", crate::rig::LEDGER).await;
    answer.expect_problem(503, "shards_without_writer", "");
    shared.leases.put_clock_ahead(-1_500);
    shared.until_held("one", SHARDS).await;
    one.until_ready().await;
    one.stop().await;
}

/// A server that was paused takes connections and answers nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_keeps_nobody_from_renewing() {
    let shared = Shared::new();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let server = "silent".into();
    let rich = Holder { server, address };
    for number in 1..SHARDS {
        let shard = ShardCode::new(u16::try_from(number).unwrap()).unwrap();
        shared.leases.steal(shard, &rich);
    }
    let one = shared.server("one").await;
    // It is asked for shards.
    let _asked = silent.accept().await.unwrap();
    let (asked, renewed) = (Instant::now(), shared.leases.renewals());
    until(|| shared.leases.renewals() > renewed + 3).await;
    // Whoever waited for the answer waited half a minute.
    assert!(asked.elapsed() < Duration::from_secs(20));
    one.stop().await;
}
