//! Payouts that need a second person: large ones, many small ones of a day, and those to accounts not on file.

use crate::support::*;
use domain::merchant::BankAccount;
use domain::payout::{CreatePayout, SmallPayouts};
use domain::{Code, Reply, Request};
use engine::{Actor, Verdict};

/// A merchant with 9,940 fen settled and this account on file.
fn settled_to(number: &str) -> (Book, String) {
    let mut book = Book::new();
    let mut terms = merchant_terms("m1");
    terms.automatic_payout = false;
    let request = Request::CreateMerchant(terms);
    let made = book.ask_sealing(&operator(), request, "vlt_1", number);
    let Ok(Reply::Merchant { merchant, .. }) = made else {
        panic!("{made:?}")
    };
    book.paid(&merchant.id, "o1", 10_000);
    book.turn_day();
    (book, merchant.id.clone())
}

fn payout_to(merchant: &str, number: &str, amount: i64, vault_id: &str) -> CreatePayout {
    let payee = BankAccount {
        vault_id: vault_id.into(),
        ..bank_account()
    };
    CreatePayout {
        payee: Some(payee),
        ..payout_command(merchant, number, amount)
    }
}

/// One person would otherwise send the money of many merchants to one account, below every limit.
#[test]
fn a_payout_to_an_account_that_is_not_on_file_needs_a_second_person() {
    let (mut book, merchant) = settled_to("6222021111111234");
    let ask = |book: &mut Book, command: &CreatePayout, number: &str, actor: &Actor| {
        let vault_id = command.payee.as_ref().unwrap().vault_id.clone();
        let request = Request::CreatePayout(command.clone());
        book.submit_sealing(actor, request, &vault_id, number)
    };
    let known = payout_to(&merchant, "p1", 1_000, "vlt_11");
    let sent = ask(&mut book, &known, "6222021111111234", &operator());
    assert!(matches!(sent, Verdict::Done(_)), "{sent:?}");
    // The same mask, another account.
    let other = payout_to(&merchant, "p2", 1, "vlt_12");
    let asked = ask(&mut book, &other, "6222022222221234", &operator());
    let Verdict::Proposed(proposal) = asked else {
        panic!("{asked:?}")
    };
    assert_eq!(book.payouts_of(&merchant).len(), 1);
    let alone = book.approve(&operator(), &proposal);
    assert!(matches!(alone, Verdict::Denied(_)), "{alone:?}");
    let done = book.approve(&checker(), &proposal);
    assert!(matches!(done, Verdict::Done(_)), "{done:?}");
    // A repeat is answered; what two people answer for is not part of the day's sum.
    let again = payout_to(&merchant, "p2", 1, "vlt_13");
    let repeated = ask(&mut book, &again, "6222022222221234", &operator());
    assert!(matches!(repeated, Verdict::Done(_)), "{repeated:?}");
    let sum = book.record::<SmallPayouts>(&merchant).unwrap().sum;
    assert_eq!((book.payouts_of(&merchant).len(), sum), (2, fen(1_000)));
    // A merchant cannot vouch for an account: its payee is the one on file, and needs nobody.
    let mut own = payout_to(&merchant, "p3", 1_000, "vlt_14");
    own.payee.as_mut().unwrap().owner = None;
    let sent = ask(&mut book, &own, "6222021111111234", &as_merchant(&merchant));
    assert!(matches!(sent, Verdict::Done(_)), "{sent:?}");
}

/// First six and last four digits are the same for many accounts: a repeat to another of them would
/// be answered as paid.
#[test]
fn a_repeat_to_another_account_with_the_same_mask_is_refused() {
    let (mut book, merchant) = settled_to("6222021111111234");
    let mut pay = |vault_id: &str, number: &str| {
        let request = Request::CreatePayout(payout_to(&merchant, "p1", 4_000, vault_id));
        book.ask_sealing(&operator(), request, vault_id, number)
    };
    pay("vlt_11", "6222021111111234").unwrap();
    let repeated = pay("vlt_12", "6222021111111234").unwrap();
    assert!(matches!(repeated, Reply::Payout { repeated: true, .. }));
    let refused = pay("vlt_13", "6222022222221234").unwrap_err();
    assert_refused(&refused, Code::AlreadyExists, "payee");
    let found = book.payouts_of(&merchant);
    let kept = serde_json::to_string(&found.first().unwrap().payee).unwrap();
    assert!(kept.contains("fingerprint") && !kept.contains("1111111"));
}

#[test]
fn a_large_payout_needs_a_second_person() {
    let mut book = Book::new();
    let merchant = book.open_on_request("m1");
    book.paid(&merchant, "o1", 8_000_000);
    book.turn_day();
    let command = Request::CreatePayout(payout_command(&merchant, "p1", 5_000_001));
    book.propose(&as_merchant(&merchant), command.clone());
    assert!(book.payouts_of(&merchant).is_empty());
    book.ask_approved(&as_merchant(&merchant), command).unwrap();
    assert_eq!(book.payouts_of(&merchant).len(), 1);
}

/// Somebody with a merchant's key takes out in parts what he may not take out at once.
#[test]
fn a_large_payout_in_small_parts_needs_a_second_person_too() {
    let mut book = Book::new();
    let merchant = book.open_on_request("m1");
    book.paid(&merchant, "o1", 20_000_000);
    book.turn_day();
    book.payout_request(&merchant, "p1", 2_500_000).unwrap();
    book.payout_request(&merchant, "p2", 2_500_000).unwrap();
    let third = Request::CreatePayout(payout_command(&merchant, "p3", 1));
    book.propose(&as_merchant(&merchant), third.clone());
    // A repeat of one that went out is answered all the same.
    book.payout_request(&merchant, "p2", 2_500_000).unwrap();
    assert_eq!(book.payouts_of(&merchant).len(), 2);
    book.ask_approved(&as_merchant(&merchant), third).unwrap();
    // What two people agreed to counts for nobody; another day is another sum.
    let large = Request::CreatePayout(payout_command(&merchant, "p4", 6_000_000));
    book.ask_approved(&as_merchant(&merchant), large).unwrap();
    book.turn_day();
    book.payout_request(&merchant, "p5", 5_000_000).unwrap();
    assert_eq!(book.payouts_of(&merchant).len(), 5);
}
