//! Parts of a command that break alone: nothing of them stays, and the others are as if they had never been.

use crate::memory::MemoryStore;
use crate::rig::{
    EVERYTHING, NOTHING, Rig, add, add_later, add_or_refuse, broken, delete, emit, open, pay,
    quietly,
};
use crate::toy::{ToyCommand, ToyReply};
use engine::{CacheLimits, EffectRecord, Record, Repeat, TimerRecord};

fn send(note: &str) -> ToyCommand {
    emit(note, Repeat::Always)
}

/// Does much of everything, and then breaks.
fn much_then(breaks: ToyCommand) -> Vec<ToyCommand> {
    vec![
        open(&["new"], true),
        pay(50, 1, 2, 7),
        add("a", 100),
        add("fresh", 100),
        send("never"),
        add_later("never", 1, 0),
        delete("b"),
        breaks,
    ]
}

fn all_of(commands: Vec<ToyCommand>) -> ToyCommand {
    ToyCommand::All(commands)
}

fn keys(rig: &Rig, kind: &str) -> Vec<String> {
    rig.tables().keys(kind)
}

fn parts_that_break_leave_nothing(limits: CacheLimits) {
    let mut rig = Rig::over(MemoryStore::default(), limits, 1);
    rig.done(open(&["one", "two", "three", "damaged"], true));
    rig.done(add("a", 1));
    rig.done(add("b", 2));
    rig.done(add("bad", 3));
    rig.done(pay(1, 1, 2, 10));
    rig.sweep();
    rig.store.damage_record("counter", "bad");
    rig.store.damage_account(4);
    rig.restart();
    let breaks = [
        add("bad", 1),
        ToyCommand::Panic,
        pay(51, 1, 4, 1),
        add_or_refuse("a", -1_000),
    ];
    let mut parts = vec![all_of(vec![pay(2, 1, 3, 5), add("a", 1), send("first")])];
    for broken in &breaks {
        parts.push(all_of(much_then(broken.clone())));
    }
    parts.push(all_of(vec![pay(3, 2, 3, 4), add("b", 1), send("last")]));
    let reply = quietly(|| rig.done(ToyCommand::Parts(parts)));
    let ToyReply::Names(reasons) = reply else {
        panic!("{reply:?}")
    };
    let told = [
        "counter bad",
        "panic: a bug in a command",
        "account, id 4",
        "a would be -898",
    ];
    assert_eq!(reasons.len(), told.len());
    for (reason, told) in reasons.iter().zip(told) {
        assert!(reason.contains(told), "{reason}");
    }
    assert_eq!((rig.counter("a"), rig.counter("b")), (Some(2), Some(3)));
    assert_eq!(keys(&rig, "counter"), ["a", "b", "bad"]);
    let effects = keys(&rig, EffectRecord::KIND);
    assert_eq!(effects.len(), 2);
    let permitted: Vec<String> = rig.fresh.keys().cloned().collect();
    assert_eq!(permitted, effects);
    assert!(keys(&rig, TimerRecord::KIND).is_empty());
    assert!(
        keys(&rig, "set_aside").is_empty(),
        "that is the command's affair"
    );
    let tables = rig.tables();
    let ids: Vec<u128> = tables.transfers.keys().copied().collect();
    assert_eq!(ids, [1, 2, 3]);
    assert_eq!(tables.accounts.len(), 4);
    assert_eq!(rig.account(3).credits_posted, 9);
    // Ids of what was undone are free.
    rig.done(pay(50, 1, 2, 7));
    assert_eq!(rig.done(add("fresh", 1)), ToyReply::Value(1));
}

#[test]
fn parts_that_break_leave_nothing_and_the_others_are_done() {
    parts_that_break_leave_nothing(NOTHING);
    parts_that_break_leave_nothing(EVERYTHING);
}

#[test]
fn a_book_with_parts_undone_verifies() {
    let mut rig = Rig::new();
    rig.done(open(&["one", "two"], true));
    rig.done(add("b", 2));
    let parts = vec![
        all_of(much_then(ToyCommand::Panic)),
        all_of(vec![pay(2, 1, 2, 5), add("a", 1)]),
        all_of(much_then(ToyCommand::Panic)),
    ];
    quietly(|| rig.done(ToyCommand::Parts(parts)));
    rig.sweep();
    rig.verify();
    rig.restart();
    assert_eq!(rig.account(2).credits_posted, 5);
}

#[test]
fn a_rehearsal_breaks_as_the_command_would_and_does_nothing() {
    let mut rig = Rig::new();
    rig.done(open(&["one", "two"], true));
    rig.done(add("b", 2));
    let rows = rig.tables().rows.len();
    let fine = all_of(much_then(add("a", 1)));
    rig.done(ToyCommand::Rehearse(Box::new(fine)));
    let breaks = all_of(much_then(ToyCommand::Panic));
    let reason = broken(quietly(|| rig.ask(ToyCommand::Rehearse(Box::new(breaks)))));
    assert_eq!(reason, "panic: a bug in a command");
    assert_eq!(rig.tables().rows.len(), rows);
    assert_eq!(keys(&rig, "counter"), ["b"]);
    assert!(keys(&rig, EffectRecord::KIND).is_empty() && rig.fresh.is_empty());
    rig.sweep();
    rig.verify();
}

#[test]
fn a_store_that_does_not_answer_is_not_the_parts_trouble() {
    let mut rig = Rig::over(MemoryStore::default(), NOTHING, 1);
    rig.done(add("a", 1));
    rig.restart();
    rig.store.set_unreadable(true);
    let parts = ToyCommand::Parts(vec![add("a", 1)]);
    let task = engine::Task::Envelope(engine::Envelope::new(crate::rig::actor(), parts));
    assert!(rig.try_run(task).is_err());
}
