//! What makes a batch full.

use crate::callers::envelope;
use crate::gate::{answer, gated, run, submit};
use crate::memory::MemoryStore;
use crate::rig::{add, list};
use crate::toy::ToyCommand;
use engine::Envelope;

/// A command of at least this many bytes that changes nothing.
fn long(bytes: usize) -> Envelope<ToyCommand> {
    envelope(list(&"x".repeat(bytes), ""))
}

/// A transaction of any size was written, and kept in memory several times.
#[test]
fn a_batch_of_long_commands_is_full_before_all_of_them_are_in_it() {
    const COMMANDS: usize = 64;
    let store = MemoryStore::default();
    let (gated, gate) = gated(store.clone());
    let running = run(gated);
    let engine = &running.engine;
    let first = submit(engine, envelope(add("first", 1)));
    gate.arrival();
    let waiting: Vec<_> = (0..COMMANDS)
        .map(|_| engine.submit_later(long(1 << 20)).unwrap())
        .collect();
    // As many as make 32 MiB are taken in any case.
    while engine.queue_length() > COMMANDS - 32 {
        std::thread::yield_now();
    }
    drop(gate);
    answer(first).unwrap();
    for waiting in waiting {
        answer(waiting).unwrap();
    }
    running.stop();
    let tables = store.tables();
    let ends: Vec<u64> = tables
        .batches
        .values()
        .map(|b| b.last_journal_seq)
        .collect();
    let longest = ends.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    // Commands are run a few at a time: so many can be in it beyond the bound.
    assert!(
        longest <= 32 + 16,
        "{longest} commands of 1 MiB in one batch"
    );
}
