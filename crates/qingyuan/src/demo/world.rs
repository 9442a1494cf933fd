//! The demonstration's world: sandbox, book, server, one simulated clock for all.

use crate::book::{self, ClockKind};
use crate::connectors::{self, InstitutionKeys, WECHAT_MERCHANT};
use crate::failure::Failure;
use crate::target::Target;
use calendar::{BusinessDate, HolidayCalendar, instant_at};
use domain::QingyuanApp;
use engine::runtime::{Outbox, Permissions, Running, SimulatedClock, Timers};
use jiff::Timestamp;
use sandbox::wechat::AutoPay;
use sandbox::{Clock as SandboxClock, RunningSandbox, Sandbox, SandboxConfig, SimClock};
use serde_json::Value;
use server::reconciliation::{Reconciled, Reconciliations};
use server::{ApiKeyConfig, ChannelPerformer, Engine, Role, RunningServer, Server, ServerConfig};
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;

/// Attempts at effects at a time.
const PARALLEL: usize = 32;
/// Passes without an end mean that something repeats for ever.
const PASSES_MAX: usize = 500;

/// Payers of the demonstration pay within minutes; a few never do.
pub const PAYERS: AutoPay = AutoPay {
    after_millis: 4_000,
    spread_millis: 110_000,
    abandon_ppm: 20_000,
};

/// Three business days in a row, all before today.
#[derive(Debug, Clone, Copy)]
pub struct Days {
    /// First day of trade.
    pub first: BusinessDate,
    /// Second day of trade.
    pub second: BusinessDate,
    /// The morning after.
    pub third: BusinessDate,
}

impl Days {
    /// The latest three; simulated days end yesterday, so that a real clock can go on after them.
    pub fn before_today() -> Result<Days, Failure> {
        let calendar = HolidayCalendar::china();
        let mut third = book::today().previous();
        for _ in 0..60 {
            let (second, first) = (third.previous(), third.previous().previous());
            if [first, second, third]
                .iter()
                .all(|date| calendar.is_business_day(*date))
            {
                return Ok(Days {
                    first,
                    second,
                    third,
                });
            }
            third = third.previous();
        }
        Err(Failure::other(
            "no three business days in a row in the last two months",
        ))
    }
}

/// Everything that runs.
pub struct World {
    /// The channels.
    pub sandbox: RunningSandbox,
    /// Handle of the shard.
    pub engine: Engine,
    /// Ids of the three merchants: two sellers and the platform.
    pub merchants: Vec<String>,
    /// Results of the mornings.
    pub reconciliations: Vec<Reconciled>,
    sandbox_clock: SimClock,
    clock: Arc<SimulatedClock>,
    running: Running<QingyuanApp>,
    fresh: UnboundedReceiver<Permissions>,
    outbox: Outbox<QingyuanApp, ChannelPerformer>,
    timers: Timers<QingyuanApp>,
    reconciler: Reconciliations,
    server: RunningServer,
    client: reqwest::Client,
}

const OPERATOR_TOKEN: &str = "demonstration-operator";

