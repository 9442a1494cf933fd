//! Refunds: what is gathered for them, and every way they may end.

use crate::support::splits::plan;
use crate::support::*;
use channels::answer::RefundState;
use channels::operation::{Channel, Operation};
use domain::case::CaseKind;
use domain::refund::{RefundStatus, ResolvedRefund};
use domain::split::Share;
use domain::{Answer, BillLine, Code, Fact, reference_of};
use engine::{EffectReport, EffectState};

#[test]
fn a_refund_is_set_aside_with_its_share_of_the_fee_and_paid_on_evidence() {
    let (mut book, merchant, payment) = Book::with_payment();
    let refund = book.refund_request(&payment, "r1", 5_000).unwrap();
    assert_eq!(book.refund(&refund).fee_returned, fen(30));
    assert_eq!(
        (book.payable(&merchant), book.refunds_in_transit(&merchant)),
        (4_970, 5_000)
    );
    let done = refund_done(&refund, 5_000, book.now());
    book.answer(&refund, done.clone());
    book.notify(Channel::Wechat, done);
    let chart = book.chart();
    assert_eq!(book.refund(&refund).status, RefundStatus::Succeeded);
    assert_eq!(book.refunds_in_transit(&merchant), 0);
    assert_eq!(book.balance(chart.wechat.receivable), 5_000);
    assert_eq!(book.balance(chart.fee_income), 30);
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn partial_refunds_return_exactly_the_fee_and_never_more_than_was_paid() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    // 0.6 % of 9.99 yuan is 5.994 fen: 6.
    let payment = book.paid(&merchant, "o1", 999);
    assert_eq!(book.payment(&payment).fee, fen(6));
    for number in 0..9 {
        book.refund_request(&payment, &format!("r{number}"), 111)
            .unwrap();
    }
    assert_eq!(book.payment(&payment).fee_returned, fen(6));
    assert_eq!(book.payment(&payment).refunded, fen(999));
    let fee_income = book.chart().fee_income;
    assert_eq!((book.balance(fee_income), book.payable(&merchant)), (0, 0));
    let more = book.refund_request(&payment, "r10", 1).unwrap_err();
    assert_refused(&more, Code::LimitExceeded, "amount");
}

#[test]
fn the_same_refund_again_is_answered_and_another_content_is_refused_by_field() {
    let (mut book, merchant, payment) = Book::with_payment();
    let first = book.refund_request(&payment, "r1", 100).unwrap();
    assert_eq!(book.refund_request(&payment, "r1", 100).unwrap(), first);
    let other = book.refund_request(&payment, "r1", 101).unwrap_err();
    assert_refused(&other, Code::AlreadyExists, "amount");
    assert_eq!(book.refunds_in_transit(&merchant), 100);
}

#[test]
fn a_merchant_without_money_cannot_refund() {
    let mut book = Book::new();
    let mut terms = merchant_terms("m1");
    terms.refund_returns_fee = false;
    let merchant = book.open_merchant_with(terms);
    let payment = book.paid(&merchant, "o1", 10_000);
    let refused = book.refund_request(&payment, "r1", 10_000).unwrap_err();
    assert_eq!(refused.code, Code::InsufficientFunds);
    assert_eq!(
        refused.details.get("available").map(String::as_str),
        Some("9940")
    );
    assert_eq!(book.payment(&payment).refunded, fen(0));
    assert_eq!(book.payable(&merchant), 9_940);
}

