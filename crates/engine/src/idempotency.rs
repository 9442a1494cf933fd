//! Idempotency records: the answer to a request, kept for repeats of it.

use crate::application::Idempotency;
use crate::record::{Indexes, Record, index_time};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
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

/// Scope and key as one text; the scope's length keeps two pairs apart.
pub(crate) fn record_key(idempotency: &Idempotency) -> String {
    format!(
        "{}:{}|{}",
        idempotency.scope.len(),
        idempotency.scope,
        idempotency.key
    )
}
