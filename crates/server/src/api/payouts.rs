//! Payouts.

use super::bank_account::{BankAccountBody, BankAccountView};
use super::decisions::DecisionView;
use super::enums;
use super::money::{MoneySchema, PositiveMoney};
use super::payments::RefusalView;
use calendar::BusinessDate;
use channels::Channel;
use domain::payout::{Origin, Payout, PayoutStatus, ResolvedPayout};
use jiff::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};

/// A new payout.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "merchant": "mch_0001KABCDEFGHJKMNPQRSTVWXY",
    "payout_number": "W-77",
    "amount": {"amount": 500000, "currency": "CNY"},
    "purpose": "货款"
}))]
pub struct NewPayout {
    /// Whose money; a merchant's key may leave it out.
    #[serde(default)]
    pub merchant: Option<String>,
    /// Your own number, unique for ever: 1 to 64 letters, digits or `-_.:`.
    pub payout_number: String,
    /// Amount.
    #[schema(value_type = MoneySchema)]
    pub amount: PositiveMoney,
    /// Shown on the statement, 1 to 32 characters, none of `& = { } [ ]`.
    pub purpose: String,
    /// To whom; the settlement account if absent.
    #[serde(default)]
    pub payee: Option<BankAccountBody>,
}

/// What a person found out about a payout for which no automatic step is left.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"outcome": "not_paid", "evidence": "written confirmation of the bank, no. 88"}))]
pub struct PayoutResolution {
    /// What became of it.
    #[schema(schema_with = enums::resolved_payout)]
    pub outcome: ResolvedPayout,
    /// On what this rests.
    pub evidence: String,
}

/// Why a payout is stopped.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "UnionPay cannot be reached since the morning"}))]
pub struct PayoutCancellation {
    /// Why.
    pub reason: String,
}

/// The payee's bank sent a paid payout back.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"evidence": "credit advice of 20 November"}))]
pub struct PayoutReturn {
    /// On what this rests.
    pub evidence: String,
}

/// A payout.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Payout)]
pub struct PayoutView {
    /// `pot_…`
    #[schema(example = "pot_0001KABCDEFGHJKMNPQRSTVWXY")]
    pub id: String,
    /// Whose money.
    pub merchant: String,
    /// The merchant's number, or the settlement's id.
    pub payout_number: String,
    /// Amount.
    #[schema(value_type = MoneySchema)]
    pub amount: Money,
    /// Shown on the statement.
    pub purpose: String,
    /// To whom.
    pub payee: BankAccountView,
    /// The settlement that pays it out, where one does.
    pub settlement: Option<String>,
    /// Channel.
    #[schema(schema_with = enums::channel)]
    pub channel: Channel,
    /// Standing; the money is in transit until it is `succeeded`, `failed` or `returned`. Payouts that
    /// are `waiting_for_reserve` are sent first come, first served, when the reserve covers them.
    #[schema(schema_with = enums::payout_status)]
    pub status: PayoutStatus,
    /// The channel's own number, once paid.
    pub channel_number: Option<String>,
    /// What the channel paid, where it is another amount than was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MoneySchema>)]
    pub paid_amount: Option<Money>,
    /// Why the channel declined or failed it.
    pub refusal: Option<RefusalView>,
    /// Why people stopped it, where they did.
    pub cancel_reason: Option<String>,
    /// A person's statement, where one decided, or what forbade to send it when its turn came.
    pub resolution: Option<String>,
    /// The latest decision that allowed it.
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
    /// Business date of its creation.
    #[schema(value_type = String, format = Date)]
    pub business_date: BusinessDate,
}

impl From<Payout> for PayoutView {
    fn from(payout: Payout) -> PayoutView {
        PayoutView {
            id: payout.id,
            merchant: payout.merchant,
            payout_number: payout.payout_number,
            amount: payout.amount,
            purpose: payout.purpose,
            payee: BankAccountView::from(payout.payee),
            settlement: match payout.origin {
                Origin::Settlement { settlement } => Some(settlement),
                Origin::Request => None,
            },
            channel: payout.channel,
            status: payout.status,
            channel_number: payout.channel_number,
            paid_amount: payout.paid_amount.filter(|paid| *paid != payout.amount),
            refusal: payout.refusal.map(RefusalView::from),
            cancel_reason: payout.cancel_reason,
            resolution: payout.resolution,
            decision: payout.decision.map(DecisionView::from),
            created_at: payout.created_at,
            updated_at: payout.updated_at,
            business_date: payout.business_date,
        }
    }
}
