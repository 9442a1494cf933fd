//! Sealing: what the store writes is fixed here, so that no later command can change it.

use super::Shard;
use crate::application::Application;
use crate::batch::{RecordChange, SealedBatch, hash_rows};
use crate::leaf;
use crate::merkle;
use crate::record::{Indexes, RecordKey};
use crate::state::accounts::Stretch;
use crate::state::records::Stored;
use crate::store::StoreError;
use std::sync::Arc;

/// Checkpoints written with a batch at most, unless it dirtied more accounts.
const SWEPT_PER_BATCH: usize = 20_000;

impl<App: Application> Shard<App> {
    /// Seals the batch being filled; `None` when nothing has to be written. At most one sealed batch
    /// may wait for its commit.
    pub fn seal(&mut self) -> Result<Option<Arc<SealedBatch>>, StoreError> {
        if self.in_flight.is_some() || self.state.batch.is_empty() {
            return Ok(None);
        }
        // A small batch pays for a small stretch: each page of accounts is written whole.
        let rows = self.state.batch.rows.len().max(16) as u64;
        let stretch = Stretch {
            keys: self
                .options
                .sweep_min
                .min(rows * 4)
                .max(self.accounts_given_out() / 50)
                .max(1),
            accounts_max: SWEPT_PER_BATCH.max(self.state.batch.dirtied),
        };
        self.seal_with_sweep(stretch).map(Some)
    }

    fn accounts_given_out(&self) -> u64 {
        let base = self.options.shard.account_base();
        self.state.head.last_account.saturating_sub(base)
    }

    /// Seals a batch that only brings account checkpoints up to date; `None` when they are.
    pub fn seal_sweep(&mut self, count: usize) -> Result<Option<Arc<SealedBatch>>, StoreError> {
        if self.in_flight.is_some() || self.state.accounts.dirty_count() == 0 {
            return Ok(None);
        }
        self.seal_with_sweep(Stretch {
            keys: u64::MAX,
            accounts_max: count,
        })
        .map(Some)
    }

    fn seal_with_sweep(&mut self, stretch: Stretch) -> Result<Arc<SealedBatch>, StoreError> {
        let builder = std::mem::take(&mut self.state.batch);
        let next_seq = self.state.head.ledger_seq + 1;
        let mut accounts = self.state.accounts.sweep(stretch, next_seq);
        // An opened account is inserted with its batch, whether or not the sweep came by.
        for (id, _) in &builder.opened {
            if let Some(state) = self.state.accounts.get(*id).flatten() {
                accounts.push((*id, state));
            }
        }
        let records = self.encode(&builder.changed)?;
        let head = &mut self.state.head;
        if let Some(contents) = &mut head.contents {
            for secret in &builder.secrets {
                contents.secrets.add(&leaf::secret_hash(secret));
            }
        }
        let contents = head.contents.as_ref();
        let (journal, rows, root) = hash_rows(builder.journal, builder.rows, contents);
        head.batch_seq += 1;
        head.low_seq = self.state.accounts.low_seq();
        head.head_hash = merkle::chain(&head.head_hash, &root, head.batch_seq);
        let batch = Arc::new(SealedBatch {
            head: head.clone(),
            root,
            journal,
            rows,
            opened: builder.opened,
            accounts,
            records,
            secrets: builder.secrets,
        });
        self.state.in_flight = Some(batch.clone());
        self.in_flight = Some((batch.clone(), std::mem::take(&mut self.waiting)));
        Ok(batch)
    }

    fn encode(&mut self, changed: &[RecordKey]) -> Result<Vec<RecordChange>, StoreError> {
        let mut changes = Vec::with_capacity(changed.len());
        let mut contents = self.state.head.contents.unwrap_or_default();
        for key in changed {
            let Some(slot) = self.state.records.slot_mut(key) else {
                continue;
            };
            let (body, indexes) = match &slot.value {
                Stored::Typed(record) => {
                    let body = record.encode().map_err(|error| {
                        StoreError::Refused(format!(
                            "{} {} cannot be written: {error}",
                            key.kind, key.key
                        ))
                    })?;
                    (Some(body), record.index_entries())
                }
                _ => (None, Indexes::default()),
            };
            let old = std::mem::replace(&mut slot.sealed_indexes, indexes.clone());
            let removed: Vec<(&'static str, String)> = old
                .0
                .iter()
                .filter(|entry| !indexes.0.contains(entry))
                .cloned()
                .collect();
            let added: Vec<(&'static str, String)> = indexes
                .0
                .into_iter()
                .filter(|entry| !old.0.contains(entry))
                .collect();
            let hash = body
                .as_ref()
                .map(|body| leaf::record_hash(key.kind, &key.key, body));
            if let Some(old) = std::mem::replace(&mut slot.sealed_hash, hash) {
                contents.records.remove(&old);
            }
            if let Some(hash) = &hash {
                contents.records.add(hash);
            }
            let index_hash =
                |(name, value): &(&str, String)| leaf::index_hash(key.kind, name, value, &key.key);
            for entry in &removed {
                contents.indexes.remove(&index_hash(entry));
            }
            for entry in &added {
                contents.indexes.add(&index_hash(entry));
            }
            changes.push(RecordChange {
                key: key.clone(),
                body,
                check: hash.as_ref().map_or(0, merkle::check_value),
                removed,
                added,
            });
        }
        self.state.head.contents = Some(contents);
        Ok(changes)
    }
}
