//! A book of four shards, one SQLite file each, and servers that share it.

use crate::lease_table::{LeasesOf, MemoryLeases};
use calendar::{BusinessDate, instant_at};
use channels::Channel;
use domain::clearing::ConfirmClearing;
use domain::{Command, QingyuanApp, Request};
use engine::runtime::{Clock, Engine, Running, SimulatedClock};
use engine::store::lease::{ClockDifference, Holder, Lease};
use engine::store::sqlite::SqliteStore;
use engine::store::{Queries, StoreError, StoreFactory};
use engine::{Actor, CacheLimits, Envelope, ShardCode, ShardOptions, Vault, Verdict};
use money::Money;
use reqwest::Method;
use serde_json::{Value, json};
use server::book::{Book, BookRules, Keeper, KeeperOptions, PeerKey, PeerLink, Tenancy};
use server::{ApiKeyConfig, Connectors, Role, RunningServer, Server, ServerConfig};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

pub const SHARDS: usize = 4;
pub const OPERATOR: &str = "operator-token";
pub const FINANCE: &str = "finance-token";
pub const CHECKER: &str = "checker-token";
pub const LEDGER: &str = "ledger-token";
/// Longest time that anything here is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str, field: &str) {
        let text = |name: &str| self.body[name].as_str().unwrap_or_default().to_owned();
        let found = (self.status, text("code"), text("field"));
        assert_eq!(found, (status, code.into(), field.into()), "{}", self.body);
    }
}

/// What all servers share.
pub struct Shared {
    pub leases: Arc<MemoryLeases>,
    stores: Vec<Arc<SqliteStore>>,
    vault: Arc<Vault>,
    pub clock: Arc<SimulatedClock>,
    _directory: tempfile::TempDir,
}

/// How an opening of a shard fails.
pub enum Failing {
    /// The thread dies.
    Panics,
    /// The shard opens, but what is in its vault cannot be read: its set-up fails.
    WrongKey,
    /// It takes until a word or the end of the sender, and fails then.
    Late(mpsc::Receiver<()>),
}

/// How a server differs from the others.
pub struct Peculiar {
    pub peer_key: [u8; 32],
    /// Its first openings.
    pub failing: Vec<Failing>,
    /// How often it looks around.
    pub tick: Duration,
    /// How long its leases last.
    pub lasts: Duration,
    /// What keeps its leases panics when the clocks are compared.
    pub keeper_panics: bool,
    /// Milliseconds that its clock is ahead of the others'.
    pub clock_ahead: i64,
    /// Where it listens; at a port of its own where nothing is said.
    pub listens: std::net::SocketAddr,
}

impl Default for Peculiar {
    fn default() -> Peculiar {
        Peculiar {
            peer_key: [7; 32],
            failing: Vec::new(),
            tick: Duration::from_millis(50),
            // No lease is to end by itself where a test does not say so, and the books are on a disk that may be slow.
            lasts: Duration::from_secs(60),
            keeper_panics: false,
            clock_ahead: 0,
            listens: ([127, 0, 0, 1], 0).into(),
        }
    }
}

struct Opener {
    stores: Vec<Arc<SqliteStore>>,
    vault: Arc<Vault>,
    clock: Arc<SimulatedClock>,
    failing: Mutex<VecDeque<Failing>>,
    keeper_panics: bool,
}

impl Tenancy for Opener {
    fn open(&self, lease: &Lease) -> Result<Running<QingyuanApp>, StoreError> {
        let failing = self.failing.lock().unwrap().pop_front();
        let vault = match failing {
            None => self.vault.clone(),
            Some(Failing::WrongKey) => Arc::new(Vault::new(&[9; 32]).unwrap()),
            Some(Failing::Panics) => panic!("an opening that panics, as the test wants it"),
            Some(Failing::Late(word)) => {
                let _ = word.recv();
                return Err(StoreError::Unavailable("it came too late".into()));
            }
        };
        let store = self.stores[usize::from(lease.shard.number())].clone();
        Engine::start(
            Arc::new(QingyuanApp::sample().unwrap()),
            store,
            vault,
            self.clock.clone() as Arc<dyn Clock>,
            ShardOptions {
                shard: lease.shard,
                first_business_date: BusinessDate::new(2026, 11, 20).unwrap(),
                limits: CacheLimits::default(),
                sweep_min: 64,
            },
        )
    }

