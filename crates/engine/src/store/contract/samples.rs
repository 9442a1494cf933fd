//! Batches made by hand.

use crate::batch::{JournalRow, RecordChange, SealedBatch, SealedSecret, ShardHead, hash_rows};
use crate::ids::ShardCode;
use crate::leaf;
use crate::merkle;
use crate::record::RecordKey;
use calendar::BusinessDate;
use jiff::Timestamp;
use ledger::{AccountId, AccountKind, AccountState, NewAccount, Row, RowKind, Touch};
use money::Currency;
use std::sync::Arc;

/// What a batch carries.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub journal: Vec<JournalRow>,
    pub rows: Vec<Row>,
    pub opened: Vec<(AccountId, NewAccount)>,
    pub accounts: Vec<(AccountId, AccountState)>,
    pub records: Vec<RecordChange>,
    pub secrets: Vec<SealedSecret>,
}

pub(super) fn first_head() -> ShardHead {
    ShardHead::empty(ShardCode::FIRST, date(20_261_120))
}

pub(super) fn date(number: i32) -> BusinessDate {
    BusinessDate::from_yyyymmdd(number).unwrap_or(BusinessDate::MIN)
}

pub(super) fn time(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(millisecond).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Seals a draft as the batch after a head.
pub(super) fn seal(previous: &ShardHead, draft: Draft) -> SealedBatch {
    let mut head = previous.clone();
    head.batch_seq += 1;
    head.journal_seq = draft.journal.last().map_or(head.journal_seq, |row| row.seq);
    head.ledger_seq = draft.rows.last().map_or(head.ledger_seq, |row| row.seq);
    head.last_account = draft
        .opened
        .last()
        .map_or(head.last_account, |(id, _)| id.0);
    head.transfers += draft.rows.len() as u64;
    head.greatest_id = draft
        .rows
        .iter()
        .map(|row| row.id)
        .fold(head.greatest_id, u128::max);
    head.now = draft.journal.last().map_or(head.now, |row| row.at);
    let mut contents = previous.contents.unwrap_or_default();
    for change in &draft.records {
        let (kind, key) = (change.key.kind, &*change.key.key);
        if let Some(body) = &change.body {
            // What it replaces is not known here: the store keeps sums, it makes none.
            contents.records.add(&leaf::record_hash(kind, key, body));
        }
        for (name, value) in &change.added {
            contents
                .indexes
                .add(&leaf::index_hash(kind, name, value, key));
        }
    }
    for secret in &draft.secrets {
        contents.secrets.add(&leaf::secret_hash(secret));
    }
    head.contents = Some(contents);
    let (journal, rows, root) = hash_rows(draft.journal, draft.rows, Some(&contents));
    head.head_hash = merkle::chain(&head.head_hash, &root, head.batch_seq);
    SealedBatch {
        head,
        root,
        journal,
        rows,
        opened: draft.opened,
        accounts: draft.accounts,
        records: draft.records,
        secrets: draft.secrets,
    }
}

pub(super) fn journal(seq: u64) -> JournalRow {
    JournalRow {
        seq,
        at: time(1_795_132_800_000 + i64::from(seq as u16)),
        principal: Arc::from("teller"),
        role: Arc::from("cashier"),
        command: format!("{{\"command\":{seq}}}"),
        outcome: "{\"done\":null}".into(),
        last_ledger_seq: seq,
    }
}

pub(super) fn row(seq: u64, id: u128) -> Row {
    let touch = |account: u64| Touch {
        account,
        debits_posted: 5,
        credits_posted: 7,
        debits_held: 1,
        credits_held: 2,
        prev_seq: seq.saturating_sub(1),
        prev_day_seq: 0,
    };
    Row {
        seq,
        kind: RowKind::Transfer,
        id,
        hold: 0,
        amount: 5,
        date: date(20_261_120),
        code: 3,
        attributes: 0,
        reference: Some(Arc::from("pay_1")),
        debit: touch(1),
        credit: touch(2),
    }
}

pub(super) fn new_account(name: &str) -> NewAccount {
    NewAccount {
        name: name.to_owned(),
        kind: AccountKind::Liability,
        currency: Currency::CNY,
        may_go_negative: false,
    }
}

/// Checkpoint of an account as opened, then as far as `amount` tells.
pub(super) fn checkpoint(new: &NewAccount, seq: u64, amount: i64) -> AccountState {
    AccountState {
        credits_posted: amount,
        ..AccountState::opened(new, seq, date(20_261_120))
    }
}

pub(super) fn record(kind: &'static str, key: &str, body: &str) -> RecordChange {
    RecordChange {
        key: RecordKey {
            kind,
            key: Arc::from(key),
        },
        body: Some(body.as_bytes().to_vec()),
        check: leaf::record_check(kind, key, body.as_bytes()),
        removed: Vec::new(),
        added: Vec::new(),
    }
}

pub(super) fn secret(id: &str) -> SealedSecret {
    SealedSecret {
        id: id.to_owned(),
        nonce: [9; 12],
        cipher_text: vec![1, 2, 3],
    }
}

/// One of everything, under numbers that follow a head.
pub(super) fn ordinary(previous: &ShardHead) -> SealedBatch {
    let next = previous.batch_seq + 1;
    let account = AccountId(previous.last_account + 1);
    let new = new_account(&format!("account {next}"));
    let seq = previous.ledger_seq + 1;
    let mut change = record("payment", &format!("pay_{next}"), "{\"n\":1}");
    change.added = vec![("state", format!("open{next}"))];
    seal(
        previous,
        Draft {
            journal: vec![journal(previous.journal_seq + 1)],
            rows: vec![row(seq, u128::from(next))],
            accounts: vec![(account, checkpoint(&new, seq, 7))],
            opened: vec![(account, new)],
            records: vec![change],
            secrets: vec![secret(&format!("vault_{next}"))],
        },
    )
}
