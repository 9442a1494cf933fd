//! Payouts that do not come to their end by themselves: the case, the stop by two people, and what facts
//! cannot be booked.

use crate::support::*;
use channels::answer::PayoutState;
use channels::operation::Channel;
use domain::case::CaseKind;
use domain::payout::{Payout, PayoutStatus, ResolvedPayout};
use domain::{Answer, Code};
use engine::{AttemptMode, EffectRecord, EffectReport, EffectState};
use money::{Currency, Money};

const ARRIVAL_BOUND: i64 = 1_800;

/// A payout that is on its way, and its effect.
fn on_its_way() -> (Book, String, String, String) {
    let (book, merchant, payout) = Book::with_payout();
    let effect = book.payout(&payout).effect.unwrap();
    (book, merchant, payout, effect)
}

fn not_sent() -> EffectReport<Answer> {
    EffectReport::NotSent {
        reason: "no connection".into(),
    }
}

fn query(book: &mut Book, effect: &str, report: EffectReport<Answer>) {
    book.report_in(effect, AttemptMode::Query, report);
}

#[test]
fn a_channel_that_is_never_reached_gets_a_case_and_is_asked_on() {
    let (mut book, merchant, payout, effect) = on_its_way();
    for _ in 0..7 {
        book.report(&effect, not_sent());
        book.pass(1_800);
    }
    book.fire_timers();
    assert_eq!(book.case_kinds(), [], "three and a half hours");
    book.pass(1_800);
    book.fire_timers();
    assert_eq!(book.case_kinds(), [CaseKind::PayoutOverdue]);
    let case = book.cases().remove(0);
    assert_eq!(
        (case.owner.as_str(), case.amount),
        ("finance", Some(fen(4_000)))
    );
    assert_eq!(case.object, payout);
    assert_eq!(book.payouts_in_transit(&merchant), 4_000, "still held");
    let stored: EffectRecord = book.record(&effect).unwrap();
    assert_eq!(stored.state, EffectState::Ready, "goes on all the same");
    // The channel is there again.
    book.answer(&payout, payout_done(&payout, 4_000));
    assert_eq!(book.payout(&payout).status, PayoutStatus::Succeeded);
    assert_eq!(book.payouts_in_transit(&merchant), 0);
}

#[test]
fn a_payout_that_came_to_its_end_gets_no_case() {
    let (mut book, _, payout, _) = on_its_way();
    book.answer(&payout, payout_done(&payout, 4_000));
    book.pass(100_000);
    book.fire_timers();
    assert_eq!(book.case_kinds(), []);
}

#[test]
fn a_stopped_payout_ends_when_nothing_can_be_on_its_way() {
    let (mut book, merchant, payout, effect) = on_its_way();
    book.report(&effect, not_sent());
    book.cancel_payout(&payout).unwrap();
    assert_eq!(book.payout(&payout).status, PayoutStatus::Cancelling);
    // Too early: what left before may arrive yet.
    query(&mut book, &effect, EffectReport::NotFound);
    assert_eq!(book.payout(&payout).status, PayoutStatus::Cancelling);
    assert_eq!(book.payouts_in_transit(&merchant), 4_000);
    let stored: EffectRecord = book.record(&effect).unwrap();
    for fresh in [true, false] {
        assert_eq!(stored.mode(fresh), AttemptMode::Query, "never sent again");
    }
    book.pass(ARRIVAL_BOUND);
    query(&mut book, &effect, EffectReport::NotFound);
    let ended = book.payout(&payout);
    assert_eq!(ended.status, PayoutStatus::Failed);
    assert_eq!(
        ended.resolution.as_deref(),
        Some("UnionPay cannot be reached")
    );
    assert_eq!(
        (book.payable(&merchant), book.payouts_in_transit(&merchant)),
        (9_940, 0)
    );
    let stored: EffectRecord = book.record(&effect).unwrap();
    assert_eq!(stored.state, EffectState::Done);
}

#[test]
fn a_request_that_was_under_way_when_it_was_stopped_counts_from_its_report() {
    let (mut book, merchant, payout, effect) = on_its_way();
    book.cancel_payout(&payout).unwrap();
    book.pass(60);
    // It had begun before, and timed out after.
    book.unknown(&payout);
    book.pass(ARRIVAL_BOUND - 30);
    query(&mut book, &effect, EffectReport::NotFound);
    assert_eq!(book.payouts_in_transit(&merchant), 4_000);
    assert!(
        book.resolve_payout(&payout, ResolvedPayout::NotPaid)
            .is_err()
    );
    book.pass(60);
    query(&mut book, &effect, EffectReport::NotFound);
    assert_eq!(book.payouts_in_transit(&merchant), 0);
}

