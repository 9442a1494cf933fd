//! `bench payments`: payment lives and single transfers over HTTP, beside a bare axum handler that
//! answers the same bytes to the same requests.
//!
//! Server, shard and load generator share one process and one machine; nothing is mocked between
//! the socket and the disk but the channel, which answers at once and signs nothing.

mod bare;
mod channel;
mod cpu;
pub(in crate::bench) mod ids;
mod lives;
mod load;
mod shared;
mod transfers;
pub(in crate::bench) mod wire;
mod world;

use super::figures::{self, Figures};
use crate::cli::{PaymentsBenchmark, PaymentsPart};
use crate::failure::Failure;
use crate::output;
use crate::target::Target;
use bare::Recorded;
use engine::runtime::Counters;
use lives::{LifeClient, Templates};
use load::{Client, Limit, Measured};
use serde::Serialize;
use serde_json::json;
use shared::{Asked, Cluster};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use transfers::{Spread, TransferClient};
use world::World;

/// Load before a measurement by time that is not counted.
const WARM_UP: Duration = Duration::from_millis(500);

const LIVES: &str = "payment lives: created, paid, fee, split three ways";

/// The first part's figures, and all parts.
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    first: Figures,
    parts: &'a [Figures],
}

/// Runs the benchmark.
pub fn run(arguments: &PaymentsBenchmark) -> Result<bool, Failure> {
    if arguments.accounts < 2 || arguments.clients == 0 || arguments.clients > 10_000 {
        return Err(Failure::other(
            "--accounts must be at least 2 and --clients 1 to 10000",
        ));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::other)?;
    let mut bench = Bench {
        arguments,
        runtime,
        database: None,
    };
    let mut parts = Vec::new();
    match (&arguments.postgres, arguments.servers) {
        (Some(url), Some(servers)) => bench.shared(url, servers, &mut parts)?,
        (url, _) => {
            bench.database = url.as_deref().map(Target::postgres).transpose()?;
            if arguments.only != Some(PaymentsPart::Transfers) {
                bench.lives(&mut parts)?;
            }
            if arguments.only != Some(PaymentsPart::Lives) {
                bench.transfers(&mut parts)?;
            }
        }
    }
    let first = parts.first().cloned().unwrap_or_default();
    if arguments.json {
        let parts = &parts;
        output::json(&Printed { first, parts })?;
    }
    Ok(true)
}

struct Bench<'a> {
    arguments: &'a PaymentsBenchmark,
    runtime: Runtime,
    /// Where all parts keep their book, if not each in a directory of its own.
    database: Option<Target>,
}

