//! Why a posting is refused.

use crate::AccountId;
use thiserror::Error;

/// The rule that a single step broke.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LedgerError {
    /// Amounts are above zero, always.
    #[error("the amount must be above zero")]
    AmountNotPositive,
    /// A transfer needs two accounts.
    #[error("debit and credit account are the same")]
    SameAccount,
    /// No such account in this shard.
    #[error("account {} does not exist", .0.0)]
    UnknownAccount(AccountId),
    /// The account takes no postings.
    #[error("account {} is closed", .0.0)]
    AccountClosed(AccountId),
    /// Transfer, accounts or hold differ in currency.
    #[error("currency differs from the account's")]
    CurrencyMismatch,
    /// The account may not be overdrawn.
    #[error("insufficient funds: short by {short_by} minor units")]
    InsufficientFunds {
        /// Missing amount in minor units.
        short_by: i64,
    },
    /// A cumulative amount would pass 2^63.
    #[error("amount overflows the account's total")]
    Overflow,
    /// More was captured or released than is left in the hold.
    #[error("the hold has less left than asked for")]
    HoldExhausted,
    /// The capture names an account or side the hold is not on.
    #[error("the transfer does not draw on the held account")]
    HoldMismatch,
    /// The account still carries money or holds.
    #[error("account {} still has a balance or holds", .0.0)]
    NotEmpty(AccountId),
    /// The date is earlier than one the account has seen.
    #[error("business date lies before the account's last posting")]
    DateBackwards,
    /// The same id was used before with other content.
    #[error("transfer id was used before with a different {field}")]
    IdReused {
        /// What differs.
        field: &'static str,
    },
}

/// A refused posting: nothing of it happened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("transfer {index}: {error}")]
pub struct PostError {
    /// Position in the posting, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub error: LedgerError,
}
