//! Day statements of random histories against plain filtering of all rows.

use crate::memory::MemoryStore;
use crate::rig::{EVERYTHING, Rig, open};
use crate::toy::ToyCommand;
use calendar::BusinessDate;
use engine::statement::{self, DayStatement, side_of};
use ledger::{AccountId, Row};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Pay(u64, u64),
    Turn,
    Commit,
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1u64..6, 1u64..6).prop_map(|(debit, credit)| Step::Pay(debit, credit)),
        2 => Just(Step::Turn),
        1 => Just(Step::Commit),
    ]
}

fn history(steps: &[Step]) -> Rig {
    let mut rig = Rig::over(MemoryStore::default(), EVERYTHING, 1);
    rig.send(open(&["a", "b", "c"], true));
    rig.send(ToyCommand::TurnDay);
    rig.send(open(&["d", "e"], true));
    for (step, id) in steps.iter().zip(1u128..) {
        match step {
            Step::Pay(debit, credit) => {
                rig.send(ToyCommand::Transfers(vec![(id, *debit, *credit, 3)]));
            }
            Step::Turn => {
                rig.send(ToyCommand::TurnDay);
            }
            Step::Commit => {
                rig.commit();
            }
        }
    }
    rig.commit();
    rig
}

/// Rows of an account on a date, newest first, and the row before the first of them.
fn filtered(rows: &[Row], account: AccountId, date: BusinessDate) -> (Vec<u64>, Option<&Row>) {
    let mine = || rows.iter().filter(|row| side_of(row, account).is_some());
    let mut seqs: Vec<u64> = mine()
        .filter(|row| row.date == date)
        .map(|row| row.seq)
        .collect();
    seqs.reverse();
    (seqs, mine().rfind(|row| row.date < date))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn a_day_is_exactly_its_rows(steps in prop::collection::vec(steps(), 1..60), page in 1usize..5) {
        let mut rig = history(&steps);
        let rows: Vec<Row> = rig.tables().rows.into_values().map(|(row, _)| row).collect();
        let first: BusinessDate = "2026-11-19".parse().unwrap();
        let days = rig.shard.head().business_date.days_until(first).abs() + 1;
        for number in 1..=5 {
            let account = AccountId(number);
            let state = rig.account(number);
            for day in 0..=days {
                let date = first.plus_days(day);
                let (expected, before) = filtered(&rows, account, date);
                let mut seqs = Vec::new();
                let mut cursor = None;
                loop {
                    let found: Option<DayStatement> =
                        statement::day(&rig.store, account, &state, date, cursor, page).unwrap();
                    let Some(found) = found else { break };
                    prop_assert_eq!(found.date, date);
                    let opening = before.and_then(|row| side_of(row, account)).map(|(_, touch)| touch);
                    prop_assert_eq!(found.opening, opening);
                    let last = &rows[expected[0] as usize - 1];
                    prop_assert_eq!(Some(found.closing), side_of(last, account).map(|(_, touch)| touch));
                    prop_assert!(found.entries.len() <= page);
                    seqs.extend(found.entries.iter().map(|entry| entry.row.seq));
                    cursor = found.next_before;
                    if cursor.is_none() { break }
                }
                prop_assert_eq!(seqs, expected);
            }
        }
    }
}

#[test]
fn a_cursor_of_another_account_shows_nothing_of_it() {
    let rig = history(&[
        Step::Pay(1, 2),
        Step::Pay(3, 4),
        Step::Pay(1, 2),
        Step::Commit,
    ]);
    let mut rig = rig;
    let state = rig.account(1);
    let date = rig.shard.head().business_date;
    let row_of_others = rig
        .tables()
        .rows
        .into_values()
        .find(|(row, _)| row.debit.account == 3);
    let cursor = row_of_others.unwrap().0.seq;
    let found = statement::day(&rig.store, AccountId(1), &state, date, Some(cursor), 10).unwrap();
    assert_eq!(found.unwrap().entries, Vec::new());
}
