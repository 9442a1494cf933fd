//! What is told when something is not there: the engine, a channel, an answer.

use crate::support::{self, LEDGER, Rig, transfer};
use channels::http::{Method, Request};
use server::ChannelHttpConfig;
use server::channel::{Exchange, HttpDriver};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[tokio::test]
async fn without_the_engine_a_request_is_to_be_repeated() {
    let rig = Rig::start().await;
    let (wallet, bank) = rig.two_accounts().await;
    let Rig {
        running, server, ..
    } = rig;
    tokio::task::spawn_blocking(move || running.stop())
        .await
        .unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = client
        .post(format!("{}/v1/transfers", server.url()))
        .header("authorization", format!("Bearer {LEDGER}"))
        .header("idempotency-key", "k")
        .header("content-type", "application/json")
        .body(transfer(1, wallet, bank, 1).to_string());
    let refused = support::answer(post)
        .await
        .expect_problem(503, "shard_moving", "");
    assert_eq!(refused.headers["retry-after"], "1");
    let ready = support::answer(client.get(format!("{}/readyz", server.url()))).await;
    ready.expect_problem(503, "engine_unavailable", "");
    let live = support::answer(client.get(format!("{}/livez", server.url()))).await;
    live.expect(200);
    server.stop().await;
}

fn driver() -> HttpDriver {
    driver_that_waits(ChannelHttpConfig::default().timeout_ms)
}

fn driver_that_waits(timeout_ms: u64) -> HttpDriver {
    HttpDriver::new(&ChannelHttpConfig {
        timeout_ms,
        answer_bytes: 1_000,
        ..ChannelHttpConfig::default()
    })
    .unwrap()
}

fn request(address: std::net::SocketAddr) -> Request {
    Request {
        method: Method::Post,
        url: format!("http://{address}/pay?merchant=1"),
        headers: vec![("x-signature".into(), "abc".into())],
        body: b"{\"amount\":1}".to_vec(),
    }
}

/// A channel that reads a request and answers these bytes, or nothing at all.
async fn channel(
    answer: Option<&'static [u8]>,
) -> (std::net::SocketAddr, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut received = vec![0; 4_096];
        let mut length = 0;
        while !received[..length].ends_with(b"{\"amount\":1}") {
            match connection.read(&mut received[length..]).await.unwrap() {
                // The client gave up in the middle.
                0 => break,
                count => length += count,
            }
        }
        received.truncate(length);
        match answer {
            Some(bytes) => connection.write_all(bytes).await.unwrap(),
            // Held open until the client gives up.
            None => {
                let _ = connection.read(&mut [0; 16]).await;
            }
        }
        received
    });
    (address, served)
}

#[tokio::test]
async fn a_refused_connection_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let ended = driver().exchange(request(address)).await;
    assert!(matches!(ended, Exchange::NotSent { .. }), "{ended:?}");
}

#[tokio::test]
async fn whatever_may_have_arrived_is_unknown() {
    let cut = &b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"code\":"[..];
    let garbage = &b"this is not HTTP\r\n\r\n"[..];
    let nothing = &b""[..];
    for answer in [Some(cut), Some(garbage), Some(nothing), None] {
        let (address, served) = channel(answer).await;
        let driver = match answer {
            Some(_) => driver(),
            None => driver_that_waits(300),
        };
        let ended = driver.exchange(request(address)).await;
        let Exchange::Unknown { reason } = ended else {
            panic!("{answer:?}: {ended:?}");
        };
        assert!(!reason.contains("merchant=1"), "{reason}");
        served.await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_comes_as_it_was_sent() {
    let redirect = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\nX-Sign: a\r\ncontent-length: 2\r\n\r\n\x1f\x8b";
    let (address, served) = channel(Some(redirect)).await;
    let Exchange::Response(response) = driver().exchange(request(address)).await else {
        panic!("no response");
    };
    assert_eq!(
        (response.status, response.header("x-sign")),
        (302, Some("a"))
    );
    assert_eq!(response.body, b"\x1f\x8b");
    let sent = String::from_utf8(served.await.unwrap()).unwrap();
    assert!(sent.starts_with("POST /pay?merchant=1 HTTP/1.1\r\n"));
    assert!(
        sent.contains("x-signature: abc\r\n") && !sent.contains("accept-encoding"),
        "{sent}"
    );
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let long: &'static [u8] = Box::leak(
        [
            &b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n"[..],
            &[b'x'; 2_000],
        ]
        .concat()
        .into_boxed_slice(),
    );
    let (address, served) = channel(Some(long)).await;
    let ended = driver().exchange(request(address)).await;
    assert!(matches!(ended, Exchange::Unknown { .. }), "{ended:?}");
    served.await.unwrap();
}
