//! The close of an order that is not paid: only the channel's word closes it, and a payment may be faster.

use crate::support::*;
use channels::answer::OrderState;
use channels::operation::Operation;
use domain::payment::{CloseReason, PaymentStatus, QueryPayment};
use domain::{Answer, Effect, Request};
use engine::{AttemptMode, EffectRecord, EffectReport};

/// Every attempt of the newest effect about a payment goes unanswered.
fn strand(book: &mut Book, payment: &str) {
    let (effect, _) = book.effect_about(payment);
    for _ in 0..effect.policy.attempts_max.unwrap() {
        let reason = "time-out".into();
        book.report(&effect.id, EffectReport::Unknown { reason });
    }
}

/// Attempts every effect that is due, as a channel that never answers a close and says of every
/// order that it is not paid.
fn attempt_all(book: &mut Book, payment: &str) {
    let now = book.now();
    for effect in book.open_effects() {
        if effect.next_at > now {
            continue;
        }
        let Ok(Effect::Channel { operation, .. }) = serde_json::from_value(effect.body.clone())
        else {
            continue;
        };
        let report = match operation {
            Operation::QueryOrder { .. } => EffectReport::Answered {
                answer: Answer::Channel(order_is(payment, OrderState::AwaitingPayer)),
            },
            _ => EffectReport::Unknown {
                reason: "time-out".into(),
            },
        };
        book.report(&effect.id, report);
    }
}

#[test]
fn a_close_that_is_never_answered_keeps_one_close_and_one_query_pending() {
    let (mut book, merchant, payment) = Book::with_registered_order();
    book.close_order(&merchant, &payment).unwrap();
    let query = QueryPayment {
        merchant: merchant.clone(),
        payment: payment.clone(),
    };
    let mut hours = Vec::new();
    for _ in 0..3 {
        let before = book.all::<EffectRecord>().len();
        for round in 0..360 {
            book.pass(10);
            book.fire_timers();
            if round % 7 == 0 {
                book.ask(
                    &as_merchant(&merchant),
                    Request::QueryPayment(query.clone()),
                )
                .unwrap();
            }
            assert!(book.open_effects().len() <= 2, "one close and one query");
            attempt_all(&mut book, &payment);
        }
        hours.push(book.all::<EffectRecord>().len() - before);
    }
    assert!(book.payment(&payment).status.is_open());
    // A close that strands, its question, and the next close take more than half a minute.
    assert!(
        hours.iter().all(|emitted| (60..=240).contains(emitted)),
        "effects of each hour: {hours:?}"
    );
}

#[test]
fn closing_twice_asks_the_channel_once() {
    let (mut book, merchant, payment) = Book::with_registered_order();
    book.close_order(&merchant, &payment).unwrap();
    book.close_order(&merchant, &payment).unwrap();
    assert_eq!(book.open_effects().len(), 1);
}

#[test]
fn an_order_that_stays_open_at_the_channel_is_closed_again() {
    let (mut book, merchant, payment) = Book::with_registered_order();
    book.close_order(&merchant, &payment).unwrap();
    strand(&mut book, &payment);
    book.answer(&payment, order_is(&payment, OrderState::AwaitingPayer));
    assert!(matches!(
        book.effect_about(&payment).1,
        Operation::CloseOrder { .. }
    ));
    assert!(book.payment(&payment).status.is_open());
}

#[test]
fn a_close_that_meets_a_paid_order_ends_in_success() {
    let (mut book, merchant, payment) = Book::with_registered_order();
    book.close_order(&merchant, &payment).unwrap();
    // ORDERPAID is no statement about the order; the connector reports it as unknown.
    strand(&mut book, &payment);
    assert!(matches!(
        book.effect_about(&payment).1,
        Operation::QueryOrder { .. }
    ));
    let paid = order_paid(&payment, "wx-1", 10_000, book.now());
    book.answer(&payment, paid);
    assert_eq!(book.payment(&payment).status, PaymentStatus::Succeeded);
    assert!(!book.payment(&payment).late);
    assert_eq!(book.payable(&merchant), 9_940);
}

#[test]
fn an_expired_order_is_closed_at_the_channel_first_and_only_its_word_closes_it() {
    let (mut book, _, payment) = Book::with_registered_order();
    book.pass(7_300);
    book.fire_timers();
    let closing = book.payment(&payment);
    assert_eq!(closing.close_reason, Some(CloseReason::Expired));
    assert_eq!(
        closing.status,
        PaymentStatus::AwaitingPayer,
        "time alone closes nothing"
    );
    assert!(matches!(
        book.effect_about(&payment).1,
        Operation::CloseOrder { .. }
    ));
    book.answer(&payment, order_is(&payment, OrderState::Closed));
    assert_eq!(book.payment(&payment).status, PaymentStatus::Closed);
}

/// The process had stood still for hours with the answer; meanwhile the order had arrived and was paid.
#[test]
fn not_known_counts_from_when_the_channel_was_asked() {
    let (mut book, _, payment) = Book::with_registered_order();
    book.pass(40);
    book.fire_timers();
    let asked_at = book.now();
    let (query, operation) = book.effect_about(&payment);
    assert!(matches!(operation, Operation::QueryOrder { .. }));
    book.pass(5 * 3_600);
    book.fire_timers();
    assert_eq!(
        book.payment(&payment).close_reason,
        Some(CloseReason::Expired)
    );
    let absent = EffectReport::Answered {
        answer: Answer::Absent,
    };
    book.report_of(&query.id, AttemptMode::Send, asked_at, absent);
    assert_eq!(
        book.payment(&payment).status,
        PaymentStatus::AwaitingPayer,
        "an answer of before the payment"
    );
    let paid = order_paid(&payment, "wx-1", 10_000, book.now());
    book.answer(&payment, paid);
    assert_eq!(book.payment(&payment).status, PaymentStatus::Succeeded);
}

#[test]
fn not_found_does_not_close_an_order_whose_code_was_shown() {
    let (mut book, merchant, payment) = Book::with_registered_order();
    book.close_order(&merchant, &payment).unwrap();
    book.answer_with(&payment, Answer::Absent);
    assert!(
        book.payment(&payment).status.is_open(),
        "it may be paid until its time is over"
    );
    book.pass(7_300);
    book.fire_timers();
    book.answer_with(&payment, Answer::Absent);
    assert!(
        book.payment(&payment).status.is_open(),
        "a payment of its last second may be under way"
    );
    book.pass(1_800);
    book.fire_timers();
    book.answer_with(&payment, Answer::Absent);
    assert_eq!(book.payment(&payment).status, PaymentStatus::Closed);
}
