//! Limits that count: what is paid uses the room of the day it is paid on, whatever the order's day was.

use crate::support::*;
use channels::answer::{Answer as Statement, Instrument, OrderState, RefundState};
use channels::operation::Channel;
use domain::case::CaseKind;
use domain::merchant::{LateSuccess, MerchantKind, Profile};
use domain::payment::{CreatePayment, FundSource, PaymentStatus};
use domain::refund::{Refund, ResolvedRefund};
use domain::regulation::Counter;
use domain::{Code, QingyuanApp, Rejection, Settings};
use jiff::SignedDuration;

const YUAN: i64 = 100;
/// What a micro merchant may take from credit cards in a day.
const DAY: i64 = 1_000 * YUAN;
const MICRO: &str = "PBC-2017-296/norm/micro";

fn micro(book: &mut Book) -> String {
    micro_with(book, LateSuccess::Book)
}

fn micro_with(book: &mut Book, late_success: LateSuccess) -> String {
    let mut terms = merchant_terms("micro");
    terms.group = Some("owner-1".into());
    terms.late_success = late_success;
    terms.profile = Profile {
        kind: Some(MerchantKind::Micro),
        owner: Some("owner-1".into()),
        ..Profile::ordinary()
    };
    book.open_merchant_with(terms)
}

/// An order by credit card that may be paid for fourteen days.
fn by_card(
    book: &mut Book,
    merchant: &str,
    number: &str,
    amount: i64,
) -> Result<String, Rejection> {
    from(FundSource::CreditCard, book, merchant, number, amount)
}

fn from(
    source: FundSource,
    book: &mut Book,
    merchant: &str,
    number: &str,
    amount: i64,
) -> Result<String, Rejection> {
    let command = CreatePayment {
        source: Some(source),
        expires_at: Some(book.now() + SignedDuration::from_hours(24 * 14)),
        ..order(merchant, number, amount)
    };
    Ok(book.create_payment(command)?.0.id)
}

fn used(book: &Book, kind: &str) -> (String, i64) {
    let counter: Counter = book
        .record(&format!("merchant_document/{kind}/owner-1"))
        .unwrap();
    (counter.period, counter.used)
}

#[track_caller]
fn no_room(book: &mut Book, merchant: &str, number: &str) {
    let refused = by_card(book, merchant, number, 1).unwrap_err();
    assert_eq!(refused.code, Code::RefusedByRule);
    assert!(refused.message.contains(MICRO), "{}", refused.message);
}

#[test]
fn orders_of_several_days_that_are_paid_on_one_day_leave_no_room_on_it() {
    let mut book = Book::new();
    let merchant = micro(&mut book);
    let mut orders = Vec::new();
    for day in 0..3 {
        orders.push(by_card(&mut book, &merchant, &format!("o{day}"), DAY).unwrap());
        book.pass(86_400);
    }
    // The fourth day: all three are paid, and none is refused.
    for payment in &orders {
        book.pay(payment, DAY);
        assert_eq!(book.payment(payment).status, PaymentStatus::Succeeded);
    }
    assert_eq!(used(&book, "day"), ("2026-03-05".into(), 3 * DAY));
    assert_eq!(used(&book, "month"), ("2026-03".into(), 3 * DAY));
    no_room(&mut book, &merchant, "o4");
    // What the payment says of its room is what counts now.
    let decision = book.payment(&orders[1]).decision.unwrap();
    let day = decision
        .counted
        .iter()
        .find(|counted| counted.counter.contains("/day/"))
        .unwrap();
    assert_eq!((day.period.as_str(), day.used), ("2026-03-05", DAY));
    book.pass(86_400);
    by_card(&mut book, &merchant, "o5", DAY).unwrap();
}

#[test]
fn what_was_paid_before_midnight_counts_on_that_day_though_it_is_learned_after() {
    let mut book = Book::new();
    let merchant = micro(&mut book);
    let payment = by_card(&mut book, &merchant, "o1", DAY).unwrap();
    // 10:00 in the morning and 13 hours.
    book.pass(13 * 3_600);
    let paid_at = book.now();
    book.pass(2 * 3_600);
    by_card(&mut book, &merchant, "o2", 400 * YUAN).unwrap();
    let statement = order_paid(&payment, "wx-1", DAY, paid_at);
    book.notify(Channel::Wechat, statement);
    assert_eq!(used(&book, "day"), ("2026-03-03".into(), 400 * YUAN));
    assert_eq!(used(&book, "month"), ("2026-03".into(), 1_400 * YUAN));
    by_card(&mut book, &merchant, "o3", 600 * YUAN).unwrap();
}

