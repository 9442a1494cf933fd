//! Proportions of an amount, and the direction in which a fraction of a minor unit goes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Money, MoneyError};

const MILLION: u32 = 1_000_000;

/// A proportion between nothing and the whole, in parts per million.
///
/// In JSON a rate is the number of parts per million: 6000 is 0.6 %.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(try_from = "u32", into = "u32")]
pub struct Rate(u32);

/// A rate above the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rate of {ppm} parts per million is above 1000000 (100 %): check the unit of the rate")]
pub struct RateError {
    /// The refused rate.
    pub ppm: u64,
}

/// What happens to the fraction of a minor unit; always a conscious choice of the caller.
///
/// All directions are symmetric around zero, so that the fee of a reversal equals the fee reversed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Towards zero.
    Down,
    /// Away from zero.
    Up,
    /// To the nearest; a half goes away from zero (四舍五入).
    HalfUp,
    /// To the nearest; a half goes to the even neighbour.
    HalfEven,
}

impl Rate {
    /// No part at all.
    pub const ZERO: Rate = Rate(0);
    /// The whole.
    pub const ONE: Rate = Rate(MILLION);

    /// A rate in parts per million, at most 1 000 000.
    pub fn from_ppm(ppm: u32) -> Result<Rate, RateError> {
        if ppm <= MILLION {
            Ok(Rate(ppm))
        } else {
            Err(RateError {
                ppm: u64::from(ppm),
            })
        }
    }

    /// A rate in hundredths of a percent (万分之一), at most 10 000.
    pub fn from_basis_points(basis_points: u32) -> Result<Rate, RateError> {
        let ppm = u64::from(basis_points) * 100;
        match u32::try_from(ppm) {
            Ok(small) if small <= MILLION => Ok(Rate(small)),
            _ => Err(RateError { ppm }),
        }
    }

    /// The rate in parts per million.
    pub const fn ppm(self) -> u32 {
        self.0
    }

    /// This part of `amount`.
    pub fn of(self, amount: Money, rounding: Rounding) -> Result<Money, MoneyError> {
        let product = i128::from(amount.amount()) * i128::from(self.0);
        Money::from_wide(
            divide(product, i128::from(MILLION), rounding),
            amount.currency(),
        )
    }
}

/// `numerator / denominator` rounded; the denominator is positive.
fn divide(numerator: i128, denominator: i128, rounding: Rounding) -> i128 {
    let quotient = numerator / denominator;
    let remainder = (numerator % denominator).abs();
    if remainder == 0 {
        return quotient;
    }
    let away = match rounding {
        Rounding::Down => false,
        Rounding::Up => true,
        Rounding::HalfUp => remainder * 2 >= denominator,
        Rounding::HalfEven => {
            remainder * 2 > denominator || (remainder * 2 == denominator && quotient % 2 != 0)
        }
    };
    if away {
        quotient + numerator.signum()
    } else {
        quotient
    }
}

impl TryFrom<u32> for Rate {
    type Error = RateError;

    fn try_from(ppm: u32) -> Result<Self, Self::Error> {
        Rate::from_ppm(ppm)
    }
}

impl From<Rate> for u32 {
    fn from(rate: Rate) -> u32 {
        rate.ppm()
    }
}

impl fmt::Display for Rate {
    /// In percent without trailing zeros: `0.6%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0 / 10_000;
        let fraction = format!("{:04}", self.0 % 10_000);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() {
            write!(f, "{whole}%")
        } else {
            write!(f, "{whole}.{fraction}%")
        }
    }
}
