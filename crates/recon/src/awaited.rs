//! Our entries while the statement passes by.

use calendar::BusinessDate;
use money::Money;

use crate::{EntryStatus, Finding, StatementLine};

/// Our entry while the lines pass by.
#[derive(Debug)]
pub(crate) struct Awaited {
    pub(crate) channel_number: Option<String>,
    pub(crate) amount: Money,
    pub(crate) status: EntryStatus,
    pub(crate) clearing_date: BusinessDate,
    pub(crate) seen: Option<Seen>,
    /// A difference of status was told of; another such line says nothing new.
    pub(crate) told: bool,
}

/// Where a reference was met first, and how often since.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    first_line: usize,
    appearances: u32,
}

impl Seen {
    pub(crate) fn first(line: &StatementLine) -> Seen {
        Seen {
            first_line: line.line,
            appearances: 1,
        }
    }

    pub(crate) fn again(&mut self, line: &StatementLine) -> Finding {
        self.appearances = self.appearances.saturating_add(1);
        Finding::Duplicate {
            amount: line.amount,
            first_line: self.first_line,
            appearance: self.appearances,
        }
    }
}

impl Awaited {
    /// A line that says how a movement stands that has not succeeded. The statement shows the moment
    /// when it was written: what succeeded on a later date was under way then, or refused by the payer's
    /// account, which people have found another way for since; or they found that it came to nothing.
    pub(crate) fn compare_open(
        &mut self,
        line: &StatementLine,
        statement_date: BusinessDate,
    ) -> Vec<Finding> {
        let agrees = match (self.status, line.status) {
            (EntryStatus::Succeeded, EntryStatus::Pending | EntryStatus::Abnormal) => {
                self.clearing_date > statement_date
            }
            (EntryStatus::Failed, EntryStatus::Abnormal) => true,
            (ours, theirs) => ours == theirs,
        };
        if agrees || std::mem::replace(&mut self.told, true) {
            return Vec::new();
        }
        let expected =
            self.status == EntryStatus::Succeeded && self.clearing_date == statement_date;
        let first = self.seen.is_none();
        // Our success is told of here, so that it is not missing as well.
        self.seen.get_or_insert_with(|| Seen::first(line));
        let zero = Money::zero(line.amount.currency());
        vec![Finding::StatusDiffers {
            amount: line.amount,
            ours: Some(self.status),
            theirs: line.status,
            counted: if expected && first { self.amount } else { zero },
        }]
    }

    pub(crate) fn compare(
        &self,
        line: &StatementLine,
        statement_date: BusinessDate,
    ) -> Vec<Finding> {
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
