//! When a shard ends: told to while its store is away, left to another server, or with a part that died.

use crate::callers::{ask, envelope};
use crate::gate::{answer, clock, gated, run, submit};
use crate::memory::{Fault, MemoryStore};
use crate::rig::{EVERYTHING, add, is_unavailable, open, options, start, vault};
use crate::toy::{Toy, ToyReply};
use crossbeam_channel::Receiver;
use engine::batch::SealedBatch;
use engine::runtime::{Clock, Engine, Running};
use engine::store::{Queries, StoreError, StoreFactory, StoreReader, StoreWriter};
use engine::{SubmitError, Verdict};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// A clock that the shard waits for, once for each command.
struct Held(Receiver<()>);

impl Clock for Held {
    fn now(&self) -> Timestamp {
        let _ = self.0.recv();
        start()
    }
}

/// It tried to open the book for ever, and nobody told it a second time.
#[test]
fn a_stop_that_was_heard_before_the_commit_failed_ends_the_shard_while_the_store_is_away() {
    let store = MemoryStore::default();
    let (gated, gate) = gated(store.clone());
    let (tick, ticks) = crossbeam_channel::unbounded();
    let running = Engine::start(
        Arc::new(Toy),
        Arc::new(gated),
        vault(),
        Arc::new(Held(ticks)),
        options(EVERYTHING, 2),
    )
    .unwrap();
    let engine = running.engine.clone();
    tick.send(()).unwrap();
    let first = submit(&engine, envelope(add("a", 1)));
    gate.arrival();
    // The shard stands at this one's time while it is told to stop: it hears both before it looks at the commit.
    let second = submit(&engine, envelope(add("b", 1)));
    let stopping = std::thread::spawn(move || running.stop());
    while engine.queue_length() == 0 {
        std::thread::yield_now();
    }
    store.fail_next([Some(Fault::Fails)]);
    store.set_unreadable(true);
    drop(tick);
    while engine.queue_length() > 0 {
        std::thread::yield_now();
    }
    drop(gate);
    stopping.join().unwrap();
    for waiting in [first, second] {
        let result = answer(waiting);
        assert!(is_unavailable(&result), "{result:?}");
    }
    assert_eq!(store.tables().head, None);
}

/// Whether it ends: who asks is told so, after at most a few answers that it is not available.
fn ends(running: &Running<Toy>) -> bool {
    let mut answers = (0..1_000).map(|_| ask(running, add("b", 1)));
    answers.any(|answer| answer == Err(SubmitError::Moving))
}

fn leased(store: &MemoryStore, reopen_max: Duration) -> Running<Toy> {
    Engine::start_leased(
        Arc::new(Toy),
        Arc::new(store.clone()),
        vault(),
        clock(),
        options(EVERYTHING, 2),
        reopen_max,
    )
    .unwrap()
}

/// Its lease was renewed for ever, and every write answered 503, although another server could have had it.
#[test]
fn a_leased_shard_that_cannot_be_opened_anew_ends() {
    let store = MemoryStore::default();
    let running = leased(&store, Duration::ZERO);
    store.fail_next([Some(Fault::Fails)]);
    let result = ask(&running, add("a", 1));
    assert!(is_unavailable(&result), "{result:?}");
    // The store was there: one failure is no reason.
    let again = ask(&running, add("a", 1));
    assert_eq!(again.unwrap().result, Verdict::Done(ToyReply::Value(1)));
    store.set_unreadable(true);
    assert!(ends(&running));
    running.stop();
}

#[test]
fn a_leased_shard_is_tried_again_for_the_time_that_it_has() {
    let store = MemoryStore::default();
    let running = leased(&store, Duration::from_secs(3_600));
    store.set_unreadable(true);
    for _ in 0..3 {
        let result = ask(&running, add("a", 1));
        assert!(is_unavailable(&result), "{result:?}");
    }
    store.set_unreadable(false);
    while ask(&running, add("a", 1)).is_err() {
        std::thread::yield_now();
    }
    running.stop();
}

/// Another server would meet the same, and this one's log names it.
#[test]
fn a_leased_shard_with_damage_stays_where_it_is() {
    let store = MemoryStore::default();
    let running = leased(&store, Duration::ZERO);
    ask(&running, open(&["a"], true)).unwrap();
    store.fail_next([Some(Fault::Fails)]);
    store.lose_head();
    for _ in 0..3 {
        let result = ask(&running, add("a", 1));
        assert!(is_unavailable(&result), "{result:?}");
    }
    assert!(!running.has_ended());
    running.stop();
}

/// A store whose writer has a bug.
struct Broken(MemoryStore);

struct BrokenWriter;

impl StoreWriter for BrokenWriter {
    fn commit(&mut self, _batch: &SealedBatch) -> Result<(), StoreError> {
        panic!("a bug in the writer");
    }
}

impl StoreFactory for Broken {
    fn reader(&self) -> Result<Box<dyn StoreReader>, StoreError> {
        self.0.reader()
    }
    fn writer(&self) -> Result<Box<dyn StoreWriter>, StoreError> {
        Ok(Box::new(BrokenWriter))
    }
    fn queries(&self) -> Result<Arc<dyn Queries>, StoreError> {
        self.0.queries()
    }
}

/// It was opened anew again and again, without anybody who writes.
#[test]
fn a_shard_whose_writing_thread_died_ends() {
    let running = run(Broken(MemoryStore::default()));
    let result = ask(&running, add("a", 1));
    assert!(is_unavailable(&result), "{result:?}");
    assert!(ends(&running));
    while !running.has_ended() {
        std::thread::yield_now();
    }
    running.stop();
}
