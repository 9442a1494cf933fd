//! Errors of the cryptographic layer. None of them carries key material or plain text.

use jiff::Timestamp;
use thiserror::Error;

/// Why a cryptographic operation was not done, or a check not passed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CryptoError {
    /// Text that should be standard base64 with padding is not.
    #[error("not standard base64 with padding")]
    Base64,
    /// A key could not be read.
    #[error("{what} cannot be read: {reason}")]
    Key {
        /// Which kind of key.
        what: &'static str,
        /// What to do about it.
        reason: &'static str,
    },
    /// A certificate could not be read.
    #[error("certificate cannot be read: {reason}")]
    Certificate {
        /// What was wrong.
        reason: &'static str,
    },
    /// A signature does not belong to the message and key.
    #[error("signature does not match the message")]
    Signature,
    /// An authenticated cipher text was altered, or key, nonce or associated data differ.
    #[error("cipher text cannot be opened with this key, nonce and associated data")]
    Decryption,
    /// The plain text is too long for the key, or the key is unfit for encryption.
    #[error("plain text of {length} bytes cannot be encrypted with this key")]
    Encryption {
        /// Length of the plain text in bytes.
        length: usize,
    },
    /// A certificate is used before or after its validity.
    #[error("certificate {serial} is valid from {not_before} to {not_after}, not at {at}")]
    OutsideValidity {
        /// Serial number in hex.
        serial: String,
        /// First valid instant.
        not_before: Timestamp,
        /// Last valid instant.
        not_after: Timestamp,
        /// Instant of use.
        at: Timestamp,
    },
    /// A certificate was not issued by the one it is said to be issued by.
    #[error("certificate {serial} was not issued by certificate {issuer}: {reason}")]
    NotIssuedBy {
        /// Serial number in hex.
        serial: String,
        /// Serial number of the supposed issuer in hex.
        issuer: String,
        /// Which check failed.
        reason: &'static str,
    },
}
