//! What will happen later at a channel, in order of time.

use jiff::Timestamp;
use std::collections::BTreeMap;

/// Events by due time; events due at the same instant happen in the order they were entered.
#[derive(Debug)]
pub(crate) struct Agenda<E> {
    entries: BTreeMap<(Timestamp, u64), E>,
    next: u64,
}

impl<E> Agenda<E> {
    pub(crate) fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
            next: 0,
        }
    }

    pub(crate) fn enter(&mut self, due: Timestamp, event: E) {
        self.entries.insert((due, self.next), event);
        self.next += 1;
    }

    /// The earliest event due at `now`, with its own instant.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Option<(Timestamp, E)> {
        let entry = self.entries.first_entry()?;
        let due = entry.key().0;
        (due <= now).then(|| (due, entry.remove()))
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.entries.keys().next().map(|(due, _)| *due)
    }
}
