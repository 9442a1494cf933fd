//! Three servers on one PostgreSQL under load: killed and paused at random, the database restarted once.
//! Nothing answered is lost, nothing is done twice, and who lost a lease writes nothing more.
//!
//! `CLUSTER_KILLS` says how often (10), `SEED` begins another run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod beginning;
#[path = "../kill/channels.rs"]
mod channels;
#[path = "../kill/checks.rs"]
mod checks;
#[path = "../kill/load.rs"]
mod load;
#[path = "../kill/promises.rs"]
mod promises;
#[path = "../kill/setup.rs"]
mod setup;
#[path = "../kill/steps.rs"]
mod steps;
#[path = "../support/mod.rs"]
mod support;

use engine::ShardCode;
use engine::store::Queries;
use engine::store::postgres::{PostgresOptions, PostgresStore};
use load::Load;
use sandbox::RunningSandbox;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use support::Dice;
use support::http::Client;
use support::process::{Serving, lasting_ports, run, text, write};
use testing::postgres::{Durability, Server};

/// Servers at the same time.
const SERVERS: usize = 3;
/// Groups of merchants, in shards of their own for the most part.
const GROUPS: usize = 4;
/// A pause longer than a lease and its takeover.
const PAUSE: Duration = Duration::from_secs(6);

/// Everything of one run.
pub struct World {
    directory: tempfile::TempDir,
    database: Server,
    url: String,
    binds: Vec<String>,
    sandbox: RunningSandbox,
    load: Arc<Load>,
    /// Instants at which a server was killed or lost its shards.
    kills: Vec<jiff::Timestamp>,
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect(variable))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_die_or_sleep_lose_nothing_and_do_nothing_twice() {
    let (kills, seed) = (number("CLUSTER_KILLS", 10), number("SEED", 1));
    let begun = Instant::now();
    let (mut world, mut servers) = World::open(seed).await;
    let mut clients = world.load.start();
    let mut dice = Dice::new(seed);
    let mut longest = Duration::ZERO;
    for round in 0..kills {
        world.under_load(50 + dice.roll(200)).await;
        let victim = dice.roll(SERVERS as u64) as usize;
        world.kills.push(jiff::Timestamp::now());
        let failed = Instant::now();
        match round % 3 {
            2 => {
                // It believes to hold its shards when it wakes up.
                servers[victim].pause();
                tokio::time::sleep(PAUSE).await;
                servers[victim].resume();
            }
            _ => {
                servers[victim].kill();
                servers[victim] = world.serve(victim);
            }
        }
        // Once in ten.
        if round % 10 == 5 {
            world.restart_database();
        }
        world.under_load(50).await;
        longest = longest.max(failed.elapsed());
        world.kills.push(jiff::Timestamp::now());
    }
    world.load.stopped.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    let later = world.load.promises.send_later(&world.load.client).await;
    checks::late_repeats_change_nothing(&world).await;
    let listed = checks::come_to_rest(&world).await;
    for server in servers {
        assert!(server.terminate().success());
    }
    let summary = checks::all_hold(&world, &listed);
    let promises = &world.load.promises;
    println!(
        "{kills} kills and pauses of {SERVERS} servers in {:.0?} (at the longest {longest:.1?} until fifty more answers, pauses included): {} answers, {} times unanswered, {} found done \
         by another server, {later} repeated only at the end, {} commits refused by the fence; {summary}",
        begun.elapsed(),
        promises.answered.load(Ordering::Relaxed),
        promises.unanswered.load(Ordering::Relaxed),
        promises.replayed.load(Ordering::Relaxed),
        world.fenced(),
    );
    world.sandbox.stop().await;
}

impl World {
    async fn open(seed: u64) -> (World, Vec<Serving>) {
        let directory = tempfile::tempdir().unwrap();
        let sandbox = channels::start(directory.path()).await;
        let database = Server::start(Durability::Disk);
        let url = database.url(&database.create_database());
        let binds: Vec<String> = lasting_ports(SERVERS)
            .into_iter()
            .map(|port| format!("127.0.0.1:{port}"))
            .collect();
        write(directory.path(), "settings.toml", &setup::settings(&[]));
        let bases: Vec<String> = binds.iter().map(|bind| format!("http://{bind}")).collect();
        let client = Client::of_many(&bases);
        let first = serve(directory.path(), &url, &binds[0]);
        let (mut merchants, mut accounts) = (Vec::new(), Vec::new());
        let only = Client::new(&bases[0]);
        until_ready(&only).await;
        for number in 0..GROUPS {
            let group = format!("group-{number}");
            merchants.extend(setup::merchants(&only, number, Some(&group)).await);
            accounts.push(setup::accounts(&only, number, Some(&group)).await);
        }
        // The merchants' own keys are in the settings from the second start on.
        assert!(first.terminate().success());
        write(
            directory.path(),
            "settings.toml",
            &setup::settings(&merchants),
        );
        let world = World {
            directory,
            database,
            url,
            binds,
            sandbox,
            load: Arc::new(Load::new(client, merchants, accounts, seed)),
            kills: Vec::new(),
        };
        let servers: Vec<Serving> = (0..SERVERS).map(|number| world.serve(number)).collect();
        until_ready(&world.load.client).await;
        world.fund().await;
        channels::misbehave(&world.sandbox);
        (world, servers)
    }

    fn serve(&self, number: usize) -> Serving {
        serve(self.directory.path(), &self.url, &self.binds[number])
    }

    fn restart_database(&self) {
        self.database.kill();
        self.database.restart();
    }

    /// The book's shards as a reader beside the servers sees them.
    pub fn readers(&self) -> Vec<Arc<dyn Queries>> {
        let store = PostgresStore::open(&self.url, PostgresOptions::default()).unwrap();
        (0..store.shard_count())
            .map(|number| store.queries(ShardCode::new(number).unwrap()))
            .collect()
    }

    /// What `verify` says of the book; the servers have ended.
    pub fn verified(&self) -> Value {
        run(["verify", "--json", "--postgres", &self.url])
            .expect(0)
            .json()
    }

    /// Commits that were refused because another server had the shard, as the servers logged it.
    fn fenced(&self) -> usize {
        let log = std::fs::read_to_string(self.directory.path().join("server.log"));
        let log = log.unwrap_or_default();
        log.matches("another server writes this shard now").count()
    }
}

fn serve(directory: &Path, url: &str, bind: &str) -> Serving {
    let file = |name: &str| directory.join(name);
    let arguments = [
        "--data",
        text(&file("keys")),
        "--postgres",
        url,
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

async fn until_ready(client: &Client) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match client.get(load::OPERATOR, "/readyz").await {
            Ok(answer) if answer.status == 200 => return,
            other => assert!(Instant::now() < deadline, "{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
