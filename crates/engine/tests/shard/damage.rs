//! Rows changed at rest, still readable but with a check value that is not theirs: used by nobody, written over by
//! nobody, and in nobody else's way.

use crate::memory::MemoryStore;
use crate::rig::{self, EVERYTHING, NOTHING, Rig, ToyVerdict, add, add_later, key, open, pay};
use crate::toy::ToyReply;
use engine::{Record, SetAside, Task, Verdict};

#[track_caller]
fn broken(verdict: ToyVerdict, row: &str) {
    let reason = rig::broken(verdict);
    assert!(reason.contains(row), "{reason}");
    assert!(
        reason.contains("does not match its check value"),
        "{reason}"
    );
}

#[test]
fn a_changed_record_is_neither_used_nor_written_over() {
    let mut rig = Rig::over(MemoryStore::default(), NOTHING, 1);
    rig.done(add("a", 5));
    rig.done(add("b", 5));
    rig.store.damage_record("counter", "a");
    rig.restart();
    let before = rig.tables().records;
    let (first, other) = (rig.send(add("a", 1)), rig.send(add("b", 1)));
    let mut outcomes = rig.commit();
    broken(outcomes.remove(&first).unwrap().result, "counter a");
    assert_eq!(
        outcomes.remove(&other).unwrap().result,
        Verdict::Done(ToyReply::Value(6))
    );
    let row = ("counter".to_owned(), "a".to_owned());
    assert_eq!(rig.tables().records[&row], before[&row]);
}

#[test]
fn a_changed_timer_does_not_stop_the_shard() {
    let mut rig = Rig::new();
    rig.done(add_later("a", 3, 0));
    rig.store.damage_record("timer", "add-a");
    rig.restart();
    broken(rig.fire("add-a"), "timer add-a");
    assert_eq!(rig.tables().keys(SetAside::KIND).len(), 1);
    assert_eq!(rig.done(add("a", 1)), ToyReply::Value(1));
}

#[test]
fn housekeeping_leaves_changed_records_and_deletes_the_others() {
    let mut rig = Rig::new();
    for request in ["one", "two", "three"] {
        rig.ask_keyed(add("a", 1), key(request, "body"));
    }
    let damaged = rig.tables().keys("idempotency").swap_remove(1);
    rig.store.damage_record("idempotency", &damaged);
    rig.restart();
    rig.wait(8 * 24 * 3_600);
    assert_eq!(rig.ask_task(Task::Housekeeping).result, Verdict::Noted);
    assert_eq!(rig.tables().keys("idempotency"), [damaged]);
}

/// It was set aside again and again, and filled the book with that.
#[test]
fn housekeeping_goes_on_beside_an_index_entry_without_its_record() {
    let mut rig = Rig::new();
    for request in ["one", "two", "three"] {
        rig.ask_keyed(add("a", 1), key(request, "body"));
    }
    let lost = rig.tables().keys("idempotency").swap_remove(1);
    rig.store.lose_record("idempotency", &lost);
    rig.restart();
    rig.wait(8 * 24 * 3_600);
    assert_eq!(rig.ask_task(Task::Housekeeping).result, Verdict::Noted);
    for kind in ["idempotency", SetAside::KIND] {
        assert_eq!(rig.tables().keys(kind), [""; 0]);
    }
}

/// The tail tells what its checkpoint lacks, but not what kind of account it is.
#[test]
fn a_changed_account_of_the_tail_waits_for_its_row() {
    let mut rig = Rig::over(MemoryStore::default(), EVERYTHING, 1);
    rig.done(open(&["a", "b", "c", "d"], true));
    for id in 1..=20 {
        rig.done(pay(id, 1 + (id as u64 % 3), 4, 1));
    }
    let known = rig.account(1);
    let tables = rig.tables();
    let sound = tables.accounts[&1].clone();
    let low_seq = tables.head.as_ref().unwrap().low_seq;
    let in_tail = |(_, (row, _)): (&u64, &(ledger::Row, u32))| row.debit.account == 1;
    assert!(tables.rows.range(low_seq..).any(in_tail));
    assert_ne!(sound.state, known, "its checkpoint lacks nothing");
    rig.store.damage_account(1);
    let changed = rig.tables().accounts[&1].clone();
    rig.restart();
    for id in 21..=60 {
        broken(rig.ask(pay(1_000 + id, 1, 4, 1)), "account, id 1");
        rig.done(pay(id, 2, 3, 1));
    }
    rig.sweep();
    let mut tables = rig.tables();
    assert_eq!(tables.accounts[&1], changed);
    assert_eq!(tables.head.as_ref().unwrap().low_seq, low_seq);
    // Its row is restored.
    tables.accounts.insert(1, sound);
    let mut rig = Rig::over(MemoryStore::of(tables), EVERYTHING, 1);
    assert_eq!(rig.account(1), known);
    rig.done(pay(2_000, 1, 4, 1));
    rig.sweep();
    rig.verify();
}
