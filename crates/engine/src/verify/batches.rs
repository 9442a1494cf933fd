//! Roots, their chain, and the shard's row.

use super::{Ended, Run};
use crate::batch::ShardHead;
use crate::contents::ContentRow;
use crate::leaf;
use crate::merkle::{self, Hash, MerkleTree};
use crate::store::StoredBatch;
use ledger::AccountId;

impl Run<'_> {
    pub(super) fn batch(
        &mut self,
        previous: &StoredBatch,
        batch: &StoredBatch,
    ) -> Result<(), Ended> {
        let place = format!("batch {}", batch.seq);
        if batch.seq != previous.seq + 1 {
            self.problem(place.clone(), format!("follows batch {}", previous.seq))?;
        }
        let mut tree = MerkleTree::default();
        let problems = self.report.problems.len();
        self.journal(previous.last_journal_seq, batch.last_journal_seq, &mut tree)?;
        self.ledger(previous.last_ledger_seq, batch.last_ledger_seq, &mut tree)?;
        let damaged = self.report.problems.len() > problems;
        if let Some(contents) = &batch.contents {
            let mut bytes = Vec::new();
            leaf::contents_leaf(contents, &mut bytes);
            tree.add(&bytes);
        } else if previous.contents.is_some() {
            self.problem(place.clone(), "its sums are missing from table contents")?;
        }
        let root = tree.root();
        if root != batch.root && !damaged {
            self.problem(place.clone(), "root differs from that of its rows: a row was changed together with its check value, or the batch's sums were")?;
        }
        self.chain(&place, previous, batch, damaged)?;
        self.report.batches += 1;
        Ok(())
    }

    fn chain(
        &mut self,
        place: &str,
        previous: &StoredBatch,
        batch: &StoredBatch,
        damaged: bool,
    ) -> Result<(), Ended> {
        let expected: Hash = merkle::chain(&previous.head_hash, &batch.root, batch.seq);
        if expected != batch.head_hash && !damaged {
            self.problem(
                place.to_owned(),
                "hash chain is broken here: the batch row was changed",
            )?;
        }
        Ok(())
    }

    /// A shard without its row, or whose row says that it was never written, has no rows at all.
    pub(super) fn nothing_is_there(&mut self) -> Result<(), Ended> {
        let (mut records, mut indexes, mut secrets) = (false, false, false);
        let head = self.queries.contents(&mut |row| match row {
            ContentRow::Record { .. } => records = true,
            ContentRow::Index { .. } => indexes = true,
            ContentRow::Secret(_) => secrets = true,
        })?;
        let found = [
            ("batch", !self.queries.batches_after(0, 1)?.is_empty()),
            ("contents", self.queries.sums_after(0)?.is_some()),
            ("journal", !self.queries.journal_after(0, 1)?.is_empty()),
            ("ledger", !self.queries.rows_after(0, 1)?.is_empty()),
            (
                "account",
                !self.queries.accounts_after(AccountId(0), 1)?.is_empty(),
            ),
            ("record", records),
            ("record_index", indexes),
            ("secret", secrets),
        ];
        let tables = found
            .iter()
            .filter_map(|(table, is_there)| is_there.then_some(*table));
        let tables: Vec<&str> = tables.collect();
        // A server may have begun the shard meanwhile.
        if tables.is_empty() || head.is_some() || self.queries.head()?.is_some() {
            return Ok(());
        }
        let text = format!(
            "missing, or reset to that of a shard that was never written, while there are rows in {}",
            tables.join(", ")
        );
        self.problem("shard row".into(), text)
    }

    /// What the shard row says beyond the last batch, and rows that lie beyond the shard row.
    pub(super) fn shard_row(&mut self, head: &ShardHead) -> Result<(), Ended> {
        let place = || "shard row".to_owned();
        let opened = self
            .accounts
            .iter()
            .filter(|(_, account)| account.derived.is_some());
        let highest = opened.map(|(id, _)| *id).max().unwrap_or(0);
        // Where no account was opened there is nothing to compare with.
        if highest > 0 && head.last_account != highest {
            let text = format!(
                "names account {} as the last, the last that the ledger opened is {highest}",
                head.last_account
            );
            self.problem(place(), text)?;
        }
        if self.last_date.is_some_and(|date| head.business_date < date) {
            self.problem(place(), "its business date lies before the ledger's last")?;
        }
        if self.last_command.is_some_and(|at| at != head.now) {
            self.problem(place(), "its time is not that of the last journal row")?;
        }
        // A server may have gone on meanwhile: measured against the shard row as it is now.
        let beyond_journal = self.queries.journal_after(head.journal_seq, 1)?;
        let beyond_ledger = self.queries.rows_after(head.ledger_seq, 1)?;
        let beyond_batch = self.queries.batches_after(head.batch_seq, 1)?;
        let beyond_sums = self.queries.sums_after(head.batch_seq)?;
        let now = self.queries.head()?.unwrap_or_else(|| head.clone());
        if beyond_journal
            .iter()
            .any(|(row, _)| row.seq > now.journal_seq)
        {
            self.problem(
                format!("journal row {}", head.journal_seq + 1),
                "lies beyond the shard row",
            )?;
        }
        if beyond_ledger
            .iter()
            .any(|(row, _)| row.seq > now.ledger_seq)
        {
            self.problem(
                format!("ledger row {}", head.ledger_seq + 1),
                "lies beyond the shard row",
            )?;
        }
        let beyond = beyond_batch.first().map(|batch| batch.seq);
        for (table, seq) in [("batch", beyond), ("contents", beyond_sums)] {
            if let Some(seq) = seq.filter(|seq| *seq > now.batch_seq) {
                let text = format!("has a row that lies beyond the shard row, in table {table}");
                self.problem(format!("batch {seq}"), text)?;
            }
        }
        Ok(())
    }
}
