//! The two layers of the disk, and the writer that passes its write points.

use super::fault::{Fault, Planned};
use super::tables::{Tables, Write, writes_of};
use engine::batch::SealedBatch;
use engine::store::{StoreError, StoreWriter};
use std::sync::{Arc, Mutex, PoisonError};

/// What a simulated machine keeps.
#[derive(Debug, Default)]
pub(super) struct Disk {
    /// Everything up to the last commit marker that is durable.
    pub tables: Tables,
    /// Written after that; the first `synced` of them are durable.
    log: Vec<Write>,
    synced: usize,
    pub points: u64,
    pub planned: Option<Planned>,
    pub poison: Option<String>,
    pub failing_reads: u32,
    pub crashed: bool,
    /// Number of the process; handles of an earlier one are dead.
    epoch: u64,
}

/// What a planned fault does to the commit under way.
enum Passed {
    On,
    Stop(StoreError),
}

impl Disk {
    /// Gives a new handle its epoch.
    pub fn open(&mut self) -> Result<u64, StoreError> {
        if self.crashed {
            return Err(dead());
        }
        Ok(self.epoch)
    }

    /// Whether a handle may still be used.
    pub fn check(&self, epoch: u64) -> Result<(), StoreError> {
        if self.crashed || epoch != self.epoch {
            return Err(dead());
        }
        Ok(())
    }

    /// As [`Disk::check`], for reads of the shard, which may be planned to fail.
    pub fn check_read(&mut self, epoch: u64) -> Result<(), StoreError> {
        self.check(epoch)?;
        if self.failing_reads > 0 {
            self.failing_reads -= 1;
            return Err(StoreError::Unavailable("planned: a read fails".into()));
        }
        Ok(())
    }

    /// Kills the process; `survivors` of the unsynced rows are found later.
    pub fn crash(&mut self, survivors: usize) {
        self.crashed = true;
        let kept = self.synced.saturating_add(survivors).min(self.log.len());
        self.log.truncate(kept);
        self.synced = kept;
    }

    /// Recovers the log: what ends with a commit marker counts, the rest is cut off.
    pub fn restart(&mut self) {
        self.crashed = false;
        self.epoch += 1;
        let complete = self
            .log
            .iter()
            .rposition(|write| matches!(write, Write::Head(_)))
            .map_or(0, |marker| marker + 1);
        self.log.truncate(complete);
        self.synced = complete;
        self.apply_synced();
    }

    fn apply_synced(&mut self) {
        for write in self.log.drain(..self.synced) {
            self.tables.apply(write);
        }
        self.synced = 0;
    }

    fn commit(&mut self, batch: &SealedBatch) -> Result<(), StoreError> {
        self.admit(batch)?;
        let mut lost = false;
        let mut written = Vec::new();
        for write in writes_of(batch) {
            let twice = repeats(&mut written, &write);
            if let Some(problem) = twice.or_else(|| self.tables.conflict(&write)) {
                self.roll_back();
                return Err(StoreError::Refused(problem));
            }
            self.step(&mut lost)?;
            self.log.push(write);
        }
        self.step(&mut lost)?;
        self.synced = self.log.len();
        let acknowledged = self.step(&mut lost);
        if !self.crashed {
            self.apply_synced();
        }
        acknowledged?;
        if lost {
            return Err(StoreError::Unavailable(
                "planned: the acknowledgement is lost".into(),
            ));
        }
        Ok(())
    }

    /// Refusals before anything is written.
    fn admit(&self, batch: &SealedBatch) -> Result<(), StoreError> {
        let stored = self.tables.head.as_ref().map_or(0, |head| head.batch_seq);
        if stored + 1 != batch.head.batch_seq {
            return Err(StoreError::Unavailable(
                "the book was written by another process".into(),
            ));
        }
        if let Some(text) = &self.poison
            && batch
                .journal
                .iter()
                .any(|(row, _)| row.command.contains(text))
        {
            return Err(StoreError::Refused(
                "planned: the batch has a row the store does not take".into(),
            ));
        }
        Ok(())
    }

    fn step(&mut self, lost: &mut bool) -> Result<(), StoreError> {
        match self.pass(lost) {
            Passed::On => Ok(()),
            Passed::Stop(error) => Err(error),
        }
    }

    /// Passes one write point.
    fn pass(&mut self, lost: &mut bool) -> Passed {
        let at = self.points;
        self.points += 1;
        let Some(planned) = self.planned.take_if(|planned| planned.at <= at) else {
            return Passed::On;
        };
        let is_synced = self.synced > 0;
        match planned.fault {
            Fault::Fail if !is_synced => {
                self.roll_back();
                Passed::Stop(StoreError::Unavailable("planned: the write fails".into()))
            }
            Fault::Refuse if !is_synced => {
                self.roll_back();
                Passed::Stop(StoreError::Refused("planned: the write is refused".into()))
            }
            Fault::Crash { survivors } => {
                self.crash(survivors);
                Passed::Stop(dead())
            }
            Fault::Fail | Fault::Refuse | Fault::LostAcknowledgement => {
                *lost = true;
                Passed::On
            }
        }
    }

    fn roll_back(&mut self) {
        self.log.truncate(self.synced);
    }
}

/// The unique number that a batch itself uses twice. Rows of a batch are numbered upwards, but the
/// ids of its transfers come in any order.
fn repeats(written: &mut Vec<u128>, write: &Write) -> Option<String> {
    let Write::Ledger(row, _) = write else {
        return None;
    };
    if row.id == 0 {
        return None;
    }
    if written.contains(&row.id) {
        return Some(format!("transfer id {} twice in one batch", row.id));
    }
    written.push(row.id);
    None
}

fn dead() -> StoreError {
    StoreError::Unavailable("the process is dead".into())
}

/// Writes batches to the simulated disk.
pub(super) struct SimWriter {
    disk: Arc<Mutex<Disk>>,
    epoch: u64,
}

impl SimWriter {
    pub fn new(disk: Arc<Mutex<Disk>>, epoch: u64) -> SimWriter {
        SimWriter { disk, epoch }
    }
}

impl StoreWriter for SimWriter {
    fn commit(&mut self, batch: &SealedBatch) -> Result<(), StoreError> {
        let mut disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        disk.check(self.epoch)?;
        disk.commit(batch)
    }
}
