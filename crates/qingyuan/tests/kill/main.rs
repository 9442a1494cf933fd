//! A server under load is killed again and again: nothing answered is lost, nothing is done twice.
//!
//! `KILLS` says how often (10), `SEED` begins another run. The channels run in this process, so that
//! their books are independent of the server's. A payout whose request the dead server had begun may
//! wait for the channel's arrival bound at the end; then its money is in transit, and the channel
//! does not know it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod channels;
mod checks;
mod load;
mod promises;
#[path = "../support/mod.rs"]
mod support;

use engine::runtime::{Engine, SimulatedClock};
use engine::store::sqlite::SqliteStore;
use engine::{Actor, CacheLimits, Envelope, ShardCode, ShardOptions, Vault};
use load::{LEDGER, Load, MERCHANT_KEYS, OPERATOR};
use promises::What;
use sandbox::RunningSandbox;
use serde_json::{Value, json};
use server::{ApiKeyConfig, Role};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use support::Dice;
use support::http::{Answer, Call, Client};
use support::process::{Serving, lasting_port, text, write};

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect(variable))
}

/// Everything of one run.
pub struct World {
    directory: tempfile::TempDir,
    bind: String,
    sandbox: RunningSandbox,
    load: Arc<Load>,
    /// Instants at which the server was killed.
    kills: Vec<jiff::Timestamp>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_answered_is_lost_and_nothing_is_done_twice() {
    let (kills, seed) = (number("KILLS", 10), number("SEED", 1));
    let begun = Instant::now();
    let (mut world, mut server) = World::open(seed).await;
    let mut clients = world.load.start();
    let mut dice = Dice::new(seed);
    for kill in 0..kills {
        world.under_load(50 + dice.roll(300)).await;
        tokio::time::sleep(Duration::from_millis(dice.roll(40))).await;
        server.kill();
        world.kills.push(jiff::Timestamp::now());
        server = world.serve();
        if kill % 3 == 2 {
            world.turn_day(&mut dice).await;
        }
    }
    world.under_load(100).await;
    world.load.stopped.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    let later = world.load.promises.send_later(&world.load.client).await;
    checks::late_repeats_change_nothing(&world).await;
    let loaded = begun.elapsed();
    let listed = checks::come_to_rest(&world).await;
    assert!(server.terminate().success());
    let summary = checks::all_hold(&world, &listed);
    let promises = &world.load.promises;
    println!(
        "{kills} kills in {loaded:.0?}, at rest after {:.0?}: {} answers, {} times unanswered, {} found done \
         after a restart, {later} repeated only at the end; {summary}",
        begun.elapsed(),
        promises.answered.load(Ordering::Relaxed),
        promises.unanswered.load(Ordering::Relaxed),
        promises.replayed.load(Ordering::Relaxed),
    );
    world.sandbox.stop().await;
}

impl World {
    /// Channels, a book with three merchants that have money to pay out, a ledger client with accounts.
    async fn open(seed: u64) -> (World, Serving) {
        let directory = tempfile::tempdir().unwrap();
        let sandbox = channels::start(directory.path()).await;
        let bind = format!("127.0.0.1:{}", lasting_port());
        let client = Client::new(&format!("http://{bind}"));
        begin(&directory.path().join("book")).await;
        write(directory.path(), "settings.toml", &settings(&[]));
        let first = serve(directory.path(), &bind);
        let mut merchants = Vec::new();
        for (name, automatic_payout) in [("shop", false), ("stall", false), ("market", true)] {
            merchants.push(merchant(&client, name, automatic_payout).await);
        }
        let accounts = accounts(&client).await;
        // The merchants' own keys are in the settings from the second start on.
        assert!(first.terminate().success());
        write(directory.path(), "settings.toml", &settings(&merchants));
        let server = serve(directory.path(), &bind);
        let world = World {
            directory,
            bind,
            sandbox,
            load: Arc::new(Load::new(client, merchants, accounts, seed)),
            kills: Vec::new(),
        };
        world.fund().await;
        channels::misbehave(&world.sandbox);
        (world, server)
    }

    fn data(&self) -> std::path::PathBuf {
        self.directory.path().join("book")
    }

    fn serve(&self) -> Serving {
        serve(self.directory.path(), &self.bind)
    }

