//! Timers: commands to be submitted later, written with the batch that wants them.

use crate::record::{Indexes, Record, index_time};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A command waiting for its time. Firing twice is harmless: the record is gone after the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimerRecord {
    /// Chosen by the application; setting it again moves the timer.
    pub key: String,
    /// Not before.
    pub due: Timestamp,
    /// The command.
    pub command: serde_json::Value,
}

impl Record for TimerRecord {
    const KIND: &'static str = "timer";
    fn key(&self) -> &str {
        &self.key
    }
    fn indexes(&self, out: &mut Indexes) {
        out.add("due", index_time(self.due));
    }
}
