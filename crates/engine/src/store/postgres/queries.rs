//! Reads for lists, reports and verification, from connections that all shards of a book share.

use super::columns::{Id, Reading, clamped, storable};
use super::contents::read_contents;
use super::reader::{read_head, read_row, read_rows_after, read_scan, row_place, scan_place};
use super::session::Parameters;
use super::shard::column;
use super::{Pool, sql};
use crate::batch::{JournalRow, SealedSecret, ShardHead};
use crate::contents::ContentRow;
use crate::ids::ShardCode;
use crate::store::{Found, Queries, Scan, StoreError, StoredAccount, StoredBatch, checked};
use ledger::{AccountId, Row, TransferId};
use std::sync::Arc;

/// Lists and reports of one shard.
pub(super) struct PostgresQueries {
    pool: Arc<Pool>,
    shard: i16,
}

impl PostgresQueries {
    pub fn new(pool: Arc<Pool>, shard: ShardCode) -> PostgresQueries {
        PostgresQueries {
            pool,
            shard: column(shard),
        }
    }

    fn all<T>(
        &self,
        place: &str,
        sql: &'static str,
        parameters: &Parameters<'_>,
        read: impl Fn(&Reading<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = self
            .pool
            .with(|session| session.rows(place, sql, parameters))?;
        let place = || place.to_owned();
        rows.iter()
            .map(|row| read(&Reading { row, place: &place }))
            .collect()
    }

    fn one<T>(
        &self,
        place: &str,
        sql: &'static str,
        parameters: &Parameters<'_>,
        read: impl Fn(&Reading<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.all(place, sql, parameters, read)?.pop())
    }
}

impl Queries for PostgresQueries {
    fn head(&self) -> Result<Option<ShardHead>, StoreError> {
        self.pool.with(|session| read_head(session, self.shard))
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let place = format!("table record, shard {}, {kind} {key}", self.shard);
        self.one(&place, sql::RECORD, &[&self.shard, &kind, &key], |row| {
            let body = row.get::<String>(0)?.into_bytes();
            checked::record((kind, key), &body, row.check(1)?, || place.clone())?;
            Ok(body)
        })
    }

    fn list(&self, scan: &Scan) -> Result<Vec<Found>, StoreError> {
        let rows = self
            .pool
            .with(|session| read_scan(session, self.shard, scan, true))?;
        let place = || scan_place(scan);
        rows.iter()
            .map(|row| {
                let reading = Reading { row, place: &place };
                Ok(Found {
                    value: reading.get(0)?,
                    key: reading.get(1)?,
                    body: reading.get::<String>(2)?.into_bytes(),
                    check: reading.check(3)?,
                })
            })
            .collect()
    }

    fn records_after(
        &self,
        kind: &str,
        key: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>, u32)>, StoreError> {
        self.all(
            &format!("table record, {kind} after {key}"),
            sql::RECORDS_AFTER,
            &[&self.shard, &kind, &key, &clamped(limit)],
            |row| {
                Ok((
                    row.get(0)?,
                    row.get::<String>(1)?.into_bytes(),
                    row.check(2)?,
                ))
            },
        )
    }

    fn kinds(&self) -> Result<Vec<String>, StoreError> {
        let mut kinds: Vec<String> = Vec::new();
        loop {
            let last = kinds.last().cloned().unwrap_or_default();
            let next = self.one(
                "table record",
                sql::NEXT_KIND,
                &[&self.shard, &last],
                |row| row.get(0),
            )?;
            match next {
                Some(kind) => kinds.push(kind),
                None => return Ok(kinds),
            }
        }
    }

    fn contents(
        &self,
        each: &mut dyn FnMut(ContentRow<'_>),
    ) -> Result<Option<ShardHead>, StoreError> {
        // A connection of its own: what was read once must not be read again on another.
        let mut session = self.pool.open()?;
        read_contents(&mut session, self.shard, each)
    }

    fn accounts_after(
        &self,
        id: AccountId,
        limit: usize,
    ) -> Result<Vec<StoredAccount>, StoreError> {
        self.all(
            &format!("table account, shard {}, after id {}", self.shard, id.0),
            sql::ACCOUNTS_AFTER,
            &[&self.shard, &clamped(id.0), &clamped(limit)],
            |row| row.account(0),
        )
    }

    fn account(&self, id: AccountId) -> Result<Option<StoredAccount>, StoreError> {
        if !storable(id.0) {
            return Ok(None);
        }
        let place = format!("table account, shard {}, id {}", self.shard, id.0);
        self.one(
            &place,
            sql::ACCOUNT,
            &[&self.shard, &clamped(id.0)],
            |row| row.account(0)?.checked(),
        )
    }

    fn row(&self, seq: u64) -> Result<Option<(Row, u32)>, StoreError> {
        self.pool.with(|session| read_row(session, self.shard, seq))
    }

    fn rows_after(&self, seq: u64, limit: usize) -> Result<Vec<(Row, u32)>, StoreError> {
        self.pool
            .with(|session| read_rows_after(session, self.shard, seq, limit))
    }

    fn transfer(&self, id: TransferId) -> Result<Option<Row>, StoreError> {
        let place = format!("table ledger, shard {}, a transfer id", self.shard);
        self.one(&place, sql::TRANSFER, &[&self.shard, &Id(id.0)], |row| {
            checked::row(row.ledger_row()?, row_place(self.shard))
        })
    }

    fn journal_after(&self, seq: u64, limit: usize) -> Result<Vec<(JournalRow, u32)>, StoreError> {
        self.all(
            &format!("table journal, shard {}, after seq {seq}", self.shard),
            sql::JOURNAL_AFTER,
            &[&self.shard, &clamped(seq), &clamped(limit)],
            |row| row.journal_row(),
        )
    }

    fn batches_after(&self, seq: u64, limit: usize) -> Result<Vec<StoredBatch>, StoreError> {
        self.all(
            &format!("table batch, shard {}, after seq {seq}", self.shard),
            sql::BATCHES_AFTER,
            &[&self.shard, &clamped(seq), &clamped(limit)],
            |row| row.batch(),
        )
    }

    fn sums_after(&self, batch: u64) -> Result<Option<u64>, StoreError> {
        self.one(
            &format!("table contents, shard {}, after batch {batch}", self.shard),
            sql::SUMS_AFTER,
            &[&self.shard, &clamped(batch)],
            |row| row.count(0),
        )
    }

    fn secret(&self, id: &str) -> Result<Option<SealedSecret>, StoreError> {
        self.one("table secret", sql::SECRET, &[&self.shard, &id], |row| {
            row.secret()
        })
    }

    fn size_bytes(&self) -> Result<u64, StoreError> {
        let size = self.one("the database's size", sql::SIZE, &[], |row| row.count(0))?;
        Ok(size.unwrap_or(0))
    }
}
