//! Why a command could not be carried out.

use std::path::PathBuf;
use thiserror::Error;

/// A failure, worded for the person at the terminal.
#[derive(Debug, Error)]
pub enum Failure {
    /// The book.
    #[error(transparent)]
    Store(#[from] engine::store::StoreError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] engine::VaultError),
    /// A command was not accepted by the engine.
    #[error(transparent)]
    Submit(#[from] engine::SubmitError),
    /// A file.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The sandbox.
    #[error(transparent)]
    Sandbox(#[from] sandbox::SandboxError),
    /// The channels file.
    #[error(transparent)]
    Channels(#[from] crate::channels_file::ChannelsFileError),
    /// Anything that has no type of its own.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// A failure in words.
    pub fn other(text: impl std::fmt::Display) -> Failure {
        Failure::Other(text.to_string())
    }

    /// A failure of a file.
    pub fn file(path: &std::path::Path, error: std::io::Error) -> Failure {
        Failure::File {
            path: path.to_owned(),
            error,
        }
    }
}