#[test]
fn a_closed_refund_brings_everything_back() {
    let (mut book, merchant, payment) = Book::with_payment();
    let refund = book.refund_request(&payment, "r1", 10_000).unwrap();
    book.answer(&refund, refund_is(&refund, RefundState::Closed));
    assert_eq!(book.refund(&refund).status, RefundStatus::Closed);
    assert_eq!(
        (book.payable(&merchant), book.refunds_in_transit(&merchant)),
        (9_940, 0)
    );
    let payment_now = book.payment(&payment);
    assert_eq!(
        (payment_now.refunded, payment_now.fee_returned),
        (fen(0), fen(0))
    );
    let fee_income = book.chart().fee_income;
    assert_eq!(book.balance(fee_income), 60);
    book.refund_request(&payment, "r2", 10_000).unwrap();
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn an_unknown_refund_stays_set_aside_and_is_sent_again_under_its_number() {
    let (mut book, merchant, payment) = Book::with_payment();
    let refund = book.refund_request(&payment, "r1", 5_000).unwrap();
    let (_, before) = book.effect_about(&refund);
    book.unknown(&refund);
    assert_eq!(book.refund(&refund).status, RefundStatus::Unknown);
    assert_eq!(book.refunds_in_transit(&merchant), 5_000);
    let (effect, after) = book.effect_about(&refund);
    assert_eq!(before, after, "every identifying field is the same");
    book.report(&effect.id, EffectReport::Pending);
    assert_eq!(book.refund(&refund).status, RefundStatus::Processing);
}

#[test]
fn a_refusal_is_no_proof_the_channel_is_asked() {
    let (mut book, merchant, payment) = Book::with_payment();
    let refund = book.refund_request(&payment, "r1", 5_000).unwrap();
    book.answer_with(&refund, Answer::Refused(refusal()));
    assert_eq!(book.refund(&refund).status, RefundStatus::Declined);
    assert_eq!(
        book.refunds_in_transit(&merchant),
        5_000,
        "nothing is given back on a refusal alone"
    );
    assert!(matches!(
        book.effect_about(&refund).1,
        Operation::QueryRefund { .. }
    ));
    book.answer_with(&refund, Answer::Absent);
    assert_eq!(
        book.refunds_in_transit(&merchant),
        5_000,
        "an earlier attempt may still be on its way"
    );
    let (effect, _) = book.effect_about(&refund);
    assert!(effect.next_at.duration_since(book.now()).as_secs() > 1_700);
    book.answer_with(&refund, Answer::Absent);
    assert_eq!(book.refund(&refund).status, RefundStatus::Closed);
    assert_eq!(book.payable(&merchant), 9_940);
}

#[test]
fn a_refusal_of_a_repeat_whose_first_attempt_arrived_ends_in_success() {
    let (mut book, merchant, payment) = Book::with_payment();
    let refund = book.refund_request(&payment, "r1", 5_000).unwrap();
    book.unknown(&refund);
    book.answer_with(&refund, Answer::Refused(refusal()));
    let done = refund_done(&refund, 5_000, book.now());
    book.answer(&refund, done);
    assert_eq!(book.refund(&refund).status, RefundStatus::Succeeded);
    assert_eq!(book.refunds_in_transit(&merchant), 0);
    assert_eq!(book.payable(&merchant), 4_970);
}

#[test]
fn an_abnormal_refund_waits_for_two_people() {
    for (outcome, payable, reserve) in [
        (ResolvedRefund::NotPaid, 9_940, 0),
        (ResolvedRefund::PaidOtherwise, 4_970, -5_000),
    ] {
        let (mut book, merchant, payment) = Book::with_payment();
        let refund = book.refund_request(&payment, "r1", 5_000).unwrap();
        book.answer(&refund, refund_is(&refund, RefundState::Abnormal));
        assert_eq!(book.refund(&refund).status, RefundStatus::Abnormal);
        assert_eq!(book.refunds_in_transit(&merchant), 5_000);
        assert_eq!(book.case_kinds(), [CaseKind::RefundAbnormal]);
        book.resolve_refund(&refund, outcome).unwrap();
        let chart = book.chart();
        assert_eq!(
            (book.payable(&merchant), book.balance(chart.reserve)),
            (payable, reserve)
        );
        assert_eq!(book.refunds_in_transit(&merchant), 0);
        assert_eq!(book.trial_balance(), 0);
    }
}

#[test]
fn a_refund_on_its_way_is_not_decided_by_people() {
    let (mut book, _, payment) = Book::with_payment();
    let refund = book.refund_request(&payment, "r1", 5_000).unwrap();
    let refused = book
        .resolve_refund(&refund, ResolvedRefund::NotPaid)
        .unwrap_err();
    assert_eq!(refused.code, Code::StateConflict);
}

#[test]
fn success_after_a_close_is_booked_as_our_loss_with_a_case_once() {
    let (mut book, merchant, payment) = Book::with_payment();
    let refund = book.refund_request(&payment, "r1", 5_000).unwrap();
    book.answer(&refund, refund_is(&refund, RefundState::Closed));
    let done = refund_done(&refund, 5_000, book.now());
    book.notify(Channel::Wechat, done.clone());
    book.notify(Channel::Wechat, done);
    let chart = book.chart();
    assert_eq!(book.payable(&merchant), 9_940);
    assert_eq!(book.balance(chart.differences), -5_000);
    assert_eq!(book.balance(chart.wechat.receivable), 5_000);
    assert_eq!(book.case_kinds(), [CaseKind::Contradiction]);
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn closed_after_success_is_a_contradiction_and_changes_nothing() {
    let (mut book, merchant, payment) = Book::with_payment();
    let refund = book.refund_request(&payment, "r1", 5_000).unwrap();
    let done = refund_done(&refund, 5_000, book.now());
    book.answer(&refund, done);
    book.notify(Channel::Wechat, refund_is(&refund, RefundState::Closed));
    assert_eq!(book.refund(&refund).status, RefundStatus::Succeeded);
    assert_eq!(book.payable(&merchant), 4_970);
    assert_eq!(book.case_kinds(), [CaseKind::Contradiction]);
}

#[test]
fn another_amount_is_booked_as_it_happened_with_the_difference() {
    for (actual, difference) in [(4_900, 100), (5_200, -200)] {
        let (mut book, merchant, payment) = Book::with_payment();
        let refund = book.refund_request(&payment, "r1", 5_000).unwrap();
        let done = refund_done(&refund, actual, book.now());
        book.answer(&refund, done);
        let chart = book.chart();
        assert_eq!(book.refunds_in_transit(&merchant), 0);
        assert_eq!(book.balance(chart.differences), difference);
        assert_eq!(book.balance(chart.wechat.receivable), 10_000 - actual);
        assert_eq!(book.case_kinds(), [CaseKind::Contradiction]);
        assert_eq!(book.trial_balance(), 0);
    }
}

#[test]
fn a_refund_that_is_not_ours_goes_to_suspense_once() {
    let mut book = Book::new();
    let refunded_at = book.now();
    for _ in 0..2 {
        book.fact(Fact::BillLine {
            channel: Channel::Wechat,
            line: BillLine::Refund {
                refund: reference_of("ref_00UNKNOWN"),
                channel_number: "wxr-9".into(),
                amount: fen(700),
                refunded_at,
            },
        });
    }
    let chart = book.chart();
    assert_eq!(
        (
            book.balance(chart.suspense),
            book.balance(chart.wechat.receivable)
        ),
        (-700, -700)
    );
    assert_eq!(book.case_kinds(), [CaseKind::UnknownRefund]);
}

#[test]
fn evidence_ends_the_effect() {
    let (mut book, _, payment) = Book::with_payment();
    let refund = book.refund_request(&payment, "r1", 5_000).unwrap();
    let done = refund_done(&refund, 5_000, book.now());
    book.notify(Channel::Wechat, done);
    let effect: engine::EffectRecord = book.record(&book.refund(&refund).effect).unwrap();
    assert_eq!(effect.state, EffectState::Done, "nobody sends it again");
}

#[test]
fn a_refund_paid_otherwise_and_then_by_the_channel_too_stands_in_suspense_once() {
    let (mut book, merchant, payment) = Book::with_payment();
    let refund = book.refund_request(&payment, "r1", 5_000).unwrap();
    book.answer(&refund, refund_is(&refund, RefundState::Abnormal));
    book.resolve_refund(&refund, ResolvedRefund::PaidOtherwise)
        .unwrap();
    let done = refund_done(&refund, 5_000, book.now());
    book.notify(Channel::Wechat, done.clone());
    book.notify(Channel::Wechat, done);
    let chart = book.chart();
    assert_eq!(
        book.balance(chart.wechat.receivable),
        5_000,
        "the channel keeps back what it refunded, so the books say so too"
    );
    assert_eq!(book.balance(chart.suspense), -5_000);
    assert_eq!(book.balance(chart.reserve), -5_000);
    assert_eq!(book.payable(&merchant), 4_970);
    assert_eq!(
        book.case_kinds(),
        [CaseKind::RefundAbnormal, CaseKind::Contradiction]
    );
    let after = book.refund(&refund);
    assert_eq!(after.status, RefundStatus::Succeeded);
    assert!(after.refunded_at.is_some(), "the bill's line finds it");
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn the_fee_of_a_refund_that_closes_after_the_payout_is_taken_again_and_settled_rightly() {
    let (mut book, merchant, payment) = Book::with_payment();
    let refund = book.refund_request(&payment, "r1", 5_000).unwrap();
    let chart = book.chart();
    assert_eq!(book.balance(chart.fee_income), 30);
    // What is left is settled and paid out, the fee's share that came back with it.
    book.turn_day();
    assert_eq!(book.payable(&merchant), 0);
    book.answer(&refund, refund_is(&refund, RefundState::Closed));
    assert_eq!(
        (book.payable(&merchant), book.balance(chart.fee_income)),
        (4_970, 60)
    );
    assert_eq!(book.payment(&payment).fee_returned, fen(0));
    assert!(book.case_kinds().is_empty(), "the merchant covers it");
    book.turn_day();
    assert_eq!(
        book.payable(&merchant),
        0,
        "buckets and balance agree: what came back less the fee is settled"
    );
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn the_whole_fee_of_a_small_payment_is_taken_again_with_a_split_given_back() {
    let mut book = Book::new();
    let receiver = book.open_merchant("receiver");
    let mut terms = merchant_terms("m1");
    // A flat fee that eats half of the payment; the other half goes to the receiver.
    terms.fee_schedule = money::FeeSchedule::new(money::Rate::ZERO, 500, None, None).unwrap();
    let merchant = book.open_merchant_with(terms);
    let plan = plan(&[(&receiver, Share::Fixed(fen(500)))]);
    let payment = book.order_split(&merchant, "o1", 1_000, plan);
    book.register(&payment);
    book.pay(&payment, 1_000);
    let chart = book.chart();
    assert_eq!((book.payable(&merchant), book.payable(&receiver)), (0, 500));
    let refund = book.refund_request(&payment, "r1", 1_000).unwrap();
    assert_eq!(
        (book.payable(&receiver), book.balance(chart.fee_income)),
        (0, 0)
    );
    book.answer(&refund, refund_is(&refund, RefundState::Closed));
    assert_eq!((book.payable(&merchant), book.payable(&receiver)), (0, 500));
    assert_eq!(book.balance(chart.fee_income), 500);
    assert!(book.case_kinds().is_empty());
    assert_eq!(book.trial_balance(), 0);
}

/// It was under way; a repetition was refused, and then the channel does not know it. What is under way may still
/// be made: the merchant does not get its money again by itself.
#[test]
fn a_refund_that_was_under_way_and_then_is_refused_and_unknown_waits_for_people() {
    let (mut book, merchant, payment) = Book::with_payment();
    let refund = book.refund_request(&payment, "r1", 5_000).unwrap();
    let effect = book.refund(&refund).effect;
    let set_aside = (book.payable(&merchant), 5_000);
    book.report(&effect, EffectReport::Pending);
    let answer = Answer::Refused(refusal());
    book.report(&effect, EffectReport::Answered { answer });
    assert_eq!(book.refund(&refund).status, RefundStatus::Processing);
    book.answer_with(&refund, Answer::Absent);
    assert_eq!(book.refund(&refund).status, RefundStatus::Stranded);
    assert_eq!(book.case_kinds(), [CaseKind::RefundStranded]);
    let in_transit = book.refunds_in_transit(&merchant);
    assert_eq!((book.payable(&merchant), in_transit), set_aside);
    let done = refund_done(&refund, 5_000, book.now());
    book.notify(Channel::Wechat, done);
    assert_eq!(book.refund(&refund).status, RefundStatus::Succeeded);
    assert_eq!(book.trial_balance(), 0);
}
