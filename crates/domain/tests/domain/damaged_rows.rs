//! A damaged row of one merchant or payout is that one's trouble. It comes to its turn when the row is restored.

use crate::risk::{ask_payout, clear, held};
use crate::support::*;
use domain::chart::Chart;
use domain::closing::{DaySummary, Figure};
use domain::merchant::Merchant;
use domain::payout::{Payout, PayoutStatus};
use domain::settlement::{Bucket, Settlement};
use engine::{Record, SetAside, TimerRecord};

/// More than one step of settlement takes.
const MERCHANTS: usize = 60;

fn turn_day(book: &mut Book) {
    book.close_day();
    book.pass(60);
}

/// Merchants of whom each has one payment, and the day has turned.
fn many_due() -> (Book, Vec<String>) {
    let mut book = Book::new();
    let merchants: Vec<String> = (0..MERCHANTS)
        .map(|number| book.open_merchant(&format!("m{number}")))
        .collect();
    for merchant in &merchants {
        book.paid(merchant, "o1", 10_000);
    }
    (book, merchants)
}

/// The others are settled, and it when its row is there again.
fn settled_without(mut book: Book, merchant: &str, (kind, key): (&str, &str)) {
    book.damage(kind, key);
    turn_day(&mut book);
    let timer = format!("settlement/{merchant}");
    assert_eq!(book.fire("settlement"), [timer.as_str()]);
    let settled: Vec<Settlement> = book.all();
    assert_eq!(settled.len(), MERCHANTS - 1);
    assert!(settled.iter().all(|settled| settled.merchant != merchant));
    let aside: Vec<SetAside> = book.all();
    let told: Vec<&str> = aside.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(told, [format!("timer/{timer}")]);
    assert!(aside[0].reason.contains(key), "{}", aside[0].reason);

    // Tried again, and still broken.
    book.pass(301);
    assert_eq!(book.fire("settlement"), [timer.as_str()]);
    assert_eq!(book.all::<SetAside>().len(), 1);
    book.restore(kind, key);
    book.pass(601);
    assert!(book.fire("settlement").is_empty());
    let last = book.all::<Settlement>().into_iter();
    let last: Vec<Settlement> = last.filter(|one| one.merchant == merchant).collect();
    assert_eq!((last.len(), last[0].net), (1, fen(9_940)));
    assert_eq!(last[0].business_date, settled[0].business_date);
    assert!(last[0].payout.is_some());
    let date = settled[0].business_date.to_string();
    let figures = book.record::<DaySummary>(&date).unwrap().figures;
    assert_eq!(figures[&Figure::Settlements].count, MERCHANTS as u64);
    assert!(book.record::<TimerRecord>(&timer).is_none());
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn a_damaged_merchant_does_not_keep_the_others_from_their_settlement() {
    let (book, merchants) = many_due();
    let merchant = merchants[20].clone();
    settled_without(book, &merchant, (Merchant::KIND, &merchant));
}

#[test]
fn a_damaged_bucket_does_not_keep_the_others_from_their_settlement() {
    let (book, merchants) = many_due();
    let buckets: Vec<Bucket> = book.all();
    let bucket = buckets.iter().find(|one| one.merchant == merchants[55]);
    let key = bucket.unwrap().key.clone();
    settled_without(book, &merchants[55], (Bucket::KIND, &key));
}

/// Each of them would have had a timer and a record set aside of its own, and the run would have ended without them.
#[test]
fn what_all_merchants_need_breaks_the_step_and_not_each_merchant() {
    let (mut book, _) = many_due();
    turn_day(&mut book);
    let date = first_day().next().to_string();
    // The first figure of the new date.
    let shop = book.open_merchant("first");
    book.paid(&shop, "o1", 10_000);
    book.damage(DaySummary::KIND, &date);
    assert_eq!(book.fire("settlement"), ["settlement"]);
    assert_eq!(book.all::<Settlement>().len(), 0);
    book.restore(DaySummary::KIND, &date);
    book.pass(301);
    assert!(book.fire("settlement").is_empty());
    assert_eq!(book.all::<Settlement>().len(), MERCHANTS);
    assert_eq!(book.all::<SetAside>().len(), 1);
}

/// The next turn settles with the others whom the last could not, once, in its own terms.
#[test]
fn who_could_not_be_settled_is_settled_at_the_next_turn() {
    let mut book = Book::new();
    let merchants = ["m1", "m2"].map(|number| book.open_merchant(number));
    for merchant in &merchants {
        book.paid(merchant, "o1", 10_000);
    }
    // The clock is a day ahead, so that two days can be turned in a minute.
    book.pass(86_400);
    book.damage(Merchant::KIND, &merchants[0]);
    turn_day(&mut book);
    assert_eq!(book.fire("settlement").len(), 1);
    book.restore(Merchant::KIND, &merchants[0]);
    book.paid(&merchants[0], "o2", 10_000);
    // Before its own timer comes.
    turn_day(&mut book);
    assert!(book.fire("settlement").is_empty());
    book.pass(400);
    assert!(book.fire("settlement").is_empty());
    let settled: Vec<Settlement> = book.all();
    let first: Vec<&Settlement> = settled
        .iter()
        .filter(|one| one.merchant == merchants[0])
        .collect();
    assert_eq!((first.len(), settled.len()), (1, 2));
    assert_eq!((first[0].buckets.len(), first[0].net), (2, fen(2 * 9_940)));
}

/// Three payouts of 99.40 in the line, the oldest first, and a merchant who can ask for one.
fn in_line() -> (Book, Vec<Payout>, String) {
    let mut book = Book::new();
    for number in ["m1", "m2", "m3"] {
        let merchant = book.open_merchant(number);
        book.paid(&merchant, "o1", 10_000);
    }
    let later = book.open_on_request("m4");
    book.paid(&later, "o1", 10_000);
    book.turn_day();
    let line: Vec<Payout> = book.list("waiting", "", "~");
    assert_eq!(line.len(), 3);
    (book, line, later)
}

/// A list shows damaged ones too.
fn statuses(book: &Book, payouts: &[Payout]) -> Vec<PayoutStatus> {
    let all: Vec<Payout> = book.all();
    let now = |payout: &Payout| all.iter().find(|one| one.id == payout.id).unwrap().status;
    payouts.iter().map(now).collect()
}

const WAITS: PayoutStatus = PayoutStatus::WaitingForReserve;
const SENT: PayoutStatus = PayoutStatus::Created;

fn the_line_goes_on_without(kind: &str, key_of: impl Fn(&Payout) -> &str) {
    let (mut book, mut line, later) = in_line();
    let key = key_of(&line[0]).to_owned();
    book.damage(kind, &key);
    book.receive(9_940);
    assert_eq!(statuses(&book, &line), [WAITS, SENT, WAITS]);
    let timer = format!("reserve/{}", line[0].id);
    assert_eq!(book.fire("reserve"), [timer.as_str()]);
    assert_eq!(book.record::<TimerRecord>(&timer).unwrap().broken, 1);

    // More money: its timer keeps its time. A new payout is not kept waiting for it either.
    book.receive(20_000);
    assert!(book.fire("reserve").is_empty());
    assert_eq!(statuses(&book, &line), [WAITS, SENT, SENT]);
    line.push(ask_payout(&mut book, &later, "p1", 1_000));
    assert!(book.fire("reserve").is_empty());
    assert_eq!(statuses(&book, &line), [WAITS, SENT, SENT, SENT]);
    // 90.60 are left: the oldest waits for money, and from now on nobody passes it.
    book.restore(kind, &key);
    line.push(ask_payout(&mut book, &later, "p2", 1_000));
    book.pass(301);
    assert!(book.fire("reserve").is_empty());
    assert_eq!(statuses(&book, &line), [WAITS, SENT, SENT, SENT, WAITS]);
    book.receive(1_000);
    assert!(book.fire("reserve").is_empty());
    assert_eq!(statuses(&book, &line), [SENT, SENT, SENT, SENT, WAITS]);
    assert_eq!(book.all::<SetAside>().len(), 1);
    assert!(book.record::<TimerRecord>(&timer).is_none());
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn a_damaged_merchant_does_not_stop_the_line_for_the_reserve() {
    the_line_goes_on_without(Merchant::KIND, |payout| &payout.merchant);
}

#[test]
fn a_damaged_payout_does_not_stop_the_line_for_the_reserve() {
    the_line_goes_on_without(Payout::KIND, |payout| &payout.id);
}

/// Each payout broke by itself, found nothing wrong when it was looked at alone, and woke the line again: for ever, and
/// nobody was told.
#[test]
fn what_the_whole_line_needs_breaks_once_and_is_told() {
    let (mut book, line, _) = in_line();
    book.pays_over(3 * 9_940);
    book.damage(Chart::KIND, Chart::KEY);
    assert_eq!(book.fire("reserve"), ["reserve"]);
    let told: Vec<String> = book
        .all::<SetAside>()
        .into_iter()
        .map(|one| one.id)
        .collect();
    assert_eq!(told, ["timer/reserve"]);
    assert_eq!(statuses(&book, &line), [WAITS, WAITS, WAITS]);
    book.restore(Chart::KIND, Chart::KEY);
    book.pass(301);
    assert!(book.fire("reserve").is_empty());
    assert_eq!(statuses(&book, &line), [SENT, SENT, SENT]);
}

#[test]
fn a_damaged_payout_does_not_keep_the_others_that_a_sign_held() {
    let (mut book, merchant, signal) = held();
    let payouts = ["p1", "p2", "p3"].map(|number| ask_payout(&mut book, &merchant, number, 1_000));
    book.damage(Payout::KIND, &payouts[0].id);
    book.ask_approved(&operator(), clear(&signal.id)).unwrap();
    let timer = format!("held/{merchant}/{}", payouts[0].id);
    assert_eq!(book.fire("held/"), [timer.as_str()]);
    assert_eq!(statuses(&book, &payouts), [PayoutStatus::Held, SENT, SENT]);
    book.restore(Payout::KIND, &payouts[0].id);
    assert!(book.fire("held/").is_empty(), "not before its time");
    book.pass(301);
    assert!(book.fire("held/").is_empty());
    assert_eq!(statuses(&book, &payouts), [SENT, SENT, SENT]);
    assert_eq!(book.all::<SetAside>().len(), 1);
    assert_eq!(book.trial_balance(), 0);
}
