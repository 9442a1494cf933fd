//! Schema: a list of steps, applied in order and noted in `qingyuan_schema`, each with the batch of statements that
//! it was released with. A step may be applied twice: every statement says `IF NOT EXISTS` or its like.

use super::columns::Reading;
use super::pool::Pool;
use super::session::Session;
use super::shard::column;
use super::sql;
use crate::ids::ShardCode;
use crate::store::StoreError;
use std::num::NonZeroU16;
use std::time::Duration;

/// Released steps are never changed.
pub(super) const STEPS: &[&str] = &[
    include_str!("migrations/0001_book.sql"),
    include_str!("migrations/0002_contents.sql"),
    include_str!("migrations/0003_transfer_ids.sql"),
];

/// Releases before lack the waiting form of `pg_terminate_backend`.
const SERVER_VERSION_MIN: i32 = 140_000;

/// How long a step may take: one may have to build an index over the transfers of years.
const MIGRATION_MAX: Duration = Duration::from_secs(6 * 3_600);

/// Servers that start together migrate one after another. The number is our own, and of no meaning.
const LOCK: &str = "SELECT pg_advisory_xact_lock(4812370518)";
const NOTES: &str = "CREATE TABLE IF NOT EXISTS qingyuan_schema (version integer NOT NULL PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())";

/// Brings the schema up to date and answers the book's number of shards.
pub(super) fn prepare(
    pool: &Pool,
    wanted: Option<NonZeroU16>,
    default: NonZeroU16,
) -> Result<u16, StoreError> {
    let session = &mut pool.open()?;
    check_server(session)?;
    if version(session)? < STEPS.len() || shards(session)? == 0 {
        create(
            &mut pool.open_for(MIGRATION_MAX)?,
            wanted.unwrap_or(default),
        )?;
    }
    as_wanted(shards(session)?, wanted)
}

fn as_wanted(found: u16, wanted: Option<NonZeroU16>) -> Result<u16, StoreError> {
    match wanted {
        Some(wanted) if wanted.get() != found => Err(StoreError::Refused(format!(
            "the book has {found} shards, which was fixed when it was created; it cannot be opened with {wanted}"
        ))),
        _ => Ok(found),
    }
}

/// For whoever wants a database without a book.
pub(super) fn refuse_book(session: &mut Session, shown: &str) -> Result<(), StoreError> {
    if version(session)? > 0 {
        return Err(StoreError::Refused(format!(
            "{shown} has a book already; name a database without one"
        )));
    }
    Ok(())
}

/// The number of shards for whoever wants a book that is there, as it is: nothing is created or migrated.
pub(super) fn existing(
    session: &mut Session,
    shown: &str,
    wanted: Option<NonZeroU16>,
) -> Result<u16, StoreError> {
    check_server(session)?;
    let found = version(session)?;
    if found == 0 {
        return Err(StoreError::Refused(format!(
            "{shown} has no book; name the database of one"
        )));
    }
    if found < STEPS.len() {
        return Err(StoreError::Refused(format!(
            "the book has schema version {found}, this release has {}: start a server of this release once, which migrates it",
            STEPS.len()
        )));
    }
    match shards(session)? {
        0 => Err(rows_gone("a book has one row for each of its shards")),
        found => as_wanted(found, wanted),
    }
}

fn rows_gone(what_now: &str) -> StoreError {
    super::error::damaged(
        "the shard rows",
        &format!("table shard is empty: {what_now}"),
    )
}

fn check_server(session: &mut Session) -> Result<(), StoreError> {
    let place = || "the server's version".to_owned();
    let row = session.row(&place(), sql::SERVER_VERSION, &[])?;
    let version = row.map(|row| {
        Reading {
            row: &row,
            place: &place,
        }
        .get::<i32>(0)
    });
    refuse_old(version.transpose()?.unwrap_or_default())
}

