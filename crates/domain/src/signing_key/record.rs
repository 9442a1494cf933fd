//! Public keys of merchants.

use engine::{Indexes, Record, index_time};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How a key signs, by its name in the registry of HTTP signature algorithms (RFC 9421).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyAlgorithm {
    /// Ed25519.
    #[serde(rename = "ed25519")]
    Ed25519,
    /// RSASSA-PSS with SHA-512.
    #[serde(rename = "rsa-pss-sha512")]
    RsaPssSha512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "rsa-v1_5-sha256")]
    RsaV15Sha256,
}

impl KeyAlgorithm {
    /// All of them.
    pub const ALL: [KeyAlgorithm; 3] = [
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::RsaPssSha512,
        KeyAlgorithm::RsaV15Sha256,
    ];

    /// Name in the registry.
    pub fn name(self) -> &'static str {
        match self {
            KeyAlgorithm::Ed25519 => "ed25519",
            KeyAlgorithm::RsaPssSha512 => "rsa-pss-sha512",
            KeyAlgorithm::RsaV15Sha256 => "rsa-v1_5-sha256",
        }
    }
}

/// A public key with which a merchant signs its requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKey {
    /// `key_…`, the `keyid` of signatures.
    pub id: String,
    /// Whose.
    pub merchant: String,
    /// For people.
    pub name: String,
    /// How it signs.
    pub algorithm: KeyAlgorithm,
    /// `SubjectPublicKeyInfo` in base64.
    pub public_key: String,
    /// Added at.
    #[serde(with = "calendar::rfc3339")]
    pub created_at: Timestamp,
    /// From then on it signs nothing.
    #[serde(with = "calendar::rfc3339::option")]
    pub revoked_at: Option<Timestamp>,
}

/// A public key that was revoked: whoever may have come to know its secret part must not be let in again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedKey {
    /// `merchant/SHA-256 of the public key`.
    pub key: String,
    /// The signing key that had it.
    pub signing_key: String,
}

impl RevokedKey {
    pub(crate) fn key_of(merchant: &str, public_key: &str) -> String {
        format!("{merchant}/{}", hex::encode(Sha256::digest(public_key)))
    }
}

impl Record for RevokedKey {
    const KIND: &'static str = "revoked_key";
    fn key(&self) -> &str {
        &self.key
    }
}

impl Record for SigningKey {
    const KIND: &'static str = "signing_key";
    fn key(&self) -> &str {
        &self.id
    }
    /// `merchant`: all of a merchant, by time, which is how they are listed. `active`: the same of
    /// those that are not revoked, which are bounded in number.
    fn indexes(&self, out: &mut Indexes) {
        let place = format!("{}/{}", self.merchant, index_time(self.created_at));
        if self.revoked_at.is_none() {
            out.add("active", place.clone());
        }
        out.add("merchant", place);
    }
}
