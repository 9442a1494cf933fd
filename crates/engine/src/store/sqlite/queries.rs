//! Reads for lists, reports and verification, from a few connections shared by all callers.

use super::columns::{self, clamped, named, storable};
use super::contents::read_contents;
use super::lock::Lock;
use super::reader::{read_head, read_row, row_place, scan_sql};
use super::{StoreError, open_read_only};
use crate::batch::{JournalRow, SealedSecret, ShardHead};
use crate::contents::ContentRow;
use crate::store::{Found, Queries, Scan, StoredAccount, StoredBatch, checked};
use ledger::{AccountId, Row, TransferId};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Connections kept open between calls.
const POOL_MAX: usize = 4;

/// Lists and reports.
#[derive(Debug)]
pub struct SqliteQueries {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    _lock: Option<Arc<Lock>>,
}

impl SqliteQueries {
    pub(super) fn open(path: &Path, lock: Option<Arc<Lock>>) -> Result<SqliteQueries, StoreError> {
        let first = open_read_only(path)?;
        Ok(SqliteQueries {
            path: path.to_owned(),
            idle: Mutex::new(vec![first]),
            _lock: lock,
        })
    }

    fn with<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_read_only(&self.path)?,
        };
        let result = read(&connection);
        let mut pool = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < POOL_MAX {
            pool.push(connection);
        }
        result
    }
}

/// Runs a statement and reads all rows.
fn all<T>(
    connection: &Connection,
    place: &str,
    sql: &str,
    parameters: impl rusqlite::Params,
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let rows = connection.prepare_cached(sql).and_then(|mut select| {
        select
            .query_map(parameters, read)
            .and_then(Iterator::collect)
    });
    named(|| place.to_owned(), rows)
}

