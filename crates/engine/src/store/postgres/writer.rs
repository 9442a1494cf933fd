//! The writing connection: a batch is one transaction, sent without waiting for answers in between.
//!
//! Once BEGIN is answered, everything is asked for before anything else is: two COPYs, a few statements over arrays,
//! the fence, COMMIT. After a first failure the server refuses what follows, and COMMIT finds nothing to commit.

use super::columns::Id;
use super::copy::{Encoder, TooGreat};
use super::error::{first_failure, is_fence, without_effect};
use super::session::{Session, warned};
use super::shard::Holding;
use super::sql;
use crate::batch::SealedBatch;
use crate::leaf;
use crate::store::{StoreError, StoreWriter};
use bytes::Bytes;
use futures_util::future::{MaybeDone, join_all, maybe_done};
use futures_util::{FutureExt, SinkExt};
use ledger::AccountState;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Statement};

/// Encoded size of a ledger row, about.
const LEDGER_ROW_BYTES: usize = 280;

/// Writes batches.
pub(super) struct PostgresWriter {
    holding: Arc<Holding>,
    session: Session,
    backend: i32,
    statements: Statements,
}

/// What every batch may need, prepared once.
struct Statements {
    copy_ledger: Statement,
    copy_journal: Statement,
    open: Statement,
    sweep: Statement,
    put: Statement,
    delete: Statement,
    unindex: Statement,
    index: Statement,
    secrets: Statement,
    batch: Statement,
    contents: Statement,
    fence: Statement,
}

impl PostgresWriter {
    pub fn open(holding: Arc<Holding>) -> Result<PostgresWriter, StoreError> {
        let place = "opening the writing connection";
        let mut session = holding.writing_session()?;
        let backend = session
            .row(place, sql::BACKEND, &[])?
            .and_then(|row| row.try_get(0).ok())
            .unwrap_or_default();
        session.rows(place, sql::COMPRESS, &[])?;
        let mut prepare = |text| session.prepare(place, text);
        let statements = Statements {
            copy_ledger: prepare(sql::COPY_LEDGER)?,
            copy_journal: prepare(sql::COPY_JOURNAL)?,
            open: prepare(sql::OPEN_ACCOUNTS)?,
            sweep: prepare(sql::SWEEP_ACCOUNTS)?,
            put: prepare(sql::PUT_RECORDS)?,
            delete: prepare(sql::DELETE_RECORDS)?,
            unindex: prepare(sql::UNINDEX)?,
            index: prepare(sql::INDEX)?,
            secrets: prepare(sql::PUT_SECRETS)?,
            batch: prepare(sql::PUT_BATCH)?,
            contents: prepare(sql::PUT_CONTENTS)?,
            fence: prepare(sql::FENCE)?,
        };
        Ok(PostgresWriter {
            holding,
            session,
            backend,
            statements,
        })
    }

    /// Sends the whole transaction; the answers in the order of the statements.
    fn send(
        &self,
        batch: &SealedBatch,
        rows: &Rows<'_>,
    ) -> Result<Option<Vec<Result<u64, Error>>>, StoreError> {
        let client = self.session.client();
        let of = &self.statements;
        let shard = &self.holding.number();
        let head = &batch.head;
        let mut steps: Vec<Step<'_>> = Vec::with_capacity(12);
        if let Some(bytes) = &rows.ledger {
            steps.push(copy(client, &of.copy_ledger, bytes));
        }
        if let Some(bytes) = &rows.journal {
            steps.push(copy(client, &of.copy_journal, bytes));
        }
        for (statement, columns) in [
            (&of.open, &rows.opened.0),
            (&of.sweep, &rows.swept.0),
            (&of.delete, &rows.deleted.0),
            (&of.put, &rows.put.0),
            (&of.unindex, &rows.unindexed.0),
            (&of.index, &rows.indexed.0),
            (&of.secrets, &rows.secrets.0),
        ] {
            if !columns.is_empty() {
                steps.push(over(client, statement, shard, columns));
            }
        }
        let numbers = [
            head.batch_seq,
            head.journal_seq,
            head.ledger_seq,
            head.low_seq,
            head.last_account,
            head.transfers,
            self.holding.epoch(),
        ]
        .map(u64::cast_signed);
        let [seq, journal, ledger, low, account, transfers, epoch] = &numbers;
        let (root, hash) = (batch.root.as_slice(), head.head_hash.as_slice());
        let greatest = Id(head.greatest_id);
        let (now, date) = (head.now.as_millisecond(), head.business_date.to_yyyymmdd());
        let noted: [&(dyn ToSql + Sync); 6] = [shard, seq, journal, ledger, &root, &hash];
        let fence: [&(dyn ToSql + Sync); 12] = [
            shard, epoch, seq, journal, ledger, low, account, transfers, &greatest, &now, &date,
            &hash,
        ];
        let sums = head.contents.map(|contents| contents.to_bytes());
        let sums = sums.as_ref().map(|sums| sums.as_slice());
        let summed: Option<[&(dyn ToSql + Sync); 3]> = sums
            .as_ref()
            .map(|sums| [shard as &(dyn ToSql + Sync), seq, sums]);
        steps.push(client.execute(&of.batch, &noted).boxed());
        if let Some(summed) = &summed {
            steps.push(client.execute(&of.contents, summed).boxed());
        }
        steps.push(client.execute(&of.fence, &fence).boxed());
        steps.push(script(client, "COMMIT"));
        let all = async {
            // Behind a BEGIN that failed, every statement would commit by itself, with or without the fence.
            match client.batch_execute("BEGIN").await {
                Ok(()) => pipelined(steps).await,
                Err(error) => vec![Err(error)],
            }
        };
        let patience = self.holding.commit_max();
        self.session
            .block(async { tokio::time::timeout(patience, all).await.ok() })
    }

