//! What has to be undone when a command, or a part of one, does not go through.

use super::State;
use super::overlay::Replaced;
use super::records::Slot;
use crate::batch::ShardHead;
use crate::record::RecordKey;
use ledger::{AccountId, AccountState, TransferId};

/// What a command replaced, change by change.
#[derive(Default)]
pub(crate) struct Undo {
    pub records: Vec<(RecordKey, Option<Slot>)>,
    pub overlay: Vec<Replaced>,
    pub accounts: Vec<(AccountId, Option<AccountState>)>,
    pub transfers: Vec<(TransferId, Option<u64>)>,
}

/// Where the batch and the changes of the command stood.
pub(crate) struct Mark {
    head: ShardHead,
    rows: usize,
    opened: usize,
    changed: usize,
    replaced: [usize; 4],
}

impl State {
    pub fn mark(&self, undo: &Undo) -> Mark {
        Mark {
            head: self.head.clone(),
            rows: self.batch.rows.len(),
            opened: self.batch.opened.len(),
            changed: self.batch.changed.len(),
            replaced: [
                undo.records.len(),
                undo.overlay.len(),
                undo.accounts.len(),
                undo.transfers.len(),
            ],
        }
    }

    /// Everything is again as it was at the mark.
    pub fn undo_to(&mut self, mark: &Mark, undo: &mut Undo) {
        let [records, overlay, accounts, transfers] = mark.replaced;
        for (key, old) in undo.records.drain(records..).rev() {
            self.records.restore(&key, old);
        }
        self.overlay.restore(undo.overlay.split_off(overlay));
        for (id, old) in undo.accounts.drain(accounts..).rev() {
            self.accounts.set(id, old);
        }
        for (id, old) in undo.transfers.drain(transfers..).rev() {
            self.transfers.restore(id, old);
        }
        self.batch.rows.truncate(mark.rows);
        self.batch.opened.truncate(mark.opened);
        self.batch.changed.truncate(mark.changed);
        self.head = mark.head.clone();
    }
}
