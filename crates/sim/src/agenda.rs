//! What is going to happen, in order of time; at one time in order of entry.

use jiff::Timestamp;
use std::collections::BTreeMap;

/// Events by time.
#[derive(Debug)]
pub(crate) struct Agenda<E> {
    events: BTreeMap<(Timestamp, u64), E>,
    entered: u64,
}

impl<E> Default for Agenda<E> {
    fn default() -> Self {
        Agenda {
            events: BTreeMap::new(),
            entered: 0,
        }
    }
}

impl<E> Agenda<E> {
    /// Enters an event.
    pub fn add(&mut self, at: Timestamp, event: E) {
        self.entered += 1;
        self.events.insert((at, self.entered), event);
    }

    /// Time of the next event.
    pub fn next(&self) -> Option<Timestamp> {
        self.events.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next event that is due.
    pub fn due(&mut self, now: Timestamp) -> Option<(Timestamp, E)> {
        let entry = self.events.first_entry()?;
        if entry.key().0 > now {
            return None;
        }
        let ((at, _), event) = entry.remove_entry();
        Some((at, event))
    }
}
