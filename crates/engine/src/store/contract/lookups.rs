//! Reads by number, key and id.

use super::samples::{self, Draft};
use super::{Checked, Handles, Problem, same};
use crate::contents::Contents;
use crate::record::RecordKey;
use crate::store::StoreError;
use ledger::{AccountId, TransferId};
use std::sync::Arc;

fn key(kind: &'static str, key: &str) -> RecordKey {
    RecordKey {
        kind,
        key: Arc::from(key),
    }
}

pub(super) fn empty(handles: &Handles) -> Checked {
    let mut reader = handles.reader()?;
    let queries = &handles.queries;
    same("head", reader.head()?, None)?;
    same("head by query", queries.head()?, None)?;
    let mut rows = 0;
    reader.tail(1, &mut |_| {
        rows += 1;
        Ok(())
    })?;
    same("tail", rows, 0)?;
    same("row", reader.row(1)?, None)?;
    same(
        "records",
        reader.records(&[key("payment", "pay_1")])?,
        vec![None],
    )?;
    same("accounts", reader.accounts(&[AccountId(1)])?, vec![None])?;
    same(
        "transfers",
        reader.transfer_seqs(&[TransferId(1)])?,
        vec![None],
    )?;
    let scan = super::ranges::exactly("payment", "state", "open");
    same("scan", reader.scan(&scan)?, Vec::new())?;
    same("list", queries.list(&scan)?, Vec::new())?;
    same("record", queries.record("payment", "pay_1")?, None)?;
    same("kinds", queries.kinds()?, Vec::new())?;
    same(
        "records of a kind",
        queries.records_after("payment", "", 10)?,
        Vec::new(),
    )?;
    same("account", queries.account(AccountId(1))?, None)?;
    same(
        "all accounts",
        queries.accounts_after(AccountId(0), 10)?,
        Vec::new(),
    )?;
    same("rows", queries.rows_after(0, 10)?, Vec::new())?;
    same("transfer", queries.transfer(TransferId(1))?, None)?;
    same("journal", queries.journal_after(0, 10)?, Vec::new())?;
    same("batches", queries.batches_after(0, 10)?, Vec::new())?;
    same("secret", queries.secret("vault_1")?, None)
}

/// Two batches of ten rows, accounts and records each.
fn twenty(handles: &Handles) -> Checked {
    let mut head = samples::first_head();
    for round in 0..2u64 {
        let numbers = round * 10 + 1..=round * 10 + 10;
        let opened: Vec<_> = numbers
            .clone()
            .map(|n| (AccountId(n), samples::new_account(&format!("account {n}"))))
            .collect();
        let draft = Draft {
            journal: numbers.clone().map(samples::journal).collect(),
            rows: numbers
                .clone()
                .map(|n| samples::row(n, u128::from(n) * 1_000))
                .collect(),
            accounts: opened
                .iter()
                .map(|(id, new)| (*id, samples::checkpoint(new, id.0, 1)))
                .collect(),
            opened,
            records: numbers
                .map(|n| {
                    let kind = if n % 2 == 0 { "even" } else { "odd" };
                    samples::record(kind, &format!("key{n:02}"), &format!("{{\"n\":{n}}}"))
                })
                .collect(),
            secrets: Vec::new(),
        };
        let batch = samples::seal(&head, draft);
        handles.commit(&batch)?;
        head = batch.head;
    }
    Ok(())
}

/// Absent rows stand between present ones, and a row asked for twice is given twice.
pub(super) fn in_the_order_asked(handles: &Handles) -> Checked {
    twenty(handles)?;
    let mut reader = handles.reader()?;
    let keys = [
        key("odd", "key07"),
        key("even", "key07"),
        key("even", "key02"),
        key("odd", "none"),
        key("odd", "key07"),
    ];
    let body = |n: u64| Some(format!("{{\"n\":{n}}}").into_bytes());
    let expected = vec![body(7), None, body(2), None, body(7)];
    same("records", reader.records(&keys)?, expected)?;
    let ids = [20, 3, 99, 3].map(AccountId);
    let found = reader.accounts(&ids)?;
    let found: Vec<Option<u64>> = found
        .iter()
        .map(|state| state.as_ref().map(|state| state.head_seq))
        .collect();
    same("accounts", found, vec![Some(20), Some(3), None, Some(3)])?;
    let ids = [20_000, 5, 3_000, 3_000].map(TransferId);
    let expected = vec![Some(20), None, Some(3), Some(3)];
    same("transfers", reader.transfer_seqs(&ids)?, expected)?;
    same("no records", reader.records(&[])?, Vec::new())?;
    same("no accounts", reader.accounts(&[])?, Vec::new())?;
    same("no transfers", reader.transfer_seqs(&[])?, Vec::new())
}