#[test]
fn a_stopped_payout_that_had_arrived_is_paid() {
    let (mut book, merchant, payout, effect) = on_its_way();
    book.unknown(&payout);
    book.cancel_payout(&payout).unwrap();
    query(&mut book, &effect, EffectReport::Pending);
    assert_eq!(book.payout(&payout).status, PayoutStatus::Processing);
    assert_eq!(
        book.cancel_payout(&payout).unwrap_err().code,
        Code::StateConflict
    );
    book.pass(ARRIVAL_BOUND * 2);
    query(&mut book, &effect, EffectReport::NotFound);
    assert_eq!(book.payouts_in_transit(&merchant), 4_000, "it had arrived");
    book.answer(&payout, payout_done(&payout, 4_000));
    assert_eq!(book.payout(&payout).status, PayoutStatus::Succeeded);
}

#[test]
fn people_decide_a_stopped_payout_of_a_silent_channel_after_the_arrival_bound() {
    for (outcome, payable) in [
        (ResolvedPayout::NotPaid, 9_940),
        (ResolvedPayout::Paid, 5_940),
    ] {
        let (mut book, merchant, payout, effect) = on_its_way();
        book.unknown(&payout);
        let refused = book.resolve_payout(&payout, outcome).unwrap_err();
        assert_eq!(refused.code, Code::StateConflict);
        book.cancel_payout(&payout).unwrap();
        let refused = book.resolve_payout(&payout, outcome).unwrap_err();
        assert_eq!(refused.code, Code::StateConflict);
        assert!(
            refused.message.contains("on its way"),
            "{}",
            refused.message
        );
        assert_eq!(book.payouts_in_transit(&merchant), 4_000);
        book.pass(ARRIVAL_BOUND);
        book.resolve_payout(&payout, outcome).unwrap();
        assert_eq!(
            (book.payable(&merchant), book.payouts_in_transit(&merchant)),
            (payable, 0)
        );
        let stored: EffectRecord = book.record(&effect).unwrap();
        assert_eq!(stored.state, EffectState::Done);
        assert_eq!(book.trial_balance(), 0);
    }
}

#[test]
fn a_payout_waits_for_the_reserve_and_is_sent_when_the_channel_pays_over() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    book.paid(&merchant, "o1", 10_000);
    book.turn_day();
    let payout = book.all::<Payout>().remove(0);
    assert_eq!(payout.status, PayoutStatus::WaitingForReserve);
    assert_eq!((payout.amount, &payout.effect), (fen(9_940), &None));
    assert_eq!(
        book.payouts_in_transit(&merchant),
        9_940,
        "no longer the merchant's to spend"
    );
    book.receive(9_939);
    assert_eq!(
        book.payout(&payout.id).status,
        PayoutStatus::WaitingForReserve
    );
    book.receive(1);
    let sent = book.payout(&payout.id);
    assert_eq!(sent.status, PayoutStatus::Created);
    book.answer(&payout.id, payout_done(&payout.id, 9_940));
    let reserve = book.chart().reserve;
    assert_eq!(
        (book.balance(reserve), book.payouts_in_transit(&merchant)),
        (0, 0)
    );
}

#[test]
fn payouts_wait_in_one_line_and_a_cancelled_one_lets_the_next_pass() {
    let (mut book, merchant, first, _) = on_its_way();
    // 6,000 of the reserve are left.
    book.paid(&merchant, "o2", 90_000);
    book.turn_day();
    let large = book.payout_request(&merchant, "p2", 80_000).unwrap();
    let small = book.payout_request(&merchant, "p3", 500).unwrap();
    let waiting = PayoutStatus::WaitingForReserve;
    assert_eq!(
        (book.payout(&large).status, book.payout(&small).status),
        (waiting, waiting)
    );
    // The first failing leaves its amount, which is not enough for the large one.
    book.answer(&first, payout_failed(&first));
    book.release_payouts();
    assert_eq!(
        book.payout(&small).status,
        waiting,
        "not passed by a smaller one"
    );
    book.pass(20_000);
    book.fire_timers();
    let kinds = book.case_kinds();
    assert_eq!(kinds, [CaseKind::PayoutOverdue, CaseKind::PayoutOverdue]);
    let payable = book.payable(&merchant);
    book.cancel_payout(&large).unwrap();
    assert_eq!(
        book.payout(&large).status,
        PayoutStatus::Failed,
        "at once: it was never sent"
    );
    assert_eq!(book.payable(&merchant), payable + 80_000);
    book.release_payouts();
    assert_eq!(book.payout(&small).status, PayoutStatus::Created);
}

