//! Payments that are split.

use super::{Book, as_merchant};
use domain::split::{ExecuteSplit, Receiver, ReceiverKind, Share, Split, SplitPlan};
use domain::{Rejection, Reply, Request};
use money::Rate;

pub fn ppm(rate: u32) -> Share {
    Share::Proportion(Rate::from_ppm(rate).unwrap())
}

/// Shares of sellers.
pub fn plan(receivers: &[(&str, Share)]) -> SplitPlan {
    let receivers = receivers
        .iter()
        .map(|(merchant, share)| Receiver {
            merchant: (*merchant).to_owned(),
            kind: ReceiverKind::Seller,
            share: *share,
        })
        .collect();
    SplitPlan { receivers }
}

/// A book with a main merchant and two receivers.
pub fn three() -> (Book, String, String, String) {
    let mut book = Book::new();
    let main = book.open_merchant("m0");
    let one = book.open_merchant("m1");
    let two = book.open_merchant("m2");
    (book, main, one, two)
}

impl Book {
    pub fn split_of(&self, payment: &str) -> Split {
        self.record(&self.payment(payment).split.unwrap()).unwrap()
    }

    /// Splits what was paid before; answers whether that had been done already.
    pub fn split_later(&mut self, payment: &str, plan: SplitPlan) -> Result<bool, Rejection> {
        let merchant = self.payment(payment).merchant;
        let command = ExecuteSplit {
            merchant: merchant.clone(),
            payment: payment.into(),
            plan,
        };
        match self.ask(&as_merchant(&merchant), Request::ExecuteSplit(command))? {
            Reply::Split { repeated, .. } => Ok(repeated),
            other => panic!("{other:?}"),
        }
    }
}
