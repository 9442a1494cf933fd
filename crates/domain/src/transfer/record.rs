//! Accounts of clients, and which transfers were reversed.

use super::HeldTrade;
use crate::regulation::Ruling;
use calendar::BusinessDate;
use engine::{Indexes, Record, index_time};
use jiff::Timestamp;
use ledger::{AccountKind, Transfer};
use money::Currency;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// An account that a client opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientAccount {
    /// The client's own code.
    pub code: String,
    /// Number of the account, used in transfers.
    pub account: u64,
    /// Kind.
    pub kind: AccountKind,
    /// Currency.
    pub currency: Currency,
    /// Whether it may be overdrawn.
    pub may_go_negative: bool,
    /// Takes no more postings.
    pub closed: bool,
    /// Opened at.
    #[serde(with = "calendar::rfc3339")]
    pub created_at: Timestamp,
    /// Business date of its opening.
    pub business_date: BusinessDate,
}

impl ClientAccount {
    /// The ledger's name of a client's account; internal accounts have other prefixes.
    pub fn ledger_name(code: &str) -> String {
        format!("client:{code}")
    }
}

impl Record for ClientAccount {
    const KIND: &'static str = "client_account";
    fn key(&self) -> &str {
        &self.code
    }
    /// `time`: all, by opening.
    fn indexes(&self, out: &mut Indexes) {
        out.add("time", index_time(self.created_at));
    }
}

/// A transfer that was reversed, so that it happens once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversal {
    /// Id of the transfer, text of 26 characters.
    pub original: String,
    /// Id of its reversal.
    pub reversal: String,
    /// Why.
    pub reason: String,
    /// Reversed at.
    #[serde(with = "calendar::rfc3339")]
    pub created_at: Timestamp,
}

impl Reversal {
    /// Key of a transfer's reversal.
    pub fn key_of(transfer: &Transfer) -> String {
        engine::ids::id_text(transfer.id.0)
    }
}

impl Record for Reversal {
    const KIND: &'static str = "reversal";
    fn key(&self) -> &str {
        &self.original
    }
}

/// A hold that a client placed on its own account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedHold {
    /// Id.
    pub hold: String,
    /// Account number.
    pub account: u64,
    /// Not yet captured or released, minor units.
    pub remaining: i64,
    /// The decision by which it was placed or released, for a hold of a trade's money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Arc<Ruling>>,
}

/// A hold of a trade's money, with the decision by which it was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeHold {
    /// The hold.
    pub hold: String,
    /// The trade.
    pub trade: HeldTrade,
    /// The decision.
    pub decision: Arc<Ruling>,
}

impl Record for TradeHold {
    const KIND: &'static str = "trade_hold";
    fn key(&self) -> &str {
        &self.hold
    }
}
