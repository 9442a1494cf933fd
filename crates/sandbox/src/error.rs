//! Why a sandbox could not be started or used.

use channels::crypto::CryptoError;
use std::path::PathBuf;
use thiserror::Error;

/// Why a sandbox could not be started or used.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// The cryptographic library failed.
    #[error("{step} failed in the cryptographic library; try again")]
    KeyGeneration {
        /// What was being done.
        step: &'static str,
    },
    /// A key or certificate is unfit.
    #[error("a key or certificate is unfit: {0}")]
    Key(#[from] CryptoError),
    /// A merchant's settings contradict each other.
    #[error("merchant {merchant_id} cannot be registered: {reason}")]
    Merchant {
        /// Which merchant.
        merchant_id: String,
        /// What to change.
        reason: String,
    },
    /// A file with keys cannot be read or written.
    #[error("key file {path} cannot be read or written: {source}")]
    KeyDirectory {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The address is not free, or may not be used.
    #[error(
        "cannot listen on 127.0.0.1:{port}: {source}; choose another port, or 0 for a free one"
    )]
    Listen {
        /// Which port.
        port: u16,
        /// Why.
        source: std::io::Error,
    },
    /// The HTTP client that sends notifications could not be made.
    #[error("the HTTP client for notifications cannot be made: {reason}")]
    Client {
        /// Why.
        reason: String,
    },
}
