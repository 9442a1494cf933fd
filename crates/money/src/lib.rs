//! Amounts of money that never pass through a floating point number.
//!
//! An amount is a whole number of minor units (分, fen for CNY) with its currency. Everything that
//! could lose or invent a minor unit is explicit: addition is checked, a rate needs a [`Rounding`],
//! and a division among parties goes through [`allocate`], whose parts always add up to the whole.
//!
//! This crate does no I/O and knows no channel, account or clock.

mod allocation;
mod amount;
mod currency;
mod fee;
mod major;
mod rate;

pub use allocation::{AllocateError, RemainderOwner, allocate, allocate_pro_rata};
pub use amount::{Money, MoneyError};
pub use currency::{Currency, UnknownCurrency};
pub use fee::{FeeError, FeeSchedule, FeeScheduleError};
pub use major::{ParseAmountError, parse_major};
pub use rate::{Rate, RateError, Rounding};
