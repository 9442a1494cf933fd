//! Commands about clearing with channels.

use calendar::BusinessDate;
use channels::operation::Channel;
use money::Money;
use serde::{Deserialize, Serialize};

/// The bank shows that a channel paid over what it took on a date, as its bill says. Books once per
/// channel and date; the same bill again answers what was booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmClearing {
    /// The channel.
    pub channel: Channel,
    /// The channel's clearing date.
    pub clearing_date: BusinessDate,
    /// Sum of payments, as the channel settles them.
    pub gross: Money,
    /// Sum of refunds, as the channel deducts them.
    pub refunds: Money,
    /// What the channel kept for itself.
    pub channel_fee: Money,
    /// What of the bill's orders and refunds it does not settle, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsettled: Option<Unsettled>,
    /// Hash of the bill file, lower-case hex.
    pub bill_hash: String,
}

/// What a channel does not settle of the amounts that orders and refunds are about: coupons that the
/// merchant pays for. The books have the whole amounts, so the rest is a difference until somebody
/// bears it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsettled {
    /// Less for payments than their orders are about, less the same of refunds; may be below nothing.
    pub amount: Money,
    /// The same of each line without its sign, added up: how much may have to be taken from somebody to
    /// somebody.
    pub turnover: Money,
    /// Lines concerned.
    pub lines: u64,
    /// Order or refund number of the first of them.
    pub first: String,
}

/// An account that a difference may be taken to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdjustmentAccount {
    /// Differences.
    Differences,
    /// Suspense.
    Suspense,
    /// Fee income.
    FeeIncome,
    /// The institution's own money.
    OwnMoney,
    /// Customer reserve.
    Reserve,
    /// Receivable from a channel.
    Receivable(Channel),
    /// Cost of a channel.
    Cost(Channel),
    /// Payable to a merchant.
    Merchant(String),
}

/// Takes a difference or a suspense item to where it belongs. Needs a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjustDifference {
    /// The case, explained.
    pub case: String,
    /// Number of the adjustment, used once for ever within its case: the same number with the same
    /// content is the same adjustment.
    pub adjustment_number: String,
    /// Account debited (借).
    pub debit: AdjustmentAccount,
    /// Account credited (贷).
    pub credit: AdjustmentAccount,
    /// Amount.
    pub amount: Money,
}
