//! The book that is damaged, and what `verify` says of it.

use crate::support::copy_directory;
use crate::support::database::sqlite3;
use crate::support::process::{Finished, run, text, verify};
use serde_json::Value;
use std::path::Path;
use std::sync::OnceLock;

/// A book of two simulated days, all of it in one file.
pub fn book() -> &'static Path {
    static BOOK: OnceLock<tempfile::TempDir> = OnceLock::new();
    let directory = BOOK.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let data = text(directory.path());
        run(["demo", "--payments", "60", "--json", "--data", data]).expect(0);
        sqlite3(directory.path(), "PRAGMA wal_checkpoint(TRUNCATE)");
        assert_eq!(verify(directory.path()).expect(0).json()["verified"], true);
        directory
    });
    directory.path()
}

/// A copy that may be changed.
pub fn copy_of_book() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_directory(book(), copy.path());
    copy
}

/// Changes a copy of the book and verifies it.
pub fn damaged(change: impl FnOnce(&Path)) -> Finished {
    let copy = copy_of_book();
    change(copy.path());
    verify(copy.path())
}

/// Where the problems are, as the report names them.
pub fn places(finished: &Finished) -> Vec<String> {
    let report = finished.json();
    let problems = report["problems"].as_array().unwrap();
    let place = |problem: &Value| problem["place"].as_str().unwrap().to_owned();
    problems.iter().map(place).collect()
}
