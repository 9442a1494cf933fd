//! What of the reserve is spoken for.

use engine::Record;
use money::Money;
use serde::{Deserialize, Serialize};

/// How the reserve of a shard is spoken for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserve {
    /// There is one in a shard.
    pub key: String,
    /// Sum of the payouts that were sent and are not at their end.
    pub committed: Money,
    /// Payouts that wait.
    pub waiting: u64,
    /// Their sum.
    pub waiting_amount: Money,
}

impl Reserve {
    /// Its key.
    pub const KEY: &'static str = "reserve";
}

impl Record for Reserve {
    const KIND: &'static str = "reserve";
    fn key(&self) -> &str {
        &self.key
    }
}
