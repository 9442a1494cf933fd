//! AEAD_AES_256_GCM as in RFC 5116: the 16-byte tag follows the cipher text.

use super::CryptoError;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A 256-bit secret, such as the WeChat APIv3 key. Wiped when dropped, masked in `Debug`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct AeadKey([u8; 32]);

impl AeadKey {
    /// Takes the bytes as they are; the APIv3 key is 32 ASCII characters used directly.
    ///
    /// # Errors
    /// [`CryptoError::Key`] for any other length.
    pub fn new(bytes: &[u8]) -> Result<Self, CryptoError> {
        let key = bytes.try_into().map_err(|_| CryptoError::Key {
            what: "AES-256 key",
            reason: "it must be exactly 32 bytes",
        })?;
        Ok(Self(key))
    }

    fn bound(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &self.0)
            .ok()
            .map(LessSafeKey::new)
    }
}

impl fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AeadKey(***)")
    }
}

/// Seals `plain`; the result is cipher text and tag. The caller must never use a nonce twice
/// with one key.
///
/// # Errors
/// [`CryptoError::Encryption`] if the nonce is not 12 bytes.
pub fn aead_aes_256_gcm_encrypt(
    key: &AeadKey,
    nonce: &[u8],
    associated_data: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let failed = CryptoError::Encryption {
        length: plain.len(),
    };
    let (Some(key), Ok(nonce)) = (key.bound(), Nonce::try_assume_unique_for_key(nonce)) else {
        return Err(failed);
    };
    let mut sealed = plain.to_vec();
    key.seal_in_place_append_tag(nonce, Aad::from(associated_data), &mut sealed)
        .map_err(|_| failed)?;
    Ok(sealed)
}

/// Opens cipher text followed by its tag.
///
/// # Errors
/// [`CryptoError::Decryption`] if anything was altered or the nonce is not 12 bytes.
pub fn aead_aes_256_gcm_decrypt(
    key: &AeadKey,
    nonce: &[u8],
    associated_data: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let (Some(key), Ok(nonce)) = (key.bound(), Nonce::try_assume_unique_for_key(nonce)) else {
        return Err(CryptoError::Decryption);
    };
    let mut buffer = sealed.to_vec();
    let length = key
        .open_in_place(nonce, Aad::from(associated_data), &mut buffer)
        .map_err(|_| CryptoError::Decryption)?
        .len();
    buffer.truncate(length);
    Ok(buffer)
}
