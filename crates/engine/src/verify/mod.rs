//! Verification: recomputes every balance from the ledger rows and every hash from the stored bytes.
//!
//! Journal and ledger rows are in the Merkle roots of their batches, which are chained; accounts are derived
//! from the ledger; records, index entries and secrets are in the sums that each batch carries.
//!
//! Nothing is re-run. Until the daily certificate is signed this shows accidents and careless edits,
//! not a forger who recomputes the whole chain.

mod accounts;
mod batches;
mod contents;
mod journal;
mod ledger;

use crate::ids::ShardCode;
use crate::store::{Queries, StoreError, StoredAccount, StoredBatch};
use ::ledger::AccountState;
use calendar::BusinessDate;
use jiff::Timestamp;
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
    /// Index entries summed up.
    pub index_entries: u64,
    /// Sealed secrets summed up.
    pub secrets: u64,
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
        self.index_entries += report.index_entries;
        self.secrets += report.secrets;
        for (currency, difference) in report.trial_balance {
            *self.trial_balance.entry(currency).or_default() += difference;
        }
        // A shard that nobody has opened yet has none.
        if !report.head_hash.is_empty() {
            if !self.head_hash.is_empty() {
                self.head_hash.push(' ');
            }
            self.head_hash += &format!("{shard}:{}", report.head_hash);
        }
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
            return self.nothing_is_there();
        };
        self.low_seq = before.low_seq;
        self.load_checkpoints()?;
        let Some(head) = self.queries.head()? else {
            return self.nothing_is_there();
        };
        let mut previous = StoredBatch {
            seq: 0,
            last_journal_seq: 0,
            last_ledger_seq: 0,
            root: [0; 32],
            head_hash: [0; 32],
            contents: None,
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
        let said = (head.journal_seq, head.ledger_seq, head.head_hash);
        if said != expected {
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
        self.contents()
    }
}