impl World {
    /// Starts everything at nine in the morning of the first day.
    pub async fn start(target: &mut Target, days: Days, seed: u64) -> Result<World, Failure> {
        let now = instant_at(days.first, 9, 0, 0);
        let sandbox_clock = SimClock::new(now);
        let sandbox = Sandbox::start(SandboxConfig {
            clock: SandboxClock::Simulated(sandbox_clock.clone()),
            seed,
            ..SandboxConfig::default()
        })
        .await?;
        let keys = InstitutionKeys::generate()?;
        connectors::register(&sandbox, &keys, |terms| {
            // What WeChat charges the institution: 0.2 %.
            terms.fee_rate_ppm = 2_000;
            terms.auto_pay = Some(PAYERS);
        })?;
        let clock = Arc::new(SimulatedClock::at(now));
        let shard_clock = clock.clone();
        let mut running =
            tokio::task::block_in_place(|| target.start_at(shard_clock, ClockKind::Simulated))?;
        let engine = running.engine.clone();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .map_err(Failure::other)?;
        let address = listener.local_addr().map_err(Failure::other)?;
        let public_url = format!("http://{address}");
        let config = ServerConfig {
            bind: address,
            public_url: public_url.clone(),
            api_keys: vec![ApiKeyConfig::of_token(
                "demo",
                OPERATOR_TOKEN,
                "operator",
                Role::Operator,
            )],
            ..ServerConfig::default()
        };
        let connectors = connectors::connectors(&sandbox, &keys, &public_url)?;
        let server = Server::new(&config, engine.clone(), connectors).map_err(Failure::other)?;
        let outbox = Outbox::new(engine.clone(), server.performer(), PARALLEL);
        let timers = Timers::new(engine.clone());
        let reconciler = server.state().reconciliations().clone();
        let server = server.start(listener).map_err(Failure::other)?;
        let (_, nothing) = tokio::sync::mpsc::unbounded_channel();
        let fresh = std::mem::replace(&mut running.fresh, nothing);
        Ok(World {
            sandbox,
            engine,
            merchants: Vec::new(),
            reconciliations: Vec::new(),
            sandbox_clock,
            clock,
            running,
            fresh,
            outbox,
            timers,
            reconciler,
            server,
            client: reqwest::Client::builder()
                .no_proxy()
                .build()
                .map_err(Failure::other)?,
        })
    }

    /// Moves the one clock.
    pub fn set_time(&self, time: Timestamp) {
        self.sandbox_clock.set(time);
        self.clock.set(time);
    }

    /// Lets everything that is due happen, until nothing is.
    pub async fn settle_down(&mut self) -> Result<(), Failure> {
        for _ in 0..PASSES_MAX {
            let announced = self.sandbox.tick().await;
            while let Ok(permissions) = self.fresh.try_recv() {
                self.outbox.permit(permissions);
            }
            let attempted = self.outbox.pass().await?;
            let fired = self.timers.pass().await?;
            if announced + attempted + fired == 0 {
                return Ok(());
            }
        }
        Err(Failure::other("the world does not come to rest"))
    }

    /// Calls our own API as the operator's system; any answer below 300 is its body.
    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Result<Value, Failure> {
        let answer = self.try_post(path, key, body).await?;
        answer.map_err(|problem| Failure::other(format!("POST {path} was answered {problem}")))
    }

    /// As [`World::post`], with a problem document as a value.
    pub async fn try_post(
        &self,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Result<Result<Value, Value>, Failure> {
        let text = serde_json::to_vec(body).map_err(Failure::other)?;
        let response = self
            .client
            .post(format!("{}{path}", self.server.url()))
            .bearer_auth(OPERATOR_TOKEN)
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(text)
            .send()
            .await
            .map_err(Failure::other)?;
        let ok = response.status().is_success();
        let bytes = response.bytes().await.map_err(Failure::other)?;
        let value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(if ok { Ok(value) } else { Err(value) })
    }

    /// Fetches WeChat's bill of a date, compares it with the books and lets them follow it.
    pub async fn reconcile(&self, date: BusinessDate) -> Result<Reconciled, Failure> {
        self.reconciler
            .run(channels::Channel::Wechat, date, true)
            .await
            .map_err(Failure::other)
    }

    /// Switches payers on or off.
    pub fn set_payers(&self, payers: Option<AutoPay>) {
        self.sandbox
            .with_wechat(|core| core.set_auto_pay(WECHAT_MERCHANT, payers));
    }

    /// Differences planted in bills.
    pub fn planted(&self) -> Vec<sandbox::wechat::PlantedDifference> {
        self.sandbox.with_wechat(|core| core.planted().to_vec())
    }

    /// Ends everything; what is in the book stays.
    pub async fn stop(self, target: &mut Target) -> Result<(), Failure> {
        self.server.stop().await;
        self.sandbox.stop().await;
        let running = self.running;
        drop((self.engine, self.outbox, self.timers));
        // The executor ends on a thread of its own; waiting for it blocks.
        tokio::task::block_in_place(|| target.stop(running))
    }
}
