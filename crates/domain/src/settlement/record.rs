//! Buckets of takings, settlements, and the run that makes them.

use calendar::BusinessDate;
use engine::{Indexes, Record, index_time};
use jiff::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why a merchant's payable balance changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// + a payment.
    Payment,
    /// − its fee.
    Fee,
    /// + fee given back with a refund.
    FeeReturned,
    /// − fee taken again.
    FeeRestored,
    /// − parts paid to receivers.
    SplitOut,
    /// + part received.
    SplitIn,
    /// + parts that receivers gave back for a refund.
    SplitReturnedIn,
    /// − part given back for a refund.
    SplitReturnedOut,
    /// − a refund.
    Refund,
    /// + a refund that came to nothing.
    RefundReleased,
    /// ± a correction by people.
    Adjustment,
}

/// What a merchant's balance gained on one business date and is due on one settlement date.
///
/// Changed by the payment's own command, so that settlement reads one row per merchant and date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// `merchant/settlement date/business date`.
    pub key: String,
    /// Whose.
    pub merchant: String,
    /// Due from the turn to this date, or to the date after where takings are due the same day.
    pub settlement_date: BusinessDate,
    /// Business date of the postings.
    pub business_date: BusinessDate,
    /// Number of payments.
    pub payments: u64,
    /// Signed sums by reason.
    pub items: BTreeMap<Item, Money>,
    /// Sum of all, may be below nothing.
    pub net: Money,
    /// The settlement that took it; `None` while it is open.
    pub settlement: Option<String>,
}

impl Bucket {
    /// Whose a bucket is and the business date of its postings, as its key says.
    pub(super) fn parts(key: &str) -> Option<(&str, BusinessDate)> {
        let (rest, business_date) = key.rsplit_once('/')?;
        let (merchant, _) = rest.rsplit_once('/')?;
        Some((merchant, business_date.parse().ok()?))
    }
}

impl Record for Bucket {
    const KIND: &'static str = "settlement_bucket";
    fn key(&self) -> &str {
        &self.key
    }
    /// Open ones only. `due`: by settlement date, for the run. `merchant`: by merchant and date.
    fn indexes(&self, out: &mut Indexes) {
        if self.settlement.is_none() {
            out.add("due", format!("{}/{}", self.settlement_date, self.key));
            out.add("merchant", self.key.clone());
        }
    }
}

/// What was settled with a merchant on a date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// `set_…`
    pub id: String,
    /// Merchant.
    pub merchant: String,
    /// Business date on which it was made.
    pub business_date: BusinessDate,
    /// Keys of the buckets it took.
    pub buckets: Vec<String>,
    /// Signed sums by reason over the buckets.
    pub items: BTreeMap<Item, Money>,
    /// Sum of the buckets.
    pub net: Money,
    /// Settled earlier and not paid out, e.g. a returned payout; below nothing after refunds.
    pub brought_forward: Money,
    /// Paid out by this settlement.
    pub paid_out: Money,
    /// Left for the next.
    pub carried_forward: Money,
    /// The payout, if any.
    pub payout: Option<String>,
    /// Made at.
    #[serde(with = "calendar::rfc3339")]
    pub created_at: Timestamp,
}

impl Record for Settlement {
    const KIND: &'static str = "settlement";
    fn key(&self) -> &str {
        &self.id
    }
    /// `merchant`: by merchant and time. `date`: by business date and id.
    fn indexes(&self, out: &mut Indexes) {
        out.add(
            "merchant",
            format!("{}/{}", self.merchant, index_time(self.created_at)),
        );
        out.add("date", format!("{}/{}", self.business_date, self.id));
    }
}

/// Progress of the settlement of a business date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementRun {
    /// The business date as text.
    pub date: String,
    /// Every bucket before this index value was settled or passed over.
    pub cursor: String,
    /// Merchants settled.
    pub settled: u64,
    /// Merchants passed over because they are suspended.
    pub passed_over: u64,
    /// Nothing is left.
    pub finished: bool,
    /// Started at.
    #[serde(with = "calendar::rfc3339")]
    pub started_at: Timestamp,
}

impl Record for SettlementRun {
    const KIND: &'static str = "settlement_run";
    fn key(&self) -> &str {
        &self.date
    }
}
