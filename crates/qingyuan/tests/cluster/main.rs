//! Three servers on one PostgreSQL under load: killed and paused at random, the database restarted once in ten times,
//! the business date turned meanwhile. Nothing answered is lost, nothing is done twice, and who lost a lease in the
//! middle of a commit writes nothing more.
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
use engine::store::lease::{Holder, Taken};
use engine::store::postgres::{PostgresOptions, PostgresStore};
use load::Load;
use sandbox::RunningSandbox;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use support::http::Client;
use support::process::{Serving, lasting_ports, run, text};
use support::{Dice, number};
use testing::postgres::{Durability, Server};

/// Servers at the same time.
const SERVERS: usize = 3;
/// Groups of merchants, in shards of their own for the most part.
const GROUPS: usize = 4;
/// Longest time until a shard of a server that died or sleeps is taken over.
const TAKEOVER_MAX: Duration = Duration::from_secs(30);
/// Commits wait for this, and are under way meanwhile.
const COMMITS_WAIT: &str = "LOCK TABLE batch IN SHARE ROW EXCLUSIVE MODE";
/// A shard with a commit under way: its number, epoch and holder's address.
const UNDER_WAY: &str = "SELECT s.shard||' '||s.epoch||' '||s.address FROM shard s JOIN pg_stat_activity a \
     ON a.application_name='qingyuan shard '||s.shard||' epoch '||s.epoch \
     WHERE a.datname=current_database() AND a.wait_event_type='Lock' LIMIT 1";

/// Everything of one run.
pub struct World {
    directory: tempfile::TempDir,
    database: Server,
    book: String,
    url: String,
    binds: Vec<String>,
    sandbox: RunningSandbox,
    load: Arc<Load>,
    /// Instants at which a server was killed or lost its shards, or the database was.
    kills: Vec<jiff::Timestamp>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_die_or_sleep_lose_nothing_and_do_nothing_twice() {
    let (kills, seed) = (number("CLUSTER_KILLS", 10), number("SEED", 1));
    let begun = Instant::now();
    let (mut world, mut servers) = World::open(seed).await;
    let clients = world.load.start();
    let mut dice = Dice::new(seed);
    let (mut pauses, mut restarts, mut turns) = (0, 0, 0);
    let (mut longest, mut takeover) = (Duration::ZERO, Duration::ZERO);
    for round in 0..kills {
        world.under_load(50 + dice.roll(200)).await;
        world.kills.push(jiff::Timestamp::now());
        let failed = Instant::now();
        if round % 3 == 2 {
            world.pause_at_work(&servers).await;
            pauses += 1;
        } else {
            let victim = dice.roll(SERVERS as u64) as usize;
            servers[victim].kill();
            takeover = takeover.max(world.taken_over(victim).await);
            servers[victim] = world.serve(victim);
        }
        // Once in ten.
        if round % 10 == 5 {
            world.kills.push(jiff::Timestamp::now());
            world.restart_database();
            world.kills.push(jiff::Timestamp::now());
            restarts += 1;
        }
        world.under_load(50).await;
        longest = longest.max(failed.elapsed());
        world.kills.push(jiff::Timestamp::now());
        if round % 3 == 1 {
            world.turn_day().await;
            turns += 1;
        }
    }
    let (later, listed) = world.come_to_an_end(clients).await;
    for server in servers {
        assert!(server.terminate().success());
    }
    // A shard that is handed over in good order leaves the same behind as one of a killed server.
    let taken = world.shards_taken();
    world.kills.extend(taken);
    world.nothing_panicked();
    let summary = checks::all_hold(&world, &listed);
    let fenced = world.fenced();
    assert!(
        fenced >= pauses,
        "{fenced} fenced commits in {pauses} pauses"
    );
    let promises = &world.load.promises;
    println!(
        "{} kills and {pauses} pauses of {SERVERS} servers, {restarts} restarts of the database and {turns} turns of the day in {:.0?} (at the longest {takeover:.1?} until all shards \
         of a killed server were written by others, {longest:.1?} until fifty more answers, pauses included): {} answers, {} times unanswered, {} found done by another server, {later} repeated only at the end, {fenced} shards whose \
         commit was refused because another server had them; {summary}",
        kills - pauses as u64,
        begun.elapsed(),
        promises.answered.load(Ordering::Relaxed),
        promises.unanswered.load(Ordering::Relaxed),
        promises.replayed.load(Ordering::Relaxed),
    );
    world.sandbox.stop().await;
}

impl World {
    /// A payout waits for the arrival bound only if its server was killed or lost its shard this soon after taking it:
    /// nobody sends what is taken while a shard moves.
    pub const TAKEN_BEFORE_A_KILL: Duration = TAKEOVER_MAX;

