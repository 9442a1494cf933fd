//! A consistent pair of books and statement to start from.

use calendar::BusinessDate;
use money::{Currency, Money};
use recon::{
    EntryKind, EntryStatus, Finding, Limits, OurEntry, ReconError, Reconciler, Reconciliation,
    StatementLine, StatementSummary,
};

pub fn today() -> BusinessDate {
    "2026-11-20".parse().unwrap()
}

pub fn entry(number: usize, kind: EntryKind, fen: i64) -> OurEntry {
    OurEntry {
        channel: "wechat".into(),
        kind,
        merchant_number: format!("M{number}"),
        channel_number: Some(format!("C{number}")),
        amount: Money::cny(fen),
        status: EntryStatus::Succeeded,
        clearing_date: today(),
    }
}

pub fn payment(number: usize, fen: i64) -> OurEntry {
    entry(number, EntryKind::Payment, fen)
}

/// The line that the channel would write for an entry.
pub fn line_of(entry: &OurEntry) -> StatementLine {
    StatementLine {
        line: 0,
        channel: entry.channel.clone(),
        kind: entry.kind,
        our_reference: entry.merchant_number.clone(),
        channel_number: entry.channel_number.clone().unwrap_or_default(),
        status: EntryStatus::Succeeded,
        amount: entry.amount,
        fee: Some(Money::cny(entry.amount.amount() / 100)),
        clearing_date: today(),
    }
}

/// Numbers the lines as they stand in the file, below a heading.
pub fn number(mut lines: Vec<StatementLine>) -> Vec<StatementLine> {
    for (index, line) in lines.iter_mut().enumerate() {
        line.line = index + 2;
    }
    lines
}

/// The summary that a correct channel would write below these lines.
pub fn summary_of(lines: &[StatementLine]) -> StatementSummary {
    let of = |kind: EntryKind| lines.iter().filter(move |line| line.kind == kind);
    let sum = |kind| of(kind).map(|line| line.amount.amount()).sum::<i64>();
    StatementSummary {
        line_count: Some(lines.len() as u64),
        payment_amount: Some(Money::cny(sum(EntryKind::Payment))),
        refund_amount: Some(Money::cny(sum(EntryKind::Refund))),
    }
}

/// Whether both sides agree to the minor unit and the statement agrees with itself.
pub fn is_clean(result: &Reconciliation) -> bool {
    result.conclusive().is_ok_and(<[_]>::is_empty)
}

/// Reconciles in one go, for a summary that is known before the lines end.
pub fn reconcile(
    statement_date: BusinessDate,
    currency: Currency,
    ours: impl IntoIterator<Item = OurEntry>,
    lines: impl IntoIterator<Item = StatementLine>,
    summary: &StatementSummary,
) -> Result<Reconciliation, ReconError> {
    let mut reconciler = Reconciler::new(statement_date, currency, Limits::default());
    for entry in ours {
        reconciler.add_ours(entry)?;
    }
    for line in lines {
        reconciler.add_line(&line)?;
    }
    reconciler.finish(summary)
}

/// Reconciles today's lines, numbered and with the summary that belongs to them.
pub fn run(ours: Vec<OurEntry>, lines: Vec<StatementLine>) -> Reconciliation {
    let lines = number(lines);
    let summary = summary_of(&lines);
    reconcile(today(), Currency::CNY, ours, lines, &summary).unwrap()
}

pub fn findings(result: &Reconciliation) -> Vec<Finding> {
    result.differences.iter().map(|d| d.finding).collect()
}
