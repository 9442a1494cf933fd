//! The cryptography the channels ask for, over `aws-lc-rs` (constant-time private-key operations).
//!
//! | need | WeChat Pay v3 | UnionPay ACP 5.1.0 |
//! |---|---|---|
//! | RSA PKCS#1 v1.5 with SHA-256 | requests, responses, notifications | over the hex text of a SHA-256 |
//! | AES-256-GCM | notification resources | – |
//! | RSA PKCS#1 v1.5 encryption | – | account numbers |
//! | X.509 | serial number in hex | serial number in decimal, chain, common name |
//!
//! The sandbox plays the channels' side with the same primitives.

mod aead;
mod certificate;
mod digest;
mod error;
mod pem;
mod private_key;
mod public_key;

pub use aead::{AeadKey, aead_aes_256_gcm_decrypt, aead_aes_256_gcm_encrypt};
pub use certificate::{Certificate, verify_chain};
pub use digest::{sha1_hex, sha256_hex};
pub use error::CryptoError;
pub use private_key::RsaPrivateKey;
pub use public_key::RsaPublicKey;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Standard base64 with padding, the alphabet all channels use.
pub fn base64_encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads standard base64 with padding.
///
/// # Errors
/// [`CryptoError::Base64`] on any other character, also white space.
pub fn base64_decode(text: &str) -> Result<Vec<u8>, CryptoError> {
    STANDARD.decode(text).map_err(|_| CryptoError::Base64)
}
