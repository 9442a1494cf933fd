//! What the engine needs of a database.
//!
//! A store is opened as three handles: one writer, one reader for the shard's own loads (which must
//! see every commit that was acknowledged), and cheap clones of [`Queries`] for lists and reports.
//! [`contract`] holds the suite every store has to pass.

pub mod checked;
pub mod contract;
pub mod lease;
pub mod postgres;
pub mod sqlite;

use crate::batch::{JournalRow, SealedBatch, ShardHead};
use crate::contents::{ContentRow, Contents};
use crate::merkle::Hash;
use crate::record::RecordKey;
use ledger::{AccountId, AccountState, Row, TransferId};
use thiserror::Error;

/// What went wrong in a store, and what that means for the shard.
#[derive(Debug, Error)]
pub enum StoreError {
    /// May pass: locked, disk full, connection lost. Whether a commit took effect is not known.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// Another server holds the shard; nothing was written, and nothing more can be with this lease.
    #[error("another server writes this shard now: {0}")]
    Fenced(String),
    /// The same write will fail again.
    #[error("the store refused the write: {0}")]
    Refused(String),
    /// The data are not what this program wrote.
    #[error("damaged data in {place}: {problem}")]
    Damaged {
        /// Table and row.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// The directory is used by another process.
    #[error("{0}")]
    InUse(String),
}

/// One index range.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Kind of record.
    pub kind: String,
    /// Index.
    pub index: String,
    /// First value, inclusive.
    pub from: String,
    /// Last value, exclusive.
    pub to: String,
    /// Continue after this (value, key), exclusive.
    pub after: Option<(String, String)>,
    /// Greatest first.
    pub descending: bool,
    /// At most so many.
    pub limit: usize,
}

/// A record found by a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Index value.
    pub value: String,
    /// Key.
    pub key: String,
    /// Body, JSON.
    pub body: Vec<u8>,
    /// Check value as stored.
    pub check: u32,
}

impl Found {
    /// The body, if it is what was written: lists hand out damaged records too, so that whoever goes through
    /// them can leave one out.
    pub fn checked(&self, kind: &str) -> Result<&[u8], StoreError> {
        let place = || format!("table record, {kind} {}", self.key);
        checked::record((kind, &self.key), &self.body, self.check, place)?;
        Ok(&self.body)
    }
}

