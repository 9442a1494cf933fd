//! What callers were told: durable when told, never taken back, the same for every repeat.

use crate::failure::{Broken, demand};
use engine::store::Queries;
use engine::{Denial, Idempotency, Outcome, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Promise {
    body_hash: String,
    journal_seq: u64,
    verdict: String,
}

/// Everything callers were told so far.
#[derive(Debug, Default)]
pub struct Promises {
    by_key: BTreeMap<(String, String), Promise>,
    told: BTreeMap<u64, String>,
}

impl Promises {
    /// An outcome is handed out: it must be durable, and be what was told before under its key.
    pub fn told<Reply: Serialize, Rejection: Serialize>(
        &mut self,
        queries: &dyn Queries,
        idempotency: Option<&Idempotency>,
        outcome: &Outcome<Reply, Rejection>,
    ) -> Result<(), Broken> {
        let verdict = serde_json::to_string(&outcome.result)
            .map_err(|error| Broken::new("outcomes can be written", error.to_string()))?;
        let seq = outcome.journal_seq;
        let stored = journal_outcome(queries, seq)?;
        let law = "no reply before its batch is durable";
        demand(stored.is_some(), law, || {
            format!("journal row {seq} is not durable but its caller was told {verdict}")
        })?;
        let reused = matches!(outcome.result, Verdict::Denied(Denial::KeyReused));
        if !reused {
            demand(
                stored.as_deref() == Some(&verdict),
                "a reply says what the journal says",
                || format!("row {seq}: told {verdict}, stored {stored:?}"),
            )?;
            self.told.insert(seq, verdict.clone());
        }
        if let Some(idempotency) = idempotency {
            self.told_under(idempotency, seq, outcome.replayed, verdict, reused)?;
        }
        Ok(())
    }

    fn told_under(
        &mut self,
        idempotency: &Idempotency,
        journal_seq: u64,
        replayed: bool,
        verdict: String,
        reused: bool,
    ) -> Result<(), Broken> {
        let key = (idempotency.scope.clone(), idempotency.key.clone());
        let law = "a request under one key is run once";
        if verdict.contains("\"denial\":\"broken\"") {
            // Not recorded under its key: a repeat is run again.
            return Ok(());
        }
        let Some(known) = self.by_key.get(&key) else {
            // A denial as reused may come first: the first request can be durable unheard.
            if !reused {
                let body_hash = idempotency.body_hash.clone();
                let promise = Promise {
                    body_hash,
                    journal_seq,
                    verdict,
                };
                self.by_key.insert(key, promise);
            }
            return Ok(());
        };
        let same_body = known.body_hash == idempotency.body_hash;
        let expected = if same_body {
            replayed && !reused && known.journal_seq == journal_seq && known.verdict == verdict
        } else {
            reused
        };
        demand(expected, law, || {
            format!(
                "{key:?}: first {known:?}, then row {journal_seq}, replayed {replayed}, {verdict}"
            )
        })
    }

    /// After a recovery: everything that was told is still there.
    pub fn kept(&self, queries: &dyn Queries) -> Result<(), Broken> {
        for (seq, verdict) in &self.told {
            let stored = journal_outcome(queries, *seq)?;
            demand(
                stored.as_deref() == Some(verdict),
                "nothing acknowledged is lost",
                || format!("row {seq}: told {verdict}, now {stored:?}"),
            )?;
        }
        Ok(())
    }
}

fn journal_outcome(queries: &dyn Queries, seq: u64) -> Result<Option<String>, Broken> {
    let found = queries.journal_after(seq.saturating_sub(1), 1)?;
    Ok(found
        .into_iter()
        .next()
        .filter(|(row, _)| row.seq == seq)
        .map(|(row, _)| row.outcome))
}
