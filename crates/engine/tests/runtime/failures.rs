//! Stores that fail for a moment, for good, or only in what they say.

use crate::callers::{ask, envelope, under_key, value};
use crate::gate::{Gate, Waiting, answer, gated, run, submit};
use crate::memory::{Fault, MemoryStore};
use crate::rig::{ToyVerdict, add, broken, is_unavailable, key, open, pay, verify};
use crate::toy::{Toy, ToyCommand, ToyReply};
use engine::batch::SealedBatch;
use engine::runtime::{Counters, Running};
use engine::{SetAside, Verdict};
use std::time::{Duration, Instant};

fn keyed_add(name: &str) -> engine::Envelope<ToyCommand> {
    under_key(add(name, 1), key(name, "body"))
}

/// Under load: one batch at the gate, and the named commands together in the next.
fn one_batch_of(
    commands: Vec<engine::Envelope<ToyCommand>>,
) -> (MemoryStore, Gate, Running<Toy>, Vec<Waiting>) {
    let store = MemoryStore::default();
    let (gated, gate) = gated(store.clone());
    let running = run(gated);
    let mut waiting = vec![submit(&running.engine, keyed_add("first"))];
    gate.arrival();
    waiting.extend(
        commands
            .into_iter()
            .map(|command| submit(&running.engine, command)),
    );
    (store, gate, running, waiting)
}

#[test]
fn a_failed_commit_is_answered_503_and_the_retry_counts_once() {
    let commands = vec![keyed_add("a"), keyed_add("b")];
    let (store, gate, running, waiting) = one_batch_of(commands);
    store.fail_next([Some(Fault::Fails)]);
    let begun = Instant::now();
    drop(gate);
    for waiting in waiting {
        let result = answer(waiting);
        assert!(is_unavailable(&result), "{result:?}");
    }
    // It used to wait half a minute for an acknowledgement that it had had.
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(store.tables().head, None);
    for name in ["first", "a", "b", "a"] {
        let outcome = running.engine.submit_blocking(keyed_add(name)).unwrap();
        assert_eq!(outcome.result, Verdict::Done(ToyReply::Value(1)));
    }
    assert_eq!(
        ["first", "a", "b"].map(|name| value(&store, name)),
        [Some(1); 3]
    );
    assert_eq!(Counters::get(&running.engine.counters().failed_commits), 1);
    running.stop();
}

#[test]
fn a_commit_whose_answer_is_lost_is_found_by_the_retry() {
    let (store, gate, running, waiting) = one_batch_of(vec![keyed_add("a")]);
    store.fail_next([Some(Fault::Lost)]);
    drop(gate);
    for waiting in waiting {
        assert!(is_unavailable(&answer(waiting)));
    }
    // The first command is in the books although its caller was told 503; the other is not.
    assert_eq!(
        (value(&store, "first"), value(&store, "a")),
        (Some(1), None)
    );
    let first = running.engine.submit_blocking(keyed_add("first")).unwrap();
    assert!(first.replayed);
    let second = running.engine.submit_blocking(keyed_add("a")).unwrap();
    assert!(!second.replayed);
    assert_eq!(
        (value(&store, "first"), value(&store, "a")),
        (Some(1), Some(1))
    );
    running.stop();
}

#[test]
fn a_store_that_fails_again_and_again_recovers() {
    let store = MemoryStore::default();
    let running = run(store.clone());
    ask(&running, open(&["a", "b"], true)).unwrap();
    let faults = [
        Fault::Fails,
        Fault::Lost,
        Fault::Fails,
        Fault::Fails,
        Fault::Lost,
    ];
    for round in 0..20u128 {
        store.fail_next(faults.map(Some));
        let request = under_key(pay(round + 1, 1, 2, 1), key(&round.to_string(), "body"));
        let mut attempts = 0;
        while is_unavailable(&running.engine.submit_blocking(request.clone())) {
            attempts += 1;
        }
        assert!(attempts >= 1);
    }
    running.stop();
    assert_eq!(store.tables().transfers.len(), 20);
    verify(&store);
}

fn has_poison(batch: &SealedBatch) -> bool {
    batch
        .records
        .iter()
        .any(|change| change.key.key.starts_with("unwritable"))
}

fn results(waiting: Vec<Waiting>) -> Vec<ToyVerdict> {
    let answers = waiting.into_iter().map(answer);
    answers.map(|answer| answer.unwrap().result).collect()
}

