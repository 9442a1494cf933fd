//! Verification: recomputes every balance from the ledger rows and every hash from the stored bytes.
//!
//! Nothing is re-run. Until the daily certificate is signed this shows accidents and careless edits,
//! not a forger who recomputes the whole chain.

use crate::batch::ShardHead;
use crate::ids::ShardCode;
use crate::leaf;
use crate::merkle::{self, Hash, MerkleTree};
use crate::record::Record;
use crate::store::{Queries, StoreError, StoredAccount, StoredBatch};
use crate::tx::AccountName;
use calendar::BusinessDate;
use jiff::Timestamp;
use ledger::{AccountId, AccountState, NewAccount, Row, RowKind, Touch};
use std::collections::BTreeMap;

/// Rows read at a time.
const CHUNK: usize = 5_000;
/// Problems after which the search ends: the rest would be echoes.
const PROBLEMS_MAX: usize = 100;

/// A row that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// Table and row.
    pub place: String,
    /// What is wrong.
    pub problem: String,
}

/// What was checked and what was found.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct VerifyReport {
    /// Batches whose root and chain were recomputed.
    pub batches: u64,
    /// Journal rows hashed.
    pub journal_rows: u64,
    /// Ledger rows hashed and replayed.
    pub ledger_rows: u64,
    /// Transfers and captures among them.
    pub transfers: u64,
    /// Accounts re-derived.
    pub accounts: u64,
    /// Records checked.
    pub records: u64,
    /// Debits less credits per currency, in minor units.
    pub trial_balance: BTreeMap<String, i128>,
    /// Head of the chain, hexadecimal.
    pub head_hash: String,
    /// Everything that does not hold.
    pub problems: Vec<Problem>,
}

impl VerifyReport {
    /// Nothing is wrong.
    pub fn holds(&self) -> bool {
        self.problems.is_empty()
            && self
                .trial_balance
                .values()
                .all(|difference| *difference == 0)
    }
}

impl VerifyReport {
    /// Takes the report of another shard of the same book in; its places name the shard.
    pub fn add_shard(&mut self, shard: ShardCode, report: VerifyReport) {
        self.batches += report.batches;
        self.journal_rows += report.journal_rows;
        self.ledger_rows += report.ledger_rows;
        self.transfers += report.transfers;
        self.accounts += report.accounts;
        self.records += report.records;
        for (currency, difference) in report.trial_balance {
            *self.trial_balance.entry(currency).or_default() += difference;
        }
        if !self.head_hash.is_empty() {
            self.head_hash.push(' ');
        }
        self.head_hash += &format!("{shard}:{}", report.head_hash);
        let problems = report.problems.into_iter().map(|mut problem| {
            problem.place = format!("shard {shard}, {}", problem.place);
            problem
        });
        self.problems.extend(problems);
    }
}

/// Verifies a whole shard. `progress` is told how many of how many ledger rows are done.
pub fn verify(
    queries: &dyn Queries,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<VerifyReport, StoreError> {
    let mut run = Run {
        queries,
        report: VerifyReport::default(),
        accounts: BTreeMap::new(),
        low_seq: 0,
        greatest_id: 0,
        last_date: None,
        last_command: None,
    };
    match run.all(progress) {
        Ok(()) | Err(Ended::Enough) => {}
        Err(Ended::Store(StoreError::Damaged { place, problem })) => {
            run.report.problems.push(Problem { place, problem });
        }
        Err(Ended::Store(error)) => return Err(error),
    }
    Ok(run.report)
}

enum Ended {
    Enough,
    Store(StoreError),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Ended::Store(error)
    }
}

struct Account {
    stored: Option<StoredAccount>,
    compared: bool,
    derived: Option<(AccountState, String)>,
}

struct Run<'a> {
    queries: &'a dyn Queries,
    report: VerifyReport,
    accounts: BTreeMap<u64, Account>,
    low_seq: u64,
    greatest_id: u128,
    /// Date of the last ledger row, and time of the last journal row.
    last_date: Option<BusinessDate>,
    last_command: Option<Timestamp>,
}

