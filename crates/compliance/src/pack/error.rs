//! Packs that cannot be used.

use thiserror::Error;

/// What is wrong with a pack, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}: {reason}")]
pub struct PackError {
    /// Name of the pack.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and what was expected.
    pub reason: String,
}
