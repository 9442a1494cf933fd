//! Files and directories that `verify` cannot read as a book, and one that it can only read.

use crate::book::{copy_book_to, damaged};
use crate::support::database_file;
use crate::support::process::{program_at, text, verify, write};
use std::path::Path;

/// Root may write everywhere: the program runs as nobody then.
#[test]
fn a_book_in_a_directory_that_cannot_be_written_is_verified() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let place = tempfile::tempdir().unwrap();
    let allow = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(place.path(), 0o755);
    let program = place.path().join("qingyuan");
    std::fs::copy(env!("CARGO_BIN_EXE_qingyuan"), &program).unwrap();
    let verified = |directory: &Path| {
        let mut command = program_at(&program);
        command.args(["verify", "--json", "--data", text(directory)]);
        if place.path().metadata().unwrap().uid() == 0 {
            command.uid(65_534);
        }
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), told)
    };
    // A name that an address would take for something else.
    let copy = place.path().join("book 100%?#1");
    std::fs::create_dir(&copy).unwrap();
    copy_book_to(&copy);
    for file in std::fs::read_dir(&copy).unwrap() {
        allow(&file.unwrap().path(), 0o444);
    }
    allow(&copy, 0o555);
    assert_eq!(verified(&copy), (Some(0), String::new()));
    // One that was not closed cannot be read as it is.
    allow(&copy, 0o755);
    let mut log = database_file(&copy).into_os_string();
    log.push("-wal");
    std::fs::write(&log, [1; 4_096]).unwrap();
    allow(Path::new(&log), 0o444);
    let mut shared = database_file(&copy).into_os_string();
    shared.push("-shm");
    let _ = std::fs::remove_file(shared);
    allow(&copy, 0o555);
    let (code, told) = verified(&copy);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("was not closed"), "{told}");
}

#[test]
fn what_is_no_book_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("nowhere");
    let nowhere = text(&missing);
    verify(&missing).refused(&["there is no book in", nowhere, "qingyuan.db is missing"]);
    assert!(!missing.exists(), "verify makes no directories");
    write(
        directory.path(),
        "qingyuan.db",
        &"A letter to the bank. ".repeat(1_000),
    );
    verify(directory.path()).refused(&["not a database"]);
    write(directory.path(), "qingyuan.db", "");
    verify(directory.path()).refused(&["schema version 0"]);
    let half = |copy: &Path| {
        let file = std::fs::File::options()
            .write(true)
            .open(database_file(copy))
            .unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    };
    let finished = damaged(half);
    assert!(matches!(finished.code, Some(1 | 2)), "{finished:?}");
    assert!(!finished.stderr.contains("panicked"), "{finished:?}");
}
