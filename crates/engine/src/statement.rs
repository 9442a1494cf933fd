//! Statement of one account for one business date, by walking its rows backwards.
//!
//! Cost: one row per day between now and the date (along the day pointers), then the rows asked for.

use crate::store::{Queries, StoreError, checked};
use calendar::BusinessDate;
use ledger::{AccountId, AccountState, Row, Side, Touch};

/// One line of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The row.
    pub row: Row,
    /// Side of the account in it.
    pub side: Side,
    /// The account after it.
    pub touch: Touch,
}

/// A page of a day, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayStatement {
    /// Business date.
    pub date: BusinessDate,
    /// The account before its first row of the day; `None` when it was opened on that day.
    pub opening: Option<Touch>,
    /// The account after its last row of the day.
    pub closing: Touch,
    /// Rows.
    pub entries: Vec<Entry>,
    /// Continue with rows before this one.
    pub next_before: Option<u64>,
}

/// The side of an account in a row.
pub fn side_of(row: &Row, account: AccountId) -> Option<(Side, Touch)> {
    if row.debit.account == account.0 {
        Some((Side::Debit, row.debit))
    } else if row.credit.account == account.0 {
        Some((Side::Credit, row.credit))
    } else {
        None
    }
}

/// Statement of `date`, at most `limit` rows, those before row `before` where given. `state` is the
/// account as the writer knows it. `None`: no row on that date.
pub fn day(
    queries: &dyn Queries,
    account: AccountId,
    state: &AccountState,
    date: BusinessDate,
    before: Option<u64>,
    limit: usize,
) -> Result<Option<DayStatement>, StoreError> {
    let Some((first, last)) = find_day(queries, account, state, date)? else {
        return Ok(None);
    };
    let closing = entry(queries, account, last)?.touch;
    let first_entry = entry(queries, account, first)?;
    let opening = match first_entry.touch.prev_seq {
        0 => None,
        previous => Some(entry(queries, account, previous)?.touch),
    };
    let mut seq = match before {
        Some(before) if before <= first => 0,
        Some(before) => skip_to(queries, account, last, first, before)?,
        None => last,
    };
    let mut entries = Vec::new();
    while seq >= first && entries.len() < limit {
        let found = entry(queries, account, seq)?;
        seq = found.touch.prev_seq;
        entries.push(found);
    }
    let next_before = (seq >= first)
        .then(|| entries.last().map(|entry| entry.row.seq))
        .flatten();
    Ok(Some(DayStatement {
        date,
        opening,
        closing,
        entries,
        next_before,
    }))
}

/// First and last row of the account on a date.
fn find_day(
    queries: &dyn Queries,
    account: AccountId,
    state: &AccountState,
    date: BusinessDate,
) -> Result<Option<(u64, u64)>, StoreError> {
    let (mut first, mut last, mut day) = (state.day_seq, state.head_seq, state.day);
    while day > date {
        let opening = entry(queries, account, first)?;
        if opening.touch.prev_day_seq == 0 {
            return Ok(None);
        }
        last = opening.touch.prev_seq;
        first = opening.touch.prev_day_seq;
        day = entry(queries, account, first)?.row.date;
    }
    Ok((day == date).then_some((first, last)))
}

/// The account's last row before another row, which is one of its own: a cursor of an earlier page.
fn skip_to(
    queries: &dyn Queries,
    account: AccountId,
    last: u64,
    first: u64,
    before: u64,
) -> Result<u64, StoreError> {
    if before > last {
        return Ok(last);
    }
    let row = read(queries, before)?;
    match row.as_ref().and_then(|row| side_of(row, account)) {
        Some((_, touch)) => Ok(touch.prev_seq),
        // Not a cursor of this account: nothing lies before it.
        None => Ok(first - 1),
    }
}

/// A ledger row that is as it was written.
fn read(queries: &dyn Queries, seq: u64) -> Result<Option<Row>, StoreError> {
    let place = |row: &Row| format!("table ledger, seq {}", row.seq);
    let found = queries.row(seq)?;
    found.map(|found| checked::row(found, place)).transpose()
}

fn entry(queries: &dyn Queries, account: AccountId, seq: u64) -> Result<Entry, StoreError> {
    let damaged = |problem: &str| StoreError::Damaged {
        place: format!("ledger row {seq}"),
        problem: format!("{problem} account {}", account.0),
    };
    let row = read(queries, seq)?.ok_or_else(|| damaged("missing in the chain of"))?;
    let (side, touch) = side_of(&row, account).ok_or_else(|| damaged("does not touch"))?;
    Ok(Entry { row, side, touch })
}
