//! Holds: amounts reserved on one account, captured in parts or released.

use crate::{AccountId, Side};
use serde::{Deserialize, Serialize};

/// 128-bit id of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HoldId(pub u128);

/// What is left of a hold; the caller keeps it between steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldState {
    /// The account held.
    pub account: AccountId,
    /// The side on which it is reserved; for money kept back this is the outgoing side.
    pub side: Side,
    /// Amount at the beginning, minor units.
    pub amount: i64,
    /// Not yet captured or released.
    pub remaining: i64,
}

impl HoldState {
    /// Nothing is left of it.
    pub fn is_finished(&self) -> bool {
        self.remaining == 0
    }
}
