//! Payouts.

use crate::merchant::BankAccount;
use crate::regulation::Ruling;
use calendar::BusinessDate;
use channels::answer::Refusal;
use channels::operation::Channel;
use engine::{Indexes, Record, index_time};
use jiff::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Standing of a payout. The money is in transit in all but the last three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutStatus {
    /// Recorded; a sign of risk holds the merchant's payouts until people clear it.
    Held,
    /// Recorded; the reserve does not cover it yet, or others wait before it.
    WaitingForReserve,
    /// Recorded, about to be sent.
    Created,
    /// The channel is working on it.
    Processing,
    /// Sent, outcome not known: it is asked for, never guessed.
    Unknown,
    /// The channel declined the request; it is asked whether that is final.
    Declined,
    /// Two people stopped it: it is not sent any more, and asked after until it is known what became of
    /// an earlier request.
    Cancelling,
    /// No automatic step is left; a person decides.
    Stranded,
    /// The payee has the money.
    Succeeded,
    /// Verifiably failed; the money is the merchant's again.
    Failed,
    /// The payee's bank sent it back; the money is the merchant's again.
    Returned,
}

impl PayoutStatus {
    /// Whether the money is still in transit.
    pub fn is_open(self) -> bool {
        !matches!(
            self,
            PayoutStatus::Succeeded | PayoutStatus::Failed | PayoutStatus::Returned
        )
    }
}

/// Why a payout was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "origin", rename_all = "snake_case")]
pub enum Origin {
    /// The merchant asked for it.
    Request,
    /// A settlement pays out by itself.
    Settlement {
        /// The settlement.
        settlement: String,
    },
}

/// A payout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    /// `pot_…`; without the prefix it is the number at the channel.
    pub id: String,
    /// Whose money.
    pub merchant: String,
    /// The merchant's number, or the settlement's id.
    pub payout_number: String,
    /// Amount.
    pub amount: Money,
    /// Shown on the statement.
    pub purpose: String,
    /// To whom.
    pub payee: BankAccount,
    /// Why.
    pub origin: Origin,
    /// The latest decision that allowed it. Payouts of earlier releases have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Arc<Ruling>>,
    /// Channel.
    pub channel: Channel,
    /// Standing.
    pub status: PayoutStatus,
    /// Effect that pays it; none while it is held or waits for the reserve.
    pub effect: Option<String>,
    /// Its amount is set aside in the reserve until it ends.
    #[serde(default)]
    pub reserved: bool,
    /// Time that identifies it at the channel together with its number.
    #[serde(with = "calendar::rfc3339")]
    pub submitted_at: Timestamp,
    /// The channel's own number, once paid.
    pub channel_number: Option<String>,
    /// The channel's clearing date, `MMDD`.
    pub settle_date: Option<String>,
    /// What the channel paid, as it is in the books; it may be another amount than was asked for. None as
    /// long as nothing is booked by the channel's word, and in payouts of earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_amount: Option<Money>,
    /// Why the channel declined or failed it.
    pub refusal: Option<Refusal>,
    /// How often it was asked after a refusal.
    pub refusal_queries: u32,
    /// A success that came after the failure is in the books as a difference.
    pub contrary_booked: bool,
    /// Why people stopped it.
    #[serde(default)]
    pub cancel_reason: Option<String>,
    /// A person's statement, where one decided, or what forbade to send it when its turn came.
    pub resolution: Option<String>,
    /// Created at.
    #[serde(with = "calendar::rfc3339")]
    pub created_at: Timestamp,
    /// Last changed at.
    #[serde(with = "calendar::rfc3339")]
    pub updated_at: Timestamp,
    /// Business date of its creation.
    pub business_date: BusinessDate,
}

impl Payout {
    /// Bodies of earlier releases, which do not say what was paid, stay out: what is indexed of a body that
    /// is written already does not change.
    fn is_paid_after_failure(&self) -> bool {
        self.status == PayoutStatus::Failed && self.contrary_booked && self.paid_amount.is_some()
    }
}

impl Record for Payout {
    const KIND: &'static str = "payout";
    fn key(&self) -> &str {
        &self.id
    }
    /// `merchant`: by merchant and time. `open`: in transit, by time. `waiting`: for the reserve, oldest
    /// first. `held`: by a sign of risk, by merchant and time. `done`: by channel and time of the last change, once
    /// the channel has paid it, for reconciliation.
    fn indexes(&self, out: &mut Indexes) {
        let time = index_time(self.created_at);
        if self.status.is_open() {
            out.add("open", time.clone());
            match self.status {
                PayoutStatus::WaitingForReserve => {
                    out.add("waiting", format!("{time}/{}", self.id));
                }
                PayoutStatus::Held => out.add("held", format!("{}/{time}", self.merchant)),
                _ => {}
            }
        } else if self.status == PayoutStatus::Succeeded || self.is_paid_after_failure() {
            out.add(
                "done",
                format!(
                    "{}/{}",
                    crate::text::channel_name(self.channel),
                    index_time(self.updated_at)
                ),
            );
        }
        out.add("merchant", format!("{}/{time}", self.merchant));
    }
}

/// A merchant's payout number, so that it is used once for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutNumber {
    /// `merchant/number`.
    pub key: String,
    /// The payout.
    pub payout: String,
}

impl PayoutNumber {
    pub(crate) fn key_of(merchant: &str, number: &str) -> String {
        format!("{merchant}/{number}")
    }
}

impl Record for PayoutNumber {
    const KIND: &'static str = "payout_number";
    fn key(&self) -> &str {
        &self.key
    }
}

/// What a merchant paid out on its latest business date without a second person. What came back is
/// not taken off again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmallPayouts {
    /// The merchant.
    pub merchant: String,
    /// The business date.
    pub business_date: BusinessDate,
    /// Sum of that date.
    pub sum: Money,
}

impl Record for SmallPayouts {
    const KIND: &'static str = "small_payouts";
    fn key(&self) -> &str {
        &self.merchant
    }
}

/// A payout made by a channel that is not in our books, so that it is booked once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignPayout {
    /// `channel/channel number`.
    pub key: String,
    /// Amount.
    pub amount: Money,
}

impl Record for ForeignPayout {
    const KIND: &'static str = "foreign_payout";
    fn key(&self) -> &str {
        &self.key
    }
}
