//! Plans of a split, and what was split.

use crate::regulation::Ruling;
use calendar::BusinessDate;
use engine::{Indexes, Record, index_time};
use jiff::Timestamp;
use money::{Money, Rate};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a receiver is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiverKind {
    /// Sold the goods.
    Seller,
    /// Gets a commission (分佣).
    Commission,
    /// The platform's own part.
    Platform,
    /// Brought the business (分润).
    Agent,
}

/// How much a receiver gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// This amount.
    Fixed(Money),
    /// This part of what was paid, in parts per million.
    Proportion(Rate),
}

/// One receiver of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receiver {
    /// Merchant of the same shard.
    pub merchant: String,
    /// What it is.
    pub kind: ReceiverKind,
    /// How much.
    pub share: Share,
}

/// Who gets what. The main merchant keeps the rest, the fee and every fen that does not divide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitPlan {
    /// At least one, at most [`super::RECEIVERS_MAX`].
    pub receivers: Vec<Receiver>,
}

/// What a receiver got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitPart {
    /// Receiver.
    pub merchant: String,
    /// What it is.
    pub kind: ReceiverKind,
    /// What it got.
    pub amount: Money,
    /// What it gave back for refunds.
    pub returned: Money,
}

/// A split that was executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// `spl_…`
    pub id: String,
    /// The payment.
    pub payment: String,
    /// The main merchant.
    pub merchant: String,
    /// What was paid.
    pub paid: Money,
    /// The plan that was executed. In splits of earlier releases it is the payment's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<SplitPlan>,
    /// The parts.
    pub parts: Vec<SplitPart>,
    /// The decision by which it was made. Splits of earlier releases have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Arc<Ruling>>,
    /// Executed at.
    #[serde(with = "calendar::rfc3339")]
    pub created_at: Timestamp,
    /// Last changed at.
    #[serde(with = "calendar::rfc3339")]
    pub updated_at: Timestamp,
    /// Business date of its execution.
    pub business_date: BusinessDate,
}

impl Record for Split {
    const KIND: &'static str = "split";
    fn key(&self) -> &str {
        &self.id
    }
    /// `merchant`: by main merchant and time. `receiver`: by receiver and time.
    fn indexes(&self, out: &mut Indexes) {
        let time = index_time(self.created_at);
        for part in &self.parts {
            out.add("receiver", format!("{}/{time}", part.merchant));
        }
        out.add("merchant", format!("{}/{time}", self.merchant));
    }
}
