//! Commands about signing keys.

use super::KeyAlgorithm;
use serde::{Deserialize, Serialize};

/// Adds a public key with which a merchant signs its requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddSigningKey {
    /// The merchant.
    pub merchant: String,
    /// For people, to tell keys apart.
    pub name: String,
    /// How it signs.
    pub algorithm: KeyAlgorithm,
    /// The public key: `SubjectPublicKeyInfo` in base64. Whoever submits this has read it.
    pub public_key: String,
}

/// Revokes a key; for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeSigningKey {
    /// Whose.
    pub merchant: String,
    /// The key.
    pub key: String,
}
