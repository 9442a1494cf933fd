//! Commands about refunds.

use money::Money;
use serde::{Deserialize, Serialize};

/// Gives part or all of a payment back to the payer. The same refund number with the same content
/// answers the same refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateRefund {
    /// Who was paid.
    pub merchant: String,
    /// The payment.
    pub payment: String,
    /// The merchant's own number, unique for ever.
    pub refund_number: String,
    /// Amount given back.
    pub amount: Money,
    /// Shown to the payer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A person states how a refund ended for which the channel has no way left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolveRefund {
    /// The refund.
    pub refund: String,
    /// How it ended.
    pub outcome: ResolvedRefund,
    /// On what this rests.
    pub evidence: String,
}

/// What a person may state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolvedRefund {
    /// The payer got the money in another way, out of the reserve.
    PaidOtherwise,
    /// The payer did not get it; it is the merchant's again.
    NotPaid,
}
