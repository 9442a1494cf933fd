//! A store in plain maps: what it holds can be copied at any moment and compared, and its commits
//! can be made to fail.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use engine::Record;
use engine::batch::{JournalRow, SealedBatch, SealedSecret, ShardHead};
use engine::contents::ContentRow;
use engine::leaf;
use engine::record::RecordKey;
use engine::store::{
    Found, Queries, Scan, StoreError, StoreFactory, StoreReader, StoreWriter, StoredAccount,
    StoredBatch, checked,
};
use ledger::{AccountId, AccountState, Row, TransferId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

/// Index entry: kind, index, value, key.
pub type Entry = (String, String, String, String);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tables {
    pub head: Option<ShardHead>,
    pub rows: BTreeMap<u64, (Row, u32)>,
    pub journal: BTreeMap<u64, (JournalRow, u32)>,
    pub batches: BTreeMap<u64, StoredBatch>,
    pub accounts: BTreeMap<u64, StoredAccount>,
    pub records: BTreeMap<(String, String), (Vec<u8>, u32)>,
    pub index: BTreeSet<Entry>,
    pub transfers: BTreeMap<u128, u64>,
    pub secrets: BTreeMap<String, SealedSecret>,
}

impl Tables {
    /// Keys of the records of one kind.
    pub fn keys(&self, kind: &str) -> Vec<String> {
        let rows = self.records.keys().filter(|row| row.0 == kind);
        rows.map(|row| row.1.clone()).collect()
    }

    /// Records of one kind.
    pub fn of_kind<R: Record>(&self) -> Vec<R> {
        let rows = self.records.iter().filter(|row| row.0.0 == R::KIND);
        rows.map(|row| serde_json::from_slice(&row.1.0).unwrap())
            .collect()
    }
}

/// How a commit shall end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is written; the store says so.
    Fails,
    /// Everything is written; the store says otherwise.
    Lost,
}

type Predicate = Arc<dyn Fn(&SealedBatch) -> bool + Send + Sync>;
type Wait = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Inner {
    tables: Tables,
    /// Ends of the next commits; none: they go well.
    faults: VecDeque<Option<Fault>>,
    /// Batches that are refused for good.
    refuses: Option<Predicate>,
    /// Reads fail while set.
    unreadable: bool,
    /// What a list waits for.
    listing: Option<Wait>,
    commits: u64,
}

#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Inner>>);

fn taken(what: &str) -> StoreError {
    StoreError::Refused(format!("{what} is taken"))
}

