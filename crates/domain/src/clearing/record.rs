//! What channels have paid over, and how differences were adjusted.

use super::AdjustmentAccount;
use crate::text::channel_name;
use calendar::BusinessDate;
use channels::operation::Channel;
use engine::{Indexes, Record};
use jiff::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};

/// Clearing of one channel for one clearing date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clearing {
    /// `channel/clearing date`: a date is cleared once, whatever file says so.
    pub key: String,
    /// The channel.
    pub channel: Channel,
    /// The channel's clearing date.
    pub clearing_date: BusinessDate,
    /// Sum of payments, as the channel settled them.
    pub gross: Money,
    /// Sum of refunds, as the channel deducted them.
    pub refunds: Money,
    /// What the channel kept for itself.
    pub channel_fee: Money,
    /// What of the bill's orders and refunds was not settled; it went to the differences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsettled: Option<Money>,
    /// The case about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// What came in; below nothing when we paid.
    pub net: Money,
    /// Hash of the bill file.
    pub bill_hash: String,
    /// Booked at.
    #[serde(with = "calendar::rfc3339")]
    pub created_at: Timestamp,
    /// Business date of the booking.
    pub business_date: BusinessDate,
}

impl Clearing {
    /// Key of the clearing of a channel and date.
    pub fn key_of(channel: Channel, date: BusinessDate) -> String {
        format!("{}/{date}", channel_name(channel))
    }
}

impl Record for Clearing {
    const KIND: &'static str = "clearing";
    fn key(&self) -> &str {
        &self.key
    }
    /// `date`: by clearing date.
    fn indexes(&self, out: &mut Indexes) {
        out.add("date", format!("{}/{}", self.clearing_date, self.key));
    }
}

/// An adjustment, so that its number is used once for ever within its case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    /// `case/number`.
    pub key: String,
    /// Account debited (借).
    pub debit: AdjustmentAccount,
    /// Account credited (贷).
    pub credit: AdjustmentAccount,
    /// Amount.
    pub amount: Money,
    /// Who proposed it; the proposal says who approved.
    pub proposed_by: String,
    /// Booked at.
    #[serde(with = "calendar::rfc3339")]
    pub created_at: Timestamp,
    /// Business date of the booking.
    pub business_date: BusinessDate,
}

impl Adjustment {
    pub(crate) fn key_of(case: &str, number: &str) -> String {
        format!("{case}/{number}")
    }
}

impl Record for Adjustment {
    const KIND: &'static str = "adjustment";
    fn key(&self) -> &str {
        &self.key
    }
}
