//! What clients send, over a book on PostgreSQL: its indexes take 2,704 bytes of a row, and its sessions are counted.

use crate::support::{self, CHECKER, LEDGER, OPERATOR, Rig, SHOP, answer};
use domain::QingyuanApp;
use engine::ShardCode;
use engine::runtime::{Counters, SimulatedClock};
use engine::store::lease::{Holder, Taken};
use engine::store::postgres::{PostgresOptions, PostgresStore};
use reqwest::Method;
use serde_json::{Value, json};
use server::book::BookRules;
use server::{Connectors, ServerConfig};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;
use testing::postgres::Server;

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3_600);

/// Connections for reading at the same time.
const SESSIONS: usize = 16;

async fn rig(url: &str) -> Rig {
    let options = PostgresOptions {
        shards: Some(NonZeroU16::MIN),
        lease: LONG,
        ..PostgresOptions::default()
    };
    let store = PostgresStore::open(url, options).unwrap();
    let holder = Holder {
        server: "test".into(),
        address: "http://127.0.0.1:9".into(),
    };
    let taken = store.leases().take(ShardCode::FIRST, &holder, LONG);
    let Taken::Lease(lease) = taken.unwrap() else {
        panic!("somebody else has the shard");
    };
    let app = QingyuanApp::sample().unwrap();
    let rules = BookRules::of(&app);
    let clock = Arc::new(SimulatedClock::at(support::start_time()));
    let shard = store.shard(ShardCode::FIRST, lease.epoch);
    let running = support::shard_on(shard, clock.clone(), app);
    let config = ServerConfig {
        merchant_bearer: true,
        ..ServerConfig::default()
    };
    let directory = tempfile::tempdir().unwrap();
    let none = |_: &str| Connectors::default();
    Rig::over(directory, clock, running, rules, none, config).await
}

/// Text that no compression makes short: letters in a base of 64, of as many bytes as `letter` makes of each.
fn noise(seed: u64, length: usize, letter: impl Fn(u32) -> char) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        letter(u32::try_from(state >> 58).unwrap())
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn ascii(digit: u32) -> char {
    let letters = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    char::from(letters[digit as usize])
}

/// A letter of four bytes.
fn wide(digit: u32) -> char {
    char::from_u32(0x2_0000 + digit).unwrap()
}

struct Operation {
    method: Method,
    path: String,
    /// A body that is right for it.
    example: Option<Value>,
    /// Names of query parameters.
    query: Vec<String>,
}

fn operations(api: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for name in ["get", "post", "put", "patch", "delete"] {
            let Some(operation) = item.get(name) else {
                continue;
            };
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            let schema = schema
                .as_str()
                .map(|reference| api.pointer(reference.strip_prefix('#').unwrap()).unwrap());
            let example =
                schema.map(|schema| schema.get("example").unwrap_or(&schema["examples"][0]));
            let parameters = operation["parameters"].as_array();
            let query = parameters
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "query")
                .map(|parameter| parameter["name"].as_str().unwrap().to_owned());
            found.push(Operation {
                method: Method::from_bytes(name.to_uppercase().as_bytes()).unwrap(),
                path: path.clone(),
                example: example.cloned(),
                query: query.collect(),
            });
        }
    }
    assert!(found.len() > 60, "{}", found.len());
    found
}

impl Operation {
    /// The path with everything that it names replaced.
    fn naming(&self, mut id: impl FnMut() -> String) -> String {
        let parts = self.path.split('/').map(|part| {
            if part.starts_with('{') {
                id()
            } else {
                part.to_owned()
            }
        });
        parts.collect::<Vec<String>>().join("/")
    }
}

struct Sending {
    rig: Rig,
    sent: u64,
}

impl Sending {
    async fn start(url: &str) -> Sending {
        Sending {
            rig: rig(url).await,
            sent: 0,
        }
    }

    /// Sends with every role and the longest key; answers the statuses.
    async fn send(&mut self, method: &Method, path: &str, body: Option<&Value>) -> Vec<u16> {
        let mut statuses = Vec::new();
        for token in [OPERATOR, CHECKER, LEDGER, SHOP] {
            self.sent += 1;
            let key = noise(self.sent, 255, ascii);
            let body = body.map(|body| serde_json::to_vec(body).unwrap());
            let found = self
                .rig
                .send(method.clone(), path, token, Some(&key), body)
                .await;
            assert!(found.status < 500, "{method} {path:.300}: {found:?}");
            statuses.push(found.status);
        }
        statuses
    }

