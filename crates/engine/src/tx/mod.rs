//! What a command function sees: reads, writes, postings, effects, timers.

mod isolated;
mod ledger;
mod outbox;

pub(crate) use isolated::caught;
pub(crate) use ledger::AccountName;
pub use ledger::{HOLD_KIND, NameTaken};

use crate::actor::Actor;
use crate::application::{Interrupt, Need};
use crate::ids::{IdSource, ShardCode};
use crate::record::{AnyRecord, Indexes, Record, RecordKey};
use crate::state::State;
use crate::state::records::Stored;
use crate::state::undo::Undo;
use crate::store::Scan;
use ::ledger::TransferId;
use calendar::BusinessDate;
use jiff::Timestamp;
use std::sync::Arc;

/// Rows a single command may change; longer work continues in another command.
pub const ROWS_PER_COMMAND_MAX: usize = 10_000;

/// Whether a posting was made now or had been made before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// Posted by this command.
    New,
    /// The same transfers under the same ids were posted before.
    Already,
}

/// The transaction of one command.
pub struct Tx<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) undo: &'a mut Undo,
    pub(crate) ids: IdSource,
    pub(crate) now: Timestamp,
    pub(crate) approver: Option<Actor>,
    pub(crate) emitted: Vec<String>,
    pub(crate) settled: Vec<String>,
    pub(crate) rows_changed: usize,
}

