//! The vault: personal data, encrypted, by id. Nothing else in the store carries them.

use crate::batch::SealedSecret;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

/// Sets the key of fingerprints apart from every other key derived from the vault's.
const FINGERPRINT_LABEL: &[u8] = b"qingyuan: fingerprints of the vault, 1";
/// Bytes of a fingerprint: enough that two texts never share one by chance.
const FINGERPRINT_BYTES: usize = 16;

/// Tells whether two sealed texts are the same, to nobody who lacks the vault's key more than that:
/// a keyed hash, since a bare one of an account number would be found by trying.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// As text, e.g. to derive a key.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fingerprint")
    }
}

/// Encrypts and decrypts vault entries; the entry's id is bound to its cipher text.
pub struct Vault {
    key: LessSafeKey,
    fingerprints: hmac::Key,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

/// The vault refused. Says nothing of the content.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VaultError {
    /// The key has another length than 32 bytes.
    #[error("the vault key must have 32 bytes")]
    KeyLength,
    /// Wrong key, or damaged cipher text.
    #[error("vault entry {0} cannot be decrypted: wrong vault key or damaged row")]
    Undecipherable(String),
}

impl Vault {
    /// A vault under a 256-bit key.
    pub fn new(key: &[u8]) -> Result<Vault, VaultError> {
        let cipher = UnboundKey::new(&AES_256_GCM, key).map_err(|_| VaultError::KeyLength)?;
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), FINGERPRINT_LABEL);
        Ok(Vault {
            key: LessSafeKey::new(cipher),
            fingerprints: hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()),
        })
    }

    /// The same for the same clear text under the same vault key, whatever entry it is sealed into.
    pub fn fingerprint(&self, clear_text: &[u8]) -> Fingerprint {
        let tag = hmac::sign(&self.fingerprints, clear_text);
        let short = tag.as_ref().get(..FINGERPRINT_BYTES);
        Fingerprint(hex::encode(short.unwrap_or(tag.as_ref())))
    }

    /// Seals clear text under a nonce that is never used again with this key.
    pub fn seal(
        &self,
        id: &str,
        nonce: [u8; 12],
        clear_text: &[u8],
    ) -> Result<SealedSecret, VaultError> {
        let mut cipher_text = clear_text.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(id.as_bytes()),
                &mut cipher_text,
            )
            .map_err(|_| VaultError::Undecipherable(id.to_owned()))?;
        Ok(SealedSecret {
            id: id.to_owned(),
            nonce,
            cipher_text,
        })
    }

    /// Opens an entry.
    pub fn open(&self, secret: &SealedSecret) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let mut bytes = Zeroizing::new(secret.cipher_text.clone());
        let clear = self
            .key
            .open_in_place(
                Nonce::assume_unique_for_key(secret.nonce),
                Aad::from(secret.id.as_bytes()),
                &mut bytes,
            )
            .map_err(|_| VaultError::Undecipherable(secret.id.clone()))?;
        Ok(Zeroizing::new(clear.to_vec()))
    }
}
