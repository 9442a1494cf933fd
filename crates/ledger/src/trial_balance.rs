//! Trial balance: debits less credits over all accounts.

use crate::AccountState;

/// Sums over accounts of one currency; memo accounts count too, their transfers also have two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrialBalance {
    /// All posted debits.
    pub debits: i128,
    /// All posted credits.
    pub credits: i128,
}

impl TrialBalance {
    /// Adds an account.
    pub fn add(&mut self, account: &AccountState) {
        self.debits += i128::from(account.debits_posted);
        self.credits += i128::from(account.credits_posted);
    }

    /// Zero when the books balance.
    pub fn difference(&self) -> i128 {
        self.debits - self.credits
    }
}
