//! A consistent pair of books and statement to start from.

use calendar::BusinessDate;
use money::{Currency, Money};
use recon::{
    EntryKind, EntryStatus, Limits, OurEntry, ReconError, Reconciler, Reconciliation,
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
        fee: Some(Money::cny(fen / 100)),
        status: EntryStatus::Succeeded,
        clearing_date: today(),
    }
}

// Not every test file that shares this module starts from single payments.
#[allow(dead_code)]
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
        fee: entry.fee,
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
    let count = |kind| Some(of(kind).count() as u64);
    let fees: i64 = lines
        .iter()
        .filter_map(|line| line.fee)
        .map(|fee| fee.amount())
        .sum();
    let (paid, refunded) = (sum(EntryKind::Payment), sum(EntryKind::Refund));
    StatementSummary {
        line_count: Some(lines.len() as u64),
        payment_count: count(EntryKind::Payment),
        payment_amount: Some(Money::cny(paid)),
        refund_count: count(EntryKind::Refund),
        refund_amount: Some(Money::cny(refunded)),
        fee_amount: Some(Money::cny(fees)),
        net: Some(Money::cny(paid - refunded - fees)),
    }
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
