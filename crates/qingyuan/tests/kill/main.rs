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
mod setup;
mod steps;
#[path = "../support/mod.rs"]
mod support;

use engine::ShardCode;
use engine::store::Queries;
use engine::store::sqlite::SqliteStore;
use load::Load;
use sandbox::RunningSandbox;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use support::http::Client;
use support::process::{Serving, lasting_port, text};
use support::{Dice, number};

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
    let clients = world.load.start();
    let mut dice = Dice::new(seed);
    for kill in 0..kills {
        world.under_load(50 + dice.roll(300)).await;
        tokio::time::sleep(Duration::from_millis(dice.roll(40))).await;
        server.kill();
        world.kills.push(jiff::Timestamp::now());
        server = world.serve();
        if kill % 3 == 2 {
            world.turn_day().await;
        }
    }
    world.under_load(100).await;
    let loaded = begun.elapsed();
    let (later, listed) = world.come_to_an_end(clients).await;
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
    /// A payout waits for the arrival bound only if the server was killed this soon after taking it.
    pub const TAKEN_BEFORE_A_KILL: Duration = Duration::from_secs(5);

    /// Channels, a book with three merchants that have money to pay out, a ledger client with accounts.
    async fn open(seed: u64) -> (World, Serving) {
        let directory = tempfile::tempdir().unwrap();
        let sandbox = channels::start(directory.path()).await;
        let bind = format!("127.0.0.1:{}", lasting_port());
        let client = Client::new(&format!("http://{bind}"));
        let book = directory.path().join("book");
        setup::write_vault_key(&book);
        setup::begin(
            Arc::new(SqliteStore::open(&book).unwrap()),
            ShardCode::FIRST,
        )
        .await;
        setup::write_settings(directory.path(), &[]);
        let own = ["--data", text(&book)];
        let first = setup::serve(directory.path(), &bind, &own);
        let merchants = setup::merchants(&client, 0, None).await;
        let accounts = vec![setup::accounts(&client, 0, None).await];
        // The merchants' own keys are in the settings from the second start on.
        assert!(first.terminate().success());
        setup::write_settings(directory.path(), &merchants);
        let server = setup::serve(directory.path(), &bind, &own);
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

    /// The book's shards as a reader beside the server sees them.
    pub fn readers(&self) -> Vec<Arc<dyn Queries>> {
        vec![Arc::new(support::database::read(&self.data()))]
    }

    /// What `verify` says of the book; the server has ended.
    pub fn verified(&self) -> Value {
        support::process::verify(&self.data()).expect(0).json()
    }

    fn serve(&self) -> Serving {
        let data = self.data();
        setup::serve(self.directory.path(), &self.bind, &["--data", text(&data)])
    }
}
