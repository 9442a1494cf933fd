//! Merchants are told what happened.

use crate::support::*;
use channels::answer::OrderState;
use channels::operation::Channel;
use domain::case::CaseKind;
use domain::webhook::{Delivery, DeliveryStatus, EventType, ResendWebhook, WebhookEndpoint};
use domain::{Answer, Code, Effect, Request};
use engine::{EffectRecord, EffectReport};
use jiff::SignedDuration;

fn with_endpoint() -> (Book, String) {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    book.set_webhook(&merchant, "https://shop.example/hooks")
        .unwrap();
    (book, merchant)
}

fn delivery_effects(book: &Book) -> Vec<EffectRecord> {
    let is_delivery = |effect: &EffectRecord| {
        matches!(
            serde_json::from_value(effect.body.clone()),
            Ok(Effect::Webhook { .. })
        )
    };
    book.open_effects()
        .into_iter()
        .filter(is_delivery)
        .collect()
}

#[test]
fn each_event_is_told_with_the_state_it_was_about() {
    let (mut book, merchant) = with_endpoint();
    let payment = book.paid(&merchant, "o1", 10_000);
    let refund = book.refund_request(&payment, "r1", 1_000).unwrap();
    let done = refund_done(&refund, 1_000, book.now());
    book.notify(Channel::Wechat, done);
    let closed = book.order(&merchant, "o2", 100);
    book.notify(Channel::Wechat, order_is(&closed, OrderState::Closed));
    book.turn_day();
    let payout = book
        .all::<domain::payout::Payout>()
        .first()
        .unwrap()
        .id
        .clone();
    let amount = book.payout(&payout).amount.amount();
    book.notify(Channel::Unionpay, payout_done(&payout, amount));
    let mut deliveries: Vec<Delivery> = book.all();
    deliveries.sort_by(|left, right| left.id.cmp(&right.id));
    let events: Vec<EventType> = deliveries
        .iter()
        .map(|delivery| delivery.event_type)
        .collect();
    let expected = [
        EventType::PaymentSucceeded,
        EventType::RefundSucceeded,
        EventType::PaymentClosed,
        EventType::SettlementCompleted,
        EventType::PayoutSucceeded,
    ];
    assert_eq!(events, expected);
    let first: serde_json::Value =
        serde_json::from_str(&deliveries.first().unwrap().payload).unwrap();
    assert_eq!(first["type"], "payment.succeeded");
    assert_eq!(first["data"]["status"], "succeeded");
    assert_eq!(first["data"]["id"], payment.as_str());
    assert_eq!(
        first["data"]["refunded"]["amount"], 0,
        "as it was at the event, not as it is now"
    );
}

#[test]
fn a_delivery_is_tried_fifteen_times_within_a_day_and_then_waits_for_a_request() {
    let (mut book, merchant) = with_endpoint();
    book.paid(&merchant, "o1", 10_000);
    let mut waited = SignedDuration::ZERO;
    for attempt in 0..15 {
        let effect = delivery_effects(&book).first().unwrap().clone();
        if attempt > 0 {
            waited += effect.next_at.duration_since(book.now());
        }
        let effect = effect.id;
        book.report(
            &effect,
            EffectReport::Unknown {
                reason: "HTTP 500".into(),
            },
        );
    }
    assert!(delivery_effects(&book).is_empty());
    let day = SignedDuration::from_hours(17)..SignedDuration::from_hours(24);
    assert!(day.contains(&waited), "{waited:?}");
    let delivery = book.all::<Delivery>().first().unwrap().clone();
    assert_eq!(
        (delivery.status, delivery.attempts),
        (DeliveryStatus::Failed, 15)
    );
    assert_eq!(delivery.last_problem.as_deref(), Some("HTTP 500"));
    let resend = ResendWebhook {
        merchant: merchant.clone(),
        event: delivery.id.clone(),
    };
    book.ask(&as_merchant(&merchant), Request::ResendWebhook(resend))
        .unwrap();
    let effect = delivery_effects(&book).first().unwrap().clone();
    let Ok(Effect::Webhook { event, payload, .. }) = serde_json::from_value(effect.body) else {
        panic!()
    };
    assert_eq!(
        (event, payload),
        (delivery.id.clone(), delivery.payload.clone()),
        "same id, same bytes"
    );
    book.report(
        &effect.id,
        EffectReport::Answered {
            answer: Answer::Delivered { status: 204 },
        },
    );
    let delivery: Delivery = book.record(&delivery.id).unwrap();
    assert_eq!(
        (delivery.status, delivery.http_status),
        (DeliveryStatus::Delivered, Some(204))
    );
}

/// The oldest event fails once more; given up, it is sent again on request.
fn fail_resending(book: &mut Book, merchant: &str) {
    if delivery_effects(book).is_empty() {
        let mut kept: Vec<Delivery> = book.all();
        kept.retain(|delivery| delivery.status == DeliveryStatus::Failed);
        let resend = ResendWebhook {
            merchant: merchant.into(),
            event: kept.first().unwrap().id.clone(),
        };
        book.ask(&as_merchant(merchant), Request::ResendWebhook(resend))
            .unwrap();
    }
    let effect = delivery_effects(book).first().unwrap().id.clone();
    let reason = "HTTP 500".into();
    book.report(&effect, EffectReport::Unknown { reason });
}

