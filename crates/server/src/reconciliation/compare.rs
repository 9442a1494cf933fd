//! Matching a bill's rows with the books.

use super::totals::{PaysOver, Totals};
use super::{ReconcileError, Reconciled, ours};
use crate::book::Book;
use calendar::{BusinessDate, shanghai_date};
use channels::operation::Channel;
use channels::wechat::bill::{
    BillKind, BillReader, BillRefundStatus, BillRow, BillScope, BillSummary,
};
use domain::refund::{Refund, RefundStatus};
use engine::Record;
use engine::store::StoreError;
use money::Currency;
use recon::{
    EntryKind, EntryStatus, Limits, LineOutcome, OurEntry, Reconciler, StatementLine,
    StatementSummary,
};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

/// What taking a bill into the books needs of its lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Those that the comparison did not match, by line, as evidence.
    pub unmatched: HashMap<usize, BillRow>,
    /// What the channel pays over.
    pub totals: Totals,
}

/// Compares the bill with our successes. Blocks.
pub(super) fn compare(
    book: &Book,
    channel: Channel,
    date: BusinessDate,
    merchant_id: String,
    bill: Option<&[u8]>,
) -> Result<(Reconciled, Lines), ReconcileError> {
    let currency = Currency::CNY;
    let mut reconciler = Reconciler::new(date, currency, Limits::default());
    for queries in book.all_queries() {
        for entry in ours::entries(queries.as_ref(), channel, date)? {
            reconciler.add_ours(entry)?;
        }
    }
    let (mut taken, mut lines, mut summary) = (Lines::default(), 0, None);
    if let Some(bytes) = bill {
        let mut reader = BillReader::new(bytes, BillScope { merchant_id, date })?;
        for row in reader.by_ref() {
            let row = row?;
            lines += 1;
            let line = statement_line(channel, date, &row);
            let shard = book.shard_of_reference(&line.our_reference);
            taken.totals.count(shard, &row)?;
            if line.kind == EntryKind::Refund
                && !reconciler.knows(&line.channel, line.kind, &line.our_reference)
                && let Some(entry) = other_refund(book, channel, &line)?
            {
                reconciler.add_ours(entry)?;
            }
            if reconciler.add_line(&line)? == LineOutcome::Different {
                taken.unmatched.insert(line.line, row);
            }
        }
        summary = reader.summary().cloned();
    }
    let stated = summary.as_ref().map(statement_summary);
    let mut reconciliation = reconciler.finish(&stated.unwrap_or_default())?;
    let mut pays_over = PaysOver::nothing(currency);
    if let Some(summary) = &summary {
        pays_over = PaysOver::of(summary)?;
        let theirs = reconciliation.theirs.with_fees(summary.fee_total);
        reconciliation.theirs = theirs.map_err(recon::ReconError::from)?;
    }
    let reconciled = Reconciled {
        channel,
        bill_hash: hex::encode(Sha256::digest(bill.unwrap_or_default())),
        lines,
        pays_over,
        reconciliation,
        taken: None,
    };
    Ok((reconciled, taken))
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
        status: row.refund.as_ref().map_or(EntryStatus::Succeeded, status),
        amount,
        fee: Some(row.fee),
        // A refund's line may carry the time of the original payment; the bill's day is the clearing date.
        clearing_date: date,
    }
}

fn status(refund: &channels::wechat::bill::BillRefund) -> EntryStatus {
    match refund.status {
        BillRefundStatus::Succeeded => EntryStatus::Succeeded,
        BillRefundStatus::Processing => EntryStatus::Pending,
        // A word that this release does not know is no success, and has to be looked at.
        BillRefundStatus::Failed | BillRefundStatus::Other(_) => EntryStatus::Failed,
        BillRefundStatus::Change => EntryStatus::Abnormal,
    }
}

/// Our refund of a line: it is not among our successes of these days.
fn other_refund(
    book: &Book,
    channel: Channel,
    line: &StatementLine,
) -> Result<Option<OurEntry>, ReconcileError> {
    let key = format!("ref_{}", line.our_reference);
    let queries = book.queries(book.shard_of_reference(&line.our_reference));
    let Some(body) = queries
        .map(|queries| queries.record(Refund::KIND, &key))
        .transpose()?
        .flatten()
    else {
        return Ok(None);
    };
    let refund: Refund = serde_json::from_slice(&body).map_err(|error| StoreError::Damaged {
        place: format!("refund {key}"),
        problem: error.to_string(),
    })?;
    if refund.channel != channel {
        return Ok(None);
    }
    let status = match refund.status {
        // Without the channel's time it was paid in another way: the channel has nothing to succeed with.
        RefundStatus::Succeeded if refund.refunded_at.is_none() => EntryStatus::Failed,
        // Of another time than the bill's success: taken as one that the books lack, which changes nothing.
        RefundStatus::Succeeded if line.status == EntryStatus::Succeeded => return Ok(None),
        RefundStatus::Succeeded => EntryStatus::Succeeded,
        RefundStatus::Closed => EntryStatus::Failed,
        RefundStatus::Abnormal => EntryStatus::Abnormal,
        RefundStatus::Created
        | RefundStatus::Processing
        | RefundStatus::Unknown
        | RefundStatus::Declined
        | RefundStatus::Stranded => EntryStatus::Pending,
    };
    Ok(Some(OurEntry {
        channel: line.channel.clone(),
        kind: line.kind,
        merchant_number: line.our_reference.clone(),
        channel_number: refund.channel_number,
        amount: refund.amount,
        status,
        clearing_date: refund.refunded_at.map_or(line.clearing_date, shanghai_date),
    }))
}

/// What the reader has proved of the fees is more exact than minor units: lines are rounded one by one
/// here, so that their sum is another one than the rounded total.
fn statement_summary(summary: &BillSummary) -> StatementSummary {
    StatementSummary {
        line_count: Some(summary.rows),
        payment_amount: summary.order_total,
        refund_amount: summary.requested_refund_total,
    }
}
