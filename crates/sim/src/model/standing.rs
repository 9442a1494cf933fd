//! How objects may stand, given what really happened at the channel.

use super::Model;
use super::records::reference;
use crate::channel::{Books, OrderStanding, PayoutStanding, RefundStanding};
use crate::failure::{Broken, demand};
use domain::merchant::MerchantStatus;
use domain::payment::{Payment, PaymentStatus};
use domain::payout::{Payout, PayoutStatus};
use domain::refund::{Refund, RefundOrigin, RefundStatus};
use std::collections::BTreeMap;

const EVIDENCE: &str = "an end rests on what the channel did";
const FINAL: &str = "what is final stays";

/// Final standings seen so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    payments: BTreeMap<String, PaymentStatus>,
    refunds: BTreeMap<String, RefundStatus>,
    payouts: BTreeMap<String, PayoutStatus>,
}

impl Model {
    pub(super) fn check_standing(&mut self, books: &Books) -> Result<(), Broken> {
        for payment in self.payments.all() {
            self.payment_stands(payment, books)?;
            let before = self
                .seen
                .payments
                .insert(payment.id.clone(), payment.status);
            let kept = before != Some(PaymentStatus::Succeeded)
                || payment.status == PaymentStatus::Succeeded;
            demand(kept, FINAL, || format!("{before:?} became {payment:?}"))?;
        }
        for refund in self.refunds.all() {
            refund_stands(refund, books)?;
            let before = self.seen.refunds.insert(refund.id.clone(), refund.status);
            let was_final = matches!(before, Some(RefundStatus::Succeeded | RefundStatus::Closed));
            demand(!was_final || before == Some(refund.status), FINAL, || {
                format!("{before:?} became {refund:?}")
            })?;
        }
        for payout in self.payouts.all() {
            payout_stands(payout, books)?;
            let before = self.seen.payouts.insert(payout.id.clone(), payout.status);
            let kept = match before {
                Some(PayoutStatus::Succeeded) => matches!(
                    payout.status,
                    PayoutStatus::Succeeded | PayoutStatus::Returned
                ),
                Some(end @ (PayoutStatus::Failed | PayoutStatus::Returned)) => payout.status == end,
                _ => true,
            };
            demand(kept, FINAL, || format!("{before:?} became {payout:?}"))?;
        }
        never_twice(books)
    }

    fn payment_stands(&self, payment: &Payment, books: &Books) -> Result<(), Broken> {
        let entry = books.orders.get(reference(&payment.id));
        let as_paid = || match (entry.map(|entry| &entry.standing), &payment.paid) {
            (Some(OrderStanding::Paid { number, at }), Some(paid)) => {
                paid.channel_number == *number
                    && paid.paid_at == *at
                    && paid.amount == payment.amount
                    && entry.is_some_and(|entry| entry.amount == payment.amount)
            }
            _ => false,
        };
        let holds = match payment.status {
            PaymentStatus::Succeeded => as_paid(),
            // Right amounts are only in doubt when there is no merchant any more to have them.
            PaymentStatus::UnderReview => {
                as_paid()
                    && self.has_or_had_case(&payment.id)
                    && self
                        .merchants
                        .get(&payment.merchant)
                        .is_some_and(|merchant| merchant.status == MerchantStatus::Closed)
            }
            _ => payment.paid.is_none(),
        };
        demand(holds, EVIDENCE, || {
            format!("{payment:?}, at the channel {entry:?}")
        })
    }
}

/// The law this all exists for.
fn never_twice(books: &Books) -> Result<(), Broken> {
    for (reference, entry) in &books.payouts {
        demand(entry.accepted <= 1, "a payout is never sent twice", || {
            format!("the channel accepted {reference} {} times", entry.accepted)
        })?;
    }
    Ok(())
}

fn refund_stands(refund: &Refund, books: &Books) -> Result<(), Broken> {
    let entry = books.refunds.get(reference(&refund.id));
    let standing = entry.map(|entry| entry.standing);
    let by_people = refund.resolution.is_some();
    let holds = match refund.status {
        RefundStatus::Succeeded if by_people => true,
        RefundStatus::Succeeded => matches!(standing, Some(RefundStanding::Succeeded(_))),
        // What came too late is the merchant's only by the word of people.
        RefundStatus::Closed if refund.origin == RefundOrigin::LateSuccess => by_people,
        RefundStatus::Closed => {
            by_people || matches!(standing, None | Some(RefundStanding::Closed))
        }
        RefundStatus::Abnormal => standing == Some(RefundStanding::Abnormal),
        _ => true,
    };
    let same = entry.is_none_or(|entry| entry.amount == refund.amount);
    demand(holds && same && !refund.contrary_booked, EVIDENCE, || {
        format!("{refund:?}, at the channel {entry:?}")
    })
}

fn payout_stands(payout: &Payout, books: &Books) -> Result<(), Broken> {
    let entry = books.payouts.get(reference(&payout.id));
    let standing = entry.map(|entry| entry.standing);
    let holds = match payout.status {
        PayoutStatus::Succeeded | PayoutStatus::Returned => {
            standing == Some(PayoutStanding::Succeeded)
        }
        PayoutStatus::Failed if payout.resolution.is_some() => {
            standing.is_none_or(|standing| standing == PayoutStanding::Failed)
        }
        PayoutStatus::Held => standing.is_none() && payout.effect.is_none(),
        PayoutStatus::Failed => standing == Some(PayoutStanding::Failed),
        _ => true,
    };
    let same = entry.is_none_or(|entry| entry.amount == payout.amount);
    demand(holds && same && !payout.contrary_booked, EVIDENCE, || {
        format!("{payout:?}, at the channel {entry:?}")
    })
}
