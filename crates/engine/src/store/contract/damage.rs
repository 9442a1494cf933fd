//! Rows that are not what their check values say, as after a change at rest.

use super::samples::{self, Draft};
use super::{Checked, Handles, Problem, same};
use crate::record::RecordKey;
use crate::store::{Scan, StoreError};
use ledger::TransferId;
use std::fmt::Debug;
use std::sync::Arc;

/// Wants a read to name the damaged row.
fn damaged<T: Debug>(what: &str, row: &str, result: Result<T, StoreError>) -> Checked {
    match result {
        Err(StoreError::Damaged { place, .. }) if place.ends_with(row) => Ok(()),
        other => Err(Problem(format!(
            "{what}: {other:?}, expected Damaged in {row}"
        ))),
    }
}

fn key(name: &str) -> RecordKey {
    RecordKey {
        kind: "payment",
        key: Arc::from(name),
    }
}

/// A batch of three records and three ledger rows, the second of each with a wrong check value.
fn commit(handles: &Handles) -> Checked {
    let mut records = Vec::new();
    for number in 1..=3 {
        let mut change = samples::record("payment", &format!("pay_{number}"), "{\"amount\":100}");
        change.added = vec![("state", "open".to_owned())];
        records.push(change);
    }
    let draft = Draft {
        journal: vec![samples::journal(1)],
        rows: (1..=3)
            .map(|seq| samples::row(seq, u128::from(seq)))
            .collect(),
        records,
        ..Draft::default()
    };
    let mut batch = samples::seal(&samples::first_head(), draft);
    if let Some(change) = batch.records.get_mut(1) {
        change.check ^= 1;
    }
    if let Some((_, check)) = batch.rows.get_mut(1) {
        *check ^= 1;
    }
    Ok(handles.commit(&batch)?)
}

pub(super) fn records(handles: &Handles) -> Checked {
    commit(handles)?;
    let mut reader = handles.reader()?;
    let (one, two, three) = (key("pay_1"), key("pay_2"), key("pay_3"));
    damaged(
        "one record",
        "payment pay_2",
        reader.records(std::slice::from_ref(&two)),
    )?;
    let all = reader.records(&[one.clone(), two, three.clone()]);
    damaged("some records", "payment pay_2", all)?;
    let others = reader.records(&[one, three])?;
    same("the others", others.iter().flatten().count(), 2)?;
    let queries = &handles.queries;
    damaged(
        "a record for a report",
        "payment pay_2",
        queries.record("payment", "pay_2"),
    )?;
    same(
        "another",
        queries.record("payment", "pay_3")?.is_some(),
        true,
    )?;
    let listed = queries.list(&Scan {
        kind: "payment".to_owned(),
        index: "state".to_owned(),
        from: String::new(),
        to: "~".to_owned(),
        after: None,
        descending: false,
        limit: 10,
    })?;
    let sound = listed.iter().map(|found| found.checked("payment").is_ok());
    same(
        "sound ones of a list",
        sound.collect(),
        vec![true, false, true],
    )
}

pub(super) fn ledger_rows(handles: &Handles) -> Checked {
    commit(handles)?;
    let mut reader = handles.reader()?;
    damaged("a row", "seq 2", reader.row(2))?;
    same("the row after it", reader.row(3)?.is_some(), true)?;
    let mut seen = Vec::new();
    let tail = reader.tail(1, &mut |row| {
        seen.push(row.seq);
        Ok(())
    });
    damaged("the tail", "seq 2", tail)?;
    same("rows before it", seen, vec![1])?;
    let queries = &handles.queries;
    damaged("a transfer", "seq 2", queries.transfer(TransferId(2)))?;
    same("another", queries.transfer(TransferId(3))?.is_some(), true)
}
