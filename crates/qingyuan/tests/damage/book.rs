//! The book that is damaged, and what `verify` says of it.

use crate::support::copy_directory;
use crate::support::database::sqlite3;
use crate::support::process::{Finished, run, text, verify};
use serde_json::Value;
use std::path::Path;
use std::sync::OnceLock;

/// A book of two simulated days, all of it in one file. Only copied, never opened: who opens a database makes
/// files beside it and takes them away again while another test copies.
fn kept() -> &'static Path {
    static KEPT: OnceLock<tempfile::TempDir> = OnceLock::new();
    let directory = KEPT.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let data = text(directory.path());
        run(["demo", "--payments", "60", "--json", "--data", data]).expect(0);
        sqlite3(directory.path(), "PRAGMA wal_checkpoint(TRUNCATE)");
        assert_eq!(verify(directory.path()).expect(0).json()["verified"], true);
        directory
    });
    directory.path()
}

/// A copy that all may read and nobody changes.
pub fn book() -> &'static Path {
    static BOOK: OnceLock<tempfile::TempDir> = OnceLock::new();
    BOOK.get_or_init(copy_of_book).path()
}

/// A copy that may be changed.
pub fn copy_of_book() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_book_to(copy.path());
    copy
}

/// Copies the book into a directory.
pub fn copy_book_to(directory: &Path) {
    copy_directory(kept(), directory);
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
