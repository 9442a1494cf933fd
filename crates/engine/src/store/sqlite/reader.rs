//! The shard's own reads.

use super::columns::{self, named};
use super::contents::read_contents;
use super::lock::Lock;
use super::{StoreError, open_read_only};
use crate::batch::ShardHead;
use crate::contents::ContentRow;
use crate::record::RecordKey;
use crate::store::{Scan, StoreReader, checked};
use ledger::{AccountId, AccountState, Row, TransferId};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::path::Path;
use std::sync::Arc;

/// Reads for the shard's thread.
#[derive(Debug)]
pub struct SqliteReader {
    connection: Connection,
    _lock: Option<Arc<Lock>>,
}

impl SqliteReader {
    pub(super) fn open(path: &Path, lock: Option<Arc<Lock>>) -> Result<SqliteReader, StoreError> {
        let connection = open_read_only(path)?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(SqliteReader {
            connection,
            _lock: lock,
        })
    }
}

/// One reading transaction for several look-ups: by itself each would lock and unlock the file,
/// which costs more than finding a row. Ends when dropped.
fn snapshot(
    connection: &Connection,
    look_ups: usize,
) -> Result<Option<Transaction<'_>>, StoreError> {
    if look_ups < 3 {
        return Ok(None);
    }
    let begun = connection.unchecked_transaction();
    named(|| "a reading transaction".to_owned(), begun.map(Some))
}

/// The shard's row, for reader and queries alike.
pub(super) fn read_head(connection: &Connection) -> Result<Option<ShardHead>, StoreError> {
    let sql = format!("SELECT {} FROM shard WHERE id=0", columns::SHARD);
    named(
        || "table shard".into(),
        connection
            .prepare_cached(&sql)
            .and_then(|mut select| select.query_row([], columns::head).optional()),
    )
}

/// One ledger row with its check value.
pub(super) fn read_row(
    connection: &Connection,
    seq: u64,
) -> Result<Option<(Row, u32)>, StoreError> {
    if !columns::storable(seq) {
        return Ok(None);
    }
    let sql = format!("SELECT {} FROM ledger WHERE seq=?1", columns::LEDGER);
    named(
        || format!("table ledger, seq {seq}"),
        connection
            .prepare_cached(&sql)
            .and_then(|mut select| select.query_row([seq], columns::ledger_row).optional()),
    )
}

/// Names a ledger row.
pub(super) fn row_place(row: &Row) -> String {
    format!("table ledger, seq {}", row.seq)
}

/// Builds an index scan; body and check value are wanted by lists only.
pub(super) fn scan_sql(scan: &Scan, with_body: bool) -> String {
    let body = if with_body { ",r.body,r.chk" } else { "" };
    let join = if with_body {
        " JOIN record r ON r.kind=i.kind AND r.key=i.key"
    } else {
        ""
    };
    let (after, order) = match (scan.after.is_some(), scan.descending) {
        (true, false) => (" AND (i.value,i.key)>(?5,?6)", "i.value,i.key"),
        (true, true) => (" AND (i.value,i.key)<(?5,?6)", "i.value DESC,i.key DESC"),
        (false, false) => ("", "i.value,i.key"),
        (false, true) => ("", "i.value DESC,i.key DESC"),
    };
    format!(
        "SELECT i.value,i.key{body} FROM record_index i{join} \
         WHERE i.kind=?1 AND i.name=?2 AND i.value>=?3 AND i.value<?4{after} ORDER BY {order} LIMIT {}",
        columns::clamped(scan.limit)
    )
}

impl StoreReader for SqliteReader {
    fn head(&mut self) -> Result<Option<ShardHead>, StoreError> {
        read_head(&self.connection)
    }

    fn tail(
        &mut self,
        from: u64,
        each: &mut dyn FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT {} FROM ledger WHERE seq>=?1 ORDER BY seq",
            columns::LEDGER
        );
        let place = || "table ledger".to_owned();
        let mut select = named(place, self.connection.prepare_cached(&sql))?;
        let mut rows = named(place, select.query([columns::clamped(from)]))?;
        while let Some(row) = named(place, rows.next())? {
            let found = named(place, columns::ledger_row(row))?;
            each(checked::row(found, row_place)?)?;
        }
        Ok(())
    }

    fn records(&mut self, keys: &[RecordKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let place = || "table record".to_owned();
        let _snapshot = snapshot(&self.connection, keys.len())?;
        let mut select = named(
            place,
            self.connection
                .prepare_cached("SELECT body,chk FROM record WHERE kind=?1 AND key=?2"),
        )?;
        let mut bodies = Vec::with_capacity(keys.len());
        for key in keys {
            let place = || format!("table record, {} {}", key.kind, key.key);
            let found = select
                .query_row(params![key.kind, &*key.key], columns::body_and_check)
                .optional();
            let found = named(place, found)?;
            if let Some((body, check)) = &found {
                checked::record((key.kind, &key.key), body, *check, place)?;
            }
            bodies.push(found.map(|(body, _)| body));
        }
        Ok(bodies)
    }

    fn accounts(&mut self, ids: &[AccountId]) -> Result<Vec<Option<AccountState>>, StoreError> {
        let _snapshot = snapshot(&self.connection, ids.len())?;
        let sql = format!("SELECT {} FROM account WHERE id=?1", columns::ACCOUNT);
        let mut select = named(
            || "table account".to_owned(),
            self.connection.prepare_cached(&sql),
        )?;
        let mut states = Vec::with_capacity(ids.len());
        for id in ids {
            if !columns::storable(id.0) {
                states.push(None);
                continue;
            }
            let place = || format!("table account, id {}", id.0);
            let found = select.query_row([id.0], columns::account).optional();
            let found = named(place, found)?;
            if let Some((_, _, state, check)) = &found {
                checked::account(*id, state, *check, place)?;
            }
            states.push(found.map(|(_, _, state, _)| state));
        }
        Ok(states)
    }

    fn transfer_seqs(&mut self, ids: &[TransferId]) -> Result<Vec<Option<u64>>, StoreError> {
        let place = || "table transfer_id".to_owned();
        let _snapshot = snapshot(&self.connection, ids.len())?;
        let mut select = named(
            place,
            self.connection
                .prepare_cached("SELECT seq FROM transfer_id WHERE id=?1"),
        )?;
        let mut seqs = Vec::with_capacity(ids.len());
        for id in ids {
            seqs.push(named(
                place,
                select
                    .query_row([id.0.to_be_bytes()], |row| row.get(0))
                    .optional(),
            )?);
        }
        Ok(seqs)
    }

    fn row(&mut self, seq: u64) -> Result<Option<Row>, StoreError> {
        let found = read_row(&self.connection, seq)?;
        found
            .map(|found| checked::row(found, row_place))
            .transpose()
    }

    fn contents(&mut self, each: &mut dyn FnMut(ContentRow<'_>)) -> Result<(), StoreError> {
        read_contents(&self.connection, each).map(|_| ())
    }

    fn scan(&mut self, scan: &Scan) -> Result<Vec<(String, String)>, StoreError> {
        let place = || format!("index {} of {}", scan.index, scan.kind);
        let mut select = named(
            place,
            self.connection.prepare_cached(&scan_sql(scan, false)),
        )?;
        let rows = match &scan.after {
            Some((value, key)) => select
                .query_map(
                    params![scan.kind, scan.index, scan.from, scan.to, value, key],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .and_then(Iterator::collect),
            None => select
                .query_map(params![scan.kind, scan.index, scan.from, scan.to], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .and_then(Iterator::collect),
        };
        named(place, rows)
    }
}