    /// What a transaction that the server undid means: who is not the holder any more learns it here.
    fn undone(&self, place: &str, error: &Error, seq: u64) -> StoreError {
        let now = match self.holding.place() {
            Ok(now) => now,
            Err(error) => return error,
        };
        if let Some(fenced) = self.holding.fenced(&now) {
            return fenced;
        }
        if is_fence(error) || now.batch_seq + 1 != seq {
            return StoreError::Unavailable(format!(
                "{place}: the book is at batch {}, not at {}",
                now.batch_seq,
                seq.saturating_sub(1)
            ));
        }
        super::error::from_postgres(place, error)
    }
}

impl StoreWriter for PostgresWriter {
    fn commit(&mut self, batch: &SealedBatch) -> Result<(), StoreError> {
        let seq = batch.head.batch_seq;
        let place = format!("writing batch {seq}");
        let rows = Rows::of(batch, self.holding.number())
            .map_err(|problem| StoreError::Refused(format!("{place}: {problem}")))?;
        self.session.take_warning();
        let Some(answers) = self.send(batch, &rows)? else {
            self.holding.suspect(self.backend);
            return Err(StoreError::Unavailable(format!(
                "{place}: the database did not answer in time"
            )));
        };
        let Some(error) = first_failure(answers) else {
            // Whose wait for the standby was cancelled is answered as committed, with a warning before the answer.
            return match self.session.take_warning() {
                None => Ok(()),
                Some(warning) => Err(warned(&place, &warning)),
            };
        };
        if without_effect(&error) {
            return Err(self.undone(&place, &error, seq));
        }
        self.holding.suspect(self.backend);
        // Whoever takes the shard over ends its earlier writers' sessions.
        let now = self.holding.place().ok();
        Err(now
            .and_then(|now| self.holding.fenced(&now))
            .unwrap_or_else(|| super::error::from_postgres(&place, &error)))
    }
}

/// Begins the steps in order, each behind the one before it, then waits for all their answers. A step that could
/// not even be sent is the last: COMMIT must never travel without the fence before it.
async fn pipelined(steps: Vec<Step<'_>>) -> Vec<Result<u64, Error>> {
    let mut begun: Vec<MaybeDone<Step<'_>>> = Vec::with_capacity(steps.len());
    for step in steps {
        let mut step = maybe_done(step);
        // Only begun: what it waits for is seen below.
        let _ = futures_util::poll!(&mut step);
        let unsent = matches!(Pin::new(&mut step).output_mut(), Some(Err(_)));
        begun.push(step);
        if unsent {
            break;
        }
    }
    join_all(begun.iter_mut()).await;
    begun
        .iter_mut()
        .filter_map(|step| Pin::new(step).take_output())
        .collect()
}

type Step<'a> = Pin<Box<dyn Future<Output = Result<u64, Error>> + Send + 'a>>;

fn script<'a>(client: &'a Client, text: &'a str) -> Step<'a> {
    Box::pin(async move { client.batch_execute(text).await.map(|()| 0) })
}

fn copy<'a>(client: &'a Client, statement: &'a Statement, bytes: &'a Bytes) -> Step<'a> {
    Box::pin(async move {
        let mut sink = pin!(client.copy_in(statement).await?);
        sink.send(bytes.clone()).await?;
        sink.finish().await
    })
}

