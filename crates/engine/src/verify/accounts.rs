//! Account rows against what the ledger says of them.

use super::{Account, CHUNK, Ended, Run};
use crate::ids::ShardCode;
use crate::leaf;
use crate::record::Record;
use crate::store::{StoreError, StoredAccount};
use crate::tx::AccountName;
use ::ledger::{AccountId, AccountState};

impl Run<'_> {
    pub(super) fn load_checkpoints(&mut self) -> Result<(), Ended> {
        let mut last = 0;
        loop {
            let chunk = match self.queries.accounts_after(AccountId(last), CHUNK) {
                Ok(chunk) => chunk,
                Err(StoreError::Damaged { .. }) => self.accounts_one_by_one(last)?,
                Err(error) => return Err(error.into()),
            };
            let Some(end) = chunk.last() else {
                return Ok(());
            };
            last = end.id.0;
            for stored in chunk {
                if stored.check != leaf::account_check(stored.id, &stored.state) {
                    self.problem(
                        format!("account {}", stored.id.0),
                        "check value does not match the row",
                    )?;
                }
                self.accounts.insert(
                    stored.id.0,
                    Account {
                        stored: Some(stored),
                        compared: false,
                        derived: None,
                    },
                );
            }
        }
    }

    /// Finds the account rows of a chunk that cannot be read.
    fn accounts_one_by_one(&mut self, after: u64) -> Result<Vec<StoredAccount>, Ended> {
        let last = self.queries.head()?.map_or(0, |head| head.last_account);
        // Numbers of a shard begin where its code says.
        let shard = ShardCode::of_account(AccountId(last)).unwrap_or(ShardCode::FIRST);
        let after = after.max(shard.account_base());
        let mut chunk = Vec::new();
        for id in after + 1..=last.min(after + CHUNK as u64) {
            match self.queries.account(AccountId(id)) {
                Ok(Some(account)) => chunk.push(account),
                Ok(None) => {}
                Err(error) => self.problem(format!("account {id}"), error.to_string())?,
            }
        }
        Ok(chunk)
    }

    /// At the row at which an account's checkpoint was taken both must agree.
    pub(super) fn compare_checkpoint(
        &mut self,
        id: u64,
        derived: &AccountState,
        seq: u64,
    ) -> Result<(), Ended> {
        let Some(account) = self.accounts.get_mut(&id) else {
            return Ok(());
        };
        let Some(stored) = &account.stored else {
            return Ok(());
        };
        if stored.state.head_seq != seq {
            return Ok(());
        }
        account.compared = true;
        let same_name = account
            .derived
            .as_ref()
            .is_none_or(|(_, name)| *name == stored.name);
        if stored.state != *derived || !same_name {
            let problem = if !same_name {
                format!(
                    "balance row has another name than the ledger: {}",
                    stored.name
                )
            } else if (stored.state.debits_posted, stored.state.credits_posted)
                == (derived.debits_posted, derived.credits_posted)
            {
                format!(
                    "balance row says {:?}, the ledger says {derived:?}",
                    stored.state
                )
            } else {
                format!(
                    "balance row says debits {} credits {}, the ledger says debits {} credits {}",
                    stored.state.debits_posted,
                    stored.state.credits_posted,
                    derived.debits_posted,
                    derived.credits_posted
                )
            };
            return self.problem(format!("account {id}"), problem);
        }
        Ok(())
    }

    fn names(&self) -> Vec<(u64, String)> {
        let derived = |(id, account): (&u64, &Account)| {
            account
                .derived
                .as_ref()
                .map(|(_, name)| (*id, name.clone()))
        };
        self.accounts.iter().filter_map(derived).collect()
    }

    pub(super) fn finish_accounts(&mut self) -> Result<(), Ended> {
        let mut problems = Vec::new();
        for (id, account) in &self.accounts {
            if let Some((state, _)) = &account.derived {
                let code = state.currency.to_string();
                let sum = self.report.trial_balance.entry(code).or_default();
                *sum += i128::from(state.debits_posted) - i128::from(state.credits_posted);
            }
            match (&account.stored, &account.derived) {
                (None, _) => problems.push((*id, "opened in the ledger but has no balance row")),
                (Some(_), None) => {
                    problems.push((*id, "has a balance row but was never opened in the ledger"))
                }
                (Some(_), Some(_)) if !account.compared => {
                    problems.push((*id, "balance row names a last row that does not touch it"));
                }
                _ => {}
            }
        }
        for (id, name) in self.names() {
            let found = match self.queries.record(AccountName::KIND, &name) {
                // The search through all records names it.
                Err(StoreError::Damaged { .. }) => continue,
                found => found?,
            };
            let found = found.and_then(|body| serde_json::from_slice::<AccountName>(&body).ok());
            if found.is_none_or(|found| found.account.0 != id) {
                problems.push((id, "is not found under its name"));
            }
        }
        for (id, problem) in problems {
            self.problem(format!("account {id}"), problem)?;
        }
        let unbalanced: Vec<(String, i128)> = self
            .report
            .trial_balance
            .iter()
            .filter(|(_, sum)| **sum != 0)
            .map(|(code, sum)| (code.clone(), *sum))
            .collect();
        for (code, sum) in unbalanced {
            self.problem(
                "trial balance".into(),
                format!("debits less credits in {code} are {sum}"),
            )?;
        }
        Ok(())
    }
}
