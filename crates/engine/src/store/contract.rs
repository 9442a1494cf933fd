//! The suite that every store has to pass, run by each store's own tests.
//!
//! ```no_run
//! use engine::store::{contract, sqlite::SqliteStore};
//! let mut count = 0;
//! let failures = contract::check_all(&mut || {
//!     count += 1;
//!     let directory = format!("empty-{count}");
//!     Ok(Box::new(SqliteStore::open(directory.as_ref())?))
//! });
//! assert_eq!(failures, Vec::new());
//! ```
//!
//! It looks at a store from outside only, compares with plain lists kept beside it, and reports
//! what differs instead of panicking, so that it can also be pointed at a database in operation's
//! test environment.

mod commits;
mod damage;
mod lookups;
mod ranges;
mod samples;

use super::{Queries, StoreError, StoreFactory, StoreReader};
use crate::batch::SealedBatch;
use std::fmt::Debug;
use std::sync::Arc;

/// Opens an empty store; called once per check.
pub type OpenEmpty<'a> = dyn FnMut() -> Result<Box<dyn StoreFactory>, StoreError> + 'a;

/// A check that a store did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Name of the check.
    pub check: &'static str,
    /// What differs.
    pub problem: String,
}

/// Why a check ends early.
#[derive(Debug)]
struct Problem(String);

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Problem(error.to_string())
    }
}

type Checked = Result<(), Problem>;

type Check = fn(&Handles) -> Checked;

/// Every check by name.
const CHECKS: &[(&str, Check)] = &[
    ("an empty store answers with nothing", lookups::empty),
    (
        "every column comes back, at its extremes",
        commits::extremes,
    ),
    ("a reader sees each commit at once", commits::seen_at_once),
    ("checkpoints replace each other", commits::checkpoints),
    ("a stale head is refused", commits::stale_head),
    (
        "the same batch is not taken twice",
        commits::same_batch_again,
    ),
    ("a failing batch leaves nothing", commits::all_or_nothing),
    ("a large batch is one transaction", commits::large_batch),
    (
        "rows are asked for in any order",
        lookups::in_the_order_asked,
    ),
    (
        "numbers beyond the columns name nothing",
        lookups::beyond_the_columns,
    ),
    ("the tail is in sequence and can be stopped", lookups::tail),
    ("pages follow one another", lookups::pages),
    ("ranges of an index", ranges::against_a_list),
    ("texts order by their bytes", ranges::byte_order),
    (
        "index entries follow their record",
        ranges::replaced_entries,
    ),
    ("a damaged record is refused, and named", damage::records),
    (
        "a damaged ledger row is refused, and named",
        damage::ledger_rows,
    ),
];

/// Runs every check on a store of its own; empty when all are passed.
pub fn check_all(open: &mut OpenEmpty<'_>) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (check, run) in CHECKS {
        let result = Handles::open(open).and_then(|handles| run(&handles));
        if let Err(Problem(problem)) = result {
            failures.push(Failure { check, problem });
        }
    }
    failures
}

/// A store under test.
struct Handles {
    factory: Box<dyn StoreFactory>,
    queries: Arc<dyn Queries>,
}

impl Handles {
    fn open(open: &mut OpenEmpty<'_>) -> Result<Handles, Problem> {
        let factory = open()?;
        let queries = factory.queries()?;
        Ok(Handles { factory, queries })
    }

    fn reader(&self) -> Result<Box<dyn StoreReader>, Problem> {
        Ok(self.factory.reader()?)
    }

    /// Commits with a handle of its own, as after a failure.
    fn commit(&self, batch: &SealedBatch) -> Result<(), StoreError> {
        self.factory.writer()?.commit(batch)
    }
}

fn same<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Checked {
    if found == expected {
        return Ok(());
    }
    let shown = |value: &T| -> String { format!("{value:?}").chars().take(600).collect() };
    Err(Problem(format!(
        "{what}: found {}, expected {}",
        shown(&found),
        shown(&expected)
    )))
}

fn refused(what: &str, result: Result<(), StoreError>) -> Checked {
    match result {
        Err(StoreError::Refused(_)) => Ok(()),
        other => Err(Problem(format!("{what}: {other:?}, expected Refused"))),
    }
}
