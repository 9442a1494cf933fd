//! Fees: what a payment costs the merchant, and what of it a refund gives back.

pub(crate) mod posting;

use crate::booking::{minus, plus, smaller};
use crate::rejection::broken;
use engine::Interrupt;
use money::{FeeSchedule, Money, Rounding};

/// Fee of a payment, a half fen rounded up (四舍五入); never more than the payment.
pub fn of_payment(schedule: FeeSchedule, paid: Money) -> Result<Money, Interrupt> {
    let fee = schedule.fee(paid, Rounding::HalfUp).map_err(broken)?;
    Ok(smaller(fee, paid))
}

/// What a payment's fee looked like before a refund.
#[derive(Debug, Clone, Copy)]
pub struct Charged {
    /// What was paid.
    pub paid: Money,
    /// The whole fee.
    pub fee: Money,
    /// Refunded before.
    pub refunded: Money,
    /// The share of the fee that belongs to those refunds, given back with them or not.
    pub settled: Money,
}

/// Share of the fee that belongs to a refund of `amount`.
///
/// It is taken of the sum of all refunds and not of each, so that partial refunds add up to the fee exactly
/// when the last fen is refunded, and never to more.
pub fn of_refund(charged: Charged, amount: Money) -> Result<Money, Interrupt> {
    let refunded = plus(charged.refunded, amount)?;
    let nothing = Money::zero(amount.currency());
    if !charged.paid.is_positive() {
        return Ok(nothing);
    }
    let product = i128::from(charged.fee.amount()) * i128::from(refunded.amount());
    let paid = i128::from(charged.paid.amount());
    let share = i64::try_from((product * 2 + paid) / (paid * 2)).map_err(broken)?;
    let target = smaller(Money::new(share, amount.currency()), charged.fee);
    let due = minus(target, charged.settled)?;
    Ok(if due.is_negative() { nothing } else { due })
}