impl Tx<'_> {
    /// The command's time: never before that of an earlier command.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The second person by whose approval the command runs, where it needed one.
    pub fn approver(&self) -> Option<&Actor> {
        self.approver.as_ref()
    }

    /// Business date (会计日) of everything posted now.
    pub fn business_date(&self) -> BusinessDate {
        self.state.head.business_date
    }

    /// Moves the business date; earlier dates are closed for ever.
    pub fn turn_day(&mut self, date: BusinessDate) -> Result<(), Interrupt> {
        if date <= self.state.head.business_date {
            return Err(Interrupt::Broken(format!(
                "business date {} cannot turn to {date}",
                self.state.head.business_date
            )));
        }
        self.state.head.business_date = date;
        Ok(())
    }

    /// The shard.
    pub fn shard(&self) -> ShardCode {
        self.state.shard
    }

    /// A new id: `prefix_`, shard code, time-ordered part.
    pub fn new_id(&mut self, prefix: &str) -> String {
        self.ids.id(prefix)
    }

    /// A new transfer id.
    pub fn new_transfer_id(&mut self) -> TransferId {
        self.ids.transfer()
    }

    /// A record, or `None` where there is none.
    pub fn get<R: Record>(&mut self, key: &str) -> Result<Option<Arc<R>>, Interrupt> {
        let mut found = self.state.records.get::<R>(key);
        if found.is_none() {
            self.load_missing(&[RecordKey::of::<R>(key)])?;
            found = self.state.records.get::<R>(key);
        }
        match found {
            Some(Ok(record)) => Ok(record),
            Some(Err(problem)) => Err(Interrupt::Broken(problem)),
            None => Err(Interrupt::Load(Need::Record(RecordKey::of::<R>(key)))),
        }
    }

    /// A record that must exist: another record refers to it.
    pub fn expect<R: Record>(&mut self, key: &str) -> Result<Arc<R>, Interrupt> {
        self.get::<R>(key)?
            .ok_or_else(|| Interrupt::Broken(format!("{} {key} is gone", R::KIND)))
    }

    /// Writes a record under its key.
    pub fn put<R: Record>(&mut self, record: R) -> Result<(), Interrupt> {
        let key = RecordKey::of::<R>(record.key());
        // The stored version must be in memory: its index entries are replaced.
        let old = self.get::<R>(&key.key)?;
        let record: Arc<dyn AnyRecord> = Arc::new(record);
        let new_indexes = record.index_entries();
        self.change(
            key,
            old.map(|old| (old as Arc<dyn AnyRecord>).index_entries()),
            new_indexes,
            Stored::Typed(record),
        )
    }

    /// Removes a record; nothing happens where there is none.
    pub fn delete<R: Record>(&mut self, key: &str) -> Result<(), Interrupt> {
        let Some(old) = self.get::<R>(key)? else {
            return Ok(());
        };
        let old = (old as Arc<dyn AnyRecord>).index_entries();
        self.change(
            RecordKey::of::<R>(key),
            Some(old),
            Indexes::default(),
            Stored::Absent,
        )
    }

    fn change(
        &mut self,
        key: RecordKey,
        old: Option<Indexes>,
        new: Indexes,
        value: Stored,
    ) -> Result<(), Interrupt> {
        self.count_row()?;
        let batch = self.state.head.batch_seq + 1;
        let old = old.unwrap_or_default();
        self.state
            .overlay
            .change(&key, &old, &new, batch, &mut self.undo.overlay);
        let previous = self.state.records.set(&key, value, batch);
        if previous
            .as_ref()
            .is_none_or(|slot| slot.changed_in != batch)
        {
            self.state.batch.changed.push(key.clone());
        }
        self.undo.records.push((key, previous));
        Ok(())
    }

    /// Rows that the command may still change.
    pub fn rows_left(&self) -> usize {
        ROWS_PER_COMMAND_MAX.saturating_sub(self.rows_changed)
    }

    fn count_row(&mut self) -> Result<(), Interrupt> {
        self.rows_changed += 1;
        if self.rows_changed > ROWS_PER_COMMAND_MAX {
            return Err(Interrupt::Broken(format!(
                "the command changes more than {ROWS_PER_COMMAND_MAX} rows; it must continue in another"
            )));
        }
        Ok(())
    }

    /// Records of an index with values from `from` (inclusive) to `to` (exclusive), in value order,
    /// changes of this and earlier commands included; `limit` is at most 1,000.
    pub fn scan<R: Record>(
        &mut self,
        index: &'static str,
        from: &str,
        to: &str,
        limit: usize,
    ) -> Result<Vec<Arc<R>>, Interrupt> {
        let keys = self.scan_keys::<R>(index, from, to, limit)?;
        self.load_missing(&keys)?;
        keys.iter().map(|key| self.expect::<R>(&key.key)).collect()
    }

    /// As [`Tx::scan`], leaving out what is damaged, cannot be read, or is not there any more: for tidying, which one
    /// of them must not stop, nor however many of them before the others.
    pub(crate) fn scan_sound<R: Record>(
        &mut self,
        index: &'static str,
        from: &str,
        to: &str,
        limit: usize,
    ) -> Result<Vec<Arc<R>>, Interrupt> {
        let mut sound = Vec::new();
        let mut after = None;
        loop {
            let page = self.entries::<R>(index, (from, to), after, limit)?;
            let full = page.len() >= limit;
            after = page.last().cloned();
            for key in self.sound_of::<R>(page)? {
                match self.get::<R>(&key.key) {
                    Ok(found) => sound.extend(found),
                    // Loaded, and not of this release.
                    Err(Interrupt::Broken(_)) if self.state.failed_read.is_none() => {}
                    Err(interrupt) => return Err(interrupt),
                }
            }
            if sound.len() >= limit || !full {
                sound.truncate(limit);
                return Ok(sound);
            }
        }
    }

    /// Those of the entries whose records can be loaded.
    fn sound_of<R: Record>(
        &mut self,
        entries: Vec<(String, String)>,
    ) -> Result<Vec<RecordKey>, Interrupt> {
        let mut keys: Vec<RecordKey> = entries
            .iter()
            .map(|(_, key)| RecordKey::of::<R>(key))
            .collect();
        if self.load_missing(&keys).is_err() {
            keys.retain(|key| self.load_missing(std::slice::from_ref(key)).is_ok());
            if self.state.failed_read.is_some() {
                return Err(Interrupt::Broken("the store cannot be read".to_owned()));
            }
        }
        Ok(keys)
    }

    /// Keys of an index range as this command sees it.
    fn scan_keys<R: Record>(
        &mut self,
        index: &'static str,
        from: &str,
        to: &str,
        limit: usize,
    ) -> Result<Vec<RecordKey>, Interrupt> {
        let entries = self.entries::<R>(index, (from, to), None, limit)?;
        let keys = entries.iter().map(|(_, key)| RecordKey::of::<R>(key));
        Ok(keys.collect())
    }

    /// Entries (value, key) of an index range as this command sees it, `after` one of them, in order; `limit` is at most
    /// 1,000. For a command that must not read all the records at once: one of them may be damaged.
    pub fn entries<R: Record>(
        &mut self,
        index: &'static str,
        (from, to): (&str, &str),
        after: Option<(String, String)>,
        limit: usize,
    ) -> Result<Vec<(String, String)>, Interrupt> {
        let limit = limit.min(1_000);
        let overlaid: Vec<((String, String), bool)> = self
            .state
            .overlay
            .range(R::KIND, index, from, to)
            .map(|(entry, present)| ((entry.value.clone(), entry.key.to_string()), present))
            .filter(|(entry, _)| after.as_ref().is_none_or(|after| entry > after))
            .collect();
        let removed = overlaid.iter().filter(|(_, present)| !present).count();
        let scan = Scan {
            kind: R::KIND.to_owned(),
            index: index.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
            after,
            descending: false,
            limit: limit + removed,
        };
        let stored = self
            .state
            .reader
            .scan(&scan)
            .map_err(|error| self.state.cannot_read(error))?;
        let mut entries: std::collections::BTreeSet<(String, String)> =
            stored.into_iter().collect();
        for (entry, present) in overlaid {
            if present {
                entries.insert(entry);
            } else {
                entries.remove(&entry);
            }
        }
        Ok(entries.into_iter().take(limit).collect())
    }

    /// Loads records that will be read soon, in one query. What is wrong with one of them is told to who reads it.
    pub fn preload(&mut self, keys: &[RecordKey]) {
        let _told_later = self.load_missing(keys);
    }

    /// Loads what is not in memory in one query, where the command stands: interrupting it for each
    /// row would run it as often as it reads rows.
    fn load_missing(&mut self, keys: &[RecordKey]) -> Result<(), Interrupt> {
        let missing: Vec<RecordKey> = keys
            .iter()
            .filter(|key| !self.state.records.contains(key))
            .cloned()
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let bodies = self
            .state
            .reader
            .records(&missing)
            .map_err(|error| self.state.cannot_read(error))?;
        for (key, body) in missing.into_iter().zip(bodies) {
            self.state.records.load(key, body);
        }
        Ok(())
    }

    /// Writes a record whose key was issued by this command, so that no load is needed.
    pub fn put_new<R: Record>(&mut self, record: R) -> Result<(), Interrupt> {
        let key = RecordKey::of::<R>(record.key());
        if self.state.records.contains(&key) {
            return self.put(record);
        }
        let record: Arc<dyn AnyRecord> = Arc::new(record);
        let indexes = record.index_entries();
        self.change(key, None, indexes, Stored::Typed(record))
    }
}