/// The shard's own reads; only the shard's thread uses it.
///
/// Records, accounts and ledger rows that differ from their check value are [`StoreError::Damaged`].
pub trait StoreReader: Send {
    /// The shard's row; `None` in an empty store.
    fn head(&mut self) -> Result<Option<ShardHead>, StoreError>;
    /// Ledger rows from `from` on, in sequence.
    fn tail(
        &mut self,
        from: u64,
        each: &mut dyn FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;
    /// Bodies of records, in the order asked; absent ones as `None`.
    fn records(&mut self, keys: &[RecordKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;
    /// Account checkpoints, in the order asked.
    fn accounts(&mut self, ids: &[AccountId]) -> Result<Vec<Option<AccountState>>, StoreError>;
    /// Rows of transfer ids, in the order asked.
    fn transfer_seqs(&mut self, ids: &[TransferId]) -> Result<Vec<Option<u64>>, StoreError>;
    /// One ledger row.
    fn row(&mut self, seq: u64) -> Result<Option<Row>, StoreError>;
    /// Every row that the sums of a shard cover.
    fn contents(&mut self, each: &mut dyn FnMut(ContentRow<'_>)) -> Result<(), StoreError>;
    /// Keys of an index range in order: (value, key).
    fn scan(&mut self, scan: &Scan) -> Result<Vec<(String, String)>, StoreError>;
}

/// The shard's writes.
pub trait StoreWriter: Send {
    /// Makes a batch durable, whole or not at all, if the stored head is still `previous`.
    fn commit(&mut self, batch: &SealedBatch) -> Result<(), StoreError>;
}

/// Opens a store's handles; again after a failure, when the shard has forgotten its memory.
pub trait StoreFactory: Send + Sync + 'static {
    /// The shard's reads.
    fn reader(&self) -> Result<Box<dyn StoreReader>, StoreError>;
    /// The shard's writes.
    fn writer(&self) -> Result<Box<dyn StoreWriter>, StoreError>;
    /// Lists and reports.
    fn queries(&self) -> Result<std::sync::Arc<dyn Queries>, StoreError>;
}

impl<F: StoreFactory + ?Sized> StoreFactory for std::sync::Arc<F> {
    fn reader(&self) -> Result<Box<dyn StoreReader>, StoreError> {
        (**self).reader()
    }
    fn writer(&self) -> Result<Box<dyn StoreWriter>, StoreError> {
        (**self).writer()
    }
    fn queries(&self) -> Result<std::sync::Arc<dyn Queries>, StoreError> {
        (**self).queries()
    }
}

/// A batch as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBatch {
    /// Number.
    pub seq: u64,
    /// Last journal row.
    pub last_journal_seq: u64,
    /// Last ledger row.
    pub last_ledger_seq: u64,
    /// Root over its rows.
    pub root: Hash,
    /// Head of the chain after it.
    pub head_hash: Hash,
    /// Sums after it; `None` of a release that had none.
    pub contents: Option<Contents>,
}

/// An account as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAccount {
    /// Number.
    pub id: AccountId,
    /// Name.
    pub name: String,
    /// Checkpoint; the writer may know a later state.
    pub state: AccountState,
    /// Check value as stored.
    pub check: u32,
}

impl StoredAccount {
    /// The account, if it is what was written.
    pub fn checked(self) -> Result<StoredAccount, StoreError> {
        let place = || format!("table account, id {}", self.id.0);
        checked::account(self.id, &self.state, self.check, place)?;
        Ok(self)
    }
}

/// Reads for lists, reports and verification; a batch behind the writer.
///
/// What comes without its check value was compared with it.
pub trait Queries: Send + Sync {
    /// The shard's row.
    fn head(&self) -> Result<Option<ShardHead>, StoreError>;
    /// A record.
    fn record(&self, kind: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// Records of an index range.
    fn list(&self, scan: &Scan) -> Result<Vec<Found>, StoreError>;
    /// Records of a kind in key order after a key, with their check values.
    fn records_after(
        &self,
        kind: &str,
        key: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>, u32)>, StoreError>;
    /// Every kind in use.
    fn kinds(&self) -> Result<Vec<String>, StoreError>;
    /// Every row that the sums of the shard cover, and the shard's row of the same moment.
    fn contents(
        &self,
        each: &mut dyn FnMut(ContentRow<'_>),
    ) -> Result<Option<ShardHead>, StoreError>;
    /// Accounts by number after one.
    fn accounts_after(&self, id: AccountId, limit: usize)
    -> Result<Vec<StoredAccount>, StoreError>;
    /// An account by number, compared with its check value.
    fn account(&self, id: AccountId) -> Result<Option<StoredAccount>, StoreError>;
    /// A ledger row with its check value.
    fn row(&self, seq: u64) -> Result<Option<(Row, u32)>, StoreError>;
    /// Ledger rows in sequence after one.
    fn rows_after(&self, seq: u64, limit: usize) -> Result<Vec<(Row, u32)>, StoreError>;
    /// The row of a transfer id.
    fn transfer(&self, id: TransferId) -> Result<Option<Row>, StoreError>;
    /// Journal rows in sequence after one.
    fn journal_after(&self, seq: u64, limit: usize) -> Result<Vec<(JournalRow, u32)>, StoreError>;
    /// Batches in sequence after one.
    fn batches_after(&self, seq: u64, limit: usize) -> Result<Vec<StoredBatch>, StoreError>;
    /// The first batch after one that has sums; the batch itself may be missing.
    fn sums_after(&self, batch: u64) -> Result<Option<u64>, StoreError>;
    /// A sealed secret.
    fn secret(&self, id: &str) -> Result<Option<crate::batch::SealedSecret>, StoreError>;
    /// Size of the database in bytes.
    fn size_bytes(&self) -> Result<u64, StoreError>;
}
