//! The shard's own reads, from the server that takes its writes.

use super::columns::{Id, Reading, clamped, storable};
use super::contents::read_contents;
use super::session::Session;
use super::sql;
use crate::batch::ShardHead;
use crate::contents::ContentRow;
use crate::record::RecordKey;
use crate::store::{Scan, StoreError, StoreReader, checked};
use ledger::{AccountId, AccountState, Row, TransferId};
use tokio_postgres::types::ToSql;

/// Rows of the tail read at a time.
const TAIL_PAGE: usize = 10_000;

/// Reads for the shard's thread.
pub(super) struct PostgresReader {
    session: Session,
    shard: i16,
}

impl PostgresReader {
    pub fn new(session: Session, shard: i16) -> PostgresReader {
        PostgresReader { session, shard }
    }
}

/// The shard's row, for reader and queries alike.
pub(super) fn read_head(
    session: &mut Session,
    shard: i16,
) -> Result<Option<ShardHead>, StoreError> {
    let place = || format!("table shard, shard {shard}");
    let row = session.row(&place(), sql::HEAD, &[&shard])?;
    row.map(|row| {
        Reading {
            row: &row,
            place: &place,
        }
        .head()
    })
    .transpose()
}

/// One ledger row with its check value.
pub(super) fn read_row(
    session: &mut Session,
    shard: i16,
    seq: u64,
) -> Result<Option<(Row, u32)>, StoreError> {
    if !storable(seq) {
        return Ok(None);
    }
    let place = || format!("table ledger, shard {shard}, seq {seq}");
    let row = session.row(&place(), sql::ROW, &[&shard, &clamped(seq)])?;
    row.map(|row| {
        Reading {
            row: &row,
            place: &place,
        }
        .ledger_row()
    })
    .transpose()
}

/// Names a ledger row.
pub(super) fn row_place(shard: i16) -> impl FnOnce(&Row) -> String {
    move |row| format!("table ledger, shard {shard}, seq {}", row.seq)
}

/// Ledger rows in sequence after one.
pub(super) fn read_rows_after(
    session: &mut Session,
    shard: i16,
    seq: u64,
    limit: usize,
) -> Result<Vec<(Row, u32)>, StoreError> {
    let place = || format!("table ledger, shard {shard}, after seq {seq}");
    let rows = session.rows(
        &place(),
        sql::ROWS_AFTER,
        &[&shard, &clamped(seq), &clamped(limit)],
    )?;
    rows.iter()
        .map(|row| Reading { row, place: &place }.ledger_row())
        .collect()
}

/// Runs an index scan; body and check value are wanted by lists only.
pub(super) fn read_scan(
    session: &mut Session,
    shard: i16,
    scan: &Scan,
    with_body: bool,
) -> Result<Vec<tokio_postgres::Row>, StoreError> {
    let limit = clamped(scan.limit);
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![&shard, &scan.kind, &scan.index, &scan.from, &scan.to];
    if let Some((value, key)) = &scan.after {
        parameters.push(value);
        parameters.push(key);
    }
    parameters.push(&limit);
    session.rows(&scan_place(scan), sql::scan(scan, with_body), &parameters)
}

pub(super) fn scan_place(scan: &Scan) -> String {
    format!("index {} of {}", scan.index, scan.kind)
}

/// What was asked at a place: `WITH ORDINALITY` counts from 1.
fn asked<T>(questions: &[T], place: u64) -> Option<&T> {
    questions.get(index_of(place)?)
}

fn index_of(place: u64) -> Option<usize> {
    usize::try_from(place).ok()?.checked_sub(1)
}

/// Puts an answer where its question stood.
fn put<T>(answers: &mut [Option<T>], place: u64, value: T) {
    if let Some(slot) = index_of(place).and_then(|index| answers.get_mut(index)) {
        *slot = Some(value);
    }
}

impl StoreReader for PostgresReader {
    fn head(&mut self) -> Result<Option<ShardHead>, StoreError> {
        read_head(&mut self.session, self.shard)
    }

