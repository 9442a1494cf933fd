//! Many callers, stopping, and what is there afterwards.

use crate::gate::{Answer, answer, clock, gated, run, run_with, submit};
use crate::memory::MemoryStore;
use crate::rig::{EVERYTHING, actor, add, broken, key, keyed, open, options, pay, vault, verify};
use crate::toy::{Counter, Toy, ToyCommand, ToyReply};
use engine::runtime::{Counters, Engine, Running};
use engine::store::Queries;
use engine::store::sqlite::SqliteStore;
use engine::{Envelope, Idempotency, SubmitError, Task, Verdict};
use ledger::AccountId;
use std::sync::Arc;

pub fn envelope(command: ToyCommand) -> Envelope<ToyCommand> {
    Envelope::new(actor(), command)
}

pub fn under_key(command: ToyCommand, idempotency: Idempotency) -> Envelope<ToyCommand> {
    match keyed(command, idempotency) {
        Task::Envelope(envelope) => envelope,
        _ => unreachable!(),
    }
}

/// Submits and waits for the answer.
pub fn ask(running: &Running<Toy>, command: ToyCommand) -> Answer {
    running.engine.submit_blocking(envelope(command))
}

/// A counter as the store has it.
pub fn value(store: &MemoryStore, counter: &str) -> Option<i64> {
    stored(store, counter).map(|counter| counter.value)
}

fn stored(store: &MemoryStore, counter: &str) -> Option<Counter> {
    let body = Queries::record(store, "counter", counter).unwrap()?;
    Some(serde_json::from_slice(&body).unwrap())
}

/// Everyone pays into the same account, half of them asking twice.
#[test]
fn concurrent_callers_each_count_once() {
    const CALLERS: u64 = 8;
    const EACH: u64 = 100;
    let directory = testing::scratch::directory();
    let store = Arc::new(SqliteStore::open(directory.path()).unwrap());
    let running = Engine::start(
        Arc::new(Toy),
        store,
        vault(),
        clock(),
        options(EVERYTHING, 1),
    )
    .unwrap();
    let names: Vec<String> = (0..=CALLERS).map(|n| format!("account {n}")).collect();
    let opened = ToyCommand::Open {
        names,
        overdraft: true,
    };
    ask(&running, opened).unwrap();
    std::thread::scope(|scope| {
        for caller in 1..=CALLERS {
            let engine = running.engine.clone();
            scope.spawn(move || {
                for number in 0..EACH {
                    let id = u128::from(caller * 1_000 + number);
                    let idempotency = key(&id.to_string(), "body");
                    let request = under_key(pay(id, caller + 1, 1, 1), idempotency);
                    let first = engine.submit_blocking(request.clone()).unwrap();
                    assert_eq!(first.result, Verdict::Done(ToyReply::Done));
                    if number % 2 == 0 {
                        let again = engine.submit_blocking(request).unwrap();
                        assert!(again.replayed);
                        assert_eq!(again.journal_seq, first.journal_seq);
                    }
                }
            });
        }
    });
    let total = running.engine.counters();
    assert_eq!(Counters::get(&total.commands), 1 + CALLERS * EACH);
    assert_eq!(
        Counters::get(&total.ledger_rows),
        1 + CALLERS + CALLERS * EACH
    );
    assert!(Counters::get(&total.batches) <= 1 + CALLERS * EACH + 1);
    running.stop();
    // The directory is free as soon as stop has returned, and there is no tail to read.
    let store = SqliteStore::open(directory.path()).unwrap();
    let queries = store.queries().unwrap();
    let head = queries.head().unwrap().unwrap();
    assert_eq!(head.low_seq, head.ledger_seq + 1);
    let hot = queries.account(AccountId(1)).unwrap().unwrap().state;
    assert_eq!(hot.credits_posted, (CALLERS * EACH) as i64);
    assert_eq!(verify(&queries).journal_rows, 1 + CALLERS * EACH);
}

