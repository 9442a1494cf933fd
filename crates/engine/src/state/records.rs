//! Records in memory. Changed ones stay until the store has them; clean ones are evicted.

use crate::leaf;
use crate::merkle::Hash;
use crate::record::{AnyRecord, Indexes, KeyRef, Record, RecordKey};
use rustc_hash::FxBuildHasher;
use std::sync::Arc;

/// The value of a slot.
#[derive(Clone)]
pub(crate) enum Stored {
    Absent,
    Bytes(Arc<[u8]>),
    Typed(Arc<dyn AnyRecord>),
}

#[derive(Clone)]
pub(crate) struct Slot {
    pub value: Stored,
    /// Batch whose commit makes the value clean; 0 when clean.
    pub changed_in: u64,
    /// Index entries of the value as the last sealed batch left them.
    pub sealed_indexes: Indexes,
    /// Hash of the row as the last sealed batch left it; `None` where there is none.
    pub sealed_hash: Option<Hash>,
    pub used: bool,
}

type Map = hashbrown::HashMap<RecordKey, Slot, FxBuildHasher>;

pub(crate) struct RecordCache {
    map: Map,
    limit: usize,
}

impl RecordCache {
    pub fn new(limit: usize) -> RecordCache {
        RecordCache {
            map: Map::default(),
            limit,
        }
    }

    pub fn contains(&self, key: &RecordKey) -> bool {
        self.map.contains_key(key)
    }

    /// `None`: not in memory.
    pub fn get<R: Record>(&mut self, key: &str) -> Option<Result<Option<Arc<R>>, String>> {
        let slot = self.map.get_mut(&KeyRef { kind: R::KIND, key })?;
        slot.used = true;
        Some(match &slot.value {
            Stored::Absent => Ok(None),
            Stored::Typed(record) => match Arc::clone(record).as_any().downcast::<R>() {
                Ok(record) => Ok(Some(record)),
                Err(_) => Err(format!("{} {key} is held as another type", R::KIND)),
            },
            Stored::Bytes(bytes) => match serde_json::from_slice::<R>(bytes) {
                Ok(record) => {
                    let record = Arc::new(record);
                    slot.sealed_indexes = (record.as_ref() as &dyn AnyRecord).index_entries();
                    slot.value = Stored::Typed(record.clone());
                    Ok(Some(record))
                }
                Err(error) => Err(format!("{} {key} cannot be read: {error}", R::KIND)),
            },
        })
    }

    pub fn slot_mut(&mut self, key: &RecordKey) -> Option<&mut Slot> {
        self.map.get_mut(key)
    }

    /// Puts a loaded row in; what is there already is newer.
    pub fn load(&mut self, key: RecordKey, body: Option<Vec<u8>>) {
        if self.map.contains_key(&key) {
            return;
        }
        let hash = body
            .as_ref()
            .map(|body| leaf::record_hash(key.kind, &key.key, body));
        let slot = Slot {
            value: body.map_or(Stored::Absent, |bytes| Stored::Bytes(bytes.into())),
            changed_in: 0,
            sealed_indexes: Indexes::default(),
            sealed_hash: hash,
            used: true,
        };
        self.map.insert(key, slot);
    }

    /// Replaces a value and returns the slot as it was.
    pub fn set(&mut self, key: &RecordKey, value: Stored, batch: u64) -> Option<Slot> {
        match self.map.get_mut(key) {
            Some(slot) => {
                let old = slot.clone();
                slot.value = value;
                slot.changed_in = batch;
                slot.used = true;
                Some(old)
            }
            None => {
                let slot = Slot {
                    value,
                    changed_in: batch,
                    sealed_indexes: Indexes::default(),
                    sealed_hash: None,
                    used: true,
                };
                self.map.insert(key.clone(), slot);
                None
            }
        }
    }

    /// Undoes a [`RecordCache::set`].
    pub fn restore(&mut self, key: &RecordKey, old: Option<Slot>) {
        match old {
            Some(slot) => {
                self.map.insert(key.clone(), slot);
            }
            None => {
                self.map.remove(key);
            }
        }
    }

    /// The store has everything up to `batch`.
    pub fn written(&mut self, keys: &[RecordKey], batch: u64) {
        for key in keys {
            if let Some(slot) = self.map.get_mut(key)
                && slot.changed_in <= batch
            {
                slot.changed_in = 0;
            }
        }
    }

    /// Drops clean records that were not used since the last call, once over the limit.
    pub fn evict(&mut self) {
        if self.map.len() <= self.limit {
            return;
        }
        self.map
            .retain(|_, slot| slot.changed_in != 0 || std::mem::take(&mut slot.used));
    }
}
