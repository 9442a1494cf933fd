//! A merchant that was suspended for years has more open buckets than one look at the index brings.

use crate::support::*;
use calendar::SettlementCycle;
use domain::merchant::MerchantStatus;
use domain::settlement::{Bucket, Settlement};

#[test]
fn a_settlement_takes_all_open_buckets_however_many_there_are() {
    let mut book = Book::new();
    let mut terms = merchant_terms("m1");
    terms.settlement_cycle = SettlementCycle::CalendarDays(1);
    terms.automatic_payout = false;
    terms.refund_returns_fee = false;
    let merchant = book.open_merchant_with(terms);
    let payment = book.paid(&merchant, "o1", 10_000);
    book.set_status(&merchant, MerchantStatus::Suspended)
        .unwrap();
    for day in 0..1_001 {
        book.close_day();
        book.pass(86_400);
        book.refund_request(&payment, &format!("r{day}"), 1)
            .unwrap();
    }
    assert_eq!(book.all::<Bucket>().len(), 1_002);
    book.set_status(&merchant, MerchantStatus::Active).unwrap();
    book.turn_day();
    let [settlement]: [Settlement; 1] = book.all().try_into().unwrap();
    assert_eq!(
        (settlement.buckets.len(), settlement.net),
        (1_002, fen(9_940 - 1_001))
    );
    assert_eq!(settlement.brought_forward, fen(0));
}
