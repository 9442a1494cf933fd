//! One command after another: replies, refusals and panics leave exactly what they should.

use crate::memory::{MemoryStore, Tables};
use crate::rig::{
    NOTHING, Rig, actor, add, add_later, add_or_refuse, broken, delete, list, open, pay, quietly,
    refused,
};
use crate::toy::{Counter, ToyCommand, ToyReply};
use engine::store::contract;
use engine::{Envelope, SetAside, Task, VaultEntry, Verdict};

#[test]
fn the_store_of_these_tests_passes_the_suite_for_stores() {
    let failures = contract::check_all(&mut || Ok(Box::new(MemoryStore::default())));
    assert_eq!(failures, Vec::new());
}

#[test]
fn outcomes_come_with_the_commit_and_not_before() {
    let mut rig = Rig::new();
    let first = rig.send(add("a", 1));
    let refusal = rig.send(add_or_refuse("a", -5));
    assert!(rig.shard.take_unwritten().is_empty());
    assert!(rig.shard.committed().outcomes.is_empty());
    let batch = rig.seal().unwrap();
    assert!(rig.shard.take_unwritten().is_empty());
    // The next batch is being filled; its outcome must not come with this one's.
    let second = rig.send(add("a", 1));
    assert!(rig.seal().is_none(), "only one batch is written at a time");
    let outcomes = rig.commit_sealed(&batch);
    assert_eq!(outcomes[&first].result, Verdict::Done(ToyReply::Value(1)));
    assert_eq!(outcomes[&refusal].result, refused("a would be -4"));
    assert!(!outcomes.contains_key(&second));
    assert!(rig.shard.take_unwritten().is_empty());
    assert_eq!(
        rig.commit()[&second].result,
        Verdict::Done(ToyReply::Value(2))
    );
    let seqs: Vec<u64> = outcomes
        .values()
        .map(|outcome| outcome.journal_seq)
        .collect();
    assert_eq!(seqs, [1, 2]);
}

#[test]
fn a_sealed_batch_is_not_changed_by_what_runs_after_it() {
    let mut rig = Rig::new();
    rig.done(open(&["a", "b"], true));
    rig.send(add("counter", 1));
    rig.send(pay(10, 1, 2, 100));
    let sealed = rig.seal().unwrap();
    let copy = (*sealed).clone();
    rig.send(add("counter", 41));
    rig.send(pay(11, 1, 2, 5));
    rig.send(delete("counter"));
    rig.send(open(&["c"], true));
    rig.send(ToyCommand::TurnDay);
    assert_eq!(*sealed, copy);
    rig.commit_sealed(&sealed);
    assert_eq!(rig.counter("counter"), Some(1));
    assert_eq!(rig.tables().rows.len(), 3);
    rig.commit();
    assert_eq!(rig.counter("counter"), None);
    assert_eq!(rig.account(1).debits_posted, 105);
    rig.verify();
}

/// Tables without the journal, the batches and what only counts them.
fn contents(rig: &Rig) -> Tables {
    let mut tables = rig.tables();
    tables.journal.clear();
    tables.batches.clear();
    if let Some(head) = &mut tables.head {
        head.batch_seq = 0;
        head.journal_seq = 0;
        head.now = crate::rig::start();
        head.head_hash = [0; 32];
        head.low_seq = 0;
    }
    tables
}

#[test]
fn a_refused_command_leaves_nothing_but_its_journal_row() {
    let mut rig = Rig::new();
    rig.done(open(&["poor", "rich", "other"], false));
    rig.done(open(&["bank"], true));
    rig.done(pay(1, 4, 2, 1_000));
    rig.done(add("a", 7));
    rig.sweep();
    let before = contents(&rig);
    let refused = [
        add_or_refuse("a", -8),
        add_or_refuse("new", -1),
        // Opens two accounts before it finds the name taken.
        open(&["x", "y", "rich"], false),
        // Its second and third transfers are refused.
        ToyCommand::Transfers(vec![(2, 2, 3, 10), (3, 1, 3, 10)]),
        ToyCommand::Transfers(vec![(2, 2, 3, 10), (3, 2, 99, 10)]),
        ToyCommand::Postings(vec![(2, 2, 3, 10), (3, 2, 1, 10), (4, 2, 3, 5_000)]),
        ToyCommand::Hold { account: 1, fen: 1 },
        ToyCommand::Close { account: 2 },
    ];
    for command in refused {
        let rows = rig.tables().journal.len();
        let verdict = rig.ask(command.clone());
        assert!(
            matches!(verdict, Verdict::Refused(_)),
            "{command:?}: {verdict:?}"
        );
        assert_eq!(contents(&rig), before, "{command:?}");
        assert_eq!(rig.tables().journal.len(), rows + 1);
    }
    // What it had taken is free again: names, numbers, ids.
    assert_eq!(
        rig.done(open(&["x", "y"], false)),
        ToyReply::Accounts(vec![5, 6])
    );
    let done = rig.done(ToyCommand::Transfers(vec![(2, 2, 3, 10), (3, 2, 1, 10)]));
    assert_eq!(done, ToyReply::Done);
    rig.verify();
}

