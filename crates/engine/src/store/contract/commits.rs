//! What a commit leaves, and what a refused one does not.

use super::samples::{self, Draft};
use super::{Checked, Handles, Problem, refused, same};
use crate::batch::{JournalRow, RecordChange, SealedBatch, SealedSecret, ShardHead};
use crate::leaf;
use crate::record::RecordKey;
use crate::store::StoredBatch;
use ledger::{AccountId, AccountKind, AccountState, NewAccount, Row, RowKind, Touch, TransferId};
use money::Currency;
use std::sync::Arc;

/// Checks every part of a committed batch through the reader and the queries.
fn stored(handles: &Handles, batch: &SealedBatch) -> Checked {
    let mut reader = handles.reader()?;
    let queries = &handles.queries;
    same("head", reader.head()?, Some(batch.head.clone()))?;
    same("head by query", queries.head()?, Some(batch.head.clone()))?;
    for (row, check) in &batch.rows {
        same("ledger row", reader.row(row.seq)?, Some(row.clone()))?;
        let found = queries.row(row.seq)?;
        same("ledger row by query", found, Some((row.clone(), *check)))?;
        if row.id != 0 {
            let id = TransferId(row.id);
            same(
                "transfer",
                reader.transfer_seqs(&[id])?,
                vec![Some(row.seq)],
            )?;
            same(
                "transfer by query",
                queries.transfer(id)?,
                Some(row.clone()),
            )?;
        }
    }
    for (row, check) in &batch.journal {
        let found = queries.journal_after(row.seq - 1, 1)?;
        same("journal row", found, vec![(row.clone(), *check)])?;
    }
    for (id, state) in &batch.accounts {
        same("account", reader.accounts(&[*id])?, vec![Some(*state)])?;
        let found = queries.account(*id)?;
        let found = found.map(|found| (found.id, found.state, found.check));
        let check = leaf::account_check(*id, state);
        same("account by query", found, Some((*id, *state, check)))?;
    }
    for (id, new) in &batch.opened {
        let name = queries.account(*id)?.map(|found| found.name);
        same("account name", name, Some(new.name.clone()))?;
    }
    for change in &batch.records {
        let found = reader.records(std::slice::from_ref(&change.key))?;
        same("record", found, vec![change.body.clone()])?;
        let found = queries.record(change.key.kind, &change.key.key)?;
        same("record by query", found, change.body.clone())?;
    }
    for secret in &batch.secrets {
        same("secret", queries.secret(&secret.id)?, Some(secret.clone()))?;
    }
    let expected = StoredBatch {
        seq: batch.head.batch_seq,
        last_journal_seq: batch.head.journal_seq,
        last_ledger_seq: batch.head.ledger_seq,
        root: batch.root,
        head_hash: batch.head.head_hash,
        contents: batch.head.contents,
    };
    let found = queries.batches_after(batch.head.batch_seq - 1, 1)?;
    same("batch", found, vec![expected])
}

/// Texts that a careless column, collation or driver would change.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "0",
        "null",
        "'\"\\%_{}",
        "清源 收单",
        "é",
        "e\u{301}",
        "🀄",
        "A",
        "a",
    ]
    .map(str::to_owned)
    .into();
    texts.push("长".repeat(40_000));
    texts
}

fn extreme_rows() -> Vec<Row> {
    let most = i64::MAX as u64;
    let touch = Touch {
        account: most,
        debits_posted: i64::MAX,
        credits_posted: i64::MAX,
        debits_held: i64::MAX,
        credits_held: i64::MAX,
        prev_seq: most,
        prev_day_seq: most,
    };
    let greatest = Row {
        seq: most,
        kind: RowKind::Capture,
        id: u128::MAX,
        hold: u128::MAX,
        amount: i64::MAX,
        date: calendar::BusinessDate::MAX,
        code: u16::MAX,
        attributes: u32::MAX,
        reference: None,
        debit: touch,
        credit: touch,
    };
    let mut rows: Vec<Row> = (0u8..6)
        .filter_map(RowKind::from_code)
        .zip(1u64..)
        .map(|(kind, seq)| Row {
            kind,
            id: if kind == RowKind::Open {
                0
            } else {
                1 << (seq * 20)
            },
            ..samples::row(seq, 0)
        })
        .collect();
    rows.extend(texts().into_iter().zip(10u64..).map(|(text, seq)| Row {
        reference: Some(Arc::from(text)),
        date: calendar::BusinessDate::MIN,
        debit: Touch::default(),
        credit: Touch::default(),
        ..samples::row(seq, u128::from(seq))
    }));
    rows.push(greatest);
    rows
}