    fn rules(&self) -> BookRules {
        BookRules::of(&QingyuanApp::sample().unwrap())
    }

    fn clock_agrees(&self, _compared: &ClockDifference) {
        assert!(!self.keeper_panics, "a panic that the test wants");
    }
}

impl Shared {
    pub fn new() -> Shared {
        let directory = tempfile::tempdir().unwrap();
        let open = |number: usize| {
            let path = directory.path().join(number.to_string());
            Arc::new(SqliteStore::open(&path).unwrap())
        };
        let start = instant_at(BusinessDate::new(2026, 11, 20).unwrap(), 10, 0, 0);
        Shared {
            leases: Arc::new(MemoryLeases::new(SHARDS)),
            stores: (0..SHARDS).map(open).collect(),
            vault: Arc::new(Vault::new(&[7; 32]).unwrap()),
            clock: Arc::new(SimulatedClock::at(start)),
            _directory: directory,
        }
    }

    pub async fn server(&self, name: &str) -> Member {
        self.peculiar_server(name, Peculiar::default()).await
    }

    pub async fn peculiar_server(&self, name: &str, peculiar: Peculiar) -> Member {
        let queries: Vec<Arc<dyn Queries>> = self
            .stores
            .iter()
            .map(|store| StoreFactory::queries(store.as_ref()).unwrap())
            .collect();
        let (peers, yields) =
            PeerLink::new(PeerKey::derive(&peculiar.peer_key).unwrap(), name).unwrap();
        let clock = self.clock.clone() as Arc<dyn Clock>;
        let book = Book::shared(queries, self.vault.clone(), clock, peers);
        let config = ServerConfig {
            api_keys: vec![
                ApiKeyConfig::of_token("operator", OPERATOR, "li.na", Role::Operator),
                ApiKeyConfig::of_token("finance", FINANCE, "wang.fang", Role::Finance),
                ApiKeyConfig::of_token("checker", CHECKER, "zhao.min", Role::Finance),
                ApiKeyConfig::of_token("ledger", LEDGER, "wallet", Role::Ledger),
            ],
            ..ServerConfig::default()
        };
        let listener = tokio::net::TcpListener::bind(peculiar.listens)
            .await
            .unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = Server::new(&config, book.clone(), Connectors::default()).unwrap();
        let performer = server.performer();
        let server = server.start(listener).unwrap();
        let holder = Holder {
            server: name.to_owned(),
            address,
        };
        let opener = Opener {
            stores: self.stores.clone(),
            vault: self.vault.clone(),
            clock: self.clock.clone(),
            failing: Mutex::new(peculiar.failing.into()),
            keeper_panics: peculiar.keeper_panics,
        };
        let leases = LeasesOf {
            table: self.leases.clone(),
            ahead: peculiar.clock_ahead,
        };
        let keeper = Keeper::start(
            book.clone(),
            Arc::new(leases),
            Arc::new(opener),
            performer,
            yields,
            KeeperOptions {
                tick: peculiar.tick,
                lasts: peculiar.lasts,
                ..KeeperOptions::new(holder)
            },
        )
        .unwrap();
        Member {
            book,
            server,
            keeper,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// Waits until a server has so many shards.
    pub async fn until_held(&self, server: &str, shards: usize) {
        until(|| self.leases.held_by(server) == shards).await;
    }
}

/// Waits until something is so; the time limit is for a test that fails.
pub async fn until(holds: impl Fn() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    waited.await.expect("it never came so");
}

pub struct Member {
    pub book: Book,
    pub server: RunningServer,
    pub keeper: Keeper,
    client: reqwest::Client,
}

impl Member {
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Answer {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.server.url()))
            .header("authorization", format!("Bearer {token}"));
        if let Some(body) = body {
            let key = format!("{path} {body}");
            let key: String = key
                .chars()
                .filter(char::is_ascii_graphic)
                .take(255)
                .collect();
            request = request
                .header("idempotency-key", key)
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let text = response.text().await.expect("a body");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status, body }
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(Method::GET, path, token, None).await
    }

