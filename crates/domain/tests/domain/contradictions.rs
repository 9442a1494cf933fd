//! What the channel says a second time about money that is booked: the same says nothing new, anything else is a
//! case, and what was booked stays known.

use crate::support::*;
use channels::answer::{Answer as Statement, PayoutState, RefundState};
use channels::operation::Channel;
use domain::case::{Case, CaseKind};
use domain::payout::{Payout, PayoutStatus};
use domain::refund::{Refund, RefundStatus, ResolvedRefund};
use money::{Currency, Money};

/// A refund of 5,000 of a payment of 10,000.
fn refunding() -> (Book, String) {
    let (mut book, _, payment) = Book::with_payment();
    let refund = book.refund_request(&payment, "r1", 5_000).unwrap();
    (book, refund)
}

fn of_refund(book: &mut Book, refund: &str, amount: i64) {
    let statement = refund_done(refund, amount, book.now());
    book.notify(Channel::Wechat, statement);
}

fn of_payout(book: &mut Book, payout: &str, amount: i64) {
    book.notify(Channel::Unionpay, payout_done(payout, amount));
}

/// What the reasons of the one open contradiction name, the first finding first.
fn contradictions(book: &Book) -> Vec<String> {
    let cases: Vec<Case> = book.cases();
    let mut found = cases
        .iter()
        .filter(|case| case.kind == CaseKind::Contradiction);
    let Some(case) = found.next() else {
        return Vec::new();
    };
    assert_eq!(found.next(), None);
    let first = std::iter::once(case.reason.clone());
    first
        .chain(case.further.iter().map(|further| further.reason.clone()))
        .collect()
}

/// The one contradiction, which names both amounts.
#[track_caller]
fn assert_told(book: &Book, amounts: [&str; 2]) {
    let [told]: [String; 1] = contradictions(book).try_into().unwrap();
    assert!(amounts.iter().all(|amount| told.contains(amount)), "{told}");
}

#[test]
fn a_refund_says_what_was_booked_and_another_amount_under_its_number_is_a_contradiction() {
    let (mut book, refund) = refunding();
    of_refund(&mut book, &refund, 5_000);
    assert_eq!(book.refund(&refund).refunded_amount, Some(fen(5_000)));
    of_refund(&mut book, &refund, 5_000);
    assert_eq!(contradictions(&book), Vec::<String>::new());
    of_refund(&mut book, &refund, 4_000);
    assert_told(&book, ["40.00", "50.00"]);
    let kept = book.refund(&refund);
    assert_eq!(
        (kept.refunded_amount, kept.status),
        (Some(fen(5_000)), RefundStatus::Succeeded)
    );
    let receivable = book.chart().wechat.receivable;
    assert_eq!(book.balance(receivable), 5_000, "it changes nothing");
}

#[test]
fn a_refund_of_another_amount_than_was_asked_for_is_one_finding_however_often_it_is_told() {
    let (mut book, refund) = refunding();
    of_refund(&mut book, &refund, 4_900);
    of_refund(&mut book, &refund, 4_900);
    let kept = book.refund(&refund);
    assert_eq!(
        (kept.amount, kept.refunded_amount),
        (fen(5_000), Some(fen(4_900)))
    );
    assert_eq!(contradictions(&book).len(), 1);
}

#[test]
fn a_refund_made_after_its_close_keeps_number_time_and_amount_and_another_amount_is_told() {
    let (mut book, refund) = refunding();
    book.answer(&refund, refund_is(&refund, RefundState::Closed));
    of_refund(&mut book, &refund, 5_000);
    let kept = book.refund(&refund);
    assert_eq!(kept.status, RefundStatus::Closed);
    assert_eq!(kept.channel_number, Some(format!("wxr-{refund}")));
    assert_eq!(kept.refunded_amount, Some(fen(5_000)));
    assert_eq!(
        book.list::<Refund>("done", "wechat/", "wechat0").len(),
        1,
        "the bill's line finds it"
    );
    of_refund(&mut book, &refund, 5_000);
    assert_eq!(contradictions(&book).len(), 1);
    of_refund(&mut book, &refund, 4_000);
    assert_eq!(contradictions(&book).len(), 2);
    let differences = book.chart().differences;
    assert_eq!(book.balance(differences), -5_000);
}

