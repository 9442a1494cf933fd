//! What has to hold when the days are over. Each failure is one sentence.

use super::facts::{Facts, sum};
use domain::payment::{Payment, PaymentStatus, Source};
use domain::payout::PayoutStatus;
use domain::reference_of;
use domain::refund::RefundStatus;
use recon::Finding;
use sandbox::wechat::{Difference, PlantedDifference};
use server::reconciliation::Reconciled;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that does not hold.
pub fn all(
    facts: &Facts,
    reconciliations: &[Reconciled],
    planted: &[PlantedDifference],
) -> Vec<String> {
    let mut broken = Vec::new();
    verified(facts, &mut broken);
    came_to_an_end(facts, &mut broken);
    agree_with_the_channels(facts, &mut broken);
    in_transit(facts, &mut broken);
    merchants_add_up(facts, &mut broken);
    differences(facts, reconciliations, planted, &mut broken);
    cleared(facts, reconciliations, &mut broken);
    broken
}

fn expect(broken: &mut Vec<String>, holds: bool, sentence: impl FnOnce() -> String) {
    if !holds {
        broken.push(sentence());
    }
}

fn verified(facts: &Facts, broken: &mut Vec<String>) {
    for problem in &facts.verification.problems {
        broken.push(format!("{}: {}", problem.place, problem.problem));
    }
    for (currency, difference) in &facts.verification.trial_balance {
        expect(broken, *difference == 0, || {
            format!("the trial balance in {currency} is {difference}")
        });
    }
}

fn came_to_an_end(facts: &Facts, broken: &mut Vec<String>) {
    let ended = |status| matches!(status, PaymentStatus::Succeeded | PaymentStatus::Closed);
    let open = facts
        .payments
        .iter()
        .filter(|payment| !ended(payment.status))
        .count();
    expect(broken, open == 0, || format!("{open} payments have no end"));
    let open = facts
        .refunds
        .iter()
        .filter(|refund| refund.status != RefundStatus::Succeeded)
        .count();
    expect(broken, open == 0, || {
        format!("{open} refunds did not succeed")
    });
    let open = facts
        .payouts
        .iter()
        .filter(|payout| payout.status != PayoutStatus::Succeeded)
        .count();
    expect(broken, open == 0, || {
        format!("{open} payouts did not succeed")
    });
    expect(broken, facts.open_effects == 0, || {
        format!("{} effects are not done", facts.open_effects)
    });
    let asked: u64 = facts.days.iter().map(|day| day.orders).sum();
    let taken = facts.payments.len() as u64;
    expect(broken, asked == taken, || {
        format!("{asked} orders were placed, {taken} are in the book")
    });
}

/// Each channel's own books name the same objects with the same amounts.
fn agree_with_the_channels(facts: &Facts, broken: &mut Vec<String>) {
    let ours = facts.payments.iter().filter_map(|payment| {
        let paid = payment.paid.as_ref()?;
        Some((reference_of(&payment.id).0, paid.amount.amount()))
    });
    let ours: BTreeMap<String, i64> = ours.collect();
    expect(broken, ours == facts.channels.wechat_paid, || {
        format!(
            "we have {} paid orders, WeChat has {}",
            ours.len(),
            facts.channels.wechat_paid.len()
        )
    });
    let refunds = facts
        .refunds
        .iter()
        .map(|refund| (reference_of(&refund.id).0, refund.amount.amount()));
    let refunds: BTreeMap<String, i64> = refunds.collect();
    expect(broken, refunds == facts.channels.wechat_refunded, || {
        format!(
            "we have {} refunds, WeChat has {}",
            refunds.len(),
            facts.channels.wechat_refunded.len()
        )
    });
    let paid_out = (
        facts.payouts.len() as u64,
        sum(facts.payouts.iter().map(|payout| payout.amount)),
    );
    expect(broken, paid_out == facts.channels.unionpay_paid, || {
        format!(
            "we paid out {paid_out:?} (count, fen), UnionPay says {:?}",
            facts.channels.unionpay_paid
        )
    });
}

