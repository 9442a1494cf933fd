//! An amount of money and its checked arithmetic.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Currency;

/// A whole number of minor units of one currency; negative amounts are allowed.
///
/// In JSON: `{"amount": 12345, "currency": "CNY"}`, where the amount is in fen; unknown fields and
/// fractions are refused. There is no ordering operator: amounts of two currencies have no order,
/// so comparison goes through [`Money::compare`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    amount: i64,
    currency: Currency,
}

/// Arithmetic on money failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The result does not fit into 64 bits of minor units.
    #[error(
        "the amount exceeds the range of 64-bit minor units: split the movement into smaller ones"
    )]
    Overflow,
    /// Two amounts of different currencies met; convert one of them first.
    #[error("amounts in {left} and {right} cannot be combined: convert one of them first")]
    CurrencyMismatch {
        /// Currency of the left operand.
        left: Currency,
        /// Currency of the right operand.
        right: Currency,
    },
}

impl Money {
    /// `amount` minor units of `currency`.
    pub const fn new(amount: i64, currency: Currency) -> Money {
        Money { amount, currency }
    }

    /// `fen` fen of renminbi.
    pub const fn cny(fen: i64) -> Money {
        Money::new(fen, Currency::CNY)
    }

    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Money {
        Money::new(0, currency)
    }

    /// The amount in minor units.
    pub const fn amount(self) -> i64 {
        self.amount
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether the amount is exactly nothing.
    pub const fn is_zero(self) -> bool {
        self.amount == 0
    }

    /// Whether the amount is above nothing.
    pub const fn is_positive(self) -> bool {
        self.amount > 0
    }

    /// Whether the amount is below nothing.
    pub const fn is_negative(self) -> bool {
        self.amount < 0
    }

    /// The sum. Fails on overflow or if the currencies differ.
    pub fn checked_add(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        self.with_amount(self.amount.checked_add(other.amount))
    }

    /// The difference. Fails on overflow or if the currencies differ.
    pub fn checked_sub(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        self.with_amount(self.amount.checked_sub(other.amount))
    }

    /// The amount with the opposite sign. Fails for the most negative 64-bit amount.
    pub fn checked_neg(self) -> Result<Money, MoneyError> {
        self.with_amount(self.amount.checked_neg())
    }

    /// The amount without its sign. Fails for the most negative 64-bit amount.
    pub fn checked_abs(self) -> Result<Money, MoneyError> {
        self.with_amount(self.amount.checked_abs())
    }

    /// The amount `times` times over. Fails on overflow.
    pub fn checked_mul(self, times: i64) -> Result<Money, MoneyError> {
        self.with_amount(self.amount.checked_mul(times))
    }

    /// The sum of `amounts`, all of which must be in `currency`; nothing for an empty sequence.
    ///
    /// Only the result has to fit 64 bits, so the order of the amounts does not matter.
    pub fn checked_sum(
        currency: Currency,
        amounts: impl IntoIterator<Item = Money>,
    ) -> Result<Money, MoneyError> {
        let mut sum: i128 = 0;
        for money in amounts {
            Money::zero(currency).same_currency(money)?;
            sum += i128::from(money.amount);
        }
        Money::from_wide(sum, currency)
    }

    /// How the amount compares with another of the same currency.
    pub fn compare(self, other: Money) -> Result<Ordering, MoneyError> {
        self.same_currency(other)?;
        Ok(self.amount.cmp(&other.amount))
    }

    /// The amount in major units with all decimals of the currency, without its code: `123.45`.
    ///
    /// [`crate::parse_major`] reads it back.
    pub fn to_major_string(self) -> String {
        let exponent = usize::from(self.currency.exponent());
        let sign = if self.amount < 0 { "-" } else { "" };
        let digits = format!(
            "{:0>width$}",
            self.amount.unsigned_abs(),
            width = exponent + 1
        );
        let (whole, decimals) = digits.split_at(digits.len() - exponent);
        if decimals.is_empty() {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{decimals}")
        }
    }

    /// Reads an amount in major units; see [`crate::parse_major`].
    pub fn parse_major(text: &str, currency: Currency) -> Result<Money, crate::ParseAmountError> {
        crate::parse_major(text, currency)
    }

    pub(crate) fn from_wide(amount: i128, currency: Currency) -> Result<Money, MoneyError> {
        i64::try_from(amount)
            .map(|amount| Money::new(amount, currency))
            .map_err(|_| MoneyError::Overflow)
    }

    pub(crate) fn same_currency(self, other: Money) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch {
                left: self.currency,
                right: other.currency,
            })
        }
    }

    fn with_amount(self, amount: Option<i64>) -> Result<Money, MoneyError> {
        amount
            .map(|amount| Money::new(amount, self.currency))
            .ok_or(MoneyError::Overflow)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency, self.to_major_string())
    }
}
