//! What a bill says the channel pays over, in all and for each shard's entries.

use super::ReconcileError;
use channels::wechat::bill::{BillKind, BillRefundStatus, BillRow, BillSummary, fee_in_fen};
use domain::clearing::Unsettled;
use engine::ShardCode;
use money::{Currency, Money};
use serde::Serialize;
use std::collections::BTreeMap;

/// What the channel pays over for a date. It settles less than an order is about where the merchant
/// pays for a coupon, so these are not the amounts that lines are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PaysOver {
    /// Payments, as they are settled.
    pub settled: Money,
    /// Refunds, as they are deducted.
    pub refunds: Money,
    /// Fees charged less fees given back.
    pub fee: Money,
    /// The first less the others.
    pub net: Money,
}

impl PaysOver {
    /// Nothing: there is no bill.
    pub(super) fn nothing(currency: Currency) -> PaysOver {
        let zero = Money::zero(currency);
        PaysOver {
            settled: zero,
            refunds: zero,
            fee: zero,
            net: zero,
        }
    }

    pub(super) fn of(summary: &BillSummary) -> Result<PaysOver, ReconcileError> {
        let (settled, refunds) = (summary.settlement_total, summary.refund_total);
        let net = settled
            .checked_sub(refunds)
            .and_then(|rest| rest.checked_sub(summary.fee_total));
        Ok(PaysOver {
            settled,
            refunds,
            fee: summary.fee_total,
            net: net.map_err(|_| too_large())?,
        })
    }
}

/// Sums of a bill's lines by the shard whose entries they are about: a clearing is booked there.
#[derive(Debug, Default)]
pub(super) struct Totals(BTreeMap<ShardCode, Sums>);

#[derive(Debug, Default)]
struct Sums {
    gross: i128,
    refunds: i128,
    fee_e5: i64,
    unsettled: Rest,
}

/// What is not settled of lines.
#[derive(Debug, Default)]
struct Rest {
    amount: i128,
    turnover: i128,
    lines: u64,
    first: Option<String>,
}

/// What a shard books.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub gross: Money,
    pub refunds: Money,
    pub channel_fee: Money,
    pub unsettled: Option<Unsettled>,
}

impl Totals {
    pub(super) fn count(&mut self, shard: ShardCode, row: &BillRow) -> Result<(), ReconcileError> {
        let sums = self.0.entry(shard).or_default();
        sums.fee_e5 = sums.fee_e5.checked_add(row.fee_e5).ok_or_else(too_large)?;
        match (&row.kind, &row.refund) {
            (BillKind::Refund, Some(refund)) => {
                let deducted = minor(refund.settlement_amount);
                sums.refunds += deducted;
                // Where nothing is deducted yet, nothing was left out either.
                if refund.status == BillRefundStatus::Succeeded || deducted != 0 {
                    let rest = minor(refund.amount) - deducted;
                    sums.unsettled.add(-rest, &refund.our_reference);
                }
            }
            _ => {
                let settled = minor(row.settlement_amount);
                sums.gross += settled;
                let rest = minor(row.amount) - settled;
                sums.unsettled.add(rest, &row.our_reference);
            }
        }
        Ok(())
    }

    /// The parts of all shards. They add up to what the bill states: its exact sum of fees is rounded
    /// once, and what rounding leaves over is borne where the most fees are, by the first of these.
    pub(super) fn parts(
        &self,
        currency: Currency,
    ) -> Result<BTreeMap<ShardCode, Part>, ReconcileError> {
        let total = self
            .0
            .values()
            .try_fold(0i64, |sum, sums| sum.checked_add(sums.fee_e5));
        let rounded = |sums: &Sums| minor(fee_in_fen(sums.fee_e5));
        let over = minor(fee_in_fen(total.ok_or_else(too_large)?))
            - self.0.values().map(rounded).sum::<i128>();
        // Of equals `max_by_key` gives the last, and it has to be the first.
        let most = self.0.iter().rev();
        let bearer = most.max_by_key(|(_, sums)| sums.fee_e5.unsigned_abs());
        let bearer = bearer.map(|(shard, _)| *shard);
        let mut parts = BTreeMap::new();
        for (shard, sums) in &self.0 {
            let fee = match bearer == Some(*shard) {
                true => rounded(sums) + over,
                false => rounded(sums),
            };
            let part = Part {
                gross: money(sums.gross, currency)?,
                refunds: money(sums.refunds, currency)?,
                channel_fee: money(fee, currency)?,
                unsettled: sums.unsettled.in_minor_units(currency)?,
            };
            parts.insert(*shard, part);
        }
        Ok(parts)
    }
}

impl Rest {
    fn add(&mut self, amount: i128, reference: &str) {
        if amount == 0 {
            return;
        }
        self.amount += amount;
        self.turnover += amount.abs();
        self.lines += 1;
        self.first.get_or_insert_with(|| reference.to_owned());
    }

    fn in_minor_units(&self, currency: Currency) -> Result<Option<Unsettled>, ReconcileError> {
        let Some(first) = &self.first else {
            return Ok(None);
        };
        Ok(Some(Unsettled {
            amount: money(self.amount, currency)?,
            turnover: money(self.turnover, currency)?,
            lines: self.lines,
            first: first.clone(),
        }))
    }
}

fn minor(amount: Money) -> i128 {
    i128::from(amount.amount())
}

fn money(amount: i128, currency: Currency) -> Result<Money, ReconcileError> {
    i64::try_from(amount)
        .map(|amount| Money::new(amount, currency))
        .map_err(|_| too_large())
}

fn too_large() -> ReconcileError {
    ReconcileError::Refused("the bill's sums are too large".into())
}
