//! The book, its server and its background work, as `serve` runs them.

use super::channel::{InstantChannel, PlainConnector};
use super::wire;
use crate::failure::Failure;
use crate::target::Target;
use domain::merchant::Profile;
use domain::{Command, QingyuanApp, Request};
use engine::runtime::{Outbox, Running, Timers};
use engine::{Actor, Envelope, Verdict};
use serde_json::{Value, json};
use server::{ApiKeyConfig, Connectors, Engine, Role, RunningServer, Server, ServerConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Attempts at effects at a time, and how often due ones are looked for: as `serve`.
const PARALLEL: usize = 64;
const TICK: Duration = Duration::from_millis(250);

const OPERATOR: &str = "benchmark-operator";
const LEDGER: &str = "benchmark-ledger";

/// Everything that runs.
pub struct World {
    /// Where the server listens.
    pub address: SocketAddr,
    /// The shard.
    pub engine: Engine,
    running: Running<QingyuanApp>,
    server: RunningServer,
    workers: Vec<JoinHandle<()>>,
}

impl World {
    /// Starts everything over a book of one shard.
    pub async fn start(target: &mut Target) -> Result<World, Failure> {
        let mut running = target.start()?;
        let engine = running.engine.clone();
        let set_up = Command::Request(Request::SetUp(
            QingyuanApp::sample().map_err(Failure::other)?.set_up(),
        ));
        let outcome = engine
            .submit(Envelope::new(Actor::system(), set_up))
            .await?;
        if !matches!(outcome.result, Verdict::Done(_)) {
            return Err(Failure::other("the internal accounts could not be opened"));
        }
        let config = config();
        let connectors = Connectors::new([Arc::new(PlainConnector) as Arc<_>]);
        let server = Server::new(&config, engine.clone(), connectors).map_err(Failure::other)?;
        let (_, nothing) = tokio::sync::mpsc::unbounded_channel();
        let fresh = std::mem::replace(&mut running.fresh, nothing);
        let outbox = Outbox::new(engine.clone(), InstantChannel, PARALLEL);
        let timers = Timers::new(engine.clone());
        let workers = vec![
            tokio::spawn(outbox.run(fresh, TICK)),
            tokio::spawn(timers.run(TICK)),
        ];
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .map_err(Failure::other)?;
        let server = server.start(listener).map_err(Failure::other)?;
        Ok(World {
            address: server.address,
            engine,
            running,
            server,
            workers,
        })
    }

    /// Ends everything.
    pub async fn stop(self, target: &mut Target) -> Result<(), Failure> {
        self.server.stop().await;
        for worker in self.workers {
            worker.abort();
        }
        drop(self.engine);
        tokio::task::block_in_place(|| target.stop(self.running))
    }

    /// Makes a merchant without costs worth naming but a fee, and answers its id.
    pub fn merchant(&self, number: &str) -> Result<String, Failure> {
        let body = json!({
            "external_number": number,
            "name": number,
            "fee_schedule": {"rate": 6_000, "min": 1},
            "settlement_cycle": "T+1",
            "automatic_payout": false,
            "split_share_max": 1_000_000,
            "profile": Profile::ordinary(),
        });
        let mut request = Vec::new();
        let text = serde_json::to_vec(&body).map_err(Failure::other)?;
        wire::post(
            &mut request,
            "/v1/merchants",
            &headers(Role::Operator, number),
            &text,
        );
        let created = wire::exchange(self.address, &request, |answer| {
            answer.expect_success("/v1/merchants")?;
            serde_json::from_slice::<Value>(answer.body).map_err(Failure::other)
        })?;
        let id = created.get("id").and_then(Value::as_str);
        id.map(str::to_owned)
            .ok_or_else(|| Failure::other("a merchant without id"))
    }

    /// What the API shows of a payment.
    pub fn payment(&self, id: &str) -> Result<Value, Failure> {
        let request = format!(
            "GET /v1/payments/{id} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {OPERATOR}\r\n\r\n"
        );
        wire::exchange(self.address, request.as_bytes(), |answer| {
            answer.expect_success("/v1/payments/{id}")?;
            serde_json::from_slice(answer.body).map_err(Failure::other)
        })
    }
}

/// A server with the keys of the load.
pub fn config() -> ServerConfig {
    ServerConfig {
        api_keys: vec![
            ApiKeyConfig::of_token("operator", OPERATOR, "benchmark", Role::Operator),
            ApiKeyConfig::of_token("ledger", LEDGER, "benchmark", Role::Ledger),
        ],
        ..ServerConfig::default()
    }
}

/// Headers of a request with an idempotency key.
pub fn headers(role: Role, key: &str) -> String {
    let token = match role {
        Role::Ledger => LEDGER,
        _ => OPERATOR,
    };
    format!("authorization: Bearer {token}\r\nidempotency-key: {key}\r\n")
}
