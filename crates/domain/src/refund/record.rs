//! Refunds.

use crate::regulation::Ruling;
use crate::split::SplitReturn;
use crate::text::channel_name;
use calendar::BusinessDate;
use channels::answer::Refusal;
use channels::operation::Channel;
use engine::{Indexes, Record, index_time};
use jiff::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Standing of a refund. The money is in transit in all but the last two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// Recorded, about to be sent.
    Created,
    /// The channel is working on it.
    Processing,
    /// Sent, outcome not known.
    Unknown,
    /// The channel declined the request; it is asked whether that is final.
    Declined,
    /// The payer's account refuses it; a person decides.
    Abnormal,
    /// No automatic step is left; a person decides.
    Stranded,
    /// The payer has the money.
    Succeeded,
    /// It came to nothing; the money is the merchant's again.
    Closed,
}

impl RefundStatus {
    /// Whether the money is still in transit.
    pub fn is_open(self) -> bool {
        !matches!(self, RefundStatus::Succeeded | RefundStatus::Closed)
    }
}

/// Why a refund was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundOrigin {
    /// The merchant asked for it.
    Request,
    /// The payment came after it had been closed.
    LateSuccess,
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// `ref_…`; without the prefix it is the number at the channel.
    pub id: String,
    /// Who was paid.
    pub merchant: String,
    /// The payment.
    pub payment: String,
    /// The merchant's own number; for a late success the payment's id.
    pub refund_number: String,
    /// Amount given back.
    pub amount: Money,
    /// Shown to the payer.
    pub reason: Option<String>,
    /// Why.
    pub origin: RefundOrigin,
    /// Channel.
    pub channel: Channel,
    /// Standing.
    pub status: RefundStatus,
    /// Fee given back with it.
    pub fee_returned: Money,
    /// Its share of the fee, where the merchant's terms give none back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_kept: Option<Money>,
    /// What receivers of the split gave back for it.
    pub split_returns: Vec<SplitReturn>,
    /// The decision by which it was made; a refund that the books make by themselves has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Arc<Ruling>>,
    /// Effect that makes it.
    pub effect: String,
    /// The channel's own number, once made.
    pub channel_number: Option<String>,
    /// When the payer got it.
    #[serde(with = "calendar::rfc3339::option", default)]
    pub refunded_at: Option<Timestamp>,
    /// Why the channel declined it.
    pub refusal: Option<Refusal>,
    /// How often it was asked after a refusal.
    #[serde(default)]
    pub refusal_queries: u32,
    /// What the channel gave back, as it is in the books; it may be another amount than was asked for.
    /// None as long as nothing is booked by the channel's word, and in refunds of earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded_amount: Option<Money>,
    /// A success that the channel told after the refund had ended otherwise is in the books: in differences
    /// where the merchant has its money again, in suspense where people had paid the payer in another way.
    pub contrary_booked: bool,
    /// A person's statement, where one decided.
    pub resolution: Option<String>,
    /// Created at.
    #[serde(with = "calendar::rfc3339")]
    pub created_at: Timestamp,
    /// Last changed at.
    #[serde(with = "calendar::rfc3339")]
    pub updated_at: Timestamp,
    /// Business date of its request.
    pub business_date: BusinessDate,
}

impl Record for Refund {
    const KIND: &'static str = "refund";
    fn key(&self) -> &str {
        &self.id
    }
    /// `merchant`: by merchant and time. `payment`: by payment and time. `open`: in transit, by time.
    /// `done`: by channel and the channel's time, once the channel has given it back, for reconciliation.
    fn indexes(&self, out: &mut Indexes) {
        let time = index_time(self.created_at);
        if self.status.is_open() {
            out.add("open", time.clone());
        }
        if let Some(refunded_at) = self.refunded_at {
            out.add(
                "done",
                format!("{}/{}", channel_name(self.channel), index_time(refunded_at)),
            );
        }
        out.add("payment", format!("{}/{time}", self.payment));
        out.add("merchant", format!("{}/{time}", self.merchant));
    }
}

/// A merchant's refund number, so that it is used once for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundNumber {
    /// `merchant/number`.
    pub key: String,
    /// The refund.
    pub refund: String,
}

impl Record for RefundNumber {
    const KIND: &'static str = "refund_number";
    fn key(&self) -> &str {
        &self.key
    }
}

/// A refund made by a channel that is not in our books, so that it is booked once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignRefund {
    /// `channel/channel number`.
    pub key: String,
    /// Amount.
    pub amount: Money,
}

impl Record for ForeignRefund {
    const KIND: &'static str = "foreign_refund";
    fn key(&self) -> &str {
        &self.key
    }
}
