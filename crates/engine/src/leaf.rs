//! The bytes of a row that are hashed: every stored column, in one fixed form.

use crate::batch::{JournalRow, SealedSecret};
use crate::contents::Contents;
use crate::merkle::{self, Hash};
use ledger::{AccountId, AccountState, Row, Touch};

/// Writes the leaf of a ledger row into `out`, which is cleared first.
pub fn ledger_leaf(row: &Row, out: &mut Vec<u8>) {
    out.clear();
    out.push(b'L');
    out.extend_from_slice(&row.seq.to_le_bytes());
    out.push(row.kind.code());
    out.extend_from_slice(&row.id.to_le_bytes());
    out.extend_from_slice(&row.hold.to_le_bytes());
    out.extend_from_slice(&row.amount.to_le_bytes());
    out.extend_from_slice(&row.date.to_yyyymmdd().to_le_bytes());
    out.extend_from_slice(&row.code.to_le_bytes());
    out.extend_from_slice(&row.attributes.to_le_bytes());
    touch(&row.debit, out);
    touch(&row.credit, out);
    if let Some(reference) = &row.reference {
        out.push(1);
        out.extend_from_slice(reference.as_bytes());
    }
}

fn touch(touch: &Touch, out: &mut Vec<u8>) {
    out.extend_from_slice(&touch.account.to_le_bytes());
    if touch.account == 0 {
        return;
    }
    for amount in [
        touch.debits_posted,
        touch.credits_posted,
        touch.debits_held,
        touch.credits_held,
    ] {
        out.extend_from_slice(&amount.to_le_bytes());
    }
    out.extend_from_slice(&touch.prev_seq.to_le_bytes());
    out.extend_from_slice(&touch.prev_day_seq.to_le_bytes());
}

/// Writes the leaf of a journal row into `out`, which is cleared first.
pub fn journal_leaf(row: &JournalRow, out: &mut Vec<u8>) {
    out.clear();
    out.push(b'J');
    out.extend_from_slice(&row.seq.to_le_bytes());
    out.extend_from_slice(&row.at.as_millisecond().to_le_bytes());
    out.extend_from_slice(&row.last_ledger_seq.to_le_bytes());
    for text in [
        row.principal.as_bytes(),
        row.role.as_bytes(),
        row.command.as_bytes(),
        row.outcome.as_bytes(),
    ] {
        out.extend_from_slice(&(text.len() as u64).to_le_bytes());
        out.extend_from_slice(text);
    }
}

/// Check value of an account's checkpoint.
pub fn account_check(id: AccountId, state: &AccountState) -> u32 {
    let mut out = Vec::with_capacity(96);
    for number in [id.0, state.head_seq, state.day_seq] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    for amount in [
        state.debits_posted,
        state.credits_posted,
        state.debits_held,
        state.credits_held,
    ] {
        out.extend_from_slice(&amount.to_le_bytes());
    }
    out.extend_from_slice(&state.day.to_yyyymmdd().to_le_bytes());
    out.extend_from_slice(&state.currency.numeric().to_le_bytes());
    out.extend_from_slice(&[
        state.kind.code(),
        u8::from(state.may_go_negative),
        u8::from(state.closed),
    ]);
    merkle::check_of(&[&out])
}

/// Hash of a record; its check value is that of this hash.
pub fn record_hash(kind: &str, key: &str, body: &[u8]) -> Hash {
    merkle::hash_of(&[kind.as_bytes(), key.as_bytes(), body])
}

/// Check value of a record.
pub fn record_check(kind: &str, key: &str, body: &[u8]) -> u32 {
    merkle::check_value(&record_hash(kind, key, body))
}

/// Hash of an index entry.
pub fn index_hash(kind: &str, name: &str, value: &str, key: &str) -> Hash {
    merkle::hash_of(&[
        kind.as_bytes(),
        name.as_bytes(),
        value.as_bytes(),
        key.as_bytes(),
    ])
}

/// Hash of a sealed secret.
pub fn secret_hash(secret: &SealedSecret) -> Hash {
    merkle::hash_of(&[secret.id.as_bytes(), &secret.nonce, &secret.cipher_text])
}

/// Writes the leaf of a batch's sums into `out`, which is cleared first.
pub fn contents_leaf(contents: &Contents, out: &mut Vec<u8>) {
    out.clear();
    out.push(b'C');
    out.extend_from_slice(&contents.to_bytes());
}
