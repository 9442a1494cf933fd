//! Index entries that the store does not have yet (or still has), for scans.

use crate::record::{Indexes, RecordKey};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One entry in index order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub kind: &'static str,
    pub index: &'static str,
    pub value: String,
    pub key: Arc<str>,
}

#[derive(Default)]
pub(crate) struct Overlay {
    /// Present or removed, and the batch that wrote it.
    entries: BTreeMap<Entry, (bool, u64)>,
}

/// What an overlay change replaced, for undoing.
pub(crate) type Replaced = (Entry, Option<(bool, u64)>);

impl Overlay {
    /// Notes that a record's entries changed from `old` to `new`.
    pub fn change(
        &mut self,
        key: &RecordKey,
        old: &Indexes,
        new: &Indexes,
        batch: u64,
        undo: &mut Vec<Replaced>,
    ) {
        for (index, value) in &old.0 {
            if !new
                .0
                .iter()
                .any(|entry| entry.0 == *index && entry.1 == *value)
            {
                self.set(key, index, value, (false, batch), undo);
            }
        }
        for (index, value) in &new.0 {
            if !old
                .0
                .iter()
                .any(|entry| entry.0 == *index && entry.1 == *value)
            {
                self.set(key, index, value, (true, batch), undo);
            }
        }
    }

    fn set(
        &mut self,
        key: &RecordKey,
        index: &'static str,
        value: &str,
        state: (bool, u64),
        undo: &mut Vec<Replaced>,
    ) {
        let entry = Entry {
            kind: key.kind,
            index,
            value: value.to_owned(),
            key: key.key.clone(),
        };
        let replaced = self.entries.insert(entry.clone(), state);
        undo.push((entry, replaced));
    }

    pub fn restore(&mut self, undo: Vec<Replaced>) {
        for (entry, old) in undo.into_iter().rev() {
            match old {
                Some(state) => self.entries.insert(entry, state),
                None => self.entries.remove(&entry),
            };
        }
    }

    /// Entries of one index from `from` (inclusive) to `to` (exclusive), in order.
    pub fn range<'a>(
        &'a self,
        kind: &'static str,
        index: &'static str,
        from: &str,
        to: &'a str,
    ) -> impl Iterator<Item = (&'a Entry, bool)> + 'a {
        let start = Entry {
            kind,
            index,
            value: from.to_owned(),
            key: Arc::from(""),
        };
        self.entries
            .range(start..)
            .take_while(move |(entry, _)| {
                entry.kind == kind && entry.index == index && entry.value.as_str() < to
            })
            .map(|(entry, (present, _))| (entry, *present))
    }

    /// The store has everything up to `batch`.
    pub fn written(&mut self, batch: u64) {
        self.entries
            .retain(|_, (_, changed_in)| *changed_in > batch);
    }
}
