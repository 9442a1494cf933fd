//! What a service costs for an amount: a rate, a flat part, a floor and a cap.

use serde::{Deserialize, Serialize};

use crate::{Money, MoneyError, Rate, Rounding};

/// A price list of one line. All amounts are minor units of the currency of the charged amount.
///
/// The fee is `rate × amount + flat`, raised to `min` and lowered to `max`. A schedule that
/// exists is valid: nothing in it is negative and the floor is not above the cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Unchecked", into = "Unchecked")]
pub struct FeeSchedule {
    rate: Rate,
    flat: i64,
    min: Option<i64>,
    max: Option<i64>,
}

/// A fee schedule contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FeeScheduleError {
    /// A part of the schedule is below nothing.
    #[error("the {field} of a fee schedule is {amount}: give zero or more minor units")]
    Negative {
        /// `flat`, `min` or `max`.
        field: &'static str,
        /// The refused amount in minor units.
        amount: i64,
    },
    /// The floor is above the cap.
    #[error("the fee floor {min} is above the fee cap {max}: lower the floor or raise the cap")]
    FloorAboveCap {
        /// The floor in minor units.
        min: i64,
        /// The cap in minor units.
        max: i64,
    },
}

/// A fee could not be worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FeeError {
    /// Fees are charged on amounts of zero or more; a returned fee is the negation of the charged one.
    #[error("a fee cannot be charged on the negative amount {amount}: negate the original fee")]
    NegativeAmount {
        /// The refused amount.
        amount: Money,
    },
    /// The result does not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    #[serde(default)]
    rate: Rate,
    #[serde(default)]
    flat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max: Option<i64>,
}

impl FeeSchedule {
    /// A service that costs nothing.
    pub const FREE: FeeSchedule = FeeSchedule {
        rate: Rate::ZERO,
        flat: 0,
        min: None,
        max: None,
    };

    /// A schedule of all four parts; amounts in minor units.
    pub fn new(
        rate: Rate,
        flat: i64,
        min: Option<i64>,
        max: Option<i64>,
    ) -> Result<FeeSchedule, FeeScheduleError> {
        let parts = [("flat", Some(flat)), ("min", min), ("max", max)];
        for (field, amount) in parts {
            if let Some(amount) = amount.filter(|amount| *amount < 0) {
                return Err(FeeScheduleError::Negative { field, amount });
            }
        }
        match (min, max) {
            (Some(min), Some(max)) if min > max => {
                Err(FeeScheduleError::FloorAboveCap { min, max })
            }
            _ => Ok(FeeSchedule {
                rate,
                flat,
                min,
                max,
            }),
        }
    }

    /// A schedule that is a pure rate.
    pub const fn proportional(rate: Rate) -> FeeSchedule {
        FeeSchedule {
            rate,
            flat: 0,
            min: None,
            max: None,
        }
    }

    /// The proportional part.
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// The part charged whatever the amount, in minor units.
    pub const fn flat(&self) -> i64 {
        self.flat
    }

    /// The floor in minor units.
    pub const fn min(&self) -> Option<i64> {
        self.min
    }

    /// The cap in minor units.
    pub const fn max(&self) -> Option<i64> {
        self.max
    }

    /// The fee for `amount`, in its currency.
    ///
    /// The fee may exceed the amount (a floor on a small payment): whether that is acceptable is
    /// the caller's decision, not this schedule's.
    pub fn fee(&self, amount: Money, rounding: Rounding) -> Result<Money, FeeError> {
        if amount.is_negative() {
            return Err(FeeError::NegativeAmount { amount });
        }
        let proportional = self.rate.of(amount, rounding)?;
        let mut fee = i128::from(proportional.amount()) + i128::from(self.flat);
        if let Some(min) = self.min {
            fee = fee.max(i128::from(min));
        }
        if let Some(max) = self.max {
            fee = fee.min(i128::from(max));
        }
        Ok(Money::from_wide(fee, amount.currency())?)
    }
}

impl TryFrom<Unchecked> for FeeSchedule {
    type Error = FeeScheduleError;

    fn try_from(parts: Unchecked) -> Result<Self, Self::Error> {
        FeeSchedule::new(parts.rate, parts.flat, parts.min, parts.max)
    }
}

impl From<FeeSchedule> for Unchecked {
    fn from(schedule: FeeSchedule) -> Unchecked {
        Unchecked {
            rate: schedule.rate,
            flat: schedule.flat,
            min: schedule.min,
            max: schedule.max,
        }
    }
}
