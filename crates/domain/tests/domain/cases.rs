//! Cases: one for what is found about an object, opened, added to, closed, and not opened anew for the same.

use crate::support::*;
use domain::Request;
use domain::case::{CaseKind, CaseStatus, OpenCase};
use domain::closing::{DaySummary, Figure};
use engine::Actor;

fn found(kind: CaseKind, object: &str, reason: &str, amount: Option<i64>) -> Request {
    Request::OpenCase(OpenCase {
        kind,
        object: object.into(),
        merchant: None,
        reason: reason.into(),
        amount: amount.map(fen),
    })
}

#[test]
fn the_same_finding_opens_one_case_until_it_is_closed() {
    let mut book = Book::new();
    let line = "wechat/2026-03-02/line 4";
    let open = || found(CaseKind::Reconciliation, line, "theirs only", Some(5));
    let first = case_of(book.ask(&finance(), open()).unwrap()).id;
    assert_eq!(case_of(book.ask(&finance(), open()).unwrap()).id, first);
    book.explain(&first).unwrap();
    book.close_case(&first).unwrap();
    assert_ne!(case_of(book.ask(&finance(), open()).unwrap()).id, first);
}

#[test]
fn what_the_reconciliation_finds_again_is_not_opened_anew() {
    let mut book = Book::new();
    let kind = CaseKind::Reconciliation;
    let mut ids = Vec::new();
    for (object, amount) in [("line", Some(5)), ("clearing", None)] {
        let case = book.ask(&Actor::system(), found(kind, object, "one", amount));
        let id = case_of(case.unwrap()).id;
        book.explain(&id).unwrap();
        book.close_case(&id).unwrap();
        ids.push(id);
    }
    let mut again = |object: &str, reason: &str, amount| {
        let case = book.ask(&Actor::system(), found(kind, object, reason, amount));
        case_of(case.unwrap())
    };
    for reason in ["one", "said otherwise"] {
        let case = again("line", reason, Some(5));
        assert_eq!((&case.id, case.status), (&ids[0], CaseStatus::Closed));
    }
    assert_eq!(again("clearing", "one", None).id, ids[1]);
    // Another bill of a date that is cleared: nobody has looked at that, and it is about no amount.
    assert_ne!(again("clearing", "another bill", None).id, ids[1]);
    // More of the same: about what nobody has decided on yet, however often it is found.
    let more = [
        again("line", "more", Some(12)),
        again("line", "more", Some(12)),
    ];
    assert_eq!((&more[0].id, more[0].amount), (&more[1].id, Some(fen(7))));
    assert_eq!(again("line", "less", Some(3)).amount, Some(fen(7)));
    assert_eq!(book.cases().len(), 2);
    // Objects that begin alike are others.
    let beside = found(kind, "line/our", "one", Some(5));
    let beside = case_of(book.ask(&Actor::system(), beside).unwrap());
    assert_eq!((beside.amount, book.cases().len()), (Some(fen(5)), 3));
}

#[test]
fn what_is_found_while_a_case_is_open_is_added_to_it() {
    for (kind, in_question) in [
        // The money of each finding, how it stands at last, the largest that was named.
        (CaseKind::DoublePayment, 12),
        (CaseKind::PayoutRefused, 7),
        (CaseKind::Contradiction, 7),
    ] {
        let mut book = Book::new();
        let mut find = |reason: &str, amount: i64| {
            let finding = found(kind, "pay_1", reason, Some(amount));
            case_of(book.ask(&finance(), finding).unwrap())
        };
        let first = find("one", 5);
        assert_eq!(find("one", 5), first, "nothing new");
        for _ in 0..2 {
            let case = find("two", 7);
            assert_eq!((&case.id, case.reason.as_str()), (&first.id, "one"));
            let [further] = case.further.as_slice() else {
                panic!("{case:?}")
            };
            assert_eq!(
                (further.reason.as_str(), further.amount),
                ("two", Some(fen(7)))
            );
            assert_eq!(case.amount, Some(fen(in_question)), "{kind:?}");
        }
        assert_eq!(book.cases().len(), 1);
    }
}

#[test]
fn a_case_keeps_the_first_and_the_latest_findings() {
    let mut book = Book::new();
    let kind = CaseKind::PayoutRefused;
    for number in 0..60 {
        let reason = format!("reason {number}");
        book.ask(&finance(), found(kind, "pay_1", &reason, Some(number)))
            .unwrap();
    }
    let case = book.cases().remove(0);
    assert_eq!(
        (case.reason.as_str(), case.amount),
        ("reason 0", Some(fen(59)))
    );
    assert_eq!(case.further.len(), 50);
    assert_eq!(case.further.last().unwrap().reason, "reason 59");
}

#[test]
fn figures_of_a_day_stop_at_the_largest_number() {
    let mut book = Book::new();
    let kind = CaseKind::Reconciliation;
    for line in ["line 0", "line 1"] {
        let finding = found(kind, line, "theirs only", Some(i64::MAX));
        book.ask(&finance(), finding).unwrap();
    }
    let summary: DaySummary = book.record(&first_day().to_string()).unwrap();
    let tally = summary.figures.get(&Figure::CasesOpened).unwrap();
    assert_eq!((tally.count, tally.amount), (2, Some(fen(i64::MAX))));
}
