//! A late success that goes back by itself, and does not get there: people decide, and until then the money is
//! nobody's to spend.

use crate::support::*;
use channels::answer::{OrderState, RefundState};
use channels::operation::Channel;
use domain::case::CaseKind;
use domain::payment::PaymentStatus;
use domain::refund::{Refund, RefundStatus, ResolvedRefund};
use domain::settlement::{Item, Settlement};
use domain::webhook::{Delivery, EventType};
use engine::EffectState;

/// A payment of 10,000 that came after its order had been closed, and the refund that the books made of it.
fn late() -> (Book, String, String, String) {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    book.set_webhook(&merchant, "https://shop.example/hooks")
        .unwrap();
    let payment = book.order(&merchant, "o1", 10_000);
    book.register(&payment);
    book.notify(Channel::Wechat, order_is(&payment, OrderState::Closed));
    book.pay(&payment, 10_000);
    let [refund]: [Refund; 1] = book.all().try_into().unwrap();
    (book, merchant, payment, refund.id)
}

fn told(book: &Book) -> Vec<EventType> {
    let told: Vec<Delivery> = book.all();
    told.into_iter().map(|one| one.event_type).collect()
}

#[test]
fn a_refund_of_a_late_success_that_the_channel_closes_waits_for_people_and_is_not_settled() {
    let (mut book, merchant, _, refund) = late();
    book.answer(&refund, refund_is(&refund, RefundState::Closed));
    let stranded = book.refund(&refund);
    assert_eq!(stranded.status, RefundStatus::Stranded);
    let effect: engine::EffectRecord = book.record(&stranded.effect).unwrap();
    assert_eq!(effect.state, EffectState::Done, "nobody sends it again");
    assert_eq!(
        (book.payable(&merchant), book.refunds_in_transit(&merchant)),
        (0, 10_000)
    );
    assert_eq!(book.case_kinds(), [CaseKind::RefundStranded]);
    assert_eq!(told(&book), [EventType::PaymentClosed]);
    // Told again, or told late what was true before, it stays with people.
    book.notify(Channel::Wechat, refund_is(&refund, RefundState::Closed));
    book.notify(Channel::Wechat, refund_is(&refund, RefundState::Processing));
    assert_eq!(book.refund(&refund).status, RefundStatus::Stranded);
    assert_eq!(book.cases().first().unwrap().further, []);
    book.turn_day();
    assert_eq!(
        (book.payable(&merchant), book.refunds_in_transit(&merchant)),
        (0, 10_000)
    );
    // The channel's final word ends it even now.
    let done = refund_done(&refund, 10_000, book.now());
    book.notify(Channel::Wechat, done);
    assert_eq!(book.refund(&refund).status, RefundStatus::Succeeded);
    assert_eq!(book.refunds_in_transit(&merchant), 0);
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn a_refund_of_a_late_success_that_was_declined_waits_for_people_too() {
    let (mut book, merchant, _, refund) = late();
    book.decline(&refund);
    assert_eq!(book.refund(&refund).status, RefundStatus::Stranded);
    assert_eq!(book.refunds_in_transit(&merchant), 10_000);
    assert_eq!(book.case_kinds(), [CaseKind::RefundStranded]);
}

#[test]
fn a_late_success_that_people_leave_to_the_merchant_is_a_payment_like_any_other() {
    for (state, kind) in [
        (RefundState::Closed, CaseKind::RefundStranded),
        (RefundState::Abnormal, CaseKind::RefundAbnormal),
    ] {
        let (mut book, merchant, payment, refund) = late();
        book.answer(&refund, refund_is(&refund, state));
        assert_eq!(book.case_kinds(), [kind]);
        book.resolve_refund(&refund, ResolvedRefund::NotPaid)
            .unwrap();
        assert_eq!(book.refund(&refund).status, RefundStatus::Closed);
        let kept = book.payment(&payment);
        assert_eq!(
            (kept.status, kept.late, kept.fee, kept.refunded),
            (PaymentStatus::Succeeded, true, fen(60), fen(0))
        );
        let income = book.chart().fee_income;
        assert_eq!((book.payable(&merchant), book.balance(income)), (9_940, 60));
        let events = told(&book);
        assert_eq!(events.len(), 3, "{events:?}");
        for event in [EventType::PaymentSucceeded, EventType::RefundFailed] {
            assert!(events.contains(&event), "{events:?}");
        }
        // It is settled with its fee, and refunded like others, fee and all.
        book.turn_day();
        let [settlement]: [Settlement; 1] = book.all().try_into().unwrap();
        assert_eq!(settlement.items.get(&Item::Fee), Some(&fen(-60)));
        assert_eq!((settlement.net, book.payable(&merchant)), (fen(9_940), 0));
        book.paid(&merchant, "o2", 20_000);
        book.refund_request(&payment, "r1", 10_000).unwrap();
        assert_eq!(book.payment(&payment).fee_returned, fen(60));
        assert_eq!(book.trial_balance(), 0);
    }
}

#[test]
fn a_late_success_that_is_paid_back_in_another_way_costs_the_merchant_nothing() {
    let (mut book, merchant, payment, refund) = late();
    book.answer(&refund, refund_is(&refund, RefundState::Closed));
    book.resolve_refund(&refund, ResolvedRefund::PaidOtherwise)
        .unwrap();
    let chart = book.chart();
    assert_eq!(
        (book.payable(&merchant), book.balance(chart.reserve)),
        (0, -10_000)
    );
    assert_eq!(book.payment(&payment).fee, fen(0));
    // The channel's close is why people did it, and no contradiction.
    book.notify(Channel::Wechat, refund_is(&refund, RefundState::Closed));
    assert_eq!(book.case_kinds(), [CaseKind::RefundStranded]);
    assert_eq!(book.trial_balance(), 0);
}