impl MemoryStore {
    pub fn of(tables: Tables) -> MemoryStore {
        let store = MemoryStore::default();
        store.inner().tables = tables;
        store
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub fn tables(&self) -> Tables {
        self.inner().tables.clone()
    }

    /// Commits asked for, failed ones included.
    pub fn commits(&self) -> u64 {
        self.inner().commits
    }

    pub fn fail_next(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.inner().faults.extend(faults);
    }

    pub fn refuse(&self, batches: impl Fn(&SealedBatch) -> bool + Send + Sync + 'static) {
        self.inner().refuses = Some(Arc::new(batches));
    }

    /// Every list begins with this, on the thread that asks for it.
    pub fn before_lists(&self, wait: impl Fn() + Send + Sync + 'static) {
        self.inner().listing = Some(Arc::new(wait));
    }

    /// As if its shard row had been lost.
    pub fn lose_head(&self) {
        self.inner().tables.head = None;
    }

    /// A record that is gone while its index entries stay.
    pub fn lose_record(&self, kind: &str, key: &str) {
        let row = (kind.to_owned(), key.to_owned());
        self.inner().tables.records.remove(&row).unwrap();
    }

    pub fn set_unreadable(&self, unreadable: bool) {
        self.inner().unreadable = unreadable;
    }

    /// A record whose body is another, and as readable, while its check value stays.
    pub fn damage_record(&self, kind: &str, key: &str) {
        let mut inner = self.inner();
        let row = (kind.to_owned(), key.to_owned());
        inner.tables.records.get_mut(&row).unwrap().0.push(b' ');
    }

    /// An account with more money than it was written with.
    pub fn damage_account(&self, id: u64) {
        let mut inner = self.inner();
        let account = inner.tables.accounts.get_mut(&id).unwrap();
        account.state.credits_posted += 1;
    }

    pub fn put_record(&self, kind: &str, key: &str, body: &str) {
        let check = leaf::record_check(kind, key, body.as_bytes());
        let value = (body.as_bytes().to_vec(), check);
        self.inner()
            .tables
            .records
            .insert((kind.into(), key.into()), value);
    }

    fn read<T>(&self, read: impl FnOnce(&Tables) -> T) -> Result<T, StoreError> {
        let inner = self.inner();
        if inner.unreadable {
            return Err(StoreError::Unavailable("the test says so".into()));
        }
        Ok(read(&inner.tables))
    }
}

impl Tables {
    fn apply(&mut self, batch: &SealedBatch) -> Result<(), StoreError> {
        let last = self.head.as_ref().map_or(0, |head| head.batch_seq);
        if batch.head.batch_seq != last + 1 {
            return Err(StoreError::Unavailable("another writer was here".into()));
        }
        for (row, check) in &batch.rows {
            let new_id = row.id == 0 || self.transfers.insert(row.id, row.seq).is_none();
            let new = self.rows.insert(row.seq, (row.clone(), *check)).is_none();
            if !new || !new_id {
                return Err(taken("row or transfer id"));
            }
        }
        for (row, check) in &batch.journal {
            let old = self.journal.insert(row.seq, (row.clone(), *check));
            old.map_or(Ok(()), |_| Err(taken("journal row")))?;
        }
        self.apply_accounts(batch)?;
        for change in &batch.records {
            self.apply_record(change);
        }
        for secret in &batch.secrets {
            let old = self.secrets.insert(secret.id.clone(), secret.clone());
            old.map_or(Ok(()), |_| Err(taken("secret")))?;
        }
        let stored = StoredBatch {
            seq: batch.head.batch_seq,
            last_journal_seq: batch.head.journal_seq,
            last_ledger_seq: batch.head.ledger_seq,
            root: batch.root,
            head_hash: batch.head.head_hash,
            contents: batch.head.contents,
        };
        self.batches.insert(stored.seq, stored);
        self.head = Some(batch.head.clone());
        Ok(())
    }

    fn apply_accounts(&mut self, batch: &SealedBatch) -> Result<(), StoreError> {
        for (id, new) in &batch.opened {
            let state = AccountState::opened(new, 0, batch.head.business_date);
            let account = StoredAccount {
                id: *id,
                name: new.name.clone(),
                state,
                check: 0,
            };
            let old = self.accounts.insert(id.0, account);
            old.map_or(Ok(()), |_| Err(taken("account")))?;
        }
        for (id, state) in &batch.accounts {
            if let Some(account) = self.accounts.get_mut(&id.0) {
                account.state = *state;
                account.check = leaf::account_check(*id, state);
            }
        }
        Ok(())
    }

    fn apply_record(&mut self, change: &engine::batch::RecordChange) {
        let (kind, key) = (change.key.kind.to_owned(), change.key.key.to_string());
        let entry = |(index, value): &(&'static str, String)| -> Entry {
            (
                kind.clone(),
                (*index).to_owned(),
                value.clone(),
                key.clone(),
            )
        };
        for removed in &change.removed {
            self.index.remove(&entry(removed));
        }
        self.index.extend(change.added.iter().map(entry));
        match &change.body {
            Some(body) => {
                let body = (body.clone(), change.check);
                self.records.insert((kind, key), body);
            }
            None => {
                self.records.remove(&(kind, key));
            }
        }
    }

    fn scan(&self, scan: &Scan) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = self
            .index
            .iter()
            .filter(|(kind, index, value, _)| {
                *kind == scan.kind
                    && *index == scan.index
                    && *value >= scan.from
                    && *value < scan.to
            })
            .map(|(_, _, value, key)| (value.clone(), key.clone()))
            .collect();
        if scan.descending {
            found.reverse();
        }
        if let Some(after) = &scan.after {
            found.retain(|entry| (entry > after) != scan.descending && entry != after);
        }
        found.truncate(scan.limit);
        found
    }

