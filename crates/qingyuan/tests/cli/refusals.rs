//! What `serve` and `verify` refuse, in words that say what to do. Exit status 2.

use crate::support::database::sqlite3;
use crate::support::process::{
    Finished, Serving, over, program, run, serve_in_vain, text, verify, write,
};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

fn serve(directory: &Path, more: &[&str]) -> Finished {
    serve_in_vain(&directory.join("book"), more)
}

/// A book that was served once.
fn book(directory: &Path) -> std::path::PathBuf {
    let data = directory.join("book");
    let log = directory.join("log");
    let server = Serving::start(&over(&data, &[]), &log);
    assert!(server.terminate().success());
    data
}

#[test]
fn a_directory_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("book");
    let log = directory.path().join("log");
    let server = Serving::start(&over(&data, &[]), &log);
    let in_use = [text(&data), "is in use by another qingyuan process"];
    serve(directory.path(), &[]).refused(&in_use);
    run(["demo", "--payments", "4", "--data", text(&data)]).refused(&in_use);
    // Reading along is allowed.
    assert_eq!(verify(&data).expect(0).json()["verified"], true);
    assert!(server.terminate().success());
    let again = Serving::start(&over(&data, &[]), &log);
    assert!(again.terminate().success());
}

#[test]
fn a_port_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = directory.path().join("book");
    let refused = run(["serve", "--data", text(&data), "--bind", &address]);
    refused.refused(&["cannot listen on", &address, "in use"]);
    assert!(
        !data.exists(),
        "nothing is made before the address is known to be free"
    );
    let (_, port) = address.rsplit_once(':').unwrap();
    let refused = serve(directory.path(), &["--sandbox", "--wechat-port", port]);
    refused.refused(&["cannot listen on", port, "0 for a free one"]);
}

#[test]
fn settings_that_are_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("none.toml");
    serve(directory.path(), &["--config", text(&missing)]).refused(&["none.toml", "No such file"]);
    let key = "[[api_keys]]\nid = \"a\"\nsha256 = \"00\"\nprincipal = \"p\"\nrole = \"operator\"\n";
    let cases: [(&str, &[&str]); 6] = [
        (
            "bnid = \"127.0.0.1:1\"",
            &["settings.toml", "line 1", "bnid"],
        ),
        (
            "[limits]\nbody_byte = 5",
            &["settings.toml", "line 2", "body_byte", "body_bytes"],
        ),
        ("bind = 8080", &["settings.toml", "line 1"]),
        ("public_url = \"pay.example\"", &["public_url", "absolute"]),
        (
            key,
            &["api_keys", "sha256 of key a", "64 hexadecimal digits"],
        ),
        ("bind = ", &["settings.toml", "line 1"]),
    ];
    for (content, words) in cases {
        let settings = write(directory.path(), "settings.toml", content);
        serve(directory.path(), &["--config", text(&settings)]).refused(words);
    }
}

#[test]
fn a_book_from_the_future() {
    let directory = tempfile::tempdir().unwrap();
    let data = book(directory.path());
    sqlite3(&data, "PRAGMA user_version = 99");
    serve(directory.path(), &[]).refused(&["schema version 99", "newer release"]);
    verify(&data).refused(&["schema version 99", "newer release"]);
}

#[test]
fn a_book_whose_last_command_is_of_tomorrow() {
    let directory = tempfile::tempdir().unwrap();
    let data = book(directory.path());
    sqlite3(&data, "UPDATE shard SET now_ms = now_ms + 86400000");
    serve(directory.path(), &[]).refused(&["after this machine's clock", "set the clock right"]);
}

#[test]
fn a_vault_key_that_is_gone_or_malformed() {
    let directory = tempfile::tempdir().unwrap();
    let data = book(directory.path());
    let key = std::fs::read_to_string(data.join("vault.key")).unwrap();
    let digits = "64 hexadecimal digits";
    for wrong in ["", "not a key", &key[1..]] {
        write(&data, "vault.key", wrong);
        let refused = serve(directory.path(), &[]);
        assert!(
            wrong.is_empty() || !refused.stderr.contains(wrong),
            "{refused:?}"
        );
        refused.refused(&["vault"]);
    }
    write(&data, "vault.key", "xyz");
    serve(directory.path(), &[]).refused(&[digits]);
    std::fs::remove_file(data.join("vault.key")).unwrap();
    serve(directory.path(), &[]).refused(&["vault.key"]);
    assert!(
        !data.join("vault.key").exists(),
        "no new key for an old book"
    );
    write(&data, "vault.key", &key);
    let log = directory.path().join("log");
    let server = Serving::start(&over(&data, &[]), &log);
    assert!(server.terminate().success());
}

/// As in `qingyuan verify --data ./book | head -1`: the exit status still says what was found.
#[test]
fn a_reader_that_has_left_is_no_failure() {
    let directory = tempfile::tempdir().unwrap();
    let data = book(directory.path());
    for arguments in [&["verify", "--data"][..], &["verify", "--json", "--data"]] {
        let mut child = program()
            .args(arguments)
            .arg(&data)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let finished = Finished::from(child.wait_with_output().unwrap());
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    }
}