#[test]
fn a_refund_made_beside_peoples_payment_keeps_its_amount_and_another_is_told() {
    let (mut book, refund) = refunding();
    book.answer(&refund, refund_is(&refund, RefundState::Abnormal));
    book.resolve_refund(&refund, ResolvedRefund::PaidOtherwise)
        .unwrap();
    of_refund(&mut book, &refund, 4_900);
    assert_eq!(book.refund(&refund).refunded_amount, Some(fen(4_900)));
    of_refund(&mut book, &refund, 4_900);
    assert_eq!(contradictions(&book).len(), 1);
    of_refund(&mut book, &refund, 5_000);
    assert_eq!(contradictions(&book).len(), 2);
    let suspense = book.chart().suspense;
    assert_eq!(book.balance(suspense), -4_900);
}

fn in_dollars(refund: &str, at: jiff::Timestamp) -> Statement {
    let state = RefundState::Succeeded {
        channel_number: format!("wxr-{refund}"),
        amount: Money::new(5_000, Currency::from_code("USD").unwrap()),
        refunded_at: at,
    };
    refund_is(refund, state)
}

#[test]
fn an_unbookable_refund_does_not_hide_a_bookable_one() {
    let closed = |book: &mut Book, refund: &str| {
        book.answer(refund, refund_is(refund, RefundState::Closed));
        refund.to_owned()
    };
    let otherwise = |book: &mut Book, refund: &str| {
        book.answer(refund, refund_is(refund, RefundState::Abnormal));
        book.resolve_refund(refund, ResolvedRefund::PaidOtherwise)
            .unwrap();
        refund.to_owned()
    };
    let foreign = |_: &mut Book, _: &str| "ref_00UNKNOWN".to_owned();
    type Prepare = fn(&mut Book, &str) -> String;
    for prepare in [closed as Prepare, otherwise, foreign] {
        let (mut book, refund) = refunding();
        let refund = prepare(&mut book, &refund);
        let receivable = book.chart().wechat.receivable;
        let dollars = in_dollars(&refund, book.now());
        book.notify(Channel::Wechat, dollars);
        assert_eq!(book.balance(receivable), 10_000);
        assert!(book.case_kinds().contains(&CaseKind::Unbookable));
        for _ in 0..2 {
            of_refund(&mut book, &refund, 5_000);
        }
        assert_eq!(book.balance(receivable), 5_000);
        assert_eq!(book.trial_balance(), 0);
    }
}

#[test]
fn a_refund_that_is_not_ours_and_changes_its_amount_is_a_contradiction() {
    let mut book = Book::new();
    of_refund(&mut book, "ref_00UNKNOWN", 700);
    of_refund(&mut book, "ref_00UNKNOWN", 700);
    assert_eq!(book.case_kinds(), [CaseKind::UnknownRefund]);
    of_refund(&mut book, "ref_00UNKNOWN", 800);
    assert_eq!(
        book.case_kinds(),
        [CaseKind::UnknownRefund, CaseKind::Contradiction]
    );
    let suspense = book.chart().suspense;
    assert_eq!(book.balance(suspense), -700);
    let case = book.cases().pop().unwrap();
    book.explain(&case.id).unwrap();
    book.close_case(&case.id).unwrap();
    of_refund(&mut book, "ref_00UNKNOWN", 800);
    assert_eq!(
        book.case_kinds(),
        [CaseKind::UnknownRefund],
        "people have decided on that"
    );
}

