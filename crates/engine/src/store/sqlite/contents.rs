//! Every row that the sums of a shard cover, of one moment.

use super::StoreError;
use super::columns::named;
use super::reader::read_head;
use crate::batch::{SealedSecret, ShardHead};
use crate::contents::ContentRow;
use rusqlite::{Connection, Row};

/// Reads them all, with the shard's row of the same moment.
pub(super) fn read_contents(
    connection: &Connection,
    each: &mut dyn FnMut(ContentRow<'_>),
) -> Result<Option<ShardHead>, StoreError> {
    let begun = connection.unchecked_transaction();
    let _snapshot = named(|| "a reading transaction".to_owned(), begun)?;
    let head = read_head(connection)?;
    let sql = "SELECT kind,key,body,chk FROM record ORDER BY kind,key";
    rows(connection, "record", sql, |row| {
        each(ContentRow::Record {
            kind: row.get_ref(0)?.as_str()?,
            key: row.get_ref(1)?.as_str()?,
            body: row.get_ref(2)?.as_str()?.as_bytes(),
            check: row.get(3)?,
        });
        Ok(())
    })?;
    let sql = "SELECT kind,key,name,value FROM record_index ORDER BY kind,name,value,key";
    rows(connection, "record_index", sql, |row| {
        each(ContentRow::Index {
            kind: row.get_ref(0)?.as_str()?,
            key: row.get_ref(1)?.as_str()?,
            name: row.get_ref(2)?.as_str()?,
            value: row.get_ref(3)?.as_str()?,
        });
        Ok(())
    })?;
    let sql = "SELECT id,'',nonce,cipher_text FROM secret ORDER BY id";
    rows(connection, "secret", sql, |row| {
        each(ContentRow::Secret(&SealedSecret {
            id: row.get(0)?,
            nonce: row.get(2)?,
            cipher_text: row.get(3)?,
        }));
        Ok(())
    })?;
    Ok(head)
}

/// Runs through a table whose first two columns name the row.
fn rows(
    connection: &Connection,
    table: &str,
    sql: &str,
    mut each: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> Result<(), StoreError> {
    let place = || format!("table {table}");
    let mut select = named(place, connection.prepare_cached(sql))?;
    let mut rows = named(place, select.query([]))?;
    while let Some(row) = named(place, rows.next())? {
        let name = |column| row.get::<_, String>(column).unwrap_or_default();
        named(
            || format!("table {table}, {} {}", name(0), name(1)),
            each(row),
        )?;
    }
    Ok(())
}
