//! A request that is repeated after things have changed is still the same request: it is compared with what was
//! asked for, not with what became of it.

use crate::support::splits::{plan, ppm, three};
use crate::support::*;
use domain::merchant::{MerchantStatus, UpdateMerchant};
use domain::payment::CreatePayment;
use domain::split::SplitPlan;
use domain::{Code, Request};
use money::FeeSchedule;

#[test]
fn a_creation_that_is_repeated_after_changes_is_answered_with_the_merchant_as_it_is() {
    let mut book = Book::new();
    let first = book.open_merchant("m1");
    let command = UpdateMerchant {
        merchant: first.clone(),
        fee_schedule: Some(FeeSchedule::FREE),
        automatic_payout: Some(false),
        ..UpdateMerchant::default()
    };
    book.ask(&operator(), Request::UpdateMerchant(command))
        .unwrap();
    let (merchant, repeated) = book.create_merchant(merchant_terms("m1")).unwrap();
    assert_eq!((merchant.id, repeated), (first, true));
    assert_eq!(merchant.fee_schedule, FeeSchedule::FREE);
    // What it is now is not what it was created as.
    let mut other = merchant_terms("m1");
    other.fee_schedule = FeeSchedule::FREE;
    let refused = book.create_merchant(other).unwrap_err();
    assert_refused(&refused, Code::AlreadyExists, "fee_schedule");
}

/// An order of 10.00, with or without a plan.
fn ordered_with(main: &str, split_plan: Option<SplitPlan>) -> CreatePayment {
    CreatePayment {
        split_plan,
        ..order(main, "o1", 1_000)
    }
}

#[track_caller]
fn is_repeated(book: &mut Book, again: CreatePayment, payment: &str) {
    let (found, repeated) = book.create_payment(again).unwrap();
    assert_eq!((found.id.as_str(), repeated), (payment, true));
}

#[test]
fn an_order_is_recognised_again_after_it_was_split_on_request() {
    let (mut book, main, one, _) = three();
    let payment = book.paid(&main, "o1", 1_000);
    let chosen = plan(&[(&one, ppm(100_000))]);
    book.split_later(&payment, chosen.clone()).unwrap();
    is_repeated(&mut book, ordered_with(&main, None), &payment);
    let other = ordered_with(&main, Some(chosen.clone()));
    let other = book.create_payment(other).unwrap_err();
    assert_refused(&other, Code::AlreadyExists, "split_plan");
    assert_eq!(book.split_of(&payment).plan, Some(chosen));
}

#[test]
fn an_order_is_recognised_again_though_its_plan_could_not_be_executed() {
    let (mut book, main, one, two) = three();
    let ordered = plan(&[(&one, ppm(100_000))]);
    let again = || ordered_with(&main, Some(ordered.clone()));
    let payment = book.order_split(&main, "o1", 1_000, ordered.clone());
    book.set_status(&one, MerchantStatus::Suspended).unwrap();
    book.pay(&payment, 1_000);
    assert_eq!(book.payment(&payment).split, None);
    is_repeated(&mut book, again(), &payment);
    // It may be split otherwise; what was ordered stays what was ordered.
    let chosen = plan(&[(&two, ppm(200_000))]);
    book.split_later(&payment, chosen.clone()).unwrap();
    assert_eq!(book.split_of(&payment).plan, Some(chosen.clone()));
    is_repeated(&mut book, again(), &payment);
    let repeated = book.split_later(&payment, chosen).unwrap();
    assert!(repeated);
    let other = book.split_later(&payment, ordered.clone()).unwrap_err();
    assert_eq!(other.code, Code::AlreadyExists);
}
