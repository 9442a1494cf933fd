//! What a business date brought, while it runs and when it is closed.

use calendar::BusinessDate;
use engine::{Indexes, Record};
use jiff::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is counted for a business date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Orders taken.
    PaymentsCreated,
    /// Payments booked.
    PaymentsSucceeded,
    /// Payments closed unpaid or failed.
    PaymentsClosed,
    /// Fees charged.
    Fees,
    /// Fees given back.
    FeesReturned,
    /// Fees charged again because a refund came to nothing.
    FeesRestored,
    /// Parts paid to receivers.
    Splits,
    /// Parts given back by receivers.
    SplitsReturned,
    /// Parts given to receivers again because a refund came to nothing.
    SplitsRestored,
    /// Refunds requested.
    RefundsRequested,
    /// Refunds the payer has.
    RefundsSucceeded,
    /// Refunds that came to nothing.
    RefundsReleased,
    /// Payouts created.
    PayoutsCreated,
    /// Payouts the payee has.
    PayoutsSucceeded,
    /// Payouts that failed or bounced.
    PayoutsReturned,
    /// Net amounts settled by channels.
    ClearingReceived,
    /// What channels charged.
    ChannelCosts,
    /// Settlements made.
    Settlements,
    /// Facts booked to suspense.
    Suspense,
    /// Cases opened.
    CasesOpened,
}

/// How many and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// How much; `None` where amounts mean nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
}

/// Figures of a business date as they grow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaySummary {
    /// The business date as text.
    pub date: String,
    /// The figures.
    pub figures: BTreeMap<Figure, Tally>,
}

impl Record for DaySummary {
    const KIND: &'static str = "day_summary";
    fn key(&self) -> &str {
        &self.date
    }
}

/// Balance of an internal account at the close, on its normal side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosingBalance {
    /// Name of the account.
    pub name: String,
    /// Number of the account.
    pub account: u64,
    /// Balance.
    pub balance: Money,
}

/// A closed business date; takes no posting any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayClose {
    /// The business date as text.
    pub date: String,
    /// The date that follows.
    pub next_date: BusinessDate,
    /// Its figures.
    pub figures: BTreeMap<Figure, Tally>,
    /// Internal accounts at the moment of the close.
    pub balances: Vec<ClosingBalance>,
    /// Principal who closed it.
    pub closed_by: String,
    /// Closed at.
    #[serde(with = "calendar::rfc3339")]
    pub closed_at: Timestamp,
}

impl Record for DayClose {
    const KIND: &'static str = "day_close";
    fn key(&self) -> &str {
        &self.date
    }
    /// `date`: all, by business date.
    fn indexes(&self, out: &mut Indexes) {
        out.add("date", self.date.clone());
    }
}
