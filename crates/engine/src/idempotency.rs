//! Idempotency records: the answer to a request, kept for repeats of it.

use crate::application::Idempotency;
use crate::record::{Indexes, Record, index_time};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// How long an answer is kept.
pub const KEPT_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The answer under a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct IdempotencyRecord {
    /// Scope and key.
    pub key: String,
    pub body_hash: String,
    pub journal_seq: u64,
    pub expires_at: Timestamp,
    /// The verdict, JSON.
    pub verdict: Arc<RawValue>,
}

impl Record for IdempotencyRecord {
    const KIND: &'static str = "idempotency";
    fn key(&self) -> &str {
        &self.key
    }
    fn indexes(&self, out: &mut Indexes) {
        out.add("expires", index_time(self.expires_at));
    }
}

/// Bytes of the longest key of a record that is written as it is. A database bounds the rows of its indexes
/// (PostgreSQL at 2,704 bytes), and a scope is whatever the caller makes of a request.
const PLAIN_MAX: usize = 1_000;

/// Scope and key as one text; the scope's length keeps two pairs apart. A longer text than a database takes is
/// named by its hash, which no plain one looks like: those begin with a digit.
pub(crate) fn record_key(idempotency: &Idempotency) -> String {
    let plain = format!(
        "{}:{}|{}",
        idempotency.scope.len(),
        idempotency.scope,
        idempotency.key
    );
    if plain.len() <= PLAIN_MAX {
        return plain;
    }
    format!("sha256:{}", hex::encode(Sha256::digest(plain.as_bytes())))
}
