//! Keys with which merchants sign their requests.

use super::enums;
use domain::signing_key::{KeyAlgorithm, SigningKey};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A public key.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "checkout 2026", "algorithm": "ed25519",
    "public_key": "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="}))]
pub struct NewSigningKey {
    /// To tell keys apart, 1 to 64 characters.
    pub name: String,
    /// How it signs, by its name in the registry of RFC 9421.
    #[schema(schema_with = enums::key_algorithm)]
    pub algorithm: KeyAlgorithm,
    /// The public key: SubjectPublicKeyInfo (DER) in base64, in one line. RSA keys have 2048 to 8192
    /// bits.
    pub public_key: String,
}

/// A key with which a merchant signs its requests.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SigningKey)]
pub struct SigningKeyView {
    /// `key_…`, the `keyid` of signatures.
    #[schema(example = "key_0001KABCDEFGHJKMNPQRSTVWXY")]
    pub id: String,
    /// Whose.
    pub merchant: String,
    /// To tell keys apart.
    pub name: String,
    /// How it signs.
    #[schema(schema_with = enums::key_algorithm)]
    pub algorithm: KeyAlgorithm,
    /// The public key, SubjectPublicKeyInfo (DER) in base64.
    pub public_key: String,
    /// Added at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// From then on it signs nothing.
    #[serde(with = "calendar::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
}

impl From<SigningKey> for SigningKeyView {
    fn from(key: SigningKey) -> SigningKeyView {
        SigningKeyView {
            id: key.id,
            merchant: key.merchant,
            name: key.name,
            algorithm: key.algorithm,
            public_key: key.public_key,
            created_at: key.created_at,
            revoked_at: key.revoked_at,
        }
    }
}
