//! Reconciliation of one channel and date: fetch the bill, match it with the books, take what it
//! proves into the books and give what it contradicts to a person.
//!
//! The matching is [`recon`]; this module is its I/O. Nothing is taken from a bill that is not
//! complete: a file that was cut off would make a difference of every entry behind the cut.

mod apply;
mod fetch;
mod ours;

pub use apply::Taken;

use crate::book::Book;
use crate::channel::ChannelPerformer;
use crate::state::Connectors;
use calendar::BusinessDate;
use channels::operation::Channel;
use channels::wechat::bill::{BillError, BillKind, BillReader, BillRow, BillScope, BillSummary};
use engine::ShardCode;
use money::Currency;
use recon::{
    EntryKind, Limits, ReconError, Reconciler, Reconciliation, StatementLine, StatementSummary,
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use thiserror::Error;

/// What a reconciliation found and did.
#[derive(Debug, Clone, Serialize)]
pub struct Reconciled {
    /// The channel.
    pub channel: Channel,
    /// SHA-256 of the bill, hexadecimal; of nothing when the channel has no bill for the date.
    pub bill_hash: String,
    /// Data lines of the bill.
    pub lines: u64,
    /// The comparison.
    #[serde(flatten)]
    pub reconciliation: Reconciliation,
    /// What was taken into the books; absent when the bill was only compared.
    pub taken: Option<Taken>,
}

/// Why a date could not be reconciled. The books are as they were, or as far as `taken` facts went;
/// repeating it is harmless.
#[derive(Debug, Error)]
pub enum ReconcileError {
    /// No connector is configured for the channel.
    #[error("the channel {0:?} is not configured")]
    NotConfigured(Channel),
    /// The channel has bills of a form this release does not read.
    #[error("bills of {0:?} cannot be read by this release")]
    Unsupported(Channel),
    /// The bill could not be fetched.
    #[error("the bill could not be fetched: {0}")]
    Fetch(String),
    /// The bill does not say what a bill has to say.
    #[error("the bill is refused: {0}")]
    Bill(#[from] BillError),
    /// The matching could not be made.
    #[error(transparent)]
    Recon(#[from] ReconError),
    /// Our own entries could not be read.
    #[error(transparent)]
    Store(#[from] engine::store::StoreError),
    /// What the bill proves could not be submitted; ask again.
    #[error(transparent)]
    Submit(#[from] engine::SubmitError),
    /// The date was cleared by a bill of other content; nothing was taken.
    #[error("the date was cleared by another bill: {0}")]
    ClearedBefore(String),
    /// A command that cannot be refused was.
    #[error("the books refused it: {0}")]
    Refused(String),
}

/// Everything a reconciliation needs.
#[derive(Clone)]
pub struct Reconciliations {
    book: Book,
    connectors: Connectors,
    performer: ChannelPerformer,
}

impl Reconciliations {
    /// Reconciliations over a book and its channels.
    pub fn new(book: Book, connectors: Connectors, performer: ChannelPerformer) -> Reconciliations {
        Reconciliations {
            book,
            connectors,
            performer,
        }
    }

    /// Fetches the bill of a date from the channel and reconciles it. With `take` the books follow
    /// the evidence and cases are opened.
    pub async fn run(
        &self,
        channel: Channel,
        date: BusinessDate,
        take: bool,
    ) -> Result<Reconciled, ReconcileError> {
        let connector = self
            .connectors
            .get(channel)
            .ok_or(ReconcileError::NotConfigured(channel))?;
        if channel != Channel::Wechat {
            return Err(ReconcileError::Unsupported(channel));
        }
        let merchant_id = connector.merchant_id().to_owned();
        let bill = fetch::bill(&self.performer, channel, date).await?;
        self.reconcile(channel, date, merchant_id, bill, take).await
    }

    /// Reconciles the bytes of a bill.
    pub async fn reconcile(
        &self,
        channel: Channel,
        date: BusinessDate,
        merchant_id: String,
        bill: Option<Vec<u8>>,
        take: bool,
    ) -> Result<Reconciled, ReconcileError> {
        let book = self.book.clone();
        let compared = tokio::task::spawn_blocking(move || {
            let mut ours = Vec::new();
            for queries in book.all_queries() {
                ours.extend(ours::entries(queries.as_ref(), channel, date)?);
            }
            let bill = bill.as_deref();
            compare(&book, channel, date, merchant_id, bill, ours)
        })
        .await
        .map_err(|error| ReconcileError::Fetch(format!("the comparison did not end: {error}")))??;
        let (mut reconciled, lines) = compared;
        if take && reconciled.reconciliation.conclusive().is_ok() {
            let taken = apply::take(&self.book, channel, &reconciled, &lines).await?;
            reconciled.taken = Some(taken);
        }
        Ok(reconciled)
    }
}

/// What taking a bill into the books needs of its lines.
#[derive(Debug, Default)]
struct Lines {
    /// Those that the comparison did not match, as evidence.
    unmatched: Vec<BillRow>,
    /// What the bill owes each shard: a clearing is booked where its entries are.
    by_shard: BTreeMap<ShardCode, ShardTotals>,
}

/// Sums of a bill's lines that belong to one shard.
#[derive(Debug, Default, Clone, Copy)]
struct ShardTotals {
    gross: i128,
    refunds: i128,
    fees: i128,
}

impl Lines {
    fn count(&mut self, book: &Book, line: &StatementLine) {
        let shard = book.shard_of_reference(&line.our_reference);
        let totals = self.by_shard.entry(shard).or_default();
        let amount = i128::from(line.amount.amount());
        match line.kind {
            EntryKind::Refund => totals.refunds += amount,
            _ => totals.gross += amount,
        }
        totals.fees += line.fee.map_or(0, |fee| i128::from(fee.amount()));
    }
}

fn compare(
    book: &Book,
    channel: Channel,
    date: BusinessDate,
    merchant_id: String,
    bill: Option<&[u8]>,
    ours: Vec<recon::OurEntry>,
) -> Result<(Reconciled, Lines), ReconcileError> {
    let mut reconciler = Reconciler::new(date, Currency::CNY, Limits::default());
    for entry in ours {
        reconciler.add_ours(entry)?;
    }
    let (mut taken, mut lines) = (Lines::default(), 0);
    let summary = match bill {
        None => StatementSummary::default(),
        Some(bytes) => {
            let mut reader = BillReader::new(bytes, BillScope { merchant_id, date })?;
            for row in reader.by_ref() {
                let row = row?;
                lines += 1;
                let line = statement_line(channel, date, &row);
                taken.count(book, &line);
                if reconciler.add_line(&line)? == recon::LineOutcome::Different {
                    taken.unmatched.push(row);
                }
            }
            reader.summary().map(statement_summary).unwrap_or_default()
        }
    };
    let reconciliation = reconciler.finish(&summary)?;
    let bill_hash = hex::encode(Sha256::digest(bill.unwrap_or_default()));
    Ok((
        Reconciled {
            channel,
            bill_hash,
            lines,
            reconciliation,
            taken: None,
        },
        taken,
    ))
}

fn statement_line(channel: Channel, date: BusinessDate, row: &BillRow) -> StatementLine {
    let (kind, our_reference, channel_number, amount) = match (&row.kind, &row.refund) {
        (BillKind::Refund, Some(refund)) => (
            EntryKind::Refund,
            &refund.our_reference,
            &refund.channel_number,
            refund.amount,
        ),
        _ => (
            EntryKind::Payment,
            &row.our_reference,
            &row.channel_number,
            row.amount,
        ),
    };
    StatementLine {
        line: usize::try_from(row.line).unwrap_or(usize::MAX),
        channel: Arc::from(ours::channel_name(channel)),
        kind,
        our_reference: our_reference.clone(),
        channel_number: channel_number.clone(),
        amount,
        fee: Some(row.fee),
        // A refund's line may carry the time of the original payment; the bill's day is the clearing date.
        clearing_date: date,
    }
}

fn statement_summary(summary: &BillSummary) -> StatementSummary {
    StatementSummary {
        line_count: Some(summary.rows),
        payment_amount: summary.order_total,
        refund_amount: summary.requested_refund_total,
        fee_amount: Some(summary.fee_total),
        ..StatementSummary::default()
    }
}
