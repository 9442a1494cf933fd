//! Commands about splits.

use super::SplitPlan;
use serde::{Deserialize, Serialize};

/// Splits a payment that succeeded without a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecuteSplit {
    /// Who received the payment.
    pub merchant: String,
    /// The payment.
    pub payment: String,
    /// Who gets what.
    pub plan: SplitPlan,
}
