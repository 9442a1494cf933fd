//! Settlements.

use super::money::MoneySchema;
use calendar::BusinessDate;
use domain::settlement::{Item, Settlement};
use jiff::Timestamp;
use money::Money;
use serde::Serialize;
use std::collections::BTreeMap;

/// What was settled with a merchant on a date.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Settlement)]
pub struct SettlementView {
    /// `set_…`
    pub id: String,
    /// Merchant.
    pub merchant: String,
    /// Business date on which it was made.
    #[schema(value_type = String, format = Date)]
    pub business_date: BusinessDate,
    /// Signed sums by reason: payment, fee, refund, split_out, …
    #[schema(value_type = BTreeMap<String, MoneySchema>)]
    pub items: BTreeMap<Item, Money>,
    /// Sum of all items.
    #[schema(value_type = MoneySchema)]
    pub net: Money,
    /// Settled earlier and not paid out; below nothing after refunds.
    #[schema(value_type = MoneySchema)]
    pub brought_forward: Money,
    /// Paid out by this settlement.
    #[schema(value_type = MoneySchema)]
    pub paid_out: Money,
    /// Left for the next.
    #[schema(value_type = MoneySchema)]
    pub carried_forward: Money,
    /// The payout, if any.
    pub payout: Option<String>,
    /// Made at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<Settlement> for SettlementView {
    fn from(settlement: Settlement) -> SettlementView {
        SettlementView {
            id: settlement.id,
            merchant: settlement.merchant,
            business_date: settlement.business_date,
            items: settlement.items,
            net: settlement.net,
            brought_forward: settlement.brought_forward,
            paid_out: settlement.paid_out,
            carried_forward: settlement.carried_forward,
            payout: settlement.payout,
            created_at: settlement.created_at,
        }
    }
}
