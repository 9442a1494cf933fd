//! RSA public keys: verifying and encrypting.

use super::{Certificate, CryptoError, base64_decode, pem, sha256_hex};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey, PublicKey};
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use std::fmt;
use std::sync::Arc;

const WHAT: &str = "RSA public key";

/// An RSA public key of 2048 to 8192 bits.
#[derive(Clone)]
pub struct RsaPublicKey {
    inner: Arc<Inner>,
}

struct Inner {
    spki: Vec<u8>,
    verifying: ParsedPublicKey,
    encrypting: Pkcs1PublicEncryptingKey,
}

impl RsaPublicKey {
    /// Reads PEM (`PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`) or bare base64.
    ///
    /// # Errors
    /// [`CryptoError::Key`] or [`CryptoError::Certificate`] for anything else.
    pub fn from_text(text: &str) -> Result<Self, CryptoError> {
        let block = pem::decode(text, WHAT)?;
        match block.label {
            None | Some("PUBLIC KEY" | "RSA PUBLIC KEY") => Self::from_der(&block.der),
            Some("CERTIFICATE") => Ok(Certificate::from_der(&block.der)?.public_key().clone()),
            Some(_) => Err(rejected("the PEM block holds something else")),
        }
    }

    /// Reads DER of a SubjectPublicKeyInfo or a PKCS#1 `RSAPublicKey`.
    ///
    /// # Errors
    /// [`CryptoError::Key`] for a non-RSA, too small or damaged key.
    pub fn from_der(der: &[u8]) -> Result<Self, CryptoError> {
        let invalid = || rejected("it is no valid RSA key of 2048 to 8192 bits");
        let key = PublicKey::from_der(der).map_err(|_| invalid())?;
        let spki: PublicKeyX509Der<'static> = key.as_der().map_err(|_| invalid())?;
        let spki = spki.as_ref().to_vec();
        let verifying =
            ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &spki).map_err(|_| invalid())?;
        let encrypting = PublicEncryptingKey::from_der(&spki)
            .ok()
            .and_then(|key| Pkcs1PublicEncryptingKey::new(key).ok())
            .ok_or_else(invalid)?;
        Ok(Self {
            inner: Arc::new(Inner {
                spki,
                verifying,
                encrypting,
            }),
        })
    }

    /// DER of the SubjectPublicKeyInfo.
    pub fn spki_der(&self) -> &[u8] {
        &self.inner.spki
    }

    /// The key as PEM `PUBLIC KEY`.
    pub fn to_pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.inner.spki)
    }

    /// SHA-256 of [`Self::spki_der`], lower-case hex.
    pub fn fingerprint(&self) -> String {
        sha256_hex(&self.inner.spki)
    }

    /// Checks an RSASSA-PKCS1-v1_5 signature with SHA-256.
    ///
    /// # Errors
    /// [`CryptoError::Signature`] if it is not the key's signature of the message.
    pub fn verify_sha256(&self, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        self.inner
            .verifying
            .verify_sig(message, signature)
            .map_err(|_| CryptoError::Signature)
    }

    /// [`Self::verify_sha256`] of a base64 signature.
    ///
    /// # Errors
    /// [`CryptoError::Base64`] or [`CryptoError::Signature`].
    pub fn verify_sha256_base64(&self, message: &[u8], signature: &str) -> Result<(), CryptoError> {
        self.verify_sha256(message, &base64_decode(signature)?)
    }

    /// RSAES-PKCS1-v1_5. The padding is random, so equal plain texts give different bytes;
    /// at most the key's length less 11 bytes.
    ///
    /// # Errors
    /// [`CryptoError::Encryption`] if the plain text is too long.
    pub fn encrypt_pkcs1(&self, plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let key = &self.inner.encrypting;
        let mut ciphertext = vec![0; key.ciphertext_size()];
        let length = key
            .encrypt(plain, &mut ciphertext)
            .map_err(|_| CryptoError::Encryption {
                length: plain.len(),
            })?
            .len();
        ciphertext.truncate(length);
        Ok(ciphertext)
    }
}

fn rejected(reason: &'static str) -> CryptoError {
    CryptoError::Key { what: WHAT, reason }
}

impl PartialEq for RsaPublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.inner.spki == other.inner.spki
    }
}

impl Eq for RsaPublicKey {}

impl fmt::Debug for RsaPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaPublicKey({})", self.fingerprint())
    }
}
