//! A server with two merchants over a book in a directory of its own.
pub mod bill;
pub mod regulation;
pub mod sandboxed;
pub mod town;

use calendar::{BusinessDate, HolidayCalendar, SettlementCycle, instant_at};
use domain::merchant::{CreateMerchant, LateSuccess, Profile};
use domain::{Command, QingyuanApp, Reply, Request};
use engine::runtime::{Clock, Outbox, Running, SimulatedClock, Timers};
use engine::store::StoreFactory;
use engine::store::sqlite::SqliteStore;
use engine::{Actor, CacheLimits, Envelope, ShardCode, ShardOptions, Vault, Verdict};
use money::{FeeSchedule, Rate};
use reqwest::Method;
use serde_json::Value;
use server::book::{BookRules, set_up_command};
use server::{
    ApiKeyConfig, ChannelPerformer, Connectors, Role, RunningServer, Server, ServerConfig,
};
use std::sync::Arc;

pub const OPERATOR: &str = "operator-token";
pub const FINANCE: &str = "finance-token";
pub const CHECKER: &str = "checker-token";
pub const LEDGER: &str = "ledger-token";
pub const SHOP: &str = "shop-token";
pub const OTHER_SHOP: &str = "other-shop-token";

/// Everything that lives as long as a test.
pub struct Rig {
    pub clock: Arc<SimulatedClock>,
    pub running: Running<QingyuanApp>,
    pub server: RunningServer,
    outbox: Outbox<QingyuanApp, ChannelPerformer>,
    pub shop: String,
    pub other_shop: String,
    client: reqwest::Client,
    directory: tempfile::TempDir,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub fn field(&self) -> &str {
        self.body["field"].as_str().unwrap_or_default()
    }

    pub fn id(&self) -> String {
        self.body["id"].as_str().expect("an id").to_owned()
    }

    /// Fails the test with the whole answer.
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{:?}", self.body);
        self
    }

    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str, field: &str) -> Answer {
        let found = (self.status, self.code(), self.field());
        assert_eq!(found, (status, code, field), "{:?}", self.body);
        let media_type = self.headers["content-type"].to_str().unwrap();
        assert_eq!(media_type, "application/problem+json");
        self
    }
}

pub fn start_time() -> jiff::Timestamp {
    instant_at(BusinessDate::new(2026, 11, 20).unwrap(), 10, 0, 0)
}

impl Rig {
    pub async fn start() -> Rig {
        Rig::with(|_| Connectors::default(), ServerConfig::default()).await
    }

    /// A book that begins at an instant, of this institution and under these rules.
    pub async fn at(time: jiff::Timestamp, app: QingyuanApp) -> Rig {
        let config = ServerConfig {
            merchant_bearer: true,
            ..ServerConfig::default()
        };
        Rig::begin(time, app, |_| Connectors::default(), config).await
    }

    /// Merchants may use their keys, as in the sandbox.
    pub async fn with(connectors: impl FnOnce(&str) -> Connectors, config: ServerConfig) -> Rig {
        let config = ServerConfig {
            merchant_bearer: true,
            ..config
        };
        Rig::as_configured(connectors, config).await
    }

    /// `connectors` is given the server's URL, to which channels send notifications.
    pub async fn as_configured(
        connectors: impl FnOnce(&str) -> Connectors,
        config: ServerConfig,
    ) -> Rig {
        let app = QingyuanApp::sample().unwrap();
        Rig::begin(start_time(), app, connectors, config).await
    }

    async fn begin(
        time: jiff::Timestamp,
        app: QingyuanApp,
        connectors: impl FnOnce(&str) -> Connectors,
        config: ServerConfig,
    ) -> Rig {
        let directory = tempfile::tempdir().unwrap();
        Rig::open(directory, time, app, connectors, config).await
    }

    /// The same book served by another program, after the first has stopped.
    pub async fn restarted(self, app: QingyuanApp) -> Rig {
        let time = self.clock.now();
        self.server.stop().await;
        drop(self.outbox);
        tokio::task::spawn_blocking(move || self.running.stop())
            .await
            .unwrap();
        let config = ServerConfig {
            merchant_bearer: true,
            ..ServerConfig::default()
        };
        Rig::open(self.directory, time, app, |_| Connectors::default(), config).await
    }