impl Run<'_> {
    fn problem(&mut self, place: String, problem: impl Into<String>) -> Result<(), Ended> {
        self.report.problems.push(Problem {
            place,
            problem: problem.into(),
        });
        if self.report.problems.len() >= PROBLEMS_MAX {
            Err(Ended::Enough)
        } else {
            Ok(())
        }
    }

    fn all(&mut self, progress: &mut dyn FnMut(u64, u64)) -> Result<(), Ended> {
        // Before the checkpoints are read: a server may go on writing meanwhile.
        let Some(before) = self.queries.head()? else {
            return Ok(());
        };
        self.low_seq = before.low_seq;
        self.load_checkpoints()?;
        let Some(head) = self.queries.head()? else {
            return Ok(());
        };
        let mut previous = StoredBatch {
            seq: 0,
            last_journal_seq: 0,
            last_ledger_seq: 0,
            root: [0; 32],
            head_hash: [0; 32],
        };
        while previous.seq < head.batch_seq {
            let batches = self.queries.batches_after(previous.seq, 200)?;
            if batches.is_empty() {
                return self.problem(format!("batch {}", previous.seq + 1), "missing");
            }
            for batch in batches
                .into_iter()
                .take_while(|batch| batch.seq <= head.batch_seq)
            {
                self.batch(&previous, &batch)?;
                progress(batch.last_ledger_seq, head.ledger_seq);
                previous = batch;
            }
        }
        self.report.head_hash = hex::encode(previous.head_hash);
        let expected = (
            previous.last_journal_seq,
            previous.last_ledger_seq,
            previous.head_hash,
        );
        if (head.journal_seq, head.ledger_seq, head.head_hash) != expected {
            self.problem("shard row".into(), "differs from the last batch")?;
        }
        if head.transfers != self.report.transfers {
            self.problem(
                "shard row".into(),
                format!(
                    "counts {} transfers, the ledger has {}",
                    head.transfers, self.report.transfers
                ),
            )?;
        }
        self.shard_row(&head)?;
        if head.greatest_id != self.greatest_id {
            self.problem(
                "shard row".into(),
                "names another greatest transfer id than the ledger",
            )?;
        }
        self.finish_accounts()?;
        self.records()
    }

    /// What the shard row says beyond the last batch, and rows that lie beyond the shard row.
    fn shard_row(&mut self, head: &ShardHead) -> Result<(), Ended> {
        let place = || "shard row".to_owned();
        let opened = self
            .accounts
            .iter()
            .filter(|(_, account)| account.derived.is_some());
        let highest = opened.map(|(id, _)| *id).max().unwrap_or(0);
        if head.last_account < highest {
            let text = format!(
                "names account {} as the last, the ledger opened {highest}",
                head.last_account
            );
            self.problem(place(), text)?;
        }
        if self.last_date.is_some_and(|date| head.business_date < date) {
            self.problem(place(), "its business date lies before the ledger's last")?;
        }
        if self.last_command.is_some_and(|at| at != head.now) {
            self.problem(place(), "its time is not that of the last journal row")?;
        }
        // A server may have gone on meanwhile: measured against the shard row as it is now.
        let beyond_journal = self.queries.journal_after(head.journal_seq, 1)?;
        let beyond_ledger = self.queries.rows_after(head.ledger_seq, 1)?;
        let now = self.queries.head()?.unwrap_or_else(|| head.clone());
        if beyond_journal
            .iter()
            .any(|(row, _)| row.seq > now.journal_seq)
        {
            self.problem(
                format!("journal row {}", head.journal_seq + 1),
                "lies beyond the shard row",
            )?;
        }
        if beyond_ledger
            .iter()
            .any(|(row, _)| row.seq > now.ledger_seq)
        {
            self.problem(
                format!("ledger row {}", head.ledger_seq + 1),
                "lies beyond the shard row",
            )?;
        }
        Ok(())
    }

    fn load_checkpoints(&mut self) -> Result<(), Ended> {
        let mut last = 0;
        loop {
            let chunk = match self.queries.accounts_after(AccountId(last), CHUNK) {
                Ok(chunk) => chunk,
                Err(StoreError::Damaged { .. }) => self.accounts_one_by_one(last)?,
                Err(error) => return Err(error.into()),
            };
            let Some(end) = chunk.last() else {
                return Ok(());
            };
            last = end.id.0;
            for stored in chunk {
                if stored.check != leaf::account_check(stored.id, &stored.state) {
                    self.problem(
                        format!("account {}", stored.id.0),
                        "check value does not match the row",
                    )?;
                }
                self.accounts.insert(
                    stored.id.0,
                    Account {
                        stored: Some(stored),
                        compared: false,
                        derived: None,
                    },
                );
            }
        }
    }

    /// Finds the account rows of a chunk that cannot be read.
    fn accounts_one_by_one(&mut self, after: u64) -> Result<Vec<StoredAccount>, Ended> {
        let last = self.queries.head()?.map_or(0, |head| head.last_account);
        // Numbers of a shard begin where its code says.
        let shard = ShardCode::of_account(AccountId(last)).unwrap_or(ShardCode::FIRST);
        let after = after.max(shard.account_base());
        let mut chunk = Vec::new();
        for id in after + 1..=last.min(after + CHUNK as u64) {
            match self.queries.account(AccountId(id)) {
                Ok(Some(account)) => chunk.push(account),
                Ok(None) => {}
                Err(error) => self.problem(format!("account {id}"), error.to_string())?,
            }
        }
        Ok(chunk)
    }

    fn batch(&mut self, previous: &StoredBatch, batch: &StoredBatch) -> Result<(), Ended> {
        let place = format!("batch {}", batch.seq);
        if batch.seq != previous.seq + 1 {
            self.problem(place.clone(), format!("follows batch {}", previous.seq))?;
        }
        let mut tree = MerkleTree::default();
        let problems = self.report.problems.len();
        self.journal(previous.last_journal_seq, batch.last_journal_seq, &mut tree)?;
        self.ledger(previous.last_ledger_seq, batch.last_ledger_seq, &mut tree)?;
        let damaged = self.report.problems.len() > problems;
        let root = tree.root();
        if root != batch.root && !damaged {
            self.problem(place.clone(), "root differs from that of its rows: a row was changed together with its check value")?;
        }
        self.chain(&place, previous, batch, damaged)?;
        self.report.batches += 1;
        Ok(())
    }

    fn chain(
        &mut self,
        place: &str,
        previous: &StoredBatch,
        batch: &StoredBatch,
        damaged: bool,
    ) -> Result<(), Ended> {
        let expected: Hash = merkle::chain(&previous.head_hash, &batch.root, batch.seq);
        if expected != batch.head_hash && !damaged {
            self.problem(
                place.to_owned(),
                "hash chain is broken here: the batch row was changed",
            )?;
        }
        Ok(())
    }

    fn journal(&mut self, from: u64, to: u64, tree: &mut MerkleTree) -> Result<(), Ended> {
        let mut last = from;
        let mut bytes = Vec::new();
        while last < to {
            let limit = CHUNK.min((to - last) as usize);
            let rows = match self.queries.journal_after(last, limit) {
                Ok(rows) => rows,
                Err(StoreError::Damaged { .. }) => {
                    // Names the row: chunks of one until it shows.
                    match self.queries.journal_after(last, 1) {
                        Ok(rows) => rows,
                        Err(error) => {
                            self.problem(format!("journal row {}", last + 1), error.to_string())?;
                            last += 1;
                            continue;
                        }
                    }
                }
                Err(error) => return Err(error.into()),
            };
            if rows.is_empty() {
                return self.problem(format!("journal row {}", last + 1), "missing");
            }
            for (row, check) in rows {
                if row.seq != last + 1 {
                    self.problem(format!("journal row {}", last + 1), "missing")?;
                }
                last = row.seq;
                leaf::journal_leaf(&row, &mut bytes);
                if merkle::check_value(&tree.add(&bytes)) != check {
                    self.problem(
                        format!("journal row {}", row.seq),
                        "check value does not match the row",
                    )?;
                }
                self.last_command = Some(row.at);
                self.report.journal_rows += 1;
            }
        }
        Ok(())
    }

    fn ledger(&mut self, from: u64, to: u64, tree: &mut MerkleTree) -> Result<(), Ended> {
        let mut last = from;
        let mut bytes = Vec::new();
        while last < to {
            let limit = CHUNK.min((to - last) as usize);
            let rows = match self.queries.rows_after(last, limit) {
                Ok(rows) => rows,
                Err(StoreError::Damaged { .. }) => match self.queries.row(last + 1) {
                    Ok(row) => row.into_iter().collect(),
                    Err(error) => {
                        self.problem(format!("ledger row {}", last + 1), error.to_string())?;
                        last += 1;
                        continue;
                    }
                },
                Err(error) => return Err(error.into()),
            };
            if rows.is_empty() {
                return self.problem(format!("ledger row {}", last + 1), "missing");
            }
            for (row, check) in rows {
                if row.seq != last + 1 {
                    self.problem(format!("ledger row {}", last + 1), "missing")?;
                }
                last = row.seq;
                leaf::ledger_leaf(&row, &mut bytes);
                let sound = merkle::check_value(&tree.add(&bytes)) == check;
                if !sound {
                    self.problem(
                        format!("ledger row {}", row.seq),
                        "check value does not match the row",
                    )?;
                }
                self.replay(&row, sound)?;
                self.last_date = Some(row.date);
                self.report.ledger_rows += 1;
            }
        }
        Ok(())
    }

    /// Applies a row to the derived accounts and compares what it says of them.
    fn replay(&mut self, row: &Row, sound: bool) -> Result<(), Ended> {
        let place = format!("ledger row {}", row.seq);
        if matches!(row.kind, RowKind::Transfer | RowKind::Capture) {
            self.report.transfers += 1;
        }
        if row.id != 0 {
            self.greatest_id = self.greatest_id.max(row.id);
            let found = self.queries.transfer(ledger::TransferId(row.id))?;
            if found.is_none_or(|found| found.seq != row.seq) {
                self.problem(place.clone(), "is not found under its transfer id")?;
            }
        }
        if row.kind == RowKind::Open {
            return self.open(row);
        }
        for (touch, is_debit) in [(&row.debit, true), (&row.credit, false)] {
            if touch.account == 0 {
                continue;
            }
            let Some(account) = self.accounts.get_mut(&touch.account) else {
                self.problem(
                    place.clone(),
                    format!("touches account {}, which has no row", touch.account),
                )?;
                continue;
            };
            let Some((state, _)) = &mut account.derived else {
                self.problem(
                    place.clone(),
                    format!("touches account {} before it was opened", touch.account),
                )?;
                continue;
            };
            let stale = account.stored.as_ref().is_some_and(|stored| {
                stored.state.head_seq == state.head_seq && row.seq < self.low_seq
            });
            let expected = apply(state, row, touch, is_debit);
            let after = *state;
            // Later rows are measured against what this one says, so that one error shows once.
            resume(state, touch);
            if stale {
                self.problem(
                    format!("account {}", touch.account),
                    format!("checkpoint is older than row {}", row.seq),
                )?;
            }
            if let Some(problem) = expected
                && sound
            {
                self.problem(
                    place.clone(),
                    format!("account {}: {problem}", touch.account),
                )?;
            }
            self.compare_checkpoint(touch.account, &after, row.seq)?;
        }
        Ok(())
    }

    fn open(&mut self, row: &Row) -> Result<(), Ended> {
        let place = format!("ledger row {}", row.seq);
        let Some(new) = ledger::opened_account(row) else {
            return self.problem(place, "opens an account of unknown kind or currency");
        };
        let id = row.debit.account;
        let state = AccountState::opened(&new, row.seq, row.date);
        let NewAccount { name, .. } = new;
        let account = self.accounts.entry(id).or_insert(Account {
            stored: None,
            compared: false,
            derived: None,
        });
        if account.derived.is_some() {
            return self.problem(place, format!("opens account {id} a second time"));
        }
        account.derived = Some((state, name));
        self.report.accounts += 1;
        self.compare_checkpoint(id, &state, row.seq)
    }

    /// At the row at which an account's checkpoint was taken both must agree.
    fn compare_checkpoint(
        &mut self,
        id: u64,
        derived: &AccountState,
        seq: u64,
    ) -> Result<(), Ended> {
        let Some(account) = self.accounts.get_mut(&id) else {
            return Ok(());
        };
        let Some(stored) = &account.stored else {
            return Ok(());
        };
        if stored.state.head_seq != seq {
            return Ok(());
        }
        account.compared = true;
        let same_name = account
            .derived
            .as_ref()
            .is_none_or(|(_, name)| *name == stored.name);
        if stored.state != *derived || !same_name {
            let problem = format!(
                "balance row says debits {} credits {}, the ledger says debits {} credits {}",
                stored.state.debits_posted,
                stored.state.credits_posted,
                derived.debits_posted,
                derived.credits_posted
            );
            return self.problem(format!("account {id}"), problem);
        }
        Ok(())
    }

    fn names(&self) -> Vec<(u64, String)> {
        let derived = |(id, account): (&u64, &Account)| {
            account
                .derived
                .as_ref()
                .map(|(_, name)| (*id, name.clone()))
        };
        self.accounts.iter().filter_map(derived).collect()
    }

    fn finish_accounts(&mut self) -> Result<(), Ended> {
        let mut problems = Vec::new();
        for (id, account) in &self.accounts {
            if let Some((state, _)) = &account.derived {
                let code = state.currency.to_string();
                let sum = self.report.trial_balance.entry(code).or_default();
                *sum += i128::from(state.debits_posted) - i128::from(state.credits_posted);
            }
            match (&account.stored, &account.derived) {
                (None, _) => problems.push((*id, "opened in the ledger but has no balance row")),
                (Some(_), None) => {
                    problems.push((*id, "has a balance row but was never opened in the ledger"))
                }
                (Some(_), Some(_)) if !account.compared => {
                    problems.push((*id, "balance row names a last row that does not touch it"));
                }
                _ => {}
            }
        }
        for (id, name) in self.names() {
            let found = self.queries.record(AccountName::KIND, &name)?;
            let found = found.and_then(|body| serde_json::from_slice::<AccountName>(&body).ok());
            if found.is_none_or(|found| found.account.0 != id) {
                problems.push((id, "is not found under its name"));
            }
        }
        for (id, problem) in problems {
            self.problem(format!("account {id}"), problem)?;
        }
        let unbalanced: Vec<(String, i128)> = self
            .report
            .trial_balance
            .iter()
            .filter(|(_, sum)| **sum != 0)
            .map(|(code, sum)| (code.clone(), *sum))
            .collect();
        for (code, sum) in unbalanced {
            self.problem(
                "trial balance".into(),
                format!("debits less credits in {code} are {sum}"),
            )?;
        }
        Ok(())
    }

    fn records(&mut self) -> Result<(), Ended> {
        for kind in self.queries.kinds()? {
            let mut last = String::new();
            loop {
                let chunk = self.queries.records_after(&kind, &last, CHUNK)?;
                let Some((key, _, _)) = chunk.last() else {
                    break;
                };
                last.clone_from(key);
                for (key, body, check) in &chunk {
                    if leaf::record_check(&kind, key, body) != *check {
                        self.problem(
                            format!("{kind} {key}"),
                            "check value does not match the record",
                        )?;
                    }
                    self.report.records += 1;
                }
            }
        }
        Ok(())
    }
}

