//! Payments: every way an order may go, and every way the news of it may come.

use crate::support::*;
use channels::answer::OrderState;
use channels::operation::{Channel, Operation};
use domain::case::CaseKind;
use domain::merchant::LateSuccess;
use domain::payment::{
    ChannelTrade, ClosePayment, CloseReason, CreatePayment, PaymentStatus, QueryPayment, Source,
};
use domain::refund::{Refund, RefundOrigin, RefundStatus};
use domain::{Answer, Code, Effect, Request};
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
fn closing_twice_asks_the_channel_once() {
    let (mut book, merchant, payment) = Book::with_registered_order();
    book.close_order(&merchant, &payment).unwrap();
    book.close_order(&merchant, &payment).unwrap();
    assert_eq!(book.open_effects().len(), 1);
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
