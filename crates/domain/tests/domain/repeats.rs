//! A request that is repeated after things have changed is still the same request: it is compared with what was
//! asked for, not with what became of it.

use crate::support::*;
use domain::merchant::{MerchantStatus, SetMerchantStatus, UpdateMerchant};
use domain::payment::CreatePayment;
use domain::split::{ExecuteSplit, Receiver, ReceiverKind, Share, Split, SplitPlan};
use domain::{Code, Rejection, Reply, Request};
use money::{FeeSchedule, Rate};

/// A main merchant and two receivers.
fn three() -> (Book, String, String, String) {
    let mut book = Book::new();
    let main = book.open_merchant("main");
    let one = book.open_merchant("one");
    let two = book.open_merchant("two");
    (book, main, one, two)
}

fn to(merchant: &str, ppm: u32) -> Option<SplitPlan> {
    Some(SplitPlan {
        receivers: vec![Receiver {
            merchant: merchant.into(),
            kind: ReceiverKind::Seller,
            share: Share::Proportion(Rate::from_ppm(ppm).unwrap()),
        }],
    })
}

fn split_of(book: &Book, payment: &str) -> Split {
    book.record(&book.payment(payment).split.unwrap()).unwrap()
}

fn split_later(
    book: &mut Book,
    main: &str,
    payment: &str,
    plan: Option<SplitPlan>,
) -> Result<Reply, Rejection> {
    let command = ExecuteSplit {
        merchant: main.into(),
        payment: payment.into(),
        plan: plan.unwrap(),
    };
    book.ask(&as_merchant(main), Request::ExecuteSplit(command))
}

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
    let again = book
        .ask(&operator(), Request::CreateMerchant(merchant_terms("m1")))
        .unwrap();
    let Reply::Merchant { merchant, repeated } = again else {
        panic!()
    };
    assert_eq!((merchant.id.clone(), repeated), (first, true));
    assert_eq!(merchant.fee_schedule, FeeSchedule::FREE);
    // What it is now is not what it was created as.
    let mut other = merchant_terms("m1");
    other.fee_schedule = FeeSchedule::FREE;
    let refused = book
        .ask(&operator(), Request::CreateMerchant(other))
        .unwrap_err();
    assert_eq!(
        (refused.code, refused.field.as_deref()),
        (Code::AlreadyExists, Some("fee_schedule"))
    );
}

/// Orders 10.00 with or without a plan, once more under the number of an order that was taken.
fn order_again(book: &mut Book, main: &str, plan: Option<SplitPlan>) -> Result<Reply, Rejection> {
    let command = CreatePayment {
        split_plan: plan,
        ..order(main, "o1", 1_000)
    };
    book.ask(&as_merchant(main), Request::CreatePayment(command))
}

#[track_caller]
fn is_repeated(reply: Result<Reply, Rejection>, payment: &str) {
    let Ok(Reply::Payment {
        payment: found,
        repeated,
    }) = reply
    else {
        panic!("{reply:?}")
    };
    assert_eq!((found.id.as_str(), repeated), (payment, true));
}

#[test]
fn an_order_is_recognised_again_after_it_was_split_on_request() {
    let (mut book, main, one, _) = three();
    let payment = book.paid(&main, "o1", 1_000);
    let chosen = to(&one, 100_000);
    split_later(&mut book, &main, &payment, chosen.clone()).unwrap();
    is_repeated(order_again(&mut book, &main, None), &payment);
    let other = order_again(&mut book, &main, chosen.clone()).unwrap_err();
    assert_eq!(
        (other.code, other.field.as_deref()),
        (Code::AlreadyExists, Some("split_plan"))
    );
    assert_eq!(split_of(&book, &payment).plan, chosen);
}

#[test]
fn an_order_is_recognised_again_though_its_plan_could_not_be_executed() {
    let (mut book, main, one, two) = three();
    let ordered = to(&one, 100_000);
    let payment = book.order_split(&main, "o1", 1_000, ordered.clone());
    let status = SetMerchantStatus {
        merchant: one.clone(),
        status: MerchantStatus::Suspended,
        reason: "x".into(),
    };
    book.ask(&operator(), Request::SetMerchantStatus(status))
        .unwrap();
    book.pay(&payment, 1_000);
    assert_eq!(book.payment(&payment).split, None);
    is_repeated(order_again(&mut book, &main, ordered.clone()), &payment);
    // It may be split otherwise; what was ordered stays what was ordered.
    let chosen = to(&two, 200_000);
    split_later(&mut book, &main, &payment, chosen.clone()).unwrap();
    assert_eq!(split_of(&book, &payment).plan, chosen);
    is_repeated(order_again(&mut book, &main, ordered.clone()), &payment);
    let repeated = split_later(&mut book, &main, &payment, chosen).unwrap();
    assert!(matches!(repeated, Reply::Split { repeated: true, .. }));
    let other = split_later(&mut book, &main, &payment, ordered).unwrap_err();
    assert_eq!(other.code, Code::AlreadyExists);
}
