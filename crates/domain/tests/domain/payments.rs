//! Payments: an order, its registration, and its success, which is booked once however it is learned.

use crate::support::*;
use channels::operation::{Channel, Operation};
use domain::payment::{ClosePayment, CreatePayment, PaymentStatus, Source};
use domain::{Answer, Code, Request};
use engine::{EffectRecord, EffectReport};

#[test]
fn a_paid_order_is_booked_with_its_fee_and_the_books_balance() {
    let (mut book, merchant, payment) = Book::with_order();
    assert_eq!(book.payment(&payment).status, PaymentStatus::Created);
    book.register(&payment);
    let awaiting = book.payment(&payment);
    assert_eq!(awaiting.status, PaymentStatus::AwaitingPayer);
    assert!(awaiting.code_url.is_some());
    book.pay(&payment, 10_000);
    let paid = book.payment(&payment);
    assert_eq!(paid.status, PaymentStatus::Succeeded);
    assert_eq!(paid.fee, fen(60));
    assert_eq!(paid.paid.unwrap().source, Source::Notification);
    let chart = book.chart();
    assert_eq!(book.payable(&merchant), 9_940);
    assert_eq!(book.balance(chart.wechat.receivable), 10_000);
    assert_eq!(book.balance(chart.fee_income), 60);
    assert_eq!(book.trial_balance(), 0);
    assert!(
        book.open_effects().is_empty(),
        "nothing is left to be asked"
    );
}

#[test]
fn the_same_order_again_is_answered_and_another_content_is_refused_by_field() {
    let (mut book, merchant, first) = Book::with_order();
    let same = order(&merchant, "o1", 10_000);
    let (payment, repeated) = book.create_payment(same).unwrap();
    assert_eq!((payment.id, repeated), (first, true));
    let other = order(&merchant, "o1", 10_001);
    let other = book.create_payment(other).unwrap_err();
    assert_refused(&other, Code::AlreadyExists, "amount");
    assert_eq!(
        book.list::<EffectRecord>("due", "", "~").len(),
        1,
        "the order is registered once"
    );
}

#[test]
fn two_merchants_may_use_the_same_order_number() {
    let mut book = Book::new();
    let (one, two) = (book.open_merchant("m1"), book.open_merchant("m2"));
    assert_ne!(book.order(&one, "o1", 100), book.order(&two, "o1", 100));
}

#[test]
fn an_expiry_with_parts_of_a_millisecond_is_the_same_when_it_is_sent_again() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    let expires_at = Some("2026-03-02T11:00:00.123456789+08:00".parse().unwrap());
    let command = CreatePayment {
        expires_at,
        ..order(&merchant, "o1", 100)
    };
    for expected in [false, true] {
        let (_, repeated) = book.create_payment(command.clone()).unwrap();
        assert_eq!(repeated, expected);
    }
}

#[test]
fn refused_content_names_its_field() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    let mut refuse = |change: fn(&mut CreatePayment), field: &str| {
        let mut command = order(&merchant, "o1", 100);
        change(&mut command);
        let rejection = book.create_payment(command).unwrap_err();
        assert_eq!(rejection.field.as_deref(), Some(field), "{rejection:?}");
    };
    refuse(|c| c.amount = fen(0), "amount");
    refuse(|c| c.amount = fen(-5), "amount");
    refuse(
        |c| c.amount = money::Money::new(5, money::Currency::USD),
        "amount",
    );
    refuse(|c| c.order_number = "a/b".into(), "order_number");
    refuse(|c| c.description = "line\nbreak".into(), "description");
    refuse(|c| c.channel = Channel::Unionpay, "channel");
    refuse(
        |c| c.expires_at = Some("2020-01-01T00:00:00Z".parse().unwrap()),
        "expires_at",
    );
    assert!(book.list::<EffectRecord>("due", "", "~").is_empty());
}

