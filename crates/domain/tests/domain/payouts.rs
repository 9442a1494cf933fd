//! Payouts: asked for of settled money, in transit until there is evidence, and every way they may end.

use crate::support::*;
use channels::operation::{Channel, Operation};
use domain::case::CaseKind;
use domain::payout::{PayoutStatus, ResolvedPayout};
use domain::{Answer, Code, reference_of};
use engine::{EffectRecord, EffectReport, EffectState};

#[test]
fn only_settled_money_can_be_paid_out() {
    let mut book = Book::new();
    let merchant = book.open_on_request("m1");
    book.paid(&merchant, "o1", 10_000);
    let early = book.payout_request(&merchant, "p1", 1).unwrap_err();
    assert_refused(&early, Code::InsufficientFunds, "amount");
    book.turn_day();
    assert_eq!(book.payable(&merchant), 9_940);
    book.paid(&merchant, "o2", 10_000);
    let more = book.payout_request(&merchant, "p1", 9_941).unwrap_err();
    assert_eq!(
        more.details.get("available").map(String::as_str),
        Some("9940")
    );
    let payout = book.payout_request(&merchant, "p1", 9_940).unwrap();
    assert_eq!(
        book.payout_request(&merchant, "p1", 9_940).unwrap(),
        payout,
        "the same again"
    );
    let other = book.payout_request(&merchant, "p1", 9_000).unwrap_err();
    assert_refused(&other, Code::AlreadyExists, "amount");
    assert_eq!(book.payouts_of(&merchant).len(), 1);
}

#[test]
fn a_payout_identifies_itself_with_the_same_fields_in_every_attempt() {
    let (book, _, payout) = Book::with_payout();
    let (effect, operation) = book.effect_about(&payout);
    let Operation::Payout {
        payout: number,
        submitted_at,
        payee,
        ..
    } = operation
    else {
        panic!()
    };
    assert_eq!(number, reference_of(&payout));
    assert_eq!(submitted_at.subsec_nanosecond(), 0);
    assert_eq!(
        payee, "vlt_1",
        "the account number itself is only in the vault"
    );
    let stored: EffectRecord = book.record(&effect.id).unwrap();
    assert!(!stored.body.to_string().contains("6222"), "not even masked");
}

#[test]
fn an_unknown_payout_keeps_its_money_in_transit_and_is_asked_after() {
    let (mut book, merchant, payout) = Book::with_payout();
    book.unknown(&payout);
    assert_eq!(book.payout(&payout).status, PayoutStatus::Unknown);
    assert_eq!(
        (book.payable(&merchant), book.payouts_in_transit(&merchant)),
        (5_940, 4_000)
    );
    let (effect, _) = book.effect_about(&payout);
    assert_eq!(effect.state, EffectState::MaybeSent, "queried, not sent");
    book.report(&effect.id, EffectReport::NotFound);
    book.report(
        &effect.id,
        EffectReport::NotSent {
            reason: "no connection".into(),
        },
    );
    assert_eq!(
        book.payouts_in_transit(&merchant),
        4_000,
        "neither is a failure"
    );
    book.report(&effect.id, EffectReport::Pending);
    assert_eq!(book.payout(&payout).status, PayoutStatus::Processing);
    book.answer(&payout, payout_done(&payout, 4_000));
    assert_eq!(book.payout(&payout).status, PayoutStatus::Succeeded);
    assert_eq!(book.payouts_in_transit(&merchant), 0);
}

#[test]
fn a_verified_failure_returns_the_money_and_it_can_be_paid_again_under_another_number() {
    let (mut book, merchant, payout) = Book::with_payout();
    book.unknown(&payout);
    book.answer(&payout, payout_failed(&payout));
    let failed = book.payout(&payout);
    assert_eq!(
        (failed.status, failed.refusal.unwrap().code.as_str()),
        (PayoutStatus::Failed, "61")
    );
    assert_eq!(
        (book.payable(&merchant), book.payouts_in_transit(&merchant)),
        (9_940, 0)
    );
    book.payout_request(&merchant, "p2", 9_940).unwrap();
}

#[test]
fn a_declined_payout_is_no_failure_until_the_channel_says_so() {
    let (mut book, merchant, payout) = Book::with_payout();
    book.answer_with(&payout, Answer::Refused(refusal()));
    assert_eq!(book.payout(&payout).status, PayoutStatus::Declined);
    assert_eq!(book.payouts_in_transit(&merchant), 4_000);
    assert!(matches!(
        book.effect_about(&payout).1,
        Operation::QueryPayout { .. }
    ));
    book.answer(&payout, payout_failed(&payout));
    assert_eq!(book.payouts_in_transit(&merchant), 0);
    assert_eq!(book.payable(&merchant), 9_940);
}