    /// Nothing that was sent has kept the shard from writing a batch as it was.
    async fn stop(self) {
        let counters = self.rig.running.engine.counters();
        let failed = Counters::get(&counters.failed_commits);
        let set_aside = Counters::get(&counters.set_aside);
        assert_eq!((failed, set_aside), (0, 0));
        self.rig.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_in_a_path_longer_than_any_there_is_names_nothing() {
    let server = Server::shared();
    let mut sending = Sending::start(&server.fresh()).await;
    let api = sending.rig.get("/openapi.json", "").await.body;
    for operation in operations(&api) {
        if !operation.path.contains('{') {
            continue;
        }
        let mut seed = sending.sent;
        let mut id = |length| {
            seed += 1;
            noise(seed, length, ascii)
        };
        let long = operation.naming(|| id(8_000));
        // The longest that is looked for, and the longest way to write it.
        let escaped = operation.naming(|| {
            let id = id(200);
            id.bytes().map(|byte| format!("%{byte:02X}")).collect()
        });
        let body = operation.example.as_ref();
        for status in sending.send(&operation.method, &long, body).await {
            assert!((400..500).contains(&status), "{status} {}", operation.path);
        }
        // What needs a second person may be proposed for whatever may exist.
        sending.send(&operation.method, &escaped, body).await;
    }
    sending.stop().await;
}

/// Paths of all texts, as JSON pointers.
fn texts(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                texts(member, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate().take(1) {
                texts(item, &format!("{at}/{index}"), found);
            }
        }
        Value::String(_) => found.push(at.to_owned()),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_of_a_body_or_a_query_is_too_long_for_the_store() {
    let server = Server::shared();
    let mut sending = Sending::start(&server.fresh()).await;
    let api = sending.rig.get("/openapi.json", "").await.body;
    let shop = sending.rig.shop.clone();
    for operation in operations(&api) {
        let path = operation.naming(|| shop.clone());
        for name in &operation.query {
            let value = noise(sending.sent, 8_000, ascii);
            let path = format!("{path}?{name}={value}");
            sending.send(&operation.method, &path, None).await;
        }
        let Some(example) = &operation.example else {
            continue;
        };
        let mut found = Vec::new();
        texts(example, "", &mut found);
        for pointer in found {
            for text in [
                noise(sending.sent, 8_000, ascii),
                noise(sending.sent, 200, wide),
            ] {
                let mut body = example.clone();
                *body.pointer_mut(&pointer).unwrap() = json!(text);
                sending.send(&operation.method, &path, Some(&body)).await;
            }
        }
    }
    sending.stop().await;
}

/// A request that is signed with a key that nobody knows.
fn by_stranger(rig: &Rig, number: usize) -> reqwest::RequestBuilder {
    let key = format!("sik_00{number:026}");
    let input = format!("sig=(\"@method\");created=1;keyid=\"{key}\"");
    rig.client()
        .get(rig.url("/v1/payments"))
        .header("signature-input", input)
        .header("signature", "sig=:AAAA:")
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_with_signatures_leave_connections_to_others() {
    let server = Server::shared();
    let database = server.create_database();
    let rig = rig(&server.url(&database)).await;
    // Every key that is looked for is waited for.
    let held = server.hold(&database, "LOCK TABLE record IN ACCESS EXCLUSIVE MODE");
    let mut strangers = tokio::task::JoinSet::new();
    for number in 0..60 {
        strangers.spawn(answer(by_stranger(&rig, number)));
    }
    let first = strangers.join_next().await.unwrap().unwrap();
    first.expect_problem(503, "busy", "");
    let sessions = "SELECT count(*) FROM pg_stat_activity \
         WHERE datname=current_database() AND application_name='qingyuan reading'";
    let sessions: usize = server.sql(&database, sessions).trim().parse().unwrap();
    assert!(sessions <= SESSIONS, "{sessions}");
    // What is read elsewhere than the keys is read meanwhile.
    rig.get("/readyz", "").await.expect(200);
    drop(held);
    let mut unknown = 0;
    while let Some(refused) = strangers.join_next().await {
        let refused = refused.unwrap();
        assert!([401, 503].contains(&refused.status), "{refused:?}");
        unknown += usize::from(refused.status == 401);
    }
    assert!(unknown > 0, "those whose turn it was were answered");
    rig.stop().await;
}

/// Their turns were free again while their reads went on.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_who_hang_up_leave_connections_to_others_too() {
    /// Keys that are read at the same time.
    const READS: usize = 8;
    let server = Server::shared();
    let database = server.create_database();
    let rig = rig(&server.url(&database)).await;
    let held = server.hold(&database, "LOCK TABLE record IN ACCESS EXCLUSIVE MODE");
    let reading = || {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type='Lock' \
             AND datname=current_database() AND application_name='qingyuan reading'";
        let count = server.sql(&database, waiting);
        count.trim().parse::<usize>().unwrap()
    };
    let mut strangers = tokio::task::JoinSet::new();
    for number in 0..READS {
        strangers.spawn(answer(by_stranger(&rig, number)));
    }
    while reading() < READS {
        tokio::task::yield_now().await;
    }
    strangers.shutdown().await;
    // All of them wait until the time for a turn is over: nobody has given one back.
    let others = (0..READS).map(|number| answer(by_stranger(&rig, READS + number)));
    let others: tokio::task::JoinSet<_> = others.collect();
    for refused in others.join_all().await {
        refused.expect_problem(503, "busy", "");
    }
    assert_eq!(reading(), READS);
    drop(held);
    rig.stop().await;
}
