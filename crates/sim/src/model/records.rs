//! Durable records of one kind, decoded when their bytes change.

use crate::failure::Broken;
use engine::Record;
use engine::store::Queries;
use std::collections::BTreeMap;

/// More records than one run has.
const ALL: usize = 1_000_000;

pub(super) struct Kept<R> {
    rows: BTreeMap<String, (Vec<u8>, R)>,
}

impl<R> Default for Kept<R> {
    fn default() -> Self {
        Kept {
            rows: BTreeMap::new(),
        }
    }
}

impl<R: Record> Kept<R> {
    /// Brings the copy up to date.
    pub fn load(&mut self, queries: &dyn Queries) -> Result<(), Broken> {
        let rows = queries.records_after(R::KIND, "", ALL)?;
        if rows.len() < self.rows.len() {
            return Err(Broken::new(
                "nothing that happened is deleted",
                format!(
                    "{} records of {} became {}",
                    self.rows.len(),
                    R::KIND,
                    rows.len()
                ),
            ));
        }
        for (key, body, _) in rows {
            if self.rows.get(&key).is_some_and(|(known, _)| *known == body) {
                continue;
            }
            let record = serde_json::from_slice(&body).map_err(|error| {
                Broken::new("records can be read", format!("{} {key}: {error}", R::KIND))
            })?;
            self.rows.insert(key, (body, record));
        }
        Ok(())
    }

    pub fn all(&self) -> impl Iterator<Item = &R> {
        self.rows.values().map(|(_, record)| record)
    }

    pub fn get(&self, key: &str) -> Option<&R> {
        self.rows.get(key).map(|(_, record)| record)
    }
}

/// Number of an object at the channel.
pub(super) fn reference(id: &str) -> &str {
    id.split_once('_').map_or(id, |(_, reference)| reference)
}