fn refuse_old(version: i32) -> Result<(), StoreError> {
    if version < SERVER_VERSION_MIN {
        return Err(StoreError::Refused(format!(
            "the database server is PostgreSQL {}; this release needs {} or later",
            version / 10_000,
            SERVER_VERSION_MIN / 10_000
        )));
    }
    Ok(())
}

/// Steps that were applied; refuses those of a newer release.
fn version(session: &mut Session) -> Result<usize, StoreError> {
    let place = || "the schema's version".to_owned();
    let known = session.row(&place(), sql::HAS_SCHEMA, &[])?;
    let known = known.map(|row| {
        Reading {
            row: &row,
            place: &place,
        }
        .get::<bool>(0)
    });
    if known.transpose()? != Some(true) {
        return Ok(0);
    }
    let row = session.row(&place(), sql::SCHEMA_VERSION, &[])?;
    let found = row.map(|row| {
        Reading {
            row: &row,
            place: &place,
        }
        .get::<i32>(0)
    });
    let found = usize::try_from(found.transpose()?.unwrap_or(0)).unwrap_or(0);
    if found > STEPS.len() {
        return Err(StoreError::Refused(format!(
            "the book has schema version {found}, written by a newer release; this one knows up to {}",
            STEPS.len()
        )));
    }
    Ok(found)
}

fn nothing_written(session: &mut Session) -> Result<bool, StoreError> {
    let place = || "the book's tables".to_owned();
    let row = session.row(&place(), sql::NOTHING_WRITTEN, &[])?;
    let nothing = row.map(|row| {
        Reading {
            row: &row,
            place: &place,
        }
        .get::<bool>(0)
    });
    Ok(nothing.transpose()?.unwrap_or_default())
}

fn shards(session: &mut Session) -> Result<u16, StoreError> {
    let place = || "the shard rows".to_owned();
    let Some(row) = session.row(&place(), sql::SHARDS, &[])? else {
        return Ok(0);
    };
    let reading = Reading {
        row: &row,
        place: &place,
    };
    let (rows, least, greatest): (i64, i32, i32) =
        (reading.get(0)?, reading.get(1)?, reading.get(2)?);
    if i64::from(least) != rows || least != greatest {
        return Err(super::error::damaged(
            &place(),
            &format!("{rows} rows, which say {least} to {greatest}"),
        ));
    }
    u16::try_from(rows).map_err(|_| super::error::damaged(&place(), "too many rows"))
}

/// Applies the steps that lack, and creates the shards of a new book, all or nothing.
fn create(session: &mut Session, count: NonZeroU16) -> Result<(), StoreError> {
    let place = "migrating the schema";
    let Some(last) = ShardCode::new(count.get() - 1) else {
        return Err(StoreError::Refused(format!(
            "a book has at most 1024 shards, not {count}"
        )));
    };
    session.script(place, &format!("BEGIN; {LOCK}; {NOTES};"))?;
    // Another server may have been faster.
    let done = version(session)?;
    for (step, number) in STEPS.iter().zip(1usize..).skip(done) {
        session.script(
            &format!("{place}, step {number}"),
            &format!("{step}; INSERT INTO qingyuan_schema(version) VALUES({number})"),
        )?;
    }
    if shards(session)? == 0 {
        if !nothing_written(session)? {
            return Err(rows_gone(
                "new rows would say that nothing was written, and there is something in the other tables; restore a backup",
            ));
        }
        session.change(place, sql::OPEN_BOOK, &[&(column(last) + 1)])?;
    }
    session.script(place, "COMMIT")
}

#[cfg(test)]
mod tests {
    #[test]
    fn old_servers_are_refused_by_name() {
        let text = super::refuse_old(130_012).map_err(|error| error.to_string());
        let expected = "PostgreSQL 13; this release needs 14 or later";
        assert!(text.is_err_and(|text| text.contains(expected)));
        assert!(super::refuse_old(150_000).is_ok());
    }
}