#[test]
fn a_payout_says_what_was_booked_and_another_amount_under_its_number_is_a_contradiction() {
    let (mut book, _, payout) = Book::with_payout();
    of_payout(&mut book, &payout, 4_000);
    of_payout(&mut book, &payout, 4_000);
    assert_eq!(book.payout(&payout).paid_amount, Some(fen(4_000)));
    assert_eq!(contradictions(&book), Vec::<String>::new());
    of_payout(&mut book, &payout, 3_000);
    assert_told(&book, ["30.00", "40.00"]);
    assert_eq!(book.payout(&payout).paid_amount, Some(fen(4_000)));
}

#[test]
fn a_payout_that_people_said_was_paid_knows_what_the_channel_paid() {
    let (mut book, _, payout) = Book::with_payout();
    book.say_paid(&payout);
    assert_eq!(book.payout(&payout).paid_amount, None);
    of_payout(&mut book, &payout, 4_000);
    assert_eq!(book.payout(&payout).paid_amount, Some(fen(4_000)));
    assert_eq!(contradictions(&book), Vec::<String>::new());
    of_payout(&mut book, &payout, 3_900);
    assert_eq!(contradictions(&book).len(), 1);
}

#[test]
fn a_payout_made_after_its_failure_keeps_number_date_and_amount_and_another_amount_is_told() {
    let (mut book, _, payout) = Book::with_payout();
    let failed = payout_failed(&payout);
    book.answer(&payout, failed);
    of_payout(&mut book, &payout, 4_000);
    let kept = book.payout(&payout);
    assert_eq!(kept.status, PayoutStatus::Failed);
    assert_eq!(kept.channel_number, Some(format!("upq-{payout}")));
    assert_eq!(kept.settle_date.as_deref(), Some("0303"));
    assert_eq!(kept.paid_amount, Some(fen(4_000)));
    assert_eq!(
        book.list::<Payout>("done", "unionpay/", "unionpay0").len(),
        1,
        "the bill's line finds it"
    );
    of_payout(&mut book, &payout, 4_000);
    assert_eq!(contradictions(&book).len(), 1);
    of_payout(&mut book, &payout, 3_000);
    assert_eq!(contradictions(&book).len(), 2);
    let differences = book.chart().differences;
    assert_eq!(book.balance(differences), -4_000);
}

#[test]
fn a_payout_that_is_not_ours_and_changes_its_amount_is_a_contradiction() {
    let mut book = Book::new();
    of_payout(&mut book, "pot_00UNKNOWN", 900);
    of_payout(&mut book, "pot_00UNKNOWN", 900);
    assert_eq!(book.case_kinds(), [CaseKind::UnknownPayout]);
    of_payout(&mut book, "pot_00UNKNOWN", 800);
    assert_eq!(
        book.case_kinds(),
        [CaseKind::UnknownPayout, CaseKind::Contradiction]
    );
    let suspense = book.chart().suspense;
    assert_eq!(book.balance(suspense), -900);
}

#[test]
fn a_failure_told_again_after_a_contrary_success_is_a_contradiction_too() {
    let (mut book, _, payout) = Book::with_payout();
    let failed = || payout_failed(&payout);
    book.answer(&payout, failed());
    book.notify(Channel::Unionpay, failed());
    assert_eq!(contradictions(&book), Vec::<String>::new());
    of_payout(&mut book, &payout, 4_000);
    assert_eq!(contradictions(&book).len(), 1);
    for _ in 0..2 {
        book.notify(Channel::Unionpay, failed());
        let told = contradictions(&book);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.last().unwrap().contains("failed"), "{told:?}");
    }
    let differences = book.chart().differences;
    assert_eq!(book.balance(differences), -4_000, "it changes nothing");

    let (mut book, refund) = refunding();
    let closed = || refund_is(&refund, RefundState::Closed);
    book.answer(&refund, closed());
    book.notify(Channel::Wechat, closed());
    assert_eq!(contradictions(&book), Vec::<String>::new());
    of_refund(&mut book, &refund, 5_000);
    assert_eq!(contradictions(&book).len(), 1);
    for _ in 0..2 {
        book.notify(Channel::Wechat, closed());
        let told = contradictions(&book);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.last().unwrap().contains("closed"), "{told:?}");
    }
    let differences = book.chart().differences;
    assert_eq!(book.balance(differences), -5_000, "it changes nothing");
}

