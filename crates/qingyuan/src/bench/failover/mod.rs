//! `bench failover`: how long the shards of a killed server take no payments.
//!
//! Several servers share a book, a client per shard makes payments without pause. A server is killed; for each shard
//! that it wrote the time is taken until a payment is acknowledged that was asked for after its death. Then it is
//! started again, and when the shards are spread evenly the next one is killed.

mod load;
mod servers;

use super::figures::{self, Figures};
use crate::cli::FailoverBenchmark;
use crate::failure::Failure;
use crate::output;
use engine::ShardCode;
use engine::store::lease::Leases;
use engine::store::postgres::{PostgresOptions, PostgresStore};
use load::Load;
use serde_json::json;
use servers::{Process, Program};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Longest time until the servers have shared the shards among them, or a shard has another writer.
const SETTLE_MAX: Duration = Duration::from_secs(180);
/// Pause between looks.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Groups that are tried to find one for every shard: several times as many as it takes on average.
const GROUPS_MAX: u32 = 1_000;

/// Runs the benchmark and prints its figures.
pub fn run(arguments: &FailoverBenchmark) -> Result<bool, Failure> {
    let directory = tempfile::tempdir_in(".").map_err(Failure::other)?;
    let url = &arguments.postgres;
    let store = PostgresStore::create(url, PostgresOptions::default())?;
    let program = Program {
        url: url.clone(),
        directory: directory.path().to_owned(),
    };
    let servers: Vec<Process> = (0..arguments.servers)
        .map(|_| program.start())
        .collect::<Result<_, _>>()?;
    let load = Load::new(servers.iter().map(|server| server.address).collect());
    let mut bench = Bench {
        leases: store.leases(),
        shards: usize::from(store.shard_count()),
        program,
        servers,
        taken: Vec::new(),
    };
    bench.wait_until_spread()?;
    let merchants = bench.merchants(&load)?;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let clients: Vec<_> = merchants
            .iter()
            .enumerate()
            .map(|(client, (shard, merchant))| {
                let load = &load;
                scope.spawn(move || load.pay(client, *shard, merchant))
            })
            .collect();
        let killed = bench.kill_all(&load, arguments);
        load.end();
        for client in clients {
            let ended = client.join();
            ended.map_err(|_| Failure::other("a client ended by itself"))??;
        }
        killed
    })?;
    let figures = bench.figures(arguments, &load, begun.elapsed());
    if arguments.json {
        output::json(&figures)?;
    } else {
        figures::print(&figures);
    }
    Ok(true)
}

struct Bench {
    leases: Arc<dyn Leases>,
    shards: usize,
    program: Program,
    servers: Vec<Process>,
    /// One entry for each shard that a killed server wrote.
    taken: Vec<Duration>,
}

impl Bench {
    /// The shards of each server, by its URL.
    fn held(&self) -> Result<BTreeMap<String, Vec<ShardCode>>, Failure> {
        let mut held = BTreeMap::<String, Vec<ShardCode>>::new();
        for lease in self.leases.list()?.shards {
            if let Some(holder) = lease.holder {
                held.entry(holder.address).or_default().push(lease.shard);
            }
        }
        Ok(held)
    }

    /// Waits until every server has its share of the shards.
    fn wait_until_spread(&self) -> Result<(), Failure> {
        // What is left for one when every other has its share, rounded up.
        let servers = self.servers.len().max(1);
        let others = self.shards.div_ceil(servers) * (servers - 1);
        let share = self.shards.saturating_sub(others).max(1);
        let until = Instant::now() + SETTLE_MAX;
        loop {
            let held = self.held()?;
            let of = |server: &Process| held.get(&server.url()).map_or(0, Vec::len);
            let all: usize = self.servers.iter().map(of).sum();
            if all == self.shards && self.servers.iter().all(|server| of(server) >= share) {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(Failure::other(
                    "the servers did not share the shards in time",
                ));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// A merchant in every shard.
    fn merchants(&self, load: &Load) -> Result<BTreeMap<ShardCode, String>, Failure> {
        let mut merchants = BTreeMap::new();
        for number in 0..GROUPS_MAX {
            if merchants.len() == self.shards {
                return Ok(merchants);
            }
            let (shard, merchant) = load.merchant(&format!("group-{number}"))?;
            merchants.entry(shard).or_insert(merchant);
        }
        Err(Failure::other(format!(
            "{GROUPS_MAX} groups left shards without one"
        )))
    }

    fn kill_all(&mut self, load: &Load, arguments: &FailoverBenchmark) -> Result<(), Failure> {
        let bar = output::progress(arguments.kills, "killing servers", arguments.json);
        for _ in 0..arguments.kills {
            for number in 0..self.servers.len() {
                if bar.position() < arguments.kills {
                    self.kill(number, load)?;
                    bar.inc(1);
                }
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Kills one server, takes the times, and starts it again.
    fn kill(&mut self, number: usize, load: &Load) -> Result<(), Failure> {
        self.wait_until_spread()?;
        let mut held = self.held()?;
        let Some(server) = self.servers.get_mut(number) else {
            return Ok(());
        };
        let shards = held.remove(&server.url()).unwrap_or_default();
        let (killed, gone) = server.kill()?;
        load.watch(&shards, killed, gone);
        loop {
            match load.seen() {
                Ok(seen) => {
                    self.taken.extend(seen.into_iter().map(|(_, first)| first));
                    break;
                }
                Err(unseen) if gone.elapsed() > SETTLE_MAX => {
                    return Err(Failure::other(format!(
                        "{} s after a server was killed no payment of shards {unseen:?} was acknowledged",
                        SETTLE_MAX.as_secs()
                    )));
                }
                Err(_) => std::thread::sleep(LOOK_AGAIN),
            }
        }
        *server = self.program.start()?;
        load.moved(number, server.address);
        Ok(())
    }

    fn figures(&self, arguments: &FailoverBenchmark, load: &Load, took: Duration) -> Figures {
        let mut taken: Vec<u64> = self
            .taken
            .iter()
            .map(|first| first.as_micros() as u64)
            .collect();
        let acknowledged = load.acknowledged.load(Ordering::Relaxed);
        let mut figures = Figures {
            name: format!(
                "failover: {} shards on {} servers, from SIGKILL of one to the first acknowledged payment of each of its shards",
                self.shards, arguments.servers
            ),
            operations: taken.len() as u64,
            per_second: figures::rate(acknowledged, took),
            ..Figures::default()
        };
        if let Some((p50, p99, max)) = figures::percentiles(&mut taken) {
            (figures.p50_us, figures.p99_us, figures.max_us) = (Some(p50), Some(p99), Some(max));
        }
        let more = &mut figures.more;
        more.insert("kills".into(), json!(arguments.kills));
        more.insert("payments_acknowledged".into(), json!(acknowledged));
        figures
    }
}
