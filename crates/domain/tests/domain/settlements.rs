//! Settlement: what is due at the turn of a day is settled with every merchant and paid out.

use crate::support::*;
use calendar::SettlementCycle;
use channels::operation::Channel;
use domain::case::CaseKind;
use domain::closing::TurnDay;
use domain::merchant::{MerchantStatus, Profile, UpdateMerchant};
use domain::settlement::Bucket;
use domain::{Code, Request};

#[test]
fn takings_are_settled_on_the_next_business_day_and_paid_out() {
    let mut book = Book::new();
    book.receive(11_928);
    let merchant = book.open_merchant("m1");
    book.paid(&merchant, "o1", 10_000);
    book.paid(&merchant, "o2", 2_000);
    book.turn_day();
    let settled = book.settlements_of(&merchant);
    assert_eq!(settled.len(), 1);
    let settlement = settled.first().unwrap();
    assert_eq!(
        (settlement.net, settlement.paid_out),
        (fen(11_928), fen(11_928))
    );
    assert!(settlement.carried_forward.is_zero());
    assert_eq!(
        (book.payable(&merchant), book.payouts_in_transit(&merchant)),
        (0, 11_928)
    );
    let payout = settlement.payout.clone().unwrap();
    book.notify(Channel::Unionpay, payout_done(&payout, 11_928));
    let reserve = book.chart().reserve;
    assert_eq!(book.payouts_in_transit(&merchant), 0);
    assert_eq!(book.balance(reserve), 0);
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn a_weekend_is_no_business_day() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    let friday = "2026-03-06".parse().unwrap();
    book.pass(4 * 86_400);
    book.ask(&operator(), Request::TurnDay(TurnDay { to: Some(friday) }))
        .unwrap();
    book.paid(&merchant, "o1", 10_000);
    book.turn_day(); // Saturday
    book.turn_day(); // Sunday
    assert!(book.settlements_of(&merchant).is_empty());
    book.turn_day(); // Monday
    assert_eq!(book.settlements_of(&merchant).len(), 1);
}

#[test]
fn same_day_takings_are_settled_at_the_turn_and_what_comes_in_meanwhile_is_left() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    let same_day = |cycle| {
        Request::UpdateMerchant(UpdateMerchant {
            merchant: merchant.clone(),
            settlement_cycle: Some(cycle),
            profile: Some(Profile {
                trading_days: Some(90),
                ..Profile::default()
            }),
            ..UpdateMerchant::default()
        })
    };
    // Open to merchants of ninety days, whichever way it is written.
    for cycle in [
        SettlementCycle::CalendarDays(0),
        SettlementCycle::BusinessDays(0),
    ] {
        let refused = book.ask(&operator(), same_day(cycle)).unwrap_err();
        assert_eq!(refused.code, Code::RefusedByRule, "{refused:?}");
    }
    book.pass(90 * 86_400);
    book.ask(&operator(), same_day(SettlementCycle::CalendarDays(0)))
        .unwrap();
    book.paid(&merchant, "o1", 10_000);
    book.close_day();
    // After the turn, before its settlement ran: already the next date's takings.
    book.paid(&merchant, "o2", 5_000);
    book.fire_settlement();
    let settled = book.settlements_of(&merchant);
    assert_eq!(settled.first().unwrap().paid_out, fen(9_940));
    assert_eq!(book.payable(&merchant), 4_970);
    book.pass(86_400);
    book.turn_day();
    assert_eq!(book.payable(&merchant), 0);
}

#[test]
fn a_negative_sum_is_carried_forward_and_made_good_by_later_takings() {
    let mut book = Book::new();
    let mut terms = merchant_terms("m1");
    terms.refund_returns_fee = false;
    let merchant = book.open_merchant_with(terms);
    let payment = book.paid(&merchant, "o1", 10_000);
    book.turn_day();
    assert_eq!(book.payable(&merchant), 0);
    // The refund is covered by today's takings, which are due only tomorrow.
    book.paid(&merchant, "o2", 10_000);
    book.refund_request(&payment, "r1", 9_000).unwrap();
    book.turn_day();
    let settled = book.settlements_of(&merchant);
    let last = settled.last().unwrap();
    assert_eq!((last.net, last.paid_out), (fen(940), fen(940)));
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn every_merchant_is_settled_though_a_step_takes_only_some() {
    let mut book = Book::new();
    let merchants: Vec<String> = (0..120)
        .map(|n| book.open_merchant(&format!("m{n}")))
        .collect();
    for merchant in &merchants {
        let payment = book.order(merchant, "o1", 1_000);
        book.pay(&payment, 1_000);
    }
    book.set_status(&merchants[3], MerchantStatus::Suspended)
        .unwrap();
    book.turn_day();
    for (index, merchant) in merchants.iter().enumerate() {
        let expected = usize::from(index != 3);
        assert_eq!(
            book.settlements_of(merchant).len(),
            expected,
            "merchant {index}"
        );
    }
    let left = book.list::<Bucket>("due", "", "~");
    assert_eq!(left.len(), 1, "only the suspended merchant's");
    book.ask(&operator(), Request::ResumeSettlement(Default::default()))
        .unwrap();
    book.fire_settlement();
    assert!(
        merchants
            .iter()
            .all(|merchant| book.settlements_of(merchant).len() <= 1),
        "nobody is settled twice"
    );
}

#[test]
fn a_merchant_without_an_account_keeps_its_money_and_gets_a_case() {
    let mut book = Book::new();
    let mut terms = merchant_terms("m1");
    terms.settlement_account = None;
    let merchant = book.open_merchant_with(terms);
    book.paid(&merchant, "o1", 10_000);
    book.turn_day();
    assert_eq!(book.payable(&merchant), 9_940);
    assert_eq!(book.case_kinds(), [CaseKind::NoSettlementAccount]);
    assert_eq!(
        book.settlements_of(&merchant)
            .first()
            .unwrap()
            .carried_forward,
        fen(9_940)
    );
}
