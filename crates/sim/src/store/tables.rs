//! The tables of the simulated database, and the single writes a batch is made of.

use engine::RecordKey;
use engine::batch::{JournalRow, RecordChange, SealedBatch, SealedSecret, ShardHead};
use engine::contents::ContentRow;
use engine::store::{Scan, StoreError, StoredBatch, checked};
use ledger::{AccountId, AccountState, NewAccount, Row};
use std::collections::{BTreeMap, BTreeSet};

/// One row written to the log.
#[derive(Debug, Clone)]
pub(super) enum Write {
    Ledger(Row, u32),
    Journal(JournalRow, u32),
    Open(AccountId, NewAccount),
    Account(AccountId, AccountState),
    Record(RecordChange),
    Secret(SealedSecret),
    Batch(StoredBatch),
    /// The commit marker.
    Head(ShardHead),
}

/// An account's row.
#[derive(Debug, Clone)]
pub(super) struct AccountRow {
    pub name: String,
    pub state: AccountState,
}

/// A record's body with the check value it came with.
pub(super) type Body = (Vec<u8>, u32);

/// Values and keys of one index, in order.
type Index = BTreeSet<(String, String)>;

/// Names a ledger row.
pub(super) fn row_place(row: &Row) -> String {
    format!("table ledger, seq {}", row.seq)
}

/// Everything that is committed.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub head: Option<ShardHead>,
    pub ledger: BTreeMap<u64, (Row, u32)>,
    pub journal: BTreeMap<u64, (JournalRow, u32)>,
    pub transfers: BTreeMap<u128, u64>,
    pub accounts: BTreeMap<u64, AccountRow>,
    pub records: BTreeMap<String, BTreeMap<String, Body>>,
    pub indexes: BTreeMap<(String, String), Index>,
    pub batches: BTreeMap<u64, StoredBatch>,
    pub secrets: BTreeMap<String, SealedSecret>,
    /// Every change of a record, oldest first: kind and key.
    pub changes: Vec<(&'static str, std::sync::Arc<str>)>,
    /// Bytes of all bodies written, as a stand-in for a file's size.
    pub bytes: u64,
}

/// The rows of a batch in the order in which they are written.
pub(super) fn writes_of(batch: &SealedBatch) -> Vec<Write> {
    let head = &batch.head;
    let ledger = batch
        .rows
        .iter()
        .map(|(row, check)| Write::Ledger(row.clone(), *check));
    let journal = batch
        .journal
        .iter()
        .map(|(row, check)| Write::Journal(row.clone(), *check));
    let opened = batch
        .opened
        .iter()
        .map(|(id, new)| Write::Open(*id, new.clone()));
    let accounts = batch
        .accounts
        .iter()
        .map(|(id, state)| Write::Account(*id, *state));
    let records = batch
        .records
        .iter()
        .map(|change| Write::Record(change.clone()));
    let secrets = batch
        .secrets
        .iter()
        .map(|secret| Write::Secret(secret.clone()));
    let ends = [
        Write::Batch(StoredBatch {
            seq: head.batch_seq,
            last_journal_seq: head.journal_seq,
            last_ledger_seq: head.ledger_seq,
            root: batch.root,
            head_hash: head.head_hash,
            contents: head.contents,
        }),
        Write::Head(head.clone()),
    ];
    ledger
        .chain(journal)
        .chain(opened)
        .chain(accounts)
        .chain(records)
        .chain(secrets)
        .chain(ends)
        .collect()
}

impl Tables {
    /// The constraint that a write would break.
    pub fn conflict(&self, write: &Write) -> Option<String> {
        let taken = |table: &str, key: String| Some(format!("{table} {key} exists already"));
        match write {
            Write::Ledger(row, _) if self.ledger.contains_key(&row.seq) => {
                taken("ledger row", row.seq.to_string())
            }
            Write::Ledger(row, _) if row.id != 0 && self.transfers.contains_key(&row.id) => {
                taken("transfer id", row.id.to_string())
            }
            Write::Journal(row, _) if self.journal.contains_key(&row.seq) => {
                taken("journal row", row.seq.to_string())
            }
            Write::Open(id, _) if self.accounts.contains_key(&id.0) => {
                taken("account", id.0.to_string())
            }
            Write::Secret(secret) if self.secrets.contains_key(&secret.id) => {
                taken("secret", secret.id.clone())
            }
            Write::Batch(batch) if self.batches.contains_key(&batch.seq) => {
                taken("batch", batch.seq.to_string())
            }
            _ => None,
        }
    }