/// A statement over arrays, one a column, with the shard before them.
fn over<'a>(
    client: &'a Client,
    statement: &'a Statement,
    shard: &'a i16,
    columns: &'a [Box<dyn ToSql + Send + Sync + 'a>],
) -> Step<'a> {
    Box::pin(async move {
        let mut parameters: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(columns.len() + 1);
        parameters.push(shard);
        parameters.extend(
            columns
                .iter()
                .map(|column| &**column as &(dyn ToSql + Sync)),
        );
        client.execute(statement, &parameters).await
    })
}

/// Columns of one statement; empty when it has no rows.
#[derive(Default)]
struct Columns<'a>(Vec<Box<dyn ToSql + Send + Sync + 'a>>);

impl<'a> Columns<'a> {
    fn add<T: ToSql + Send + Sync + 'a>(&mut self, column: Vec<T>) -> &mut Self {
        if !column.is_empty() {
            self.0.push(Box::new(column));
        }
        self
    }
}

/// A batch in the database's forms.
struct Rows<'a> {
    ledger: Option<Bytes>,
    journal: Option<Bytes>,
    opened: Columns<'a>,
    swept: Columns<'a>,
    put: Columns<'a>,
    deleted: Columns<'a>,
    unindexed: Columns<'a>,
    indexed: Columns<'a>,
    secrets: Columns<'a>,
}

impl<'a> Rows<'a> {
    fn of(batch: &'a SealedBatch, shard: i16) -> Result<Rows<'a>, String> {
        let great = |TooGreat(number)| format!("{number} is greater than a column can hold");
        let mut rows = Rows {
            ledger: ledger(batch, shard).transpose().map_err(great)?,
            journal: journal(batch, shard).transpose().map_err(great)?,
            opened: Columns::default(),
            swept: Columns::default(),
            put: Columns::default(),
            deleted: Columns::default(),
            unindexed: Columns::default(),
            indexed: Columns::default(),
            secrets: Columns::default(),
        };
        rows.add_accounts(batch);
        rows.add_records(batch)?;
        let secrets = &batch.secrets;
        rows.secrets
            .add(secrets.iter().map(|s| s.id.as_str()).collect())
            .add(secrets.iter().map(|s| s.nonce.as_slice()).collect())
            .add(secrets.iter().map(|s| s.cipher_text.as_slice()).collect());
        Ok(rows)
    }

    /// Opened accounts are inserted with their first checkpoint; the others' rows are replaced.
    fn add_accounts(&mut self, batch: &'a SealedBatch) {
        let mut first: hashbrown::HashMap<u64, AccountState, rustc_hash::FxBuildHasher> =
            hashbrown::HashMap::default();
        for (id, new) in &batch.opened {
            first.insert(id.0, AccountState::opened(new, 0, batch.head.business_date));
        }
        let mut swept = Vec::with_capacity(batch.accounts.len());
        for (id, state) in &batch.accounts {
            match first.get_mut(&id.0) {
                Some(opened) => *opened = *state,
                None => swept.push((id.0, *state)),
            }
        }
        let opened: Vec<(u64, AccountState)> = batch
            .opened
            .iter()
            .filter_map(|(id, _)| Some((id.0, *first.get(&id.0)?)))
            .collect();
        self.opened
            .add(opened.iter().map(|(id, _)| id.cast_signed()).collect())
            .add(
                opened
                    .iter()
                    .map(|(_, s)| i16::from(s.kind.code()))
                    .collect(),
            )
            .add(
                opened
                    .iter()
                    .map(|(_, s)| i32::from(s.currency.numeric()))
                    .collect(),
            )
            .add(opened.iter().map(|(_, s)| s.may_go_negative).collect());
        checkpoints(&mut self.opened, &opened);
        self.opened.add(
            batch
                .opened
                .iter()
                .map(|(_, new)| new.name.as_str())
                .collect(),
        );
        self.swept
            .add(swept.iter().map(|(id, _)| id.cast_signed()).collect());
        checkpoints(&mut self.swept, &swept);
    }

    fn add_records(&mut self, batch: &'a SealedBatch) -> Result<(), String> {
        let mut put = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut deleted = (Vec::new(), Vec::new());
        let (mut removed, mut added) = (Entries::default(), Entries::default());
        for change in &batch.records {
            let (kind, key) = (change.key.kind, &*change.key.key);
            match &change.body {
                Some(body) => {
                    let text = std::str::from_utf8(body)
                        .map_err(|error| format!("{kind} {key} is no text: {error}"))?;
                    put.0.push(kind);
                    put.1.push(key);
                    put.2.push(text);
                    put.3.push(change.check.cast_signed());
                }
                None => {
                    deleted.0.push(kind);
                    deleted.1.push(key);
                }
            }
            for (name, value) in &change.removed {
                removed.push(kind, name, value, key);
            }
            for (name, value) in &change.added {
                added.push(kind, name, value, key);
            }
        }
        self.put.add(put.0).add(put.1).add(put.2).add(put.3);
        self.deleted.add(deleted.0).add(deleted.1);
        removed.into_columns(&mut self.unindexed);
        added.into_columns(&mut self.indexed);
        Ok(())
    }
}

/// The columns that a checkpoint has in both statements.
fn checkpoints<'a>(columns: &mut Columns<'a>, states: &[(u64, AccountState)]) {
    columns
        .add(states.iter().map(|(_, s)| s.closed).collect())
        .add(states.iter().map(|(_, s)| s.debits_posted).collect())
        .add(states.iter().map(|(_, s)| s.credits_posted).collect())
        .add(states.iter().map(|(_, s)| s.debits_held).collect())
        .add(states.iter().map(|(_, s)| s.credits_held).collect())
        .add(
            states
                .iter()
                .map(|(_, s)| s.head_seq.cast_signed())
                .collect(),
        )
        .add(
            states
                .iter()
                .map(|(_, s)| s.day_seq.cast_signed())
                .collect(),
        )
        .add(states.iter().map(|(_, s)| s.day.to_yyyymmdd()).collect())
        .add(
            states
                .iter()
                .map(|(id, s)| leaf::account_check(ledger::AccountId(*id), s).cast_signed())
                .collect(),
        );
}

