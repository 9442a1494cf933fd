//! What our own books say.

use std::fmt;
use std::sync::Arc;

use calendar::BusinessDate;
use money::Money;
use serde::{Deserialize, Serialize};

/// The direction of a movement, seen from the merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Money collected from a payer.
    Payment,
    /// Money returned to a payer.
    Refund,
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EntryKind::Payment => "payment",
            EntryKind::Refund => "refund",
        })
    }
}

/// How far a movement has come in our books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryStatus {
    /// Final and posted: the statement must contain it.
    Succeeded,
    /// Not decided yet: the statement may contain it.
    Pending,
    /// Refused by the payer's account: another way may still end it in success.
    Abnormal,
    /// Final without success (failed, closed, expired): the statement must not contain it.
    Failed,
}

/// One payment or refund in our books.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OurEntry {
    /// Code of the channel, as in the statement's lines.
    pub channel: Arc<str>,
    /// Payment or refund.
    pub kind: EntryKind,
    /// Our reference at the channel (order or refund number); unique per channel and kind.
    pub merchant_number: String,
    /// The channel's own number, if it has told us.
    #[serde(default)]
    pub channel_number: Option<String>,
    /// The amount without sign, in minor units.
    pub amount: Money,
    /// How far it has come.
    pub status: EntryStatus,
    /// The channel's clearing date that our record carries.
    pub clearing_date: BusinessDate,
}