    /// Takes a committed write in.
    pub fn apply(&mut self, write: Write) {
        match write {
            Write::Ledger(row, check) => {
                if row.id != 0 {
                    self.transfers.insert(row.id, row.seq);
                }
                self.bytes += 200;
                self.ledger.insert(row.seq, (row, check));
            }
            Write::Journal(row, check) => {
                self.bytes += (row.command.len() + row.outcome.len()) as u64;
                self.journal.insert(row.seq, (row, check));
            }
            Write::Open(id, new) => {
                let state = AccountState {
                    head_seq: 0,
                    day_seq: 0,
                    ..AccountState::opened(&new, 0, calendar_zero())
                };
                self.accounts.insert(
                    id.0,
                    AccountRow {
                        name: new.name,
                        state,
                    },
                );
            }
            Write::Account(id, state) => {
                // As an UPDATE: a row that was never opened is not made by a checkpoint.
                if let Some(row) = self.accounts.get_mut(&id.0) {
                    row.state = state;
                }
            }
            Write::Record(change) => self.apply_record(change),
            Write::Secret(secret) => {
                self.secrets.insert(secret.id.clone(), secret);
            }
            Write::Batch(batch) => {
                self.batches.insert(batch.seq, batch);
            }
            Write::Head(head) => self.head = Some(head),
        }
    }

    fn apply_record(&mut self, change: RecordChange) {
        let RecordChange {
            key,
            body,
            check,
            removed,
            added,
        } = change;
        let RecordKey { kind, key } = key;
        self.changes.push((kind, key.clone()));
        let rows = self.records.entry(kind.to_owned()).or_default();
        match body {
            Some(body) => {
                self.bytes += body.len() as u64;
                rows.insert(key.to_string(), (body, check));
            }
            None => {
                rows.remove(&*key);
            }
        }
        for (name, value) in removed {
            let index = self
                .indexes
                .entry((kind.to_owned(), name.to_owned()))
                .or_default();
            index.remove(&(value, key.to_string()));
        }
        for (name, value) in added {
            let index = self
                .indexes
                .entry((kind.to_owned(), name.to_owned()))
                .or_default();
            index.insert((value, key.to_string()));
        }
    }

    /// Every row that the sums of a shard cover.
    pub fn contents(&self, each: &mut dyn FnMut(ContentRow<'_>)) {
        for (kind, rows) in &self.records {
            for (key, (body, check)) in rows {
                each(ContentRow::Record {
                    kind,
                    key,
                    body,
                    check: *check,
                });
            }
        }
        for ((kind, name), index) in &self.indexes {
            for (value, key) in index {
                each(ContentRow::Index {
                    kind,
                    name,
                    value,
                    key,
                });
            }
        }
        for secret in self.secrets.values() {
            each(ContentRow::Secret(secret));
        }
    }

    /// A record's body, if it is what was written.
    pub fn record(&self, kind: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((body, check)) = self.stored(kind, key) else {
            return Ok(None);
        };
        let place = || format!("table record, {kind} {key}");
        checked::record((kind, key), body, *check, place)?;
        Ok(Some(body.clone()))
    }

    /// A record as it is.
    pub fn stored(&self, kind: &str, key: &str) -> Option<&Body> {
        self.records.get(kind)?.get(key)
    }

    /// A ledger row, if it is what was written.
    pub fn row(&self, seq: u64) -> Result<Option<Row>, StoreError> {
        let found = self.ledger.get(&seq).cloned();
        found
            .map(|found| checked::row(found, row_place))
            .transpose()
    }

    /// Values and keys of an index range.
    pub fn scan(&self, scan: &Scan) -> Vec<(String, String)> {
        let place = (scan.kind.clone(), scan.index.clone());
        let Some(index) = self.indexes.get(&place) else {
            return Vec::new();
        };
        let start = (scan.from.clone(), String::new());
        let end = (scan.to.clone(), String::new());
        if start >= end {
            return Vec::new();
        }
        let range = index.range(start..end);
        if scan.descending {
            range
                .rev()
                .filter(|entry| scan.after.as_ref().is_none_or(|after| *entry < after))
                .take(scan.limit)
                .cloned()
                .collect()
        } else {
            range
                .filter(|entry| scan.after.as_ref().is_none_or(|after| *entry > after))
                .take(scan.limit)
                .cloned()
                .collect()
        }
    }
}

/// Date of an account's row before its first checkpoint, which comes with the same batch.
fn calendar_zero() -> calendar::BusinessDate {
    calendar::BusinessDate::MIN
}