/// Index entries as columns.
#[derive(Default)]
struct Entries<'a> {
    kinds: Vec<&'a str>,
    names: Vec<&'a str>,
    values: Vec<&'a str>,
    keys: Vec<&'a str>,
}

impl<'a> Entries<'a> {
    fn push(&mut self, kind: &'a str, name: &'a str, value: &'a str, key: &'a str) {
        self.kinds.push(kind);
        self.names.push(name);
        self.values.push(value);
        self.keys.push(key);
    }

    fn into_columns(self, columns: &mut Columns<'a>) {
        columns
            .add(self.kinds)
            .add(self.names)
            .add(self.values)
            .add(self.keys);
    }
}

fn ledger(batch: &SealedBatch, shard: i16) -> Option<Result<Bytes, TooGreat>> {
    let rows = &batch.rows;
    let mut encoder =
        (!rows.is_empty()).then(|| Encoder::new(shard, rows.len() * LEDGER_ROW_BYTES))?;
    for (row, check) in rows {
        encoder.ledger(row, *check);
    }
    Some(encoder.finish())
}

fn journal(batch: &SealedBatch, shard: i16) -> Option<Result<Bytes, TooGreat>> {
    let rows = &batch.journal;
    let size = rows
        .iter()
        .map(|(row, _)| {
            100 + row.principal.len() + row.role.len() + row.command.len() + row.outcome.len()
        })
        .sum();
    let mut encoder = (!rows.is_empty()).then(|| Encoder::new(shard, size))?;
    for (row, check) in rows {
        encoder.journal(row, *check);
    }
    Some(encoder.finish())
}

#[cfg(test)]
mod tests {
    use super::{Step, pipelined};
    use futures_util::FutureExt;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A COMMIT without the fence before it would let anybody write.
    #[test]
    fn nothing_is_sent_behind_a_step_that_could_not_be_sent() {
        let unsent = "colour=red".parse::<tokio_postgres::Config>().err();
        let unsent = unsent.map_or(Ok(0), Err);
        let committed = AtomicBool::new(false);
        let commit = async {
            committed.store(true, Ordering::Relaxed);
            Ok(0)
        };
        let steps: Vec<Step<'_>> = vec![
            std::future::ready(Ok(7)).boxed(),
            std::future::ready(unsent).boxed(),
            commit.boxed(),
        ];
        let answers = pipelined(steps).now_or_never().unwrap_or_default();
        let answers: Vec<Option<u64>> = answers.into_iter().map(Result::ok).collect();
        assert_eq!(answers, [Some(7), None]);
        assert!(!committed.load(Ordering::Relaxed));
    }
}
