//! Accounts, postings and holds within a command.

use super::{Posted, Tx, Undo};
use crate::application::{Interrupt, Need, PostStop};
use crate::record::Record;
use crate::state::State;
use crate::state::transfer_ids::IdState;
use ledger::{
    AccountId, AccountState, Accounts, HoldId, HoldState, LedgerError, Lookup, NewAccount,
    PostError, Posting, RowContext, Side, StepError, Transfer, TransferId,
};
use money::Money;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Name of an account, unique in its shard.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AccountName {
    name: String,
    pub(crate) account: AccountId,
}

impl Record for AccountName {
    const KIND: &'static str = "account_name";
    fn key(&self) -> &str {
        &self.name
    }
}

/// A hold kept by the engine.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct HoldRecord {
    id: String,
    #[serde(flatten)]
    hold: HoldState,
}

/// Kind of the records of holds.
pub const HOLD_KIND: &str = "hold";

impl Record for HoldRecord {
    const KIND: &'static str = HOLD_KIND;
    fn key(&self) -> &str {
        &self.id
    }
}
impl Tx<'_> {
    /// Opens an account; its name must be new in the shard.
    pub fn open_account(
        &mut self,
        new: &NewAccount,
    ) -> Result<Result<AccountId, NameTaken>, Interrupt> {
        if let Some(existing) = self.account_named(&new.name)? {
            return Ok(Err(NameTaken { existing }));
        }
        let id = AccountId(self.state.head.last_account + 1);
        self.put(AccountName {
            name: new.name.clone(),
            account: id,
        })?;
        self.count_row()?;
        self.state.head.last_account = id.0;
        self.state.batch.opened.push((id, new.clone()));
        self.step(|accounts, context| {
            ledger::open_account(accounts, context, id, new);
            Ok(())
        })
        .map_err(refused_is_broken)?;
        Ok(Ok(id))
    }

    /// Number of a named account.
    pub fn account_named(&mut self, name: &str) -> Result<Option<AccountId>, Interrupt> {
        Ok(self.get::<AccountName>(name)?.map(|record| record.account))
    }

    /// State of an account.
    pub fn account(&mut self, id: AccountId) -> Result<Option<AccountState>, Interrupt> {
        self.state
            .accounts
            .get(id)
            .ok_or(Interrupt::Load(Need::Account(id)))
    }

    /// Closes an empty account.
    pub fn close_account(&mut self, id: AccountId) -> Result<(), PostStop> {
        self.step(|accounts, context| ledger::close_account(accounts, context, id))
    }

    /// Posts transfers, all or none. The same posting under the same ids is [`Posted::Already`].
    pub fn post(
        &mut self,
        transfers: &[Transfer],
        reference: Option<&str>,
    ) -> Result<Posted, PostStop> {
        self.load_for(transfers)?;
        if self.posted_before(transfers, 0)? {
            return Ok(Posted::Already);
        }
        let reference: Option<Arc<str>> = reference.map(Arc::from);
        self.rows_changed += transfers.len().saturating_sub(1);
        self.count_row()?;
        self.state
            .accounts_step(self.undo, |accounts, context| {
                ledger::post(
                    accounts,
                    context,
                    Posting {
                        transfers,
                        reference: reference.as_ref(),
                    },
                )
            })
            .map_err(|(index, error)| post_stop(index, error))?;
        self.remember(transfers);
        Ok(Posted::New)
    }

    /// Loads what is not in memory of a posting, in two queries at most.
    fn load_for(&mut self, transfers: &[Transfer]) -> Result<(), Interrupt> {
        let state = &mut *self.state;
        let ids: Vec<TransferId> = transfers
            .iter()
            .map(|transfer| transfer.id)
            .filter(|id| state.transfers.must_ask(*id))
            .collect();
        if !ids.is_empty() {
            let seqs = state.reader.transfer_seqs(&ids);
            let seqs = seqs.map_err(|error| state.cannot_read(error))?;
            for (id, seq) in ids.into_iter().zip(seqs) {
                state.transfers.load(id, seq);
            }
        }
        let mut accounts: Vec<AccountId> = transfers
            .iter()
            .flat_map(|transfer| [transfer.debit, transfer.credit])
            .filter(|id| !state.accounts.contains(*id))
            .collect();
        if !accounts.is_empty() {
            accounts.sort_unstable();
            accounts.dedup();
            let found = state.read_accounts(&accounts);
            let found = found.map_err(|error| state.cannot_read(error))?;
            for (id, account) in accounts.into_iter().zip(found) {
                state.accounts.load(id, account);
            }
        }
        Ok(())
    }

    fn remember(&mut self, transfers: &[Transfer]) {
        let first = self.state.head.ledger_seq + 1 - transfers.len() as u64;
        for (transfer, seq) in transfers.iter().zip(first..) {
            self.remember_id(transfer.id, seq);
        }
        self.state.head.transfers += transfers.len() as u64;
    }

    fn remember_id(&mut self, id: TransferId, seq: u64) {
        let old = self.state.transfers.insert(id, seq);
        self.undo.transfers.push((id, old));
        self.state.head.greatest_id = self.state.head.greatest_id.max(id.0);
    }

    /// Whether these very transfers are in the books already, out of the same hold (0: of none). A differing repeat is an
    /// error, and so is one whose rows do not follow one another. Where one posting ended and the next began is not
    /// stored: a part of one, or neighbouring ones together, count as a repeat.
    fn posted_before(&mut self, transfers: &[Transfer], hold: u128) -> Result<bool, PostStop> {
        let mut used = 0;
        let mut first = 0;
        for (index, transfer) in transfers.iter().enumerate() {
            match self.state.transfers.state(transfer.id) {
                IdState::New => {
                    // Within one posting an id may stand once.
                    if used > 0 {
                        return Err(reused(index, "posting"));
                    }
                }
                IdState::AskStore => {
                    return Err(Interrupt::Load(Need::Transfer(transfer.id)).into());
                }
                IdState::Used(seq) => {
                    if used != index {
                        return Err(reused(index, "posting"));
                    }
                    let row = self.state.row(seq)?;
                    if let Some(field) = differs(&row, transfer, hold) {
                        return Err(reused(index, field));
                    }
                    // A posting's rows follow one another.
                    if index == 0 {
                        first = seq;
                    } else if seq != first + index as u64 {
                        return Err(reused(index, "posting"));
                    }
                    used += 1;
                }
            }
        }
        if used == 0 && transfers.len() > 1 {
            let mut seen: Vec<u128> = transfers.iter().map(|transfer| transfer.id.0).collect();
            seen.sort_unstable();
            if seen.windows(2).any(|pair| pair.first() == pair.last()) {
                return Err(reused(0, "posting"));
            }
        }
        Ok(used > 0)
    }

    /// Reserves an amount on one side of an account and returns the hold's id.
    pub fn hold(
        &mut self,
        account: AccountId,
        side: Side,
        amount: Money,
        reference: Option<&str>,
    ) -> Result<String, PostStop> {
        let value = self.ids.transfer().0;
        let id = crate::ids::id_text(value);
        let reference: Option<Arc<str>> = reference.map(Arc::from);
        self.count_row()?;
        let hold = self.step(|accounts, context| {
            ledger::place_hold(
                accounts,
                context,
                HoldId(value),
                account,
                side,
                amount,
                reference.as_ref(),
            )
        })?;
        // Transfers and holds share one space of ids.
        self.remember_id(TransferId(value), self.state.head.ledger_seq);
        self.put(HoldRecord {
            id: id.clone(),
            hold,
        })?;
        Ok(id)
    }

    /// What is left of a hold.
    pub fn hold_state(&mut self, id: &str) -> Result<Option<HoldState>, Interrupt> {
        Ok(self
            .get::<HoldRecord>(id)?
            .map(|record| record.hold.clone()))
    }

    /// Posts a transfer out of a hold, whole or in part.
    pub fn capture(
        &mut self,
        hold: &str,
        transfer: &Transfer,
        reference: Option<&str>,
    ) -> Result<Posted, PostStop> {
        let id = hold_number(hold)?;
        if self.posted_before(std::slice::from_ref(transfer), id.0)? {
            return Ok(Posted::Already);
        }
        let mut record = (*self.expect::<HoldRecord>(hold)?).clone();
        let reference: Option<Arc<str>> = reference.map(Arc::from);
        self.count_row()?;
        self.step(|accounts, context| {
            ledger::capture_hold(
                accounts,
                context,
                id,
                &mut record.hold,
                transfer,
                reference.as_ref(),
            )
        })?;
        self.remember(std::slice::from_ref(transfer));
        self.put(record)?;
        Ok(Posted::New)
    }

    /// Gives up what is left of a hold and says how much that was.
    pub fn release(&mut self, hold: &str, reference: Option<&str>) -> Result<i64, PostStop> {
        let mut record = (*self.expect::<HoldRecord>(hold)?).clone();
        let id = hold_number(hold)?;
        let reference: Option<Arc<str>> = reference.map(Arc::from);
        self.count_row()?;
        let rest = self.step(|accounts, context| {
            ledger::release_hold(accounts, context, id, &mut record.hold, reference.as_ref())
        })?;
        self.put(record)?;
        Ok(rest)
    }

    fn step<T>(
        &mut self,
        step: impl FnOnce(&mut AccountsView<'_>, &mut RowContext<'_>) -> Result<T, StepError<Need>>,
    ) -> Result<T, PostStop> {
        self.state
            .accounts_step(self.undo, step)
            .map_err(|error| post_stop(0, error))
    }
}