#[test]
fn a_panic_is_undone_and_the_shard_lives() {
    let mut rig = Rig::new();
    rig.done(add("a", 1));
    let reason = broken(quietly(|| rig.ask(ToyCommand::Panic)));
    assert_eq!(reason, "panic: a bug in a command");
    assert_eq!(rig.counter("panicking"), None);
    assert_eq!(rig.done(add("a", 1)), ToyReply::Value(2));
    let [record]: [SetAside; 1] = rig.tables().of_kind().try_into().unwrap();
    assert!(
        record.task.contains("panic") || record.task.contains("Panic"),
        "{record:?}"
    );
    assert_eq!(record.reason, reason);
    rig.verify();
}

#[test]
fn ten_thousand_rows_are_the_most_a_command_changes() {
    let mut rig = Rig::new();
    assert_eq!(
        rig.done(ToyCommand::Touch { counters: 10_000 }),
        ToyReply::Done
    );
    let reason = broken(rig.ask(ToyCommand::Touch { counters: 10_001 }));
    assert!(reason.contains("more than 10000 rows"), "{reason}");
    assert_eq!(rig.counter("touched-0"), Some(1));
    assert_eq!(rig.counter("touched-10000"), None);
}

#[test]
fn transfers_and_records_count_together() {
    let mut rig = Rig::new();
    rig.done(open(&["a", "b"], true));
    let many = |first: u128, count| {
        let ids = first..first + count;
        ids.map(|id| (id, 1, 2, 1)).collect()
    };
    assert_eq!(
        rig.done(ToyCommand::Transfers(many(1, 10_000))),
        ToyReply::Done
    );
    broken(rig.ask(ToyCommand::Postings(many(20_001, 10_001))));
    assert_eq!(rig.account(1).debits_posted, 10_000);
    rig.verify();
}

#[test]
fn a_damaged_row_hurts_only_the_commands_that_need_it() {
    let store = MemoryStore::default();
    store.put_record("counter", "damaged", "{\"name\":3}");
    let mut rig = Rig::over(store, NOTHING, 1);
    let reason = broken(rig.ask(ToyCommand::ReadDamaged));
    assert!(
        reason.starts_with("counter damaged cannot be read"),
        "{reason}"
    );
    assert_eq!(rig.done(add("a", 1)), ToyReply::Value(1));
}

#[test]
fn a_store_that_does_not_answer_breaks_no_command() {
    let mut rig = Rig::new();
    rig.done(add("a", 1));
    rig.done(add_later("a", 1, 0));
    rig.restart();
    rig.store.set_unreadable(true);
    // Neither a declared row, nor one found on the way, nor a scan: the shard reports the store.
    let scan = rig.try_run(Task::Envelope(Envelope::new(actor(), list("", "9"))));
    assert!(
        matches!(scan, Err(engine::store::StoreError::Unavailable(_))),
        "{scan:?}"
    );
    rig.store.set_unreadable(false);
    rig.restart();
    rig.store.set_unreadable(true);
    let timer = rig.try_run(Task::Timer {
        key: "add-a".into(),
    });
    assert!(timer.is_err());
    rig.store.set_unreadable(false);
    rig.restart();
    assert_eq!(rig.fire("add-a"), Verdict::Done(ToyReply::Value(2)));
}

#[test]
fn time_never_goes_back() {
    let mut rig = Rig::new();
    rig.wait(100);
    rig.done(add("a", 1));
    let changed = |rig: &Rig| rig.stored::<Counter>("a").unwrap().changed;
    let late = changed(&rig);
    rig.wait(-50);
    rig.done(add("a", 1));
    assert_eq!(changed(&rig), late);
    rig.restart();
    rig.done(add("a", 1));
    assert_eq!(changed(&rig), late);
}

#[test]
fn personal_data_go_to_the_vault_with_their_command_or_not_at_all() {
    let mut rig = Rig::new();
    let envelope = |command, id: &str| Envelope {
        vault: vec![VaultEntry {
            id: id.into(),
            clear_text: zeroize::Zeroizing::new(b"6222020200112233445".to_vec()),
        }],
        ..Envelope::new(actor(), command)
    };
    rig.run(Task::Envelope(envelope(add("a", 1), "card_1")));
    rig.run(Task::Envelope(envelope(add_or_refuse("a", -9), "card_2")));
    rig.commit();
    let tables = rig.tables();
    let ids: Vec<&String> = tables.secrets.keys().collect();
    assert_eq!(ids, ["card_1"]);
    let clear = crate::rig::vault().open(&tables.secrets["card_1"]).unwrap();
    assert_eq!(clear.as_slice(), b"6222020200112233445");
    for (row, _) in tables.journal.values() {
        assert!(!row.command.contains("6222") && !row.outcome.contains("6222"));
    }
}