    /// Waits until so many more requests are answered.
    async fn under_load(&self, answers: u64) {
        let answered = &self.load.promises.answered;
        let goal = answered.load(Ordering::Relaxed) + answers;
        let deadline = Instant::now() + Duration::from_secs(120);
        while answered.load(Ordering::Relaxed) < goal {
            assert!(Instant::now() < deadline, "the load does not get through");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Closes the business date; what is due is settled, and the third merchant paid out.
    async fn turn_day(&self, dice: &mut Dice) {
        let now = self.get("/v1/days/current").await;
        let date: calendar::BusinessDate = now.text("date").parse().unwrap();
        if date > calendar::shanghai_date(jiff::Timestamp::now()) {
            return;
        }
        let to = date.next().to_string();
        let call = Call {
            token: OPERATOR,
            path: "/v1/days".into(),
            key: format!("turn-{to}"),
            body: json!({"to": to}),
        };
        let load = &self.load;
        let answer = load.promises.ask(&load.client, dice, What::Day, call).await;
        assert!(answer.is_some_and(|answer| answer.accepted()));
    }

    /// A reading that is tried until it is answered.
    async fn get(&self, path: &str) -> Answer {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            match self.load.client.get(OPERATOR, path).await {
                Ok(answer) => return answer,
                Err(problem) => assert!(Instant::now() < deadline, "{path}: {problem}"),
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Takings of ten million yuan each, settled: enough for every payout of the longest run.
    async fn fund(&self) {
        let mut dice = Dice::new(0);
        let mut paid = Vec::new();
        for merchant in 0..2 {
            let call = self
                .load
                .order(&format!("fund-{merchant}"), merchant, 1_000_000_000);
            let load = &self.load;
            let answer = load
                .promises
                .ask(&load.client, &mut dice, What::Payment, call)
                .await;
            paid.push(answer.unwrap().text("id").to_owned());
        }
        let deadline = Instant::now() + Duration::from_secs(60);
        for payment in paid {
            while self
                .get(&format!("/v1/payments/{payment}"))
                .await
                .text("status")
                != "succeeded"
            {
                assert!(Instant::now() < deadline, "{payment} is not paid");
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        }
        self.turn_day(&mut dice).await;
        // Settlement follows the turn by its timer.
        for merchant in &self.load.merchants[..2] {
            let path = format!("/v1/settlements?merchant={merchant}");
            while self.get(&path).await.body["items"] == json!([]) {
                assert!(Instant::now() < deadline, "{merchant} is not settled");
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        }
    }
}

/// Begins the book two months ago, so that its date can be turned many times today.
async fn begin(data: &Path) {
    let key = [7; 32];
    let store = Arc::new(SqliteStore::open(data).unwrap());
    write(data, "vault.key", &hex::encode(key));
    let then = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(60 * 24);
    let options = ShardOptions {
        shard: ShardCode::FIRST,
        first_business_date: calendar::shanghai_date(then),
        limits: CacheLimits::default(),
        sweep_min: 2_048,
    };
    let app = Arc::new(domain::QingyuanApp::default());
    let vault = Arc::new(Vault::new(&key).unwrap());
    let clock = Arc::new(SimulatedClock::at(then));
    let running = Engine::start(app, store, vault, clock, options).unwrap();
    let set_up = domain::Request::SetUp(domain::chart::SetUp::default());
    let envelope = Envelope::new(Actor::system(), domain::Command::Request(set_up));
    running.engine.submit(envelope).await.unwrap();
    tokio::task::spawn_blocking(move || running.stop())
        .await
        .unwrap();
}

fn serve(directory: &Path, bind: &str) -> Serving {
    let file = |name: &str| directory.join(name);
    let arguments = [
        "--data",
        text(&file("book")),
        "--config",
        text(&file("settings.toml")),
        "--channels",
        text(&file("channels.toml")),
        "--bind",
        bind,
    ]
    .map(str::to_owned);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Serving::start(&arguments, &file("server.log"))
}

fn settings(merchants: &[String]) -> String {
    let mut keys = vec![
        ApiKeyConfig::of_token("operator", OPERATOR, "li.na", Role::Operator),
        ApiKeyConfig::of_token("ledger", LEDGER, "wallet", Role::Ledger),
    ];
    for (token, merchant) in MERCHANT_KEYS.iter().zip(merchants) {
        let key = ApiKeyConfig::of_token(token, token, token, Role::Merchant);
        keys.push(key.for_merchant(merchant));
    }
    let mut text = String::new();
    for key in keys {
        let (id, hash, principal) = (key.id, key.sha256, key.principal);
        let role = key.role.name();
        text += &format!(
            "[[api_keys]]\nid = \"{id}\"\nsha256 = \"{hash}\"\nprincipal = \"{principal}\"\nrole = \"{role}\"\n"
        );
        if let Some(merchant) = key.merchant {
            text += &format!("merchant = \"{merchant}\"\n");
        }
    }
    text
}

async fn create(
    client: &Client,
    token: &'static str,
    path: &str,
    key: &str,
    body: Value,
) -> Answer {
    let call = Call {
        token,
        path: path.into(),
        key: key.into(),
        body,
    };
    let answer = client.post(&call).await.unwrap();
    assert!(answer.accepted(), "{answer:?}");
    answer
}

async fn merchant(client: &Client, name: &str, automatic_payout: bool) -> String {
    let body = json!({
        "external_number": name,
        "name": name,
        "fee_schedule": {"rate": 6_000, "min": 1},
        "refund_returns_fee": true,
        "settlement_cycle": "D+0",
        "automatic_payout": automatic_payout,
        "settlement_account": {"account_number": "6222020200112230001", "holder": "清源书店"},
        "split_share_max": 300_000,
    });
    let answer = create(client, OPERATOR, "/v1/merchants", name, body).await;
    answer.text("id").to_owned()
}

/// Twenty accounts with 100 yuan each and one that may be overdrawn, out of which they were filled.
async fn accounts(client: &Client) -> Vec<u64> {
    let account = |number: u64| {
        json!({"code": format!("wallet:{number}"), "kind": "liability", "currency": "CNY",
            "may_go_negative": number == 0})
    };
    let body = json!({"accounts": (0..=20).map(account).collect::<Vec<_>>()});
    let answer = create(client, LEDGER, "/v1/accounts/batch", "accounts", body).await;
    let opened = answer.body["accounts"].as_array().unwrap();
    let numbers: Vec<u64> = opened
        .iter()
        .map(|one| one["id"].as_u64().unwrap())
        .collect();
    let fill = |(account, id): (&u64, u128)| {
        json!([
            engine::ids::id_text(id),
            numbers[0],
            account,
            10_000,
            checks::FILLING
        ])
    };
    let transfers: Vec<Value> = numbers[1..].iter().zip(1..).map(fill).collect();
    let body = json!({"currency": "CNY", "linked": true, "transfers": transfers});
    create(client, LEDGER, "/v1/transfers/batch", "fill", body).await;
    numbers
}
