//! Lists and reports of the simulated disk; they see what is durable.

use super::disk::Disk;
use super::tables::AccountRow;
use engine::batch::{JournalRow, SealedSecret, ShardHead};
use engine::contents::ContentRow;
use engine::leaf;
use engine::store::{Found, Queries, Scan, StoreError, StoredAccount, StoredBatch};
use ledger::{AccountId, Row, TransferId};
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) struct SimQueries {
    disk: Arc<Mutex<Disk>>,
}

impl SimQueries {
    pub fn new(disk: Arc<Mutex<Disk>>) -> SimQueries {
        SimQueries { disk }
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn after<T: Clone>(table: &BTreeMap<u64, T>, seq: u64, limit: usize) -> Vec<T> {
    table
        .range((Excluded(seq), Unbounded))
        .take(limit)
        .map(|(_, row)| row.clone())
        .collect()
}

fn stored(id: u64, row: &AccountRow) -> StoredAccount {
    StoredAccount {
        id: AccountId(id),
        name: row.name.clone(),
        state: row.state,
        check: leaf::account_check(AccountId(id), &row.state),
    }
}

impl Queries for SimQueries {
    fn head(&self) -> Result<Option<ShardHead>, StoreError> {
        Ok(self.disk().tables.head.clone())
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.disk().tables.record(kind, key)
    }

    fn list(&self, scan: &Scan) -> Result<Vec<Found>, StoreError> {
        let disk = self.disk();
        let keys = disk.tables.scan(scan);
        Ok(keys
            .into_iter()
            .filter_map(|(value, key)| {
                let (body, check) = disk.tables.stored(&scan.kind, &key)?.clone();
                Some(Found {
                    value,
                    key,
                    body,
                    check,
                })
            })
            .collect())
    }

    fn records_after(
        &self,
        kind: &str,
        key: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>, u32)>, StoreError> {
        let disk = self.disk();
        let Some(rows) = disk.tables.records.get(kind) else {
            return Ok(Vec::new());
        };
        Ok(rows
            .range::<str, _>((Excluded(key), Unbounded))
            .take(limit)
            .map(|(key, (body, check))| (key.clone(), body.clone(), *check))
            .collect())
    }

    fn kinds(&self) -> Result<Vec<String>, StoreError> {
        let disk = self.disk();
        let used = disk
            .tables
            .records
            .iter()
            .filter(|(_, rows)| !rows.is_empty());
        Ok(used.map(|(kind, _)| kind.clone()).collect())
    }

    fn contents(
        &self,
        each: &mut dyn FnMut(ContentRow<'_>),
    ) -> Result<Option<ShardHead>, StoreError> {
        let disk = self.disk();
        disk.tables.contents(each);
        Ok(disk.tables.head.clone())
    }

    fn accounts_after(
        &self,
        id: AccountId,
        limit: usize,
    ) -> Result<Vec<StoredAccount>, StoreError> {
        let disk = self.disk();
        let accounts = disk.tables.accounts.range((Excluded(id.0), Unbounded));
        Ok(accounts
            .take(limit)
            .map(|(id, row)| stored(*id, row))
            .collect())
    }

    fn account(&self, id: AccountId) -> Result<Option<StoredAccount>, StoreError> {
        let disk = self.disk();
        Ok(disk.tables.accounts.get(&id.0).map(|row| stored(id.0, row)))
    }

    fn row(&self, seq: u64) -> Result<Option<(Row, u32)>, StoreError> {
        Ok(self.disk().tables.ledger.get(&seq).cloned())
    }

    fn rows_after(&self, seq: u64, limit: usize) -> Result<Vec<(Row, u32)>, StoreError> {
        Ok(after(&self.disk().tables.ledger, seq, limit))
    }

    fn transfer(&self, id: TransferId) -> Result<Option<Row>, StoreError> {
        let disk = self.disk();
        match disk.tables.transfers.get(&id.0) {
            Some(seq) => disk.tables.row(*seq),
            None => Ok(None),
        }
    }

    fn journal_after(&self, seq: u64, limit: usize) -> Result<Vec<(JournalRow, u32)>, StoreError> {
        Ok(after(&self.disk().tables.journal, seq, limit))
    }

    fn batches_after(&self, seq: u64, limit: usize) -> Result<Vec<StoredBatch>, StoreError> {
        Ok(after(&self.disk().tables.batches, seq, limit))
    }

    fn sums_after(&self, batch: u64) -> Result<Option<u64>, StoreError> {
        let after = self.batches_after(batch, usize::MAX)?;
        let with_sums = after.into_iter().find(|batch| batch.contents.is_some());
        Ok(with_sums.map(|batch| batch.seq))
    }

    fn secret(&self, id: &str) -> Result<Option<SealedSecret>, StoreError> {
        Ok(self.disk().tables.secrets.get(id).cloned())
    }

    fn size_bytes(&self) -> Result<u64, StoreError> {
        Ok(self.disk().tables.bytes)
    }
}
