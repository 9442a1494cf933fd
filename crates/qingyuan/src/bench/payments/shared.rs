//! A book on PostgreSQL that several servers share, all of them in this process.

use super::world;
use crate::failure::Failure;
use crate::shared_book::{self, SharedBook};
use engine::ShardCode;
use engine::store::lease::Holder;
use engine::store::postgres::{PostgresOptions, PostgresStore};
use server::book::{Book, Keeper, KeeperOptions, Place};
use server::{Connectors, RunningServer, Server};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Shards of the book, as of a new one in operation.
const SHARDS: NonZeroU16 = NonZeroU16::MIN.saturating_add(15);
/// As `serve`.
const LEASE: Duration = Duration::from_secs(3);
/// Longest time until the servers have shared the shards among them.
const SETTLE_MAX: Duration = Duration::from_secs(180);

/// Which server a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The one that writes the accounts' shard.
    Holder,
    /// One after another, whoever holds what: most pass the command on to the holder.
    Anyone,
}

impl Asked {
    /// What can be measured with so many servers.
    pub fn of(servers: u64) -> &'static [Asked] {
        match servers {
            1 => &[Asked::Holder],
            _ => &[Asked::Holder, Asked::Anyone],
        }
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Asked::Holder => "asked at the shard's holder",
            Asked::Anyone => "asked anywhere",
        }
    }
}

struct Member {
    address: SocketAddr,
    book: Book,
    server: RunningServer,
    keeper: Keeper,
}

/// The servers.
pub struct Cluster(Vec<Member>);

/// Client accounts of each shard.
pub type Accounts = BTreeMap<ShardCode, Arc<[u64]>>;

impl Cluster {
    /// Creates the book and starts the servers; ready when each has its share.
    pub async fn start(url: &str, servers: u64, directory: &Path) -> Result<Cluster, Failure> {
        let options = PostgresOptions {
            shards: Some(SHARDS),
            ..PostgresOptions::default()
        };
        drop(PostgresStore::create(url, options)?);
        let mut members = Vec::new();
        for number in 0..servers {
            members.push(Member::start(url, number, directory).await?);
        }
        let cluster = Cluster(members);
        let share = usize::from(SHARDS.get()).div_euclid(cluster.0.len());
        let until = Instant::now() + SETTLE_MAX;
        while cluster
            .0
            .iter()
            .any(|member| member.book.engines().len() < share)
            || !cluster.is_whole()
        {
            if Instant::now() > until {
                return Err(Failure::other(
                    "the servers did not share the shards in time",
                ));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(cluster)
    }

    /// Whether every shard is written, and everybody knows where.
    fn is_whole(&self) -> bool {
        self.0.iter().all(|member| {
            let mut places = member.book.shards().map(|shard| member.book.place(shard));
            places.all(|place| !matches!(place.as_ref(), Place::Nobody))
        })
    }

    /// Number of shards.
    pub fn shards(&self) -> u16 {
        SHARDS.get()
    }

    /// Opens so many client accounts, as many in each shard.
    pub fn open_accounts(&self, count: u64, quiet: bool) -> Result<Accounts, Failure> {
        let each = count.div_ceil(u64::from(SHARDS.get())).max(2);
        let mut accounts = Accounts::new();
        for (shard, engine) in self.0.iter().flat_map(|member| member.book.engines()) {
            let opened = crate::bench::ledger::open_accounts(&engine, each, quiet)?;
            accounts.insert(shard, opened.into());
        }
        Ok(accounts)
    }

    /// Whom a client asks, and about which accounts.
    pub fn place(
        &self,
        asked: Asked,
        accounts: &Accounts,
        client: u64,
    ) -> Option<(SocketAddr, Arc<[u64]>)> {
        let shards = accounts.len().max(1);
        let client = client as usize;
        let (shard, accounts) = accounts.iter().nth(client % shards)?;
        let holder =
            |member: &&Member| matches!(member.book.place(*shard).as_ref(), Place::Here(..));
        let member = match asked {
            Asked::Holder => self.0.iter().find(holder)?,
            Asked::Anyone => self.0.get(client / shards % self.0.len())?,
        };
        Some((member.address, accounts.clone()))
    }

    /// Size of the database.
    pub fn size_bytes(&self) -> Result<Option<u64>, Failure> {
        let queries = self
            .0
            .first()
            .and_then(|member| member.book.queries(ShardCode::FIRST));
        Ok(queries.map(|queries| queries.size_bytes()).transpose()?)
    }

    /// Ends them, one after the other.
    pub async fn stop(self) {
        for member in self.0 {
            member.keeper.stop().await;
            member.server.stop().await;
        }
    }
}

impl Member {
    async fn start(url: &str, number: u64, directory: &Path) -> Result<Member, Failure> {
        let (url, directory) = (url.to_owned(), directory.to_owned());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.map_err(Failure::other)?;
        let address = listener.local_addr().map_err(Failure::other)?;
        let holder = Holder {
            server: format!("benchmark-{}-{number}", std::process::id()),
            address: format!("http://{address}"),
        };
        let app = domain::QingyuanApp::sample().map_err(Failure::other)?;
        let rules = server::book::BookRules::of(&app);
        let open =
            move || shared_book::open(&url, Some(SHARDS), LEASE, holder, &directory, app, rules);
        let opened = tokio::task::spawn_blocking(open).await;
        let SharedBook {
            book,
            leases,
            holder,
            tenancy,
            yields,
        } = opened.map_err(Failure::other)??;
        let server = Server::new(&world::config(), book.clone(), Connectors::default());
        let server = server.map_err(Failure::other)?;
        let performer = server.performer();
        let server = server.start(listener).map_err(Failure::other)?;
        let options = KeeperOptions {
            lasts: LEASE,
            ..KeeperOptions::new(holder)
        };
        let keeper = Keeper::start(book.clone(), leases, tenancy, performer, yields, options);
        let keeper = keeper.map_err(Failure::other)?;
        Ok(Member {
            address,
            book,
            server,
            keeper,
        })
    }
}
