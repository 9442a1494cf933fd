//! The lock on a data directory: one process at a time writes to a book.

use crate::store::StoreError;
use std::fs::{File, TryLockError};
use std::path::Path;

/// Held as long as any handle of the book lives.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    pub(super) fn take(directory: &Path) -> Result<Lock, StoreError> {
        let path = directory.join("qingyuan.lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| {
                StoreError::Unavailable(format!("cannot open {}: {error}", path.display()))
            })?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse(format!(
                "the data directory {} is in use by another qingyuan process; stop it or choose another directory",
                directory.display()
            ))),
            Err(TryLockError::Error(error)) => Err(StoreError::Unavailable(format!(
                "cannot lock {}: {error}",
                path.display()
            ))),
        }
    }
}

impl Drop for Lock {
    /// Closing the file is not enough: a program that this process is starting just now has a copy of it until it
    /// runs, and would keep the lock for as long.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the lock on the data directory ends with the process");
        }
    }
}
