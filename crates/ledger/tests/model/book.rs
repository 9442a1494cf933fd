//! The ledger under test with the least a caller has to add: a map of accounts, rows, and undoing.
#![allow(dead_code)]

use calendar::BusinessDate;
use ledger::{
    AccountId, AccountState, Accounts, HoldId, HoldState, LedgerError, Lookup, NewAccount, Posting,
    Row, RowContext, Side, StepError, Touch, Transfer, TransferId,
};
use money::Money;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

#[derive(Debug, Default)]
pub struct View {
    pub states: BTreeMap<u64, AccountState>,
    undo: Vec<(u64, Option<AccountState>)>,
}

impl Accounts for View {
    type Miss = Infallible;
    fn state(&mut self, id: AccountId) -> Result<AccountState, Lookup<Infallible>> {
        self.states.get(&id.0).copied().ok_or(Lookup::Absent)
    }
    fn set(&mut self, id: AccountId, state: AccountState) {
        let old = self.states.insert(id.0, state);
        self.undo.push((id.0, old));
    }
}

pub struct Book {
    pub view: View,
    pub seq: u64,
    pub rows: Vec<Row>,
    pub date: BusinessDate,
}

/// A hold with its number.
pub type Held = (HoldId, HoldState);

pub fn refused(error: StepError<Infallible>) -> LedgerError {
    match error {
        StepError::Refused(error) => error,
        StepError::Missing(never) => match never {},
    }
}

impl Book {
    pub fn new(date: BusinessDate) -> Book {
        Book {
            view: View::default(),
            seq: 0,
            rows: Vec::new(),
            date,
        }
    }

    /// Runs a step; a refused one is undone as callers have to.
    pub fn step<T, E>(
        &mut self,
        step: impl FnOnce(&mut View, &mut RowContext<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let (seq, rows) = (self.seq, self.rows.len());
        self.view.undo.clear();
        let mut context = RowContext {
            seq: &mut self.seq,
            date: self.date,
            rows: &mut self.rows,
        };
        let result = step(&mut self.view, &mut context);
        if result.is_err() {
            while let Some((id, old)) = self.view.undo.pop() {
                match old {
                    Some(state) => self.view.states.insert(id, state),
                    None => self.view.states.remove(&id),
                };
            }
            self.rows.truncate(rows);
            self.seq = seq;
        }
        result
    }

    pub fn open(&mut self, id: u64, new: &NewAccount) -> AccountState {
        let opened: Result<AccountState, Infallible> =
            self.step(|view, context| Ok(ledger::open_account(view, context, AccountId(id), new)));
        opened.unwrap()
    }

    pub fn post(&mut self, transfers: &[Transfer]) -> Result<(), (usize, LedgerError)> {
        let reference: Arc<str> = Arc::from("object");
        self.step(|view, context| {
            ledger::post(
                view,
                context,
                Posting {
                    transfers,
                    reference: Some(&reference),
                },
            )
        })
        .map_err(|(index, error)| (index, refused(error)))
    }

    pub fn hold(
        &mut self,
        id: u128,
        account: u64,
        side: Side,
        amount: Money,
    ) -> Result<Held, LedgerError> {
        self.step(|view, context| {
            ledger::place_hold(
                view,
                context,
                HoldId(id),
                AccountId(account),
                side,
                amount,
                None,
            )
        })
        .map(|state| (HoldId(id), state))
        .map_err(refused)
    }

    pub fn capture(&mut self, hold: &mut Held, transfer: &Transfer) -> Result<(), LedgerError> {
        let mut state = hold.1.clone();
        let id = hold.0;
        self.step(|view, context| {
            ledger::capture_hold(view, context, id, &mut state, transfer, None)
        })
        .map_err(refused)?;
        hold.1 = state;
        Ok(())
    }

    pub fn release(&mut self, hold: &mut Held) -> Result<i64, LedgerError> {
        let mut state = hold.1.clone();
        let id = hold.0;
        let released = self
            .step(|view, context| ledger::release_hold(view, context, id, &mut state, None))
            .map_err(refused)?;
        hold.1 = state;
        Ok(released)
    }

    pub fn close(&mut self, id: u64) -> Result<(), LedgerError> {
        self.step(|view, context| ledger::close_account(view, context, AccountId(id)))
            .map_err(refused)
    }

    pub fn row(&self, seq: u64) -> &Row {
        &self.rows[seq as usize - 1]
    }

    /// The account's part of a row, which must touch it.
    pub fn touch(&self, account: u64, seq: u64) -> Touch {
        touch_of(self.row(seq), account).expect("the chain leads to a row of another account")
    }

    /// Rows of an account, found by walking backwards; in sequence.
    pub fn walk(&self, account: u64) -> Vec<u64> {
        let mut seqs = Vec::new();
        let mut seq = self.view.states[&account].head_seq;
        while seq != 0 {
            seqs.push(seq);
            seq = self.touch(account, seq).prev_seq;
        }
        seqs.reverse();
        seqs
    }

    /// Rows of an account per business date, found by hopping from day to day.
    pub fn days(&self, account: u64) -> BTreeMap<BusinessDate, Vec<u64>> {
        let state = self.view.states[&account];
        let (mut first, mut last) = (state.day_seq, state.head_seq);
        let mut days = BTreeMap::new();
        loop {
            let mut seqs = Vec::new();
            let mut seq = last;
            while seq >= first {
                seqs.push(seq);
                seq = self.touch(account, seq).prev_seq;
            }
            seqs.reverse();
            let twice = days.insert(self.row(first).date, seqs);
            assert!(twice.is_none(), "two entries for one date");
            let entry = self.touch(account, first);
            if entry.prev_day_seq == 0 {
                return days;
            }
            last = entry.prev_seq;
            first = entry.prev_day_seq;
        }
    }
}

pub fn touch_of(row: &Row, account: u64) -> Option<Touch> {
    [row.debit, row.credit]
        .into_iter()
        .find(|touch| touch.account == account)
}

pub fn transfer(id: u128, debit: u64, credit: u64, amount: Money) -> Transfer {
    Transfer {
        id: TransferId(id),
        debit: AccountId(debit),
        credit: AccountId(credit),
        amount,
        code: 7,
    }
}
