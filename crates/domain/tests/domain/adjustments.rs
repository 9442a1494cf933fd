//! Adjustments: a difference is explained, then taken by two people where it belongs, and no more than it.

use crate::support::*;
use channels::operation::Channel;
use domain::case::{AssignCase, CaseStatus};
use domain::clearing::{AMOUNT_MAX, AdjustDifference, AdjustmentAccount};
use domain::payout::{Payout, ResolvedPayout};
use domain::{Code, Command, Request};
use engine::Verdict;

/// A book with 10,300 paid for an order of 10,000.
fn overpaid() -> (Book, String, String) {
    let (mut book, merchant, payment) = Book::with_order();
    book.pay(&payment, 10_300);
    let case = book.cases().first().unwrap().id.clone();
    (book, merchant, case)
}

fn adjustment(case: &str, number: &str, merchant: &str, amount: i64) -> Request {
    Request::AdjustDifference(AdjustDifference {
        case: case.into(),
        adjustment_number: number.into(),
        debit: AdjustmentAccount::Differences,
        credit: AdjustmentAccount::Merchant(merchant.into()),
        amount: fen(amount),
    })
}

#[test]
fn a_difference_is_explained_then_adjusted_by_two_people_then_closed() {
    let (mut book, merchant, case) = overpaid();
    let early = book.close_case(&case).unwrap_err();
    assert_eq!(early.code, Code::StateConflict);
    let early = book
        .ask_approved(&finance(), adjustment(&case, "a1", &merchant, 300))
        .unwrap_err();
    assert_eq!(early.code, Code::StateConflict, "explain first");
    let assign = AssignCase {
        case: case.clone(),
        owner: "fang".into(),
    };
    assert_eq!(
        case_of(book.ask(&operator(), Request::AssignCase(assign)).unwrap()).owner,
        "fang"
    );
    book.explain(&case).unwrap();
    let adjusted = case_of(
        book.ask_approved(&finance(), adjustment(&case, "a1", &merchant, 300))
            .unwrap(),
    );
    assert_eq!(
        (adjusted.status, adjusted.adjusted),
        (CaseStatus::Adjusted, Some(fen(300)))
    );
    let differences = book.chart().differences;
    assert_eq!(
        (book.balance(differences), book.payable(&merchant)),
        (0, 10_240)
    );
    assert_eq!(
        case_of(book.close_case(&case).unwrap()).status,
        CaseStatus::Closed
    );
    assert!(book.explain(&case).is_err(), "closed is closed");
    // What was adjusted is settled like everything else.
    book.turn_day();
    assert_eq!(book.payable(&merchant), 0);
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn a_case_is_adjusted_by_no_more_than_it_is_about() {
    let (mut book, merchant, case) = overpaid();
    book.explain(&case).unwrap();
    for (amount, code) in [
        (0, Code::InvalidField),
        (AMOUNT_MAX + 1, Code::InvalidField),
        // The case is about the whole payment of 103.00.
        (10_301, Code::LimitExceeded),
    ] {
        let refused = book
            .ask_approved(&finance(), adjustment(&case, "a1", &merchant, amount))
            .unwrap_err();
        assert_refused(&refused, code, "amount");
    }
    book.ask_approved(&finance(), adjustment(&case, "a1", &merchant, 200))
        .unwrap();
    let refused = book
        .ask_approved(&finance(), adjustment(&case, "a2", &merchant, 10_101))
        .unwrap_err();
    assert_eq!(refused.code, Code::LimitExceeded);
    book.ask_approved(&finance(), adjustment(&case, "a2", &merchant, 100))
        .unwrap();
    assert_eq!(book.payable(&merchant), 10_240);
}

/// A person's browser sent it twice, the second time long after the idempotency record was gone.
#[test]
fn an_adjustment_is_booked_once_under_its_number() {
    let (mut book, merchant, case) = overpaid();
    book.explain(&case).unwrap();
    let twice = [100, 100]
        .map(|amount| book.propose(&finance(), adjustment(&case, "a1", &merchant, amount)));
    for proposal in twice {
        let Verdict::Done(reply) = book.approve(&checker(), &proposal) else {
            panic!("an approved repeat is answered");
        };
        assert_eq!(case_of(reply).adjusted, Some(fen(100)));
    }
    assert_eq!(book.payable(&merchant), 10_040);
    // A later repeat needs nobody: it changes nothing, even where the case is closed.
    book.close_case(&case).unwrap();
    book.pass(30 * 86_400);
    let repeated = book.ask(&finance(), adjustment(&case, "a1", &merchant, 100));
    assert_eq!(case_of(repeated.unwrap()).adjusted, Some(fen(100)));
    let other = book.ask(&finance(), adjustment(&case, "a1", &merchant, 101));
    let refused = other.unwrap_err();
    assert_refused(&refused, Code::AlreadyExists, "amount");
    assert_eq!(book.payable(&merchant), 10_040);
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn an_adjustment_needs_another_person_and_an_open_item() {
    let (mut book, merchant, case) = overpaid();
    book.explain(&case).unwrap();
    let proposal = book.propose(&finance(), adjustment(&case, "a1", &merchant, 300));
    let own = book.approve(&finance(), &proposal);
    assert!(
        matches!(own, Verdict::Denied(_)),
        "maker is not checker: {own:?}"
    );
    let beside = Request::AdjustDifference(AdjustDifference {
        case: case.clone(),
        adjustment_number: "a2".into(),
        debit: AdjustmentAccount::OwnMoney,
        credit: AdjustmentAccount::Merchant(merchant.clone()),
        amount: fen(300),
    });
    assert_eq!(
        book.ask_approved(&finance(), beside).unwrap_err().code,
        Code::InvalidField
    );
    let as_operator = book.submit(
        &operator(),
        Command::Request(adjustment(&case, "a1", &merchant, 300)),
    );
    assert!(matches!(as_operator, Verdict::Refused(_)));
    assert_eq!(book.payable(&merchant), 9_940);
}

#[test]
fn a_correction_takes_nothing_of_the_reserve_that_payouts_on_their_way_need() {
    let (mut book, merchant, case) = overpaid();
    book.turn_day();
    // 9,940 are on their way; 60 of the reserve are free.
    book.receive(10_000);
    let sent = book.all::<Payout>().remove(0);
    assert_eq!(
        (sent.merchant, sent.amount, sent.reserved),
        (merchant, fen(9_940), true)
    );
    book.explain(&case).unwrap();
    let take = |amount: i64| {
        Request::AdjustDifference(AdjustDifference {
            case: case.clone(),
            adjustment_number: format!("a{amount}"),
            debit: AdjustmentAccount::Differences,
            credit: AdjustmentAccount::Reserve,
            amount: fen(amount),
        })
    };
    let refused = book.ask_approved(&finance(), take(61)).unwrap_err();
    assert_refused(&refused, Code::InsufficientFunds, "amount");
    assert!(refused.message.contains("payouts"), "{}", refused.message);
    assert_eq!(refused.details["available"], "60");
    book.ask_approved(&finance(), take(60)).unwrap();
    let done = payout_done(&sent.id, 9_940);
    book.notify(Channel::Unionpay, done);
    let reserve = book.chart().reserve;
    assert_eq!(book.balance(reserve), 0);
}

/// The channel moved less than half of what was asked for: what is left stands in the differences, and all of it
/// can be taken to the merchant, no fen more.
#[test]
fn what_a_payout_or_a_refund_lacks_can_all_be_given_to_the_merchant() {
    let short_payout = {
        let (mut book, merchant, payout) = Book::with_payout();
        book.answer(&payout, payout_done(&payout, 1_000));
        (book, merchant, 3_000)
    };
    let short_of_peoples_word = {
        let (mut book, merchant, payout) = Book::with_payout();
        book.unknown(&payout);
        book.cancel_payout(&payout).unwrap();
        book.pass(1_800);
        book.resolve_payout(&payout, ResolvedPayout::Paid).unwrap();
        book.notify(Channel::Unionpay, payout_done(&payout, 1_000));
        (book, merchant, 3_000)
    };
    let short_refund = {
        let (mut book, merchant, payment) = Book::with_payment();
        let refund = book.refund_request(&payment, "r1", 5_000).unwrap();
        let done = refund_done(&refund, 1_000, book.now());
        book.answer(&refund, done);
        (book, merchant, 4_000)
    };
    for (mut book, merchant, lacking) in [short_payout, short_of_peoples_word, short_refund] {
        let [case] = book.cases().try_into().unwrap();
        assert_eq!(case.amount, Some(fen(lacking)));
        book.explain(&case.id).unwrap();
        let before = book.payable(&merchant);
        let more = adjustment(&case.id, "a1", &merchant, lacking + 1);
        let refused = book.ask_approved(&finance(), more).unwrap_err();
        assert_refused(&refused, Code::LimitExceeded, "amount");
        let all = adjustment(&case.id, "a1", &merchant, lacking);
        book.ask_approved(&finance(), all).unwrap();
        assert_eq!(book.payable(&merchant), before + lacking);
        assert_eq!(book.trial_balance(), 0);
    }
}
