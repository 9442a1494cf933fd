//! Double-entry accounting rules over an account view.
//!
//! A [`Posting`] is a list of transfers that all happen or none. Every change of an account is
//! one [`Row`] of the shard's sequence; it carries the resulting amounts of the accounts it
//! touches and, for each of them, the number of the previous row, so that an account's history
//! is a walk backwards and needs no index.
//!
//! Cost: a transfer reads and writes two account states and appends one row; nothing else.
//! Invariant: no I/O, no clock, no channel, no float. Debits equal credits after every row.
#![deny(unsafe_code, missing_docs, clippy::indexing_slicing)]

mod account;
mod error;
mod hold;
mod post;
mod row;
mod trial_balance;

pub use account::{AccountId, AccountKind, AccountState, NewAccount, Side};
pub use error::{LedgerError, PostError};
pub use hold::{HoldId, HoldState};
pub use post::{
    Accounts, Lookup, Posting, RowContext, StepError, Transfer, TransferId, capture_hold,
    close_account, open_account, opened_account, place_hold, post, release_hold, reversal_of,
};
pub use row::{Row, RowKind, Touch};
pub use trial_balance::TrialBalance;