/// Nothing says how it was in between: nobody asked it.
#[test]
fn two_bad_moments_days_apart_switch_no_endpoint_off() {
    let (mut book, merchant) = with_endpoint();
    let endpoint = |book: &Book| book.record::<WebhookEndpoint>(&merchant).unwrap();
    book.paid(&merchant, "o1", 10_000);
    fail_resending(&mut book, &merchant);
    let first = endpoint(&book).failing_since.unwrap();
    book.pass(6 * 86_400);
    fail_resending(&mut book, &merchant);
    let again = endpoint(&book);
    assert!(again.enabled);
    assert!(again.failing_since.unwrap() > first);
    assert_eq!(book.case_kinds(), []);
}

/// A vault that cannot be read, a name that has no address: the endpoint was never asked.
#[test]
fn what_was_never_sent_is_given_up_and_says_nothing_of_the_endpoint() {
    let (mut book, merchant) = with_endpoint();
    book.paid(&merchant, "o1", 10_000);
    let effect = delivery_effects(&book).first().unwrap().id.clone();
    for _ in 0..15 {
        let reason = "the vault cannot be read".into();
        book.report(&effect, EffectReport::NotSent { reason });
    }
    let delivery = book.all::<Delivery>().remove(0);
    assert_eq!(delivery.status, DeliveryStatus::Failed);
    let endpoint: WebhookEndpoint = book.record(&merchant).unwrap();
    assert_eq!((endpoint.failing_since, endpoint.failed_at), (None, None));
}

#[test]
fn an_endpoint_that_fails_for_days_is_switched_off_and_its_events_are_kept() {
    let (mut book, merchant) = with_endpoint();
    let endpoint = |book: &Book| book.record::<WebhookEndpoint>(&merchant).unwrap();
    let fail = |book: &mut Book| {
        let effect = delivery_effects(book).first().unwrap().id.clone();
        let reason = "HTTP 500".into();
        book.report(&effect, EffectReport::Unknown { reason });
    };
    book.paid(&merchant, "o1", 10_000);
    fail(&mut book);
    let since = endpoint(&book).failing_since.unwrap();
    // One delivery that arrives ends it.
    let effect = delivery_effects(&book).first().unwrap().id.clone();
    let answer = Answer::Delivered { status: 200 };
    book.report(&effect, EffectReport::Answered { answer });
    assert_eq!(endpoint(&book).failing_since, None);
    book.paid(&merchant, "o2", 10_000);
    book.pass(60);
    fail(&mut book);
    assert!(endpoint(&book).failing_since.unwrap() > since);
    // Tried every six hours; the last time a minute before the five days are over.
    for _ in 0..19 {
        book.pass(6 * 3_600);
        fail_resending(&mut book, &merchant);
    }
    book.pass(6 * 3_600 - 60);
    fail_resending(&mut book, &merchant);
    assert!(endpoint(&book).enabled, "not yet five days");
    book.pass(60);
    fail_resending(&mut book, &merchant);
    let off = endpoint(&book);
    assert!(!off.enabled && off.disabled_at.is_some());
    assert_eq!(book.case_kinds(), [CaseKind::WebhookFailing]);
    // What happens meanwhile is kept for later, unsent.
    let before = delivery_effects(&book).len();
    book.paid(&merchant, "o3", 10_000);
    assert_eq!(delivery_effects(&book).len(), before);
    let kept = |delivery: &Delivery| delivery.status == DeliveryStatus::Failed;
    let kept: Vec<Delivery> = book.all::<Delivery>().into_iter().filter(kept).collect();
    let kept = kept.iter().find(|delivery| delivery.attempts == 0).unwrap();
    assert!(kept.last_problem.is_some());
    // Set anew, it is delivered again.
    book.set_webhook(&merchant, "https://shop.example/new")
        .unwrap();
    let on = endpoint(&book);
    assert!(on.enabled && on.failing_since.is_none() && on.disabled_at.is_none());
    let resend = ResendWebhook {
        merchant: merchant.clone(),
        event: kept.id.clone(),
    };
    book.ask(&as_merchant(&merchant), Request::ResendWebhook(resend))
        .unwrap();
    assert_eq!(delivery_effects(&book).len(), before + 1);
}

#[test]
fn a_merchant_without_an_endpoint_is_not_told() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    book.paid(&merchant, "o1", 10_000);
    assert!(book.all::<Delivery>().is_empty());
}

#[test]
fn a_late_success_that_is_refunded_is_never_reported_as_paid() {
    let (mut book, merchant) = with_endpoint();
    let payment = book.order(&merchant, "o1", 10_000);
    book.notify(Channel::Wechat, order_is(&payment, OrderState::Closed));
    book.pay(&payment, 10_000);
    let events: Vec<EventType> = book
        .all::<Delivery>()
        .iter()
        .map(|delivery| delivery.event_type)
        .collect();
    assert_eq!(events, [EventType::PaymentClosed]);
}

#[test]
fn an_endpoint_must_be_a_url_and_another_merchants_event_does_not_exist() {
    let (mut book, merchant) = with_endpoint();
    for url in [
        "shop.example",
        "ftp://shop.example",
        "https://",
        "https://user:secret@shop.example/",
    ] {
        assert_eq!(
            book.set_webhook(&merchant, url)
                .unwrap_err()
                .field
                .as_deref(),
            Some("url")
        );
    }
    book.paid(&merchant, "o1", 100);
    let event = book.all::<Delivery>().first().unwrap().id.clone();
    let other = book.open_merchant("m2");
    let resend = ResendWebhook {
        merchant: other.clone(),
        event,
    };
    assert_eq!(
        book.ask(&as_merchant(&other), Request::ResendWebhook(resend))
            .unwrap_err()
            .code,
        Code::NotFound
    );
}
