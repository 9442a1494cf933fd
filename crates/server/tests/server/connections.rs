//! Clients that are slow, send too much or stay: each ends, and the others are served.

use crate::support::{LEDGER, Rig, SHOP, answer};
use server::{Connectors, Limits, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn rig(limits: Limits) -> Rig {
    let config = ServerConfig {
        limits,
        ..ServerConfig::default()
    };
    Rig::with(|_| Connectors::default(), config).await
}

async fn connect(rig: &Rig) -> TcpStream {
    TcpStream::connect(rig.server.address).await.unwrap()
}

/// All that comes until the server ends the connection.
async fn to_the_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

fn head(length: usize) -> String {
    format!(
        "POST /v1/transfers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {LEDGER}\r\n\
         idempotency-key: k\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_head_that_never_ends_ends_the_connection() {
    let rig = rig(Limits {
        header_timeout_ms: 150,
        ..Limits::default()
    })
    .await;
    let mut slow = connect(&rig).await;
    slow.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n")
        .await
        .unwrap();
    // A byte now and then does not buy more time.
    let (mut read, mut write) = slow.split();
    let drip = async {
        loop {
            if write.write_all(b"a").await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let mut bytes = Vec::new();
    tokio::select! {
        _ = read.read_to_end(&mut bytes) => {}
        () = drip => {}
    }
    assert!(!String::from_utf8(bytes).unwrap().contains(" 200 "));
    let mut silent = connect(&rig).await;
    assert_eq!(to_the_end(&mut silent).await, "");
    rig.get("/livez", "").await.expect(200);
    rig.stop().await;
}

#[tokio::test]
async fn a_body_that_never_comes_is_answered_408() {
    let rig = rig(Limits {
        body_timeout_ms: 150,
        ..Limits::default()
    })
    .await;
    let row = rig.last_row().await;
    let mut slow = connect(&rig).await;
    slow.write_all(head(50).as_bytes()).await.unwrap();
    slow.write_all(b"{\"id\":").await.unwrap();
    let said = to_the_end(&mut slow).await;
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    let lower = said.to_ascii_lowercase();
    assert!(
        lower.contains("content-type: application/problem+json"),
        "{said}"
    );
    assert!(lower.contains("connection: close"), "{said}");
    assert!(said.contains("\"code\":\"body_timeout\""), "{said}");
    assert_eq!(rig.last_row().await, row);
    // The same for a channel's notification and an uploaded bill.
    let mut bill = connect(&rig).await;
    let head = head(50).replace(
        "/v1/transfers",
        "/v1/reconciliations/bill?channel=wechat&date=2026-11-20",
    );
    bill.write_all(head.as_bytes()).await.unwrap();
    let said = to_the_end_after_one_answer(&mut bill).await;
    // Refused before the body is waited for: a ledger's key may not.
    assert!(said.starts_with("HTTP/1.1 403 "), "{said}");
    rig.stop().await;
}

async fn to_the_end_after_one_answer(stream: &mut TcpStream) -> String {
    let mut buffer = vec![0; 4_096];
    let length = stream.read(&mut buffer).await.unwrap();
    buffer.truncate(length);
    String::from_utf8(buffer).unwrap()
}

#[tokio::test]
async fn a_body_that_is_too_long_is_answered_413() {
    let rig = rig(Limits {
        body_bytes: 1_000,
        ..Limits::default()
    })
    .await;
    // Announced: refused without being read.
    let mut announced = connect(&rig).await;
    announced.write_all(head(1_001).as_bytes()).await.unwrap();
    let said = to_the_end(&mut announced).await;
    assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
    assert!(said.contains("\"code\":\"body_too_large\""), "{said}");
    // In chunks, of which nobody knows how many come.
    let mut chunked = connect(&rig).await;
    let head = head(0).replace("content-length: 0", "transfer-encoding: chunked");
    chunked.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("400\r\n{}\r\n", " ".repeat(0x400));
    chunked.write_all(chunk.as_bytes()).await.unwrap();
    let said = to_the_end(&mut chunked).await;
    assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
    rig.stop().await;
}

#[tokio::test]
async fn the_stop_answers_what_is_under_way_and_closes_what_is_idle() {
    let rig = rig(Limits::default()).await;
    let mut idle = connect(&rig).await;
    idle.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 15];
    idle.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    let mut under_way = connect(&rig).await;
    let body = b"{\"id\":1}";
    under_way
        .write_all(head(body.len()).as_bytes())
        .await
        .unwrap();
    under_way.write_all(&body[..4]).await.unwrap();
    // The server has read the head once another connection that came later is answered.
    rig.get("/v1/payments", SHOP).await.expect(200);
    let stopped = tokio::spawn(rig.stop());
    to_the_end(&mut idle).await;
    under_way.write_all(&body[4..]).await.unwrap();
    let said = to_the_end(&mut under_way).await;
    assert!(said.starts_with("HTTP/1.1 422 "), "{said}");
    stopped.await.unwrap();
}

#[tokio::test]
async fn more_connections_than_may_be_wait_for_one_to_end() {
    let rig = rig(Limits {
        connections: 1,
        ..Limits::default()
    })
    .await;
    let mut first = connect(&rig).await;
    first
        .write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut start = [0; 15];
    first.read_exact(&mut start).await.unwrap();
    let second = rig.client().get(rig.url("/livez"));
    let second = tokio::spawn(answer(second));
    // The first is still served.
    first
        .write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    assert!(first.read(&mut [0; 1_000]).await.unwrap() > 0);
    assert!(!second.is_finished());
    drop(first);
    second.await.unwrap().expect(200);
    rig.stop().await;
}
