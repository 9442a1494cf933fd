//! The shard's memory: a bounded cache in front of the store, and what is not yet written.

pub(crate) mod accounts;
pub(crate) mod overlay;
pub(crate) mod records;
pub(crate) mod transfer_ids;
pub(crate) mod undo;

use crate::application::Interrupt;
use crate::batch::{BatchBuilder, SealedBatch, ShardHead};
use crate::ids::ShardCode;
use crate::store::{StoreError, StoreReader};
use accounts::AccountCache;
use ledger::{AccountId, AccountState, TransferId};
use overlay::Overlay;
use records::RecordCache;
use std::sync::Arc;
use transfer_ids::TransferIds;

/// Bounds of the cache, in entries of clean rows kept.
#[derive(Debug, Clone, Copy)]
pub struct CacheLimits {
    /// Accounts (about 150 bytes each).
    pub accounts: usize,
    /// Records (their JSON size and about 300 bytes each).
    pub records: usize,
    /// Transfer ids decided without asking the store (about 40 bytes each).
    pub transfer_ids: usize,
}

impl Default for CacheLimits {
    fn default() -> Self {
        CacheLimits {
            accounts: 1_200_000,
            records: 100_000,
            transfer_ids: 200_000,
        }
    }
}

/// Everything a command can see or change.
pub(crate) struct State {
    pub shard: ShardCode,
    pub head: ShardHead,
    pub records: RecordCache,
    pub accounts: AccountCache,
    pub transfers: TransferIds,
    pub overlay: Overlay,
    pub batch: BatchBuilder,
    /// The sealed batch that the store may not have yet.
    pub in_flight: Option<Arc<SealedBatch>>,
    pub reader: Box<dyn StoreReader>,
    /// A read that failed while a command ran; it ends the run, whatever the command makes of it.
    pub failed_read: Option<StoreError>,
}

impl State {
    /// Interrupts the command. Damaged rows are the command's own trouble; when the store does not
    /// answer, that is the shard's.
    pub fn cannot_read(&mut self, error: StoreError) -> Interrupt {
        let reason = error.to_string();
        if matches!(error, StoreError::Unavailable(_) | StoreError::InUse(_)) {
            self.failed_read = Some(error);
        }
        Interrupt::Broken(reason)
    }

    pub(crate) fn load_accounts(&mut self, ids: &[AccountId]) -> Result<(), StoreError> {
        let states = self.read_accounts(ids)?;
        for (id, state) in ids.iter().zip(states) {
            self.accounts.load(*id, state);
        }
        Ok(())
    }

    pub(crate) fn load_transfers(&mut self, ids: &[TransferId]) -> Result<(), StoreError> {
        let rows = self.reader.transfer_seqs(ids)?;
        for (id, seq) in ids.iter().zip(rows) {
            self.transfers.load(*id, seq);
        }
        Ok(())
    }

    /// Rows of accounts; none of one that the ledger knows more of than its damaged row.
    pub fn read_accounts(
        &mut self,
        ids: &[AccountId],
    ) -> Result<Vec<Option<AccountState>>, StoreError> {
        let damaged = |id: &AccountId| Some((id.0, self.accounts.damaged(*id)?.clone()));
        if let Some((id, problem)) = ids.iter().find_map(damaged) {
            let place = format!("table account, id {id}");
            return Err(StoreError::Damaged { place, problem });
        }
        self.reader.accounts(ids)
    }
}
