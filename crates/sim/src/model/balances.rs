//! Balances from first principles: sums over payments, fees, splits, refunds and payouts.

use super::Model;
use crate::failure::{Broken, demand};
use crate::laws::BookLaws;
use domain::case::CaseKind;
use domain::merchant::Merchant;
use domain::payment::{Payment, PaymentStatus};
use domain::payout::PayoutStatus;
use domain::refund::{Refund, RefundOrigin, RefundStatus};
use money::Money;

const LAW: &str = "accounts equal the facts";

/// The fee by its definition: rate on the amount, a half rounded up, plus the flat part, within its
/// bounds, never more than was paid.
fn fee_of(merchant: &Merchant, paid: i64) -> i64 {
    let schedule = merchant.fee_schedule;
    let product = i128::from(paid) * i128::from(schedule.rate().ppm());
    let share = i64::try_from((product + 500_000) / 1_000_000).unwrap_or(i64::MAX);
    let mut fee = share + schedule.flat();
    fee = schedule.min().map_or(fee, |min| fee.max(min));
    fee = schedule.max().map_or(fee, |max| fee.min(max));
    fee.min(paid)
}

/// Sums of clearings with the channel.
#[derive(Default)]
struct Cleared {
    taken: i64,
    cost: i64,
    net: i64,
}

/// Not come to nothing: its money is not with the merchant.
fn counts(refund: &Refund) -> bool {
    refund.status != RefundStatus::Closed
}

impl Model {
    fn fee(&self, payment: &Payment) -> i64 {
        let Some(merchant) = self.merchants.get(&payment.merchant) else {
            return 0;
        };
        // Unless people left it to the merchant after all.
        let goes_back = |refund: &Refund| {
            refund.payment == payment.id
                && refund.origin == RefundOrigin::LateSuccess
                && counts(refund)
        };
        if self.refunds.all().any(goes_back) {
            return 0;
        }
        fee_of(merchant, payment.amount.amount())
    }

    pub(super) fn succeeded(&self) -> impl Iterator<Item = &Payment> {
        self.payments
            .all()
            .filter(|payment| payment.status == PaymentStatus::Succeeded)
    }

    /// What the institution gave for a refund that came to nothing, where the merchant no longer had
    /// the fee and the shares that were due again: a loss that a case names.
    fn cover_of(&self, refund: &Refund) -> i64 {
        if counts(refund) {
            return 0;
        }
        self.cases
            .all()
            .filter(|case| case.kind == CaseKind::Unbookable && case.object == refund.id)
            .filter_map(|case| case.amount)
            .map(Money::amount)
            .sum()
    }

    fn covers(&self, merchant: &str) -> i64 {
        self.refunds
            .all()
            .filter(|refund| refund.merchant == merchant)
            .map(|refund| self.cover_of(refund))
            .sum()
    }

    /// What is owed to a merchant.
    pub(super) fn expected_payable(&self, merchant: &str) -> i64 {
        let takings = self.expected_takings(merchant);
        let paid_out: i64 = self
            .payouts
            .all()
            .filter(|payout| payout.merchant == merchant)
            .filter(|payout| {
                !matches!(payout.status, PayoutStatus::Failed | PayoutStatus::Returned)
            })
            .map(|payout| payout.amount.amount())
            .sum();
        takings - paid_out
    }

    /// Everything a merchant took in and gave back, payouts apart.
    fn expected_takings(&self, merchant: &str) -> i64 {
        let mut sum = self.covers(merchant);
        for payment in self.succeeded().filter(|one| one.merchant == merchant) {
            sum += payment.amount.amount() - self.fee(payment);
        }
        for split in self.splits.all() {
            for part in &split.parts {
                let kept = part.amount.amount() - part.returned.amount();
                if part.merchant == merchant {
                    sum += kept;
                }
                if split.merchant == merchant {
                    sum -= kept;
                }
            }
        }
        for refund in self.refunds.all().filter(|one| one.merchant == merchant) {
            if counts(refund) {
                sum += refund.fee_returned.amount() - refund.amount.amount();
            }
        }
        sum
    }

    pub(super) fn check_balances(&self, laws: &BookLaws) -> Result<(), Broken> {
        for merchant in self.merchants.all() {
            self.merchant_accounts(merchant, laws)?;
            self.merchant_buckets(merchant)?;
        }
        for payment in self.payments.all() {
            self.payment_sums(payment)?;
        }
        for refund in self.refunds.all() {
            self.cover_is_due(refund)?;
        }
        self.internal_accounts(laws)?;
        self.reserve(laws)
    }

