//! Lines that are no success.

use crate::support::{entry, findings, is_clean, line_of, payment, run, today};
use calendar::BusinessDate;
use money::Money;
use recon::{Difference, EntryKind, EntryStatus, Finding, OurEntry, StatementLine};
use std::collections::BTreeMap;

fn refund_line(ours: &OurEntry, status: EntryStatus) -> StatementLine {
    StatementLine {
        status,
        ..line_of(ours)
    }
}

/// How many differences there are between a refund of ours and its line.
fn differences(ours: EntryStatus, date: BusinessDate, theirs: EntryStatus) -> usize {
    let mut entry = entry(1, EntryKind::Refund, 100);
    entry.status = ours;
    entry.clearing_date = date;
    let line = refund_line(&entry, theirs);
    run(vec![entry], vec![line]).differences.len()
}

#[test]
fn a_line_under_way_agrees_with_what_is_open_or_succeeds_later() {
    let mut open = entry(1, EntryKind::Refund, 100);
    open.status = EntryStatus::Pending;
    let mut later = entry(2, EntryKind::Refund, 200);
    later.clearing_date = today().next();
    let lines = [&open, &later].map(|ours| refund_line(ours, EntryStatus::Pending));
    let result = run(vec![open, later], lines.to_vec());
    assert!(is_clean(&result), "{result:?}");
    assert_eq!(result.matched, 2);
    assert_eq!(result.theirs.refunds.count, 0, "neither is a success");
}

#[test]
fn a_line_refused_by_the_payers_account_agrees_with_whatever_ended_it_later() {
    use EntryStatus::{Abnormal, Failed, Pending, Succeeded};
    for (ours, date, differs) in [
        (Succeeded, today().next(), false),
        (Succeeded, today(), true),
        (Failed, today(), false),
        (Abnormal, today(), false),
        (Pending, today(), true),
    ] {
        let found = differences(ours, date, Abnormal);
        assert_eq!(found, usize::from(differs), "{ours:?} {date}");
    }
    // Failed is for ever, so that a later success contradicts it.
    assert_eq!(differences(Succeeded, today().next(), Failed), 1);
}

#[test]
fn a_line_without_success_says_so_against_our_success() {
    for theirs in [
        EntryStatus::Pending,
        EntryStatus::Abnormal,
        EntryStatus::Failed,
    ] {
        let ours = entry(1, EntryKind::Refund, 100);
        let line = refund_line(&ours, theirs);
        let result = run(vec![ours], vec![line]);
        assert_eq!(
            findings(&result),
            [Finding::StatusDiffers {
                amount: Money::cny(100),
                ours: Some(EntryStatus::Succeeded),
                theirs,
                counted: Money::cny(100),
            }],
            "told of once, not also as missing"
        );
        let difference = &result.differences[0];
        assert_eq!(
            difference.id.as_str(),
            "20261120/wechat/refund/status_differs/our:M1"
        );
        assert_eq!(
            difference.effect(),
            Ok(Money::cny(100)),
            "refunds count down"
        );
    }
}

#[test]
fn a_line_without_success_is_compared_with_whatever_our_record_says() {
    use EntryStatus::{Abnormal, Failed, Pending, Succeeded};
    for (ours, theirs, differs) in [
        (Pending, Pending, false),
        (Pending, Failed, true),
        (Failed, Failed, false),
        (Failed, Pending, true),
        (Succeeded, Failed, true),
        (Abnormal, Pending, false),
        (Abnormal, Failed, false),
    ] {
        let found = differences(ours, today(), theirs);
        assert_eq!(found, usize::from(differs), "{ours:?} {theirs:?}");
    }
    let stranger = refund_line(&entry(9, EntryKind::Refund, 100), Pending);
    let result = run(vec![], vec![stranger]);
    assert!(matches!(
        findings(&result)[..],
        [Finding::StatusDiffers {
            ours: None,
            theirs: Pending,
            ..
        }]
    ));
    assert_eq!(result.differences[0].effect(), Ok(Money::cny(0)));
}

#[test]
fn a_repeated_line_without_success_is_told_of_once() {
    let ours = entry(1, EntryKind::Refund, 100);
    let stranger = entry(9, EntryKind::Refund, 100);
    let failed = |entry: &OurEntry| refund_line(entry, EntryStatus::Failed);
    let lines = vec![
        line_of(&ours),
        failed(&ours),
        failed(&ours),
        failed(&stranger),
        failed(&stranger),
    ];
    let result = run(vec![ours], lines);
    let names: Vec<_> = findings(&result).iter().map(Finding::name).collect();
    assert_eq!(names, ["status_differs", "status_differs"]);
    let effects = result
        .differences
        .iter()
        .map(|d| d.effect().unwrap().amount());
    assert_eq!(effects.sum::<i64>(), 0, "both sides count the success");
}

