//! Which transfer ids are in use.
//!
//! Ids are time-ordered, so almost every new one is greater than most stored ones. All stored ids
//! above `floor` are in memory; an id above it is therefore decided without the store, and only a
//! late one (a retry, a client with its own scheme) costs a look-up.

use ledger::TransferId;
use rustc_hash::FxBuildHasher;

type Map = hashbrown::HashMap<u128, u64, FxBuildHasher>;

pub(crate) struct TransferIds {
    /// id → row number, 0 for "looked up and not in use".
    recent: Map,
    floor: u128,
    limit: usize,
}

/// What is known of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdState {
    New,
    Used(u64),
    AskStore,
}

impl TransferIds {
    pub fn new(greatest_stored: u128, limit: usize) -> TransferIds {
        TransferIds {
            recent: Map::default(),
            floor: greatest_stored,
            limit: limit.max(16),
        }
    }

    pub fn state(&self, id: TransferId) -> IdState {
        match self.recent.get(&id.0) {
            Some(0) => IdState::New,
            Some(seq) => IdState::Used(*seq),
            None if id.0 > self.floor => IdState::New,
            None => IdState::AskStore,
        }
    }

    pub fn must_ask(&self, id: TransferId) -> bool {
        self.state(id) == IdState::AskStore
    }

    pub fn load(&mut self, id: TransferId, seq: Option<u64>) {
        self.recent.entry(id.0).or_insert(seq.unwrap_or(0));
    }

    /// Notes a row and returns what was known before, for undoing.
    pub fn insert(&mut self, id: TransferId, seq: u64) -> Option<u64> {
        self.recent.insert(id.0, seq)
    }

    /// Undoes [`TransferIds::insert`]. What the store was asked for stays known: a command that is
    /// interrupted again must not ask for the same ids again.
    pub fn restore(&mut self, id: TransferId, old: Option<u64>) {
        match old {
            Some(seq) => self.recent.insert(id.0, seq),
            None => self.recent.remove(&id.0),
        };
    }

    /// Forgets the lower half of what is written once the limit is passed. Ids of rows after
    /// `written_seq` stay: the store does not have them yet.
    pub fn evict(&mut self, written_seq: u64) {
        if self.recent.len() <= self.limit {
            return;
        }
        let mut ids: Vec<u128> = self.recent.keys().copied().collect();
        let middle = ids.len() / 2;
        let (_, median, _) = ids.select_nth_unstable(middle);
        let median = *median;
        self.floor = self.floor.max(median);
        self.recent
            .retain(|id, seq| *id > median || *seq > written_seq);
    }
}