/// The name belongs to an account already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameTaken {
    /// That account.
    pub existing: AccountId,
}

fn hold_number(id: &str) -> Result<HoldId, Interrupt> {
    crate::ids::parse_id_text(id)
        .map(HoldId)
        .ok_or_else(|| Interrupt::Broken(format!("{id} is no hold id")))
}

fn reused(index: usize, field: &'static str) -> PostStop {
    PostStop::Refused(PostError {
        index,
        error: LedgerError::IdReused { field },
    })
}

fn differs(row: &ledger::Row, transfer: &Transfer, hold: u128) -> Option<&'static str> {
    if row.hold != hold {
        Some("hold")
    } else if row.debit.account != transfer.debit.0 {
        Some("debit account")
    } else if row.credit.account != transfer.credit.0 {
        Some("credit account")
    } else if row.amount != transfer.amount.amount() {
        Some("amount")
    } else if row.code != transfer.code {
        Some("code")
    } else {
        None
    }
}

fn post_stop(index: usize, error: StepError<Need>) -> PostStop {
    match PostError::from_step(index, error) {
        Ok(error) => PostStop::Refused(error),
        Err(need) => PostStop::Interrupted(Interrupt::Load(need)),
    }
}

fn refused_is_broken(stop: PostStop) -> Interrupt {
    match stop {
        PostStop::Refused(error) => Interrupt::Broken(error.to_string()),
        PostStop::Interrupted(interrupt) => interrupt,
    }
}

