//! What a reconciliation says, and why it cannot be made.

use std::sync::Arc;

use calendar::BusinessDate;
use money::{Currency, MoneyError};
use serde::{Deserialize, Serialize};

use crate::{Difference, EntryKind, SideTotals, StructuralError};

/// How much a reconciliation may hold in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Entries of our side, neighbouring dates included.
    pub our_entries_max: usize,
    /// Differences and structural errors; more of them mean the wrong file, not many mistakes.
    pub differences_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            our_entries_max: 10_000_000,
            differences_max: 100_000,
        }
    }
}

/// A reconciliation cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReconError {
    /// Our side names the same movement twice; references are unique in our books.
    #[error(
        "our {kind} {merchant_number:?} at {channel} was given twice: give each entry once, with its clearing date"
    )]
    EntryRepeated {
        /// Code of the channel.
        channel: Arc<str>,
        /// Payment or refund.
        kind: EntryKind,
        /// Our reference.
        merchant_number: String,
    },
    /// An entry of our side is in another currency than the reconciliation.
    #[error(
        "our entry {merchant_number:?} is in {found}, the reconciliation in {expected}: reconcile each currency by itself"
    )]
    EntryCurrency {
        /// Our reference.
        merchant_number: String,
        /// The currency of the reconciliation.
        expected: Currency,
        /// The currency of the entry.
        found: Currency,
    },
    /// Our side has more entries than the limit.
    #[error("our side has more than {limit} entries: reconcile fewer channels at once")]
    TooManyEntries {
        /// The limit.
        limit: usize,
    },
    /// The sides differ in more places than the limit.
    #[error(
        "more than {limit} differences: check that the statement belongs to this account and date"
    )]
    TooManyDifferences {
        /// The limit.
        limit: usize,
    },
    /// A total does not fit 64 bits of minor units.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// What became of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineOutcome {
    /// It agrees with our books in every respect.
    Matched,
    /// It gave at least one difference or structural error.
    Different,
}

/// The result of a reconciliation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// Clearing date of the statement.
    pub statement_date: BusinessDate,
    /// Currency of both sides.
    pub currency: Currency,
    /// Number of lines that agree with our books in every respect.
    pub matched: u64,
    /// Our successes of the date.
    pub ours: SideTotals,
    /// The successes on the statement.
    pub theirs: SideTotals,
    /// What does not agree: by line, then what the statement lacks by reference.
    pub differences: Vec<Difference>,
    /// Where the statement contradicts itself.
    pub structural_errors: Vec<StructuralError>,
}

impl Reconciliation {
    /// The differences, if the statement can be trusted to be whole; otherwise why it cannot.
    ///
    /// Cases must be opened from here only: a file that was cut off would make a difference of
    /// every entry behind the cut.
    pub fn conclusive(&self) -> Result<&[Difference], &[StructuralError]> {
        if self.structural_errors.is_empty() {
            Ok(&self.differences)
        } else {
            Err(&self.structural_errors)
        }
    }
}
