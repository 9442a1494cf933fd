//! The vault: personal data, encrypted, by id. Nothing else in the store carries them.

use crate::batch::SealedSecret;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use thiserror::Error;
use zeroize::Zeroizing;

/// Encrypts and decrypts vault entries; the entry's id is bound to its cipher text.
pub struct Vault {
    key: LessSafeKey,
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
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| VaultError::KeyLength)?;
        Ok(Vault {
            key: LessSafeKey::new(key),
        })
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
