//! What can go wrong with a write.

/// A fault of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The write fails and is rolled back. After the sync it is too late for that: see
    /// [`Fault::LostAcknowledgement`].
    Fail,
    /// As [`Fault::Fail`], and the store says that the same write will fail again.
    Refuse,
    /// The batch becomes durable, but the writer is told that the store is unavailable.
    LostAcknowledgement,
    /// The process dies at this point; of the rows that were written but not synced the first
    /// `survivors` are found on the disk afterwards.
    Crash {
        /// Unsynced rows that reach the disk.
        survivors: usize,
    },
}

/// A fault and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// The write point (see [`super::SimStore::points`]) at which it happens.
    pub at: u64,
    /// What happens.
    pub fault: Fault,
}
