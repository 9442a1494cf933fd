//! RSA private keys: signing and decrypting.

use super::{CryptoError, RsaPublicKey, base64_encode, pem};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, Pkcs1PrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

const WHAT: &str = "RSA private key";

/// An RSA private key of 2048 to 8192 bits. Clones share the key, which the library wipes
/// when the last one is dropped. `Debug` shows only the fingerprint of the public key.
#[derive(Clone)]
pub struct RsaPrivateKey {
    inner: Arc<Inner>,
}

struct Inner {
    signing: KeyPair,
    decrypting: Pkcs1PrivateDecryptingKey,
    public: RsaPublicKey,
}

impl RsaPrivateKey {
    /// Reads PEM (`PRIVATE KEY` or `RSA PRIVATE KEY`) or bare base64 of PKCS#8 or PKCS#1.
    ///
    /// # Errors
    /// [`CryptoError::Key`] for an encrypted, non-RSA, too small or damaged key.
    pub fn from_text(text: &str) -> Result<Self, CryptoError> {
        let block = pem::decode(text, WHAT)?;
        match block.label {
            None | Some("PRIVATE KEY" | "RSA PRIVATE KEY") => Self::from_der(&block.der),
            Some("ENCRYPTED PRIVATE KEY") => Err(rejected(
                "it is encrypted; decrypt it first (openssl pkcs8 -in … -out …)",
            )),
            Some(_) => Err(rejected("the PEM block holds something else")),
        }
    }

    /// Reads DER of PKCS#8 or PKCS#1.
    ///
    /// # Errors
    /// [`CryptoError::Key`] for a non-RSA, too small or damaged key.
    pub fn from_der(der: &[u8]) -> Result<Self, CryptoError> {
        let signing = KeyPair::from_pkcs8(der)
            .or_else(|_| KeyPair::from_der(der))
            .map_err(|_| {
                rejected("it is no valid RSA key of 2048 to 8192 bits in PKCS#8 or PKCS#1")
            })?;
        let pkcs8: Pkcs8V1Der<'static> = signing
            .as_der()
            .map_err(|_| rejected("it cannot be re-encoded"))?;
        let decrypting = PrivateDecryptingKey::from_pkcs8(pkcs8.as_ref())
            .ok()
            .and_then(|key| Pkcs1PrivateDecryptingKey::new(key).ok())
            .ok_or(rejected("it cannot be used for decryption"))?;
        let public = RsaPublicKey::from_der(signing.public_key().as_ref())?;
        Ok(Self {
            inner: Arc::new(Inner {
                signing,
                decrypting,
                public,
            }),
        })
    }

    /// The public half.
    pub fn public_key(&self) -> &RsaPublicKey {
        &self.inner.public
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256; deterministic.
    ///
    /// # Errors
    /// [`CryptoError::Key`] if the library refuses the key.
    pub fn sign_sha256(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut signature = vec![0; self.inner.signing.public_modulus_len()];
        self.inner
            .signing
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .map_err(|_| rejected("it cannot sign"))?;
        Ok(signature)
    }

    /// [`Self::sign_sha256`] as base64, the form of every channel.
    ///
    /// # Errors
    /// As [`Self::sign_sha256`].
    pub fn sign_sha256_base64(&self, message: &[u8]) -> Result<String, CryptoError> {
        self.sign_sha256(message).map(|s| base64_encode(&s))
    }

    /// Opens an RSAES-PKCS1-v1_5 cipher text. For data whose integrity a signature has proved:
    /// never tell a stranger whether this succeeded (padding oracle).
    ///
    /// # Errors
    /// [`CryptoError::Decryption`] without further detail.
    pub fn decrypt_pkcs1(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let key = &self.inner.decrypting;
        let mut plain = Zeroizing::new(vec![0; key.min_output_size()]);
        let length = key
            .decrypt(ciphertext, &mut plain)
            .map_err(|_| CryptoError::Decryption)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }
}

fn rejected(reason: &'static str) -> CryptoError {
    CryptoError::Key { what: WHAT, reason }
}

impl fmt::Debug for RsaPrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "RsaPrivateKey(*** of {})",
            self.inner.public.fingerprint()
        )
    }
}
