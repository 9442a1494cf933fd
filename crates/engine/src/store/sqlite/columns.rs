//! Rows to values and back; one place knows the order of the columns.

use super::super::StoreError;
use crate::batch::{JournalRow, ShardHead};
use crate::contents::Contents;
use calendar::BusinessDate;
use jiff::Timestamp;
use ledger::{AccountId, AccountKind, AccountState, Row, RowKind, Touch};
use money::Currency;
use rusqlite::types::Type;
use std::sync::Arc;

pub(super) const LEDGER: &str = "seq,kind,id,hold,amount,date,code,attributes,reference,\
    dr_account,dr_debits,dr_credits,dr_held_d,dr_held_c,dr_prev,dr_day,\
    cr_account,cr_debits,cr_credits,cr_held_d,cr_held_c,cr_prev,cr_day,chk";
pub(super) const ACCOUNT: &str =
    "id,name,kind,currency,overdraft,closed,debits,credits,held_d,held_c,head_seq,day_seq,day,chk";
pub(super) const JOURNAL: &str = "seq,at_ms,principal,role,command,outcome,last_ledger,chk";
pub(super) const SHARD: &str = "batch_seq,journal_seq,ledger_seq,low_seq,last_account,transfers,greatest_id,now_ms,business_date,head_hash,\
    (SELECT sums FROM contents WHERE batch=batch_seq)";

type Sql<T> = Result<T, rusqlite::Error>;

/// Whether a number can stand in an INTEGER column; a greater one names nothing.
pub(super) fn storable(number: u64) -> bool {
    i64::try_from(number).is_ok()
}

/// A bound of a range: nothing lies after the greatest number a column can hold.
pub(super) fn clamped(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

fn damaged(column: usize, problem: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Null, problem.to_owned().into())
}

pub(super) fn date(row: &rusqlite::Row<'_>, column: usize) -> Sql<BusinessDate> {
    BusinessDate::from_yyyymmdd(row.get(column)?).map_err(|_| damaged(column, "no date"))
}

/// Big-endian, so that ids order as numbers.
pub(super) fn number(row: &rusqlite::Row<'_>, column: usize) -> Sql<u128> {
    match row.get_ref(column)?.as_blob_or_null()? {
        None => Ok(0),
        Some(bytes) => {
            let bytes: [u8; 16] = bytes
                .try_into()
                .map_err(|_| damaged(column, "an id has 16 bytes"))?;
            Ok(u128::from_be_bytes(bytes))
        }
    }
}

fn hash(row: &rusqlite::Row<'_>, column: usize) -> Sql<[u8; 32]> {
    let bytes: Vec<u8> = row.get(column)?;
    bytes
        .try_into()
        .map_err(|_| damaged(column, "a hash has 32 bytes"))
}

/// Sums of a batch; NULL where it has none.
pub(super) fn contents(row: &rusqlite::Row<'_>, column: usize) -> Sql<Option<Contents>> {
    let Some(bytes) = row.get_ref(column)?.as_blob_or_null()? else {
        return Ok(None);
    };
    let contents = Contents::from_bytes(bytes);
    let contents = contents.ok_or_else(|| damaged(column, "sums have another length"))?;
    Ok(Some(contents))
}

pub(super) fn hash_at(row: &rusqlite::Row<'_>, column: usize) -> Sql<[u8; 32]> {
    hash(row, column)
}

pub(super) fn ledger_row(row: &rusqlite::Row<'_>) -> Sql<(Row, u32)> {
    let kind: u8 = row.get(1)?;
    let touch = |first: usize| -> Sql<Touch> {
        Ok(Touch {
            account: row.get(first)?,
            debits_posted: row.get(first + 1)?,
            credits_posted: row.get(first + 2)?,
            debits_held: row.get(first + 3)?,
            credits_held: row.get(first + 4)?,
            prev_seq: row.get(first + 5)?,
            prev_day_seq: row.get(first + 6)?,
        })
    };
    Ok((
        Row {
            seq: row.get(0)?,
            kind: RowKind::from_code(kind).ok_or_else(|| damaged(1, "unknown kind of row"))?,
            id: number(row, 2)?,
            hold: number(row, 3)?,
            amount: row.get(4)?,
            date: date(row, 5)?,
            code: row.get(6)?,
            attributes: row.get(7)?,
            reference: row.get::<_, Option<Arc<str>>>(8)?,
            debit: touch(9)?,
            credit: touch(16)?,
        },
        row.get(23)?,
    ))
}

/// A record's two columns of that name.
pub(super) fn body_and_check(row: &rusqlite::Row<'_>) -> Sql<(Vec<u8>, u32)> {
    Ok((row.get::<_, String>(0)?.into_bytes(), row.get(1)?))
}

pub(super) fn account(row: &rusqlite::Row<'_>) -> Sql<(AccountId, String, AccountState, u32)> {
    let kind: u8 = row.get(2)?;
    let state = AccountState {
        kind: AccountKind::from_code(kind).ok_or_else(|| damaged(2, "unknown kind of account"))?,
        currency: Currency::from_numeric(row.get(3)?)
            .ok_or_else(|| damaged(3, "unknown currency"))?,
        may_go_negative: row.get(4)?,
        closed: row.get(5)?,
        debits_posted: row.get(6)?,
        credits_posted: row.get(7)?,
        debits_held: row.get(8)?,
        credits_held: row.get(9)?,
        head_seq: row.get(10)?,
        day_seq: row.get(11)?,
        day: date(row, 12)?,
    };
    Ok((AccountId(row.get(0)?), row.get(1)?, state, row.get(13)?))
}

pub(super) fn journal_row(row: &rusqlite::Row<'_>) -> Sql<(JournalRow, u32)> {
    let at: i64 = row.get(1)?;
    Ok((
        JournalRow {
            seq: row.get(0)?,
            at: Timestamp::from_millisecond(at).map_err(|_| damaged(1, "no time"))?,
            principal: row.get(2)?,
            role: row.get(3)?,
            command: row.get(4)?,
            outcome: row.get(5)?,
            last_ledger_seq: row.get(6)?,
        },
        row.get(7)?,
    ))
}

pub(super) fn head(row: &rusqlite::Row<'_>) -> Sql<ShardHead> {
    let now: i64 = row.get(7)?;
    Ok(ShardHead {
        batch_seq: row.get(0)?,
        journal_seq: row.get(1)?,
        ledger_seq: row.get(2)?,
        low_seq: row.get(3)?,
        last_account: row.get(4)?,
        transfers: row.get(5)?,
        greatest_id: number(row, 6)?,
        now: Timestamp::from_millisecond(now).map_err(|_| damaged(7, "no time"))?,
        business_date: date(row, 8)?,
        head_hash: hash(row, 9)?,
        contents: contents(row, 10)?,
    })
}

/// Names the row in a conversion error.
pub(super) fn named<T>(place: impl FnOnce() -> String, result: Sql<T>) -> Result<T, StoreError> {
    result.map_err(|error| super::from_sqlite(&place(), error))
}
