//! Transfers and holds through commands: what a refused posting leaves, which ids are taken, and where they are found.

use crate::memory::MemoryStore;
use crate::rig::{EVERYTHING, NOTHING, Rig, add, open, pay, refused};
use crate::toy::{ToyCommand, ToyReply};
use engine::Verdict;

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
        assert_eq!(repeated, refused(reason));
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
            (vec![(5, 1, 3, 10)], 0, "credit account"),
            (vec![(5, 3, 2, 10)], 0, "debit account"),
            (vec![(5, 1, 2, 11)], 0, "amount"),
            (vec![(5, 1, 2, 10), (9, 1, 2, 10)], 1, "posting"),
            (vec![(9, 1, 2, 10), (5, 1, 2, 10)], 1, "posting"),
            (vec![(5, 1, 2, 10), (5, 1, 2, 10)], 1, "posting"),
            (vec![(5, 1, 2, 10), (7, 1, 2, 10)], 1, "posting"),
            (vec![(9, 1, 2, 10), (9, 1, 2, 10)], 0, "posting"),
        ];
        for (list, place, differs) in cases {
            let reason =
                format!("transfer {place}: transfer id was used before with a different {differs}");
            let verdict = rig.ask(ToyCommand::Transfers(list.clone()));
            assert_eq!(verdict, refused(&reason), "{list:?}");
        }
        assert_eq!(rig.tables().transfers.len(), 3);
    }
}

/// A hold on account 1.
fn held(rig: &mut Rig, fen: i64) -> String {
    match rig.done(ToyCommand::Hold { account: 1, fen }) {
        ToyReply::Hold(id) => id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn holds_through_the_engine() {
    for limits in [EVERYTHING, NOTHING] {
        let mut rig = Rig::over(MemoryStore::default(), limits, 1);
        rig.done(open(&["merchant", "other"], false));
        rig.done(open(&["bank"], true));
        rig.done(pay(1, 3, 1, 100));
        let (hold, second) = (held(&mut rig, 60), held(&mut rig, 40));
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
        assert_eq!(other, refused(reason));
        assert_eq!(rig.ask(pay(2, 1, 2, 25)), refused(reason));
        assert!(matches!(
            rig.ask(capture(&hold, 3, 36)),
            Verdict::Refused(_)
        ));
        for fen in [35, 0] {
            let release = ToyCommand::Release { hold: hold.clone() };
            assert_eq!(rig.done(release), ToyReply::Value(fen));
        }
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