/// The ledger's view of the accounts, remembering what it replaces.
pub(crate) struct AccountsView<'a> {
    accounts: &'a mut crate::state::accounts::AccountCache,
    undo: &'a mut Vec<(AccountId, Option<AccountState>)>,
}

impl Accounts for AccountsView<'_> {
    type Miss = Need;

    fn state(&mut self, id: AccountId) -> Result<AccountState, Lookup<Need>> {
        match self.accounts.get(id) {
            Some(Some(state)) => Ok(state),
            Some(None) => Err(Lookup::Absent),
            None => Err(Lookup::Missing(Need::Account(id))),
        }
    }

    fn set(&mut self, id: AccountId, state: AccountState) {
        let old = self.accounts.set(id, Some(state));
        self.undo.push((id, old));
    }
}

impl State {
    fn accounts_step<T, E>(
        &mut self,
        undo: &mut Undo,
        step: impl FnOnce(&mut AccountsView<'_>, &mut RowContext<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mark = (
            undo.accounts.len(),
            self.batch.rows.len(),
            self.head.ledger_seq,
        );
        let mut view = AccountsView {
            accounts: &mut self.accounts,
            undo: &mut undo.accounts,
        };
        let mut context = RowContext {
            seq: &mut self.head.ledger_seq,
            date: self.head.business_date,
            rows: &mut self.batch.rows,
        };
        let result = step(&mut view, &mut context);
        if result.is_err() {
            // A function may go on after a refused posting (a fact goes to suspense): nothing of the
            // posting may stay.
            for (id, old) in undo.accounts.drain(mark.0..).rev() {
                self.accounts.set(id, old);
            }
            self.batch.rows.truncate(mark.1);
            self.head.ledger_seq = mark.2;
        }
        result
    }
}
