//! Repeats of a request under its key.

use crate::memory::Fault;
use crate::rig::{Rig, add, add_or_refuse, broken, key, keyed, pay, refused};
use crate::toy::{ToyCommand, ToyReply};
use engine::{Denial, Idempotency, Task, Verdict};

#[test]
fn a_repeat_is_answered_from_the_record() {
    let mut rig = Rig::new();
    let first = rig.ask_keyed(add("a", 1), key("k1", "body"));
    assert!(!first.replayed);
    for restart in [false, true] {
        if restart {
            rig.restart();
        }
        let again = rig.ask_keyed(add("a", 1), key("k1", "body"));
        assert!(again.replayed);
        assert_eq!(again.result, first.result);
        assert_eq!(again.journal_seq, first.journal_seq);
    }
    assert_eq!(rig.counter("a"), Some(1));
    assert_eq!(
        rig.tables().journal.len(),
        1,
        "a repeat is no command of its own"
    );
}

#[test]
fn another_body_under_the_key_is_denied() {
    let mut rig = Rig::new();
    rig.ask_keyed(add("a", 1), key("k1", "body"));
    let other = rig.ask_keyed(add("a", 2), key("k1", "other body"));
    assert_eq!(other.result, Verdict::Denied(Denial::KeyReused));
    assert!(!other.replayed);
    assert_eq!(rig.counter("a"), Some(1));
    // The first request's repeat is still answered.
    assert!(rig.ask_keyed(add("a", 1), key("k1", "body")).replayed);
}

#[test]
fn keys_of_different_scopes_do_not_meet() {
    let mut rig = Rig::new();
    let scoped = |scope: &str, key: &str| Idempotency {
        scope: scope.into(),
        key: key.into(),
        body_hash: "body".into(),
    };
    // Joined without care, both of the last two would read "a|b|c".
    for (scope, key) in [
        ("client 1", "k"),
        ("client 2", "k"),
        ("a|b", "c"),
        ("a", "b|c"),
    ] {
        assert!(!rig.ask_keyed(add("a", 1), scoped(scope, key)).replayed);
    }
    assert_eq!(rig.counter("a"), Some(4));
}

#[test]
fn a_repeat_within_the_batch_waits_for_it() {
    let mut rig = Rig::new();
    let first = rig.run(keyed(add("a", 1), key("k1", "body")));
    let second = rig.run(keyed(add("a", 1), key("k1", "body")));
    assert!(rig.shard.take_unwritten().is_empty());
    let batch = rig.seal().unwrap();
    let third = rig.run(keyed(add("a", 1), key("k1", "body")));
    // It rests on rows that are being written: not a word before they are.
    assert!(rig.shard.take_unwritten().is_empty());
    assert!(rig.seal().is_none());
    let mut outcomes = rig.commit_sealed(&batch);
    assert!(!outcomes.contains_key(&third));
    outcomes.extend(rig.shard.take_unwritten());
    let replayed: Vec<bool> = [first, second, third]
        .map(|ticket| outcomes[&ticket].replayed)
        .into();
    assert_eq!(replayed, [false, true, true]);
    assert_eq!(rig.counter("a"), Some(1));
}

#[test]
fn refusals_are_repeated_and_broken_commands_are_not() {
    let mut rig = Rig::new();
    let command = add_or_refuse("a", -1);
    let first = rig.ask_keyed(command.clone(), key("k1", "body"));
    rig.done(add("a", 5));
    let again = rig.ask_keyed(command, key("k1", "body"));
    assert!(
        again.replayed,
        "a refusal stands, though it would go through now"
    );
    assert_eq!(again.result, first.result);
    assert_eq!(again.result, refused("a would be -1"));
    let breaks = ToyCommand::Touch { counters: 10_001 };
    for _ in 0..2 {
        let outcome = rig.ask_keyed(breaks.clone(), key("k2", "body"));
        assert!(!outcome.replayed);
        broken(outcome.result);
    }
}

#[test]
fn a_lost_answer_is_found_again_under_the_key() {
    use engine::store::StoreWriter;
    let mut rig = Rig::new();
    rig.run(keyed(add("a", 1), key("k1", "body")));
    let batch = rig.seal().unwrap();
    rig.store.fail_next([Some(Fault::Lost)]);
    assert!(rig.store.clone().commit(&batch).is_err());
    // The shard stops and reloads; what it reads tells whether the batch is there.
    rig.restart();
    let again = rig.ask_keyed(add("a", 1), key("k1", "body"));
    assert!(again.replayed);
    assert_eq!(again.result, Verdict::Done(ToyReply::Value(1)));
    assert_eq!(rig.counter("a"), Some(1));
}

#[test]
fn answers_expire_after_seven_days_in_bounded_steps() {
    let mut rig = Rig::new();
    for number in 0..1_200 {
        rig.run(keyed(add("a", 1), key(&number.to_string(), "body")));
    }
    rig.commit();
    rig.wait(7 * 24 * 3600 - 1);
    rig.run(keyed(add("a", 1), key("late", "body")));
    rig.commit();
    let kept = |rig: &Rig| rig.tables().keys("idempotency").len();
    rig.ask_task(Task::Housekeeping);
    assert_eq!(kept(&rig), 1_201, "one second too early");
    rig.wait(2);
    let mut steps = Vec::new();
    rig.restart();
    for _ in 0..4 {
        let before = kept(&rig);
        rig.ask_task(Task::Housekeeping);
        steps.push(before - kept(&rig));
    }
    assert_eq!(steps, [500, 500, 200, 0]);
    assert!(!rig.ask_keyed(add("a", 1), key("7", "body")).replayed);
    assert!(rig.ask_keyed(add("a", 1), key("late", "body")).replayed);
    assert_eq!(
        rig.tables()
            .index
            .iter()
            .filter(|(kind, ..)| kind == "idempotency")
            .count(),
        2
    );
}

#[test]
fn natural_numbers_answer_when_the_key_is_long_gone() {
    let mut rig = Rig::new();
    rig.done(crate::rig::open(&["a", "b"], true));
    rig.ask_keyed(pay(77, 1, 2, 5), key("k1", "body"));
    rig.wait(30 * 24 * 3600);
    rig.ask_task(Task::Housekeeping);
    rig.restart();
    let again = rig.ask_keyed(pay(77, 1, 2, 5), key("k1", "body"));
    assert!(!again.replayed);
    assert_eq!(again.result, Verdict::Done(ToyReply::Already));
}