    /// Payouts do not take the reserve below zero, whatever else does, and wait in one line.
    fn reserve(&self, laws: &BookLaws) -> Result<(), Broken> {
        let Some(balance) = laws
            .named("RSV")
            .and_then(|account| laws.debit_balance(account))
        else {
            return Ok(());
        };
        let sent: i64 = self
            .payouts
            .all()
            .filter(|payout| payout.status.is_open() && payout.effect.is_some())
            .map(|payout| payout.amount.amount())
            .sum();
        let to_channels: i64 = self
            .clearings
            .all()
            .map(|clearing| clearing.net.amount().min(0))
            .sum();
        let otherwise: i64 = self
            .refunds
            .all()
            .filter(|refund| refund.status == RefundStatus::Succeeded)
            .filter(|refund| refund.resolution.is_some())
            .map(|refund| refund.amount.amount())
            .sum();
        let law = "payouts do not take the reserve below zero";
        demand(balance - sent >= to_channels - otherwise, law, || {
            format!("{balance} with {sent} on its way, {to_channels} and {otherwise} apart")
        })?;
        // Whoever was held by a sign joins the line when the sign is cleared; those who left before did not pass it.
        for waiting in self.payouts.all() {
            if waiting.status != PayoutStatus::WaitingForReserve {
                continue;
            }
            let passed = self.payouts.all().find(|payout| {
                payout.effect.is_some()
                    && payout.created_at > waiting.created_at
                    && payout.submitted_at > waiting.updated_at
            });
            demand(
                passed.is_none(),
                "payouts wait for the reserve in one line",
                || format!("{passed:?} was sent while {waiting:?} waits"),
            )?;
        }
        Ok(())
    }

    fn merchant_accounts(&self, merchant: &Merchant, laws: &BookLaws) -> Result<(), Broken> {
        let id = &merchant.id;
        let refunds: i64 = self
            .refunds
            .all()
            .filter(|refund| refund.merchant == *id && refund.status.is_open())
            .map(|refund| refund.amount.amount())
            .sum();
        let payouts: i64 = self
            .payouts
            .all()
            .filter(|payout| payout.merchant == *id && payout.status.is_open())
            .map(|payout| payout.amount.amount())
            .sum();
        let payable = self.expected_payable(id);
        demand(
            payable >= 0,
            "a merchant is never owed less than nothing",
            || format!("{id}: {payable}"),
        )?;
        for (name, expected) in [
            ("MS", payable),
            ("RFD", refunds),
            ("TRN", payouts),
            ("ESC", 0),
        ] {
            credit_is(laws, &format!("{name}:{id}"), expected)?;
        }
        Ok(())
    }

    /// What went through a merchant's buckets is what it took in.
    fn merchant_buckets(&self, merchant: &Merchant) -> Result<(), Broken> {
        let of_merchant = self.buckets.all().filter(|one| one.merchant == merchant.id);
        let sum: i64 = of_merchant.map(|bucket| bucket.net.amount()).sum();
        let expected = self.expected_takings(&merchant.id);
        demand(
            sum == expected,
            "settlement buckets add up to the takings",
            || format!("{}: buckets {sum}, takings {expected}", merchant.id),
        )?;
        for settlement in self
            .settlements
            .all()
            .filter(|one| one.merchant == merchant.id)
        {
            let taken = self
                .buckets
                .all()
                .filter(|bucket| bucket.settlement.as_deref() == Some(settlement.id.as_str()));
            let net: i64 = taken.map(|bucket| bucket.net.amount()).sum();
            let all = settlement.brought_forward.amount() + net;
            let left = settlement.paid_out.amount() + settlement.carried_forward.amount();
            demand(
                net == settlement.net.amount() && all == left,
                "a settlement is the sum of its buckets",
                || format!("{settlement:?}: buckets {net}"),
            )?;
        }
        Ok(())
    }

    /// The institution gives no more than what was due again.
    fn cover_is_due(&self, refund: &Refund) -> Result<(), Broken> {
        let shares: i64 = refund
            .split_returns
            .iter()
            .map(|part| part.amount.amount())
            .sum();
        let due = refund.fee_returned.amount() + shares;
        let cover = self.cover_of(refund);
        demand(
            (0..=due).contains(&cover),
            "the institution covers no more than was due again",
            || format!("{refund:?}: {cover} of {due}"),
        )
    }

