//! The matching itself.

use std::sync::Arc;

use calendar::BusinessDate;
use hashbrown::HashMap;
use money::{Currency, Money, MoneyError};
use serde::{Deserialize, Serialize};

use crate::difference::ours_reference;
use crate::key::{Key, KeyRef};
use crate::totals::Running;
use crate::{
    Difference, DifferenceId, EntryKind, EntryStatus, Finding, OurEntry, SideTotals, StatementLine,
    StatementSummary, StructuralError,
};

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
    /// All lines of the statement.
    pub theirs: SideTotals,
    /// What does not agree: by line, then what the statement lacks by reference.
    pub differences: Vec<Difference>,
    /// Where the statement contradicts itself.
    pub structural_errors: Vec<StructuralError>,
}

impl Reconciliation {
    /// Whether both sides agree to the minor unit and the statement agrees with itself.
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty() && self.structural_errors.is_empty()
    }

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

/// Our entry while the lines pass by.
#[derive(Debug)]
struct Awaited {
    channel_number: Option<String>,
    amount: Money,
    fee: Option<Money>,
    status: EntryStatus,
    clearing_date: BusinessDate,
    seen: Option<Seen>,
}

/// Where a reference was met first, and how often since.
#[derive(Debug, Clone, Copy)]
struct Seen {
    first_line: usize,
    appearances: u32,
}

/// Takes our side, then the statement line by line.
#[derive(Debug)]
pub struct Reconciler {
    statement_date: BusinessDate,
    currency: Currency,
    limits: Limits,
    awaited: HashMap<Key, Awaited>,
    unknown: HashMap<Key, Seen>,
    ours: Running,
    theirs: Running,
    matched: u64,
    last_line: usize,
    differences: Vec<Difference>,
    structural_errors: Vec<StructuralError>,
}

impl Reconciler {
    /// A reconciliation of the statement of one clearing date in one currency.
    pub fn new(statement_date: BusinessDate, currency: Currency, limits: Limits) -> Reconciler {
        Reconciler {
            statement_date,
            currency,
            limits,
            awaited: HashMap::new(),
            unknown: HashMap::new(),
            ours: Running::default(),
            theirs: Running::default(),
            matched: 0,
            last_line: 0,
            differences: Vec::new(),
            structural_errors: Vec::new(),
        }
    }

    /// Adds an entry of our books; all of them come before the first line.
    ///
    /// Give the entries of the statement's date, and those of the dates beside it that may appear
    /// on this statement: an entry of another date is not awaited, but recognised.
    pub fn add_ours(&mut self, entry: OurEntry) -> Result<(), ReconError> {
        let expected = self.currency;
        let currencies = [Some(entry.amount), entry.fee];
        for money in currencies.into_iter().flatten() {
            if money.currency() != expected {
                return Err(ReconError::EntryCurrency {
                    merchant_number: entry.merchant_number,
                    expected,
                    found: money.currency(),
                });
            }
        }
        if self.awaited.len() >= self.limits.our_entries_max {
            return Err(ReconError::TooManyEntries {
                limit: self.limits.our_entries_max,
            });
        }
        if self.is_expected(entry.status, entry.clearing_date) {
            self.ours.add(entry.kind, entry.amount, entry.fee);
        }
        let key = Key {
            channel: entry.channel,
            kind: entry.kind,
            reference: entry.merchant_number,
        };
        let awaited = Awaited {
            channel_number: entry.channel_number,
            amount: entry.amount,
            fee: entry.fee,
            status: entry.status,
            clearing_date: entry.clearing_date,
            seen: None,
        };
        match self.awaited.try_insert(key, awaited) {
            Ok(_) => Ok(()),
            Err(occupied) => {
                let key = occupied.entry.key();
                Err(ReconError::EntryRepeated {
                    channel: Arc::clone(&key.channel),
                    kind: key.kind,
                    merchant_number: key.reference.clone(),
                })
            }
        }
    }

    /// Takes one line of the statement. The line is compared, counted and not kept.
    pub fn add_line(&mut self, line: &StatementLine) -> Result<LineOutcome, ReconError> {
        if line.line <= self.last_line {
            return self.structural(StructuralError::LineOutOfOrder {
                line: line.line,
                after: self.last_line,
            });
        }
        self.last_line = line.line;
        for money in [Some(line.amount), line.fee].into_iter().flatten() {
            if money.currency() != self.currency {
                return self.structural(StructuralError::ForeignCurrency {
                    line: Some(line.line),
                    expected: self.currency,
                    found: money.currency(),
                });
            }
        }
        self.theirs.add(line.kind, line.amount, line.fee);
        let findings = self.findings(line);
        if findings.is_empty() {
            self.matched += 1;
            return Ok(LineOutcome::Matched);
        }
        for finding in findings {
            let difference = self.difference_on(line, finding);
            self.record(difference)?;
        }
        Ok(LineOutcome::Different)
    }

    /// Ends the statement with the totals that it states itself.
    pub fn finish(mut self, summary: &StatementSummary) -> Result<Reconciliation, ReconError> {
        let theirs = self.theirs.totals(self.currency)?;
        let ours = self.ours.totals(self.currency)?;
        for (key, awaited) in std::mem::take(&mut self.awaited) {
            if awaited.seen.is_none() && self.is_expected(awaited.status, awaited.clearing_date) {
                let missing = self.missing(key, awaited);
                self.record(missing)?;
            }
        }
        // The map has no order of its own; the result must have one.
        self.differences.sort_by(|left, right| {
            let order = |difference: &Difference| difference.line.unwrap_or(usize::MAX);
            order(left)
                .cmp(&order(right))
                .then_with(|| left.id.cmp(&right.id))
        });
        self.structural_errors
            .extend(summary.contradictions(&theirs));
        Ok(Reconciliation {
            statement_date: self.statement_date,
            currency: self.currency,
            matched: self.matched,
            ours,
            theirs,
            differences: self.differences,
            structural_errors: self.structural_errors,
        })
    }

