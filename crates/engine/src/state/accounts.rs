//! Accounts in memory, and the sweep that writes their checkpoints.
//!
//! Ordering argument for recovery: the sweep walks dirty accounts in key order, cycle after cycle.
//! In cycle k every account dirtied before cycle k-1 began has been written since, so the rows from
//! the start of cycle k-1 on are all that recovery has to read.

use ledger::{AccountId, AccountState};
use rustc_hash::FxBuildHasher;
use std::collections::{BTreeMap, BTreeSet};

struct Slot {
    state: Option<AccountState>,
    dirty: bool,
    used: bool,
}

/// How far a sweep goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    /// Account numbers passed, dirty or not.
    pub keys: u64,
    /// Checkpoints written at most.
    pub accounts_max: usize,
}

type Map = hashbrown::HashMap<AccountId, Slot, FxBuildHasher>;

pub(crate) struct AccountCache {
    map: Map,
    dirty: BTreeSet<AccountId>,
    /// Where the sweep goes on.
    cursor: AccountId,
    /// First row of the running cycle and of the one before.
    cycle_start: u64,
    previous_cycle_start: u64,
    /// Damaged rows that the tail speaks of, and what is wrong with each. The tail is kept for them, so
    /// that they can be brought up to date once they are restored.
    damaged: BTreeMap<AccountId, String>,
    limit: usize,
    /// Lowest row that recovery read when the shard was opened.
    opened_at: u64,
    /// Where a cycle begins: the shard's lowest number.
    base: AccountId,
}

impl AccountCache {
    pub fn new(limit: usize, low_seq: u64, base: u64) -> AccountCache {
        AccountCache {
            map: Map::default(),
            dirty: BTreeSet::new(),
            cursor: AccountId(base),
            base: AccountId(base),
            cycle_start: low_seq,
            previous_cycle_start: low_seq,
            damaged: BTreeMap::new(),
            limit,
            opened_at: low_seq,
        }
    }

    /// `None`: not in memory. `Some(None)`: known not to exist.
    pub fn get(&mut self, id: AccountId) -> Option<Option<AccountState>> {
        let slot = self.map.get_mut(&id)?;
        slot.used = true;
        Some(slot.state)
    }

    pub fn contains(&self, id: AccountId) -> bool {
        self.map.contains_key(&id)
    }

    /// Puts a loaded row in; what is there already is newer.
    pub fn load(&mut self, id: AccountId, state: Option<AccountState>) {
        self.map.entry(id).or_insert(Slot {
            state,
            dirty: false,
            used: true,
        });
    }

    /// Replaces a state and returns the old one for undoing.
    pub fn set(&mut self, id: AccountId, state: Option<AccountState>) -> Option<AccountState> {
        match self.map.get_mut(&id) {
            Some(slot) => std::mem::replace(&mut slot.state, state),
            None => {
                self.map.insert(
                    id,
                    Slot {
                        state,
                        dirty: false,
                        used: true,
                    },
                );
                None
            }
        }
    }

    /// Marks what a successful command changed; returns whether it was clean.
    pub fn mark_dirty(&mut self, id: AccountId) -> bool {
        if let Some(slot) = self.map.get_mut(&id)
            && !slot.dirty
        {
            slot.dirty = true;
            self.dirty.insert(id);
            return true;
        }
        false
    }

    /// Takes the dirty accounts of the next stretch of the key space for writing; they are clean
    /// afterwards. Whole stretches, not scattered rows: neighbours share a page.
    pub fn sweep(&mut self, stretch: Stretch, next_seq: u64) -> Vec<(AccountId, AccountState)> {
        let mut swept = Vec::new();
        // Dirty accounts cannot be evicted: when they fill the memory, the stretch grows.
        let crowded = self.dirty.len() > self.limit / 2;
        let end = if crowded {
            u64::MAX
        } else {
            self.cursor.0.saturating_add(stretch.keys)
        };
        while swept.len() < stretch.accounts_max {
            let Some(id) = self
                .dirty
                .range(self.cursor..AccountId(end))
                .next()
                .copied()
            else {
                self.cursor = AccountId(end);
                break;
            };
            self.dirty.remove(&id);
            self.cursor = AccountId(id.0 + 1);
            if let Some(slot) = self.map.get_mut(&id) {
                slot.dirty = false;
                if let Some(state) = slot.state {
                    swept.push((id, state));
                }
            }
        }
        if self.dirty.is_empty() {
            self.previous_cycle_start = next_seq;
            self.cycle_start = next_seq;
            self.cursor = self.base;
        } else if self.dirty.range(self.cursor..).next().is_none() {
            self.cursor = self.base;
            self.previous_cycle_start = self.cycle_start;
            self.cycle_start = next_seq;
        }
        swept
    }

    /// The lowest row that recovery must read.
    pub fn low_seq(&self) -> u64 {
        match self.damaged.is_empty() {
            true => self.previous_cycle_start,
            false => self.opened_at,
        }
    }

    /// Leaves an account alone whose row recovery found damaged.
    pub fn set_damaged(&mut self, id: AccountId, problem: String) {
        self.damaged.insert(id, problem);
    }

    /// What recovery found wrong with an account's row.
    pub fn damaged(&self, id: AccountId) -> Option<&String> {
        self.damaged.get(&id)
    }

    pub fn dirty_count(&self) -> usize {
        self.dirty.len()
    }

    /// Drops clean accounts that were not used since the last call, once over the limit.
    pub fn evict(&mut self) {
        if self.map.len() <= self.limit {
            return;
        }
        self.map
            .retain(|_, slot| slot.dirty || std::mem::take(&mut slot.used));
    }

    /// All states in memory, for checks.
    pub fn iter(&self) -> impl Iterator<Item = (AccountId, &AccountState)> {
        self.map
            .iter()
            .filter_map(|(id, slot)| slot.state.as_ref().map(|state| (*id, state)))
    }
}
