//! Timers: commands to be submitted later, written with the batch that wants them.

use crate::record::{Indexes, Record, index_time};
use jiff::{SignedDuration, Timestamp};
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
    /// How often it broke since it was set.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub broken: u32,
}

fn is_zero(times: &u32) -> bool {
    *times == 0
}

/// A command that broke is tried again after so long …
const PAUSE: SignedDuration = SignedDuration::from_mins(5);
/// … each time after twice as long as before, up to this: what broke it is mended by people.
const PAUSE_MAX: SignedDuration = SignedDuration::from_hours(1);

impl TimerRecord {
    /// Its command broke: it comes again later.
    pub(crate) fn put_off(&mut self, now: Timestamp) {
        let factor = 1 << self.broken.min(8);
        self.broken = self.broken.saturating_add(1);
        self.due = now + (PAUSE * factor).min(PAUSE_MAX);
    }
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
