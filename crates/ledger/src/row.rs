//! Rows of the shard's account sequence.

use crate::{AccountId, AccountState};
use calendar::BusinessDate;
use std::sync::Arc;

/// What a row records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowKind {
    /// An account is opened; `reference` is its name, `attributes` its kind, currency and flags.
    Open,
    /// Money moves from the credit to the debit side's account.
    Transfer,
    /// An amount is reserved.
    Hold,
    /// A transfer that draws on a hold.
    Capture,
    /// A hold, or the rest of it, is given up.
    Release,
    /// An account is closed.
    Close,
}

impl RowKind {
    /// Number used in storage.
    pub fn code(self) -> u8 {
        match self {
            RowKind::Transfer => 0,
            RowKind::Open => 1,
            RowKind::Hold => 2,
            RowKind::Capture => 3,
            RowKind::Release => 4,
            RowKind::Close => 5,
        }
    }

    /// The kind of a storage number.
    pub fn from_code(code: u8) -> Option<RowKind> {
        Some(match code {
            0 => RowKind::Transfer,
            1 => RowKind::Open,
            2 => RowKind::Hold,
            3 => RowKind::Capture,
            4 => RowKind::Release,
            5 => RowKind::Close,
            _ => return None,
        })
    }
}

/// One account as a row left it, and where its history goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Touch {
    /// The account; 0 where the row touches only the other side.
    pub account: u64,
    /// Cumulative posted debits after the row.
    pub debits_posted: i64,
    /// Cumulative posted credits after the row.
    pub credits_posted: i64,
    /// Held debits after the row.
    pub debits_held: i64,
    /// Held credits after the row.
    pub credits_held: i64,
    /// Previous row of the account; 0 at its first.
    pub prev_seq: u64,
    /// Set on the account's first row of a business date: its first row of the date before.
    /// A day's statement hops over whole days along these.
    pub prev_day_seq: u64,
}

impl Touch {
    /// The account, where there is one.
    pub fn account_id(&self) -> Option<AccountId> {
        (self.account != 0).then_some(AccountId(self.account))
    }

    /// Records the state after a change and moves its head to the row.
    pub(crate) fn advance(
        id: AccountId,
        state: &mut AccountState,
        seq: u64,
        date: BusinessDate,
    ) -> Touch {
        let prev_seq = state.head_seq;
        let mut prev_day_seq = 0;
        if state.day != date {
            prev_day_seq = state.day_seq;
            state.day = date;
            state.day_seq = seq;
        }
        state.head_seq = seq;
        Touch {
            account: id.0,
            debits_posted: state.debits_posted,
            credits_posted: state.credits_posted,
            debits_held: state.debits_held,
            credits_held: state.credits_held,
            prev_seq,
            prev_day_seq,
        }
    }
}

/// One change, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Place in the shard's sequence, from 1 without gaps.
    pub seq: u64,
    /// What it records.
    pub kind: RowKind,
    /// Id of the transfer or hold; 0 for changes of an account itself.
    pub id: u128,
    /// The hold a capture or release draws on; 0 otherwise.
    pub hold: u128,
    /// Amount in minor units; 0 where no amount is meant.
    pub amount: i64,
    /// Business date (会计日).
    pub date: BusinessDate,
    /// What kind of movement; the domain numbers them.
    pub code: u16,
    /// Kind, currency and flags of an opened account; 0 otherwise.
    pub attributes: u32,
    /// Business object, or the name of an opened account.
    pub reference: Option<Arc<str>>,
    /// The debit side.
    pub debit: Touch,
    /// The credit side.
    pub credit: Touch,
}
