//! The fee's share of each refund, when the merchant's terms change between them.

use crate::support::*;
use channels::answer::RefundState;
use domain::Request;
use domain::merchant::UpdateMerchant;

fn returns_fees(book: &mut Book, merchant: &str, returns: bool) {
    let command = UpdateMerchant {
        merchant: merchant.into(),
        refund_returns_fee: Some(returns),
        ..UpdateMerchant::default()
    };
    book.ask(&operator(), Request::UpdateMerchant(command))
        .unwrap();
}

/// A merchant that gets no fee back, with money beside, and a payment of 9.99 that cost it 6 fen.
fn paid() -> (Book, String, String) {
    let mut book = Book::new();
    let mut terms = merchant_terms("m1");
    terms.refund_returns_fee = false;
    let merchant = book.open_merchant_with(terms);
    book.paid(&merchant, "beside", 100_000);
    let payment = book.paid(&merchant, "o1", 999);
    assert_eq!(book.payment(&payment).fee, fen(6));
    (book, merchant, payment)
}

#[test]
fn a_refund_returns_its_own_share_and_not_that_of_one_made_under_other_terms() {
    let (mut book, merchant, payment) = paid();
    book.refund_request(&payment, "r1", 500).unwrap();
    assert_eq!(book.payment(&payment).fee_returned, fen(0));
    returns_fees(&mut book, &merchant, true);
    book.refund_request(&payment, "r2", 499).unwrap();
    assert_eq!(book.payment(&payment).fee_returned, fen(3));
    let income = book.chart().fee_income;
    assert_eq!(book.balance(income), 600 + 3);
}

#[test]
fn shares_add_up_to_the_fee_whatever_the_terms_were_in_between() {
    let (mut book, merchant, payment) = paid();
    for number in 0..9 {
        returns_fees(&mut book, &merchant, number % 3 == 0);
        book.refund_request(&payment, &format!("r{number}"), 111)
            .unwrap();
    }
    let after = book.payment(&payment);
    assert_eq!(after.refunded, fen(999));
    let kept = after.fee_kept.unwrap();
    assert_eq!(after.fee_returned.amount() + kept.amount(), 6);
    assert_eq!(after.fee_returned, fen(3));
}

#[test]
fn the_share_of_a_refund_that_comes_to_nothing_is_open_again() {
    let (mut book, merchant, payment) = paid();
    let first = book.refund_request(&payment, "r1", 500).unwrap();
    assert_eq!(book.payment(&payment).fee_kept, Some(fen(3)));
    book.answer(&first, refund_is(&first, RefundState::Closed));
    assert_eq!(book.payment(&payment).fee_kept, Some(fen(0)));
    returns_fees(&mut book, &merchant, true);
    book.refund_request(&payment, "r2", 999).unwrap();
    assert_eq!(book.payment(&payment).fee_returned, fen(6));
}
