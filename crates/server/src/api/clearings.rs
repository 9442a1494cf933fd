//! Clearings: what channels have paid over.

use super::enums;
use super::money::MoneySchema;
use calendar::BusinessDate;
use channels::Channel;
use domain::clearing::{AdjustmentAccount, Clearing};
use jiff::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};

use super::money::PositiveMoney;

/// What the bank shows and the bill says.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "channel": "wechat", "clearing_date": "2026-11-19",
    "gross": {"amount": 100000, "currency": "CNY"},
    "refunds": {"amount": 2345, "currency": "CNY"},
    "channel_fee": {"amount": 586, "currency": "CNY"},
    "bill_hash": "9b74c9897bac770ffc029102a200c5de"
}))]
pub struct ClearingConfirmation {
    /// The channel.
    #[schema(schema_with = enums::channel)]
    pub channel: Channel,
    /// The channel's clearing date.
    #[schema(value_type = String, format = Date)]
    pub clearing_date: BusinessDate,
    /// Sum of payments, as the channel settles them.
    #[schema(value_type = MoneySchema)]
    pub gross: Money,
    /// Sum of refunds, as the channel deducts them.
    #[schema(value_type = MoneySchema)]
    pub refunds: Money,
    /// What the channel kept for itself.
    #[schema(value_type = MoneySchema)]
    pub channel_fee: Money,
    /// Hash of the bill file, lower-case hex.
    pub bill_hash: String,
    /// A merchant, payment, refund, payout or case of the part of the book whose reserve the money is for; required
    /// where the book has several parts. A book on one SQLite file has one.
    #[serde(default)]
    pub for_object: Option<String>,
}

/// Clearing of one channel for one date.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Clearing)]
pub struct ClearingView {
    /// The channel.
    #[schema(schema_with = enums::channel)]
    pub channel: Channel,
    /// The channel's clearing date.
    #[schema(value_type = String, format = Date)]
    pub clearing_date: BusinessDate,
    /// Sum of payments, as the channel settled them.
    #[schema(value_type = MoneySchema)]
    pub gross: Money,
    /// Sum of refunds, as the channel deducted them.
    #[schema(value_type = MoneySchema)]
    pub refunds: Money,
    /// What the channel kept for itself.
    #[schema(value_type = MoneySchema)]
    pub channel_fee: Money,
    /// What of the bill's orders, less its refunds, the channel did not settle, such as coupons that a merchant
    /// pays for. It went to the differences; absent if there was nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MoneySchema>)]
    pub unsettled: Option<Money>,
    /// The case about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// What came in; below nothing when we paid.
    #[schema(value_type = MoneySchema)]
    pub net: Money,
    /// Hash of the bill file.
    pub bill_hash: String,
    /// Booked at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Business date of the booking.
    #[schema(value_type = String, format = Date)]
    pub business_date: BusinessDate,
}

impl From<Clearing> for ClearingView {
    fn from(clearing: Clearing) -> ClearingView {
        ClearingView {
            channel: clearing.channel,
            clearing_date: clearing.clearing_date,
            gross: clearing.gross,
            refunds: clearing.refunds,
            channel_fee: clearing.channel_fee,
            unsettled: clearing.unsettled,
            case: clearing.case,
            net: clearing.net,
            bill_hash: clearing.bill_hash,
            created_at: clearing.created_at,
            business_date: clearing.business_date,
        }
    }
}

/// An account that a difference may be taken to.
#[derive(utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AdjustmentAccount)]
#[allow(
    dead_code,
    reason = "describes domain::clearing::AdjustmentAccount in the API's description"
)]
pub enum AdjustmentAccountSchema {
    /// Differences.
    Differences,
    /// Suspense.
    Suspense,
    /// Fee income.
    FeeIncome,
    /// The institution's own money.
    OwnMoney,
    /// Customer reserve.
    Reserve,
    /// Receivable from a channel.
    #[schema(value_type = String)]
    Receivable(String),
    /// Cost of a channel.
    #[schema(value_type = String)]
    Cost(String),
    /// Payable to a merchant.
    Merchant(String),
}

/// Takes a difference to where it belongs.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"adjustment_number": "adj-1", "debit": "suspense", "credit": {"merchant": "mch_0001KABCDEFGHJKMNPQRSTVWXY"},
    "amount": {"amount": 500, "currency": "CNY"}}))]
pub struct Adjustment {
    /// Your number of the adjustment, used once for ever within its case: the same number with the same
    /// content is answered without booking again, with other content it is refused.
    #[schema(min_length = 1, max_length = 64)]
    pub adjustment_number: String,
    /// Account debited (借).
    #[schema(value_type = AdjustmentAccountSchema)]
    pub debit: AdjustmentAccount,
    /// Account credited (贷).
    #[schema(value_type = AdjustmentAccountSchema)]
    pub credit: AdjustmentAccount,
    /// Amount.
    #[schema(value_type = MoneySchema)]
    pub amount: PositiveMoney,
}
