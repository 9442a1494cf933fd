//! Splits (分账).

use super::decisions::DecisionView;
use super::enums;
use super::money::{MoneySchema, PositiveMoney};
use calendar::BusinessDate;
use domain::split::{Receiver, ReceiverKind, Share, Split, SplitPlan};
use jiff::Timestamp;
use money::{Money, Rate};
use serde::{Deserialize, Serialize};

/// How much a receiver gets: an amount, or a part of what was paid.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = Share)]
pub enum ShareBody {
    /// This amount.
    #[schema(value_type = MoneySchema)]
    Fixed(PositiveMoney),
    /// Parts per million of what was paid.
    #[schema(value_type = u32)]
    Proportion(Rate),
}

/// One receiver.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiverBody {
    /// Merchant that receives.
    #[schema(example = "mch_0001KABCDEFGHJKMNPQRSTVWXY")]
    pub merchant: String,
    /// What it is.
    #[schema(schema_with = enums::receiver_kind)]
    pub kind: ReceiverKind,
    /// How much.
    pub share: ShareBody,
}

/// Who gets what; the main merchant keeps the rest and pays the fee.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"receivers": [
    {"merchant": "mch_0001KABCDEFGHJKMNPQRSTVWXY", "kind": "platform", "share": {"proportion": 50000}}
]}))]
pub struct SplitPlanBody {
    /// At least one.
    pub receivers: Vec<ReceiverBody>,
}

impl From<SplitPlanBody> for SplitPlan {
    fn from(body: SplitPlanBody) -> SplitPlan {
        let receiver = |receiver: ReceiverBody| Receiver {
            merchant: receiver.merchant,
            kind: receiver.kind,
            share: match receiver.share {
                ShareBody::Fixed(amount) => Share::Fixed(amount.0),
                ShareBody::Proportion(rate) => Share::Proportion(rate),
            },
        };
        SplitPlan {
            receivers: body.receivers.into_iter().map(receiver).collect(),
        }
    }
}

/// A split to be executed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"merchant": "mch_0001KABCDEFGHJKMNPQRSTVWXZ", "payment": "pay_0001KABCDEFGHJKMNPQRSTVWXY", "plan": {"receivers": [
    {"merchant": "mch_0001KABCDEFGHJKMNPQRSTVWXY", "kind": "platform", "share": {"proportion": 50000}}
]}}))]
pub struct NewSplit {
    /// Who received the payment; a merchant's key may leave it out.
    #[serde(default)]
    pub merchant: Option<String>,
    /// The payment.
    pub payment: String,
    /// Who gets what.
    pub plan: SplitPlanBody,
}

/// What a receiver got.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SplitPartView {
    /// Receiver.
    pub merchant: String,
    /// What it is.
    #[schema(schema_with = enums::receiver_kind)]
    pub kind: ReceiverKind,
    /// What it got.
    #[schema(value_type = MoneySchema)]
    pub amount: Money,
    /// What it gave back for refunds.
    #[schema(value_type = MoneySchema)]
    pub returned: Money,
}

/// A split that was executed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Split)]
pub struct SplitView {
    /// `spl_…`
    pub id: String,
    /// The payment.
    pub payment: String,
    /// The main merchant.
    pub merchant: String,
    /// What was paid.
    #[schema(value_type = MoneySchema)]
    pub paid: Money,
    /// The parts.
    pub parts: Vec<SplitPartView>,
    /// The decision by which it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionView>,
    /// Executed at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Business date of its execution.
    #[schema(value_type = String, format = Date)]
    pub business_date: BusinessDate,
}

impl From<Split> for SplitView {
    fn from(split: Split) -> SplitView {
        SplitView {
            id: split.id,
            payment: split.payment,
            merchant: split.merchant,
            paid: split.paid,
            parts: split
                .parts
                .into_iter()
                .map(|part| SplitPartView {
                    merchant: part.merchant,
                    kind: part.kind,
                    amount: part.amount,
                    returned: part.returned,
                })
                .collect(),
            decision: split.decision.map(DecisionView::from),
            created_at: split.created_at,
            business_date: split.business_date,
        }
    }
}
