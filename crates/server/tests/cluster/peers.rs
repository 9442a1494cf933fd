//! Messages among servers are of servers of the book, and are taken once.

use crate::rig::{Shared, group_in};
use server::book::PEER_PATH;

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
async fn a_server_with_another_key_gets_nothing_done() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let group = group_in(&one.book, 1);
    let foreign = shared.server_with_key("foreign", &[8; 32]).await;
    foreign.until_ready().await;
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
