//! What a shard reads when it opens: the rows that the account checkpoints lack.

use crate::batch::ShardHead;
use crate::state::accounts::AccountCache;
use crate::store::{StoreError, StoreReader};
use calendar::BusinessDate;
use ledger::{AccountId, AccountState, Row, RowKind, Touch};

/// Brings accounts to the state of the last row: reads each row of the tail once, last value wins.
pub(super) fn recover(
    reader: &mut dyn StoreReader,
    head: &ShardHead,
    accounts: &mut AccountCache,
) -> Result<(), StoreError> {
    let mut touched: hashbrown::HashMap<u64, Tail, rustc_hash::FxBuildHasher> =
        hashbrown::HashMap::default();
    reader.tail(head.low_seq, &mut |row| {
        for touch in [&row.debit, &row.credit] {
            if touch.account != 0 {
                touched.entry(touch.account).or_default().see(&row, touch);
            }
        }
        Ok(())
    })?;
    let mut ids: Vec<ledger::AccountId> = touched.keys().map(|id| ledger::AccountId(*id)).collect();
    ids.sort_unstable();
    for chunk in ids.chunks(10_000) {
        for (id, stored) in read(reader, chunk)? {
            let Some(tail) = touched.get(&id.0) else {
                continue;
            };
            let stored = match stored {
                Ok(stored) => stored,
                Err(problem) => {
                    tracing::error!(account = id.0, problem, "an account is damaged");
                    accounts.set_damaged(*id, problem);
                    continue;
                }
            };
            let state = tail.apply(stored).ok_or_else(|| StoreError::Damaged {
                place: format!("account {}", id.0),
                problem: "the ledger touches it but it has no row".into(),
            })?;
            accounts.set(*id, Some(state));
            accounts.mark_dirty(*id);
        }
    }
    Ok(())
}

/// An account's row, or what is wrong with it.
type Read<'a> = (&'a AccountId, Result<Option<AccountState>, String>);

/// Rows of accounts, one by one where some are damaged: the others must not be missed for them.
fn read<'a>(
    reader: &mut dyn StoreReader,
    ids: &'a [AccountId],
) -> Result<Vec<Read<'a>>, StoreError> {
    match reader.accounts(ids) {
        Ok(found) => return Ok(ids.iter().zip(found.into_iter().map(Ok)).collect()),
        Err(StoreError::Damaged { .. }) => {}
        Err(error) => return Err(error),
    }
    let mut read = Vec::with_capacity(ids.len());
    for id in ids {
        let found = match reader.accounts(std::slice::from_ref(id)) {
            Ok(found) => Ok(found.into_iter().next().flatten()),
            Err(StoreError::Damaged { problem, .. }) => Err(problem),
            Err(error) => return Err(error),
        };
        read.push((id, found));
    }
    Ok(read)
}

/// A shard without its row is empty, or was damaged: going on as if it were empty would number anew.
pub(super) fn must_be_empty(reader: &mut dyn StoreReader) -> Result<(), StoreError> {
    reader.tail(0, &mut |row| {
        Err(StoreError::Damaged {
            place: "shard row".into(),
            problem: format!(
                "missing, while there are ledger rows from {} on: restore the book from a backup; \
                 `qingyuan verify` says what else is missing",
                row.seq
            ),
        })
    })
}

/// What the tail says of one account.
#[derive(Default)]
struct Tail {
    opened: Option<AccountState>,
    last: Option<(Touch, u64, BusinessDate)>,
    day_seq: Option<u64>,
    closed: bool,
}

impl Tail {
    fn see(&mut self, row: &Row, touch: &Touch) {
        if row.kind == RowKind::Open {
            self.opened = ledger::opened_account(row)
                .map(|new| AccountState::opened(&new, row.seq, row.date));
            self.day_seq = Some(row.seq);
            return;
        }
        let new_day = touch.prev_day_seq != 0;
        if new_day {
            self.day_seq = Some(row.seq);
        }
        self.closed |= row.kind == RowKind::Close;
        self.last = Some((*touch, row.seq, row.date));
    }

    fn apply(&self, stored: Option<AccountState>) -> Option<AccountState> {
        let mut state = stored.or(self.opened)?;
        let Some((touch, seq, date)) = &self.last else {
            return Some(state);
        };
        if *seq <= state.head_seq {
            return Some(state);
        }
        state.debits_posted = touch.debits_posted;
        state.credits_posted = touch.credits_posted;
        state.debits_held = touch.debits_held;
        state.credits_held = touch.credits_held;
        state.head_seq = *seq;
        state.day = *date;
        if let Some(day_seq) = self.day_seq
            && day_seq > state.day_seq
        {
            state.day_seq = day_seq;
        }
        state.closed |= self.closed;
        Some(state)
    }
}
