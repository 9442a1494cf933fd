//! Money of an order that was paid too little stands in suspense and is given away once: to the merchant by an
//! acceptance, or elsewhere by adjustments of its case.

use crate::support::*;
use domain::case::{Case, CaseKind, CaseStatus, OpenCase};
use domain::clearing::{AdjustDifference, AdjustmentAccount};
use domain::payment::PaymentStatus;
use domain::{Code, Rejection, Reply, Request};
use engine::Verdict;

/// A book with 9,000 paid for an order of 10,000, and its case, explained.
fn underpaid() -> (Book, String, String, String) {
    let (mut book, merchant, payment) = Book::with_order();
    book.pay(&payment, 9_000);
    let case = book.cases().first().unwrap().id.clone();
    book.explain(&case).unwrap();
    (book, merchant, payment, case)
}

fn adjustment(case: &str, merchant: &str, amount: i64) -> Request {
    Request::AdjustDifference(AdjustDifference {
        case: case.into(),
        adjustment_number: "a1".into(),
        debit: AdjustmentAccount::Suspense,
        credit: AdjustmentAccount::Merchant(merchant.into()),
        amount: fen(amount),
    })
}

fn adjust(book: &mut Book, case: &str, merchant: &str, amount: i64) -> Result<Reply, Rejection> {
    book.ask_approved(&finance(), adjustment(case, merchant, amount))
}

fn suspense(book: &mut Book) -> i64 {
    let account = book.chart().suspense;
    book.balance(account)
}

#[test]
fn what_was_adjusted_is_not_accepted_as_well() {
    for part in [9_000, 1] {
        let (mut book, merchant, payment, case) = underpaid();
        adjust(&mut book, &case, &merchant, part).unwrap();
        let refused = book.accept_underpayment(&payment).unwrap_err();
        assert_refused(&refused, Code::StateConflict, "payment");
        assert!(refused.message.contains(&case), "{}", refused.message);
        assert_eq!(
            (book.payable(&merchant), suspense(&mut book)),
            (part, 9_000 - part)
        );
        assert_eq!(book.payment(&payment).status, PaymentStatus::UnderReview);
        assert_eq!(book.trial_balance(), 0);
    }
}

#[test]
fn what_was_accepted_is_not_adjusted_as_well() {
    let (mut book, merchant, payment, case) = underpaid();
    book.accept_underpayment(&payment).unwrap();
    let ended = book.record::<Case>(&case).unwrap();
    assert_eq!(
        (ended.status, ended.adjusted),
        (CaseStatus::Closed, Some(fen(9_000)))
    );
    assert_eq!(
        ended.explanation.as_deref(),
        Some(EXPLANATION),
        "what a person wrote stays"
    );
    let refused = adjust(&mut book, &case, &merchant, 9_000).unwrap_err();
    assert_eq!(refused.code, Code::StateConflict);
    // Nor in another case that somebody opens about it.
    let again = OpenCase {
        kind: CaseKind::Underpaid,
        object: payment.clone(),
        merchant: Some(merchant.clone()),
        reason: "once more".into(),
        amount: None,
    };
    let again = case_of(book.ask(&finance(), Request::OpenCase(again)).unwrap());
    book.explain(&again.id).unwrap();
    let refused = adjust(&mut book, &again.id, &merchant, 9_000).unwrap_err();
    assert_eq!(refused.code, Code::StateConflict);
    assert_eq!(
        (book.payable(&merchant), suspense(&mut book)),
        (9_000 - 54, 0)
    );
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn an_acceptance_explains_a_case_that_nobody_explained() {
    let (mut book, _, payment) = Book::with_order();
    book.pay(&payment, 9_000);
    let case = book.cases().first().unwrap().id.clone();
    book.accept_underpayment(&payment).unwrap();
    let ended = book.record::<Case>(&case).unwrap();
    assert_eq!(ended.explanation.as_deref(), Some("the merchant agrees"));
    assert_eq!(book.case_kinds(), []);
}

/// Two people asked for the adjustment before two others accepted the payment.
#[test]
fn an_adjustment_that_was_proposed_before_the_acceptance_is_refused_when_it_is_approved() {
    let (mut book, merchant, payment, case) = underpaid();
    let proposal = book.propose(&finance(), adjustment(&case, &merchant, 9_000));
    book.accept_underpayment(&payment).unwrap();
    let verdict = book.approve(&checker(), &proposal);
    assert!(
        matches!(&verdict, Verdict::Refused(refused) if refused.code == Code::StateConflict),
        "{verdict:?}"
    );
    assert_eq!(book.payable(&merchant), 9_000 - 54);
}