#[test]
fn totals_stated_by_the_statement_are_those_of_all_its_lines() {
    let ours = entry(1, EntryKind::Refund, 100);
    let mut open = entry(2, EntryKind::Refund, 200);
    open.status = EntryStatus::Pending;
    let lines = vec![line_of(&ours), refund_line(&open, EntryStatus::Pending)];
    let result = run(vec![ours, open], lines);
    assert_eq!(result.conclusive(), Ok(&[][..]));
    assert_eq!(result.theirs.refunds.amount, Money::cny(100));
}

#[test]
fn a_sum_of_fees_that_is_stated_more_exactly_replaces_that_of_lines() {
    let ours = payment(1, 10_000);
    let line = line_of(&ours);
    let theirs = run(vec![ours], vec![line]).theirs;
    let exact = theirs.with_fees(Money::cny(99)).unwrap();
    assert_eq!((exact.fees, exact.net), (Money::cny(99), Money::cny(9_901)));
}

#[test]
fn a_success_is_evidence_whatever_another_line_of_the_refund_says() {
    use EntryStatus::{Failed, Pending, Succeeded};
    let amount = Money::cny(100);
    let told = |ours| Finding::StatusDiffers {
        amount,
        ours: Some(ours),
        theirs: Pending,
        counted: Money::cny(0),
    };
    let lacking = |ours| Finding::TheirsOnly {
        amount,
        our_status: Some(ours),
    };
    for (ours, expected) in [
        (Succeeded, vec![told(Succeeded)]),
        (Failed, vec![told(Failed), lacking(Failed)]),
        (Pending, vec![lacking(Pending)]),
    ] {
        let mut entry = entry(1, EntryKind::Refund, 100);
        entry.status = ours;
        let lines = [Pending, Succeeded].map(|theirs| refund_line(&entry, theirs));
        assert_eq!(findings(&run(vec![entry], lines.to_vec())), expected);
    }
}

/// Lines of one refund: a success under our number of the channel, one under another, or none.
const LINES: [(EntryStatus, &str); 5] = [
    (EntryStatus::Succeeded, "C1"),
    (EntryStatus::Succeeded, "C8"),
    (EntryStatus::Pending, "C1"),
    (EntryStatus::Abnormal, "C1"),
    (EntryStatus::Failed, "C1"),
];

/// A difference without its line, and of duplicates without how many stood before.
fn unplaced(difference: &Difference) -> String {
    let finding = match difference.finding {
        Finding::Duplicate {
            amount,
            other_number,
            ..
        } => Finding::Duplicate {
            amount,
            first_line: 0,
            appearance: 0,
            other_number,
        },
        other => other,
    };
    format!("{:?} {finding:?}", difference.channel_number)
}

#[test]
fn the_order_of_a_refunds_lines_says_nothing() {
    use EntryStatus::{Abnormal, Failed, Pending, Succeeded};
    let dates = [today().previous(), today(), today().next()];
    for status in [Succeeded, Pending, Abnormal, Failed] {
        for clearing_date in dates {
            let ours = OurEntry {
                status,
                clearing_date,
                ..entry(1, EntryKind::Refund, 100)
            };
            let mut of_lines = BTreeMap::new();
            for picks in picks() {
                let lines = picks.map(|pick| StatementLine {
                    channel_number: LINES[pick].1.to_owned(),
                    ..refund_line(&ours, LINES[pick].0)
                });
                let result = run(vec![ours.clone()], lines.to_vec());
                let mut found: Vec<_> = result.differences.iter().map(unplaced).collect();
                found.sort_unstable();
                let mut sorted = picks;
                sorted.sort_unstable();
                let seen = (found, result.matched);
                let first = of_lines.entry(sorted).or_insert_with(|| seen.clone());
                assert_eq!(*first, seen, "{status:?} {clearing_date} {picks:?}");
            }
        }
    }
}

/// Three lines in each order. Of two that are no success in different ways the first is told of, so that
/// only one such way stands among them.
fn picks() -> impl Iterator<Item = [usize; 3]> {
    let each = || 0..LINES.len();
    let all = each().flat_map(move |a| each().flat_map(move |b| each().map(move |c| [a, b, c])));
    all.filter(|picks| {
        let mut open: Vec<_> = picks.iter().filter(|pick| **pick > 1).collect();
        open.dedup();
        open.len() < 2
    })
}
