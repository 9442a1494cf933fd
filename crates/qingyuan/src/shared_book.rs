//! A book on PostgreSQL, shared by several servers.

use crate::book::vault_key;
use crate::failure::Failure;
use calendar::shanghai_date;
use domain::QingyuanApp;
use engine::runtime::{Clock, Engine, Running, SystemClock};
use engine::store::lease::{Lease, Leases};
use engine::store::postgres::{PostgresOptions, PostgresStore};
use engine::store::{Queries, StoreError};
use engine::{CacheLimits, ShardCode, ShardOptions, Vault};
use server::book::{Book, PeerKey, PeerLink, Tenancy, VAULT_CHECK, YieldRequest};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

/// A book and what keeps its leases.
pub struct SharedBook {
    /// The book.
    pub book: Book,
    /// Its leases.
    pub leases: Arc<dyn Leases>,
    /// Opens shards.
    pub tenancy: Arc<dyn Tenancy>,
    /// Requests of other servers.
    pub yields: UnboundedReceiver<YieldRequest>,
}

struct Opener {
    store: Arc<PostgresStore>,
    app: Arc<QingyuanApp>,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    /// The process's memory is shared by the shards it may come to hold.
    limits: CacheLimits,
}

impl Tenancy for Opener {
    fn open(&self, lease: &Lease) -> Result<Running<QingyuanApp>, StoreError> {
        Engine::start(
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
        )
    }
}

/// Opens the book, or creates it with so many shards; the vault key is in the environment or in
/// `directory`. Blocks.
pub fn open(
    url: &str,
    shards: Option<NonZeroU16>,
    lease: Duration,
    directory: &Path,
    app: QingyuanApp,
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
    let mut written = false;
    for queries in &queries {
        written |= queries.head()?.is_some();
    }
    let key = vault_key(directory, written)?;
    let vault = Arc::new(Vault::new(&key)?);
    check_key(&queries, &vault)?;
    let (peers, yields) =
        PeerLink::new(PeerKey::derive(&key)?).map_err(|error| Failure::other(error.to_string()))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let whole = CacheLimits::default();
    let share = |limit: usize| (limit / usize::from(count.max(1))).max(4_096);
    let opener = Opener {
        store: store.clone(),
        app: Arc::new(app),
        vault: vault.clone(),
        clock: clock.clone(),
        limits: CacheLimits {
            accounts: share(whole.accounts),
            records: share(whole.records),
            transfer_ids: share(whole.transfer_ids),
        },
    };
    Ok(SharedBook {
        book: Book::shared(queries, vault, clock, peers),
        leases: store.leases(),
        tenancy: Arc::new(opener),
        yields,
    })
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
