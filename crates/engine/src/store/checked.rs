//! Rows as they were written: what a shard reads is compared with the check value stored beside it.
//!
//! Without that a row that was changed at rest would be used, and the next write would give it a right check
//! value: `verify` could not name it any more. Costs one SHA-256 over a row of some hundred bytes, which is
//! less than finding and parsing the row.

use super::StoreError;
use crate::{leaf, merkle};
use ledger::{AccountId, AccountState, Row};

/// The row at a place differs from what was written.
fn compare(found: u32, stored: u32, place: impl FnOnce() -> String) -> Result<(), StoreError> {
    if found == stored {
        return Ok(());
    }
    Err(StoreError::Damaged {
        place: place(),
        problem: "the row does not match its check value: it was changed after it was written; \
                  run `qingyuan verify` and restore the row from a backup"
            .to_owned(),
    })
}

/// Compares a record with its check value.
pub fn record(
    (kind, key): (&str, &str),
    body: &[u8],
    check: u32,
    place: impl FnOnce() -> String,
) -> Result<(), StoreError> {
    compare(leaf::record_check(kind, key, body), check, place)
}

/// Compares an account's checkpoint with its check value.
pub fn account(
    id: AccountId,
    state: &AccountState,
    check: u32,
    place: impl FnOnce() -> String,
) -> Result<(), StoreError> {
    compare(leaf::account_check(id, state), check, place)
}

/// Compares a ledger row with its check value and lets it through.
pub fn row(
    (row, check): (Row, u32),
    place: impl FnOnce(&Row) -> String,
) -> Result<Row, StoreError> {
    let mut bytes = Vec::with_capacity(256);
    leaf::ledger_leaf(&row, &mut bytes);
    let found = merkle::check_value(&merkle::leaf_hash(&bytes));
    compare(found, check, || place(&row))?;
    Ok(row)
}
