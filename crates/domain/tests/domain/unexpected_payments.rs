//! Money that came otherwise than it was asked for: late, twice, of another amount, for no order of ours.

use crate::support::*;
use channels::answer::OrderState;
use channels::operation::{Channel, Operation};
use domain::Code;
use domain::case::CaseKind;
use domain::clearing::AMOUNT_MAX;
use domain::merchant::LateSuccess;
use domain::payment::{ChannelTrade, PaymentStatus};
use domain::payout::PayoutStatus;
use domain::refund::{Refund, RefundOrigin, RefundStatus};

#[test]
fn a_late_success_is_refunded_at_once_where_the_merchant_wants_that() {
    let (mut book, merchant, payment) = Book::with_registered_order();
    book.notify(Channel::Wechat, order_is(&payment, OrderState::Closed));
    assert_eq!(book.payment(&payment).status, PaymentStatus::Closed);
    book.pay(&payment, 10_000);
    let late = book.payment(&payment);
    assert_eq!(
        (late.status, late.late, late.fee),
        (PaymentStatus::Succeeded, true, fen(0))
    );
    assert_eq!(late.refunded, fen(10_000));
    let refunds: Vec<Refund> = book.all();
    assert_eq!(refunds.len(), 1);
    let refund = refunds.first().unwrap().clone();
    assert_eq!(refund.origin, RefundOrigin::LateSuccess);
    assert_eq!(book.payable(&merchant), 0);
    let done = refund_done(&refund.id, 10_000, book.now());
    book.answer(&refund.id, done);
    assert_eq!(book.refund(&refund.id).status, RefundStatus::Succeeded);
    let receivable = book.chart().wechat.receivable;
    assert_eq!(book.balance(receivable), 0);
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn a_late_success_is_booked_where_the_merchant_wants_that() {
    let mut book = Book::new();
    let mut terms = merchant_terms("m1");
    terms.late_success = LateSuccess::Book;
    let merchant = book.open_merchant_with(terms);
    let payment = book.order(&merchant, "o1", 10_000);
    book.notify(Channel::Wechat, order_is(&payment, OrderState::Closed));
    book.pay(&payment, 10_000);
    assert_eq!(book.payment(&payment).status, PaymentStatus::Succeeded);
    assert_eq!(book.payable(&merchant), 9_940);
    // The complaint: reported paid while the books say closed, then the refund is refused.
    book.refund_request(&payment, "r1", 4_000).unwrap();
}

#[test]
fn closed_after_paid_is_a_contradiction_and_changes_nothing() {
    let (mut book, merchant, payment) = Book::with_payment();
    book.notify(Channel::Wechat, order_is(&payment, OrderState::Closed));
    book.notify(Channel::Wechat, order_is(&payment, OrderState::Closed));
    book.notify(
        Channel::Wechat,
        order_is(&payment, OrderState::Failed { refusal: refusal() }),
    );
    assert_eq!(book.payment(&payment).status, PaymentStatus::Succeeded);
    assert_eq!(book.payable(&merchant), 9_940);
    assert_eq!(
        book.case_kinds(),
        [CaseKind::Contradiction],
        "one case, however often it is said"
    );
}

#[test]
fn a_second_trade_of_the_same_order_goes_to_suspense() {
    let (mut book, merchant, payment) = Book::with_payment();
    let second = order_paid(&payment, "wx-other", 10_000, book.now());
    book.notify(Channel::Wechat, second.clone());
    book.notify(Channel::Wechat, second);
    let chart = book.chart();
    assert_eq!(book.payable(&merchant), 9_940);
    assert_eq!(book.balance(chart.suspense), 10_000);
    assert_eq!(book.balance(chart.wechat.receivable), 20_000);
    assert_eq!(book.case_kinds(), [CaseKind::DoublePayment]);
    assert!(
        book.record::<ChannelTrade>("wechat/wx-other")
            .unwrap()
            .in_suspense
    );
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn the_same_trade_for_another_amount_is_a_contradiction() {
    let (mut book, merchant, payment) = Book::with_payment();
    let changed = order_paid(&payment, &format!("wx-{payment}"), 9_000, book.now());
    book.notify(Channel::Wechat, changed);
    assert_eq!(book.case_kinds(), [CaseKind::Contradiction]);
    assert_eq!(book.payable(&merchant), 9_940);
}

#[test]
fn an_unknown_order_goes_to_suspense_with_an_owner_once() {
    let mut book = Book::new();
    let paid_at = book.now();
    for _ in 0..2 {
        book.bill_payment("pay_00UNKNOWN", "wx-9", 500, paid_at);
    }
    let suspense = book.chart().suspense;
    assert_eq!(book.balance(suspense), 500);
    let cases = book.cases();
    assert_eq!(book.case_kinds(), [CaseKind::UnknownPayment]);
    assert_eq!(cases.first().unwrap().owner, "finance");
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn more_than_asked_for_credits_the_merchant_with_the_order_and_keeps_the_difference() {
    let (mut book, merchant, payment) = Book::with_order();
    book.pay(&payment, 10_300);
    let differences = book.chart().differences;
    assert_eq!(book.payment(&payment).status, PaymentStatus::Succeeded);
    assert_eq!(book.payable(&merchant), 9_940);
    assert_eq!(book.balance(differences), 300);
    assert_eq!(book.case_kinds(), [CaseKind::Overpaid]);
    assert_eq!(book.trial_balance(), 0);
    // The channel compares a refund with what it took.
    let refund = book.refund_request(&payment, "r1", 10_000).unwrap();
    let (_, operation) = book.effect_about(&refund);
    let Operation::Refund {
        order_total,
        amount,
        ..
    } = operation
    else {
        panic!("{operation:?}")
    };
    assert_eq!((order_total, amount), (fen(10_300), fen(10_000)));
}

#[test]
fn less_than_asked_for_is_reviewed_by_two_people() {
    let (mut book, merchant, payment) = Book::with_order();
    book.pay(&payment, 9_000);
    let suspense = book.chart().suspense;
    assert_eq!(book.payment(&payment).status, PaymentStatus::UnderReview);
    assert_eq!(
        (book.payable(&merchant), book.balance(suspense)),
        (0, 9_000)
    );
    assert_eq!(book.case_kinds(), [CaseKind::Underpaid]);
    let refused = book.refund_request(&payment, "r0", 100).unwrap_err();
    assert_eq!(refused.code, Code::StateConflict);
    book.accept_underpayment(&payment).unwrap();
    assert_eq!(book.payment(&payment).status, PaymentStatus::Succeeded);
    assert_eq!(
        (book.payable(&merchant), book.balance(suspense)),
        (9_000 - 54, 0)
    );
    assert_eq!(book.trial_balance(), 0);
}

/// A bill is taken again after people have decided: the trade is no second time in question.
#[test]
fn a_contradiction_that_was_decided_is_not_opened_by_the_same_statement() {
    let (mut book, _, payment) = Book::with_payment();
    let (number, paid_at) = (format!("wx-{payment}"), book.now());
    book.bill_payment("pay_00UNKNOWN", &number, 10_000, paid_at);
    let [case] = book.cases().try_into().unwrap();
    assert_eq!(case.kind, CaseKind::Contradiction);
    book.explain(&case.id).unwrap();
    book.close_case(&case.id).unwrap();
    book.bill_payment("pay_00UNKNOWN", &number, 10_000, paid_at);
    book.bill_payment(&payment, &number, 10_000, paid_at);
    assert!(book.cases().is_empty());
    book.bill_payment("pay_00UNKNOWN", &number, 9_000, paid_at);
    assert_eq!(book.case_kinds(), [CaseKind::Contradiction]);
}

/// Totals of accounts only grow: one such posting would leave no room for any other.
#[test]
fn an_amount_beyond_all_money_is_a_case_and_leaves_room_for_others() {
    let mut book = Book::new();
    for (order, amount) in [("pay_00A", i64::MAX), ("pay_00B", AMOUNT_MAX + 1)] {
        let absurd = order_paid(order, &format!("wx-{order}"), amount, book.now());
        book.notify(Channel::Wechat, absurd);
    }
    assert_eq!(book.case_kinds(), [CaseKind::Unbookable; 2]);
    let (_, wechat) = (book.trial_balance(), book.chart().wechat.receivable);
    assert_eq!(book.balance(wechat), 0);
    let largest = order_paid("pay_00C", "wx-c", AMOUNT_MAX, book.now());
    book.notify(Channel::Wechat, largest);
    let merchant = book.open_merchant("m1");
    let payment = book.paid(&merchant, "o1", 10_000);
    let refund = book.refund_request(&payment, "r1", 5_000).unwrap();
    let done = refund_done(&refund, i64::MAX, book.now());
    book.notify(Channel::Wechat, done);
    assert_eq!(
        book.record::<Refund>(&refund).unwrap().status,
        RefundStatus::Stranded
    );
    book.receive(20_000);
    book.turn_day();
    let payout = book.payouts_of(&merchant).first().unwrap().id.clone();
    book.notify(Channel::Unionpay, payout_done(&payout, i64::MAX));
    assert_eq!(book.payout(&payout).status, PayoutStatus::Stranded);
    assert_eq!(book.balance(wechat), AMOUNT_MAX + 10_000 - 20_000);
    assert_eq!(book.trial_balance(), 0);
}
