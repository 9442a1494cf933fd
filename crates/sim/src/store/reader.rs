//! The shard's own reads of the simulated disk.

use super::disk::Disk;
use super::tables::row_place;
use engine::RecordKey;
use engine::batch::ShardHead;
use engine::contents::ContentRow;
use engine::store::{Scan, StoreError, StoreReader, checked};
use ledger::{AccountId, AccountState, Row, TransferId};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) struct SimReader {
    disk: Arc<Mutex<Disk>>,
    epoch: u64,
}

impl SimReader {
    pub fn new(disk: Arc<Mutex<Disk>>, epoch: u64) -> SimReader {
        SimReader { disk, epoch }
    }

    fn disk(&self) -> Result<MutexGuard<'_, Disk>, StoreError> {
        let mut disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        disk.check_read(self.epoch)?;
        Ok(disk)
    }
}

impl StoreReader for SimReader {
    fn head(&mut self) -> Result<Option<ShardHead>, StoreError> {
        Ok(self.disk()?.tables.head.clone())
    }

    fn tail(
        &mut self,
        from: u64,
        each: &mut dyn FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for (_, found) in self.disk()?.tables.ledger.range(from..) {
            each(checked::row(found.clone(), row_place)?)?;
        }
        Ok(())
    }

    fn records(&mut self, keys: &[RecordKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let disk = self.disk()?;
        keys.iter()
            .map(|key| disk.tables.record(key.kind, &key.key))
            .collect()
    }

    fn accounts(&mut self, ids: &[AccountId]) -> Result<Vec<Option<AccountState>>, StoreError> {
        let disk = self.disk()?;
        Ok(ids
            .iter()
            .map(|id| disk.tables.accounts.get(&id.0).map(|row| row.state))
            .collect())
    }

    fn transfer_seqs(&mut self, ids: &[TransferId]) -> Result<Vec<Option<u64>>, StoreError> {
        let disk = self.disk()?;
        Ok(ids
            .iter()
            .map(|id| disk.tables.transfers.get(&id.0).copied())
            .collect())
    }

    fn row(&mut self, seq: u64) -> Result<Option<Row>, StoreError> {
        self.disk()?.tables.row(seq)
    }

    fn contents(&mut self, each: &mut dyn FnMut(ContentRow<'_>)) -> Result<(), StoreError> {
        self.disk()?.tables.contents(each);
        Ok(())
    }

    fn scan(&mut self, scan: &Scan) -> Result<Vec<(String, String)>, StoreError> {
        Ok(self.disk()?.tables.scan(scan))
    }
}
