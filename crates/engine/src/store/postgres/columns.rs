//! Rows to values; one place knows the order of the columns.

use super::error::damaged;
use crate::batch::{JournalRow, SealedSecret, ShardHead};
use crate::contents::Contents;
use crate::store::{StoreError, StoredAccount, StoredBatch};
use bytes::{BufMut, BytesMut};
use calendar::BusinessDate;
use jiff::Timestamp;
use ledger::{AccountId, AccountKind, AccountState, Row, RowKind, Touch};
use money::Currency;
use std::error::Error;
use std::sync::Arc;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// A 128-bit id in a uuid column; big-endian, so that ids order as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id(pub u128);

impl<'a> FromSql<'a> for Id {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Id, Box<dyn Error + Sync + Send>> {
        Ok(Id(u128::from_be_bytes(raw.try_into()?)))
    }
    fn accepts(ty: &Type) -> bool {
        *ty == Type::UUID
    }
}

impl ToSql for Id {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_u128(self.0);
        Ok(IsNull::No)
    }
    fn accepts(ty: &Type) -> bool {
        *ty == Type::UUID
    }
    to_sql_checked!();
}

/// Whether a number can stand in a bigint column; a greater one names nothing.
pub(super) fn storable(number: u64) -> bool {
    i64::try_from(number).is_ok()
}

/// A bound of a range: nothing lies after the greatest number a column can hold.
pub(super) fn clamped(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// One row being read; an unreadable column is damage of the named place.
pub(super) struct Reading<'a> {
    pub row: &'a tokio_postgres::Row,
    pub place: &'a dyn Fn() -> String,
}