#[test]
fn a_merchant_sees_only_its_own() {
    let mut book = Book::new();
    let (one, two) = (book.open_merchant("m1"), book.open_merchant("m2"));
    let payment = book.order(&one, "o1", 100);
    let as_other = ClosePayment {
        merchant: one.clone(),
        payment: payment.clone(),
    };
    let rejection = book
        .ask(&as_merchant(&two), Request::ClosePayment(as_other))
        .unwrap_err();
    assert_eq!(rejection.code, Code::NotFound);
    let rejection = book.close_order(&two, &payment).unwrap_err();
    assert_eq!(rejection.code, Code::NotFound);
    let order = order(&one, "o2", 100);
    assert_eq!(
        book.ask(&ledger_client(), Request::CreatePayment(order))
            .unwrap_err()
            .code,
        Code::Forbidden
    );
}

#[test]
fn an_unknown_registration_stays_unknown_until_the_channel_speaks() {
    let (mut book, _, payment) = Book::with_order();
    book.unknown(&payment);
    assert_eq!(book.payment(&payment).status, PaymentStatus::Unknown);
    assert!(
        matches!(book.effect_about(&payment).1, Operation::CreateOrder { .. }),
        "registered again, same number"
    );
    book.register(&payment);
    assert_eq!(book.payment(&payment).status, PaymentStatus::AwaitingPayer);
}

#[test]
fn a_refused_registration_fails_only_after_the_channel_says_it_has_no_order() {
    let (mut book, _, payment) = Book::with_order();
    book.answer_with(&payment, Answer::Refused(refusal()));
    assert_eq!(book.payment(&payment).status, PaymentStatus::Unknown);
    assert!(matches!(
        book.effect_about(&payment).1,
        Operation::QueryOrder { .. }
    ));
    book.answer_with(&payment, Answer::Absent);
    let failed = book.payment(&payment);
    assert_eq!(failed.status, PaymentStatus::Failed);
    assert_eq!(failed.refusal.unwrap().code, "61");
}

#[test]
fn an_answer_after_the_end_changes_nothing() {
    let (mut book, _, payment) = Book::with_order();
    let (effect, _) = book.effect_about(&payment);
    book.pay(&payment, 10_000);
    let answer = Answer::Channel(channels::answer::Answer::OrderCreated {
        code_url: "late".into(),
    });
    book.report(&effect.id, EffectReport::Answered { answer });
    assert_eq!(book.payment(&payment).code_url, None);
    assert_eq!(book.payment(&payment).status, PaymentStatus::Succeeded);
}

#[test]
fn success_learned_three_times_is_booked_once() {
    let (mut book, merchant, payment) = Book::with_registered_order();
    book.pay(&payment, 10_000);
    book.pay(&payment, 10_000);
    let paid_at = book.now();
    book.bill_payment(&payment, &format!("wx-{payment}"), 10_000, paid_at);
    assert_eq!(book.payable(&merchant), 9_940);
    assert!(book.cases().is_empty());
}

#[test]
fn a_lost_notification_is_found_by_the_timer() {
    let (mut book, _, payment) = Book::with_registered_order();
    book.pass(40);
    book.fire_timers();
    let (_, operation) = book.effect_about(&payment);
    assert!(
        matches!(operation, Operation::QueryOrder { .. }),
        "{operation:?}"
    );
    let paid = order_paid(&payment, "wx-1", 10_000, book.now());
    book.answer(&payment, paid);
    assert_eq!(book.payment(&payment).status, PaymentStatus::Succeeded);
    assert_eq!(book.payment(&payment).paid.unwrap().source, Source::Answer);
}

#[test]
fn a_question_that_is_never_answered_is_asked_again_by_the_timer_and_needs_nobody() {
    let (mut book, _, payment) = Book::with_registered_order();
    book.pass(40);
    book.fire_timers();
    for _ in 0..3 {
        book.unknown(&payment);
    }
    assert!(book.open_effects().is_empty());
    assert!(book.list::<EffectRecord>("stranded", "", "~").is_empty());
    book.pass(40);
    book.fire_timers();
    assert!(matches!(
        book.effect_about(&payment).1,
        Operation::QueryOrder { .. }
    ));
}
