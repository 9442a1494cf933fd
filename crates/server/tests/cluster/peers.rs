//! Messages among servers are of servers of the book, and are taken once.

use crate::rig::{OPERATOR, Peculiar, SHARDS, Shared, group_in, until};
use engine::ShardCode;
use engine::store::lease::Holder;
use server::book::{PEER_PATH, Place};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_not_listened_to() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}{PEER_PATH}", one.server.url());
    for (nonce, body) in [
        (None, &b"{}"[..]),
        (Some("00"), b"{}"),
        (Some("000102030405060708090a0b"), b"not sealed by anybody"),
    ] {
        let mut request = client.post(&url).body(body.to_vec());
        if let Some(nonce) = nonce {
            request = request.header("x-peer-nonce", nonce);
        }
        let status = request.send().await.unwrap().status().as_u16();
        assert_eq!(status, 401);
    }
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_body_of_a_stranger_is_not_waited_for() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    let address = one.server.address;
    let mut stranger = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {PEER_PATH} HTTP/1.1\r\nhost: {address}\r\nx-peer-nonce: 000102030405060708090a0b\r\n\
         content-length: 60000000\r\n\r\n"
    );
    stranger.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let answered = stranger.read_exact(&mut answer);
    let answered = tokio::time::timeout(Duration::from_secs(20), answered).await;
    answered
        .expect("it is answered although nothing of the body came")
        .unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_another_key_gets_nothing_done() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let group = group_in(&one.book, 1);
    let foreign = Peculiar {
        peer_key: [8; 32],
        ..Peculiar::default()
    };
    let foreign = shared.peculiar_server("foreign", foreign).await;
    let there = |shard| matches!(foreign.book.place(shard).as_ref(), Place::There(_));
    until(|| foreign.book.shards().all(there)).await;
    // It knows who has the shards, and is not listened to there: nothing should be sent its way.
    let ready = foreign.get("/readyz", OPERATOR).await;
    ready.expect_problem(503, "shards_not_answering", "");
    let body = serde_json::json!({"code": "wallet:1", "kind": "liability", "currency": "CNY", "group": group});
    let refused = foreign.post("/v1/accounts", crate::rig::LEDGER, body).await;
    refused.expect_problem(503, "store_unavailable", "");
    let found = one
        .get("/v1/accounts?code=wallet:1", crate::rig::LEDGER)
        .await
        .expect(200);
    assert_eq!(found["items"].as_array().unwrap().len(), 0);
    foreign.stop().await;
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_started_anew_under_its_old_leases_is_waited_for() {
    let shared = Shared::new();
    let earlier = shared.server("earlier").await;
    earlier.until_ready().await;
    let other = shared.server("other").await;
    shared.until_held("other", SHARDS / 2).await;
    other.until_ready().await;
    let shard = ShardCode::new(0).unwrap();
    let group = group_in(&other.book, 0);
    // It dies: what it held is its own for as long as the leases last, and another process answers at its address.
    let dead = Holder {
        server: "earlier".into(),
        address: earlier.server.url(),
    };
    let listens = earlier.server.address;
    earlier.stop().await;
    shared.leases.steal(shard, &dead);
    let anew = Peculiar {
        listens,
        ..Peculiar::default()
    };
    let anew = shared.peculiar_server("anew", anew).await;
    let there = || matches!(other.book.place(shard).as_ref(), Place::There(by) if *by == dead);
    until(there).await;
    let asked = tokio::spawn(async move {
        other.account("wallet:1", Some(&group), false).await;
        other
    });
    // An answer that was not waited for is there long before.
    let renewals = || shared.leases.history(ShardCode::new(1).unwrap()).1;
    let before = renewals();
    until(|| asked.is_finished() || renewals() != before).await;
    let before = renewals();
    until(|| asked.is_finished() || renewals() >= before + 10 || renewals() < before).await;
    shared.leases.free(shard);
    let other = asked.await.expect("it is answered");
    other.stop().await;
    anew.stop().await;
}
