//! The matching itself.

use std::sync::Arc;

use calendar::BusinessDate;
use hashbrown::{HashMap, HashSet};
use money::{Currency, Money};

use crate::awaited::{Awaited, Seen};
use crate::difference::ours_reference;
use crate::key::{Key, KeyRef};
use crate::totals::Running;
use crate::{
    Difference, DifferenceId, EntryKind, EntryStatus, Finding, Limits, LineOutcome, OurEntry,
    ReconError, Reconciliation, StatementLine, StatementSummary, StructuralError,
};

/// Takes our side, then the statement line by line.
#[derive(Debug)]
pub struct Reconciler {
    statement_date: BusinessDate,
    currency: Currency,
    limits: Limits,
    awaited: HashMap<Key, Awaited>,
    unknown: HashMap<Key, Seen>,
    unknown_open: HashSet<Key>,
    ours: Running,
    theirs: Running,
    /// All lines, whatever became of them: what the statement's own totals are about.
    stated: Running,
    matched: u64,
    last_line: usize,
    differences: Vec<Difference>,
    /// Lines that wait for the end and will be differences.
    waiting: usize,
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
            unknown_open: HashSet::new(),
            ours: Running::default(),
            theirs: Running::default(),
            stated: Running::default(),
            matched: 0,
            last_line: 0,
            differences: Vec::new(),
            waiting: 0,
            structural_errors: Vec::new(),
        }
    }

    /// Adds an entry of our books; successes come before the first line, the others before theirs.
    ///
    /// Give the entries of the statement's date, and those of the dates beside it that may appear
    /// on this statement: an entry of another date is not awaited, but recognised.
    pub fn add_ours(&mut self, entry: OurEntry) -> Result<(), ReconError> {
        let expected = self.currency;
        let found = entry.amount.currency();
        if found != expected {
            return Err(ReconError::EntryCurrency {
                merchant_number: entry.merchant_number,
                expected,
                found,
            });
        }
        if self.awaited.len() >= self.limits.our_entries_max {
            return Err(ReconError::TooManyEntries {
                limit: self.limits.our_entries_max,
            });
        }
        if self.is_expected(entry.status, entry.clearing_date) {
            self.ours.add(entry.kind, entry.amount, None);
        }
        let key = Key {
            channel: Arc::clone(&entry.channel),
            kind: entry.kind,
            reference: entry.merchant_number.clone(),
        };
        match self.awaited.try_insert(key, Awaited::new(entry)) {
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

    /// Whether our side has such an entry. Of what is no success only that is needed which the
    /// statement names, so it may be added when its line is met.
    pub fn knows(&self, channel: &str, kind: EntryKind, reference: &str) -> bool {
        self.awaited.contains_key(&KeyRef {
            channel,
            kind,
            reference,
        })
    }

    /// Takes one line of the statement. The line is compared, counted and not kept, unless it differs.
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
        self.stated.add(line.kind, line.amount, line.fee);
        if line.status == EntryStatus::Succeeded {
            self.theirs.add(line.kind, line.amount, line.fee);
        }
        match self.findings(line) {
            Some(findings) if findings.is_empty() => {
                self.matched += 1;
                Ok(LineOutcome::Matched)
            }
            Some(findings) => {
                self.record_on(line, findings)?;
                Ok(LineOutcome::Different)
            }
            // It waits for the end and differs all the same: it has not our number.
            None => {
                self.check_room()?;
                self.waiting += 1;
                Ok(LineOutcome::Different)
            }
        }
    }

    /// Ends the statement with the totals that it states itself.
    pub fn finish(mut self, summary: &StatementSummary) -> Result<Reconciliation, ReconError> {
        let theirs = self.theirs.totals(self.currency)?;
        let stated = self.stated.totals(self.currency)?;
        let ours = self.ours.totals(self.currency)?;
        for (key, mut awaited) in std::mem::take(&mut self.awaited) {
            if let Some((line, findings)) = awaited.conclude(self.statement_date) {
                self.waiting = self.waiting.saturating_sub(1);
                self.record_on(&line, findings)?;
            }
            if awaited.seen.is_none() && self.is_expected(awaited.status, awaited.clearing_date) {
                self.lacks(key, awaited)?;
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
            .extend(summary.contradictions(&stated));
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

    /// Nothing yet where only the end of the statement shows what a line is.
    fn findings(&mut self, line: &StatementLine) -> Option<Vec<Finding>> {
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
            return Some(self.unknown_line(line));
        };
        if line.status == EntryStatus::Succeeded {
            return awaited.success(line, self.statement_date);
        }
        let place = self.differences.len();
        Some(awaited.compare_open(line, self.statement_date, place))
    }

    fn unknown_line(&mut self, line: &StatementLine) -> Vec<Finding> {
        let key = Key {
            channel: Arc::clone(&line.channel),
            kind: line.kind,
            reference: tagged_reference(line),
        };
        if line.status != EntryStatus::Succeeded {
            let finding = Finding::StatusDiffers {
                amount: line.amount,
                ours: None,
                theirs: line.status,
                counted: Money::zero(self.currency),
            };
            let first = self.unknown_open.insert(key);
            return first.then_some(finding).into_iter().collect();
        }
        let mut finding = Finding::TheirsOnly {
            amount: line.amount,
            our_status: None,
        };
        self.unknown
            .entry(key)
            .and_modify(|seen| finding = seen.again(line, None))
            .or_insert_with(|| Seen::first(line, None));
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

    /// No line is our success: a difference of status that was told of is about it, or it is missing.
    fn lacks(&mut self, key: Key, awaited: Awaited) -> Result<(), ReconError> {
        let told = awaited.told.and_then(|at| self.differences.get_mut(at));
        if let Some(Finding::StatusDiffers { counted, .. }) = told.map(|told| &mut told.finding) {
            *counted = awaited.amount;
            return Ok(());
        }
        let missing = self.missing(key, awaited);
        self.record(missing)
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

    fn record_on(
        &mut self,
        line: &StatementLine,
        findings: Vec<Finding>,
    ) -> Result<(), ReconError> {
        for finding in findings {
            let difference = self.difference_on(line, finding);
            self.record(difference)?;
        }
        Ok(())
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
        if self.differences.len() + self.structural_errors.len() + self.waiting < limit {
            Ok(())
        } else {
            Err(ReconError::TooManyDifferences { limit })
        }
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
