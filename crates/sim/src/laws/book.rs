//! The books as first principles give them: sums over the amounts of all durable rows.
//!
//! Reads each durable batch once, whatever crashed in between: what was durable stays, row by row.

use crate::failure::{Broken, demand};
use crate::node::Node;
use engine::Application;
use engine::batch::{JournalRow, hash_rows};
use engine::contents::Contents;
use engine::merkle::{Hash, chain};
use engine::store::{Queries, StoredBatch};
use ledger::{AccountId, Row, RowKind, Side, Touch};
use std::collections::{BTreeMap, BTreeSet};

/// More batches than one run has.
const ALL: usize = 1_000_000;

/// Amounts of an account as the rows give them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Amounts {
    debits: i64,
    credits: i64,
    held_debits: i64,
    held_credits: i64,
    last_row: u64,
    closed: bool,
}

#[derive(Debug, Clone, Copy)]
struct Hold {
    account: u64,
    side: Side,
    remaining: i64,
}

/// What the durable rows say so far.
#[derive(Debug, Default)]
pub struct BookLaws {
    accounts: BTreeMap<u64, Amounts>,
    names: BTreeMap<String, u64>,
    transfers: BTreeSet<u128>,
    holds: BTreeMap<u128, Hold>,
    last_row: u64,
    last_journal: u64,
    last_batch: u64,
    head_hash: Hash,
}

impl BookLaws {
    /// Takes in what became durable since the last call and checks it; returns its journal rows.
    pub fn observe(&mut self, queries: &dyn Queries) -> Result<Vec<JournalRow>, Broken> {
        let mut journal = Vec::new();
        for batch in queries.batches_after(self.last_batch, ALL)? {
            journal.extend(self.batch(queries, &batch)?);
        }
        Ok(journal)
    }

    fn batch(
        &mut self,
        queries: &dyn Queries,
        batch: &StoredBatch,
    ) -> Result<Vec<JournalRow>, Broken> {
        let law = "batches follow one another without gaps";
        demand(batch.seq == self.last_batch + 1, law, || {
            format!("batch {} after batch {}", batch.seq, self.last_batch)
        })?;
        let count = |last: u64, before: u64| usize::try_from(last.saturating_sub(before));
        let rows = queries.rows_after(
            self.last_row,
            count(batch.last_ledger_seq, self.last_row).unwrap_or(ALL),
        )?;
        let journal = queries.journal_after(
            self.last_journal,
            count(batch.last_journal_seq, self.last_journal).unwrap_or(ALL),
        )?;
        let (rows, journal): (Vec<Row>, Vec<JournalRow>) = (
            rows.into_iter().map(|(row, _)| row).collect(),
            journal.into_iter().map(|(row, _)| row).collect(),
        );
        for row in &rows {
            self.row(row)?;
        }
        for row in &journal {
            self.last_journal += 1;
            demand(
                row.seq == self.last_journal,
                "the journal has no gaps",
                || format!("row {} where {} was due", row.seq, self.last_journal),
            )?;
        }
        let ends = (self.last_row, self.last_journal);
        demand(
            ends == (batch.last_ledger_seq, batch.last_journal_seq),
            "a batch is durable whole or not at all",
            || format!("batch {batch:?} but rows and journal end at {ends:?}"),
        )?;
        self.chain(batch, journal.clone(), rows)?;
        self.trial_balance()?;
        Ok(journal)
    }

    fn chain(
        &mut self,
        batch: &StoredBatch,
        journal: Vec<JournalRow>,
        rows: Vec<Row>,
    ) -> Result<(), Broken> {
        let (_, _, root) = hash_rows(journal, rows, batch.contents.as_ref());
        let head = chain(&self.head_hash, &root, batch.seq);
        let law = "the hash chain covers what is stored";
        demand(root == batch.root && head == batch.head_hash, law, || {
            format!("batch {}", batch.seq)
        })?;
        self.last_batch = batch.seq;
        self.head_hash = head;
        Ok(())
    }

    fn row(&mut self, row: &Row) -> Result<(), Broken> {
        self.last_row += 1;
        demand(row.seq == self.last_row, "the ledger has no gaps", || {
            format!("row {} where {} was due", row.seq, self.last_row)
        })?;
        let (debit, credit) = (row.debit.account, row.credit.account);
        match row.kind {
            RowKind::Open => {
                let account = debit.max(credit);
                let name = row.reference.as_deref().unwrap_or_default().to_owned();
                let known = self.accounts.insert(account, Amounts::default()).is_some();
                let taken = self.names.insert(name, account).is_some();
                demand(!known && !taken, "an account is opened once", || {
                    format!("account {account}")
                })?;
            }
            RowKind::Transfer => self.transfer(row)?,
            RowKind::Capture => {
                self.draw(row)?;
                self.transfer(row)?;
            }
            RowKind::Hold => {
                let side = if debit != 0 {
                    Side::Debit
                } else {
                    Side::Credit
                };
                let hold = Hold {
                    account: debit.max(credit),
                    side,
                    remaining: row.amount,
                };
                *self.held(hold.account, side)? += row.amount;
                self.holds.insert(row.id, hold);
            }
            RowKind::Release => self.draw(row)?,
            RowKind::Close => self.account(debit)?.closed = true,
        }
        self.touch(row, &row.debit)?;
        self.touch(row, &row.credit)
    }

