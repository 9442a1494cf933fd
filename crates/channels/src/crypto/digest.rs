//! Message digests as lower-case hex.

use sha1::{Digest as _, Sha1};
use sha2::Sha256;

/// SHA-1 as 40 lower-case hex digits. Only for the WeChat bill hash; it protects nothing else.
pub fn sha1_hex(bytes: &[u8]) -> String {
    hex::encode(Sha1::digest(bytes))
}

/// SHA-256 as 64 lower-case hex digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
