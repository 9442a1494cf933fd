//! Sums of one side.

use money::{Currency, Money, MoneyError};
use serde::{Deserialize, Serialize};

use crate::EntryKind;

/// How many movements of one kind, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subtotal {
    /// Number of movements.
    pub count: u64,
    /// Sum of their amounts.
    pub amount: Money,
}

/// The totals of one side for the statement's date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideTotals {
    /// Payments.
    pub payments: Subtotal,
    /// Refunds.
    pub refunds: Subtotal,
    /// Fees charged less fees given back, as far as they are known.
    pub fees: Money,
    /// Payments less refunds less fees.
    pub net: Money,
}

impl SideTotals {
    /// The same with another sum of fees: lines state fees with more decimals than the currency has, so
    /// that their sum is not that of the rounded ones.
    pub fn with_fees(self, fees: Money) -> Result<SideTotals, MoneyError> {
        let taken = self.payments.amount.checked_sub(self.refunds.amount)?;
        Ok(SideTotals {
            fees,
            net: taken.checked_sub(fees)?,
            ..self
        })
    }
}

/// Sums in the making, wide enough never to overflow while lines are counted in 64 bits.
#[derive(Debug, Default)]
pub(crate) struct Running {
    payments: (u64, i128),
    refunds: (u64, i128),
    fees: i128,
}

impl Running {
    pub(crate) fn add(&mut self, kind: EntryKind, amount: Money, fee: Option<Money>) {
        let sum = match kind {
            EntryKind::Payment => &mut self.payments,
            EntryKind::Refund => &mut self.refunds,
        };
        sum.0 += 1;
        sum.1 += i128::from(amount.amount());
        self.fees += fee.map_or(0, |fee| i128::from(fee.amount()));
    }

    pub(crate) fn totals(&self, currency: Currency) -> Result<SideTotals, MoneyError> {
        let money = |sum: i128| {
            i64::try_from(sum)
                .map(|amount| Money::new(amount, currency))
                .map_err(|_| MoneyError::Overflow)
        };
        let subtotal =
            |(count, sum): (u64, i128)| money(sum).map(|amount| Subtotal { count, amount });
        Ok(SideTotals {
            payments: subtotal(self.payments)?,
            refunds: subtotal(self.refunds)?,
            fees: money(self.fees)?,
            net: money(self.payments.1 - self.refunds.1 - self.fees)?,
        })
    }
}
