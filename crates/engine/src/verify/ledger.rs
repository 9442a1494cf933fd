//! Ledger rows: none is missing, each is what was hashed, and each follows from those before it.

use super::{Account, CHUNK, Ended, Run};
use crate::leaf;
use crate::merkle::{self, MerkleTree};
use crate::store::StoreError;
use ::ledger::{AccountState, NewAccount, Row, RowKind, Touch};

impl Run<'_> {
    pub(super) fn ledger(
        &mut self,
        from: u64,
        to: u64,
        tree: &mut MerkleTree,
    ) -> Result<(), Ended> {
        let mut last = from;
        let mut bytes = Vec::new();
        while last < to {
            let limit = CHUNK.min((to - last) as usize);
            let rows = match self.queries.rows_after(last, limit) {
                Ok(rows) => rows,
                Err(StoreError::Damaged { .. }) => match self.queries.row(last + 1) {
                    Ok(row) => row.into_iter().collect(),
                    Err(error) => {
                        self.problem(format!("ledger row {}", last + 1), error.to_string())?;
                        last += 1;
                        continue;
                    }
                },
                Err(error) => return Err(error.into()),
            };
            if rows.is_empty() {
                return self.problem(format!("ledger row {}", last + 1), "missing");
            }
            for (row, check) in rows {
                if row.seq != last + 1 {
                    self.problem(format!("ledger row {}", last + 1), "missing")?;
                }
                last = row.seq;
                leaf::ledger_leaf(&row, &mut bytes);
                let sound = merkle::check_value(&tree.add(&bytes)) == check;
                if !sound {
                    self.problem(
                        format!("ledger row {}", row.seq),
                        "check value does not match the row",
                    )?;
                }
                self.replay(&row, sound)?;
                self.last_date = Some(row.date);
                self.report.ledger_rows += 1;
            }
        }
        Ok(())
    }

    /// Applies a row to the derived accounts and compares what it says of them.
    fn replay(&mut self, row: &Row, sound: bool) -> Result<(), Ended> {
        let place = format!("ledger row {}", row.seq);
        if matches!(row.kind, RowKind::Transfer | RowKind::Capture) {
            self.report.transfers += 1;
        }
        if row.id != 0 {
            self.greatest_id = self.greatest_id.max(row.id);
            let found = match self.queries.transfer(::ledger::TransferId(row.id)) {
                Ok(found) => found.map(|found| found.seq),
                // This very row, named already; otherwise its id leads to another, damaged one.
                Err(StoreError::Damaged { .. }) if !sound => Some(row.seq),
                Err(StoreError::Damaged { .. }) => None,
                Err(error) => return Err(error.into()),
            };
            if found != Some(row.seq) {
                self.problem(place.clone(), "is not found under its transfer id")?;
            }
        }
        if row.kind == RowKind::Open {
            return self.open(row);
        }
        for (touch, is_debit) in [(&row.debit, true), (&row.credit, false)] {
            if touch.account == 0 {
                continue;
            }
            let Some(account) = self.accounts.get_mut(&touch.account) else {
                self.problem(
                    place.clone(),
                    format!("touches account {}, which has no row", touch.account),
                )?;
                continue;
            };
            let Some((state, _)) = &mut account.derived else {
                self.problem(
                    place.clone(),
                    format!("touches account {} before it was opened", touch.account),
                )?;
                continue;
            };
            let stale = account.stored.as_ref().is_some_and(|stored| {
                stored.state.head_seq == state.head_seq && row.seq < self.low_seq
            });
            let expected = apply(state, row, touch, is_debit);
            let after = *state;
            // Later rows are measured against what this one says, so that one error shows once.
            resume(state, touch);
            if stale {
                self.problem(
                    format!("account {}", touch.account),
                    format!("checkpoint is older than row {}", row.seq),
                )?;
            }
            if let Some(problem) = expected
                && sound
            {
                self.problem(
                    place.clone(),
                    format!("account {}: {problem}", touch.account),
                )?;
            }
            self.compare_checkpoint(touch.account, &after, row.seq)?;
        }
        Ok(())
    }

    fn open(&mut self, row: &Row) -> Result<(), Ended> {
        let place = format!("ledger row {}", row.seq);
        let Some(new) = ::ledger::opened_account(row) else {
            return self.problem(place, "opens an account of unknown kind or currency");
        };
        let id = row.debit.account;
        let state = AccountState::opened(&new, row.seq, row.date);
        let NewAccount { name, .. } = new;
        let account = self.accounts.entry(id).or_insert(Account {
            stored: None,
            compared: false,
            derived: None,
        });
        if account.derived.is_some() {
            return self.problem(place, format!("opens account {id} a second time"));
        }
        account.derived = Some((state, name));
        self.report.accounts += 1;
        self.compare_checkpoint(id, &state, row.seq)
    }
}

/// Moves a derived account by a row; says what the row states otherwise.
fn apply(state: &mut AccountState, row: &Row, touch: &Touch, is_debit: bool) -> Option<String> {
    let prev = state.head_seq;
    let prev_day = if state.day == row.date {
        0
    } else {
        state.day_seq
    };
    let held = if is_debit {
        &mut state.debits_held
    } else {
        &mut state.credits_held
    };
    match row.kind {
        RowKind::Hold => *held = held.wrapping_add(row.amount),
        RowKind::Release => *held = held.wrapping_sub(row.amount),
        // The captured side is the one whose held amount the row lowers.
        RowKind::Capture => {
            let said = if is_debit {
                touch.debits_held
            } else {
                touch.credits_held
            };
            if held.wrapping_sub(said) == row.amount {
                *held = said;
            }
        }
        RowKind::Transfer | RowKind::Open | RowKind::Close => {}
    }
    if matches!(row.kind, RowKind::Transfer | RowKind::Capture) {
        let posted = if is_debit {
            &mut state.debits_posted
        } else {
            &mut state.credits_posted
        };
        *posted = posted.wrapping_add(row.amount);
    }
    state.closed |= row.kind == RowKind::Close;
    if state.day != row.date {
        state.day = row.date;
        state.day_seq = row.seq;
    }
    state.head_seq = row.seq;
    let stated = [
        touch.debits_posted,
        touch.credits_posted,
        touch.debits_held,
        touch.credits_held,
    ];
    let derived = [
        state.debits_posted,
        state.credits_posted,
        state.debits_held,
        state.credits_held,
    ];
    if stated != derived {
        return Some(format!(
            "states debits, credits and holds {stated:?}, derived are {derived:?}"
        ));
    }
    if touch.prev_seq != prev || touch.prev_day_seq != prev_day {
        return Some(format!(
            "points back to row {}, the account's last row was {prev}",
            touch.prev_seq
        ));
    }
    None
}

fn resume(state: &mut AccountState, touch: &Touch) {
    state.debits_posted = touch.debits_posted;
    state.credits_posted = touch.credits_posted;
    state.debits_held = touch.debits_held;
    state.credits_held = touch.credits_held;
}
