//! The plain ledger by its commands: balances and holds of clients, added up one by one.

use crate::failure::{Broken, demand};
use crate::laws::BookLaws;
use domain::transfer::{CompactTransfer, PostTransfers};
use domain::{Command, Reply, Request};
use ledger::AccountKind;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
struct Account {
    kind: Option<AccountKind>,
    may_go_negative: bool,
    /// Debits less credits.
    balance: i64,
}

#[derive(Debug, Default)]
pub(super) struct ClientLedger {
    accounts: BTreeMap<u64, Account>,
    applied: BTreeSet<u128>,
    /// Hold to its account and what is left of it.
    holds: BTreeMap<String, (u64, i64)>,
}

impl ClientLedger {
    /// Number of holds ever placed.
    pub fn holds_placed(&self) -> u64 {
        self.holds.len() as u64
    }

    /// Takes in a command that was carried out.
    pub fn command(&mut self, command: &Command, reply: &Reply) -> Result<(), Broken> {
        let Command::Request(request) = command else {
            return Ok(());
        };
        match (request, reply) {
            (Request::OpenAccounts(_), Reply::Accounts(accounts)) => {
                for account in accounts {
                    let entry = self.accounts.entry(account.account).or_default();
                    entry.kind = Some(account.kind);
                    entry.may_go_negative = account.may_go_negative;
                }
                Ok(())
            }
            (Request::PostTransfers(command), Reply::Transfers(outcome)) => {
                let refused: Vec<u32> = outcome.refused.iter().map(|one| one.index).collect();
                self.transfers(command, &refused)
            }
            (Request::PlaceHold(command), Reply::Hold { hold, .. }) => {
                let entry = (command.account, command.amount.amount());
                let known = self.holds.insert(hold.hold.clone(), entry);
                demand(known.is_none(), "a hold is placed once", || {
                    hold.hold.clone()
                })
            }
            (Request::CaptureHold(command), Reply::Hold { hold, .. }) => {
                if self.transfer(&command.transfer) {
                    self.draw(&command.hold, command.transfer.amount)?;
                }
                self.remains(&hold.hold, hold.remaining)
            }
            (Request::ReleaseHold(_), Reply::Hold { hold, .. }) => {
                if let Some((_, remaining)) = self.holds.get_mut(&hold.hold) {
                    *remaining = 0;
                }
                self.remains(&hold.hold, hold.remaining)
            }
            (Request::ReverseTransfer(command), Reply::Reversal(reversal)) => {
                let id = engine::ids::parse_id_text(&reversal.reversal).unwrap_or_default();
                let mirror = CompactTransfer {
                    id,
                    debit: command.original.credit,
                    credit: command.original.debit,
                    ..command.original
                };
                self.transfer(&mirror);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn transfers(&mut self, command: &PostTransfers, refused: &[u32]) -> Result<(), Broken> {
        for (index, transfer) in (0u32..).zip(&command.transfers) {
            if !refused.contains(&index) {
                self.transfer(transfer);
            }
        }
        Ok(())
    }

    /// Applies a transfer; false when it was applied before.
    fn transfer(&mut self, transfer: &CompactTransfer) -> bool {
        if !self.applied.insert(transfer.id) {
            return false;
        }
        self.accounts.entry(transfer.debit).or_default().balance += transfer.amount;
        self.accounts.entry(transfer.credit).or_default().balance -= transfer.amount;
        true
    }

    fn draw(&mut self, hold: &str, amount: i64) -> Result<(), Broken> {
        let remaining = self.holds.get_mut(hold).map(|(_, remaining)| {
            *remaining -= amount;
            *remaining
        });
        demand(
            remaining.is_some_and(|remaining| remaining >= 0),
            "a hold gives what it has",
            || format!("{hold}: {remaining:?} after drawing {amount}"),
        )
    }

    fn remains(&self, hold: &str, said: i64) -> Result<(), Broken> {
        let remaining = self.holds.get(hold).map(|(_, remaining)| *remaining);
        demand(
            remaining == Some(said),
            "a reply states what is left of a hold",
            || format!("{hold}: {remaining:?}, but {said} was said"),
        )
    }

    /// Balances and holds agree with the ledger's rows.
    pub fn check(&self, laws: &BookLaws) -> Result<(), Broken> {
        for (id, account) in &self.accounts {
            let held: i64 = self
                .holds
                .values()
                .filter(|(on, _)| on == id)
                .map(|(_, remaining)| remaining)
                .sum();
            let found = (laws.debit_balance(*id), laws.held_amount(*id));
            demand(
                found == (Some(account.balance), held),
                "clients' accounts equal the commands that were acknowledged",
                || {
                    format!(
                        "account {id}: {found:?}, expected {} with {held} held",
                        account.balance
                    )
                },
            )?;
            let floored = account.kind == Some(AccountKind::Liability) && !account.may_go_negative;
            demand(
                !floored || -account.balance >= held,
                "an account that may not be overdrawn is not",
                || format!("account {id}: {account:?} with {held} held"),
            )?;
        }
        Ok(())
    }
}