#[test]
fn what_was_submitted_before_stopping_is_finished() {
    let store = MemoryStore::default();
    let (gated, gate) = gated(store.clone());
    let running = run(gated);
    let engine = running.engine.clone();
    let first = submit(&engine, envelope(open(&["a", "b"], true)));
    gate.arrival();
    let more: Vec<_> = (1..=20)
        .map(|id| submit(&engine, envelope(pay(id, 1, 2, 1))))
        .collect();
    let stopping = std::thread::spawn(move || running.stop());
    drop(gate);
    stopping.join().unwrap();
    assert!(answer(first).is_ok());
    for waiting in more {
        assert_eq!(
            answer(waiting).unwrap().result,
            Verdict::Done(ToyReply::Done)
        );
    }
    let tables = store.tables();
    let head = tables.head.unwrap();
    assert_eq!((head.ledger_seq, head.low_seq), (22, 23));
    assert_eq!(tables.accounts[&2].state.credits_posted, 20);
    // Nothing is taken any more.
    assert_eq!(
        engine.submit_blocking(envelope(add("a", 1))),
        Err(SubmitError::Moving)
    );
}

#[test]
fn dropping_every_handle_stops_it_too() {
    let store = MemoryStore::default();
    let running = run(store.clone());
    ask(&running, open(&["a"], true)).unwrap();
    drop(running);
    // The thread ends by itself; it writes the last checkpoint before it does.
    while store
        .tables()
        .head
        .is_none_or(|head| head.low_seq <= head.ledger_seq)
    {
        std::thread::yield_now();
    }
}

#[test]
fn a_balance_includes_what_was_answered_and_is_durable() {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let store = MemoryStore::default();
    let (gated, gate) = gated(store.clone());
    let running = run(gated);
    let engine = running.engine.clone();
    let opened = submit(&engine, envelope(open(&["a", "b"], true)));
    gate.arrival();
    gate.open_once();
    answer(opened).unwrap();
    let paid = submit(&engine, envelope(pay(1, 1, 2, 7)));
    gate.arrival();
    let read = std::thread::spawn({
        let engine = engine.clone();
        move || tokio.block_on(engine.account(AccountId(2)))
    });
    gate.open_once();
    answer(paid).unwrap();
    let state = read.join().unwrap().unwrap().unwrap();
    assert_eq!(state.credits_posted, 7);
    assert_eq!(store.tables().rows.len(), 3);
    drop(gate);
    running.stop();
}

/// A read behind a repeat that nothing had to be written for was never answered.
#[test]
fn a_read_behind_a_repeated_command_is_answered() {
    let store = MemoryStore::default();
    let (gated, gate) = gated(store);
    let running = run(gated);
    let engine = running.engine.clone();
    let request = under_key(open(&["a"], true), key("k1", "body"));
    let first = submit(&engine, request.clone());
    gate.arrival();
    gate.open_once();
    answer(first).unwrap();
    let other = submit(&engine, envelope(add("a", 1)));
    gate.arrival();
    let repeat = submit(&engine, request);
    let read = std::thread::spawn({
        let engine = engine.clone();
        let tokio = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        move || tokio.block_on(engine.account(AccountId(1)))
    });
    gate.open_once();
    answer(other).unwrap();
    assert!(answer(repeat).unwrap().replayed);
    assert!(read.join().unwrap().unwrap().is_some());
    drop(gate);
    running.stop();
}

#[test]
fn a_panicking_command_is_answered_and_others_go_on() {
    let running = run(MemoryStore::default());
    broken(ask(&running, ToyCommand::Panic).unwrap().result);
    let fine = ask(&running, add("a", 1)).unwrap();
    assert_eq!(fine.result, Verdict::Done(ToyReply::Value(1)));
    running.stop();
}

#[test]
fn commands_see_the_clock_they_are_given() {
    let store = MemoryStore::default();
    let clock = clock();
    let running = run_with(store.clone(), clock.clone());
    let later = crate::rig::start() + jiff::SignedDuration::from_secs(3_600);
    clock.set(later);
    clock.set(crate::rig::start());
    ask(&running, add("a", 1)).unwrap();
    running.stop();
    assert_eq!(stored(&store, "a").unwrap().changed, later);
}
