//! Our entries while the statement passes by.

use std::collections::BTreeSet;

use calendar::BusinessDate;
use money::Money;

use crate::{EntryKind, EntryStatus, Finding, OurEntry, StatementLine};

/// Our entry while the lines pass by.
#[derive(Debug)]
pub(crate) struct Awaited {
    pub(crate) channel_number: Option<String>,
    pub(crate) amount: Money,
    pub(crate) status: EntryStatus,
    pub(crate) clearing_date: BusinessDate,
    /// Lines that are successes; the others are told of beside them.
    pub(crate) seen: Option<Seen>,
    /// The first of them, under another number of the channel than ours. A later line may have ours: what
    /// this one is shows only at the end.
    other: Option<Box<StatementLine>>,
    /// Such a line came, so that `other` is not what our entry is about.
    met: bool,
    /// The place of the difference that a line without success made; another such line says nothing new.
    pub(crate) told: Option<usize>,
}

/// Where a reference was met first, how often since, and under which numbers of the channel.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    first_line: usize,
    appearances: u32,
    numbers: BTreeSet<String>,
}

impl Seen {
    /// `known` is our number, of which no copy is kept.
    pub(crate) fn first(line: &StatementLine, known: Option<&str>) -> Seen {
        let mut seen = Seen {
            first_line: line.line,
            appearances: 1,
            numbers: BTreeSet::new(),
        };
        seen.is_new(&line.channel_number, known);
        seen
    }

    pub(crate) fn again(&mut self, line: &StatementLine, known: Option<&str>) -> Finding {
        let other_number = self.is_new(&line.channel_number, known);
        self.repeated(line, other_number)
    }

    fn repeated(&mut self, line: &StatementLine, other_number: bool) -> Finding {
        self.appearances = self.appearances.saturating_add(1);
        Finding::Duplicate {
            amount: line.amount,
            first_line: self.first_line,
            appearance: self.appearances,
            other_number,
        }
    }

    fn is_new(&mut self, number: &str, known: Option<&str>) -> bool {
        !number.is_empty() && known != Some(number) && self.numbers.insert(number.to_owned())
    }
}

impl Awaited {
    pub(crate) fn new(entry: OurEntry) -> Awaited {
        Awaited {
            channel_number: entry.channel_number,
            amount: entry.amount,
            status: entry.status,
            clearing_date: entry.clearing_date,
            seen: None,
            other: None,
            met: false,
            told: None,
        }
    }

    /// A line that says how a movement stands that has not succeeded. The statement shows the moment
    /// when it was written: what succeeded on a later date was under way then, or refused by the payer's
    /// account, which people have found another way for since; or they found that it came to nothing.
    /// Where they have found neither yet, the statement may say anything.
    ///
    /// `place` is where the difference will stand. What our books count is added at the end, where no line
    /// is a success.
    pub(crate) fn compare_open(
        &mut self,
        line: &StatementLine,
        statement_date: BusinessDate,
        place: usize,
    ) -> Vec<Finding> {
        let agrees = match (self.status, line.status) {
            (EntryStatus::Succeeded, EntryStatus::Pending | EntryStatus::Abnormal) => {
                self.clearing_date > statement_date
            }
            (EntryStatus::Failed, EntryStatus::Abnormal) | (EntryStatus::Abnormal, _) => true,
            (ours, theirs) => ours == theirs,
        };
        if agrees || self.told.is_some() {
            return Vec::new();
        }
        self.told = Some(place);
        vec![Finding::StatusDiffers {
            amount: line.amount,
            ours: Some(self.status),
            theirs: line.status,
            counted: Money::zero(line.amount.currency()),
        }]
    }

    /// A line that is a success; nothing yet where only the end shows what it is.
    pub(crate) fn success(
        &mut self,
        line: &StatementLine,
        statement_date: BusinessDate,
    ) -> Option<Vec<Finding>> {
        let has_other_number = self.has_other_number(line);
        let ours = self.channel_number.as_deref();
        match &mut self.seen {
            Some(seen) if self.met || has_other_number => {
                return Some(vec![seen.again(line, ours)]);
            }
            Some(seen) => seen.first_line = line.line,
            None => self.seen = Some(Seen::first(line, ours)),
        }
        if has_other_number {
            self.other = Some(Box::new(line.clone()));
            return None;
        }
        self.met = true;
        Some(self.compare(line, statement_date))
    }

    /// What the line is that waited for the end.
    pub(crate) fn conclude(
        &mut self,
        statement_date: BusinessDate,
    ) -> Option<(Box<StatementLine>, Vec<Finding>)> {
        let line = self.other.take()?;
        let findings = match &mut self.seen {
            Some(seen) if self.met => vec![seen.repeated(&line, true)],
            _ => self.compare(&line, statement_date),
        };
        Some((line, findings))
    }

    fn has_other_number(&self, line: &StatementLine) -> bool {
        self.channel_number
            .as_ref()
            .is_some_and(|ours| !line.channel_number.is_empty() && *ours != line.channel_number)
    }

    fn compare(&self, line: &StatementLine, statement_date: BusinessDate) -> Vec<Finding> {
        let has_other_number = self.has_other_number(line);
        // An order can be paid twice, and ours is not awaited on this date.
        let is_second_payment = line.kind == EntryKind::Payment
            && has_other_number
            && self.clearing_date != statement_date;
        if self.status != EntryStatus::Succeeded || is_second_payment {
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
        if has_other_number {
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