    pub async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.send(Method::POST, path, token, Some(&body)).await
    }

    /// A POST that needs a second person, who agrees.
    pub async fn post_approved(&self, path: &str, token: &str, body: Value) {
        let proposed = self.post(path, token, body).await.expect(202);
        let proposal = proposed["proposal"].as_str().unwrap();
        let approve = format!("/v1/proposals/{proposal}/approve");
        self.post(&approve, CHECKER, json!({})).await.expect(200);
    }

    /// A clearing of WeChat in a shard, as a reconciliation books it.
    pub async fn cleared(&self, shard: ShardCode, date: BusinessDate, gross: i64) {
        let command = Command::Request(Request::ConfirmClearing(ConfirmClearing {
            channel: Channel::Wechat,
            clearing_date: date,
            gross: Money::cny(gross),
            refunds: Money::cny(0),
            channel_fee: Money::cny(6),
            unsettled: None,
            bill_hash: "00".repeat(32),
        }));
        let actor = Actor::new("reconciliation", "system");
        let booked = self
            .book
            .submit(shard, Envelope::new(actor, command))
            .await
            .unwrap()
            .result;
        assert!(matches!(booked, Verdict::Done(_)), "{booked:?}");
    }

    /// Waits until every shard has a writer that this server knows.
    pub async fn until_ready(&self) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while self.get("/readyz", OPERATOR).await.status != 200 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        waited.await.expect("it never became ready");
    }

    pub async fn merchant(&self, number: &str, group: Option<&str>) -> String {
        let mut body = json!({"external_number": number, "name": number, "fee_schedule": {"rate": 6000},
            "settlement_cycle": "T+1", "split_share_max": 500_000,
            "profile": domain::merchant::Profile::ordinary()});
        if let Some(group) = group {
            body["group"] = json!(group);
        }
        let merchant = self.post("/v1/merchants", OPERATOR, body).await.expect(201);
        merchant["id"].as_str().unwrap().to_owned()
    }

    /// Opens an account of a ledger client.
    pub async fn account(&self, code: &str, group: Option<&str>, negative: bool) -> u64 {
        let mut body = json!({"code": code, "kind": "liability", "currency": "CNY",
            "may_go_negative": negative});
        if let Some(group) = group {
            body["group"] = json!(group);
        }
        let opened = self.post("/v1/accounts", LEDGER, body).await.expect(201);
        opened["id"].as_u64().unwrap()
    }

    pub async fn transfer(&self, id: u32, debit: u64, credit: u64, amount: i64) -> Answer {
        let body = json!({"id": engine::ids::id_text(u128::from(id)), "debit": debit, "credit": credit,
            "amount": {"amount": amount, "currency": "CNY"}, "code": 1001});
        self.post("/v1/transfers", LEDGER, body).await
    }

    pub async fn balance(&self, account: u64) -> i64 {
        let account = self
            .get(&format!("/v1/accounts/{account}"), LEDGER)
            .await
            .expect(200);
        account["balance"]["amount"].as_i64().unwrap()
    }

    /// Gives every shard up, and ends.
    pub async fn stop(self) {
        self.keeper.stop().await;
        self.server.stop().await;
    }
}

/// A group that is kept in a shard, found by trying.
pub fn group_in(book: &Book, shard: u16) -> String {
    let code = ShardCode::new(shard).unwrap();
    let group = (0..10_000).map(|number| format!("group-{number}"));
    group
        .into_iter()
        .find(|group| book.shard_of_group(group) == code)
        .unwrap()
}