    fn transfer(&mut self, row: &Row) -> Result<(), Broken> {
        let law = "a transfer is posted once";
        demand(self.transfers.insert(row.id), law, || {
            format!("row {} repeats transfer {:032x}", row.seq, row.id)
        })?;
        demand(row.amount > 0, "amounts are positive", || {
            format!("row {}", row.seq)
        })?;
        let debit = self.account(row.debit.account)?;
        debit.debits += row.amount;
        let closed = debit.closed;
        let credit = self.account(row.credit.account)?;
        credit.credits += row.amount;
        let closed = closed || credit.closed;
        demand(!closed, "a closed account takes no posting", || {
            format!("row {}", row.seq)
        })
    }

    /// Takes an amount out of a hold.
    fn draw(&mut self, row: &Row) -> Result<(), Broken> {
        let law = "a hold is drawn on up to its amount";
        let Some(hold) = self.holds.get_mut(&row.hold) else {
            return Err(Broken::new(law, format!("row {}: no such hold", row.seq)));
        };
        hold.remaining -= row.amount;
        let hold = *hold;
        demand(hold.remaining >= 0, law, || {
            format!("row {} leaves {hold:?}", row.seq)
        })?;
        *self.held(hold.account, hold.side)? -= row.amount;
        Ok(())
    }

    fn account(&mut self, id: u64) -> Result<&mut Amounts, Broken> {
        self.accounts
            .get_mut(&id)
            .ok_or_else(|| Broken::new("rows touch opened accounts", format!("account {id}")))
    }

    fn held(&mut self, id: u64, side: Side) -> Result<&mut i64, Broken> {
        let account = self.account(id)?;
        Ok(match side {
            Side::Debit => &mut account.held_debits,
            Side::Credit => &mut account.held_credits,
        })
    }

    fn touch(&mut self, row: &Row, touch: &Touch) -> Result<(), Broken> {
        if touch.account == 0 {
            return Ok(());
        }
        let account = self.account(touch.account)?;
        let found = Amounts {
            debits: touch.debits_posted,
            credits: touch.credits_posted,
            held_debits: touch.debits_held,
            held_credits: touch.credits_held,
            last_row: touch.prev_seq,
            closed: account.closed,
        };
        let expected = *account;
        account.last_row = row.seq;
        demand(
            found == expected,
            "a row carries the sums of all rows before it",
            || format!("row {row:?} for account {}: {expected:?}", touch.account),
        )
    }

    fn trial_balance(&self) -> Result<(), Broken> {
        let sum: i128 = self
            .accounts
            .values()
            .map(|amounts| i128::from(amounts.debits) - i128::from(amounts.credits))
            .sum();
        demand(sum == 0, "the trial balance is zero", || {
            format!("after batch {}: {sum}", self.last_batch)
        })
    }

    /// Number of a named account.
    pub fn named(&self, name: &str) -> Option<u64> {
        self.names.get(name).copied()
    }

    /// Debits less credits of an account.
    pub fn debit_balance(&self, account: u64) -> Option<i64> {
        let amounts = self.accounts.get(&account)?;
        Some(amounts.debits - amounts.credits)
    }

    /// All account names with their numbers.
    pub fn names(&self) -> impl Iterator<Item = (&str, u64)> {
        self.names.iter().map(|(name, id)| (name.as_str(), *id))
    }

    /// Amount held on an account, both sides together.
    pub fn held_amount(&self, account: u64) -> i64 {
        self.accounts
            .get(&account)
            .map_or(0, |amounts| amounts.held_debits + amounts.held_credits)
    }

    /// The shard's memory agrees with the rows. Only while nothing waits to be written.
    pub fn memory<App: Application>(&self, node: &mut Node<App>) -> Result<(), Broken> {
        for (id, expected) in &self.accounts {
            // A read that is planned to fail says nothing; the next look does.
            let Ok(state) = node.account(AccountId(*id)) else {
                return Ok(());
            };
            let found = state.map(|state| Amounts {
                debits: state.debits_posted,
                credits: state.credits_posted,
                held_debits: state.debits_held,
                held_credits: state.credits_held,
                last_row: state.head_seq,
                closed: state.closed,
            });
            demand(
                found.as_ref() == Some(expected),
                "memory agrees with the rows, holds included",
                || format!("account {id}: rows say {expected:?}, memory says {found:?}"),
            )?;
        }
        Ok(())
    }

    /// The sums of the last batch are those of the stored rows.
    pub fn contents(&self, queries: &dyn Queries) -> Result<(), Broken> {
        let mut found = Contents::default();
        let head = queries.contents(&mut |row| found.add(&row))?;
        let said = head.and_then(|head| head.contents);
        demand(
            said.unwrap_or_default() == found,
            "the sums over records, indexes and secrets hold",
            || format!("{said:?}, stored {found:?}"),
        )
    }

    /// The hold records agree with the rows.
    pub fn hold_records(&self, queries: &dyn Queries) -> Result<(), Broken> {
        let law = "hold records agree with the rows";
        for (id, hold) in &self.holds {
            let key = engine::ids::id_text(*id);
            let body = queries.record("hold", &key)?.unwrap_or_default();
            let record: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
            let remaining = record.get("remaining").and_then(serde_json::Value::as_i64);
            demand(remaining == Some(hold.remaining), law, || {
                format!("hold {key}: rows say {hold:?}, the record says {record}")
            })?;
        }
        Ok(())
    }
}
