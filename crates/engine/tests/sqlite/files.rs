//! The data directory: who may open it, and which versions.

use crate::rig::{Rig, add, open, pay, verify};
use engine::store::sqlite::{DATABASE_FILE, SqliteStore};
use engine::store::{Queries, StoreError, StoreReader, StoreWriter};
use ledger::AccountId;
use rusqlite::Connection;
use std::path::Path;
use std::process::Command;

/// A book with a little of everything.
fn book(directory: &Path) -> SqliteStore {
    let store = SqliteStore::open(directory).unwrap();
    let mut writer = store.writer().unwrap();
    let mut rig = Rig::new();
    rig.send(open(&["a", "b"], true));
    rig.send(pay(1, 1, 2, 500));
    rig.send(add("counter", 3));
    let batch = rig.seal().unwrap();
    writer.commit(&batch).unwrap();
    store
}

fn sql(directory: &Path, text: &str) {
    let connection = Connection::open(directory.join(DATABASE_FILE)).unwrap();
    connection.execute_batch(text).unwrap();
}

fn refusal(directory: &Path) -> String {
    match SqliteStore::open(directory) {
        Err(error @ StoreError::Refused(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_directory_is_opened_once() {
    let directory = testing::scratch::directory();
    let store = book(directory.path());
    let second = SqliteStore::open(directory.path()).unwrap_err();
    assert!(matches!(second, StoreError::InUse(_)));
    let text = second.to_string();
    assert!(
        text.contains("in use by another qingyuan process"),
        "{text}"
    );
    assert!(
        text.contains(&directory.path().display().to_string()),
        "{text}"
    );
    // As long as any handle lives.
    let reader = store.reader().unwrap();
    drop(store);
    assert!(matches!(
        SqliteStore::open(directory.path()),
        Err(StoreError::InUse(_))
    ));
    drop(reader);
    assert!(SqliteStore::open(directory.path()).is_ok());
}

#[test]
fn others_may_read_along() {
    let directory = testing::scratch::directory();
    let _store = book(directory.path());
    let beside = SqliteStore::open_read_only(directory.path()).unwrap();
    assert_eq!(beside.head().unwrap().unwrap().batch_seq, 1);
    verify(&beside);
    let question = "SELECT a.name||' '||(a.debits-a.credits) FROM account a ORDER BY id;\
                    SELECT json_extract(body,'$.value') FROM record WHERE kind='counter';";
    let asked = Command::new("sqlite3")
        .args([
            "-readonly".as_ref(),
            directory.path().join(DATABASE_FILE).as_os_str(),
        ])
        .arg(question)
        .output();
    // The engine's tests do not depend on the command-line client being installed.
    if let Ok(answer) = asked {
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        assert_eq!(text, "a 500\nb -500\n3\n", "{answer:?}");
    }
}

#[test]
fn a_reader_needs_a_book() {
    let directory = testing::scratch::directory();
    let error = SqliteStore::open_read_only(directory.path())
        .unwrap_err()
        .to_string();
    assert!(error.contains("there is no book in"), "{error}");
    // A file without the schema is not migrated by a reader.
    sql(directory.path(), "PRAGMA journal_mode=WAL;");
    let error = SqliteStore::open_read_only(directory.path())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("start the server once to migrate it"),
        "{error}"
    );
}

#[test]
fn a_schema_of_a_newer_release_is_left_alone() {
    let directory = testing::scratch::directory();
    drop(book(directory.path()));
    sql(directory.path(), "PRAGMA user_version=99;");
    let text = refusal(directory.path());
    assert!(
        text.contains("schema version 99, written by a newer release"),
        "{text}"
    );
    let text = SqliteStore::open_read_only(directory.path())
        .unwrap_err()
        .to_string();
    assert!(text.contains("newer release"), "{text}");
    let connection = Connection::open(directory.path().join(DATABASE_FILE)).unwrap();
    let count: u64 = connection
        .query_row("SELECT count(*) FROM ledger", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 3);
}

fn schema(directory: &Path) -> (u32, Vec<String>) {
    let connection = Connection::open(directory.join(DATABASE_FILE)).unwrap();
    let version = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    let mut select = connection
        .prepare("SELECT type||' '||name||' '||coalesce(sql,'') FROM sqlite_schema ORDER BY 1")
        .unwrap();
    let objects = select.query_map([], |row| row.get(0)).unwrap();
    (version, objects.map(Result::unwrap).collect())
}

#[test]
fn migrating_twice_changes_nothing() {
    let directory = testing::scratch::directory();
    drop(book(directory.path()));
    let first = schema(directory.path());
    let before = crate::dump::dump(directory.path());
    drop(SqliteStore::open(directory.path()).unwrap());
    assert_eq!(schema(directory.path()), first);
    assert_eq!(crate::dump::dump(directory.path()), before);
}

#[test]
fn a_commit_is_on_disk_when_it_returns() {
    let directory = testing::scratch::directory();
    let store = SqliteStore::open(directory.path()).unwrap();
    let _writer = store.writer().unwrap();
    let connection = Connection::open(directory.path().join(DATABASE_FILE)).unwrap();
    let mode: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
    let size: u32 = connection
        .pragma_query_value(None, "page_size", |row| row.get(0))
        .unwrap();
    assert_eq!(size, 8_192);
}

#[test]
fn values_that_no_release_wrote_are_named_as_damage() {
    let cases = [
        (
            "UPDATE ledger SET kind=9 WHERE seq=2",
            "table ledger, seq 2",
        ),
        (
            "UPDATE ledger SET date=20261399 WHERE seq=2",
            "table ledger, seq 2",
        ),
        (
            "UPDATE ledger SET id=x'0102' WHERE seq=2",
            "table ledger, seq 2",
        ),
        (
            "UPDATE ledger SET dr_account=-1 WHERE seq=2",
            "table ledger, seq 2",
        ),
        (
            "UPDATE ledger SET code=70000 WHERE seq=2",
            "table ledger, seq 2",
        ),
        (
            "UPDATE ledger SET amount=amount+1 WHERE seq=2",
            "table ledger, seq 2",
        ),
    ];
    for (damage, place) in cases {
        let directory = testing::scratch::directory();
        let store = book(directory.path());
        sql(directory.path(), damage);
        let error = store.reader().unwrap().row(2).unwrap_err();
        assert!(
            matches!(error, StoreError::Damaged { .. }),
            "{damage}: {error:?}"
        );
        assert!(error.to_string().contains(place), "{damage}: {error}");
    }
    let cases = [
        "UPDATE account SET kind=0 WHERE id=1",
        "UPDATE account SET currency=7 WHERE id=1",
        "UPDATE account SET day=0 WHERE id=1",
        "UPDATE account SET head_seq=-5 WHERE id=1",
        "UPDATE account SET credits=credits+1 WHERE id=1",
        "UPDATE account SET closed=1 WHERE id=1",
        "UPDATE account SET chk=chk+1 WHERE id=1",
    ];
    for damage in cases {
        let directory = testing::scratch::directory();
        let store = book(directory.path());
        sql(directory.path(), damage);
        let mut reader = store.reader().unwrap();
        for error in [
            reader.accounts(&[AccountId(1)]).unwrap_err(),
            reader.accounts(&[AccountId(2), AccountId(1)]).unwrap_err(),
            store.queries().unwrap().account(AccountId(1)).unwrap_err(),
        ] {
            assert!(
                error.to_string().contains("table account, id 1"),
                "{damage}: {error}"
            );
        }
        assert!(reader.accounts(&[AccountId(2)]).unwrap()[0].is_some());
    }
    let directory = testing::scratch::directory();
    let store = book(directory.path());
    sql(directory.path(), "UPDATE shard SET head_hash=x'00'");
    let error = store.reader().unwrap().head().unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_kept() {
    let directory = testing::scratch::directory();
    let path = directory.path().join(DATABASE_FILE);
    let text = "these are somebody's notes, not a database\n".repeat(300);
    std::fs::write(&path, &text).unwrap();
    let error = SqliteStore::open(directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}
