//! UnionPay's own books of pay-outs.

use super::message::Fields;
use calendar::BusinessDate;
use jiff::Timestamp;
use serde::Serialize;

/// What identifies an order at UnionPay.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct OrderKey {
    /// `merId`.
    pub merchant_id: String,
    /// `orderId`.
    pub order_id: String,
    /// `txnTime`, as written.
    pub txn_time: String,
}

/// A pay-out. Amounts are fen.
#[derive(Debug, Clone, Serialize)]
pub struct Payout {
    /// Identity.
    #[serde(flatten)]
    pub key: OrderKey,
    /// Paid out.
    pub amount_fen: i64,
    /// Account number with the middle starred.
    pub account: String,
    /// Where success is announced.
    pub back_url: Option<String>,
    /// UnionPay's number: 21 digits.
    pub query_id: String,
    /// Six digits.
    pub trace_no: String,
    /// When it was accepted or refused.
    pub accepted_at: Timestamp,
    /// UnionPay's clearing date, whose day ends at 23:00.
    pub settle_date: BusinessDate,
    /// Its state.
    pub state: PayoutState,
    /// Fields of the request that answers repeat.
    #[serde(skip)]
    pub(crate) echo: Fields,
}

/// State of a pay-out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PayoutState {
    /// Under way.
    Processing,
    /// The payee has the money.
    Succeeded {
        /// When.
        at: Timestamp,
    },
    /// Nothing was paid.
    Failed {
        /// When that was known.
        at: Timestamp,
        /// Response code.
        resp_code: String,
    },
}

/// What a merchant's successful pay-outs add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PayoutTotals {
    /// Number of pay-outs that succeeded.
    pub count: u64,
    /// Their sum in fen.
    pub amount_fen: i64,
}
