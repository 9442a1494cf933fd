//! Splits: exact to the fen, taken back for refunds, refused by field.

use crate::support::splits::{plan, ppm, three};
use crate::support::*;
use channels::answer::RefundState;
use domain::Code;
use domain::case::CaseKind;
use domain::merchant::MerchantStatus;
use domain::payment::{CreatePayment, PaymentStatus};
use domain::split::Share;
use money::{Money, Rate};

#[test]
fn a_planned_split_is_executed_at_success_to_the_fen() {
    let (mut book, main, one, two) = three();
    let plan = plan(&[(&one, ppm(333_333)), (&two, Share::Fixed(fen(100)))]);
    let payment = book.order_split(&main, "o1", 1_001, plan);
    book.pay(&payment, 1_001);
    let split = book.split_of(&payment);
    let amounts: Vec<i64> = split
        .parts
        .iter()
        .map(|part| part.amount.amount())
        .collect();
    // A third of 1,001 is 333.67: the fraction stays with the main merchant.
    assert_eq!(amounts, [333, 100]);
    let payable = [book.payable(&main), book.payable(&one), book.payable(&two)];
    assert_eq!(payable, [1_001 - 6 - 433, 333, 100]);
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn a_plan_is_refused_by_field() {
    let (mut book, main, one, two) = three();
    let usd = Money::new(5, money::Currency::USD);
    let refusals = [
        (plan(&[]), Code::InvalidField, "split_plan.receivers"),
        (
            plan(&[(&one, ppm(600_000)), (&two, ppm(500_000))]),
            Code::LimitExceeded,
            "split_plan.receivers",
        ),
        (
            plan(&[(&one, ppm(502_000))]),
            Code::LimitExceeded,
            "split_plan.receivers",
        ),
        (
            plan(&[(&one, Share::Fixed(fen(501)))]),
            Code::LimitExceeded,
            "split_plan.receivers",
        ),
        (
            plan(&[(&one, ppm(100_000)), (&one, ppm(100_000))]),
            Code::InvalidField,
            "split_plan.receivers[1].merchant",
        ),
        (
            plan(&[("mch_none", ppm(100_000))]),
            Code::NotFound,
            "split_plan.receivers[0].merchant",
        ),
        (
            plan(&[(&main, ppm(100_000))]),
            Code::InvalidField,
            "split_plan.receivers[0].merchant",
        ),
        (
            plan(&[(&one, Share::Fixed(fen(0)))]),
            Code::InvalidField,
            "split_plan.receivers[0].share",
        ),
        (
            plan(&[(&one, Share::Fixed(fen(-1)))]),
            Code::InvalidField,
            "split_plan.receivers[0].share",
        ),
        (
            plan(&[(&one, Share::Fixed(usd))]),
            Code::InvalidField,
            "split_plan.receivers[0].share",
        ),
    ];
    for (split_plan, code, field) in refusals {
        let command = CreatePayment {
            split_plan: Some(split_plan.clone()),
            ..order(&main, "o1", 1_000)
        };
        let rejection = book.create_payment(command).unwrap_err();
        assert_eq!(
            (rejection.code, rejection.field.as_deref()),
            (code, Some(field)),
            "{split_plan:?}"
        );
    }
}

#[test]
fn a_merchant_without_permission_cannot_split() {
    let mut book = Book::new();
    let mut terms = merchant_terms("m0");
    terms.split_share_max = Rate::ZERO;
    let main = book.open_merchant_with(terms);
    let one = book.open_merchant("m1");
    let payment = book.paid(&main, "o1", 1_000);
    let chosen = plan(&[(&one, Share::Fixed(fen(1)))]);
    let rejection = book.split_later(&payment, chosen).unwrap_err();
    assert_eq!(rejection.code, Code::LimitExceeded);
}

#[test]
fn a_payment_is_split_later_once_within_its_days() {
    let (mut book, main, one, two) = three();
    let payment = book.paid(&main, "o1", 1_000);
    let chosen = plan(&[(&one, ppm(100_000))]);
    book.split_later(&payment, chosen.clone()).unwrap();
    let repeated = book.split_later(&payment, chosen).unwrap();
    assert!(repeated);
    assert_eq!(book.payable(&one), 100);
    let other = plan(&[(&two, ppm(100_000))]);
    let other = book.split_later(&payment, other).unwrap_err();
    assert_eq!(other.code, Code::AlreadyExists);
    let late = book.paid(&main, "o2", 1_000);
    book.pass(31 * 86_400);
    let chosen = plan(&[(&one, ppm(100_000))]);
    let rejection = book.split_later(&late, chosen).unwrap_err();
    assert_refused(&rejection, Code::LimitExceeded, "payment");
}

#[test]
fn a_refund_takes_back_in_proportion_and_full_refunds_leave_nothing_behind() {
    let (mut book, main, one, two) = three();
    let chosen = plan(&[(&one, ppm(300_000)), (&two, ppm(100_000))]);
    let payment = book.order_split(&main, "o1", 10_000, chosen);
    book.pay(&payment, 10_000);
    book.refund_request(&payment, "r1", 5_000).unwrap();
    assert_eq!([book.payable(&one), book.payable(&two)], [1_500, 500]);
    book.refund_request(&payment, "r2", 5_000).unwrap();
    assert_eq!(
        [book.payable(&main), book.payable(&one), book.payable(&two)],
        [0, 0, 0]
    );
    let split = book.split_of(&payment);
    assert!(split.parts.iter().all(|part| part.amount == part.returned));
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn a_closed_refund_gives_the_receivers_their_parts_again() {
    let (mut book, main, one, two) = three();
    let chosen = plan(&[(&one, ppm(300_000)), (&two, ppm(100_000))]);
    let payment = book.order_split(&main, "o1", 10_000, chosen);
    book.pay(&payment, 10_000);
    let refund = book.refund_request(&payment, "r1", 3_333).unwrap();
    book.answer(&refund, refund_is(&refund, RefundState::Closed));
    assert_eq!(
        [book.payable(&main), book.payable(&one), book.payable(&two)],
        [5_940, 3_000, 1_000]
    );
    assert!(
        book.split_of(&payment)
            .parts
            .iter()
            .all(|part| part.returned.is_zero())
    );
}

#[test]
fn a_receiver_without_money_refuses_the_refund_by_name_and_nothing_moves() {
    let (mut book, main, one, two) = three();
    let chosen = plan(&[(&one, ppm(300_000)), (&two, ppm(100_000))]);
    let payment = book.order_split(&main, "o1", 10_000, chosen);
    book.pay(&payment, 10_000);
    book.turn_day();
    assert_eq!(book.payable(&two), 0, "paid out at settlement");
    let refill = book.paid(&main, "o2", 10_000);
    assert_eq!(book.payment(&refill).status, PaymentStatus::Succeeded);
    let refused = book.refund_request(&payment, "r1", 1_000).unwrap_err();
    assert_eq!(refused.code, Code::InsufficientFunds);
    assert_eq!(refused.field, Some(format!("receiver:{one}")));
    assert_eq!(refused.details.get("receiver"), Some(&one));
    assert_eq!(book.payable(&main), 9_940);
    assert_eq!(book.payment(&payment).refunded, fen(0));
}

#[test]
fn a_plan_that_cannot_be_executed_leaves_the_money_with_the_main_merchant_and_a_case() {
    let (mut book, main, one, _) = three();
    let payment = book.order_split(&main, "o1", 1_000, plan(&[(&one, ppm(100_000))]));
    book.set_status(&one, MerchantStatus::Suspended).unwrap();
    book.pay(&payment, 1_000);
    assert_eq!(book.payment(&payment).status, PaymentStatus::Succeeded);
    assert_eq!([book.payable(&main), book.payable(&one)], [994, 0]);
    assert_eq!(book.case_kinds(), [CaseKind::SplitFailed]);
}

/// Each closed receiver's part is other money, also where it is as much.
#[test]
fn parts_of_closed_receivers_are_all_in_the_case() {
    let (mut book, main, one, two) = three();
    let chosen = plan(&[(&one, ppm(200_000)), (&two, ppm(200_000))]);
    let payment = book.order_split(&main, "o1", 10_000, chosen);
    book.pay(&payment, 10_000);
    let refund = book.refund_request(&payment, "r1", 10_000).unwrap();
    for receiver in [&one, &two] {
        book.set_status(receiver, MerchantStatus::Closed).unwrap();
    }
    book.answer(&refund, refund_is(&refund, RefundState::Closed));
    assert_eq!(book.payable(&main), 9_940);
    let [case] = book.cases().try_into().unwrap();
    assert_eq!(
        (case.kind, case.amount),
        (CaseKind::AccountClosed, Some(fen(4_000)))
    );
    let [second] = case.further.try_into().unwrap();
    assert!(case.reason.contains(&one) && second.reason.contains(&two));
}