    async fn open(
        directory: tempfile::TempDir,
        time: jiff::Timestamp,
        app: QingyuanApp,
        connectors: impl FnOnce(&str) -> Connectors,
        config: ServerConfig,
    ) -> Rig {
        let clock = Arc::new(SimulatedClock::at(time));
        let rules = BookRules::of(&app);
        let running = shard(directory.path(), clock.clone(), app);
        Rig::over(directory, clock, running, rules, connectors, config).await
    }

    /// Over a shard that runs already, on whatever store.
    pub async fn over(
        directory: tempfile::TempDir,
        clock: Arc<SimulatedClock>,
        running: Running<QingyuanApp>,
        rules: BookRules,
        connectors: impl FnOnce(&str) -> Connectors,
        mut config: ServerConfig,
    ) -> Rig {
        let time = clock.now();
        let engine = &running.engine;
        let queries = engine.queries().as_ref();
        let set_up = set_up_command(queries, queries, &rules, time).unwrap();
        ask(engine, Request::SetUp(set_up)).await;
        let shop = merchant(engine, "shop").await;
        let other_shop = merchant(engine, "other").await;
        config.api_keys = vec![
            ApiKeyConfig::of_token("operator", OPERATOR, "li.na", Role::Operator),
            ApiKeyConfig::of_token("finance", FINANCE, "wang.fang", Role::Finance),
            ApiKeyConfig::of_token("checker", CHECKER, "zhao.min", Role::Finance),
            ApiKeyConfig::of_token("ledger", LEDGER, "wallet", Role::Ledger),
            ApiKeyConfig::of_token("shop", SHOP, "shop", Role::Merchant).for_merchant(&shop),
            ApiKeyConfig::of_token("other", OTHER_SHOP, "other", Role::Merchant)
                .for_merchant(&other_shop),
        ];
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Server::new(&config, engine.clone(), connectors(&url))
            .unwrap()
            .with_rules(rules.library)
            .with_holidays(HolidayCalendar::china());
        let outbox = Outbox::new(engine.clone(), server.performer(), 4);
        let server = server.start(listener).unwrap();
        Rig {
            clock,
            running,
            server,
            outbox,
            shop,
            other_shop,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            directory,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url())
    }

    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// A request with everything that can be set.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        token: &str,
        key: Option<&str>,
        body: Option<Vec<u8>>,
    ) -> Answer {
        let mut request = self
            .client
            .request(method, self.url(path))
            .header("authorization", format!("Bearer {token}"));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        answer(request).await
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(Method::GET, path, token, None, None).await
    }

    pub async fn post(&self, path: &str, token: &str, key: &str, body: &Value) -> Answer {
        let body = serde_json::to_vec(body).unwrap();
        self.send(Method::POST, path, token, Some(key), Some(body))
            .await
    }

    /// A POST that needs a second person, who agrees; asked for again it is answered.
    pub async fn post_approved(&self, path: &str, token: &str, key: &str, body: &Value) -> Answer {
        let proposed = self.post(path, token, key, body).await.expect(202).body;
        let proposal = proposed["proposal"].as_str().unwrap();
        self.press(&format!("/v1/proposals/{proposal}/approve"), CHECKER, key)
            .await
            .expect(200);
        self.post(path, token, &format!("{key}-again"), body)
            .await
            .expect(200)
    }

    /// A POST without a body.
    pub async fn press(&self, path: &str, token: &str, key: &str) -> Answer {
        self.send(Method::POST, path, token, Some(key), None).await
    }

    /// Two accounts of a ledger client, the first filled from the second.
    pub async fn two_accounts(&self) -> (u64, u64) {
        let mut numbers = Vec::new();
        for (code, negative) in [("wallet:1", false), ("bank:1", true)] {
            let body = serde_json::json!({"code": code, "kind": "liability", "currency": "CNY",
                "may_go_negative": negative});
            let opened = self
                .post("/v1/accounts", LEDGER, code, &body)
                .await
                .expect(201);
            numbers.push(opened.body["id"].as_u64().unwrap());
        }
        let (wallet, bank) = (numbers[0], numbers[1]);
        let body = transfer(900, bank, wallet, 100_000);
        self.post("/v1/transfers", LEDGER, "fill", &body)
            .await
            .expect(201);
        (wallet, bank)
    }

    /// Number of the last row in the book: equal numbers mean that nothing was posted.
    pub async fn last_row(&self) -> u64 {
        let queries = self.running.engine.queries().clone();
        tokio::task::spawn_blocking(move || queries.head().unwrap().unwrap().ledger_seq)
            .await
            .unwrap()
    }

    /// Fires what is due and performs every effect that is.
    pub async fn work(&mut self) {
        Timers::new(self.running.engine.clone())
            .pass()
            .await
            .unwrap();
        while let Ok(permissions) = self.running.fresh.try_recv() {
            self.outbox.permit(permissions);
        }
        self.outbox.pass().await.unwrap();
    }

    /// Performs effects as they come, as a server does, until the task is aborted.
    pub fn work_in_background(&mut self) -> tokio::task::JoinHandle<()> {
        let (_, nothing) = tokio::sync::mpsc::unbounded_channel();
        let fresh = std::mem::replace(&mut self.running.fresh, nothing);
        let tick = std::time::Duration::from_millis(5);
        tokio::spawn(self.outbox.clone().run(fresh, tick))
    }

    pub async fn stop(self) {
        self.server.stop().await;
        tokio::task::spawn_blocking(move || self.running.stop())
            .await
            .unwrap();
    }
}