fn extreme_journal() -> Vec<JournalRow> {
    let mut rows: Vec<JournalRow> = texts()
        .into_iter()
        .zip(1u64..)
        .map(|(text, seq)| JournalRow {
            principal: Arc::from(text.as_str()),
            role: Arc::from(text.as_str()),
            command: text.clone(),
            outcome: text,
            at: samples::time(0),
            ..samples::journal(seq)
        })
        .collect();
    rows.push(JournalRow {
        at: samples::time(253_370_764_799_999),
        last_ledger_seq: i64::MAX as u64,
        ..samples::journal(i64::MAX as u64)
    });
    rows
}

type Opened = (Vec<(AccountId, NewAccount)>, Vec<(AccountId, AccountState)>);

fn extreme_accounts() -> Opened {
    let mut opened = Vec::new();
    let mut states = Vec::new();
    for (text, number) in texts().into_iter().zip(1u64..) {
        let kind = AccountKind::from_code((number % 5 + 1) as u8).unwrap_or(AccountKind::Asset);
        let new = NewAccount {
            name: text,
            kind,
            currency: if number % 2 == 0 {
                Currency::JPY
            } else {
                Currency::USD
            },
            may_go_negative: number % 3 == 0,
        };
        let mut state = samples::checkpoint(&new, number, 0);
        if number == 3 {
            state.debits_posted = i64::MAX;
            state.credits_posted = i64::MAX;
            state.debits_held = i64::MAX;
            state.credits_held = i64::MAX;
            state.head_seq = i64::MAX as u64;
            state.day_seq = i64::MAX as u64;
            state.day = calendar::BusinessDate::MAX;
            state.closed = true;
        }
        opened.push((AccountId(number), new));
        states.push((AccountId(number), state));
    }
    let last = samples::new_account("the greatest number");
    let number = AccountId(i64::MAX as u64);
    states.push((number, samples::checkpoint(&last, 1, 0)));
    opened.push((number, last));
    (opened, states)
}

fn extreme_records() -> Vec<RecordChange> {
    texts()
        .into_iter()
        .filter(|text| text.len() < 1_000)
        .map(|text| {
            // Spaces and the order of members must stay: the check value is over these bytes.
            let body = format!(
                "{{ \"z\":1,  \"a\":{:?}, \"n\":1.50 }}",
                "长".repeat(20_000)
            );
            let mut change = samples::record("extreme", &text, &body);
            change.added = vec![("text", text.clone()), ("text", format!("{text}~"))];
            change
        })
        .collect()
}

/// Also checks the values that a list returns beside a record's body.
pub(super) fn extremes(handles: &Handles) -> Checked {
    let (opened, accounts) = extreme_accounts();
    let all_bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let secret = SealedSecret {
        id: "vault 清".into(),
        nonce: [255; 12],
        cipher_text: all_bytes,
    };
    let empty = SealedSecret {
        id: "empty".into(),
        nonce: [0; 12],
        cipher_text: Vec::new(),
    };
    let draft = Draft {
        journal: extreme_journal(),
        rows: extreme_rows(),
        opened,
        accounts,
        records: extreme_records(),
        secrets: vec![secret, empty],
    };
    let batch = samples::seal(&samples::first_head(), draft);
    let head = ShardHead {
        low_seq: i64::MAX as u64,
        transfers: i64::MAX as u64,
        business_date: calendar::BusinessDate::MAX,
        head_hash: [255; 32],
        ..batch.head.clone()
    };
    let batch = SealedBatch { head, ..batch };
    handles.commit(&batch)?;
    stored(handles, &batch)?;
    let expected = records_by_key(&batch.records);
    let found = handles.queries.records_after("extreme", "", usize::MAX)?;
    // The empty key lies before everything that comes after it.
    same("records with checks", found, expected)
}