impl<'a> Reading<'a> {
    pub fn get<T: FromSql<'a>>(&self, column: usize) -> Result<T, StoreError> {
        self.row.try_get(column).map_err(|error| {
            let problem = error
                .source()
                .map_or_else(|| error.to_string(), ToString::to_string);
            self.wrong(&format!("column {column}: {problem}"))
        })
    }

    fn wrong(&self, problem: &str) -> StoreError {
        damaged(&(self.place)(), problem)
    }

    /// A number that is never negative.
    pub fn count(&self, column: usize) -> Result<u64, StoreError> {
        u64::try_from(self.get::<i64>(column)?)
            .map_err(|_| self.wrong(&format!("column {column}: a negative number")))
    }

    fn maybe(&self, column: usize) -> Result<i64, StoreError> {
        Ok(self.get::<Option<i64>>(column)?.unwrap_or(0))
    }

    fn small<T: TryFrom<i32>>(&self, column: usize) -> Result<T, StoreError> {
        T::try_from(self.get::<i32>(column)?)
            .map_err(|_| self.wrong(&format!("column {column}: a number out of its range")))
    }

    /// 32 bits, kept as the signed number with the same bits.
    pub fn check(&self, column: usize) -> Result<u32, StoreError> {
        Ok(self.get::<i32>(column)?.cast_unsigned())
    }

    fn id(&self, column: usize) -> Result<u128, StoreError> {
        Ok(self.get::<Option<Id>>(column)?.map_or(0, |id| id.0))
    }

    fn date(&self, column: usize) -> Result<BusinessDate, StoreError> {
        BusinessDate::from_yyyymmdd(self.get(column)?)
            .map_err(|_| self.wrong(&format!("column {column}: no date")))
    }

    pub fn time(&self, column: usize) -> Result<Timestamp, StoreError> {
        Timestamp::from_millisecond(self.get(column)?)
            .map_err(|_| self.wrong(&format!("column {column}: no time")))
    }

    fn bytes<const N: usize>(&self, column: usize) -> Result<[u8; N], StoreError> {
        self.get::<&[u8]>(column)?
            .try_into()
            .map_err(|_| self.wrong(&format!("column {column}: not {N} bytes")))
    }

    /// Sums of a batch; NULL where it has none.
    fn contents(&self, column: usize) -> Result<Option<Contents>, StoreError> {
        let Some(bytes) = self.get::<Option<&[u8]>>(column)? else {
            return Ok(None);
        };
        let contents = Contents::from_bytes(bytes);
        let wrong = || self.wrong(&format!("column {column}: sums have another length"));
        contents.ok_or_else(wrong).map(Some)
    }

    pub fn head(&self) -> Result<ShardHead, StoreError> {
        Ok(ShardHead {
            batch_seq: self.count(0)?,
            journal_seq: self.count(1)?,
            ledger_seq: self.count(2)?,
            low_seq: self.count(3)?,
            last_account: self.count(4)?,
            transfers: self.count(5)?,
            greatest_id: self.id(6)?,
            now: self.time(7)?,
            business_date: self.date(8)?,
            head_hash: self.bytes(9)?,
            contents: self.contents(10)?,
        })
    }

    pub fn ledger_row(&self) -> Result<(Row, u32), StoreError> {
        let kind = u8::try_from(self.get::<i16>(1)?)
            .ok()
            .and_then(RowKind::from_code)
            .ok_or_else(|| self.wrong("unknown kind of row"))?;
        let row = Row {
            seq: self.count(3)?,
            kind,
            id: self.id(19)?,
            hold: self.id(20)?,
            amount: self.get(4)?,
            date: self.date(2)?,
            code: self.small(21)?,
            attributes: self.get::<Option<i32>>(23)?.unwrap_or(0).cast_unsigned(),
            reference: self.get::<Option<&str>>(24)?.map(Arc::from),
            debit: self.touch(5, 13)?,
            credit: self.touch(9, 16)?,
        };
        Ok((row, self.check(22)?))
    }

    fn touch(&self, first: usize, rare: usize) -> Result<Touch, StoreError> {
        let count = |number: i64| {
            u64::try_from(number)
                .map_err(|_| self.wrong(&format!("column {rare}: a negative number")))
        };
        Ok(Touch {
            account: self.count(first)?,
            debits_posted: self.get(first + 1)?,
            credits_posted: self.get(first + 2)?,
            prev_seq: self.count(first + 3)?,
            debits_held: self.maybe(rare)?,
            credits_held: self.maybe(rare + 1)?,
            prev_day_seq: count(self.maybe(rare + 2)?)?,
        })
    }

    /// An account whose columns begin at one.
    pub fn account(&self, first: usize) -> Result<StoredAccount, StoreError> {
        let kind = u8::try_from(self.get::<i16>(first + 1)?)
            .ok()
            .and_then(AccountKind::from_code)
            .ok_or_else(|| self.wrong("unknown kind of account"))?;
        let currency = Currency::from_numeric(self.small(first + 2)?)
            .ok_or_else(|| self.wrong("unknown currency"))?;
        let state = AccountState {
            kind,
            currency,
            may_go_negative: self.get(first + 3)?,
            closed: self.get(first + 4)?,
            debits_posted: self.get(first + 5)?,
            credits_posted: self.get(first + 6)?,
            debits_held: self.get(first + 7)?,
            credits_held: self.get(first + 8)?,
            head_seq: self.count(first + 9)?,
            day_seq: self.count(first + 10)?,
            day: self.date(first + 11)?,
        };
        Ok(StoredAccount {
            id: AccountId(self.count(first)?),
            name: self.get(first + 13)?,
            state,
            check: self.check(first + 12)?,
        })
    }

    pub fn journal_row(&self) -> Result<(JournalRow, u32), StoreError> {
        let row = JournalRow {
            seq: self.count(1)?,
            at: self.time(2)?,
            principal: Arc::from(self.get::<&str>(5)?),
            role: Arc::from(self.get::<&str>(6)?),
            command: self.get(7)?,
            outcome: self.get(8)?,
            last_ledger_seq: self.count(3)?,
        };
        Ok((row, self.check(4)?))
    }

    pub fn batch(&self) -> Result<StoredBatch, StoreError> {
        Ok(StoredBatch {
            seq: self.count(0)?,
            last_journal_seq: self.count(1)?,
            last_ledger_seq: self.count(2)?,
            root: self.bytes(3)?,
            head_hash: self.bytes(4)?,
            contents: self.contents(5)?,
        })
    }

    pub fn secret(&self) -> Result<SealedSecret, StoreError> {
        Ok(SealedSecret {
            id: self.get(0)?,
            nonce: self.bytes(1)?,
            cipher_text: self.get(2)?,
        })
    }
}
