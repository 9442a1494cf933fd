//! Every row that the sums of a shard cover, of one moment.

use super::columns::{Reading, clamped};
use super::reader::read_head;
use super::session::Session;
use super::sql;
use crate::batch::ShardHead;
use crate::contents::ContentRow;
use crate::store::StoreError;

/// Rows read at a time.
const PAGE: usize = 5_000;

/// Reads them all, with the shard's row of the same moment.
pub(super) fn read_contents(
    session: &mut Session,
    shard: i16,
    each: &mut dyn FnMut(ContentRow<'_>),
) -> Result<Option<ShardHead>, StoreError> {
    let place = "a reading transaction";
    session.script(place, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    let read = all(session, shard, each);
    // Also behind an error, or the next reader would find the transaction open.
    let ended = session.script(place, "COMMIT");
    let head = read?;
    ended.map(|()| head)
}

fn all(
    session: &mut Session,
    shard: i16,
    each: &mut dyn FnMut(ContentRow<'_>),
) -> Result<Option<ShardHead>, StoreError> {
    let head = read_head(session, shard)?;
    records(session, shard, each)?;
    indexes(session, shard, each)?;
    secrets(session, shard, each)?;
    Ok(head)
}

fn records(
    session: &mut Session,
    shard: i16,
    each: &mut dyn FnMut(ContentRow<'_>),
) -> Result<(), StoreError> {
    let limit = clamped(PAGE);
    let (mut kind, mut key) = (String::new(), String::new());
    loop {
        let place = || format!("table record, shard {shard}, after {kind} {key}");
        let rows = session.rows(&place(), sql::ALL_RECORDS, &[&shard, &kind, &key, &limit])?;
        for row in &rows {
            let reading = Reading { row, place: &place };
            each(ContentRow::Record {
                kind: reading.get(0)?,
                key: reading.get(1)?,
                body: reading.get::<&str>(2)?.as_bytes(),
                check: reading.check(3)?,
            });
        }
        let Some(last) = rows.last() else {
            return Ok(());
        };
        let reading = Reading {
            row: last,
            place: &place,
        };
        (kind, key) = (reading.get(0)?, reading.get(1)?);
    }
}

fn indexes(
    session: &mut Session,
    shard: i16,
    each: &mut dyn FnMut(ContentRow<'_>),
) -> Result<(), StoreError> {
    let limit = clamped(PAGE);
    let mut after: [String; 4] = Default::default();
    loop {
        let place = || {
            format!(
                "table record_index, shard {shard}, after {}",
                after.join(" ")
            )
        };
        let [kind, name, value, key] = &after;
        let rows = session.rows(
            &place(),
            sql::ALL_INDEXES,
            &[&shard, kind, name, value, key, &limit],
        )?;
        for row in &rows {
            let reading = Reading { row, place: &place };
            each(ContentRow::Index {
                kind: reading.get(0)?,
                name: reading.get(1)?,
                value: reading.get(2)?,
                key: reading.get(3)?,
            });
        }
        let Some(last) = rows.last() else {
            return Ok(());
        };
        let reading = Reading {
            row: last,
            place: &place,
        };
        after = [
            reading.get(0)?,
            reading.get(1)?,
            reading.get(2)?,
            reading.get(3)?,
        ];
    }
}

fn secrets(
    session: &mut Session,
    shard: i16,
    each: &mut dyn FnMut(ContentRow<'_>),
) -> Result<(), StoreError> {
    let limit = clamped(PAGE);
    let mut after = String::new();
    loop {
        let place = || format!("table secret, shard {shard}, after {after}");
        let rows = session.rows(&place(), sql::ALL_SECRETS, &[&shard, &after, &limit])?;
        let mut last = None;
        for row in &rows {
            let secret = Reading { row, place: &place }.secret()?;
            each(ContentRow::Secret(&secret));
            last = Some(secret.id);
        }
        match last {
            Some(id) => after = id,
            None => return Ok(()),
        }
    }
}
