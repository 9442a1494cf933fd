//! Payers of every shard, who ask whatever server they know until they are answered.

use super::super::payments::ids::Ids;
use super::super::payments::wire;
use crate::failure::Failure;
use engine::ShardCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A key that `serve --sandbox` accepts.
const OPERATOR: &str = "sandbox-operator";
/// Pause before a request is repeated: what is measured is known no better than this.
const AGAIN: Duration = Duration::from_millis(10);
/// Longest time until a request has to be answered by somebody.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// A shard whose writer was killed.
#[derive(Clone, Copy)]
struct Watched {
    killed: Instant,
    /// An attempt made after this cannot have been answered by the killed one.
    gone: Instant,
    first: Option<Duration>,
}

/// What the clients share.
pub struct Load {
    servers: Mutex<Vec<SocketAddr>>,
    watched: Mutex<BTreeMap<ShardCode, Watched>>,
    /// Payments that were acknowledged.
    pub acknowledged: AtomicU64,
    over: AtomicBool,
}

impl Load {
    /// Nothing asked yet.
    pub fn new(servers: Vec<SocketAddr>) -> Load {
        Load {
            servers: Mutex::new(servers),
            watched: Mutex::default(),
            acknowledged: AtomicU64::new(0),
            over: AtomicBool::new(false),
        }
    }

    /// A server has another address from now on.
    pub fn moved(&self, number: usize, address: SocketAddr) {
        if let Some(server) = lock(&self.servers).get_mut(number) {
            *server = address;
        }
    }

    /// The clients end after the request that they are at.
    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// From now on the first payment of each of these shards is waited for.
    pub fn watch(&self, shards: &[ShardCode], killed: Instant, gone: Instant) {
        let watched = Watched {
            killed,
            gone,
            first: None,
        };
        *lock(&self.watched) = shards.iter().map(|shard| (*shard, watched)).collect();
    }

    /// How long each watched shard took; an error names the shards that are still waited for.
    pub fn seen(&self) -> Result<Vec<(ShardCode, Duration)>, Vec<ShardCode>> {
        let watched = lock(&self.watched);
        let first = |(shard, watched): (&ShardCode, &Watched)| match watched.first {
            Some(first) => Ok((*shard, first)),
            None => Err(*shard),
        };
        let (seen, unseen): (Vec<_>, Vec<_>) = watched.iter().map(first).partition(Result::is_ok);
        match unseen.is_empty() {
            true => Ok(seen.into_iter().filter_map(Result::ok).collect()),
            false => Err(unseen.into_iter().filter_map(Result::err).collect()),
        }
    }

    fn acknowledged(&self, shard: ShardCode, attempted: Instant) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
        if let Some(watched) = lock(&self.watched).get_mut(&shard)
            && watched.first.is_none()
            && attempted >= watched.gone
        {
            watched.first = Some(watched.killed.elapsed());
        }
    }

    /// A merchant of a group of its own; its shard follows from the group.
    pub fn merchant(&self, group: &str) -> Result<(ShardCode, String), Failure> {
        let body = json!({
            "external_number": group,
            "name": group,
            "group": group,
            "fee_schedule": {"rate": 6_000, "min": 1},
            "settlement_cycle": "T+1",
            "automatic_payout": false,
            "profile": domain::merchant::Profile::ordinary(),
        });
        let (made, _) = self.ask(0, "/v1/merchants", group, &body)?;
        let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
        let shard = ShardCode::of_id(id).map_err(Failure::other)?;
        Ok((shard, id.to_owned()))
    }

    /// Makes payments one after another until the end.
    pub fn pay(&self, client: usize, shard: ShardCode, merchant: &str) -> Result<(), Failure> {
        let mut ids = Ids::new(client as u64);
        while !self.over.load(Ordering::Relaxed) {
            let number = ids.next();
            let body = json!({
                "merchant": merchant,
                "order_number": number,
                "amount": {"amount": 12_345, "currency": "CNY"},
                "channel": "wechat",
                "description": "两本书",
            });
            let (_, attempted) = self.ask(client, "/v1/payments", &number, &body)?;
            self.acknowledged(shard, attempted);
        }
        Ok(())
    }

    /// Asks one server after another, always under the same key; the answer and when the attempt that brought it began.
    fn ask(
        &self,
        client: usize,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Result<(Value, Instant), Failure> {
        let headers = format!("authorization: Bearer {OPERATOR}\r\nidempotency-key: {key}\r\n");
        let mut request = Vec::new();
        wire::post(&mut request, path, &headers, body.to_string().as_bytes());
        let begun = Instant::now();
        let mut next = client;
        loop {
            let attempted = Instant::now();
            let answered = self.server(next).and_then(|address| {
                wire::exchange(address, &request, |answer| {
                    Ok((answer.status, answer.body.to_vec()))
                })
            });
            let problem = match answered {
                Ok((200..300, body)) => {
                    let body = serde_json::from_slice(&body).map_err(Failure::other)?;
                    return Ok((body, attempted));
                }
                // Refused for good: the benchmark asks for something wrong.
                Ok((status @ 400..500, body)) if status != 409 && status != 429 => {
                    let text = String::from_utf8_lossy(&body).into_owned();
                    return Err(Failure::other(format!(
                        "{path} was answered {status}: {text}"
                    )));
                }
                Ok((status, body)) => format!("{status}: {}", String::from_utf8_lossy(&body)),
                Err(failure) => failure.to_string(),
            };
            if begun.elapsed() > ANSWER_MAX {
                return Err(Failure::other(format!(
                    "{path} found no answer within {} s; the last was {problem}",
                    ANSWER_MAX.as_secs()
                )));
            }
            next += 1;
            std::thread::sleep(AGAIN);
        }
    }

    fn server(&self, number: usize) -> Result<SocketAddr, Failure> {
        let servers = lock(&self.servers);
        let server = servers.get(number % servers.len().max(1)).copied();
        server.ok_or_else(|| Failure::other("there is no server"))
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