impl Bench<'_> {
    /// Measures against a server that has a book, and ends it.
    fn with_world<T>(
        &mut self,
        measure: impl FnOnce(&Bench<'_>, &World) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let temporary = tempfile::tempdir_in(".").map_err(Failure::other)?;
        let own = || Target::Directory(temporary.path().to_owned());
        let mut target = self.database.take().unwrap_or_else(own);
        let world = self.runtime.block_on(World::start(&mut target))?;
        let measured = measure(self, &world)?;
        self.runtime.block_on(world.stop(&mut target))?;
        if self.arguments.postgres.is_some() {
            self.database = Some(target);
        }
        Ok(measured)
    }

    fn lives(&mut self, parts: &mut Vec<Figures>) -> Result<(), Failure> {
        let (measured, recorded, templates) = self.with_world(|bench, world| {
            let templates = Arc::new(Templates::new(world, bench.arguments.merchants)?);
            let client = |number| LifeClient::new(templates.clone(), number);
            let recorded = record(world.address, client(0))?;
            let (measured, ended) = bench.real(LIVES, world, client)?;
            for client in &ended {
                client.check(world)?;
            }
            Ok((measured, recorded, templates))
        })?;
        let client = |number| LifeClient::new(templates.clone(), number);
        self.beside(measured, &recorded, client, parts)
    }

    fn transfers(&mut self, parts: &mut Vec<Figures>) -> Result<(), Failure> {
        let count = self.arguments.accounts;
        let (measured, accounts) = self.with_world(|bench, world| {
            let quiet = bench.arguments.json;
            let accounts: Arc<[u64]> =
                super::ledger::open_accounts(&world.engine, count, quiet)?.into();
            let mut measured = Vec::new();
            for (spread, name) in [
                (Spread::All, format!("single transfers, {count} accounts")),
                (Spread::Hot, "single transfers, one hot account".to_owned()),
            ] {
                let client = |number| TransferClient::new(accounts.clone(), spread, number);
                let recorded = record(world.address, client(0))?;
                let (figures, _) = bench.real(&name, world, client)?;
                measured.push((spread, figures, recorded));
            }
            Ok((measured, accounts))
        })?;
        for (spread, figures, recorded) in measured {
            let client = |number| TransferClient::new(accounts.clone(), spread, number);
            self.beside(figures, &recorded, client, parts)?;
        }
        Ok(())
    }

    /// Single transfers on a book that several servers share.
    fn shared(&self, url: &str, servers: u64, parts: &mut Vec<Figures>) -> Result<(), Failure> {
        let (arguments, directory) = (
            self.arguments,
            tempfile::tempdir_in(".").map_err(Failure::other)?,
        );
        let cluster = self
            .runtime
            .block_on(Cluster::start(url, servers, directory.path()))?;
        let accounts = cluster.open_accounts(arguments.accounts, arguments.json)?;
        for asked in Asked::of(servers) {
            let client = |number: u64| {
                let (address, accounts) = cluster.place(*asked, &accounts, number)?;
                let client = TransferClient::new(accounts, Spread::All, number);
                Some((address, client))
            };
            let clients = || (1..=arguments.clients).filter_map(client).collect();
            let (mut figures, _) = self.measure(clients)?;
            figures.name = format!(
                "single transfers, {} shards on {servers} servers, {}",
                cluster.shards(),
                asked.name()
            );
            figures.db_bytes = cluster.size_bytes()?;
            if !arguments.json {
                figures::print(&figures);
            }
            parts.push(figures);
        }
        self.runtime.block_on(cluster.stop());
        Ok(())
    }

    fn clients<C>(&self, address: SocketAddr, client: impl Fn(u64) -> C) -> Vec<(SocketAddr, C)> {
        // The client numbered 0 has made the recording.
        let numbers = 1..=self.arguments.clients;
        numbers.map(|number| (address, client(number))).collect()
    }

    fn measure<C: Client>(
        &self,
        clients: impl Fn() -> Vec<(SocketAddr, C)>,
    ) -> Result<(Figures, Vec<C>), Failure> {
        let (warm_up, limit) = match self.arguments.count {
            Some(count) => (Limit::Operations(count / 10), Limit::Operations(count)),
            None => (
                Limit::Time(WARM_UP),
                Limit::Time(Duration::from_secs(self.arguments.seconds)),
            ),
        };
        load::run(clients(), warm_up)?;
        let (measured, ended) = load::run(clients(), limit)?;
        Ok((figures_of(measured), ended))
    }

    /// Figures of the real server.
    fn real<C: Client>(
        &self,
        name: &str,
        world: &World,
        client: impl Fn(u64) -> C,
    ) -> Result<(Figures, Vec<C>), Failure> {
        let counters = || {
            let counters = world.engine.counters();
            [&counters.batches, &counters.commands].map(Counters::get)
        };
        let [batches, commands] = counters();
        let (mut figures, ended) = self.measure(|| self.clients(world.address, &client))?;
        figures.name = match self.arguments.postgres {
            None => name.to_owned(),
            Some(_) => format!("{name}, on PostgreSQL"),
        };
        let [batches_after, commands_after] = counters();
        let per_batch = (commands_after - commands) / (batches_after - batches).max(1);
        figures.db_bytes = Some(world.engine.queries().size_bytes()?);
        let more = &mut figures.more;
        more.insert("commands_per_batch".into(), json!(per_batch));
        Ok((figures, ended))
    }

    /// The same requests to a bare handler, and both sets of figures.
    fn beside<C: Client>(
        &self,
        mut real: Figures,
        recorded: &[Recorded],
        client: impl Fn(u64) -> C,
        parts: &mut Vec<Figures>,
    ) -> Result<(), Failure> {
        let address = self.runtime.block_on(bare::start(recorded))?;
        let (mut bare, _) = self.measure(|| self.clients(address, &client))?;
        bare.name = format!("bare axum: {}", real.name);
        let ratio = figures::ratio(real.per_second, bare.per_second);
        real.more.insert("part_of_bare".into(), json!(ratio));
        for figures in [real, bare] {
            if !self.arguments.json {
                figures::print(&figures);
            }
            parts.push(figures);
        }
        Ok(())
    }
}

/// One operation against the real server, answer by answer.
fn record(address: SocketAddr, mut client: impl Client) -> Result<Vec<Recorded>, Failure> {
    let (mut request, mut recorded) = (Vec::new(), Vec::new());
    loop {
        let path = client.request(&mut request);
        let answer = Recorded::of(address, path, &request)?;
        let complete = client.answered(answer.body())?;
        recorded.push(answer);
        if complete {
            return Ok(recorded);
        }
    }
}

fn figures_of(mut measured: Measured) -> Figures {
    let mut figures = Figures {
        operations: measured.operations,
        per_second: figures::rate(measured.operations, measured.took),
        rss_bytes: figures::peak_rss_bytes(),
        ..Figures::default()
    };
    if let Some((p50, p99, max)) = figures::percentiles(&mut measured.operations_us) {
        (figures.p50_us, figures.p99_us, figures.max_us) = (Some(p50), Some(p99), Some(max));
    }
    let pairs: Vec<u64> = measured
        .millions
        .iter()
        .zip(measured.millions.iter().skip(1))
        .map(|(from, to)| figures::rate(load::MILLION, *to - *from))
        .collect();
    figures.first_million_per_second = pairs.first().copied();
    figures.last_million_per_second = pairs.last().copied();
    let requests = figures::rate(measured.requests, measured.took);
    let cpu = measured.cpu_us_each;
    let more = &mut figures.more;
    more.insert("http_requests_per_second".into(), json!(requests));
    more.insert("cpu_us_each".into(), json!(cpu));
    figures
}
