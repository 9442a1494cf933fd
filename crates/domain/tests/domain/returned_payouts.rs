//! Payouts that came back from the payee's bank: what had left the reserve is in it again, whatever was asked for.

use crate::support::*;
use channels::operation::Channel;
use domain::case::{CaseKind, ExplainCase};
use domain::clearing::{AdjustDifference, AdjustmentAccount};
use domain::closing::{DaySummary, Figure};
use domain::payout::{CreatePayout, PayoutStatus, ResolvePayout, ResolvedPayout, ReturnPayout};
use domain::{Answer, Reply, Request};

const RECEIVED: i64 = 100_000;
const SETTLED: i64 = 9_940;
const ASKED: i64 = 4_000;

/// A merchant with [`SETTLED`] and a payout of [`ASKED`] that was sent.
fn sent() -> (Book, String, String) {
    let mut book = Book::new();
    book.receive(RECEIVED);
    let mut terms = merchant_terms("m1");
    terms.automatic_payout = false;
    let merchant = book.open_merchant_with(terms);
    book.paid(&merchant, "o1", 10_000);
    book.turn_day();
    let command = CreatePayout {
        merchant: merchant.clone(),
        payout_number: "p1".into(),
        amount: fen(ASKED),
        purpose: "goods".into(),
        payee: None,
    };
    let asked = book.ask(&as_merchant(&merchant), Request::CreatePayout(command));
    let Ok(Reply::Payout { payout, .. }) = asked else {
        panic!("{asked:?}")
    };
    (book, merchant, payout.id.clone())
}

fn bounce(book: &mut Book, payout: &str) {
    let command = ReturnPayout {
        payout: payout.into(),
        evidence: "statement line 17".into(),
    };
    book.ask_approved(&finance(), Request::ReturnPayout(command))
        .unwrap();
    assert_eq!(book.payout(payout).status, PayoutStatus::Returned);
}

fn said_paid_by_people(book: &mut Book, payout: &str) {
    book.answer_with(payout, Answer::Refused(refusal()));
    book.answer_with(payout, Answer::Absent);
    book.answer_with(payout, Answer::Absent);
    let command = ResolvePayout {
        payout: payout.into(),
        outcome: ResolvedPayout::Paid,
        evidence: "letter of the bank".into(),
    };
    book.ask_approved(&finance(), Request::ResolvePayout(command))
        .unwrap();
}

/// Takes an amount of the one open contradiction where it belongs.
fn adjust(book: &mut Book, debit: AdjustmentAccount, credit: AdjustmentAccount, amount: i64) {
    let [case] = book.cases().try_into().unwrap();
    assert_eq!(case.kind, CaseKind::Contradiction);
    let explain = ExplainCase {
        case: case.id.clone(),
        explanation: "the bank took another amount".into(),
    };
    book.ask(&finance(), Request::ExplainCase(explain)).unwrap();
    let command = AdjustDifference {
        case: case.id,
        adjustment_number: "a1".into(),
        debit,
        credit,
        amount: fen(amount),
    };
    book.ask_approved(&finance(), Request::AdjustDifference(command))
        .unwrap();
}

/// Payable of the merchant, reserve, differences.
fn standing(book: &mut Book, merchant: &str) -> (i64, i64, i64) {
    let chart = book.chart();
    assert_eq!(book.trial_balance(), 0);
    let account = book.merchant(merchant).accounts.payout_in_transit;
    assert_eq!(book.balance(account), 0);
    (
        book.payable(merchant),
        book.balance(chart.reserve),
        book.balance(chart.differences),
    )
}

#[test]
fn what_was_not_paid_does_not_come_back_and_is_adjusted_once() {
    let too_little = ASKED - 400;
    for adjusted_before in [true, false] {
        let (mut book, merchant, payout) = sent();
        book.answer(&payout, payout_done(&payout, too_little));
        let to_merchant = |book: &mut Book| {
            let credit = AdjustmentAccount::Merchant(merchant.clone());
            adjust(book, AdjustmentAccount::Differences, credit, 400);
        };
        if adjusted_before {
            to_merchant(&mut book);
        }
        bounce(&mut book, &payout);
        let figures: DaySummary = book.record(&first_day().next().to_string()).unwrap();
        let returned = figures.figures.get(&Figure::PayoutsReturned).unwrap();
        assert_eq!(returned.amount, Some(fen(too_little)));
        if !adjusted_before {
            assert_eq!(
                standing(&mut book, &merchant),
                (SETTLED - 400, RECEIVED, 400)
            );
            to_merchant(&mut book);
        }
        assert_eq!(standing(&mut book, &merchant), (SETTLED, RECEIVED, 0));
    }
}

#[test]
fn what_was_paid_too_much_comes_back_to_the_differences() {
    let too_much = ASKED + 400;
    let (mut book, merchant, payout) = sent();
    book.answer(&payout, payout_done(&payout, too_much));
    bounce(&mut book, &payout);
    assert_eq!(standing(&mut book, &merchant), (SETTLED, RECEIVED, 0));

    // Who bore it meanwhile is known, and gets it again.
    let (mut book, merchant, payout) = sent();
    book.answer(&payout, payout_done(&payout, too_much));
    let own = || AdjustmentAccount::OwnMoney;
    adjust(&mut book, own(), AdjustmentAccount::Differences, 400);
    bounce(&mut book, &payout);
    assert_eq!(standing(&mut book, &merchant), (SETTLED, RECEIVED, 400));
    let [case] = book.cases().try_into().unwrap();
    let told = &case.further.last().unwrap().reason;
    assert!(
        told.contains("came back") && told.contains("4.00"),
        "{told}"
    );
}

#[test]
fn the_channels_word_after_peoples_is_what_comes_back() {
    for actual in [ASKED - 100, ASKED + 100] {
        let (mut book, merchant, payout) = sent();
        said_paid_by_people(&mut book, &payout);
        book.notify(Channel::Unionpay, payout_done(&payout, actual));
        bounce(&mut book, &payout);
        let short = (ASKED - actual).max(0);
        assert_eq!(
            standing(&mut book, &merchant),
            (SETTLED - short, RECEIVED, short)
        );

        // What the channel paid is known only after it came back: the reserve is as it was all the same.
        let (mut book, merchant, payout) = sent();
        said_paid_by_people(&mut book, &payout);
        bounce(&mut book, &payout);
        book.notify(Channel::Unionpay, payout_done(&payout, actual));
        assert_eq!(standing(&mut book, &merchant), (SETTLED, RECEIVED, 0));
        assert_eq!(book.case_kinds().last(), Some(&CaseKind::Contradiction));
    }
}