/// Runs a statement that finds one row or none.
fn one<T>(
    connection: &Connection,
    place: &str,
    sql: &str,
    parameters: impl rusqlite::Params,
    read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, StoreError> {
    let row = connection
        .prepare_cached(sql)
        .and_then(|mut select| select.query_row(parameters, read).optional());
    named(|| place.to_owned(), row)
}

fn stored_account(row: &rusqlite::Row<'_>) -> rusqlite::Result<StoredAccount> {
    let (id, name, state, check) = columns::account(row)?;
    Ok(StoredAccount {
        id,
        name,
        state,
        check,
    })
}

impl Queries for SqliteQueries {
    fn head(&self) -> Result<Option<ShardHead>, StoreError> {
        self.with(read_head)
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|connection| {
            let sql = "SELECT body,chk FROM record WHERE kind=?1 AND key=?2";
            let place = format!("table record, {kind} {key}");
            let asked = params![kind, key];
            let found = one(connection, &place, sql, asked, columns::body_and_check)?;
            let Some((body, check)) = found else {
                return Ok(None);
            };
            checked::record((kind, key), &body, check, || place)?;
            Ok(Some(body))
        })
    }

    fn list(&self, scan: &Scan) -> Result<Vec<Found>, StoreError> {
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Found {
                value: row.get(0)?,
                key: row.get(1)?,
                body: row.get::<_, String>(2)?.into_bytes(),
                check: row.get(3)?,
            })
        };
        let place = format!("index {} of {}", scan.index, scan.kind);
        let sql = scan_sql(scan, true);
        self.with(|connection| match &scan.after {
            Some((value, key)) => all(
                connection,
                &place,
                &sql,
                params![scan.kind, scan.index, scan.from, scan.to, value, key],
                read,
            ),
            None => all(
                connection,
                &place,
                &sql,
                params![scan.kind, scan.index, scan.from, scan.to],
                read,
            ),
        })
    }

    fn records_after(
        &self,
        kind: &str,
        key: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>, u32)>, StoreError> {
        self.with(|connection| {
            let sql =
                "SELECT key,body,chk FROM record WHERE kind=?1 AND key>?2 ORDER BY key LIMIT ?3";
            all(
                connection,
                "table record",
                sql,
                params![kind, key, clamped(limit)],
                |row| {
                    Ok((
                        row.get(0)?,
                        row.get::<_, String>(1)?.into_bytes(),
                        row.get(2)?,
                    ))
                },
            )
        })
    }

    fn kinds(&self) -> Result<Vec<String>, StoreError> {
        self.with(|connection| {
            // One seek per kind: SQLite does not skip through the key by itself.
            let sql = "SELECT min(kind) FROM record WHERE kind>?1";
            let mut kinds: Vec<String> = Vec::new();
            loop {
                let last = kinds.last().cloned().unwrap_or_default();
                match one(connection, "table record", sql, params![last], |row| {
                    row.get::<_, Option<String>>(0)
                })? {
                    Some(Some(kind)) => kinds.push(kind),
                    _ => return Ok(kinds),
                }
            }
        })
    }

    fn contents(
        &self,
        each: &mut dyn FnMut(ContentRow<'_>),
    ) -> Result<Option<ShardHead>, StoreError> {
        self.with(|connection| read_contents(connection, each))
    }

    fn accounts_after(
        &self,
        id: AccountId,
        limit: usize,
    ) -> Result<Vec<StoredAccount>, StoreError> {
        let sql = format!(
            "SELECT {} FROM account WHERE id>?1 ORDER BY id LIMIT ?2",
            columns::ACCOUNT
        );
        let place = format!("table account after id {}", id.0);
        self.with(|connection| {
            all(
                connection,
                &place,
                &sql,
                params![clamped(id.0), clamped(limit)],
                stored_account,
            )
        })
    }

    fn account(&self, id: AccountId) -> Result<Option<StoredAccount>, StoreError> {
        if !storable(id.0) {
            return Ok(None);
        }
        let sql = format!("SELECT {} FROM account WHERE id=?1", columns::ACCOUNT);
        let place = format!("table account, id {}", id.0);
        let found =
            self.with(|connection| one(connection, &place, &sql, params![id.0], stored_account))?;
        found.map(StoredAccount::checked).transpose()
    }

    fn row(&self, seq: u64) -> Result<Option<(Row, u32)>, StoreError> {
        self.with(|connection| read_row(connection, seq))
    }

    fn rows_after(&self, seq: u64, limit: usize) -> Result<Vec<(Row, u32)>, StoreError> {
        let sql = format!(
            "SELECT {} FROM ledger WHERE seq>?1 ORDER BY seq LIMIT ?2",
            columns::LEDGER
        );
        let place = format!("table ledger after seq {seq}");
        self.with(|connection| {
            all(
                connection,
                &place,
                &sql,
                params![clamped(seq), clamped(limit)],
                columns::ledger_row,
            )
        })
    }

    fn transfer(&self, id: TransferId) -> Result<Option<Row>, StoreError> {
        self.with(|connection| {
            let sql = "SELECT seq FROM transfer_id WHERE id=?1";
            let seq = one(
                connection,
                "table transfer_id",
                sql,
                params![id.0.to_be_bytes()],
                |row| row.get(0),
            )?;
            match seq {
                Some(seq) => {
                    let found = read_row(connection, seq)?;
                    found
                        .map(|found| checked::row(found, row_place))
                        .transpose()
                }
                None => Ok(None),
            }
        })
    }

    fn journal_after(&self, seq: u64, limit: usize) -> Result<Vec<(JournalRow, u32)>, StoreError> {
        let sql = format!(
            "SELECT {} FROM journal WHERE seq>?1 ORDER BY seq LIMIT ?2",
            columns::JOURNAL
        );
        let place = format!("table journal after seq {seq}");
        self.with(|connection| {
            all(
                connection,
                &place,
                &sql,
                params![clamped(seq), clamped(limit)],
                columns::journal_row,
            )
        })
    }

    fn batches_after(&self, seq: u64, limit: usize) -> Result<Vec<StoredBatch>, StoreError> {
        let sql = "SELECT seq,last_journal,last_ledger,root,head_hash,sums FROM batch \
                   LEFT JOIN contents ON batch=seq WHERE seq>?1 ORDER BY seq LIMIT ?2";
        let place = format!("table batch after seq {seq}");
        self.with(|connection| {
            all(
                connection,
                &place,
                sql,
                params![clamped(seq), clamped(limit)],
                |row| {
                    Ok(StoredBatch {
                        seq: row.get(0)?,
                        last_journal_seq: row.get(1)?,
                        last_ledger_seq: row.get(2)?,
                        root: columns::hash_at(row, 3)?,
                        head_hash: columns::hash_at(row, 4)?,
                        contents: columns::contents(row, 5)?,
                    })
                },
            )
        })
    }

    fn sums_after(&self, batch: u64) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT batch FROM contents WHERE batch>?1 ORDER BY batch LIMIT 1";
        let place = format!("table contents after batch {batch}");
        let found = self.with(|connection| {
            all(connection, &place, sql, params![clamped(batch)], |row| {
                row.get(0)
            })
        });
        Ok(found?.pop())
    }

    fn secret(&self, id: &str) -> Result<Option<SealedSecret>, StoreError> {
        self.with(|connection| {
            let sql = "SELECT id,nonce,cipher_text FROM secret WHERE id=?1";
            one(connection, "table secret", sql, params![id], |row| {
                Ok(SealedSecret {
                    id: row.get(0)?,
                    nonce: row.get(1)?,
                    cipher_text: row.get(2)?,
                })
            })
        })
    }

    fn size_bytes(&self) -> Result<u64, StoreError> {
        let size = |suffix: &str| {
            let mut path = self.path.clone().into_os_string();
            path.push(suffix);
            std::fs::metadata(path).map_or(0, |metadata| metadata.len())
        };
        Ok(size("") + size("-wal"))
    }
}