#[test]
fn an_order_of_last_month_counts_in_the_month_of_its_payment() {
    let mut book = Book::new();
    let merchant = micro(&mut book);
    book.pass(29 * 86_400);
    let payment = by_card(&mut book, &merchant, "o1", DAY).unwrap();
    assert_eq!(used(&book, "month"), ("2026-03".into(), DAY));
    book.pass(86_400);
    book.pay(&payment, DAY);
    assert_eq!(used(&book, "month"), ("2026-04".into(), DAY));
}

/// Closed, so that its room is given back, then paid all the same, but too little.
#[test]
fn a_late_payment_of_too_little_that_people_accept_counts_again() {
    let mut book = Book::new();
    let merchant = micro(&mut book);
    let payment = by_card(&mut book, &merchant, "o1", DAY).unwrap();
    book.notify(Channel::Wechat, order_is(&payment, OrderState::Closed));
    assert_eq!(used(&book, "day").1, 0);
    book.pay(&payment, DAY - 1);
    assert_eq!(book.payment(&payment).status, PaymentStatus::UnderReview);
    book.accept_underpayment(&payment).unwrap();
    assert_eq!(book.payment(&payment).status, PaymentStatus::Succeeded);
    assert_eq!(used(&book, "day").1, DAY - 1, "what was paid");
    by_card(&mut book, &merchant, "o2", 1).unwrap();
    no_room(&mut book, &merchant, "o3");
}

/// One that came in time was counted with its order and is not counted twice.
#[test]
fn a_payment_of_too_little_that_people_accept_counts_once() {
    let mut book = Book::new();
    let merchant = micro(&mut book);
    let payment = by_card(&mut book, &merchant, "o1", 400 * YUAN).unwrap();
    book.pay(&payment, 400 * YUAN - 1);
    assert_eq!(used(&book, "day").1, 400 * YUAN - 1, "what was paid");
    book.accept_underpayment(&payment).unwrap();
    assert_eq!(used(&book, "day").1, 400 * YUAN - 1);
}

/// Counted by what was paid, it is given back whole.
#[test]
fn the_refund_of_an_accepted_payment_of_too_little_gives_all_its_room_back() {
    let mut book = Book::under(refunds_give_back());
    let merchant = micro(&mut book);
    let payment = by_card(&mut book, &merchant, "o1", 400 * YUAN).unwrap();
    book.pay(&payment, 300 * YUAN);
    book.accept_underpayment(&payment).unwrap();
    let refund = book.refund_request(&payment, "r1", 300 * YUAN).unwrap();
    let done = refund_done(&refund, 300 * YUAN, book.now());
    book.notify(Channel::Wechat, done);
    assert_eq!(used(&book, "day").1, 0);
}

#[test]
fn a_refund_that_people_paid_in_another_way_gives_room_back_as_well() {
    let mut book = Book::under(refunds_give_back());
    let merchant = micro(&mut book);
    let payment = by_card(&mut book, &merchant, "o1", 400 * YUAN).unwrap();
    book.pay(&payment, 400 * YUAN);
    let refund = book.refund_request(&payment, "r1", 100 * YUAN).unwrap();
    book.answer(&refund, refund_is(&refund, RefundState::Abnormal));
    book.resolve_refund(&refund, ResolvedRefund::PaidOtherwise)
        .unwrap();
    assert_eq!(used(&book, "day").1, 300 * YUAN);
    // The channel's refund beside it gives nothing back a second time.
    let done = refund_done(&refund, 100 * YUAN, book.now());
    book.notify(Channel::Wechat, done);
    assert_eq!(used(&book, "day").1, 300 * YUAN);
}

/// Its room was given back when it was closed, and it never used room again as long as it was to go back.
#[test]
fn a_late_success_that_stays_with_the_merchant_after_all_counts_from_that_day_on() {
    let mut book = Book::under(refunds_give_back());
    let merchant = micro_with(&mut book, LateSuccess::Refund);
    let late = by_card(&mut book, &merchant, "o1", 600 * YUAN).unwrap();
    book.notify(Channel::Wechat, order_is(&late, OrderState::Closed));
    book.pay(&late, 600 * YUAN);
    let [refund]: [Refund; 1] = book.all().try_into().unwrap();
    book.answer(&refund.id, refund_is(&refund.id, RefundState::Closed));
    assert_eq!(used(&book, "day").1, 0);
    book.pass(86_400);
    book.resolve_refund(&refund.id, ResolvedRefund::NotPaid)
        .unwrap();
    assert_eq!(used(&book, "day"), ("2026-03-03".into(), 600 * YUAN));
    let refund = book.refund_request(&late, "r1", 100 * YUAN).unwrap();
    let done = refund_done(&refund, 100 * YUAN, book.now());
    book.notify(Channel::Wechat, done);
    assert_eq!(used(&book, "day").1, 500 * YUAN);
}

