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
    /// Sum of payments.
    pub gross: Money,
    /// Sum of refunds.
    pub refunds: Money,
    /// What the channel kept for itself.
    pub channel_fee: Money,
    /// Hash of the bill file, lower-case hex.
    pub bill_hash: String,
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
