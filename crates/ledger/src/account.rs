//! Accounts: what they are and the amounts they carry.

use crate::LedgerError;
use calendar::BusinessDate;
use money::Currency;
use serde::{Deserialize, Serialize};

/// Number of an account within its shard; 0 is no account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub u64);

/// The five kinds; a memo account counts something that is not in the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// What the institution owns or is owed.
    Asset,
    /// What it owes.
    Liability,
    /// What it earned.
    Income,
    /// What it spent.
    Expense,
    /// Outside the balance sheet.
    Memo,
}

/// Debit or credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// 借
    Debit,
    /// 贷
    Credit,
}

impl AccountKind {
    /// The side on which the account grows.
    pub fn normal_side(self) -> Side {
        match self {
            AccountKind::Asset | AccountKind::Expense | AccountKind::Memo => Side::Debit,
            AccountKind::Liability | AccountKind::Income => Side::Credit,
        }
    }

    /// Number used in storage.
    pub fn code(self) -> u8 {
        match self {
            AccountKind::Asset => 1,
            AccountKind::Liability => 2,
            AccountKind::Income => 3,
            AccountKind::Expense => 4,
            AccountKind::Memo => 5,
        }
    }

    /// The kind of a storage number.
    pub fn from_code(code: u8) -> Option<AccountKind> {
        Some(match code {
            1 => AccountKind::Asset,
            2 => AccountKind::Liability,
            3 => AccountKind::Income,
            4 => AccountKind::Expense,
            5 => AccountKind::Memo,
            _ => return None,
        })
    }
}

/// What is decided when an account is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAccount {
    /// Unique name for people, e.g. `MS:mch_…`.
    pub name: String,
    /// Kind.
    pub kind: AccountKind,
    /// Currency of all its amounts.
    pub currency: Currency,
    /// Whether it may be overdrawn.
    pub may_go_negative: bool,
}

/// State of an account: cumulative amounts per side in minor units, and its place in the sequence.
///
/// Small and `Copy`: the writer keeps many of these in memory and saves one before each change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountState {
    /// Sum of all posted debits, never negative.
    pub debits_posted: i64,
    /// Sum of all posted credits, never negative.
    pub credits_posted: i64,
    /// Debits announced by open holds.
    pub debits_held: i64,
    /// Credits announced by open holds.
    pub credits_held: i64,
    /// Last row that touched the account.
    pub head_seq: u64,
    /// First row that touched it on `day`.
    pub day_seq: u64,
    /// Business date of the last touch.
    pub day: BusinessDate,
    /// Currency.
    pub currency: Currency,
    /// Kind.
    pub kind: AccountKind,
    /// May be overdrawn.
    pub may_go_negative: bool,
    /// Takes no more postings.
    pub closed: bool,
}

impl AccountState {
    /// A state without amounts, as of its opening row.
    pub fn opened(new: &NewAccount, seq: u64, date: BusinessDate) -> AccountState {
        AccountState {
            debits_posted: 0,
            credits_posted: 0,
            debits_held: 0,
            credits_held: 0,
            head_seq: seq,
            day_seq: seq,
            day: date,
            currency: new.currency,
            kind: new.kind,
            may_go_negative: new.may_go_negative,
            closed: false,
        }
    }

    /// Posted balance on the normal side; negative when overdrawn.
    pub fn balance(&self) -> i64 {
        match self.kind.normal_side() {
            Side::Debit => self.debits_posted - self.credits_posted,
            Side::Credit => self.credits_posted - self.debits_posted,
        }
    }

    /// Balance less what open holds reserve on the outgoing side; at least `i64::MIN`, which only an
    /// account that may be overdrawn can reach.
    pub fn available(&self) -> i64 {
        match self.kind.normal_side() {
            Side::Debit => self.balance().saturating_sub(self.credits_held),
            Side::Credit => self.balance().saturating_sub(self.debits_held),
        }
    }

    /// Adds a posted amount; the balance constraint is checked against `available`.
    pub(crate) fn post(&mut self, side: Side, amount: i64) -> Result<(), LedgerError> {
        let total = match side {
            Side::Debit => &mut self.debits_posted,
            Side::Credit => &mut self.credits_posted,
        };
        *total = total.checked_add(amount).ok_or(LedgerError::Overflow)?;
        self.check_floor(side)
    }

    /// Adds to (or, with a negative amount, takes from) what is held.
    pub(crate) fn hold(&mut self, side: Side, amount: i64) -> Result<(), LedgerError> {
        let held = match side {
            Side::Debit => &mut self.debits_held,
            Side::Credit => &mut self.credits_held,
        };
        *held = held.checked_add(amount).ok_or(LedgerError::Overflow)?;
        if *held < 0 {
            return Err(LedgerError::HoldExhausted);
        }
        if amount > 0 {
            self.check_floor(side)
        } else {
            Ok(())
        }
    }

    /// Only a movement on the outgoing side can break the floor.
    fn check_floor(&self, side: Side) -> Result<(), LedgerError> {
        let outgoing = side != self.kind.normal_side();
        if outgoing && !self.may_go_negative && self.available() < 0 {
            return Err(LedgerError::InsufficientFunds {
                short_by: -self.available(),
            });
        }
        Ok(())
    }
}
