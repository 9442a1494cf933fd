//! Single transfers over HTTP on one machine: how many a second, and how long one takes.
//!
//! `cargo run --release -p server --example load -- 64 20000` (clients, requests).
#![allow(
    clippy::unwrap_used,
    clippy::float_arithmetic,
    reason = "a measuring tool"
)]

use calendar::BusinessDate;
use domain::transfer::{NewClientAccount, OpenAccounts};
use domain::{Command, QingyuanApp, Reply, Request};
use engine::runtime::SystemClock;
use engine::store::sqlite::SqliteStore;
use engine::{Actor, CacheLimits, Envelope, ShardCode, ShardOptions, Vault, Verdict};
use ledger::AccountKind;
use money::Currency;
use server::{ApiKeyConfig, Connectors, Engine, Role, Server, ServerConfig};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Accounts that the transfers go between.
const ACCOUNTS: u64 = 1_000;

async fn ask(engine: &Engine, role: &str, request: Request) -> Reply {
    let envelope = Envelope::new(Actor::new("load", role), Command::Request(request));
    match engine.submit(envelope).await.unwrap().result {
        Verdict::Done(reply) => reply,
        other => {
            eprintln!("{other:?}");
            std::process::exit(1)
        }
    }
}

async fn open_accounts(engine: &Engine) -> u64 {
    ask(
        engine,
        "operator",
        Request::SetUp(QingyuanApp::sample().unwrap().set_up()),
    )
    .await;
    let accounts = (0..ACCOUNTS).map(|n| NewClientAccount {
        code: format!("a:{n}"),
        kind: AccountKind::Liability,
        currency: Currency::CNY,
        may_go_negative: true,
    });
    let accounts = accounts.collect();
    let request = Request::OpenAccounts(OpenAccounts { accounts });
    match ask(engine, "ledger", request).await {
        Reply::Accounts(opened) => opened.first().map_or(0, |account| account.account),
        _ => 0,
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|text| text.parse::<u64>().unwrap());
    let clients = arguments.next().unwrap_or(64);
    let total = arguments.next().unwrap_or(20_000);
    let directory = tempfile::tempdir().unwrap();
    let running = engine::runtime::Engine::start(
        Arc::new(QingyuanApp::sample().unwrap()),
        Arc::new(SqliteStore::open(directory.path()).unwrap()),
        Arc::new(Vault::new(&[7; 32]).unwrap()),
        Arc::new(SystemClock),
        ShardOptions {
            shard: ShardCode::FIRST,
            first_business_date: BusinessDate::new(2026, 11, 20).unwrap(),
            limits: CacheLimits::default(),
            sweep_min: 2_048,
        },
    )
    .unwrap();
    let engine = running.engine.clone();
    let first = open_accounts(&engine).await;
    let config = ServerConfig {
        api_keys: vec![ApiKeyConfig::of_token("load", "load", "load", Role::Ledger)],
        ..ServerConfig::default()
    };
    let server = Server::new(&config, engine.clone(), Connectors::default()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = server.start(listener).unwrap();
    for path in ["/livez", "/v1/transfers"] {
        run(&server.address.to_string(), path, clients, total, first).await;
    }
    server.stop().await;
    tokio::task::spawn_blocking(move || running.stop())
        .await
        .unwrap();
}

async fn run(address: &str, path: &'static str, clients: u64, total: u64, first: u64) {
    let next = Arc::new(AtomicU64::new(1));
    let started = Instant::now();
    let tasks: Vec<_> = (0..clients)
        .map(|_| tokio::spawn(client(address.to_owned(), path, next.clone(), total, first)))
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    let took = started.elapsed();
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied();
    println!(
        "{path}: {} requests, {clients} clients, {:.0}/s, median {:?}, 99 % {:?}",
        times.len(),
        times.len() as f64 / took.as_secs_f64(),
        at(50).unwrap_or_default(),
        at(99).unwrap_or_default()
    );
}

async fn client(
    address: String,
    path: &'static str,
    next: Arc<AtomicU64>,
    total: u64,
    first: u64,
) -> Vec<Duration> {
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.set_nodelay(true).unwrap();
    let (mut times, mut buffer) = (Vec::new(), vec![0; 4_096]);
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number > total {
            return times;
        }
        let message = message(path, number, first);
        let started = Instant::now();
        connection.write_all(message.as_bytes()).await.unwrap();
        let length = connection.read(&mut buffer).await.unwrap();
        times.push(started.elapsed());
        let status = buffer.get(9..12).unwrap_or_default();
        if !matches!(status, b"200" | b"201") {
            let answer = buffer.get(..length).unwrap_or_default();
            eprintln!("{}", String::from_utf8_lossy(answer));
            std::process::exit(1);
        }
    }
}

fn message(path: &str, number: u64, first: u64) -> String {
    if path == "/livez" {
        return "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n".to_owned();
    }
    let debit = first + number % ACCOUNTS;
    let credit = first + (number + 1 + number % 7) % ACCOUNTS;
    let id = engine::ids::id_text(u128::from(number));
    let body = format!(
        "{{\"id\":\"{id}\",\"debit\":{debit},\"credit\":{credit},\"amount\":{{\"amount\":100,\"currency\":\"CNY\"}},\"code\":1001}}"
    );
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer load\r\nidempotency-key: {number}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