/// The shard of a book in a directory.
pub fn shard(
    directory: &std::path::Path,
    clock: Arc<SimulatedClock>,
    app: QingyuanApp,
) -> Running<QingyuanApp> {
    shard_on(Arc::new(SqliteStore::open(directory).unwrap()), clock, app)
}

/// The shard of a book on a store.
pub fn shard_on(
    store: Arc<dyn StoreFactory>,
    clock: Arc<SimulatedClock>,
    app: QingyuanApp,
) -> Running<QingyuanApp> {
    let first_business_date = calendar::shanghai_date(clock.now());
    engine::runtime::Engine::start(
        Arc::new(app),
        Arc::new(store),
        Arc::new(Vault::new(&[7; 32]).unwrap()),
        clock as Arc<dyn Clock>,
        ShardOptions {
            shard: ShardCode::FIRST,
            first_business_date,
            limits: CacheLimits::default(),
            sweep_min: 64,
        },
    )
    .unwrap()
}

pub async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let text = response.text().await.expect("a body");
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer {
        status,
        headers,
        body,
    }
}

/// A transfer with an id out of a small number.
pub fn transfer(id: u32, debit: u64, credit: u64, amount: i64) -> Value {
    serde_json::json!({"id": id_text(id), "debit": debit, "credit": credit,
        "amount": {"amount": amount, "currency": "CNY"}, "code": 1001})
}

pub fn id_text(id: u32) -> String {
    engine::ids::id_text(u128::from(id))
}

async fn ask(engine: &server::Engine, request: Request) -> Reply {
    let envelope = Envelope::new(Actor::new("li.na", "operator"), Command::Request(request));
    match engine.submit(envelope).await.unwrap().result {
        Verdict::Done(reply) => reply,
        other => panic!("{other:?}"),
    }
}

async fn merchant(engine: &server::Engine, number: &str) -> String {
    let create = CreateMerchant {
        group: None,
        external_number: number.to_owned(),
        name: number.to_owned(),
        fee_schedule: FeeSchedule::proportional(Rate::from_ppm(6_000).unwrap()),
        refund_returns_fee: true,
        settlement_cycle: SettlementCycle::BusinessDays(1),
        automatic_payout: false,
        settlement_account: None,
        late_success: LateSuccess::Refund,
        split_share_max: Rate::from_ppm(300_000).unwrap(),
        split_days_max: 30,
        profile: Profile::ordinary(),
    };
    match ask(engine, Request::CreateMerchant(create)).await {
        Reply::Merchant { merchant, .. } => merchant.id.clone(),
        other => panic!("{other:?}"),
    }
}
