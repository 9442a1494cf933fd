//! `verify` finds every altered value and names the row it is in.

use crate::memory::{MemoryStore, Tables};
use crate::rig::{EVERYTHING, Rig, actor, add, open, pay};
use crate::toy::{ToyCommand, ToyReply};
use engine::contents::Contents;
use engine::store::Queries;
use engine::verify::{VerifyReport, verify};
use engine::{Envelope, Task, VaultEntry};
use std::sync::Arc;

/// Accounts, transfers, a hold captured and released, two days, a closing.
fn book() -> Tables {
    let mut rig = Rig::over(MemoryStore::default(), EVERYTHING, 1);
    rig.done(open(&["a", "b", "c"], true));
    rig.done(pay(1, 1, 2, 100));
    let ToyReply::Hold(hold) = rig.done(ToyCommand::Hold {
        account: 2,
        fen: 40,
    }) else {
        panic!("no hold")
    };
    rig.done(ToyCommand::Capture {
        hold: hold.clone(),
        id: 2,
        credit: 1,
        fen: 30,
    });
    rig.done(ToyCommand::TurnDay);
    rig.done(ToyCommand::Release { hold });
    rig.done(pay(3, 2, 1, 5));
    rig.done(ToyCommand::Close { account: 3 });
    rig.done(add("counter", 1));
    let mut envelope = Envelope::new(actor(), add("sealed", 1));
    envelope.vault.push(VaultEntry {
        id: "vlt_1".into(),
        clear_text: b"6222".to_vec().into(),
    });
    rig.ask_task(Task::Envelope(envelope));
    rig.tables()
}

fn report(tables: Tables) -> VerifyReport {
    verify(&MemoryStore::of(tables), &mut |_, _| {}).unwrap()
}

#[test]
fn a_sound_book_is_counted_and_holds() {
    let tables = book();
    let head = tables.head.clone().unwrap();
    let report = report(tables);
    assert!(report.holds(), "{report:?}");
    assert_eq!(report.batches, head.batch_seq);
    assert_eq!(report.journal_rows, head.journal_seq);
    assert_eq!(report.ledger_rows, head.ledger_seq);
    assert_eq!((report.transfers, report.accounts), (3, 3));
    let sums = head.contents.unwrap();
    let rows = (sums.records.rows, sums.indexes.rows, sums.secrets.rows);
    assert_eq!((report.records, report.index_entries, report.secrets), rows);
    assert_eq!(report.secrets, 1);
    assert_eq!(report.trial_balance.get("CNY"), Some(&0));
    assert_eq!(report.head_hash, hex::encode(head.head_hash));
}

type Alteration = (&'static str, &'static str, fn(&mut Tables));

