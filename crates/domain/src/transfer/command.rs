//! Commands of the plain ledger.

use super::CompactTransfer;
use calendar::BusinessDate;
use ledger::{AccountKind, Side};
use money::{Currency, Money};
use serde::{Deserialize, Serialize};

/// Opens accounts; those that exist with the same content are answered again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAccounts {
    /// 1 to [`super::ACCOUNTS_MAX`], all or none.
    pub accounts: Vec<NewClientAccount>,
}

/// An account of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewClientAccount {
    /// The client's own code, unique in the shard.
    pub code: String,
    /// Kind.
    pub kind: AccountKind,
    /// Currency of all its amounts.
    pub currency: Currency,
    /// Whether it may be overdrawn.
    #[serde(default)]
    pub may_go_negative: bool,
}

/// Closes an empty account for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseAccount {
    /// The client's code.
    pub code: String,
}

/// Posts transfers between client accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostTransfers {
    /// Currency of all of them.
    pub currency: Currency,
    /// All or none; otherwise each for itself.
    #[serde(default)]
    pub linked: bool,
    /// Business object they belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// 1 to [`super::TRANSFERS_MAX`].
    pub transfers: Vec<CompactTransfer>,
}

/// Reserves an amount on an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceHold {
    /// Account number.
    pub account: u64,
    /// Side on which it is reserved; for money kept back the outgoing one (debit of a liability).
    pub side: Side,
    /// Amount.
    pub amount: Money,
    /// Business object it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The trade whose money is held back. A hold without one is a reservation of the client's own, about
    /// which rules say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trade: Option<HeldTrade>,
}

/// A trade whose money is held back from its merchant, as far as rules ask; what is absent is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeldTrade {
    /// It is a real trade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub real: Option<bool>,
    /// Day on which the payer confirmed that it got what it paid for, or will at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_on: Option<BusinessDate>,
    /// It is held for a documented risk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<bool>,
}

/// Posts a transfer out of a hold, whole or in part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureHold {
    /// The hold.
    pub hold: String,
    /// Currency of the transfer.
    pub currency: Currency,
    /// The transfer; one of its sides is the held account.
    pub transfer: CompactTransfer,
    /// Business object it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// Gives up what is left of a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseHold {
    /// The hold.
    pub hold: String,
}

/// Undoes a transfer by its mirror image; nothing is ever deleted. A transfer is reversed once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReverseTransfer {
    /// Currency of the transfer.
    pub currency: Currency,
    /// The transfer as it was posted.
    pub original: CompactTransfer,
    /// Id of the reversal, text of 26 characters.
    pub reversal_id: String,
    /// Why.
    pub reason: String,
}