fn records_by_key(changes: &[RecordChange]) -> Vec<(String, Vec<u8>, u32)> {
    let mut records: Vec<(String, Vec<u8>, u32)> = changes
        .iter()
        .filter(|change| !change.key.key.is_empty())
        .filter_map(|change| {
            let body = change.body.clone()?;
            let check = leaf::record_check(change.key.kind, &change.key.key, &body);
            Some((change.key.key.to_string(), body, check))
        })
        .collect();
    records.sort();
    records
}

/// A reader opened before a commit sees it when the commit has returned.
pub(super) fn seen_at_once(handles: &Handles) -> Checked {
    let mut reader = handles.reader()?;
    let mut writer = handles.factory.writer()?;
    let mut head = samples::first_head();
    for _ in 0..5 {
        let batch = samples::ordinary(&head);
        writer.commit(&batch)?;
        head = batch.head.clone();
        same("head", reader.head()?, Some(head.clone()))?;
        same("row", reader.row(head.ledger_seq)?.is_some(), true)?;
        stored(handles, &batch)?;
    }
    Ok(())
}

/// A later checkpoint of an account replaces the earlier one and keeps its name.
pub(super) fn checkpoints(handles: &Handles) -> Checked {
    let first = samples::ordinary(&samples::first_head());
    handles.commit(&first)?;
    let Some((id, state)) = first.accounts.first().copied() else {
        return Err(Problem("the sample opens no account".into()));
    };
    let later = AccountState {
        debits_posted: 3,
        debits_held: 2,
        head_seq: 17,
        closed: true,
        ..state
    };
    let draft = Draft {
        journal: vec![samples::journal(first.head.journal_seq + 1)],
        accounts: vec![(id, later)],
        ..Draft::default()
    };
    let second = samples::seal(&first.head, draft);
    handles.commit(&second)?;
    stored(handles, &second)?;
    let name = handles.queries.account(id)?.map(|found| found.name);
    same("name", name, Some("account 1".to_owned()))?;
    let listed = handles.queries.accounts_after(AccountId(0), 10)?;
    same("accounts", listed.len(), 1)
}

/// Everything a refused batch would have left, as far as it can be seen.
fn nothing_of(handles: &Handles, before: &ShardHead, refused: &SealedBatch) -> Checked {
    let mut reader = handles.reader()?;
    let queries = &handles.queries;
    same("head", reader.head()?, Some(before.clone()))?;
    let mut rows = Vec::new();
    reader.tail(before.ledger_seq + 1, &mut |row| {
        rows.push(row.seq);
        Ok(())
    })?;
    same("rows", rows, Vec::new())?;
    let journal = queries.journal_after(before.journal_seq, 10)?;
    same("journal", journal.len(), 0)?;
    let batches = queries.batches_after(before.batch_seq, 10)?;
    same("batches", batches, Vec::new())?;
    let accounts = queries.accounts_after(AccountId(before.last_account), 10)?;
    same("accounts", accounts.len(), 0)?;
    for change in &refused.records {
        let found = reader.records(std::slice::from_ref(&change.key))?;
        same("record", found, vec![None])?;
        for (index, value) in &change.added {
            let found = reader.scan(&super::ranges::exactly(change.key.kind, index, value))?;
            same("index entry", found, Vec::new())?;
        }
    }
    for secret in refused
        .secrets
        .iter()
        .filter(|secret| secret.id != "vault_1")
    {
        same("secret", queries.secret(&secret.id)?, None)?;
    }
    Ok(())
}

/// A second writer whose picture of the head is old changes nothing.
pub(super) fn stale_head(handles: &Handles) -> Checked {
    let mut first = handles.factory.writer()?;
    let mut second = handles.factory.writer()?;
    let one = samples::ordinary(&samples::first_head());
    first.commit(&one)?;
    // Without rows of its own nothing but the head can refuse it.
    let bare = samples::seal(&samples::first_head(), Draft::default());
    for stale in [samples::seal(&samples::first_head(), stale_draft()), bare] {
        if second.commit(&stale).is_ok() {
            return Err(Problem("a batch on an old head was taken".into()));
        }
        nothing_of(handles, &one.head, &stale)?;
        second = handles.factory.writer()?;
    }
    let mut ahead = one.head.clone();
    ahead.batch_seq += 1;
    let gap = samples::seal(&ahead, stale_draft());
    if second.commit(&gap).is_ok() {
        return Err(Problem("a batch with a gap before it was taken".into()));
    }
    nothing_of(handles, &one.head, &gap)?;
    let two = samples::ordinary(&one.head);
    handles.commit(&two)?;
    stored(handles, &two)
}