    async fn open(seed: u64) -> (World, Vec<Serving>) {
        let directory = tempfile::tempdir().unwrap();
        let sandbox = channels::start(directory.path()).await;
        let database = Server::start(Durability::Disk);
        let book = database.create_database();
        let url = database.url(&book);
        let binds: Vec<String> = lasting_ports(SERVERS)
            .into_iter()
            .map(|port| format!("127.0.0.1:{port}"))
            .collect();
        setup::write_settings(directory.path(), &[]);
        let bases: Vec<String> = binds.iter().map(|bind| format!("http://{bind}")).collect();
        let client = Client::of_many(&bases);
        begin(&url).await;
        setup::write_vault_key(&directory.path().join("keys"));
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
        setup::write_settings(directory.path(), &merchants);
        let world = World {
            directory,
            database,
            book,
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

    /// Stops a server in the middle of a commit until another server has the shard, and lets it go on: it believes to
    /// hold what it held.
    async fn pause_at_work(&mut self, servers: &[Serving]) {
        let waiting = self.database.hold(&self.book, COMMITS_WAIT);
        let under_way = until("a commit that waits", || {
            let found = self.database.sql(&self.book, UNDER_WAY);
            Some(found.trim().to_owned()).filter(|found| !found.is_empty())
        })
        .await;
        let parts: Vec<&str> = under_way.split(' ').collect();
        let (shard, epoch, address) = (parts[0], parts[1], parts[2]);
        let asleep = self
            .binds
            .iter()
            .position(|bind| address == format!("http://{bind}"))
            .unwrap();
        let refused = self.fenced();
        servers[asleep].pause();
        let mut instants = vec![jiff::Timestamp::now()];
        // Another has it, and has ended the sleeper's sessions.
        let taken = format!(
            "SELECT epoch>{epoch} AND NOT EXISTS (SELECT FROM pg_stat_activity \
             WHERE datname=current_database() AND application_name='qingyuan shard {shard} epoch {epoch}') \
             FROM shard WHERE shard={shard}"
        );
        until("another holder", || {
            (self.database.sql(&self.book, &taken).trim() == "t").then_some(())
        })
        .await;
        instants.push(jiff::Timestamp::now());
        drop(waiting);
        servers[asleep].resume();
        until("a refusal", || (self.fenced() > refused).then_some(())).await;
        instants.push(jiff::Timestamp::now());
        self.kills.extend(instants);
    }

    /// How long others take to write every shard of a server that has just died.
    async fn taken_over(&self, victim: usize) -> Duration {
        let died = Instant::now();
        let held = format!(
            "SELECT string_agg(format('(%s,%s,%s)',shard,epoch,batch_seq),',') FROM shard WHERE address='http://{}'",
            self.binds[victim]
        );
        let held = self.database.sql(&self.book, &held);
        if held.trim().is_empty() {
            return Duration::ZERO;
        }
        let left = format!(
            "SELECT count(*) FROM (VALUES {}) AS h(shard,epoch,batch_seq) JOIN shard s USING(shard) \
             WHERE s.epoch<=h.epoch OR s.batch_seq<=h.batch_seq",
            held.trim()
        );
        until("another writer", || {
            (self.database.sql(&self.book, &left).trim() == "0").then_some(())
        })
        .await;
        died.elapsed()
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

    /// A task of a server that dies by a panic is not started again.
    fn nothing_panicked(&self) {
        let log = std::fs::read_to_string(self.directory.path().join("server.log")).unwrap();
        let panicked = log.lines().find(|line| line.contains("panicked at"));
        assert_eq!(panicked, None);
    }

    /// When shards began to be written by another server, as the servers logged it.
    fn shards_taken(&self) -> Vec<jiff::Timestamp> {
        let log = std::fs::read_to_string(self.directory.path().join("server.log")).unwrap();
        let at = |line: &str| {
            let (before, _) = line.split_once('Z')?;
            let digits = before.find("20")?;
            format!("{}Z", &before[digits..]).parse().ok()
        };
        let taken = log
            .lines()
            .filter(|line| line.contains("a shard is written here"));
        let instants: Vec<jiff::Timestamp> = taken.map(|line| at(line).expect(line)).collect();
        assert!(instants.len() >= SERVERS, "{}", instants.len());
        instants
    }

    /// Commits that were refused because another server had the shard, as the servers logged it.
    fn fenced(&self) -> usize {
        let log = std::fs::read_to_string(self.directory.path().join("server.log"));
        let log = log.unwrap_or_default();
        // Once for each shard: when it ends so, or when it was being given up.
        let told = |line: &&str| {
            line.contains("another server writes this shard now")
                && (line.contains("the shard ends here")
                    || line.contains("checkpoints are left behind"))
        };
        log.lines().filter(told).count()
    }
}

fn serve(directory: &Path, url: &str, bind: &str) -> Serving {
    let keys = directory.join("keys");
    setup::serve(directory, bind, &["--data", text(&keys), "--postgres", url])
}

/// Begins every shard of a new book.
async fn begin(url: &str) {
    let store = PostgresStore::open(url, PostgresOptions::default()).unwrap();
    let holder = Holder {
        server: "begin".into(),
        address: "http://127.0.0.1:1".into(),
    };
    for number in 0..store.shard_count() {
        let shard = ShardCode::new(number).unwrap();
        let leases = store.leases();
        let taken = leases.take(shard, &holder, Duration::from_secs(60));
        let Ok(Taken::Lease(lease)) = taken else {
            panic!("{taken:?}");
        };
        setup::begin(store.shard(shard, lease.epoch), shard).await;
        assert!(leases.release(&lease).unwrap());
    }
}

/// What comes within the time of a take-over.
async fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + TAKEOVER_MAX;
    loop {
        match found() {
            Some(found) => return found,
            None => assert!(Instant::now() < deadline, "{what} does not come"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
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