    /// What a payment says of itself agrees with its refunds and its fee.
    fn payment_sums(&self, payment: &Payment) -> Result<(), Broken> {
        let of_payment = || self.refunds.all().filter(|one| one.payment == payment.id);
        let refunded: i64 = of_payment()
            .filter(|refund| counts(refund))
            .map(|refund| refund.amount.amount())
            .sum();
        let returned: i64 = of_payment()
            .filter(|refund| counts(refund))
            .map(|refund| refund.fee_returned.amount())
            .sum();
        let succeeded = payment.status == PaymentStatus::Succeeded;
        let fee = if succeeded { self.fee(payment) } else { 0 };
        let said = (
            payment.refunded.amount(),
            payment.fee_returned.amount(),
            payment.fee.amount(),
        );
        demand(said == (refunded, returned, fee), LAW, || {
            format!(
                "{}: {said:?}, expected {:?}",
                payment.id,
                (refunded, returned, fee)
            )
        })?;
        demand(
            refunded <= payment.amount.amount() && returned <= fee,
            "no more is given back than was paid",
            || format!("{payment:?}: {refunded} refunded, {returned} of the fee"),
        )
    }

    /// What the channel paid over and kept.
    fn cleared(&self) -> Cleared {
        let mut sum = Cleared::default();
        for clearing in self.clearings.all() {
            let taken = clearing.gross.amount() - clearing.refunds.amount();
            sum.taken += taken;
            sum.cost += clearing.channel_fee.amount();
            sum.net += taken - clearing.channel_fee.amount();
        }
        sum
    }

    fn internal_accounts(&self, laws: &BookLaws) -> Result<(), Broken> {
        if laws.named("RSV").is_none() {
            return Ok(());
        }
        let taken: i64 = self
            .payments
            .all()
            .filter_map(|payment| payment.paid.as_ref())
            .map(|paid| paid.amount.amount())
            .sum();
        let done = || {
            self.refunds
                .all()
                .filter(|refund| refund.status == RefundStatus::Succeeded)
        };
        let by_channel: i64 = done()
            .filter(|refund| refund.resolution.is_none())
            .map(|refund| refund.amount.amount())
            .sum();
        let otherwise: i64 = done()
            .filter(|refund| refund.resolution.is_some())
            .map(|refund| refund.amount.amount())
            .sum();
        let paid_out: i64 = self
            .payouts
            .all()
            .filter(|payout| payout.status == PayoutStatus::Succeeded)
            .map(|payout| payout.amount.amount())
            .sum();
        let fees: i64 = self.succeeded().map(|payment| self.fee(payment)).sum();
        let fees_returned: i64 = self
            .refunds
            .all()
            .filter(|refund| counts(refund))
            .map(|refund| refund.fee_returned.amount())
            .sum();
        let cleared = self.cleared();
        credit_is(laws, "CHN:wechat", by_channel - taken + cleared.taken)?;
        credit_is(laws, "CHN:unionpay", 0)?;
        credit_is(laws, "RSV", paid_out + otherwise - cleared.net)?;
        credit_is(laws, "COST:wechat", -cleared.cost)?;
        credit_is(laws, "FEE", fees - fees_returned)?;
        let under_review: i64 = self
            .payments
            .all()
            .filter(|payment| payment.status == PaymentStatus::UnderReview)
            .filter_map(|payment| payment.paid.as_ref())
            .map(|paid| paid.amount.amount())
            .sum();
        credit_is(laws, "SUS", under_review)?;
        let covers: i64 = self.refunds.all().map(|refund| self.cover_of(refund)).sum();
        credit_is(laws, "DIF", -covers)?;
        for nothing in ["OWN", "COST:unionpay"] {
            credit_is(laws, nothing, 0)?;
        }
        Ok(())
    }
}

fn credit_is(laws: &BookLaws, name: &str, expected: i64) -> Result<(), Broken> {
    let found = laws
        .named(name)
        .and_then(|account| laws.debit_balance(account))
        .map(|balance| -balance);
    demand(found == Some(expected), LAW, || {
        format!("{name}: {found:?}, expected {expected}")
    })
}
