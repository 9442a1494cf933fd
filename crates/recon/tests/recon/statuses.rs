//! Lines that are no success.

use crate::support::{entry, findings, is_clean, line_of, payment, run, today};
use calendar::BusinessDate;
use money::Money;
use recon::{EntryKind, EntryStatus, Finding, OurEntry, StatementLine};

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
    use EntryStatus::{Failed, Pending, Succeeded};
    for (ours, theirs, differs) in [
        (Pending, Pending, false),
        (Pending, Failed, true),
        (Failed, Failed, false),
        (Failed, Pending, true),
        (Succeeded, Failed, true),
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
