//! What the institution asks of a channel.
//!
//! Every field that identifies the business object at the channel is fixed when the intent is
//! recorded; a repeated attempt rebuilds only the signature and the nonce.

use calendar::BusinessDate;
use jiff::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};

/// The channels of this release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// WeChat Pay API v3, direct merchant.
    Wechat,
    /// UnionPay ACP 5.1.0.
    Unionpay,
}

/// Our number for an object at a channel: at most 32 alphanumerics, first two are the shard code.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChannelReference(pub String);

/// One request to a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum Operation {
    /// Register an order and obtain what the payer scans.
    CreateOrder {
        /// Our order number at the channel.
        order: ChannelReference,
        /// Shown to the payer.
        description: String,
        /// What the payer pays.
        amount: Money,
        /// After this instant the channel closes the unpaid order itself.
        expires_at: Timestamp,
    },
    /// Ask for the state of an order.
    QueryOrder {
        /// The order.
        order: ChannelReference,
    },
    /// Close an unpaid order.
    CloseOrder {
        /// The order.
        order: ChannelReference,
    },
    /// Give back part or all of a paid order.
    Refund {
        /// The order.
        order: ChannelReference,
        /// Our number of this refund; a repeat uses the same.
        refund: ChannelReference,
        /// Amount given back.
        amount: Money,
        /// Amount of the whole order, as the channel demands.
        order_total: Money,
        /// Shown to the payer.
        reason: Option<String>,
    },
    /// Ask for the state of a refund.
    QueryRefund {
        /// The refund.
        refund: ChannelReference,
    },
    /// Pay money out to a bank account.
    Payout {
        /// Our number of the payout.
        payout: ChannelReference,
        /// `txnTime`; together with the number it identifies the payout at UnionPay.
        submitted_at: Timestamp,
        /// Amount.
        amount: Money,
        /// Vault id of the payee's account; the clear text is given to the connector apart.
        payee: String,
        /// Purpose shown on the statement.
        purpose: String,
    },
    /// Ask for the state of a payout.
    QueryPayout {
        /// The payout.
        payout: ChannelReference,
        /// `txnTime` of the payout.
        submitted_at: Timestamp,
    },
    /// Obtain the location of the trade bill of a day.
    TradeBill {
        /// The channel's clearing date.
        date: BusinessDate,
    },
    /// Download a bill from the location given.
    DownloadBill {
        /// Absolute URL out of the answer to [`Operation::TradeBill`].
        url: String,
        /// SHA-1 the channel announced, lower-case hex.
        sha1: String,
    },
}

/// They delimit the fields of UnionPay's messages, whose answers repeat texts of the request as they are: a text
/// with one of them would leave the answer to a payout unreadable.
pub const DELIMITERS: [char; 6] = ['&', '=', '{', '}', '[', ']'];

/// Clear text of a payee, handed to the connector for the length of one request.
#[derive(
    Clone, PartialEq, Eq, Serialize, Deserialize, zeroize::Zeroize, zeroize::ZeroizeOnDrop,
)]
pub struct PayeeAccount {
    /// Bank account or card number.
    pub account_number: String,
    /// Name of the account's owner.
    pub holder: String,
    /// Corporate account rather than a person's.
    #[serde(default)]
    pub corporate: bool,
}

impl PayeeAccount {
    /// The field that no payout channel can carry, and the rule it breaks; never the value. Checked at
    /// the door, where somebody can still correct it, and again when a request is built.
    pub fn unusable(&self) -> Option<(&'static str, &'static str)> {
        let number = self.account_number.as_str();
        if !(8..=32).contains(&number.len()) || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(("account_number", "must be 8 to 32 digits"));
        }
        if !(1..=60).contains(&self.holder.chars().count())
            || self.holder.contains(char::is_control)
        {
            return Some((
                "holder",
                "must have 1 to 60 characters, none of them a control character",
            ));
        }
        if self.holder.contains(DELIMITERS) {
            return Some(("holder", "must not contain any of & = { } [ ]"));
        }
        None
    }
}

impl std::fmt::Debug for PayeeAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PayeeAccount({})", mask_account(&self.account_number))
    }
}

/// First six and last four digits, the middle starred; short numbers are starred whole.
pub fn mask_account(number: &str) -> String {
    let digits: Vec<char> = number.chars().collect();
    let n = digits.len();
    if n < 12 {
        return "*".repeat(n);
    }
    digits
        .iter()
        .enumerate()
        .map(|(i, c)| if i < 6 || i + 4 >= n { *c } else { '*' })
        .collect()
}
