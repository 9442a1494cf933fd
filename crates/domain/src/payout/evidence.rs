//! What counts as proof that a payout came to its end.
//!
//! The fields are private and the only ways in are verified answers of the channel. A time-out, an
//! exception, "not found" or a refusal of a request cannot be turned into one.

use channels::answer::{PayoutState, Refusal};
use money::Money;

/// The payee has the money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidEvidence {
    channel_number: String,
    amount: Money,
    settle_date: Option<String>,
}

/// Nothing was paid, for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureEvidence {
    refusal: Refusal,
}

/// Proof of either end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// Paid.
    Paid(PaidEvidence),
    /// Failed.
    Failed(FailureEvidence),
}

impl Evidence {
    /// The proof a verified state carries, if it is final.
    pub fn of(state: &PayoutState) -> Option<Evidence> {
        match state {
            PayoutState::Processing => None,
            PayoutState::Succeeded {
                channel_number,
                amount,
                settle_date,
            } => Some(Evidence::Paid(PaidEvidence {
                channel_number: channel_number.clone(),
                amount: *amount,
                settle_date: settle_date.clone(),
            })),
            PayoutState::Failed { refusal } => Some(Evidence::Failed(FailureEvidence {
                refusal: refusal.clone(),
            })),
        }
    }
}

impl PaidEvidence {
    /// The channel's own number.
    pub fn channel_number(&self) -> &str {
        &self.channel_number
    }

    /// What was paid.
    pub fn amount(&self) -> Money {
        self.amount
    }

    /// The channel's clearing date, `MMDD`.
    pub fn settle_date(&self) -> Option<&str> {
        self.settle_date.as_deref()
    }
}

impl FailureEvidence {
    /// The channel's reason.
    pub fn refusal(&self) -> &Refusal {
        &self.refusal
    }
}
