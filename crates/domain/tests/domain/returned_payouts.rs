//! Payouts that came back from the payee's bank: what had left the reserve is in it again, whatever was asked for.

use crate::support::*;
use channels::operation::Channel;
use domain::Request;
use domain::case::CaseKind;
use domain::clearing::{AdjustDifference, AdjustmentAccount};
use domain::closing::{DaySummary, Figure};
use domain::payout::PayoutStatus;

fn bounce(book: &mut Book, payout: &str) {
    book.return_payout(payout).unwrap();
    assert_eq!(book.payout(payout).status, PayoutStatus::Returned);
}

/// Takes an amount of the one open contradiction where it belongs.
fn adjust(book: &mut Book, debit: AdjustmentAccount, credit: AdjustmentAccount, amount: i64) {
    adjust_as(book, "a1", (debit, credit), amount);
}

fn adjust_as(
    book: &mut Book,
    number: &str,
    (debit, credit): (AdjustmentAccount, AdjustmentAccount),
    amount: i64,
) {
    let [case] = book.cases().try_into().unwrap();
    assert_eq!(case.kind, CaseKind::Contradiction);
    book.explain(&case.id).unwrap();
    let command = AdjustDifference {
        case: case.id,
        adjustment_number: number.into(),
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
    assert_eq!(book.payouts_in_transit(merchant), 0);
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
        let (mut book, merchant, payout) = Book::with_payout();
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
    let (mut book, merchant, payout) = Book::with_payout();
    book.answer(&payout, payout_done(&payout, too_much));
    bounce(&mut book, &payout);
    assert_eq!(standing(&mut book, &merchant), (SETTLED, RECEIVED, 0));

    // Who bore it meanwhile is known, and gets it again.
    let (mut book, merchant, payout) = Book::with_payout();
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
    let back = (AdjustmentAccount::Differences, own());
    adjust_as(&mut book, "a2", back, 400);
    assert_eq!(standing(&mut book, &merchant), (SETTLED, RECEIVED, 0));
}

#[test]
fn the_channels_word_after_peoples_is_what_comes_back() {
    for actual in [ASKED - 100, ASKED + 100] {
        let (mut book, merchant, payout) = Book::with_payout();
        book.say_paid(&payout);
        book.notify(Channel::Unionpay, payout_done(&payout, actual));
        bounce(&mut book, &payout);
        let short = (ASKED - actual).max(0);
        assert_eq!(
            standing(&mut book, &merchant),
            (SETTLED - short, RECEIVED, short)
        );

        // What the channel paid is known only after it came back: the reserve is as it was all the same.
        let (mut book, merchant, payout) = Book::with_payout();
        book.say_paid(&payout);
        bounce(&mut book, &payout);
        book.notify(Channel::Unionpay, payout_done(&payout, actual));
        assert_eq!(standing(&mut book, &merchant), (SETTLED, RECEIVED, 0));
        assert_eq!(book.case_kinds().last(), Some(&CaseKind::Contradiction));
    }
}
