//! Where the book of a benchmark or of the demonstration is: a directory, or a PostgreSQL database of its own.

use crate::book::{self, ClockKind};
use crate::failure::Failure;
use calendar::shanghai_date;
use domain::QingyuanApp;
use engine::runtime::{Clock, Engine, Running, SystemClock};
use engine::store::Queries;
use engine::store::lease::{Holder, Lease, Taken};
use engine::store::postgres::{PostgresOptions, PostgresStore};
use engine::store::sqlite::SqliteStore;
use engine::{CacheLimits, ShardCode, ShardOptions, Vault};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Nobody else wants such a database: its lease is not renewed, and outlasts any run.
const LEASE: Duration = Duration::from_secs(86_400);

/// A book that can be started again and again.
pub(crate) enum Target {
    Directory(PathBuf),
    Postgres(Box<Database>),
}

/// A book on PostgreSQL and the lease of its one shard.
pub(crate) struct Database {
    store: PostgresStore,
    vault: Arc<Vault>,
    lease: Option<Lease>,
}

impl Target {
    /// Creates a book of one shard; a database that has a book already is refused.
    pub fn postgres(url: &str) -> Result<Target, Failure> {
        let options = PostgresOptions {
            shards: Some(NonZeroU16::MIN),
            lease: LEASE,
            ..PostgresOptions::default()
        };
        let store = PostgresStore::create(url, options)?;
        let mut key = zeroize::Zeroizing::new([0u8; 32]);
        getrandom::fill(key.as_mut()).map_err(Failure::other)?;
        Ok(Target::Postgres(Box::new(Database {
            store,
            vault: Arc::new(Vault::new(&key[..])?),
            lease: None,
        })))
    }

    /// Opens the book and starts its shard.
    pub fn start(&mut self) -> Result<Running<QingyuanApp>, Failure> {
        self.start_at(Arc::new(SystemClock), ClockKind::Real)
    }

    /// The same with another clock.
    pub fn start_at(
        &mut self,
        clock: Arc<dyn Clock>,
        kind: ClockKind,
    ) -> Result<Running<QingyuanApp>, Failure> {
        match self {
            Target::Directory(directory) => {
                let app = QingyuanApp::sample().map_err(Failure::other)?;
                book::start(directory, clock, kind, app)
            }
            Target::Postgres(database) => database.start(clock),
        }
    }

    /// Reads of the book's one shard.
    pub fn queries(&self) -> Result<Arc<dyn Queries>, Failure> {
        Ok(match self {
            Target::Directory(directory) => Arc::new(SqliteStore::open_read_only(directory)?),
            Target::Postgres(database) => database.store.queries(ShardCode::FIRST),
        })
    }

    /// Finishes what was submitted; who holds the shard gives it back.
    pub fn stop(&mut self, running: Running<QingyuanApp>) -> Result<(), Failure> {
        running.stop();
        if let Target::Postgres(database) = self
            && let Some(lease) = database.lease.take()
        {
            database.store.leases().release(&lease)?;
        }
        Ok(())
    }
}

impl Database {
    fn start(&mut self, clock: Arc<dyn Clock>) -> Result<Running<QingyuanApp>, Failure> {
        let holder = Holder {
            server: format!("{}", std::process::id()),
            address: String::new(),
        };
        let taken = self.store.leases().take(ShardCode::FIRST, &holder, LEASE)?;
        let lease = match taken {
            Taken::Lease(lease) => lease,
            other => {
                return Err(Failure::other(format!(
                    "the lease of the shard was not to be had: {other:?}"
                )));
            }
        };
        let factory = self.store.shard(ShardCode::FIRST, lease.epoch);
        self.lease = Some(lease);
        let options = ShardOptions {
            shard: ShardCode::FIRST,
            first_business_date: shanghai_date(clock.now()),
            limits: CacheLimits::default(),
            sweep_min: 2_048,
        };
        let app = Arc::new(QingyuanApp::sample().map_err(Failure::other)?);
        Ok(Engine::start(
            app,
            Arc::new(factory),
            self.vault.clone(),
            clock,
            options,
        )?)
    }
}