/// Content that collides with nothing of the first ordinary batch.
fn stale_draft() -> Draft {
    let mut change = samples::record("payment", "pay_other", "{}");
    change.added = vec![("state", "other".to_owned())];
    Draft {
        journal: vec![samples::journal(900)],
        rows: vec![samples::row(900, 900)],
        records: vec![change],
        secrets: vec![samples::secret("vault_other")],
        ..Draft::default()
    }
}

/// After a commit whose outcome was lost, the same batch must not take effect again.
pub(super) fn same_batch_again(handles: &Handles) -> Checked {
    let batch = samples::ordinary(&samples::first_head());
    handles.commit(&batch)?;
    if handles.commit(&batch).is_ok() {
        return Err(Problem("a batch was taken twice".into()));
    }
    stored(handles, &batch)?;
    same("batches", handles.queries.batches_after(0, 10)?.len(), 1)
}

/// Adds a row that the store must refuse.
type Spoil = Box<dyn Fn(&mut SealedBatch)>;

/// A batch that fails at any of its rows leaves none of them, and says that it will fail again.
pub(super) fn all_or_nothing(handles: &Handles) -> Checked {
    let one = samples::ordinary(&samples::first_head());
    handles.commit(&one)?;
    let good = samples::ordinary(&one.head);
    let broken: Vec<(&str, Spoil)> = vec![
        (
            "transfer id",
            Box::new(|b| b.rows.push((samples::row(50, 1), 0))),
        ),
        (
            "transfer id within the batch",
            Box::new(|b| {
                b.rows.push((samples::row(50, 77), 0));
                b.rows.push((samples::row(51, 77), 0));
            }),
        ),
        (
            "ledger seq",
            Box::new(|b| b.rows.push((samples::row(1, 78), 0))),
        ),
        (
            "journal seq",
            Box::new(|b| b.journal.push((samples::journal(1), 0))),
        ),
        (
            "account number",
            Box::new(|b| {
                b.opened.push((AccountId(1), samples::new_account("again")));
            }),
        ),
        (
            "secret",
            Box::new(|b| b.secrets.push(samples::secret("vault_1"))),
        ),
    ];
    for (what, add) in broken {
        let mut bad = good.clone();
        add(&mut bad);
        refused(&format!("a repeated {what}"), handles.commit(&bad))?;
        nothing_of(handles, &one.head, &bad)
            .map_err(|Problem(text)| Problem(format!("after a repeated {what}: {text}")))?;
    }
    handles.commit(&good)?;
    stored(handles, &good)
}

/// More rows than a statement takes parameters.
pub(super) fn large_batch(handles: &Handles) -> Checked {
    let count = 3_000u64;
    let records: Vec<RecordChange> = (0..count)
        .map(|n| {
            let mut change = samples::record("many", &format!("{n:06}"), "{}");
            change.added = vec![("n", format!("{n:06}"))];
            change
        })
        .collect();
    let draft = Draft {
        journal: (1..=count).map(samples::journal).collect(),
        rows: (1..=count)
            .map(|n| samples::row(n, u128::from(n) << 64))
            .collect(),
        records,
        ..Draft::default()
    };
    let batch = samples::seal(&samples::first_head(), draft);
    handles.commit(&batch)?;
    let mut reader = handles.reader()?;
    same("head", reader.head()?, Some(batch.head.clone()))?;
    let keys: Vec<RecordKey> = batch
        .records
        .iter()
        .map(|change| change.key.clone())
        .collect();
    let found = reader.records(&keys)?.into_iter().flatten().count();
    same("records", found, keys.len())?;
    let ids: Vec<TransferId> = (1..=count)
        .map(|n| TransferId(u128::from(n) << 64))
        .collect();
    let expected: Vec<Option<u64>> = (1..=count).map(Some).collect();
    same("transfers", reader.transfer_seqs(&ids)?, expected)
}
