//! Commands about payouts.

use crate::merchant::BankAccount;
use money::Money;
use serde::{Deserialize, Serialize};

/// Pays out settled money. The same number with the same content answers the same payout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatePayout {
    /// Whose money.
    pub merchant: String,
    /// The merchant's own number, unique for ever.
    pub payout_number: String,
    /// Amount.
    pub amount: Money,
    /// Shown on the statement.
    pub purpose: String,
    /// To whom; the settlement account if absent.
    #[serde(default)]
    pub payee: Option<BankAccount>,
}

/// Two people stop a payout that does not come to its end. One that waits for the reserve ends at once.
/// One that may have been sent is never sent again and only asked after: it ends when the channel does
/// not know it although nothing can be on its way any more, or by [`ResolvePayout`] after that time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelPayout {
    /// The payout.
    pub payout: String,
    /// Why.
    pub reason: String,
}

/// A person states what became of a payout for which no automatic step is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvePayout {
    /// The payout.
    pub payout: String,
    /// What became of it.
    pub outcome: ResolvedPayout,
    /// On what this rests, e.g. the bank's written confirmation.
    pub evidence: String,
}

/// What a person may state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolvedPayout {
    /// The payee has the money.
    Paid,
    /// Nothing was paid; the money is the merchant's again.
    NotPaid,
}

/// The payee's bank sent a paid payout back (退票); the money is in the reserve again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnPayout {
    /// The payout.
    pub payout: String,
    /// On what this rests.
    pub evidence: String,
}