/// Rules by which a refund gives the day's room back.
fn refunds_give_back() -> QingyuanApp {
    let figure = "figure = \"figure.day_yuan\"\nused = [\"used.micro_day\"]";
    let gives_back = format!("{figure}\nrefund_gives_back = true");
    app_with_rules(figure, &gives_back, Settings::sample())
}

#[test]
fn the_refund_of_a_late_success_gives_no_room_back_that_it_never_used() {
    let mut book = Book::under(refunds_give_back());
    let merchant = micro_with(&mut book, LateSuccess::Refund);
    let late = by_card(&mut book, &merchant, "o1", 600 * YUAN).unwrap();
    book.notify(Channel::Wechat, order_is(&late, OrderState::Closed));
    let kept = by_card(&mut book, &merchant, "o2", 600 * YUAN).unwrap();
    book.pay(&kept, 600 * YUAN);
    book.pay(&late, 600 * YUAN);
    let [refund]: [Refund; 1] = book.all().try_into().unwrap();
    let done = refund_done(&refund.id, 600 * YUAN, book.now());
    book.notify(Channel::Wechat, done);
    assert_eq!(used(&book, "day").1, 600 * YUAN);
    // One that the merchant asks for does.
    let refund = book.refund_request(&kept, "r1", 100 * YUAN).unwrap();
    let done = refund_done(&refund, 100 * YUAN, book.now());
    book.notify(Channel::Wechat, done);
    assert_eq!(used(&book, "day").1, 500 * YUAN);
}

/// The channel says what the payer paid from.
fn pay_by(book: &mut Book, payment: &str, amount: i64, instrument: Instrument) {
    let paid_at = book.now();
    let Statement::Order { order, mut state } = order_paid(payment, "wx-1", amount, paid_at) else {
        panic!()
    };
    if let OrderState::Paid {
        instrument: told, ..
    } = &mut state
    {
        *told = Some(instrument);
    }
    book.notify(Channel::Wechat, Statement::Order { order, state });
}

/// The order's source is the merchant's word: by it a micro merchant would have no limit.
#[test]
fn what_was_paid_by_credit_card_counts_though_the_order_said_something_else() {
    let mut book = Book::new();
    let merchant = micro(&mut book);
    let source = FundSource::BankAccount;
    let payment = from(source, &mut book, &merchant, "o1", 3 * DAY).unwrap();
    assert_eq!(
        book.payment(&payment).decision.unwrap().counted.len(),
        0,
        "no limit applies to what the order says"
    );
    book.pass(86_400);
    pay_by(&mut book, &payment, 3 * DAY, Instrument::CreditCard);
    let paid = book.payment(&payment);
    assert_eq!(paid.status, PaymentStatus::Succeeded, "a fact");
    assert_eq!(paid.paid.unwrap().instrument, Some(Instrument::CreditCard));
    assert_eq!(used(&book, "day"), ("2026-03-03".into(), 3 * DAY));
    assert_eq!(used(&book, "month"), ("2026-03".into(), 3 * DAY));
    assert_eq!(paid.decision.unwrap().counted.len(), 2);
    let case = book.cases().remove(0);
    assert_eq!(
        (case.kind, case.object, case.owner.as_str()),
        (CaseKind::SourceContradicted, payment, "operator")
    );
    no_room(&mut book, &merchant, "o2");
}

#[test]
fn what_was_paid_from_a_bank_account_leaves_the_room_of_credit_cards() {
    let mut book = Book::new();
    let merchant = micro(&mut book);
    let payment = by_card(&mut book, &merchant, "o1", DAY).unwrap();
    no_room(&mut book, &merchant, "o2");
    pay_by(&mut book, &payment, DAY, Instrument::DebitCard);
    assert_eq!((used(&book, "day").1, used(&book, "month").1), (0, 0));
    assert_eq!(book.case_kinds(), [CaseKind::SourceContradicted]);
    by_card(&mut book, &merchant, "o3", DAY).unwrap();
}

#[test]
fn a_source_that_the_channel_confirms_counts_once_and_is_no_case() {
    let mut book = Book::new();
    let merchant = micro(&mut book);
    let payment = by_card(&mut book, &merchant, "o1", DAY).unwrap();
    pay_by(&mut book, &payment, DAY, Instrument::CreditCard);
    assert_eq!(used(&book, "day").1, DAY);
    assert_eq!(book.case_kinds(), []);
}