/// Moves a derived account by a row; says what the row states otherwise.
fn apply(state: &mut AccountState, row: &Row, touch: &Touch, is_debit: bool) -> Option<String> {
    let prev = state.head_seq;
    let prev_day = if state.day == row.date {
        0
    } else {
        state.day_seq
    };
    let held = if is_debit {
        &mut state.debits_held
    } else {
        &mut state.credits_held
    };
    match row.kind {
        RowKind::Hold => *held = held.wrapping_add(row.amount),
        RowKind::Release => *held = held.wrapping_sub(row.amount),
        // The captured side is the one whose held amount the row lowers.
        RowKind::Capture => {
            let said = if is_debit {
                touch.debits_held
            } else {
                touch.credits_held
            };
            if held.wrapping_sub(said) == row.amount {
                *held = said;
            }
        }
        RowKind::Transfer | RowKind::Open | RowKind::Close => {}
    }
    if matches!(row.kind, RowKind::Transfer | RowKind::Capture) {
        let posted = if is_debit {
            &mut state.debits_posted
        } else {
            &mut state.credits_posted
        };
        *posted = posted.wrapping_add(row.amount);
    }
    state.closed |= row.kind == RowKind::Close;
    if state.day != row.date {
        state.day = row.date;
        state.day_seq = row.seq;
    }
    state.head_seq = row.seq;
    let stated = [
        touch.debits_posted,
        touch.credits_posted,
        touch.debits_held,
        touch.credits_held,
    ];
    let derived = [
        state.debits_posted,
        state.credits_posted,
        state.debits_held,
        state.credits_held,
    ];
    if stated != derived {
        return Some(format!(
            "states debits, credits and holds {stated:?}, derived are {derived:?}"
        ));
    }
    if touch.prev_seq != prev || touch.prev_day_seq != prev_day {
        return Some(format!(
            "points back to row {}, the account's last row was {prev}",
            touch.prev_seq
        ));
    }
    None
}

fn resume(state: &mut AccountState, touch: &Touch) {
    state.debits_posted = touch.debits_posted;
    state.credits_posted = touch.credits_posted;
    state.debits_held = touch.debits_held;
    state.credits_held = touch.credits_held;
}
