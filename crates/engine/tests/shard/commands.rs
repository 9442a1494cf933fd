//! One command after another: replies, refusals and panics leave exactly what they should.

use crate::memory::MemoryStore;
use crate::rig::{EVERYTHING, NOTHING, Rig, actor, add, open, pay};
use crate::toy::{ToyCommand, ToyRejection, ToyReply};
use engine::store::contract;
use engine::{Denial, Envelope, SetAside, Task, VaultEntry, Verdict};

#[test]
fn the_store_of_these_tests_passes_the_suite_for_stores() {
    let failures = contract::check_all(&mut || Ok(Box::new(MemoryStore::default())));
    assert_eq!(failures, Vec::new());
}

#[test]
fn outcomes_come_with_the_commit_and_not_before() {
    let mut rig = Rig::new();
    let first = rig.send(add("a", 1));
    let refused = rig.send(ToyCommand::AddOrRefuse {
        counter: "a".into(),
        by: -5,
    });
    assert!(rig.shard.take_unwritten().is_empty());
    assert!(rig.shard.committed().outcomes.is_empty());
    let batch = rig.seal().unwrap();
    assert!(rig.shard.take_unwritten().is_empty());
    // The next batch is being filled; its outcome must not come with this one's.
    let second = rig.send(add("a", 1));
    assert!(rig.seal().is_none(), "only one batch is written at a time");
    let outcomes = rig.commit_sealed(&batch);
    assert_eq!(outcomes[&first].result, Verdict::Done(ToyReply::Value(1)));
    let refusal = ToyRejection("a would be -4".into());
    assert_eq!(outcomes[&refused].result, Verdict::Refused(refusal));
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
    rig.send(ToyCommand::Delete {
        counter: "counter".into(),
    });
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
fn contents(rig: &Rig) -> crate::memory::Tables {
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
        ToyCommand::AddOrRefuse {
            counter: "a".into(),
            by: -8,
        },
        ToyCommand::AddOrRefuse {
            counter: "new".into(),
            by: -1,
        },
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
fn indexes_forget_what_a_refused_command_wrote() {
    let mut rig = Rig::new();
    rig.done(add("a", 7));
    let list = ToyCommand::List {
        from: String::new(),
        to: "9".into(),
    };
    rig.send(ToyCommand::AddOrRefuse {
        counter: "a".into(),
        by: -9,
    });
    rig.send(ToyCommand::AddOrRefuse {
        counter: "b".into(),
        by: -9,
    });
    let ticket = rig.send(list.clone());
    let listed = rig.commit()[&ticket].result.clone();
    assert_eq!(listed, Verdict::Done(ToyReply::Names(vec!["a".into()])));
    assert_eq!(rig.tables().index.len(), 2);
}

#[test]
fn scans_see_what_is_not_written_yet() {
    for limits in [EVERYTHING, NOTHING] {
        let mut rig = Rig::over(MemoryStore::default(), limits, 1);
        let list = ToyCommand::List {
            from: "0000000002".into(),
            to: "0000000009".into(),
        };
        for (name, value) in [("a", 3), ("b", 5), ("c", 1), ("d", 9)] {
            rig.done(add(name, value));
        }
        rig.commit();
        // One batch in flight, one being filled: moved in, moved out, deleted, new.
        rig.send(add("c", 3));
        rig.send(ToyCommand::Delete {
            counter: "a".into(),
        });
        let batch = rig.seal().unwrap();
        rig.send(add("b", 10));
        rig.send(add("d", -7));
        rig.send(add("e", 8));
        let ticket = rig.send(list.clone());
        rig.commit_sealed(&batch);
        let after = rig.send(list.clone());
        let outcomes = rig.commit();
        let names = ["d", "c", "e"].map(str::to_owned).to_vec();
        assert_eq!(
            outcomes[&ticket].result,
            Verdict::Done(ToyReply::Names(names.clone()))
        );
        assert_eq!(
            outcomes[&after].result,
            Verdict::Done(ToyReply::Names(names.clone()))
        );
        assert_eq!(rig.done(list), ToyReply::Names(names));
    }
}

#[test]
fn a_scan_is_filled_up_for_what_is_removed_but_still_stored() {
    let mut rig = Rig::new();
    for number in 0..150 {
        rig.send(add(&format!("c{number:03}"), number));
    }
    rig.commit();
    for number in 0..30 {
        rig.send(ToyCommand::Delete {
            counter: format!("c{number:03}"),
        });
    }
    let list = ToyCommand::List {
        from: String::new(),
        to: "9".into(),
    };
    let ticket = rig.send(list);
    let Verdict::Done(ToyReply::Names(names)) = rig.commit()[&ticket].result.clone() else {
        panic!("no list")
    };
    let expected: Vec<String> = (30..130).map(|number| format!("c{number:03}")).collect();
    assert_eq!(names, expected);
}

#[test]
fn a_panic_is_undone_and_the_shard_lives() {
    let mut rig = Rig::new();
    rig.done(add("a", 1));
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let verdict = rig.ask(ToyCommand::Panic);
    std::panic::set_hook(hook);
    let Verdict::Denied(Denial::Broken { reason }) = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(reason, "panic: a bug in a command");
    assert_eq!(rig.counter("panicking"), None);
    assert_eq!(rig.done(add("a", 1)), ToyReply::Value(2));
    let records = rig.tables().records;
    let aside: Vec<&(String, String)> = records
        .keys()
        .filter(|(kind, _)| kind == "set_aside")
        .collect();
    let [(_, id)] = aside[..] else {
        panic!("{aside:?}")
    };
    let record: SetAside = rig.stored(id).unwrap();
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
    let verdict = rig.ask(ToyCommand::Touch { counters: 10_001 });
    let Verdict::Denied(Denial::Broken { reason }) = verdict else {
        panic!("{verdict:?}")
    };
    assert!(reason.contains("more than 10000 rows"), "{reason}");
    assert_eq!(rig.counter("touched-0"), Some(1));
    assert_eq!(rig.counter("touched-10000"), None);
}

#[test]
fn transfers_and_records_count_together() {
    let mut rig = Rig::new();
    rig.done(open(&["a", "b"], true));
    let many = |count: u128| (1..=count).map(|id| (id, 1, 2, 1)).collect();
    assert_eq!(
        rig.done(ToyCommand::Transfers(many(10_000))),
        ToyReply::Done
    );
    let verdict = rig.ask(ToyCommand::Postings(
        many(10_001)
            .into_iter()
            .map(|(id, debit, credit, fen): (u128, u64, u64, i64)| {
                (id + 20_000, debit, credit, fen)
            })
            .collect(),
    ));
    assert!(
        matches!(verdict, Verdict::Denied(Denial::Broken { .. })),
        "{verdict:?}"
    );
    assert_eq!(rig.account(1).debits_posted, 10_000);
    rig.verify();
}

#[test]
fn a_refused_posting_leaves_no_trace_when_the_command_goes_on() {
    for limits in [EVERYTHING, NOTHING] {
        let mut rig = Rig::over(MemoryStore::default(), limits, 1);
        rig.done(open(&["poor", "rich", "other"], false));
        rig.done(open(&["bank"], true));
        rig.done(pay(1, 4, 2, 1_000));
        let fact = ToyCommand::PostThenSuspense {
            id: 10,
            poor: 1,
            rich: 2,
            other: 3,
            fen: 30,
        };
        assert_eq!(rig.done(fact.clone()), ToyReply::Value(-1));
        assert_eq!(rig.account(3).credits_posted, 30);
        assert_eq!(rig.account(1).debits_posted, 0);
        let ids: Vec<u128> = rig.tables().transfers.keys().copied().collect();
        assert_eq!(ids, [1, 12], "neither id of the refused posting is in use");
        assert_eq!(rig.tables().rows.len(), 6);
        // The ids of the refused posting may be used; that of the other says it is.
        assert_eq!(rig.done(pay(10, 2, 3, 1)), ToyReply::Done);
        let repeated = rig.ask(pay(12, 2, 3, 30));
        let reason = "transfer 0: transfer id was used before with a different code";
        assert_eq!(repeated, Verdict::Refused(ToyRejection(reason.into())));
        rig.verify();
    }
}

#[test]
fn transfer_ids_answer_repeats_and_name_differences() {
    for limits in [EVERYTHING, NOTHING] {
        let mut rig = Rig::over(MemoryStore::default(), limits, 1);
        rig.done(open(&["a", "b", "c"], true));
        let two = ToyCommand::Transfers(vec![(5, 1, 2, 10), (6, 2, 3, 10)]);
        assert_eq!(rig.done(two.clone()), ToyReply::Done);
        assert_eq!(rig.done(two.clone()), ToyReply::Already);
        rig.restart();
        assert_eq!(rig.done(two), ToyReply::Already);
        rig.done(pay(7, 1, 2, 10));
        let cases = [
            (
                vec![(5, 1, 3, 10)],
                "transfer 0: transfer id was used before with a different credit account",
            ),
            (
                vec![(5, 3, 2, 10)],
                "transfer 0: transfer id was used before with a different debit account",
            ),
            (
                vec![(5, 1, 2, 11)],
                "transfer 0: transfer id was used before with a different amount",
            ),
            (
                vec![(5, 1, 2, 10), (9, 1, 2, 10)],
                "transfer 1: transfer id was used before with a different posting",
            ),
            (
                vec![(9, 1, 2, 10), (5, 1, 2, 10)],
                "transfer 1: transfer id was used before with a different posting",
            ),
            (
                vec![(5, 1, 2, 10), (5, 1, 2, 10)],
                "transfer 1: transfer id was used before with a different posting",
            ),
            (
                vec![(5, 1, 2, 10), (7, 1, 2, 10)],
                "transfer 1: transfer id was used before with a different posting",
            ),
            (
                vec![(9, 1, 2, 10), (9, 1, 2, 10)],
                "transfer 0: transfer id was used before with a different posting",
            ),
        ];
        for (list, expected) in cases {
            let verdict = rig.ask(ToyCommand::Transfers(list.clone()));
            assert_eq!(
                verdict,
                Verdict::Refused(ToyRejection(expected.into())),
                "{list:?}"
            );
        }
        assert_eq!(rig.tables().transfers.len(), 3);
    }
}

#[test]
fn holds_through_the_engine() {
    for limits in [EVERYTHING, NOTHING] {
        let mut rig = Rig::over(MemoryStore::default(), limits, 1);
        rig.done(open(&["merchant", "other"], false));
        rig.done(open(&["bank"], true));
        rig.done(pay(1, 3, 1, 100));
        let ToyReply::Hold(hold) = rig.done(ToyCommand::Hold {
            account: 1,
            fen: 60,
        }) else {
            panic!("no hold")
        };
        let ToyReply::Hold(second) = rig.done(ToyCommand::Hold {
            account: 1,
            fen: 40,
        }) else {
            panic!("no hold")
        };
        let capture = |hold: &str, id, fen| ToyCommand::Capture {
            hold: hold.into(),
            id,
            credit: 2,
            fen,
        };
        assert_eq!(rig.done(capture(&hold, 2, 25)), ToyReply::Done);
        assert_eq!(rig.done(capture(&hold, 2, 25)), ToyReply::Already);
        // The same transfer out of another hold is another transfer.
        let other = rig.ask(capture(&second, 2, 25));
        let reason = "transfer 0: transfer id was used before with a different hold";
        assert_eq!(other, Verdict::Refused(ToyRejection(reason.into())));
        assert_eq!(
            rig.ask(pay(2, 1, 2, 25)),
            Verdict::Refused(ToyRejection(reason.into()))
        );
        assert!(matches!(
            rig.ask(capture(&hold, 3, 36)),
            Verdict::Refused(_)
        ));
        assert_eq!(
            rig.done(ToyCommand::Release { hold: hold.clone() }),
            ToyReply::Value(35)
        );
        assert_eq!(
            rig.done(ToyCommand::Release { hold: hold.clone() }),
            ToyReply::Value(0)
        );
        // A client that knows a hold's id cannot make the batch fail by using it.
        let number = engine::ids::parse_id_text(&hold).unwrap();
        let taken = rig.ask(pay(number, 1, 2, 60));
        assert!(matches!(taken, Verdict::Refused(_)), "{taken:?}");
        rig.restart();
        assert!(matches!(
            rig.ask(pay(number, 1, 2, 60)),
            Verdict::Refused(_)
        ));
        assert_eq!(rig.account(1).available(), 35);
        rig.verify();
    }
}

#[test]
fn late_ids_are_asked_for_once_however_many_postings_there_are() {
    let mut rig = Rig::new();
    rig.done(open(&["a", "b"], true));
    rig.done(pay(1 << 100, 1, 2, 1));
    rig.restart();
    // All below the greatest id, none declared: each interrupts the command once.
    let list = (1..=60).map(|id| (id, 1, 2, 1)).collect();
    assert_eq!(rig.done(ToyCommand::Postings(list)), ToyReply::Done);
    rig.verify();
}

#[test]
fn ids_that_memory_has_let_go_are_found_in_the_store() {
    let mut rig = Rig::over(MemoryStore::default(), NOTHING, 1);
    rig.done(open(&["a", "b"], true));
    // In no order, so that what is let go lies above and below what comes later.
    let ids: Vec<u128> = (0..120u128).map(|n| (n * 47) % 120 + 1_000).collect();
    for (round, part) in ids.chunks(7).enumerate() {
        for id in part {
            rig.send(pay(*id, 1, 2, 1));
        }
        // Every other batch is still being written when the next ids are looked at.
        if round % 2 == 0 {
            let batch = rig.seal().unwrap();
            let again = rig.send(pay(part[0], 1, 2, 1));
            let early = 900 - round as u128;
            rig.send(pay(early, 1, 2, 1));
            rig.commit_sealed(&batch);
            // Low, and nowhere but in memory.
            let early = rig.send(pay(early, 1, 2, 1));
            let outcomes = rig.commit();
            for ticket in [again, early] {
                assert_eq!(outcomes[&ticket].result, Verdict::Done(ToyReply::Already));
            }
        }
        rig.commit();
    }
    for id in ids {
        assert_eq!(rig.done(pay(id, 1, 2, 1)), ToyReply::Already, "{id}");
    }
    rig.verify();
}

#[test]
fn numbers_that_cannot_be_stored_hurt_only_their_command() {
    let mut rig = Rig::new();
    rig.done(open(&["a"], true));
    let strange = rig.send(pay(1, u64::MAX, 1, 1));
    let fine = rig.send(add("a", 1));
    let outcomes = rig.commit();
    assert!(matches!(outcomes[&strange].result, Verdict::Refused(_)));
    assert_eq!(outcomes[&fine].result, Verdict::Done(ToyReply::Value(1)));
}

#[test]
fn a_damaged_row_hurts_only_the_commands_that_need_it() {
    let store = MemoryStore::default();
    store.put_record("counter", "damaged", "{\"name\":3}");
    let mut rig = Rig::over(store, NOTHING, 1);
    let verdict = rig.ask(ToyCommand::ReadDamaged);
    let Verdict::Denied(Denial::Broken { reason }) = verdict else {
        panic!("{verdict:?}")
    };
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
    rig.done(ToyCommand::AddLater {
        counter: "a".into(),
        by: 1,
        seconds: 0,
    });
    rig.restart();
    rig.store.set_unreadable(true);
    // Neither a declared row, nor one found on the way, nor a scan: the shard reports the store.
    let list = ToyCommand::List {
        from: String::new(),
        to: "9".into(),
    };
    let scan = rig.try_run(Task::Envelope(Envelope::new(actor(), list)));
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
    let late = rig.stored::<crate::toy::Counter>("a").unwrap().changed;
    rig.wait(-50);
    rig.done(add("a", 1));
    assert_eq!(
        rig.stored::<crate::toy::Counter>("a").unwrap().changed,
        late
    );
    rig.restart();
    rig.done(add("a", 1));
    assert_eq!(
        rig.stored::<crate::toy::Counter>("a").unwrap().changed,
        late
    );
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
    let refused = ToyCommand::AddOrRefuse {
        counter: "a".into(),
        by: -9,
    };
    rig.run(Task::Envelope(envelope(refused, "card_2")));
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
