//! The one writing connection: a batch is one transaction of plain inserts in key order.

use super::lock::Lock;
use super::{StoreError, from_sqlite};
use crate::batch::{RecordChange, SealedBatch, ShardHead};
use crate::leaf;
use crate::store::StoreWriter;
use ledger::{Row, Touch};
use rusqlite::{Connection, Statement, params};
use std::path::Path;
use std::sync::Arc;

/// WAL pages after which their content is moved into the database file.
const CHECKPOINT_PAGES: u32 = 8_000;

/// Writes batches.
#[derive(Debug)]
pub struct SqliteWriter {
    connection: Connection,
    _lock: Option<Arc<Lock>>,
}

impl SqliteWriter {
    pub(super) fn open(path: &Path, lock: Option<Arc<Lock>>) -> Result<SqliteWriter, StoreError> {
        let place = "opening the writing connection";
        let connection = Connection::open(path).map_err(|error| from_sqlite(place, error))?;
        connection
            .execute_batch(&format!(
                "PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000; PRAGMA cache_size=-131072; \
                 PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}; PRAGMA temp_store=MEMORY; PRAGMA locking_mode=NORMAL;"
            ))
            .map_err(|error| from_sqlite(place, error))?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(SqliteWriter {
            connection,
            _lock: lock,
        })
    }

    fn write(&self, batch: &SealedBatch) -> rusqlite::Result<()> {
        self.write_ledger(batch)?;
        self.write_journal(batch)?;
        self.write_accounts(batch)?;
        self.write_records(&batch.records)?;
        let mut secret = self
            .connection
            .prepare_cached("INSERT INTO secret(id,nonce,cipher_text) VALUES(?1,?2,?3)")?;
        for entry in &batch.secrets {
            secret.execute(params![entry.id, entry.nonce, entry.cipher_text])?;
        }
        let head = &batch.head;
        self.connection
            .prepare_cached("INSERT INTO batch(seq,last_journal,last_ledger,root,head_hash) VALUES(?1,?2,?3,?4,?5)")?
            .execute(params![head.batch_seq, head.journal_seq, head.ledger_seq, batch.root, head.head_hash])?;
        if let Some(contents) = &head.contents {
            self.connection
                .prepare_cached("INSERT INTO contents(batch,sums) VALUES(?1,?2)")?
                .execute(params![head.batch_seq, contents.to_bytes()])?;
        }
        Ok(())
    }

    fn write_ledger(&self, batch: &SealedBatch) -> rusqlite::Result<()> {
        let mut insert = self.connection.prepare_cached(concat!(
            "INSERT INTO ledger VALUES",
            "(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24)"
        ))?;
        for (row, check) in &batch.rows {
            insert_row(&mut insert, row, *check)?;
        }
        let mut id = self
            .connection
            .prepare_cached("INSERT INTO transfer_id(id,seq) VALUES(?1,?2)")?;
        for (row, _) in &batch.rows {
            if row.id != 0 {
                id.raw_bind_parameter(1, row.id.to_be_bytes())?;
                id.raw_bind_parameter(2, row.seq)?;
                id.raw_execute()?;
            }
        }
        Ok(())
    }

    fn write_journal(&self, batch: &SealedBatch) -> rusqlite::Result<()> {
        let mut insert = self
            .connection
            .prepare_cached("INSERT INTO journal VALUES(?1,?2,?3,?4,?5,?6,?7,?8)")?;
        for (row, check) in &batch.journal {
            insert.execute(params![
                row.seq,
                row.at.as_millisecond(),
                row.principal,
                row.role,
                row.command,
                row.outcome,
                row.last_ledger_seq,
                check
            ])?;
        }
        Ok(())
    }

    fn write_accounts(&self, batch: &SealedBatch) -> rusqlite::Result<()> {
        let mut open = self
            .connection
            .prepare_cached("INSERT INTO account VALUES(?1,?2,?3,?4,?5,0,0,0,0,0,0,0,0,0)")?;
        for (id, new) in &batch.opened {
            open.execute(params![
                id.0,
                new.name,
                new.kind.code(),
                new.currency.numeric(),
                new.may_go_negative
            ])?;
        }
        let mut update = self.connection.prepare_cached(
            "UPDATE account SET closed=?2,debits=?3,credits=?4,held_d=?5,held_c=?6,head_seq=?7,day_seq=?8,day=?9,chk=?10 WHERE id=?1",
        )?;
        for (id, state) in &batch.accounts {
            update.execute(params![
                id.0,
                state.closed,
                state.debits_posted,
                state.credits_posted,
                state.debits_held,
                state.credits_held,
                state.head_seq,
                state.day_seq,
                state.day.to_yyyymmdd(),
                leaf::account_check(*id, state)
            ])?;
        }
        Ok(())
    }

