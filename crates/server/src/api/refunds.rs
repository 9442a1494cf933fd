//! Refunds.

use super::decisions::DecisionView;
use super::enums;
use super::money::{MoneySchema, PositiveMoney};
use super::payments::RefusalView;
use calendar::BusinessDate;
use channels::Channel;
use domain::refund::{Refund, RefundStatus, ResolvedRefund};
use jiff::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};

/// A new refund.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "refund_number": "R-1",
    "amount": {"amount": 2345, "currency": "CNY"},
    "reason": "one book returned"
}))]
pub struct NewRefund {
    /// Who was paid; a merchant's key may leave it out.
    #[serde(default)]
    pub merchant: Option<String>,
    /// Your own number, unique for ever: 1 to 64 letters, digits or `-_.:`.
    pub refund_number: String,
    /// Amount given back.
    #[schema(value_type = MoneySchema)]
    pub amount: PositiveMoney,
    /// Shown to the payer.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What a person found out about a refund for which no automatic step is left.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"outcome": "paid_otherwise", "evidence": "bank transfer 2026-11-20/17"}))]
pub struct RefundResolution {
    /// How it ended.
    #[schema(schema_with = enums::resolved_refund)]
    pub outcome: ResolvedRefund,
    /// On what this rests.
    pub evidence: String,
}

/// A refund.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Refund)]
pub struct RefundView {
    /// `ref_…`
    #[schema(example = "ref_0001KABCDEFGHJKMNPQRSTVWXY")]
    pub id: String,
    /// Who was paid.
    pub merchant: String,
    /// The payment.
    pub payment: String,
    /// The merchant's own number; for a late success the payment's id.
    pub refund_number: String,
    /// Amount given back.
    #[schema(value_type = MoneySchema)]
    pub amount: Money,
    /// Shown to the payer.
    pub reason: Option<String>,
    /// Channel.
    #[schema(schema_with = enums::channel)]
    pub channel: Channel,
    /// Standing; the money is in transit until it is `succeeded` or `closed`.
    #[schema(schema_with = enums::refund_status)]
    pub status: RefundStatus,
    /// Fee given back with it.
    #[schema(value_type = MoneySchema)]
    pub fee_returned: Money,
    /// The channel's own number, once made.
    pub channel_number: Option<String>,
    /// When the payer got it.
    #[serde(with = "calendar::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub refunded_at: Option<Timestamp>,
    /// Why the channel declined it.
    pub refusal: Option<RefusalView>,
    /// A person's statement, where one decided.
    pub resolution: Option<String>,
    /// The decision by which it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionView>,
    /// Created at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Last changed at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Business date of its request.
    #[schema(value_type = String, format = Date)]
    pub business_date: BusinessDate,
}

impl From<Refund> for RefundView {
    fn from(refund: Refund) -> RefundView {
        RefundView {
            id: refund.id,
            merchant: refund.merchant,
            payment: refund.payment,
            refund_number: refund.refund_number,
            amount: refund.amount,
            reason: refund.reason,
            channel: refund.channel,
            status: refund.status,
            fee_returned: refund.fee_returned,
            channel_number: refund.channel_number,
            refunded_at: refund.refunded_at,
            refusal: refund.refusal.map(RefusalView::from),
            resolution: refund.resolution,
            decision: refund.decision.map(DecisionView::from),
            created_at: refund.created_at,
            updated_at: refund.updated_at,
            business_date: refund.business_date,
        }
    }
}
