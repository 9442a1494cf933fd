//! Durable records of one kind, decoded when they change.

use crate::failure::Broken;
use engine::Record;
use engine::store::Queries;
use std::collections::BTreeMap;

pub(super) struct Kept<R> {
    rows: BTreeMap<String, R>,
}

impl<R> Default for Kept<R> {
    fn default() -> Self {
        Kept {
            rows: BTreeMap::new(),
        }
    }
}

impl<R: Record> Kept<R> {
    /// Brings one record up to date.
    pub fn load(&mut self, queries: &dyn Queries, key: &str) -> Result<(), Broken> {
        let Some(body) = queries.record(R::KIND, key)? else {
            let law = "nothing that happened is deleted";
            return Err(Broken::new(law, format!("{} {key} is gone", R::KIND)));
        };
        let record = serde_json::from_slice(&body).map_err(|error| {
            Broken::new("records can be read", format!("{} {key}: {error}", R::KIND))
        })?;
        self.rows.insert(key.to_owned(), record);
        Ok(())
    }

    pub fn all(&self) -> impl Iterator<Item = &R> {
        self.rows.values()
    }

    pub fn get(&self, key: &str) -> Option<&R> {
        self.rows.get(key)
    }
}

/// Number of an object at the channel.
pub(super) fn reference(id: &str) -> &str {
    id.split_once('_').map_or(id, |(_, reference)| reference)
}