    fn tail(
        &mut self,
        from: u64,
        each: &mut dyn FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        // Rows are only appended, so that pages read one after another are the whole.
        let mut after = from.saturating_sub(1);
        loop {
            let rows = read_rows_after(&mut self.session, self.shard, after, TAIL_PAGE)?;
            let last_page = rows.len() < TAIL_PAGE;
            for found in rows {
                after = found.0.seq;
                each(checked::row(found, row_place(self.shard))?)?;
            }
            if last_page {
                return Ok(());
            }
        }
    }

    fn records(&mut self, keys: &[RecordKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let place = || "table record".to_owned();
        let kinds: Vec<&str> = keys.iter().map(|key| key.kind).collect();
        let names: Vec<&str> = keys.iter().map(|key| &*key.key).collect();
        let rows = self
            .session
            .rows(&place(), sql::RECORDS, &[&self.shard, &kinds, &names])?;
        let mut bodies = vec![None; keys.len()];
        for row in &rows {
            let reading = Reading { row, place: &place };
            let number = reading.count(0)?;
            let Some(key) = asked(keys, number) else {
                continue;
            };
            let place = || {
                format!(
                    "table record, shard {}, {} {}",
                    self.shard, key.kind, key.key
                )
            };
            let reading = Reading { row, place: &place };
            let body = reading.get::<String>(1)?.into_bytes();
            checked::record((key.kind, &key.key), &body, reading.check(2)?, place)?;
            put(&mut bodies, number, body);
        }
        Ok(bodies)
    }

    fn accounts(&mut self, ids: &[AccountId]) -> Result<Vec<Option<AccountState>>, StoreError> {
        // A number that no column can hold is asked for as one that no account has.
        let numbers: Vec<i64> = ids
            .iter()
            .map(|id| i64::try_from(id.0).unwrap_or(-1))
            .collect();
        let rows = self
            .session
            .rows("table account", sql::ACCOUNTS, &[&self.shard, &numbers])?;
        let mut states = vec![None; ids.len()];
        for row in &rows {
            let number = row.try_get::<_, i64>(1).unwrap_or_default();
            let place = || format!("table account, shard {}, id {number}", self.shard);
            let reading = Reading { row, place: &place };
            let found = reading.account(1)?;
            checked::account(found.id, &found.state, found.check, place)?;
            put(&mut states, reading.count(0)?, found.state);
        }
        Ok(states)
    }

    fn transfer_seqs(&mut self, ids: &[TransferId]) -> Result<Vec<Option<u64>>, StoreError> {
        let place = || "table ledger by transfer id".to_owned();
        let numbers: Vec<Id> = ids.iter().map(|id| Id(id.0)).collect();
        let rows = self
            .session
            .rows(&place(), sql::TRANSFER_SEQS, &[&self.shard, &numbers])?;
        let mut seqs = vec![None; ids.len()];
        for row in &rows {
            let reading = Reading { row, place: &place };
            put(&mut seqs, reading.count(0)?, reading.count(1)?);
        }
        Ok(seqs)
    }

    fn row(&mut self, seq: u64) -> Result<Option<Row>, StoreError> {
        let found = read_row(&mut self.session, self.shard, seq)?;
        found
            .map(|found| checked::row(found, row_place(self.shard)))
            .transpose()
    }

    fn contents(&mut self, each: &mut dyn FnMut(ContentRow<'_>)) -> Result<(), StoreError> {
        read_contents(&mut self.session, self.shard, each).map(|_| ())
    }

    fn scan(&mut self, scan: &Scan) -> Result<Vec<(String, String)>, StoreError> {
        let place = || scan_place(scan);
        let rows = read_scan(&mut self.session, self.shard, scan, false)?;
        rows.iter()
            .map(|row| {
                let reading = Reading { row, place: &place };
                Ok((reading.get(0)?, reading.get(1)?))
            })
            .collect()
    }
}