/// A client may send any number; it must not be able to fail a read for others.
pub(super) fn beyond_the_columns(handles: &Handles) -> Checked {
    twenty(handles)?;
    let mut reader = handles.reader()?;
    let queries = &handles.queries;
    for number in [u64::MAX, i64::MAX as u64, i64::MAX as u64 + 1] {
        let account = AccountId(number);
        same("account", reader.accounts(&[account])?, vec![None])?;
        same("row", reader.row(number)?, None)?;
        same("account by query", queries.account(account)?, None)?;
        same("accounts", queries.accounts_after(account, 10)?, Vec::new())?;
        same("rows", queries.rows_after(number, 10)?, Vec::new())?;
        same("journal", queries.journal_after(number, 10)?, Vec::new())?;
        same("batches", queries.batches_after(number, 10)?, Vec::new())?;
        same("row by query", queries.row(number)?, None)?;
    }
    let most = TransferId(u128::MAX);
    same("transfer", reader.transfer_seqs(&[most])?, vec![None])?;
    same("transfer by query", queries.transfer(most)?, None)?;
    let all = queries.rows_after(0, usize::MAX)?;
    same("an unlimited page", all.len(), 20)
}

pub(super) fn tail(handles: &Handles) -> Checked {
    twenty(handles)?;
    let mut reader = handles.reader()?;
    for from in [0, 1, 2, 11, 20, 21, u64::MAX] {
        let mut seqs = Vec::new();
        reader.tail(from, &mut |row| {
            seqs.push(row.seq);
            Ok(())
        })?;
        let expected: Vec<u64> = (from.max(1)..=20).collect();
        same(&format!("tail from {from}"), seqs, expected)?;
    }
    let mut seen = 0;
    let stopped = reader.tail(1, &mut |row| {
        seen = row.seq;
        if row.seq == 4 {
            return Err(StoreError::Refused("enough".into()));
        }
        Ok(())
    });
    match stopped {
        Err(StoreError::Refused(reason)) => same("reason", reason, "enough".to_owned())?,
        other => return Err(Problem(format!("a stopped tail ended with {other:?}"))),
    }
    same("rows before the stop", seen, 4)?;
    same("the reader after it", reader.row(5)?.is_some(), true)
}

pub(super) fn pages(handles: &Handles) -> Checked {
    twenty(handles)?;
    let queries = &handles.queries;
    for limit in [0usize, 1, 3, 20, 100] {
        for after in [0u64, 1, 9, 19, 20] {
            let expected: Vec<u64> = (after + 1..=20).take(limit).collect();
            let what = format!("{limit} after {after}");
            let rows = queries.rows_after(after, limit)?;
            let rows: Vec<u64> = rows.iter().map(|(row, _)| row.seq).collect();
            same(&format!("rows, {what}"), rows, expected.clone())?;
            let journal = queries.journal_after(after, limit)?;
            let journal: Vec<u64> = journal.iter().map(|(row, _)| row.seq).collect();
            same(&format!("journal, {what}"), journal, expected.clone())?;
            let accounts = queries.accounts_after(AccountId(after), limit)?;
            let accounts: Vec<u64> = accounts.iter().map(|found| found.id.0).collect();
            same(&format!("accounts, {what}"), accounts, expected)?;
        }
    }
    let batches: Vec<u64> = queries
        .batches_after(0, 10)?
        .iter()
        .map(|b| b.seq)
        .collect();
    same("batches", batches, vec![1, 2])?;
    same(
        "kinds",
        queries.kinds()?,
        vec!["even".to_owned(), "odd".to_owned()],
    )?;
    let mut found = Contents::default();
    let head = queries.contents(&mut |row| found.add(&row))?;
    let written = head.as_ref().and_then(|head| head.contents);
    same("sums over what is stored", Some(found), written)?;
    same("head of the same moment", head, queries.head()?)?;
    let keys: Vec<String> = queries
        .records_after("odd", "key05", 3)?
        .into_iter()
        .map(|(key, _, _)| key)
        .collect();
    let expected = ["key07", "key09", "key11"].map(str::to_owned).to_vec();
    same("records after a key", keys, expected)?;
    same("size", queries.size_bytes()? > 0, true)
}
