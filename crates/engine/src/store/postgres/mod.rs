//! PostgreSQL: a book of several shards, each written by the server that holds its lease.
//!
//! A batch is one transaction on one shard: binary COPY for ledger and journal rows, arrays for the rest, all sent
//! before anything is answered. Its last statement moves the shard's row, if that still has the holder's epoch and
//! the batch before; if not, the transaction is undone. Rows of a commit that returned are as durable as the
//! database's own settings make them.

mod address;
mod columns;
mod contents;
mod copy;
mod error;
mod leases;
#[cfg(test)]
mod plans;
mod pool;
mod queries;
mod reader;
mod schema;
mod session;
mod shard;
mod sql;
mod writer;

use self::address::Address;
use self::pool::Pool;
use super::lease::Leases;
use super::{Queries, StoreError, StoreFactory};
use crate::ids::ShardCode;
use jiff::Timestamp;
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Shards of a new book.
const SHARDS: NonZeroU16 = NonZeroU16::MIN.saturating_add(15);

/// How a book is opened.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// Number of shards: of a new book (16 where nothing is said); of an existing one it must be the same.
    pub shards: Option<NonZeroU16>,
    /// How long a lease lasts; an open transaction may wait half as long for its writer.
    pub lease: Duration,
    /// This server's clock, which leases compare with the database's.
    pub clock: fn() -> Timestamp,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        PostgresOptions {
            shards: None,
            lease: Duration::from_secs(3),
            clock: Timestamp::now,
        }
    }
}

/// An open book on PostgreSQL.
pub struct PostgresStore {
    address: Arc<Address>,
    options: PostgresOptions,
    shards: u16,
    pool: Arc<Pool>,
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "PostgresStore({}, {} shards)",
            self.address.shown(),
            self.shards
        )
    }
}

impl PostgresStore {
    /// Opens or creates the book in a database. A book that is up to date is opened without writing.
    pub fn open(url: &str, options: PostgresOptions) -> Result<PostgresStore, StoreError> {
        let address = Arc::new(Address::parse(url)?);
        let pool = Arc::new(Pool::new(address.clone()));
        let shards = schema::prepare(&pool, options.shards, SHARDS)?;
        Ok(PostgresStore {
            address,
            options,
            shards,
            pool,
        })
    }

    /// Creates a book in a database that must have none.
    pub fn create(url: &str, options: PostgresOptions) -> Result<PostgresStore, StoreError> {
        let address = Arc::new(Address::parse(url)?);
        schema::refuse_book(&mut Pool::new(address.clone()).open()?, &address.shown())?;
        PostgresStore::open(url, options)
    }

    /// Opens the book of a database that must have one, in the schema of this release: whoever only reads changes
    /// nothing.
    pub fn open_existing(url: &str, options: PostgresOptions) -> Result<PostgresStore, StoreError> {
        let address = Arc::new(Address::parse(url)?);
        let pool = Arc::new(Pool::new(address.clone()));
        let shards = schema::existing(&mut pool.open()?, &address.shown(), options.shards)?;
        Ok(PostgresStore {
            address,
            options,
            shards,
            pool,
        })
    }

    /// Number of shards, fixed when the book was created.
    pub fn shard_count(&self) -> u16 {
        self.shards
    }

    /// A shard for the holder of its lease.
    pub fn shard(&self, shard: ShardCode, epoch: u64) -> Arc<dyn StoreFactory> {
        Arc::new(shard::PostgresShard(Arc::new(shard::Holding {
            address: self.address.clone(),
            shard,
            epoch,
            idle_max: self.options.lease / 2,
            pool: self.pool.clone(),
            suspects: Mutex::new(Vec::new()),
        })))
    }

    /// Lists and reports of a shard, for any server.
    pub fn queries(&self, shard: ShardCode) -> Arc<dyn Queries> {
        Arc::new(queries::PostgresQueries::new(self.pool.clone(), shard))
    }

    /// The leases.
    pub fn leases(&self) -> Arc<dyn Leases> {
        Arc::new(leases::PostgresLeases::new(
            self.address.clone(),
            self.options.clock,
        ))
    }
}
