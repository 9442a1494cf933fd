//! What must hold when everything is healed and nothing moves any more.

use super::Model;
use super::records::reference;
use crate::channel::{Books, OrderStanding, PayoutStanding, RefundStanding};
use crate::failure::{Broken, demand};
use domain::case::CaseStatus;
use domain::payment::PaymentStatus;
use domain::payout::PayoutStatus;
use domain::refund::{RefundOrigin, RefundStatus};

const LAW: &str = "in the end the books are the channel's books";
const OPEN: &str = "nothing stays open without a case";

/// How the channel has told its side by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// By answers and notifications, some of which were lost.
    Asked,
    /// By its bill, too.
    Billed,
}

impl Model {
    /// Number of holds ever placed.
    pub fn holds_placed(&self) -> u64 {
        self.clients.holds_placed()
    }

    /// Compares everything with the channel's books, in both directions.
    pub fn end(&self, books: &Books, told: Told) -> Result<(), Broken> {
        self.orders_end(books, told)?;
        self.refunds_end(books)?;
        self.payouts_end(books)
    }

    fn has_case(&self, object: &str) -> bool {
        self.cases
            .all()
            .any(|case| case.object == object && case.status != CaseStatus::Closed)
    }

    pub(super) fn has_or_had_case(&self, object: &str) -> bool {
        self.has_case(object) || self.cases.all().any(|case| case.object == object)
    }

    fn orders_end(&self, books: &Books, told: Told) -> Result<(), Broken> {
        for (order, entry) in &books.orders {
            let payment = self.payments.get(&format!("pay_{order}"));
            let paid = matches!(entry.standing, OrderStanding::Paid { .. });
            let booked = payment.map(|payment| {
                matches!(
                    payment.status,
                    PaymentStatus::Succeeded | PaymentStatus::UnderReview
                )
            });
            // Who was told that an order is closed, or not there, does not ask again: when the channel
            // turns round and its notification is lost, only the bill says so.
            let untold = told == Told::Asked && (entry.confirming || entry.denied);
            demand(booked == Some(paid) || untold, LAW, || {
                format!("order {order}: {entry:?}, in the books {payment:?}")
            })?;
        }
        for payment in self.payments.all() {
            demand(!payment.status.is_open(), OPEN, || format!("{payment:?}"))?;
        }
        Ok(())
    }

    fn refunds_end(&self, books: &Books) -> Result<(), Broken> {
        for (number, entry) in &books.refunds {
            let refund = self.refunds.get(&format!("ref_{number}"));
            let by_people = refund.is_some_and(|refund| refund.resolution.is_some());
            let agrees = refund.is_some_and(|refund| match entry.standing {
                RefundStanding::Succeeded(_) => refund.status == RefundStatus::Succeeded,
                RefundStanding::Closed if refund.origin == RefundOrigin::LateSuccess => {
                    by_people || refund.status == RefundStatus::Stranded
                }
                RefundStanding::Closed => refund.status == RefundStatus::Closed,
                RefundStanding::Abnormal => by_people || refund.status == RefundStatus::Abnormal,
                RefundStanding::Processing => false,
            });
            demand(agrees, LAW, || {
                format!("refund {number}: {entry:?}, in the books {refund:?}")
            })?;
        }
        for refund in self.refunds.all().filter(|refund| refund.status.is_open()) {
            let stranded = matches!(
                refund.status,
                RefundStatus::Abnormal | RefundStatus::Stranded
            );
            demand(stranded && self.has_or_had_case(&refund.id), OPEN, || {
                format!("{refund:?}")
            })?;
        }
        Ok(())
    }

    fn payouts_end(&self, books: &Books) -> Result<(), Broken> {
        for (number, entry) in &books.payouts {
            let payout = self.payouts.get(&format!("pot_{number}"));
            let agrees = payout.is_some_and(|payout| match entry.standing {
                PayoutStanding::Succeeded => matches!(
                    payout.status,
                    PayoutStatus::Succeeded | PayoutStatus::Returned
                ),
                PayoutStanding::Failed => payout.status == PayoutStatus::Failed,
                PayoutStanding::Processing => false,
            });
            demand(agrees, LAW, || {
                format!("payout {number}: {entry:?}, in the books {payout:?}")
            })?;
        }
        for payout in self.payouts.all().filter(|payout| payout.status.is_open()) {
            // At the end the reserve covers everything and every sign of risk is cleared, so that none waits.
            let stranded = payout.status == PayoutStatus::Stranded;
            let unknown = !books.payouts.contains_key(reference(&payout.id));
            demand(
                stranded && unknown && self.has_or_had_case(&payout.id),
                OPEN,
                || format!("{payout:?}"),
            )?;
        }
        Ok(())
    }
}
