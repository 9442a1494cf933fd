//! A question was on its way when somebody else ended what it asks after: its answer is evidence all the same.

use crate::support::*;
use channels::answer::{Answer as Statement, OrderState, PayoutState, RefundState};
use channels::operation::{Channel, Operation};
use domain::Answer;
use domain::case::CaseKind;
use domain::payment::PaymentStatus;
use domain::payout::{PayoutStatus, ResolvedPayout};
use domain::refund::{RefundStatus, ResolvedRefund};
use engine::{AttemptMode, EffectRecord, EffectReport, EffectState};

const ARRIVAL_BOUND: i64 = 1_800;

/// Stopped by two people and decided by two people.
fn decided(outcome: ResolvedPayout) -> (Book, String, String) {
    let (mut book, merchant, payout) = Book::with_payout();
    book.unknown(&payout);
    book.cancel_payout(&payout).unwrap();
    book.pass(ARRIVAL_BOUND);
    book.resolve_payout(&payout, outcome).unwrap();
    (book, merchant, payout)
}

fn answered(statement: Statement) -> EffectReport<Answer> {
    EffectReport::Answered {
        answer: Answer::Channel(statement),
    }
}

fn late(book: &mut Book, effect: &str, statement: Statement) {
    book.report_in(effect, AttemptMode::Query, answered(statement));
    let effect: EffectRecord = book.record(effect).unwrap();
    assert_eq!(effect.state, EffectState::Done);
}

/// The payee and the merchant both had the money, and nobody was told.
#[test]
fn a_payout_that_people_called_unpaid_was_paid_after_all() {
    let (mut book, merchant, payout) = decided(ResolvedPayout::NotPaid);
    let effect = book.payout(&payout).effect.unwrap();
    assert_eq!(book.payable(&merchant), 9_940);
    let reserve = book.balance(book.chart().reserve);
    late(&mut book, &effect, payout_done(&payout, 4_000));
    assert_eq!(book.case_kinds(), [CaseKind::Contradiction]);
    assert_eq!(book.payout(&payout).status, PayoutStatus::Failed);
    let left = book.balance(book.chart().reserve);
    assert_eq!((reserve - left).abs(), 4_000, "it has left the reserve");
    assert_eq!(book.trial_balance(), 0);
    // Said once more it is no news.
    late(&mut book, &effect, payout_done(&payout, 4_000));
    assert_eq!(book.balance(book.chart().reserve), left);
    assert_eq!(book.cases().len(), 1);
}

/// Under way is no end, but the payee may be paid: people know, and the channel is asked on.
#[test]
fn a_payout_that_people_called_unpaid_is_under_way_after_all() {
    let (mut book, merchant, payout) = decided(ResolvedPayout::NotPaid);
    let effect = book.payout(&payout).effect.unwrap();
    book.report_in(&effect, AttemptMode::Query, EffectReport::Pending);
    assert_eq!(book.case_kinds(), [CaseKind::Contradiction]);
    assert_eq!(book.payable(&merchant), 9_940);
    book.answer(&payout, payout_done(&payout, 4_000));
    assert!(book.payout(&payout).contrary_booked);
    assert_eq!(book.cases().len(), 1, "more about the same");
    assert_eq!(book.trial_balance(), 0);
}

/// The question was asked before the channel said how it ended.
#[test]
fn under_way_says_nothing_new_of_a_payout_that_the_channel_ended() {
    for end in [
        PayoutState::Failed { refusal: refusal() },
        PayoutState::Succeeded {
            channel_number: "u1".into(),
            amount: fen(4_000),
            settle_date: None,
        },
    ] {
        let (mut book, _, payout) = Book::with_payout();
        let effect = book.payout(&payout).effect.unwrap();
        book.unknown(&payout);
        book.cancel_payout(&payout).unwrap();
        book.notify(Channel::Unionpay, payout_is(&payout, end));
        let ended = book.payout(&payout);
        book.report_in(&effect, AttemptMode::Query, EffectReport::Pending);
        assert_eq!((book.case_kinds(), book.payout(&payout)), (vec![], ended));
    }
}

#[test]
fn a_payout_that_people_called_paid_had_failed() {
    let (mut book, _, payout) = decided(ResolvedPayout::Paid);
    let effect = book.payout(&payout).effect.unwrap();
    let failed = PayoutState::Failed { refusal: refusal() };
    late(&mut book, &effect, payout_is(&payout, failed));
    assert_eq!(book.case_kinds(), [CaseKind::Contradiction]);
    assert_eq!(book.payout(&payout).status, PayoutStatus::Succeeded);
}

/// Both ways of hearing of one success are the everyday case.
#[test]
fn a_payout_that_a_notification_ended_is_not_ended_again_by_the_answer_that_says_the_same() {
    let (mut book, merchant, payout) = Book::with_payout();
    let effect = book.payout(&payout).effect.unwrap();
    book.notify(Channel::Unionpay, payout_done(&payout, 4_000));
    let reserve = book.balance(book.chart().reserve);
    late(&mut book, &effect, payout_done(&payout, 4_000));
    assert_eq!(book.case_kinds(), []);
    assert_eq!(book.balance(book.chart().reserve), reserve);
    assert_eq!(book.payable(&merchant), 5_940);
    late(&mut book, &effect, payout_done(&payout, 3_000));
    assert_eq!(book.case_kinds(), [CaseKind::Contradiction]);
}

