//! Payments and the numbers that find them.

use super::FundSource;
use crate::regulation::Ruling;
use crate::rejection::broken;
use crate::split::SplitPlan;
use crate::text::channel_name;
use calendar::BusinessDate;
use channels::answer::{Instrument, Payer, Refusal};
use channels::operation::Channel;
use engine::{Indexes, Interrupt, Record, index_time};
use jiff::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Standing of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Recorded; the order is being registered at the channel.
    Created,
    /// Whether the order was registered is not known.
    Unknown,
    /// Registered; the payer has not paid yet.
    AwaitingPayer,
    /// Paid. Final.
    Succeeded,
    /// Closed unpaid, says the channel.
    Closed,
    /// Failed for good, says the channel.
    Failed,
    /// Money came that does not fit the order; a person decides.
    UnderReview,
}

impl PaymentStatus {
    /// Whether the payer may still pay.
    pub fn is_open(self) -> bool {
        matches!(
            self,
            PaymentStatus::Created | PaymentStatus::Unknown | PaymentStatus::AwaitingPayer
        )
    }
}

/// Why an order is being closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// The merchant asked.
    Requested,
    /// It was not paid in time.
    Expired,
    /// The channel closed it by itself.
    Channel,
}

/// Where we learned that money arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The channel's answer to us.
    Answer,
    /// The channel's notification.
    Notification,
    /// A line of the channel's bill.
    Bill,
}

/// Verified statement that an order was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    /// The channel's own number of the trade.
    pub channel_number: String,
    /// What was paid.
    pub amount: Money,
    /// When, by the channel's clock.
    #[serde(with = "calendar::rfc3339")]
    pub paid_at: Timestamp,
    /// What it was paid from, where the channel says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instrument: Option<Instrument>,
    /// Who, where the channel said it: a mark that tells payers apart, for signs of risk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<Payer>,
    /// Where we learned it.
    pub source: Source,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// `pay_…`; without the prefix it is the order's number at the channel.
    pub id: String,
    /// Who is paid.
    pub merchant: String,
    /// The merchant's own number.
    pub order_number: String,
    /// What the order asks for.
    pub amount: Money,
    /// Channel.
    pub channel: Channel,
    /// Shown to the payer.
    pub description: String,
    /// Standing.
    pub status: PaymentStatus,
    /// Succeeded after it had been reported closed or failed.
    pub late: bool,
    /// Content of the QR code, once registered.
    pub code_url: Option<String>,
    /// When an unpaid order is closed.
    #[serde(with = "calendar::rfc3339")]
    pub expires_at: Timestamp,
    /// Set while the order is being closed, and why it was.
    pub close_reason: Option<CloseReason>,
    /// Why the channel refused or failed it.
    pub refusal: Option<Refusal>,
    /// The evidence of success.
    pub paid: Option<Paid>,
    /// When it was booked.
    #[serde(with = "calendar::rfc3339::option", default)]
    pub succeeded_at: Option<Timestamp>,
    /// Fee charged.
    pub fee: Money,
    /// Fee given back with refunds.
    pub fee_returned: Money,
    /// Share of the fee of those refunds that gave none back, by the merchant's terms at their time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_kept: Option<Money>,
    /// Refunded or being refunded.
    pub refunded: Money,
    /// What the payer pays from, as the order said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<FundSource>,
    /// The decision by which it was taken. Payments of earlier releases have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Arc<Ruling>>,
    /// The latest decision that allowed its split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_decision: Option<Arc<Ruling>>,
    /// How it was ordered to be split; how it was split, the split says.
    pub split_plan: Option<SplitPlan>,
    /// The split, once executed.
    pub split: Option<String>,
    /// The merchant's own pairs.
    pub metadata: BTreeMap<String, String>,
    /// Effect that registers the order.
    pub effect: String,
    /// Latest effect that closes the order; another is recorded only when this one has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close_effect: Option<String>,
    /// Latest effect that asks after the order; another is recorded only when this one has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_effect: Option<String>,
    /// How often the channel was asked by timer.
    pub polls: u32,
    /// Created at.
    #[serde(with = "calendar::rfc3339")]
    pub created_at: Timestamp,
    /// Last changed at.
    #[serde(with = "calendar::rfc3339")]
    pub updated_at: Timestamp,
    /// Business date of its creation; of its success once it has succeeded.
    pub business_date: BusinessDate,
}

impl Payment {
    /// What was paid; a payment that says it succeeded without it is damaged.
    pub(crate) fn paid_amount(&self) -> Result<Money, Interrupt> {
        let paid = self
            .paid
            .as_ref()
            .ok_or_else(|| broken(format!("{} has no evidence", self.id)))?;
        // More than the order asks for is not the merchant's.
        Ok(crate::booking::smaller(paid.amount, self.amount))
    }
}

impl Payment {
    /// What it was paid from, where the channel says something else than the order.
    pub(crate) fn other_source(&self) -> Option<FundSource> {
        let actual = match self.paid.as_ref()?.instrument? {
            Instrument::CreditCard => FundSource::CreditCard,
            Instrument::DebitCard => FundSource::BankAccount,
        };
        self.source
            .filter(|stated| *stated != actual)
            .map(|_| actual)
    }
}

impl Record for Payment {
    const KIND: &'static str = "payment";
    fn key(&self) -> &str {
        &self.id
    }
    /// `merchant`: by merchant and creation. `open`: may still be paid, by merchant and creation.
    /// `paid`: by channel and the channel's time of payment, for reconciliation.
    fn indexes(&self, out: &mut Indexes) {
        let by_merchant = format!("{}/{}", self.merchant, index_time(self.created_at));
        if self.status.is_open() {
            out.add("open", by_merchant.clone());
        }
        if let Some(paid) = &self.paid {
            out.add(
                "paid",
                format!(
                    "{}/{}",
                    channel_name(self.channel),
                    index_time(paid.paid_at)
                ),
            );
        }
        out.add("merchant", by_merchant);
    }
}

/// A merchant's order number, so that it is used once for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderNumber {
    /// `merchant/number`.
    pub key: String,
    /// The payment.
    pub payment: String,
}

impl Record for OrderNumber {
    const KIND: &'static str = "order_number";
    fn key(&self) -> &str {
        &self.key
    }
}

/// A trade of a channel that is in the books, so that it is booked once, from whatever source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelTrade {
    /// `channel/channel number`.
    pub key: String,
    /// The order it paid, by our number at the channel.
    pub order: String,
    /// What was paid.
    pub amount: Money,
    /// Whether it went to suspense.
    pub in_suspense: bool,
}

impl ChannelTrade {
    /// Key of a trade.
    pub fn key_of(channel: Channel, channel_number: &str) -> String {
        format!("{}/{channel_number}", channel_name(channel))
    }
}

impl Record for ChannelTrade {
    const KIND: &'static str = "channel_trade";
    fn key(&self) -> &str {
        &self.key
    }
}
