//! A book on PostgreSQL, shared by several servers.

use crate::book::vault_key;
use crate::failure::Failure;
use calendar::shanghai_date;
use domain::QingyuanApp;
use engine::runtime::{Clock, Engine, Running, SystemClock};
use engine::store::lease::{ClockDifference, Holder, Lease, Leases, Taken};
use engine::store::postgres::{PostgresOptions, PostgresStore};
use engine::store::{Queries, StoreError};
use engine::{CacheLimits, ShardCode, ShardOptions, Vault};
use server::book::{
    Book, BookRules, PeerKey, PeerLink, SteadyClock, Tenancy, VAULT_CHECK, YieldRequest, set_up,
};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedReceiver;

/// How long the first shard is a server's that begins the book. Nobody renews this lease: it has to last for the key,
/// the opening and all rules on a slow machine, and is given up when they are there.
const BEGINNING_LEASE: Duration = Duration::from_secs(20);
/// How long a server waits for another one that begins the book: longer than the lease of one that died over it.
const BEGINNING_MAX: Duration = Duration::from_secs(30);
/// Pause between looks meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A book and what keeps its leases.
pub struct SharedBook {
    /// The book.
    pub book: Book,
    /// Its leases.
    pub leases: Arc<dyn Leases>,
    /// This process, as it takes them.
    pub holder: Holder,
    /// Opens shards.
    pub tenancy: Arc<dyn Tenancy>,
    /// Requests of other servers.
    pub yields: UnboundedReceiver<YieldRequest>,
}

struct Opener {
    store: Arc<PostgresStore>,
    app: Arc<QingyuanApp>,
    vault: Arc<Vault>,
    clock: Arc<SteadyClock<SystemClock>>,
    /// The process's memory is shared by the shards it may come to hold.
    limits: CacheLimits,
    rules: BookRules,
}

impl Tenancy for Opener {
    fn open(&self, lease: &Lease) -> Result<Running<QingyuanApp>, StoreError> {
        Engine::start_leased(
            self.app.clone(),
            Arc::new(self.store.shard(lease.shard, lease.epoch)),
            self.vault.clone(),
            self.clock.clone(),
            ShardOptions {
                shard: lease.shard,
                first_business_date: shanghai_date(self.clock.now()),
                limits: self.limits,
                sweep_min: 2_048,
            },
            lease.lasts,
        )
    }

    fn rules(&self) -> BookRules {
        self.rules.clone()
    }

    fn clock_agrees(&self, compared: &ClockDifference) {
        self.clock.confirm(compared);
    }
}

/// Opens the book, or creates it with so many shards and the packs of this server; the vault key is in the environment or in
/// `directory`. Blocks.
pub fn open(
    url: &str,
    shards: Option<NonZeroU16>,
    lease: Duration,
    holder: Holder,
    directory: &Path,
    app: QingyuanApp,
    rules: BookRules,
) -> Result<SharedBook, Failure> {
    let options = PostgresOptions {
        shards,
        lease,
        ..PostgresOptions::default()
    };
    let store = Arc::new(PostgresStore::open(url, options)?);
    let count = store.shard_count();
    let queries: Vec<Arc<dyn Queries>> = (0..count)
        .filter_map(ShardCode::new)
        .map(|shard| store.queries(shard))
        .collect();
    std::fs::create_dir_all(directory).map_err(|error| Failure::file(directory, error))?;
    let clock = Arc::new(SteadyClock::new(SystemClock));
    let whole = CacheLimits::default();
    let share = |limit: usize| (limit / usize::from(count.max(1))).max(4_096);
    let limits = CacheLimits {
        accounts: share(whole.accounts),
        records: share(whole.records),
        transfer_ids: share(whole.transfer_ids),
    };
    let app = Arc::new(app);
    let opener = |vault: &Arc<Vault>| Opener {
        store: store.clone(),
        app: app.clone(),
        vault: vault.clone(),
        clock: clock.clone(),
        limits,
        rules: rules.clone(),
    };
    begin(&queries, store.leases().as_ref(), &holder, |lease| {
        let mut written = false;
        for queries in &queries {
            written |= queries.head()?.is_some();
        }
        let vault = Arc::new(Vault::new(&vault_key(directory, written)?)?);
        let running = opener(&vault).open(lease)?;
        let queries = running.engine.queries();
        let begun = set_up(&running.engine, queries.as_ref(), &rules).map_err(Failure::other);
        running.stop();
        begun
    })?;
    let key = vault_key(directory, true)?;
    let vault = Arc::new(Vault::new(&key)?);
    check_key(&queries, &vault)?;
    let (peers, yields) = PeerLink::new(PeerKey::derive(&key)?, &holder.server)
        .map_err(|error| Failure::other(error.to_string()))?;
    Ok(SharedBook {
        leases: store.leases(),
        holder,
        tenancy: Arc::new(opener(&vault)),
        book: Book::shared(queries, vault, clock, peers),
        yields,
    })
}

/// Settles the vault key of a book before any server keeps anything in it: the first shard's lease
/// decides which server begins the book, with its key, and all others have to have that one.
fn begin(
    queries: &[Arc<dyn Queries>],
    leases: &dyn Leases,
    holder: &Holder,
    write: impl Fn(&Lease) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let Some(first) = queries.first() else {
        return Err(Failure::other("the book has no shards"));
    };
    let until = Instant::now() + BEGINNING_MAX;
    while first.secret(VAULT_CHECK)?.is_none() {
        match leases.take(ShardCode::FIRST, holder, BEGINNING_LEASE)? {
            Taken::Lease(lease) => {
                // Whoever had the lease until now may have begun it since the look above.
                let begun = match first.secret(VAULT_CHECK)? {
                    Some(_) => Ok(()),
                    None => write(&lease),
                };
                leases.release(&lease)?;
                return begun;
            }
            Taken::HeldBy(_) if Instant::now() < until => std::thread::sleep(LOOK_AGAIN),
            Taken::HeldBy(other) => {
                let holder = other.holder.map(|holder| holder.address);
                return Err(Failure::other(format!(
                    "the server at {} has the first shard and does not begin the book: look at its log",
                    holder.unwrap_or_default()
                )));
            }
            Taken::ClockDiffers(difference) => {
                return Err(Failure::other(format!(
                    "this server's clock is {} ms ahead of the database's: set it right",
                    difference.server_ahead_ms
                )));
            }
        }
    }
    Ok(())
}

/// Refuses a key that is not the one the book began with.
fn check_key(queries: &[Arc<dyn Queries>], vault: &Vault) -> Result<(), Failure> {
    for queries in queries {
        if let Some(sealed) = queries.secret(VAULT_CHECK)? {
            vault.open(&sealed).map_err(|_| {
                Failure::other(
                    "the vault key is not the one of the book in this database: use the key it began with",
                )
            })?;
        }
    }
    Ok(())
}
