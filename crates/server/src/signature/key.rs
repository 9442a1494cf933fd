//! Public keys of merchants.

use aws_lc_rs::rsa::PublicEncryptingKey;
use aws_lc_rs::signature::{
    ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA512,
    VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use curve25519_dalek::edwards::CompressedEdwardsY;
use domain::signing_key::KeyAlgorithm;

/// A public key that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// Not base64, or no key of the algorithm inside.
    #[error(
        "public_key must be the base64 of a SubjectPublicKeyInfo (DER) of the algorithm: openssl pkey -pubout -outform DER | base64 -w0"
    )]
    Form,
    /// An RSA key of another size.
    #[error("an RSA key must have 2048 to 8192 bits")]
    Size,
    /// An Ed25519 key of small order, for which signatures are found without a private key.
    #[error("public_key is one for which anybody can make signatures")]
    Weak,
}

fn algorithm(algorithm: KeyAlgorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        KeyAlgorithm::Ed25519 => &ED25519,
        KeyAlgorithm::RsaPssSha512 => &RSA_PSS_2048_8192_SHA512,
        KeyAlgorithm::RsaV15Sha256 => &RSA_PKCS1_2048_8192_SHA256,
    }
}

/// Reads a public key as merchants give it.
///
/// # Errors
/// [`KeyProblem`].
pub fn read_public_key(kind: KeyAlgorithm, base64: &str) -> Result<ParsedPublicKey, KeyProblem> {
    let bytes = STANDARD.decode(base64).map_err(|_| KeyProblem::Form)?;
    // A bare Ed25519 key would pass as well: one form is enough.
    if bytes.len() <= 32 {
        return Err(KeyProblem::Form);
    }
    let key = ParsedPublicKey::new(algorithm(kind), &bytes).map_err(|_| KeyProblem::Form)?;
    if kind == KeyAlgorithm::Ed25519 {
        // The point is what a SubjectPublicKeyInfo of this algorithm ends with.
        let point = bytes.last_chunk::<32>().ok_or(KeyProblem::Form)?;
        let point = CompressedEdwardsY(*point).decompress();
        if point.ok_or(KeyProblem::Form)?.is_small_order() {
            return Err(KeyProblem::Weak);
        }
    } else {
        let size = PublicEncryptingKey::from_der(&bytes).map_err(|_| KeyProblem::Size)?;
        if !(2_048..=8_192).contains(&size.key_size_bits()) {
            return Err(KeyProblem::Size);
        }
    }
    Ok(key)
}
