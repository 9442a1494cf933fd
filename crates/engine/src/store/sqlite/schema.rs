//! Schema: a list of steps, applied in order and recorded in `user_version`.

use super::{StoreError, from_sqlite};
use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

/// Each step is applied once; released steps are never changed.
const STEPS: &[M<'_>] = &[
    M::up(include_str!("migrations/0001_book.sql")),
    M::up(include_str!("migrations/0002_contents.sql")),
];

/// Migrations of this release.
pub(super) const MIGRATIONS: Migrations<'_> = Migrations::from_slice(STEPS);

/// Settings that a new file keeps, then the steps it lacks.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), StoreError> {
    let place = "preparing the database";
    connection
        .execute_batch(
            "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA busy_timeout=5000; PRAGMA synchronous=FULL;",
        )
        .map_err(|error| from_sqlite(place, error))?;
    refuse_newer(connection)?;
    MIGRATIONS.to_latest(connection).map_err(|error| {
        StoreError::Refused(format!(
            "{place}: the schema could not be migrated: {error}"
        ))
    })
}

/// A reader does not migrate: it takes only the version it knows.
pub(super) fn check_version(connection: &Connection) -> Result<(), StoreError> {
    refuse_newer(connection)?;
    let version = version(connection)?;
    if version < STEPS.len() {
        return Err(StoreError::Refused(format!(
            "the book has schema version {version}, this release needs {}; start the server once to migrate it",
            STEPS.len()
        )));
    }
    Ok(())
}

fn refuse_newer(connection: &Connection) -> Result<(), StoreError> {
    let version = version(connection)?;
    if version > STEPS.len() {
        return Err(StoreError::Refused(format!(
            "the book has schema version {version}, written by a newer release; this one knows up to {}",
            STEPS.len()
        )));
    }
    Ok(())
}

fn version(connection: &Connection) -> Result<usize, StoreError> {
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|error| from_sqlite("reading the schema version", error))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_steps_are_valid() {
        assert_eq!(super::MIGRATIONS.validate(), Ok(()));
    }
}
