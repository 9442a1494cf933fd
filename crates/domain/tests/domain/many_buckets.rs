//! Merchants that were not settled for long have more open buckets than one look at the index brings, and together
//! more than one command may change.

use crate::support::splits::plan;
use crate::support::*;
use calendar::SettlementCycle;
use domain::merchant::{CreateMerchant, MerchantStatus};
use domain::settlement::{Bucket, Settlement};
use domain::split::Share;
use engine::TimerRecord;

/// Settled on every day of the calendar.
fn daily(number: &str) -> CreateMerchant {
    CreateMerchant {
        settlement_cycle: SettlementCycle::CalendarDays(1),
        ..merchant_terms(number)
    }
}

#[test]
fn a_settlement_takes_all_open_buckets_however_many_there_are() {
    let mut book = Book::new();
    let merchant = book.open_merchant_with(CreateMerchant {
        automatic_payout: false,
        refund_returns_fee: false,
        ..daily("m1")
    });
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

/// Rows that one command may change.
const ROWS_MAX: usize = 10_000;

/// Business dates that were closed and not settled.
const DAYS: i64 = 220;

/// Of a merchant that has something in each of them, and in the date that is not closed yet.
const BUCKETS: usize = 221;

/// A payment of the first date was split among 45 receivers, and a little of it refunded on each date since.
struct Unsettled {
    book: Book,
    payment: String,
    main: String,
    receivers: Vec<String>,
    /// With a payment each of the first date, opened after the others: a step comes to them last.
    last: Vec<String>,
}

fn unsettled() -> Unsettled {
    let mut book = Book::new();
    let mut open = |number: String| book.open_merchant_with(daily(&number));
    let main = open("main".into());
    let receivers: Vec<String> = (0..45).map(|n| open(format!("receiver-{n}"))).collect();
    let last: Vec<String> = (0..3).map(|n| open(format!("last-{n}"))).collect();
    let share = Share::Fixed(fen(10_000));
    let shares: Vec<(&str, Share)> = receivers.iter().map(|id| (id.as_str(), share)).collect();
    let payment = book.order_split(&main, "o1", 1_000_000, plan(&shares));
    book.pay(&payment, 1_000_000);
    for merchant in &last {
        book.paid(merchant, "o1", 1_000);
    }
    for day in 0..DAYS {
        book.close_day();
        book.pass(86_400);
        // One fen of each receiver, 55 of the main merchant.
        book.refund_request(&payment, &format!("r{day}"), 100)
            .unwrap();
    }
    Unsettled {
        book,
        payment,
        main,
        receivers,
        last,
    }
}

#[track_caller]
fn assert_settled(book: &mut Book, merchant: &str, buckets: usize, net: i64) {
    let [settlement]: [Settlement; 1] = book.settlements_of(merchant).try_into().unwrap();
    assert_eq!(
        (
            settlement.buckets.len(),
            settlement.net,
            settlement.paid_out
        ),
        (buckets, fen(net), fen(net))
    );
    assert_eq!(
        (book.payable(merchant), book.payouts_in_transit(merchant)),
        (0, net)
    );
}

#[test]
fn merchants_whose_buckets_do_not_fit_into_one_step_are_settled_by_the_next_ones() {
    let mut all = unsettled();
    let book = &mut all.book;
    assert!(book.all::<Bucket>().len() > ROWS_MAX);
    book.close_day();
    book.settlement_step();
    let first: Vec<Settlement> = book.all();
    assert!(!first.is_empty());
    assert!(
        !first.iter().any(|one| all.last.contains(&one.merchant)),
        "the last ones are put off"
    );
    book.fire_settlement();
    for receiver in &all.receivers {
        assert_settled(book, receiver, BUCKETS, 10_000 - DAYS);
    }
    for merchant in &all.last {
        assert_settled(book, merchant, 1, 994);
    }
    let fee = 6_000 - book.payment(&all.payment).fee_returned.amount();
    assert_settled(book, &all.main, BUCKETS, 550_000 - 55 * DAYS - fee);
    // Nobody broke for want of rows, to be tried alone.
    let timers: Vec<TimerRecord> = book.all();
    assert!(
        !timers
            .iter()
            .any(|timer| timer.key.starts_with("settlement"))
    );
    assert_eq!(book.trial_balance(), 0);
}