/// Where the problem must be named, what is altered, and how.
const ALTERATIONS: &[Alteration] = &[
    ("ledger row 4", "amount", |t| {
        t.rows.get_mut(&4).unwrap().0.amount += 1
    }),
    ("ledger row 4", "account", |t| {
        t.rows.get_mut(&4).unwrap().0.credit.account = 3
    }),
    ("ledger row 4", "balance", |t| {
        t.rows.get_mut(&4).unwrap().0.debit.debits_posted += 1
    }),
    ("ledger row 4", "id", |t| {
        t.rows.get_mut(&4).unwrap().0.id = 9
    }),
    ("ledger row 4", "code", |t| {
        t.rows.get_mut(&4).unwrap().0.code = 9
    }),
    ("ledger row 4", "reference", |t| {
        t.rows.get_mut(&4).unwrap().0.reference = Some(Arc::from("x"))
    }),
    ("ledger row 4", "check value", |t| {
        t.rows.get_mut(&4).unwrap().1 ^= 1
    }),
    ("ledger row 6", "hold", |t| {
        t.rows.get_mut(&6).unwrap().0.hold = 1
    }),
    ("ledger row 6", "held amount", |t| {
        t.rows.get_mut(&6).unwrap().0.debit.debits_held += 1
    }),
    ("ledger row 7", "date", |t| {
        let row = &mut t.rows.get_mut(&7).unwrap().0;
        row.date = row.date.previous();
    }),
    ("ledger row 8", "day pointer", |t| {
        t.rows.get_mut(&8).unwrap().0.credit.prev_day_seq = 4
    }),
    ("ledger row 8", "pointer", |t| {
        t.rows.get_mut(&8).unwrap().0.credit.prev_seq = 4
    }),
    ("ledger row 5", "a row is gone", |t| {
        assert!(t.rows.remove(&5).is_some())
    }),
    ("journal row 2", "command", |t| {
        t.journal.get_mut(&2).unwrap().0.command.push(' ')
    }),
    ("journal row 2", "outcome", |t| {
        t.journal.get_mut(&2).unwrap().0.outcome.push(' ')
    }),
    ("journal row 2", "principal", |t| {
        t.journal.get_mut(&2).unwrap().0.principal = Arc::from("eve")
    }),
    ("journal row 2", "a row is gone", |t| {
        assert!(t.journal.remove(&2).is_some())
    }),
    ("batch 3", "root", |t| {
        t.batches.get_mut(&3).unwrap().root[0] ^= 1
    }),
    ("batch 3", "chain", |t| {
        t.batches.get_mut(&3).unwrap().head_hash[0] ^= 1
    }),
    ("batch 4", "a batch is gone", |t| {
        assert!(t.batches.remove(&3).is_some())
    }),
    ("account 2", "checkpoint", |t| {
        t.accounts.get_mut(&2).unwrap().state.debits_posted += 1
    }),
    ("account 3", "closed flag", |t| {
        t.accounts.get_mut(&3).unwrap().state.closed ^= true
    }),
    ("account 2", "overdraft flag", |t| {
        t.accounts.get_mut(&2).unwrap().state.may_go_negative ^= true
    }),
    ("account 2", "name", |t| {
        t.accounts.get_mut(&2).unwrap().name.push('x')
    }),
    ("account 2", "gone", |t| {
        assert!(t.accounts.remove(&2).is_some())
    }),
    ("counter", "record", |t| {
        let key = ("counter".to_owned(), "counter".to_owned());
        t.records.get_mut(&key).unwrap().0.push(b' ');
    }),
    ("table record", "a record is gone", |t| {
        let key = ("counter".to_owned(), "counter".to_owned());
        assert!(t.records.remove(&key).is_some());
    }),
    ("hold", "a record that an index names is gone", |t| {
        let mut keys = t.records.keys().filter(|(kind, _)| kind == "hold");
        let key = keys.next().unwrap().clone();
        t.records.remove(&key);
        t.index
            .insert(("hold".into(), "made".into(), "1".into(), key.1));
    }),
    ("table record", "a record is new", |t| {
        let body = b"{}".to_vec();
        let check = engine::leaf::record_check("counter", "other", &body);
        t.records
            .insert(("counter".into(), "other".into()), (body, check));
    }),
    ("table record", "record and check value", |t| {
        let key = ("counter".to_owned(), "counter".to_owned());
        let body = br#"{"name":"counter","value":77}"#.to_vec();
        let check = engine::leaf::record_check("counter", "counter", &body);
        t.records.insert(key, (body, check));
    }),
    ("table record_index", "an index entry is new", |t| {
        t.index.insert((
            "counter".into(),
            "value".into(),
            "77".into(),
            "counter".into(),
        ));
    }),
    ("table secret", "a secret is gone", |t| {
        assert!(t.secrets.remove("vlt_1").is_some());
    }),
    ("table secret", "cipher text", |t| {
        t.secrets.get_mut("vlt_1").unwrap().cipher_text[0] ^= 1;
    }),
    ("batch 3", "sums", |t| {
        let contents = t.batches.get_mut(&3).unwrap().contents.as_mut().unwrap();
        contents.records.add(&[1; 32]);
    }),
    ("batch 3", "sums are gone", |t| {
        t.batches.get_mut(&3).unwrap().contents = None
    }),
    ("shard", "head hash", |t| {
        t.head.as_mut().unwrap().head_hash[0] ^= 1
    }),
    ("shard", "transfers", |t| {
        t.head.as_mut().unwrap().transfers += 1
    }),
    ("shard", "greatest id", |t| {
        t.head.as_mut().unwrap().greatest_id ^= 1
    }),
];

#[test]
fn every_alteration_is_found_where_it_is() {
    for (place, what, alter) in ALTERATIONS {
        let mut tables = book();
        alter(&mut tables);
        let report = report(tables);
        let named = report
            .problems
            .iter()
            .any(|problem| problem.place.contains(place));
        assert!(
            !report.holds() && named,
            "{what} of {place}: {:#?}",
            report.problems
        );
    }
}

/// Sums are begun anew where the last batch has none: what was there by then is what they cover.
#[test]
fn a_book_of_a_release_without_sums_is_covered_from_its_next_batch_on() {
    let mut tables = book();
    tables.head.as_mut().unwrap().contents = None;
    for batch in tables.batches.values_mut() {
        batch.contents = None;
    }
    let mut rig = Rig::over(MemoryStore::of(tables), EVERYTHING, 100);
    rig.done(add("counter", 1));
    rig.done(add("new", 1));
    let tables = rig.tables();
    let mut found = Contents::default();
    let store = MemoryStore::of(tables.clone());
    let head = Queries::contents(&store, &mut |row| found.add(&row)).unwrap();
    assert_eq!(head.unwrap().contents, Some(found));
    assert!(found.records.rows > 3);
    let mut damaged = tables;
    let key = ("counter".to_owned(), "new".to_owned());
    assert!(damaged.records.remove(&key).is_some());
    let problems = report(damaged).problems;
    let named = |problem: &engine::verify::Problem| problem.place == "table record";
    assert!(problems.iter().any(named), "{problems:?}");
}

#[test]
fn a_transfer_that_cannot_be_found_by_its_id_is_missed() {
    let mut tables = book();
    tables.transfers.remove(&1);
    let report = report(tables);
    assert!(
        report
            .problems
            .iter()
            .any(|problem| problem.place == "ledger row 4"),
        "{report:?}"
    );
}

#[test]
fn an_empty_book_holds() {
    let report = report(Tables::default());
    assert!(report.holds());
    assert_eq!((report.batches, report.ledger_rows), (0, 0));
}
