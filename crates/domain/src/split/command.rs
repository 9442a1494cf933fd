//! Commands about splits.

use super::SplitPlan;
use serde::{Deserialize, Serialize};

/// Splits a payment that succeeded and is not split: it was ordered without a plan, or the plan could not be
/// executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecuteSplit {
    /// Who received the payment.
    pub merchant: String,
    /// The payment.
    pub payment: String,
    /// Who gets what.
    pub plan: SplitPlan,
}