#[test]
fn a_declined_payout_that_the_channel_does_not_know_is_decided_by_two_people() {
    for (outcome, payable, reserve) in [
        (ResolvedPayout::NotPaid, 9_940, RECEIVED),
        (ResolvedPayout::Paid, 5_940, RECEIVED - 4_000),
    ] {
        let (mut book, merchant, payout) = Book::with_payout();
        book.answer_with(&payout, Answer::Refused(refusal()));
        book.answer_with(&payout, Answer::Absent);
        let (effect, _) = book.effect_about(&payout);
        assert!(
            effect.next_at.duration_since(book.now()).as_secs() > 1_700,
            "asked again after the arrival bound"
        );
        assert_eq!(book.payouts_in_transit(&merchant), 4_000);
        book.answer_with(&payout, Answer::Absent);
        assert_eq!(book.payout(&payout).status, PayoutStatus::Stranded);
        assert_eq!(book.case_kinds(), [CaseKind::PayoutDeclined]);
        book.resolve_payout(&payout, outcome).unwrap();
        let chart = book.chart();
        assert_eq!(
            (book.payable(&merchant), book.balance(chart.reserve)),
            (payable, reserve)
        );
        assert_eq!(book.payouts_in_transit(&merchant), 0);
        assert_eq!(book.trial_balance(), 0);
    }
}

#[test]
fn people_cannot_decide_a_payout_that_is_still_asked_after() {
    let (mut book, merchant, payout) = Book::with_payout();
    book.unknown(&payout);
    let refused = book
        .resolve_payout(&payout, ResolvedPayout::NotPaid)
        .unwrap_err();
    assert_eq!(refused.code, Code::StateConflict);
    assert_eq!(book.payouts_in_transit(&merchant), 4_000);
}

#[test]
fn success_after_failure_is_our_loss_with_a_case_once() {
    let (mut book, merchant, payout) = Book::with_payout();
    book.answer(&payout, payout_failed(&payout));
    book.notify(Channel::Unionpay, payout_done(&payout, 4_000));
    book.notify(Channel::Unionpay, payout_done(&payout, 4_000));
    let chart = book.chart();
    assert_eq!(book.balance(chart.differences), -4_000);
    assert_eq!(book.balance(chart.reserve), RECEIVED - 4_000);
    assert_eq!(book.payable(&merchant), 9_940);
    assert_eq!(book.case_kinds(), [CaseKind::Contradiction]);
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn failure_after_success_is_a_contradiction_and_a_bounce_is_booked_by_two_people() {
    let (mut book, merchant, payout) = Book::with_payout();
    book.answer(&payout, payout_done(&payout, 4_000));
    book.notify(Channel::Unionpay, payout_failed(&payout));
    assert_eq!(book.payout(&payout).status, PayoutStatus::Succeeded);
    assert_eq!(book.case_kinds(), [CaseKind::Contradiction]);
    book.return_payout(&payout).unwrap();
    assert_eq!(book.payout(&payout).status, PayoutStatus::Returned);
    let reserve = book.chart().reserve;
    assert_eq!(
        (book.payable(&merchant), book.balance(reserve)),
        (9_940, RECEIVED)
    );
    book.payout_request(&merchant, "p2", 9_940).unwrap();
}

#[test]
fn another_amount_is_booked_as_it_happened_with_the_difference() {
    for (actual, difference) in [(3_900, 100), (4_100, -100)] {
        let (mut book, merchant, payout) = Book::with_payout();
        book.answer(&payout, payout_done(&payout, actual));
        let chart = book.chart();
        assert_eq!(book.payouts_in_transit(&merchant), 0);
        assert_eq!(
            (book.balance(chart.differences), book.balance(chart.reserve)),
            (difference, RECEIVED - actual)
        );
        assert_eq!(book.case_kinds(), [CaseKind::Contradiction]);
        assert_eq!(book.trial_balance(), 0);
    }
}

#[test]
fn the_channels_word_after_two_peoples_books_only_what_differs() {
    for (actual, difference, cases) in [(4_000, 0, 1), (4_300, -300, 2), (3_800, 200, 2)] {
        let (mut book, _, payout) = Book::with_payout();
        book.say_paid(&payout);
        book.notify(Channel::Unionpay, payout_done(&payout, actual));
        book.notify(Channel::Unionpay, payout_done(&payout, actual));
        let chart = book.chart();
        assert_eq!(book.balance(chart.reserve), RECEIVED - actual);
        assert_eq!(book.balance(chart.differences), difference);
        assert_eq!(book.cases().len(), cases);
        assert!(book.payout(&payout).channel_number.is_some());
        assert_eq!(book.trial_balance(), 0);
    }
}

#[test]
fn a_payout_that_is_not_ours_goes_to_suspense_once() {
    let mut book = Book::new();
    for _ in 0..2 {
        book.bill_payout("pot_00UNKNOWN", "upq-9", 900);
    }
    let chart = book.chart();
    assert_eq!(
        (book.balance(chart.suspense), book.balance(chart.reserve)),
        (-900, -900)
    );
    assert_eq!(book.case_kinds(), [CaseKind::UnknownPayout]);
}
