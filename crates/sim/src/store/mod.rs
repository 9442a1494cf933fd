//! A store in memory that loses, tears and lies on demand.
//!
//! Two layers: what was written and what was synced. A batch is written row by row, its head row last;
//! the head row is the commit marker. After a crash some of the unsynced rows may be found, but a batch
//! counts only if its marker is among them. Every row, the sync and the acknowledgement are *write
//! points*; a [`Fault`] can be planned at any of them.

mod disk;
mod fault;
mod queries;
mod reader;
mod tables;

pub use fault::{Fault, Planned};

use disk::Disk;
use engine::store::{Queries, StoreError, StoreFactory, StoreReader, StoreWriter};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A simulated store; clones share the disk.
#[derive(Debug, Clone, Default)]
pub struct SimStore {
    disk: Arc<Mutex<Disk>>,
}

impl SimStore {
    /// An empty store.
    pub fn new() -> SimStore {
        SimStore::default()
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plans a fault at a write point; one that was planned before and did not happen is forgotten.
    pub fn plan(&self, planned: Planned) {
        self.disk().planned = Some(planned);
    }

    /// Forgets what is planned.
    pub fn heal(&self) {
        let mut disk = self.disk();
        disk.planned = None;
        disk.failing_reads = 0;
        disk.poison = None;
    }

    /// Lets the next `count` reads of the shard fail.
    pub fn fail_reads(&self, count: u32) {
        self.disk().failing_reads = count;
    }

    /// Refuses every batch with a command whose journal form contains a text, until healed.
    pub fn poison(&self, text: &str) {
        self.disk().poison = Some(text.to_owned());
    }

    /// Write points passed so far.
    pub fn points(&self) -> u64 {
        self.disk().points
    }

    /// Whether the process that had the store open is dead.
    pub fn is_crashed(&self) -> bool {
        self.disk().crashed
    }

    /// Kills the process that has the store open: its handles fail from now on.
    pub fn crash(&self) {
        self.disk().crash(0);
    }

    /// A new process comes up and recovers what is on the disk.
    pub fn restart(&self) {
        self.disk().restart();
    }

    /// Records changed by durable batches, from the `from`th change on: kind and key.
    pub fn changes(&self, from: usize) -> Vec<(&'static str, Arc<str>)> {
        let disk = self.disk();
        disk.tables.changes.get(from..).unwrap_or_default().to_vec()
    }

    /// Number of the last durable batch.
    pub fn durable_batch(&self) -> u64 {
        self.disk()
            .tables
            .head
            .as_ref()
            .map_or(0, |head| head.batch_seq)
    }
}

impl StoreFactory for SimStore {
    fn reader(&self) -> Result<Box<dyn StoreReader>, StoreError> {
        let epoch = self.disk().open()?;
        Ok(Box::new(reader::SimReader::new(self.disk.clone(), epoch)))
    }

    fn writer(&self) -> Result<Box<dyn StoreWriter>, StoreError> {
        let epoch = self.disk().open()?;
        Ok(Box::new(disk::SimWriter::new(self.disk.clone(), epoch)))
    }

    fn queries(&self) -> Result<Arc<dyn Queries>, StoreError> {
        Ok(Arc::new(queries::SimQueries::new(self.disk.clone())))
    }
}
