//! What channels have paid over.

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
    /// Sum of payments.
    pub gross: Money,
    /// Sum of refunds.
    pub refunds: Money,
    /// What the channel kept for itself.
    pub channel_fee: Money,
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