fn in_transit(facts: &Facts, broken: &mut Vec<String>) {
    for (name, balance) in &facts.balances {
        let transit = ["TRN:", "RFD:", "ESC:"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
        expect(broken, !transit || *balance == 0, || {
            format!("{name} still holds {balance} fen")
        });
    }
}

/// Takings less fees, splits, refunds and payouts are what is still owed, to the fen.
fn merchants_add_up(facts: &Facts, broken: &mut Vec<String>) {
    for merchant in &facts.merchants {
        let line = MerchantLine::of(facts, &merchant.id);
        let owed = facts.balance(&format!("MS:{}", merchant.id));
        expect(broken, line.owed() == owed, || {
            format!(
                "{} is owed {owed} fen, its movements make {}",
                merchant.name,
                line.owed()
            )
        });
    }
}

/// The movements of one merchant, in fen.
#[derive(Debug, Clone, Copy, Default)]
pub struct MerchantLine {
    /// Payments booked.
    pub payments: u64,
    /// Their sum.
    pub taken: i64,
    /// Fees less what refunds gave back.
    pub fees: i64,
    /// Given to receivers, net of what they gave back.
    pub split_out: i64,
    /// Received from splits, net.
    pub split_in: i64,
    /// Refunded.
    pub refunded: i64,
    /// Paid out.
    pub paid_out: i64,
}

impl MerchantLine {
    /// From the records.
    pub fn of(facts: &Facts, merchant: &str) -> MerchantLine {
        let mut line = MerchantLine::default();
        for payment in facts
            .payments
            .iter()
            .filter(|payment| payment.merchant == merchant)
        {
            line.add_payment(payment);
        }
        for split in &facts.splits {
            for part in &split.parts {
                let net = part.amount.amount() - part.returned.amount();
                line.split_out += if split.merchant == merchant { net } else { 0 };
                line.split_in += if part.merchant == merchant { net } else { 0 };
            }
        }
        let refunds = facts
            .refunds
            .iter()
            .filter(|refund| refund.merchant == merchant);
        line.refunded = sum(refunds.map(|refund| refund.amount));
        let payouts = facts
            .payouts
            .iter()
            .filter(|payout| payout.merchant == merchant);
        line.paid_out = sum(payouts.map(|payout| payout.amount));
        line
    }

    fn add_payment(&mut self, payment: &Payment) {
        if let Some(paid) = &payment.paid {
            self.payments += 1;
            self.taken += paid.amount.amount();
            self.fees += payment.fee.amount() - payment.fee_returned.amount();
        }
    }

    /// What the merchant's account must show.
    pub fn owed(&self) -> i64 {
        self.taken - self.fees - self.split_out + self.split_in - self.refunded - self.paid_out
    }
}

/// Reconciliation found what was planted in the bills, and beside it only payments of which nothing but the bill told.
fn differences(
    facts: &Facts,
    reconciliations: &[Reconciled],
    planted: &[PlantedDifference],
    broken: &mut Vec<String>,
) {
    let found: BTreeSet<(String, &str)> = reconciliations
        .iter()
        .flat_map(|reconciled| &reconciled.reconciliation.differences)
        .map(|difference| {
            (
                difference.our_reference.clone().unwrap_or_default(),
                difference.finding.name(),
            )
        })
        .collect();
    let expected: BTreeSet<(String, &str)> = planted
        .iter()
        .map(|planted| {
            let number = planted
                .out_refund_no
                .clone()
                .unwrap_or_else(|| planted.out_trade_no.clone());
            let finding = match planted.difference {
                Difference::DropLine => "ours_only",
                Difference::ChangeAmount { .. } => "amount_differs",
                Difference::ForeignLine { .. } => "theirs_only",
            };
            (number, finding)
        })
        .collect();
    let told_by_bill = |payment: &&Payment| {
        let paid = payment.paid.as_ref();
        paid.is_some_and(|paid| paid.source == Source::Bill)
    };
    let learnt: BTreeSet<(String, &str)> = facts
        .payments
        .iter()
        .filter(told_by_bill)
        .map(|payment| (reference_of(&payment.id).0, "theirs_only"))
        .collect();
    let as_planted = found.is_superset(&expected)
        && found
            .difference(&expected)
            .all(|extra| learnt.contains(extra));
    expect(broken, as_planted && planted.len() == 3, || {
        format!("planted in the bills were {expected:?}, reconciliation found {found:?}")
    });
    for reconciled in reconciliations {
        let structural = &reconciled.reconciliation.structural_errors;
        expect(broken, structural.is_empty(), || {
            format!("a bill contradicts itself: {structural:?}")
        });
    }
}

/// What WeChat still owes us by the books is exactly what the bills do not agree on.
fn cleared(facts: &Facts, reconciliations: &[Reconciled], broken: &mut Vec<String>) {
    let disputed: i64 = reconciliations
        .iter()
        .flat_map(|reconciled| &reconciled.reconciliation.differences)
        // A line that was not in the books is booked on both sides now, in suspense or as the payment it tells of.
        .filter(|difference| !matches!(difference.finding, Finding::TheirsOnly { .. }))
        .filter_map(|difference| difference.effect().ok())
        .map(|excess| -excess.amount())
        .sum();
    let receivable = facts.balance("CHN:wechat");
    expect(broken, receivable == disputed, || {
        format!("WeChat owes {receivable} fen by the books, {disputed} fen are disputed")
    });
}
