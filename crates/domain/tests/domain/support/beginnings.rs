//! Books with which a test begins.

use super::Book;

/// What the channel has paid over in [`Book::with_payout`].
pub const RECEIVED: i64 = 10_000;
/// What is settled there with the merchant.
pub const SETTLED: i64 = 9_940;
/// What the merchant asked for of it.
pub const ASKED: i64 = 4_000;

impl Book {
    /// A merchant, and its order of 10,000 that is not registered yet.
    pub fn with_order() -> (Book, String, String) {
        let mut book = Book::new();
        let merchant = book.open_merchant("m1");
        let payment = book.order(&merchant, "o1", 10_000);
        (book, merchant, payment)
    }

    /// A merchant, and its order of 10,000 that waits for the payer.
    pub fn with_registered_order() -> (Book, String, String) {
        let (mut book, merchant, payment) = Book::with_order();
        book.register(&payment);
        (book, merchant, payment)
    }

    /// A merchant, and its order of 10,000 that was paid: 9,940 and a fee of 60.
    pub fn with_payment() -> (Book, String, String) {
        let (mut book, merchant, payment) = Book::with_registered_order();
        book.pay(&payment, 10_000);
        (book, merchant, payment)
    }

    /// A merchant with [`SETTLED`], and its payout of [`ASKED`] that is on its way.
    pub fn with_payout() -> (Book, String, String) {
        let mut book = Book::new();
        book.receive(RECEIVED);
        let merchant = book.open_on_request("m1");
        book.paid(&merchant, "o1", 10_000);
        book.turn_day();
        let payout = book.payout_request(&merchant, "p1", ASKED).unwrap();
        (book, merchant, payout)
    }
}
