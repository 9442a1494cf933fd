//! Steps of the schema, and books of earlier releases.

use crate::rig::verify;
use crate::steps;
use engine::store::sqlite::{DATABASE_FILE, SqliteStore};
use rusqlite::Connection;
use std::path::{Path, PathBuf};

fn objects(connection: &Connection) -> Vec<String> {
    let mut select = connection
        .prepare("SELECT type||' '||name||' '||coalesce(sql,'') FROM sqlite_schema ORDER BY 1")
        .unwrap();
    let objects = select.query_map([], |row| row.get(0)).unwrap();
    objects.map(Result::unwrap).collect()
}

fn objects_of(directory: &Path) -> Vec<String> {
    objects(&Connection::open(directory.join(DATABASE_FILE)).unwrap())
}

fn fresh() -> Vec<String> {
    let directory = testing::scratch::directory();
    drop(SqliteStore::open(directory.path()).unwrap());
    objects_of(directory.path())
}

#[test]
fn each_step_applies_twice_and_their_sum_is_the_fresh_schema() {
    let connection = Connection::open_in_memory().unwrap();
    for (step, number) in steps::released("sqlite").iter().zip(1..) {
        connection.execute_batch(step).unwrap();
        let once = objects(&connection);
        connection.execute_batch(step).unwrap();
        assert_eq!(objects(&connection), once, "step {number}");
    }
    assert_eq!(objects(&connection), fresh());
}

/// `fixtures/sqlite-0.1.0` was written by the program of that release: `qingyuan demo --payments 40 --data`.
#[test]
fn a_book_of_0_1_0_opens_and_holds() {
    let directory = testing::scratch::directory();
    let fixture = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sqlite-0.1.0");
    std::fs::copy(
        fixture.join(DATABASE_FILE),
        directory.path().join(DATABASE_FILE),
    )
    .unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    let report = verify(&store.queries().unwrap());
    assert_eq!((report.journal_rows, report.transfers), (193, 143));
    drop(store);
    assert_eq!(objects_of(directory.path()), fresh());
}
