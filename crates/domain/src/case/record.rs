//! Work items for people.

use calendar::BusinessDate;
use engine::{Indexes, Record, index_time};
use jiff::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};

/// What happened that a person has to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseKind {
    /// Money arrived for an order that is not ours.
    UnknownPayment,
    /// An order was paid a second time.
    DoublePayment,
    /// More was paid than the order asks for.
    Overpaid,
    /// Less was paid than the order asks for.
    Underpaid,
    /// Money arrived for a merchant whose account is closed.
    AccountClosed,
    /// Evidence in a currency or amount that cannot be booked.
    Unbookable,
    /// Two verified statements contradict each other.
    Contradiction,
    /// A planned split could not be executed.
    SplitFailed,
    /// The payer's account refuses a refund.
    RefundAbnormal,
    /// A refund has no outcome and no automatic step is left.
    RefundStranded,
    /// A refund was made that is not ours.
    UnknownRefund,
    /// A payout has no outcome and no automatic step is left.
    PayoutStranded,
    /// A payout did not come to its end in time; it goes on all the same.
    PayoutOverdue,
    /// A payout was declined, but the channel does not say that it failed.
    PayoutDeclined,
    /// A payout was made that is not ours.
    UnknownPayout,
    /// A merchant is due but has no settlement account.
    NoSettlementAccount,
    /// A rule keeps settled money from being paid out.
    PayoutRefused,
    /// What became known of a merchant forbids serving it; it was suspended.
    MerchantForbidden,
    /// A payer paid from something else than the order had said.
    SourceContradicted,
    /// A sign of risk was seen; it ends with the decision on the sign.
    RiskSignal,
    /// A difference found by reconciliation.
    Reconciliation,
    /// A merchant's webhook endpoint failed for days and was switched off.
    WebhookFailing,
    /// Anything else that a person opened.
    Other,
}

/// Life of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseStatus {
    /// Nobody knows yet why.
    Open,
    /// The reason is written down.
    Explained,
    /// The money was taken where it belongs.
    Adjusted,
    /// Done.
    Closed,
}

/// The same kind of finding about the same object, while the case was open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FurtherFinding {
    /// What became known.
    pub reason: String,
    /// Amount of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// When.
    #[serde(with = "calendar::rfc3339")]
    pub found_at: Timestamp,
}

/// A case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// `cas_…`
    pub id: String,
    /// What happened.
    pub kind: CaseKind,
    /// Id or number of what it is about.
    pub object: String,
    /// Whose, where a merchant is concerned.
    pub merchant: Option<String>,
    /// What is known.
    pub reason: String,
    /// Amount in question, further findings included.
    pub amount: Option<Money>,
    /// What was found later, the latest of it at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<FurtherFinding>,
    /// Role, and later person, that owns it; never nobody.
    pub owner: String,
    /// Where it stands.
    pub status: CaseStatus,
    /// Why it happened, once known.
    pub explanation: Option<String>,
    /// How it was closed.
    pub resolution: Option<String>,
    /// How much was adjusted so far.
    pub adjusted: Option<Money>,
    /// Opened at.
    #[serde(with = "calendar::rfc3339")]
    pub created_at: Timestamp,
    /// Last changed at.
    #[serde(with = "calendar::rfc3339")]
    pub updated_at: Timestamp,
    /// Business date on which it was opened.
    pub business_date: BusinessDate,
}

impl Record for Case {
    const KIND: &'static str = "case";
    fn key(&self) -> &str {
        &self.id
    }
    /// `time`: all, by opening. `open`: not closed, by opening. `object`: by what it is about.
    fn indexes(&self, out: &mut Indexes) {
        let time = index_time(self.created_at);
        if self.status != CaseStatus::Closed {
            out.add("open", time.clone());
        }
        out.add("object", format!("{}/{time}", self.object));
        out.add("time", time);
    }
}

/// The latest case of a kind about an object, so that the same finding opens one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseKey {
    /// Kind and object.
    pub key: String,
    /// The case.
    pub case: String,
}

impl Record for CaseKey {
    const KIND: &'static str = "case_key";
    fn key(&self) -> &str {
        &self.key
    }
}
