//! What a channel said, reduced to what the books need to know.

use crate::operation::ChannelReference;
use jiff::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The result of one exchange with a channel. Only the first three carry evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum Report {
    /// A verified statement about the object asked for.
    Answered {
        /// The statement.
        answer: Answer,
    },
    /// A verified "there is no such object". Early after a request it means "not yet".
    NotFound,
    /// The channel verifiably declined the request and did nothing.
    Refused {
        /// Its reason.
        refusal: Refusal,
    },
    /// Provably not sent: no connection was made.
    NotSent {
        /// What went wrong, for people.
        reason: String,
    },
    /// Anything else: time-out, 5xx, broken or unsigned answer. Never a failure.
    Unknown {
        /// What went wrong, for people.
        reason: String,
    },
}

/// A channel's reason for declining a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The channel's code, e.g. `PARAM_ERROR` or `64`.
    pub code: String,
    /// The channel's text.
    pub message: String,
    /// The same request may be accepted later (rate limit, balance not yet there).
    pub later: bool,
}

/// A verified statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Answer {
    /// The order exists; show this to the payer.
    OrderCreated {
        /// Content of the QR code.
        code_url: String,
    },
    /// State of an order.
    Order {
        /// The order.
        order: ChannelReference,
        /// Its state.
        state: OrderState,
    },
    /// State of a refund.
    Refund {
        /// The refund.
        refund: ChannelReference,
        /// Its state.
        state: RefundState,
    },
    /// State of a payout.
    Payout {
        /// The payout.
        payout: ChannelReference,
        /// Its state.
        state: PayoutState,
    },
    /// Where the bill is.
    BillLocation {
        /// Absolute download URL, short-lived.
        url: String,
        /// SHA-1 of the file, lower-case hex.
        sha1: String,
    },
    /// The channel has no bill for that day (no trade took place).
    NoBill,
    /// Verified bytes of a bill, decompressed.
    Bill {
        /// The file.
        #[serde(skip)]
        bytes: Vec<u8>,
    },
}

/// What a payer pays from, as far as channels tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Instrument {
    /// A credit card.
    CreditCard,
    /// A debit card: a bank account.
    DebitCard,
}

/// State of an order at the channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum OrderState {
    /// The payer has not paid yet.
    AwaitingPayer,
    /// Paid; also reported while refunds of it exist.
    Paid {
        /// The channel's own number.
        channel_number: String,
        /// What was paid.
        amount: Money,
        /// When.
        paid_at: Timestamp,
        /// What the payer paid from, where the channel says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instrument: Option<Instrument>,
        /// Who, where the channel says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payer: Option<Payer>,
    },
    /// Closed unpaid.
    Closed,
    /// The payment failed for good.
    Failed {
        /// The channel's reason.
        refusal: Refusal,
    },
}

/// What is kept of a payer: enough to tell one from another, not who it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payer {
    /// The first 16 hex digits of the SHA-256 of the channel's own id of the payer.
    pub mark: String,
}

impl Payer {
    /// Out of the channel's id of the payer.
    pub fn of(id: &str) -> Payer {
        let mut mark = hex::encode(Sha256::digest(id));
        mark.truncate(16);
        Payer { mark }
    }
}

/// State of a refund at the channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RefundState {
    /// Accepted, not final.
    Processing,
    /// The payer has the money.
    Succeeded {
        /// The channel's own number.
        channel_number: String,
        /// What was given back.
        amount: Money,
        /// When.
        refunded_at: Timestamp,
    },
    /// Closed without effect: the money stayed with the merchant.
    Closed,
    /// The payer's account refuses; a person must choose another way.
    Abnormal,
}

/// State of a payout at the channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PayoutState {
    /// Accepted, not final.
    Processing,
    /// The payee has the money.
    Succeeded {
        /// The channel's own number (`queryId`).
        channel_number: String,
        /// What was paid, where the channel says so.
        amount: Money,
        /// The channel's clearing date as `MMDD`, where given.
        settle_date: Option<String>,
    },
    /// Failed for good; nothing was paid.
    Failed {
        /// The channel's reason.
        refusal: Refusal,
    },
}

/// A verified notification from a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// The channel's id of this notification; equal for repeats.
    pub id: String,
    /// The statement it carries.
    pub answer: Answer,
}
