//! What the engine's outbox remembers of effects, without its threads.

use engine::record::index_time;
use engine::store::{Queries, Scan, StoreError};
use engine::{AttemptMode, EffectRecord, Record, Repeat};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Time within which a permission to send arrives after its effect was recorded, mostly.
const PERMISSION_DELAY_MAX: SignedDuration = SignedDuration::from_secs(10);

/// Due effects looked up in one pass.
const DUE_PER_PASS: usize = 512;

/// Permissions and attempts of one process; both die with it.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Effects this process may send without asking; kept until the attempt begins.
    fresh: BTreeMap<String, Arc<EffectRecord>>,
    in_flight: BTreeSet<String>,
}

impl Outbox {
    /// Notes what a committed batch permits to send, and what no longer.
    pub fn permit(&mut self, fresh: Vec<Arc<EffectRecord>>, settled: &[String]) {
        for record in fresh {
            self.fresh.insert(record.id.clone(), record);
        }
        for id in settled {
            self.fresh.remove(id);
        }
    }

    /// Effects to attempt now; each is in flight until [`Outbox::ended`].
    pub fn due(
        &mut self,
        queries: &dyn Queries,
        now: Timestamp,
    ) -> Result<Vec<Arc<EffectRecord>>, StoreError> {
        let mut due: Vec<Arc<EffectRecord>> = Vec::new();
        for record in self.fresh.values() {
            if record.next_at <= now && self.in_flight.insert(record.id.clone()) {
                due.push(record.clone());
            }
        }
        let scan = Scan {
            kind: EffectRecord::KIND.to_owned(),
            index: "due".into(),
            from: String::new(),
            to: index_time(now) + "~",
            after: None,
            descending: false,
            limit: DUE_PER_PASS,
        };
        for found in queries.list(&scan)? {
            if self.in_flight.contains(&found.key) {
                continue;
            }
            let body = found.checked(&scan.kind)?;
            let record: EffectRecord =
                serde_json::from_slice(body).map_err(|error| StoreError::Damaged {
                    place: format!("effect {}", found.key),
                    problem: error.to_string(),
                })?;
            if !self.may_be_on_its_way(&record, now) && self.in_flight.insert(found.key.clone()) {
                due.push(Arc::new(record));
            }
        }
        Ok(due)
    }

    /// A permission may come a moment after the store shows its effect; the engine's outbox waits for it
    /// as long.
    fn may_be_on_its_way(&self, record: &EffectRecord, now: Timestamp) -> bool {
        record.attempts == 0
            && record.policy.repeat != Repeat::Always
            && !self.fresh.contains_key(&record.id)
            && now < record.created_at + PERMISSION_DELAY_MAX
    }

    /// Begins an attempt: from here on it may have been sent, and the permission is used up.
    pub fn begin(&mut self, record: &EffectRecord) -> AttemptMode {
        let fresh = self.fresh.remove(&record.id).is_some();
        record.mode(fresh)
    }

    /// The attempt's report is recorded, or was given up.
    pub fn ended(&mut self, id: &str) {
        self.in_flight.remove(id);
    }
}
