//! A file system without room: writes are refused, reads go on, nothing is half-done, and when there
//! is room again the book goes on.
//!
//! The limit is the operating system's own on the size of a file (`ulimit -f`), set for a child
//! process: this same test binary, running only [`child`].

use crate::rig::{
    EVERYTHING, actor, add, is_unavailable, key, keyed, options, start, vault, verify,
};
use crate::toy::{Toy, ToyCommand, ToyReply};
use engine::runtime::{Engine, Running, SimulatedClock};
use engine::store::sqlite::SqliteStore;
use engine::{Envelope, SubmitError, Task, Verdict};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

const DIRECTORY: &str = "QINGYUAN_TEST_DISK_FULL";

fn engine(directory: &Path) -> Running<Toy> {
    let store = Arc::new(SqliteStore::open(directory).unwrap());
    let clock = Arc::new(SimulatedClock::at(start()));
    Engine::start(Arc::new(Toy), store, vault(), clock, options(EVERYTHING, 4)).unwrap()
}

/// A command of some size under its own key.
fn request(number: u64) -> Envelope<ToyCommand> {
    let counter = format!("{number:05}-{}", "x".repeat(20_000));
    match keyed(add(&counter, 1), key(&number.to_string(), "body")) {
        Task::Envelope(envelope) => envelope,
        _ => unreachable!(),
    }
}

fn submit(running: &Running<Toy>, number: u64) -> Result<bool, SubmitError> {
    let outcome = running.engine.submit_blocking(request(number))?;
    assert_eq!(
        outcome.result,
        Verdict::Done(ToyReply::Value(1)),
        "request {number}"
    );
    Ok(outcome.replayed)
}

/// So that stopping has checkpoints to write, for which there is no room.
fn accounts_with_a_tail(running: &Running<Toy>) {
    let names = (0..200).map(|number| format!("account {number}")).collect();
    let open = ToyCommand::Open {
        names,
        overdraft: true,
    };
    let list = (0..199)
        .map(|n| (u128::from(n) + 1, n + 1, n + 2, 1))
        .collect();
    for command in [open, ToyCommand::Transfers(list)] {
        let envelope = Envelope::new(actor(), command);
        running.engine.submit_blocking(envelope).unwrap();
    }
    let head = running.engine.queries().head().unwrap().unwrap();
    assert!(head.low_seq <= head.ledger_seq);
}

fn acknowledged_in(directory: &Path) -> u64 {
    let text = std::fs::read_to_string(directory.join("acknowledged")).unwrap();
    text.parse().unwrap()
}

/// Runs under the limit; by itself it has nothing to do.
#[test]
#[ignore = "a child process of the test beside it"]
fn child() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let directory = Path::new(&directory);
    let running = engine(directory);
    accounts_with_a_tail(&running);
    let mut acknowledged = 0;
    let refused = loop {
        match submit(&running, acknowledged) {
            Ok(replayed) => assert!(!replayed),
            Err(error) => break error,
        }
        acknowledged += 1;
        assert!(acknowledged < 5_000, "the limit was never met");
    };
    assert!(
        matches!(refused, SubmitError::Unavailable(_)),
        "{refused:?}"
    );
    // Reads go on, and show what was acknowledged and nothing of what was not.
    let queries = running.engine.queries();
    for _ in 0..3 {
        assert_eq!(
            queries.head().unwrap().unwrap().journal_seq,
            acknowledged + 2
        );
        assert_eq!(
            queries.records_after("counter", "", 10_000).unwrap().len() as u64,
            acknowledged
        );
        // Further writes are refused each time, and never taken for done.
        let again = submit(&running, acknowledged);
        assert!(is_unavailable(&again), "{again:?}");
    }
    std::fs::write(directory.join("acknowledged"), acknowledged.to_string()).unwrap();
    // Stopping ends although its last write fails as well.
    running.stop();
}

#[test]
fn writes_stop_reads_go_on_and_room_heals_it() {
    let directory = tempfile::tempdir().unwrap();
    // A write beyond the limit fails instead of ending the process.
    let script = "trap '' XFSZ; ulimit -f 8000 && exec \"$@\"";
    let this = std::env::current_exe().unwrap();
    let output = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(this)
        .args(["--exact", "disk_full::child", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let acknowledged = acknowledged_in(directory.path());
    assert!(acknowledged > 10);
    let running = engine(directory.path());
    for number in 0..acknowledged {
        assert_eq!(submit(&running, number), Ok(true), "acknowledged and gone");
    }
    for number in acknowledged..acknowledged + 30 {
        assert_eq!(
            submit(&running, number),
            Ok(false),
            "refused and done all the same"
        );
    }
    let queries = running.engine.queries().clone();
    verify(queries.as_ref());
    running.stop();
}