    fn is_expected(&self, status: EntryStatus, clearing_date: BusinessDate) -> bool {
        status == EntryStatus::Succeeded && clearing_date == self.statement_date
    }

    fn findings(&mut self, line: &StatementLine) -> Vec<Finding> {
        let key = KeyRef {
            channel: &line.channel,
            kind: line.kind,
            reference: &line.our_reference,
        };
        // An empty reference is no reference, even if one of our entries should have none.
        let known = match line.our_reference.is_empty() {
            true => None,
            false => self.awaited.get_mut(&key),
        };
        let Some(awaited) = known else {
            return self.unknown_line(line);
        };
        if let Some(seen) = &mut awaited.seen {
            return vec![seen.again(line)];
        }
        awaited.seen = Some(Seen::first(line));
        awaited.compare(line, self.statement_date)
    }

    fn unknown_line(&mut self, line: &StatementLine) -> Vec<Finding> {
        let key = Key {
            channel: Arc::clone(&line.channel),
            kind: line.kind,
            reference: tagged_reference(line),
        };
        let mut finding = Finding::TheirsOnly {
            amount: line.amount,
            our_status: None,
        };
        self.unknown
            .entry(key)
            .and_modify(|seen| finding = seen.again(line))
            .or_insert_with(|| Seen::first(line));
        vec![finding]
    }

    fn difference_on(&self, line: &StatementLine, finding: Finding) -> Difference {
        let name = match finding {
            Finding::Duplicate { appearance, .. } => format!("{}-{appearance}", finding.name()),
            _ => finding.name().to_owned(),
        };
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        Difference {
            id: DifferenceId::build(
                self.statement_date,
                &line.channel,
                line.kind,
                &name,
                &tagged_reference(line),
            ),
            statement_date: self.statement_date,
            channel: Arc::clone(&line.channel),
            kind: line.kind,
            line: Some(line.line),
            our_reference: given(&line.our_reference),
            channel_number: given(&line.channel_number),
            finding,
        }
    }

    fn missing(&self, key: Key, awaited: Awaited) -> Difference {
        let finding = Finding::OursOnly {
            amount: awaited.amount,
        };
        Difference {
            id: DifferenceId::build(
                self.statement_date,
                &key.channel,
                key.kind,
                finding.name(),
                &ours_reference(&key.reference),
            ),
            statement_date: self.statement_date,
            channel: key.channel,
            kind: key.kind,
            line: None,
            our_reference: Some(key.reference),
            channel_number: awaited.channel_number,
            finding,
        }
    }

    fn record(&mut self, difference: Difference) -> Result<(), ReconError> {
        self.check_room()?;
        self.differences.push(difference);
        Ok(())
    }

    fn structural(&mut self, error: StructuralError) -> Result<LineOutcome, ReconError> {
        self.check_room()?;
        self.structural_errors.push(error);
        Ok(LineOutcome::Different)
    }

    fn check_room(&self) -> Result<(), ReconError> {
        let limit = self.limits.differences_max;
        if self.differences.len() + self.structural_errors.len() < limit {
            Ok(())
        } else {
            Err(ReconError::TooManyDifferences { limit })
        }
    }
}

impl Seen {
    fn first(line: &StatementLine) -> Seen {
        Seen {
            first_line: line.line,
            appearances: 1,
        }
    }

    fn again(&mut self, line: &StatementLine) -> Finding {
        self.appearances = self.appearances.saturating_add(1);
        Finding::Duplicate {
            amount: line.amount,
            first_line: self.first_line,
            appearance: self.appearances,
        }
    }
}

impl Awaited {
    fn compare(&self, line: &StatementLine, statement_date: BusinessDate) -> Vec<Finding> {
        if self.status != EntryStatus::Succeeded {
            return vec![Finding::TheirsOnly {
                amount: line.amount,
                our_status: Some(self.status),
            }];
        }
        let mut findings = Vec::new();
        if self.amount != line.amount {
            findings.push(Finding::AmountDiffers {
                ours: self.amount,
                theirs: line.amount,
            });
        }
        let other_number = self
            .channel_number
            .as_ref()
            .is_some_and(|ours| !line.channel_number.is_empty() && *ours != line.channel_number);
        if other_number {
            findings.push(Finding::NumberDiffers {
                amount: line.amount,
            });
        }
        if let (Some(ours), Some(theirs)) = (self.fee, line.fee)
            && ours != theirs
        {
            findings.push(Finding::FeeDiffers { ours, theirs });
        }
        if self.clearing_date != statement_date || line.clearing_date != statement_date {
            findings.push(Finding::DateShift {
                amount: self.amount,
                ours: self.clearing_date,
                theirs: line.clearing_date,
            });
        }
        findings
    }
}

/// The best name of a line: our reference, else the channel's number, else where it stands.
fn tagged_reference(line: &StatementLine) -> String {
    if !line.our_reference.is_empty() {
        ours_reference(&line.our_reference)
    } else if !line.channel_number.is_empty() {
        format!("channel:{}", line.channel_number)
    } else {
        format!("line:{}", line.line)
    }
}
