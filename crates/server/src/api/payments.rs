//! Payments.

use super::decisions::DecisionView;
use super::enums;
use super::money::{MoneySchema, PositiveMoney};
use super::splits::SplitPlanBody;
use calendar::BusinessDate;
use channels::{Channel, Instrument, Refusal};
use domain::payment::{CloseReason, FundSource, Paid, Payment, PaymentStatus, Source};
use jiff::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A new payment.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "merchant": "mch_0001KABCDEFGHJKMNPQRSTVWXY",
    "order_number": "A-1001",
    "amount": {"amount": 12345, "currency": "CNY"},
    "channel": "wechat",
    "description": "两本书"
}))]
pub struct NewPayment {
    /// Who is paid; a merchant's key may leave it out.
    #[serde(default)]
    pub merchant: Option<String>,
    /// Your own number, unique for ever: 1 to 64 letters, digits or `-_.:`.
    pub order_number: String,
    /// What the payer pays.
    #[schema(value_type = MoneySchema)]
    pub amount: PositiveMoney,
    /// Through which channel.
    #[schema(schema_with = enums::channel)]
    pub channel: Channel,
    /// Shown to the payer.
    pub description: String,
    /// What the payer pays from, where it is known; a rule about micro merchants needs it.
    #[serde(default)]
    #[schema(schema_with = enums::fund_source)]
    pub source: Option<FundSource>,
    /// When an unpaid order is closed, within 15 days.
    #[serde(default, with = "calendar::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// How the payment is split when it succeeds.
    #[serde(default)]
    pub split_plan: Option<SplitPlanBody>,
    /// Your own pairs, at most 20; no personal data.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// A channel's reason for declining.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Refusal)]
pub struct RefusalView {
    /// The channel's code.
    pub code: String,
    /// The channel's text.
    pub message: String,
}

impl From<Refusal> for RefusalView {
    fn from(refusal: Refusal) -> RefusalView {
        RefusalView {
            code: refusal.code,
            message: refusal.message,
        }
    }
}

/// The evidence that an order was paid.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Paid)]
pub struct PaidView {
    /// The channel's own number of the trade.
    pub channel_number: String,
    /// What was paid.
    #[schema(value_type = MoneySchema)]
    pub amount: Money,
    /// When, by the channel's clock.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub paid_at: Timestamp,
    /// What it was paid from, where the channel says so. Limits count by this, whatever the order said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = enums::instrument)]
    pub instrument: Option<Instrument>,
    /// Where we learned it.
    #[schema(schema_with = enums::source)]
    pub source: Source,
}

impl From<Paid> for PaidView {
    fn from(paid: Paid) -> PaidView {
        PaidView {
            channel_number: paid.channel_number,
            amount: paid.amount,
            paid_at: paid.paid_at,
            instrument: paid.instrument,
            source: paid.source,
        }
    }
}

/// A payment.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Payment)]
pub struct PaymentView {
    /// `pay_…`
    #[schema(example = "pay_0001KABCDEFGHJKMNPQRSTVWXY")]
    pub id: String,
    /// Who is paid.
    pub merchant: String,
    /// The merchant's own number.
    pub order_number: String,
    /// What the order asks for.
    #[schema(value_type = MoneySchema)]
    pub amount: Money,
    /// Channel.
    #[schema(schema_with = enums::channel)]
    pub channel: Channel,
    /// Shown to the payer.
    pub description: String,
    /// Standing.
    #[schema(schema_with = enums::payment_status)]
    pub status: PaymentStatus,
    /// Succeeded after it had been reported closed or failed.
    pub late: bool,
    /// Content of the QR code to show to the payer, once the channel has registered the order.
    pub code_url: Option<String>,
    /// When an unpaid order is closed.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Set while the order is being closed, and why it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = enums::close_reason)]
    pub close_reason: Option<CloseReason>,
    /// Why the channel refused or failed it.
    pub refusal: Option<RefusalView>,
    /// The evidence of success.
    pub paid: Option<PaidView>,
    /// When it was booked.
    #[serde(with = "calendar::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub succeeded_at: Option<Timestamp>,
    /// Fee charged.
    #[schema(value_type = MoneySchema)]
    pub fee: Money,
    /// Fee given back with refunds.
    #[schema(value_type = MoneySchema)]
    pub fee_returned: Money,
    /// Refunded or being refunded.
    #[schema(value_type = MoneySchema)]
    pub refunded: Money,
    /// What the payer pays from, as the order said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = enums::fund_source)]
    pub source: Option<FundSource>,
    /// The decision by which it was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionView>,
    /// The decision about its split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_decision: Option<DecisionView>,
    /// The split, once executed.
    pub split: Option<String>,
    /// The merchant's own pairs.
    pub metadata: BTreeMap<String, String>,
    /// Created at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Last changed at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Business date of its creation; of its success once it has succeeded.
    #[schema(value_type = String, format = Date)]
    pub business_date: BusinessDate,
}

impl From<Payment> for PaymentView {
    fn from(payment: Payment) -> PaymentView {
        PaymentView {
            id: payment.id,
            merchant: payment.merchant,
            order_number: payment.order_number,
            amount: payment.amount,
            channel: payment.channel,
            description: payment.description,
            status: payment.status,
            late: payment.late,
            code_url: payment.code_url,
            expires_at: payment.expires_at,
            close_reason: payment.close_reason,
            refusal: payment.refusal.map(RefusalView::from),
            paid: payment.paid.map(PaidView::from),
            succeeded_at: payment.succeeded_at,
            fee: payment.fee,
            fee_returned: payment.fee_returned,
            refunded: payment.refunded,
            source: payment.source,
            decision: payment.decision.map(DecisionView::from),
            split_decision: payment.split_decision.map(DecisionView::from),
            split: payment.split,
            metadata: payment.metadata,
            created_at: payment.created_at,
            updated_at: payment.updated_at,
            business_date: payment.business_date,
        }
    }
}