    fn contents(&self, each: &mut dyn FnMut(ContentRow<'_>)) {
        for ((kind, key), (body, check)) in &self.records {
            each(ContentRow::Record {
                kind,
                key,
                body,
                check: *check,
            });
        }
        for (kind, name, value, key) in &self.index {
            each(ContentRow::Index {
                kind,
                name,
                value,
                key,
            });
        }
        for secret in self.secrets.values() {
            each(ContentRow::Secret(secret));
        }
    }

    fn stored(&self, kind: &str, key: &str) -> Option<(Vec<u8>, u32)> {
        self.records
            .get(&(kind.to_owned(), key.to_owned()))
            .cloned()
    }

    fn body(&self, kind: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((body, check)) = self.stored(kind, key) else {
            return Ok(None);
        };
        let place = || format!("table record, {kind} {key}");
        checked::record((kind, key), &body, check, place)?;
        Ok(Some(body))
    }

    fn row(&self, seq: u64) -> Result<Option<Row>, StoreError> {
        let place = |row: &Row| format!("table ledger, seq {}", row.seq);
        let found = self.rows.get(&seq).cloned();
        found.map(|found| checked::row(found, place)).transpose()
    }

    fn account(&self, id: u64) -> Result<Option<StoredAccount>, StoreError> {
        let found = self.accounts.get(&id).cloned();
        found.map(StoredAccount::checked).transpose()
    }
}

impl StoreWriter for MemoryStore {
    fn commit(&mut self, batch: &SealedBatch) -> Result<(), StoreError> {
        let mut inner = self.inner();
        inner.commits += 1;
        let fault = inner.faults.pop_front().flatten();
        if fault == Some(Fault::Fails) {
            return Err(StoreError::Unavailable("the commit failed".into()));
        }
        if inner.refuses.as_ref().is_some_and(|refuses| refuses(batch)) {
            return Err(StoreError::Refused("the test refuses this batch".into()));
        }
        let mut tables = inner.tables.clone();
        tables.apply(batch)?;
        inner.tables = tables;
        match fault {
            Some(Fault::Lost) => Err(StoreError::Unavailable("the answer was lost".into())),
            _ => Ok(()),
        }
    }
}

impl StoreReader for MemoryStore {
    fn head(&mut self) -> Result<Option<ShardHead>, StoreError> {
        self.read(|tables| tables.head.clone())
    }
    fn tail(
        &mut self,
        from: u64,
        each: &mut dyn FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let rows = self.read(|tables| {
            let tail = tables.rows.range(from..);
            let seqs = tail.map(|(seq, _)| *seq);
            let rows = seqs.filter_map(|seq| tables.row(seq).transpose());
            rows.collect::<Vec<Result<Row, StoreError>>>()
        })?;
        rows.into_iter().try_for_each(|row| each(row?))
    }
    fn records(&mut self, keys: &[RecordKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.read(|tables| {
            let bodies = keys.iter().map(|key| tables.body(key.kind, &key.key));
            bodies.collect()
        })?
    }
    fn accounts(&mut self, ids: &[AccountId]) -> Result<Vec<Option<AccountState>>, StoreError> {
        self.read(|tables| {
            let states = ids.iter().map(|id| tables.account(id.0));
            states
                .map(|found| Ok(found?.map(|found| found.state)))
                .collect()
        })?
    }
    fn transfer_seqs(&mut self, ids: &[TransferId]) -> Result<Vec<Option<u64>>, StoreError> {
        self.read(|tables| {
            let seqs = ids.iter().map(|id| tables.transfers.get(&id.0).copied());
            seqs.collect()
        })
    }
    fn row(&mut self, seq: u64) -> Result<Option<Row>, StoreError> {
        self.read(|tables| tables.row(seq))?
    }
    fn contents(&mut self, each: &mut dyn FnMut(ContentRow<'_>)) -> Result<(), StoreError> {
        self.read(|tables| tables.contents(each))
    }
    fn scan(&mut self, scan: &Scan) -> Result<Vec<(String, String)>, StoreError> {
        self.read(|tables| tables.scan(scan))
    }
}

/// The rows after a number, at most so many.
fn page<T: Clone>(map: &BTreeMap<u64, T>, after: u64, limit: usize) -> Vec<T> {
    let rows = map.iter().filter(|(number, _)| **number > after);
    rows.map(|(_, row)| row.clone()).take(limit).collect()
}

impl Queries for MemoryStore {
    fn head(&self) -> Result<Option<ShardHead>, StoreError> {
        self.read(|tables| tables.head.clone())
    }
    fn record(&self, kind: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|tables| tables.body(kind, key))?
    }
    fn list(&self, scan: &Scan) -> Result<Vec<Found>, StoreError> {
        let wait = self.inner().listing.clone();
        if let Some(wait) = wait {
            wait();
        }
        self.read(|tables| {
            let found = tables.scan(scan).into_iter();
            let with_body = found.filter_map(|(value, key)| {
                let (body, check) = tables.stored(&scan.kind, &key)?;
                Some(Found {
                    value,
                    key,
                    body,
                    check,
                })
            });
            with_body.collect()
        })
    }
    fn records_after(
        &self,
        kind: &str,
        key: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>, u32)>, StoreError> {
        self.read(|tables| {
            let after = tables
                .records
                .iter()
                .filter(|((k, name), _)| k == kind && name.as_str() > key);
            let rows = after.map(|((_, key), (body, check))| (key.clone(), body.clone(), *check));
            rows.take(limit).collect()
        })
    }
    fn kinds(&self) -> Result<Vec<String>, StoreError> {
        self.read(|tables| {
            let kinds: BTreeSet<String> = tables
                .records
                .keys()
                .map(|(kind, _)| kind.clone())
                .collect();
            kinds.into_iter().collect()
        })
    }
    fn contents(
        &self,
        each: &mut dyn FnMut(ContentRow<'_>),
    ) -> Result<Option<ShardHead>, StoreError> {
        self.read(|tables| {
            tables.contents(each);
            tables.head.clone()
        })
    }
    fn accounts_after(
        &self,
        id: AccountId,
        limit: usize,
    ) -> Result<Vec<StoredAccount>, StoreError> {
        self.read(|tables| page(&tables.accounts, id.0, limit))
    }
    fn account(&self, id: AccountId) -> Result<Option<StoredAccount>, StoreError> {
        self.read(|tables| tables.account(id.0))?
    }
    fn row(&self, seq: u64) -> Result<Option<(Row, u32)>, StoreError> {
        self.read(|tables| tables.rows.get(&seq).cloned())
    }
    fn rows_after(&self, seq: u64, limit: usize) -> Result<Vec<(Row, u32)>, StoreError> {
        self.read(|tables| page(&tables.rows, seq, limit))
    }
    fn transfer(&self, id: TransferId) -> Result<Option<Row>, StoreError> {
        self.read(|tables| match tables.transfers.get(&id.0) {
            Some(seq) => tables.row(*seq),
            None => Ok(None),
        })?
    }
    fn journal_after(&self, seq: u64, limit: usize) -> Result<Vec<(JournalRow, u32)>, StoreError> {
        self.read(|tables| page(&tables.journal, seq, limit))
    }
    fn batches_after(&self, seq: u64, limit: usize) -> Result<Vec<StoredBatch>, StoreError> {
        self.read(|tables| page(&tables.batches, seq, limit))
    }
    fn sums_after(&self, batch: u64) -> Result<Option<u64>, StoreError> {
        let after = self.batches_after(batch, usize::MAX)?;
        let with_sums = after.into_iter().find(|batch| batch.contents.is_some());
        Ok(with_sums.map(|batch| batch.seq))
    }
    fn secret(&self, id: &str) -> Result<Option<SealedSecret>, StoreError> {
        self.read(|tables| tables.secrets.get(id).cloned())
    }
    fn size_bytes(&self) -> Result<u64, StoreError> {
        self.read(|tables| {
            tables
                .records
                .values()
                .map(|(body, _)| body.len() as u64)
                .sum()
        })
    }
}

impl StoreFactory for MemoryStore {
    fn reader(&self) -> Result<Box<dyn StoreReader>, StoreError> {
        Ok(Box::new(self.clone()))
    }
    fn writer(&self) -> Result<Box<dyn StoreWriter>, StoreError> {
        Ok(Box::new(self.clone()))
    }
    fn queries(&self) -> Result<Arc<dyn Queries>, StoreError> {
        Ok(Arc::new(self.clone()))
    }
}