#[test]
fn only_the_command_that_the_store_refuses_is_set_aside() {
    let poison = ToyCommand::Unwritable {
        counter: "x".into(),
    };
    let commands = vec![
        keyed_add("a"),
        under_key(poison, key("poison", "body")),
        keyed_add("b"),
        under_key(add("a", 5), key("a again", "body")),
    ];
    let (store, gate, running, waiting) = one_batch_of(commands);
    store.refuse(has_poison);
    drop(gate);
    let results = results(waiting);
    let done = |value| Verdict::Done(ToyReply::Value(value));
    assert_eq!(
        [&results[0], &results[1], &results[3]],
        [&done(1), &done(1), &done(1)]
    );
    assert_eq!(results[4], done(6));
    broken(results[2].clone());
    // Its trace is durable with the answer, not with whatever comes next.
    let [aside]: [SetAside; 1] = store.tables().of_kind().try_into().unwrap();
    assert_eq!(
        aside.task,
        "{\"command\":{\"Unwritable\":{\"counter\":\"x\"}}}"
    );
    assert!(aside.reason.contains("the test refuses this batch"));
    assert_eq!(Counters::get(&running.engine.counters().set_aside), 1);
    assert_eq!(value(&store, "unwritable-x"), None);
    running.stop();
    verify(&store);
}

#[test]
fn a_command_whose_record_cannot_be_encoded_hurts_nobody_else() {
    let commands = vec![
        keyed_add("a"),
        envelope(ToyCommand::Unencodable),
        keyed_add("b"),
    ];
    let (store, gate, running, waiting) = one_batch_of(commands);
    drop(gate);
    let results = results(waiting);
    for good in [0, 1, 3] {
        assert_eq!(results[good], Verdict::Done(ToyReply::Value(1)));
    }
    broken(results[2].clone());
    assert_eq!(store.tables().of_kind::<SetAside>().len(), 1);
    running.stop();
}

#[test]
fn a_set_aside_that_cannot_be_recorded_does_not_stop_the_shard() {
    let poison = ToyCommand::Unwritable {
        counter: "x".into(),
    };
    let (store, gate, running, waiting) = one_batch_of(vec![envelope(poison), keyed_add("a")]);
    store.refuse(|batch| {
        has_poison(batch)
            || batch
                .records
                .iter()
                .any(|change| change.key.kind == "set_aside")
    });
    drop(gate);
    let results = results(waiting);
    let done = Verdict::Done(ToyReply::Value(1));
    assert_eq!(results[2], done);
    broken(results[1].clone());
    let next = running.engine.submit_blocking(keyed_add("b")).unwrap();
    assert_eq!(next.result, done);
    running.stop();
}

#[test]
fn a_store_that_cannot_be_read_is_tried_until_it_can() {
    let store = MemoryStore::default();
    let running = run(store.clone());
    running.engine.submit_blocking(keyed_add("a")).unwrap();
    store.set_unreadable(true);
    let result = running.engine.submit_blocking(keyed_add("b"));
    assert!(is_unavailable(&result), "{result:?}");
    // While it is down, everybody is told so.
    let result = running.engine.submit_blocking(keyed_add("a"));
    assert!(is_unavailable(&result), "{result:?}");
    store.set_unreadable(false);
    while is_unavailable(&running.engine.submit_blocking(keyed_add("b"))) {
        std::thread::yield_now();
    }
    assert!(
        running
            .engine
            .submit_blocking(keyed_add("a"))
            .unwrap()
            .replayed
    );
    assert_eq!((value(&store, "a"), value(&store, "b")), (Some(1), Some(1)));
    running.stop();
}

/// With its last checkpoints refused it tried to write them for ever.
#[test]
fn it_stops_although_the_store_takes_nothing_any_more() {
    let store = MemoryStore::default();
    let running = run(store.clone());
    let names = (0..50).map(|number| format!("account {number}")).collect();
    let opened = ToyCommand::Open {
        names,
        overdraft: true,
    };
    ask(&running, opened).unwrap();
    let list = (0..49)
        .map(|n| (u128::from(n) + 1, n + 1, n + 2, 1))
        .collect();
    store.fail_next(std::iter::once(None).chain([Some(Fault::Fails); 1_000]));
    ask(&running, ToyCommand::Transfers(list)).unwrap();
    running.stop();
    let head = store.tables().head.unwrap();
    assert_eq!(head.ledger_seq, 99);
    assert!(head.low_seq <= head.ledger_seq, "nothing was left to write");
    // What it left behind is read at the next start.
    store.fail_next([]);
    let healed = MemoryStore::of(store.tables());
    let running = run(healed.clone());
    ask(&running, pay(1_000, 50, 1, 1)).unwrap();
    running.stop();
    verify(&healed);
}
