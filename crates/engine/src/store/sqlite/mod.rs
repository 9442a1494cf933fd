//! SQLite: one file, readable with any SQLite client while the server runs.
//!
//! WAL with `synchronous=FULL`: a commit is on disk when it returns. One connection writes, one reads
//! for the shard, and each [`SqliteQueries`] has a few for lists. The data directory is locked by a file beside
//! the database, so that a second process is refused but a person may read along.

mod columns;
mod contents;
mod lock;
mod queries;
mod reader;
mod schema;
mod writer;

pub use queries::SqliteQueries;
pub use reader::SqliteReader;
pub use writer::SqliteWriter;

use super::StoreError;
use lock::Lock;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name of the database in a data directory.
pub const DATABASE_FILE: &str = "qingyuan.db";

/// An open book on SQLite.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    /// Held as long as any handle lives.
    lock: Option<Arc<Lock>>,
}

impl SqliteStore {
    /// Opens or creates the book in a directory and takes its lock.
    pub fn open(directory: &Path) -> Result<SqliteStore, StoreError> {
        std::fs::create_dir_all(directory).map_err(|error| {
            StoreError::Unavailable(format!("cannot create {}: {error}", directory.display()))
        })?;
        let lock = Arc::new(Lock::take(directory)?);
        let path = directory.join(DATABASE_FILE);
        let mut connection =
            Connection::open(&path).map_err(|error| from_sqlite("opening the database", error))?;
        schema::prepare(&mut connection)?;
        Ok(SqliteStore {
            path,
            lock: Some(lock),
        })
    }

    /// Opens an existing book for reading only, without its lock; for `verify` beside a running server.
    pub fn open_read_only(directory: &Path) -> Result<SqliteQueries, StoreError> {
        let path = directory.join(DATABASE_FILE);
        if !path.exists() {
            return Err(StoreError::Unavailable(format!(
                "there is no book in {}: {DATABASE_FILE} is missing",
                directory.display()
            )));
        }
        SqliteQueries::open(&path, None)
    }

    /// The writer's connection.
    pub fn writer(&self) -> Result<SqliteWriter, StoreError> {
        SqliteWriter::open(&self.path, self.lock.clone())
    }

    /// The shard's reading connection.
    pub fn reader(&self) -> Result<SqliteReader, StoreError> {
        SqliteReader::open(&self.path, self.lock.clone())
    }

    /// Connections for lists and reports.
    pub fn queries(&self) -> Result<SqliteQueries, StoreError> {
        SqliteQueries::open(&self.path, self.lock.clone())
    }
}

impl super::StoreFactory for SqliteStore {
    fn reader(&self) -> Result<Box<dyn super::StoreReader>, StoreError> {
        Ok(Box::new(SqliteStore::reader(self)?))
    }
    fn writer(&self) -> Result<Box<dyn super::StoreWriter>, StoreError> {
        Ok(Box::new(SqliteStore::writer(self)?))
    }
    fn queries(&self) -> Result<Arc<dyn super::Queries>, StoreError> {
        Ok(Arc::new(SqliteStore::queries(self)?))
    }
}

/// Opens a connection that never writes. Where not even the files beside the database can be made that reading
/// needs, as in a directory without write permission, a book that was closed properly is read as it is.
fn open_read_only(path: &Path) -> Result<Connection, StoreError> {
    match reading(Connection::open_with_flags(path, READING)) {
        Err(StoreError::Unavailable(problem)) if cannot_write_beside(path) => {
            if beside(path, "-wal")
                .metadata()
                .is_ok_and(|wal| wal.len() > 0)
            {
                return Err(StoreError::Unavailable(format!(
                    "{problem}; the book was not closed and its directory cannot be written: \
                     copy all its files to one that can, and look there"
                )));
            }
            let flags = READING | OpenFlags::SQLITE_OPEN_URI;
            reading(Connection::open_with_flags(as_it_is(path), flags))
        }
        opened => opened,
    }
}

const READING: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

fn reading(opened: rusqlite::Result<Connection>) -> Result<Connection, StoreError> {
    let connection = opened.map_err(|error| from_sqlite("opening the database", error))?;
    connection
        .execute_batch("PRAGMA busy_timeout=5000; PRAGMA cache_size=-32768; PRAGMA query_only=1; PRAGMA mmap_size=268435456;")
        .map_err(|error| from_sqlite("preparing a reading connection", error))?;
    schema::check_version(&connection)?;
    Ok(connection)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Whether the files that reading needs are not there and cannot be made.
fn cannot_write_beside(path: &Path) -> bool {
    if beside(path, "-shm").exists() {
        return false;
    }
    // Under a name of its own: the database's files are nobody's but the database's to make.
    let trial = beside(path, &format!("-trial-{}", std::process::id()));
    let made = File::options().write(true).create_new(true).open(&trial);
    if made.is_ok() {
        // Left as it was found, as far as possible; it is empty.
        let _ = std::fs::remove_file(&trial);
    }
    made.is_err()
}

/// The file by an address that says that nobody changes it.
fn as_it_is(path: &Path) -> String {
    let mut address = "file:".to_owned();
    for character in path.to_string_lossy().chars() {
        match character {
            '%' => address.push_str("%25"),
            '?' => address.push_str("%3f"),
            '#' => address.push_str("%23"),
            other => address.push(other),
        }
    }
    address.push_str("?immutable=1");
    address
}

/// Sorts SQLite's errors by what the shard has to do about them.
fn from_sqlite(place: &str, error: rusqlite::Error) -> StoreError {
    match &error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch => {
                StoreError::Refused(format!("{place}: {error}"))
            }
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Damaged {
                place: place.to_owned(),
                problem: error.to_string(),
            },
            _ => StoreError::Unavailable(format!("{place}: {error}")),
        },
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..) => StoreError::Damaged {
            place: place.to_owned(),
            problem: error.to_string(),
        },
        _ => StoreError::Refused(format!("{place}: {error}")),
    }
}