#[test]
fn an_unbookable_word_about_a_payout_that_people_said_was_paid_does_not_hide_a_bookable_one() {
    let (mut book, _, payout) = Book::with_payout();
    book.say_paid(&payout);
    let in_dollars = PayoutState::Succeeded {
        channel_number: format!("upq-{payout}"),
        amount: Money::new(4_000, Currency::from_code("USD").unwrap()),
        settle_date: None,
    };
    for _ in 0..2 {
        book.notify(Channel::Unionpay, payout_is(&payout, in_dollars.clone()));
    }
    let kept = book.payout(&payout);
    assert_eq!((kept.channel_number, kept.paid_amount), (None, None));
    assert_eq!(book.case_kinds().last(), Some(&CaseKind::Unbookable));
    assert_eq!(contradictions(&book), Vec::<String>::new());
    of_payout(&mut book, &payout, 3_900);
    assert_eq!(contradictions(&book).len(), 1);
    let differences = book.chart().differences;
    assert_eq!(book.balance(differences), 100);
    assert_eq!(book.payout(&payout).paid_amount, Some(fen(3_900)));
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn a_refund_of_an_unbookable_amount_waits_for_people_or_for_a_better_word() {
    for notified in [true, false] {
        for by_people in [true, false] {
            let (mut book, refund) = refunding();
            let dollars = in_dollars(&refund, book.now());
            if notified {
                book.notify(Channel::Wechat, dollars);
            } else {
                book.answer(&refund, dollars);
            }
            assert_eq!(book.refund(&refund).status, RefundStatus::Stranded);
            assert_eq!(book.case_kinds(), [CaseKind::Unbookable]);
            if notified {
                // Its request is asked after still; that takes nothing from the people who decide.
                let effect = book.refund(&refund).effect;
                book.report(&effect, engine::EffectReport::Pending);
                assert_eq!(book.refund(&refund).status, RefundStatus::Stranded);
            }
            let merchant = book.refund(&refund).merchant;
            assert_eq!(book.refunds_in_transit(&merchant), 5_000);
            if by_people {
                book.resolve_refund(&refund, ResolvedRefund::NotPaid)
                    .unwrap();
                assert_eq!(book.refund(&refund).status, RefundStatus::Closed);
            } else {
                of_refund(&mut book, &refund, 5_000);
                assert_eq!(book.refund(&refund).status, RefundStatus::Succeeded);
            }
            assert_eq!(book.refunds_in_transit(&merchant), 0);
            assert_eq!(book.trial_balance(), 0);
        }
    }
}

/// Says 3,700, which people decide on, then 3,900, and 3,700 again.
fn assert_decided_once(book: &mut Book, say: impl Fn(&mut Book, i64)) {
    say(book, 3_700);
    let [decided] = book.cases().try_into().unwrap();
    book.explain(&decided.id).unwrap();
    book.close_case(&decided.id).unwrap();
    say(book, 3_900);
    let [open] = book.cases().try_into().unwrap();
    say(book, 3_700);
    assert_eq!(book.cases(), [open]);
}

/// Decided words stay decided while a case about other words is open.
#[test]
fn words_that_people_have_decided_on_say_nothing_new_beside_others() {
    let (mut book, refund) = refunding();
    of_refund(&mut book, &refund, 5_000);
    assert_decided_once(&mut book, |book, amount| of_refund(book, &refund, amount));
    let (mut book, _, payout) = Book::with_payout();
    of_payout(&mut book, &payout, ASKED);
    assert_decided_once(&mut book, |book, amount| of_payout(book, &payout, amount));
}