    fn write_records(&self, records: &[RecordChange]) -> rusqlite::Result<()> {
        let mut upsert = self.connection.prepare_cached(
            "INSERT INTO record(kind,key,body,chk) VALUES(?1,?2,?3,?4) \
             ON CONFLICT(kind,key) DO UPDATE SET body=excluded.body,chk=excluded.chk",
        )?;
        let mut delete = self
            .connection
            .prepare_cached("DELETE FROM record WHERE kind=?1 AND key=?2")?;
        let mut unindex = self.connection.prepare_cached(
            "DELETE FROM record_index WHERE kind=?1 AND name=?2 AND value=?3 AND key=?4",
        )?;
        let mut index = self.connection.prepare_cached(
            "INSERT OR IGNORE INTO record_index(kind,name,value,key) VALUES(?1,?2,?3,?4)",
        )?;
        for change in records {
            let (kind, key) = (change.key.kind, &*change.key.key);
            match &change.body {
                Some(body) => {
                    let text = std::str::from_utf8(body)
                        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
                    upsert.execute(params![kind, key, text, change.check])?;
                }
                None => {
                    delete.execute(params![kind, key])?;
                }
            }
            for (name, value) in &change.removed {
                unindex.execute(params![kind, name, value, key])?;
            }
            for (name, value) in &change.added {
                index.execute(params![kind, name, value, key])?;
            }
        }
        Ok(())
    }

    /// Last statement before COMMIT: exactly one row, or another writer was here.
    fn write_head(&self, head: &ShardHead) -> rusqlite::Result<usize> {
        if head.batch_seq == 1 {
            self.connection.execute(
                "INSERT OR IGNORE INTO shard VALUES(0,0,0,0,1,0,0,zeroblob(16),0,0,zeroblob(32))",
                [],
            )?;
        }
        self.connection
            .prepare_cached(
                "UPDATE shard SET batch_seq=?1,journal_seq=?2,ledger_seq=?3,low_seq=?4,last_account=?5,transfers=?6,\
                 greatest_id=?7,now_ms=?8,business_date=?9,head_hash=?10 WHERE id=0 AND batch_seq=?1-1",
            )?
            .execute(params![
                head.batch_seq,
                head.journal_seq,
                head.ledger_seq,
                head.low_seq,
                head.last_account,
                head.transfers,
                head.greatest_id.to_be_bytes(),
                head.now.as_millisecond(),
                head.business_date.to_yyyymmdd(),
                head.head_hash
            ])
    }
}

fn insert_row(insert: &mut Statement<'_>, row: &Row, check: u32) -> rusqlite::Result<()> {
    insert.raw_bind_parameter(1, row.seq)?;
    insert.raw_bind_parameter(2, row.kind.code())?;
    insert.raw_bind_parameter(3, (row.id != 0).then(|| row.id.to_be_bytes()))?;
    insert.raw_bind_parameter(4, (row.hold != 0).then(|| row.hold.to_be_bytes()))?;
    insert.raw_bind_parameter(5, row.amount)?;
    insert.raw_bind_parameter(6, row.date.to_yyyymmdd())?;
    insert.raw_bind_parameter(7, row.code)?;
    insert.raw_bind_parameter(8, row.attributes)?;
    insert.raw_bind_parameter(9, row.reference.as_deref())?;
    bind_touch(insert, 10, &row.debit)?;
    bind_touch(insert, 17, &row.credit)?;
    insert.raw_bind_parameter(24, check)?;
    insert.raw_execute()?;
    Ok(())
}

fn bind_touch(insert: &mut Statement<'_>, first: usize, touch: &Touch) -> rusqlite::Result<()> {
    insert.raw_bind_parameter(first, touch.account)?;
    insert.raw_bind_parameter(first + 1, touch.debits_posted)?;
    insert.raw_bind_parameter(first + 2, touch.credits_posted)?;
    insert.raw_bind_parameter(first + 3, touch.debits_held)?;
    insert.raw_bind_parameter(first + 4, touch.credits_held)?;
    insert.raw_bind_parameter(first + 5, touch.prev_seq)?;
    insert.raw_bind_parameter(first + 6, touch.prev_day_seq)?;
    Ok(())
}

impl StoreWriter for SqliteWriter {
    fn commit(&mut self, batch: &SealedBatch) -> Result<(), StoreError> {
        let place = format!("writing batch {}", batch.head.batch_seq);
        self.connection
            .execute_batch("BEGIN IMMEDIATE")
            .map_err(|error| from_sqlite(&place, error))?;
        let written = self
            .write(batch)
            .and_then(|()| self.write_head(&batch.head));
        let result = match written {
            Ok(1) => self
                .connection
                .execute_batch("COMMIT")
                .map_err(|error| from_sqlite(&place, error)),
            Ok(_) => Err(StoreError::Unavailable(format!(
                "{place}: the book was written by another process"
            ))),
            Err(error) => Err(from_sqlite(&place, error)),
        };
        if result.is_err() {
            // A failed rollback changes nothing: the connection is given up with the shard.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        result
    }
}