#[test]
fn a_refund_that_people_called_unpaid_was_made_after_all() {
    let (mut book, _, payment) = Book::with_payment();
    let refund = book.refund_request(&payment, "r1", 5_000).unwrap();
    let effect = book.refund(&refund).effect;
    book.notify(Channel::Wechat, refund_is(&refund, RefundState::Abnormal));
    let stored: EffectRecord = book.record(&effect).unwrap();
    assert_eq!(
        stored.mode(true),
        AttemptMode::Query,
        "people may decide: nothing is sent any more"
    );
    book.resolve_refund(&refund, ResolvedRefund::NotPaid)
        .unwrap();
    assert_eq!(book.refund(&refund).status, RefundStatus::Closed);
    let contradicted = |book: &Book| {
        let kinds = book.case_kinds();
        kinds.contains(&CaseKind::Contradiction)
    };
    // What they had decided upon, told once more.
    late(
        &mut book,
        &effect,
        refund_is(&refund, RefundState::Abnormal),
    );
    assert!(!contradicted(&book));
    book.report_in(&effect, AttemptMode::Query, EffectReport::Pending);
    assert!(contradicted(&book), "under way after all");
    let receivable = book.balance(book.chart().wechat.receivable);
    let done = refund_done(&refund, 5_000, book.now());
    late(&mut book, &effect, done);
    assert_eq!(book.refund(&refund).status, RefundStatus::Closed);
    let left = book.balance(book.chart().wechat.receivable);
    assert_eq!((receivable - left).abs(), 5_000);
}

/// The amount that cannot be booked was told by a notification, so that the request itself had no answer yet.
#[test]
fn a_refund_with_an_amount_that_cannot_be_booked_is_asked_after_and_not_sent_again() {
    let (mut book, _, payment) = Book::with_payment();
    let refund = book.refund_request(&payment, "r1", 5_000).unwrap();
    let effect = book.refund(&refund).effect;
    book.unknown(&refund);
    let nothing = refund_done(&refund, 0, book.now());
    book.notify(Channel::Wechat, nothing);
    assert_eq!(book.refund(&refund).status, RefundStatus::Stranded);
    let stored: EffectRecord = book.record(&effect).unwrap();
    assert_eq!(stored.mode(true), AttemptMode::Query);
    let done = refund_done(&refund, 5_000, book.now());
    book.report_in(&effect, AttemptMode::Query, answered(done));
    assert_eq!(book.refund(&refund).status, RefundStatus::Succeeded);
}

/// Nobody asked any more, and people could not decide it either.
#[test]
fn a_stranded_refund_that_is_under_way_again_is_asked_after_again() {
    let (mut book, _, payment) = Book::with_payment();
    let refund = book.refund_request(&payment, "r1", 5_000).unwrap();
    let nothing = refund_done(&refund, 0, book.now());
    book.answer(&refund, nothing);
    assert_eq!(book.refund(&refund).status, RefundStatus::Stranded);
    book.notify(Channel::Wechat, refund_is(&refund, RefundState::Processing));
    assert_eq!(book.refund(&refund).status, RefundStatus::Processing);
    let (asks, operation) = book.effect_about(&refund);
    assert!(matches!(operation, Operation::QueryRefund { .. }));
    // It does not know it after all: people have it again, once.
    book.answer_with(&refund, Answer::Absent);
    assert_eq!(book.refund(&refund).status, RefundStatus::Stranded);
    let done = refund_done(&refund, 5_000, book.now());
    late(&mut book, &asks.id, done);
    assert_eq!(book.refund(&refund).status, RefundStatus::Succeeded);
}

#[test]
fn a_stranded_payout_that_is_under_way_again_is_asked_after_again() {
    let (mut book, _, payout) = Book::with_payout();
    book.answer(&payout, payout_done(&payout, 0));
    assert_eq!(book.payout(&payout).status, PayoutStatus::Stranded);
    book.notify(
        Channel::Unionpay,
        payout_is(&payout, PayoutState::Processing),
    );
    assert_eq!(book.payout(&payout).status, PayoutStatus::Processing);
    let (asks, operation) = book.effect_about(&payout);
    assert!(matches!(operation, Operation::QueryPayout { .. }));
    book.answer_with(&payout, Answer::Absent);
    assert_eq!(book.payout(&payout).status, PayoutStatus::Stranded);
    late(&mut book, &asks.id, payout_done(&payout, 4_000));
    assert_eq!(book.payout(&payout).status, PayoutStatus::Succeeded);
}

/// What does not speak of the money says nothing once the order is at its end.
#[test]
fn an_answer_about_a_settled_order_counts_only_if_it_says_how_the_order_stands() {
    let (mut book, _, payment) = Book::with_order();
    let effect = book.payment(&payment).effect;
    book.notify(Channel::Wechat, order_is(&payment, OrderState::Closed));
    let ended = book.payment(&payment);
    assert_eq!(ended.status, PaymentStatus::Closed);
    let created = Statement::OrderCreated {
        code_url: "weixin://wxpay/bizpayurl/up?pr=late".into(),
    };
    late(&mut book, &effect, created);
    assert_eq!(book.payment(&payment), ended);
    let paid = order_paid(&payment, "4200000001", 10_000, book.now());
    late(&mut book, &effect, paid);
    assert_ne!(book.payment(&payment), ended, "a success is never dropped");
}