#[test]
fn a_long_line_is_worked_off_in_steps_and_in_order() {
    let mut book = Book::new();
    let merchant = book.open_on_request("m1");
    book.paid(&merchant, "o1", 100_000);
    book.turn_day();
    let payouts: Vec<String> = (0..120)
        .map(|number| book.payout_request(&merchant, &format!("p{number}"), 10))
        .map(Result::unwrap)
        .collect();
    book.receive(1_105);
    let sent = |book: &Book, id: &String| book.payout(id).status == PayoutStatus::Created;
    let (passed, rest) = payouts.split_at(110);
    assert!(passed.iter().all(|id| sent(&book, id)));
    assert!(!rest.iter().any(|id| sent(&book, id)));
}

fn paid_in_dollars(payout: &str) -> channels::answer::Answer {
    let state = PayoutState::Succeeded {
        channel_number: "upq-usd".into(),
        amount: Money::new(4_000, Currency::from_code("USD").unwrap()),
        settle_date: None,
    };
    payout_is(payout, state)
}

#[test]
fn an_amount_that_cannot_be_booked_stops_the_payout_until_somebody_knows_better() {
    for notified in [true, false] {
        let (mut book, merchant, payout, effect) = on_its_way();
        if notified {
            book.notify(Channel::Unionpay, paid_in_dollars(&payout));
        } else {
            book.answer(&payout, paid_in_dollars(&payout));
        }
        assert_eq!(book.payout(&payout).status, PayoutStatus::Stranded);
        assert_eq!(book.case_kinds(), [CaseKind::Unbookable]);
        assert!(book.cases().remove(0).reason.contains("upq-usd"));
        assert_eq!(book.payouts_in_transit(&merchant), 4_000);
        let stored: EffectRecord = book.record(&effect).unwrap();
        assert_ne!(stored.mode(true), AttemptMode::Send);
        if notified {
            let early = book
                .resolve_payout(&payout, ResolvedPayout::NotPaid)
                .unwrap_err();
            assert_eq!(early.code, Code::StateConflict);
            book.pass(ARRIVAL_BOUND);
        }
        // The bill knows better.
        book.bill_payout(&payout, "upq-usd", 4_000);
        assert_eq!(book.payout(&payout).status, PayoutStatus::Succeeded);
        assert_eq!(book.payouts_in_transit(&merchant), 0);
    }
}

#[test]
fn an_unbookable_success_after_a_failure_does_not_hide_a_bookable_one() {
    let (mut book, _, payout, _) = on_its_way();
    let failed = payout_failed(&payout);
    book.answer(&payout, failed);
    book.notify(Channel::Unionpay, paid_in_dollars(&payout));
    assert!(!book.payout(&payout).contrary_booked);
    assert_eq!(book.case_kinds(), [CaseKind::Unbookable]);
    for _ in 0..2 {
        book.notify(Channel::Unionpay, payout_done(&payout, 4_000));
    }
    let chart = book.chart();
    assert_eq!(book.balance(chart.differences), -4_000);
    assert_eq!(
        book.case_kinds(),
        [CaseKind::Unbookable, CaseKind::Contradiction]
    );
}

#[test]
fn an_unbookable_payout_that_is_not_ours_does_not_hide_a_bookable_one() {
    let mut book = Book::new();
    book.notify(Channel::Unionpay, paid_in_dollars("pot_00UNKNOWN"));
    assert_eq!(book.case_kinds(), [CaseKind::Unbookable]);
    for _ in 0..2 {
        book.bill_payout("pot_00UNKNOWN", "upq-usd", 900);
    }
    let chart = book.chart();
    assert_eq!(book.balance(chart.suspense), -900);
    assert_eq!(
        book.case_kinds(),
        [CaseKind::Unbookable, CaseKind::UnknownPayout]
    );
}
