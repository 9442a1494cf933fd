//! The row iterator.

use super::decimal::{exact_fen, parse_e5, rounded_fen};
use super::layout::{
    CHANNEL_NUMBER, CURRENCY, FEE, Fields, Layout, MERCHANT, ORDER, OUR_REFERENCE, RATE, REFUND,
    REFUND_CHANNEL_NUMBER, REFUND_REFERENCE, REFUND_STATUS, REQUESTED_REFUND, SETTLEMENT, STATE,
    TRADED_AT,
};
use super::summary::Totals;
use super::{BillError, BillKind, BillRefund, BillRefundStatus, BillRow, BillScope, BillSummary};
use calendar::{parse_spaced, shanghai_date};
use jiff::Timestamp;
use money::Money;
use std::io::{BufRead, Read as _};

/// Longest accepted line in bytes; real ones stay below 1,000.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// Reads a bill row by row, in memory bounded by the longest line. After the last row it checks
/// the summary; the first error ends the iteration.
#[derive(Debug)]
pub struct BillReader<R> {
    lines: Lines<R>,
    layout: Layout,
    scope: BillScope,
    totals: Totals,
    summary: Option<BillSummary>,
    finished: bool,
}

impl<R: BufRead> BillReader<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// [`BillError`] when a needed column is missing or a column appears twice.
    pub fn new(source: R, scope: BillScope) -> Result<Self, BillError> {
        let mut lines = Lines { source, number: 0 };
        let first = lines
            .next()?
            .ok_or_else(|| BillError::line(1, "the file is empty"))?;
        let layout = Layout::new(first.strip_prefix('\u{feff}').unwrap_or(&first))?;
        Ok(Self {
            lines,
            layout,
            scope,
            totals: Totals::default(),
            summary: None,
            finished: false,
        })
    }

    /// The checked summary; present only after the iteration has ended without an error.
    pub fn summary(&self) -> Option<&BillSummary> {
        self.summary.as_ref()
    }

    fn step(&mut self) -> Result<Option<BillRow>, BillError> {
        let Some(text) = self.lines.next()? else {
            return Err(BillError::line(
                self.lines.number + 1,
                "the file ends without its summary: it is truncated",
            ));
        };
        let number = self.lines.number;
        if text.starts_with('`') {
            let fields = self.layout.row(number, &text)?;
            let row = read_row(&fields, &self.scope)?;
            self.totals.add(&fields)?;
            return Ok(Some(row));
        }
        let values = self.lines.next()?.ok_or_else(|| {
            BillError::line(
                number + 1,
                "the summary has no values: the file is truncated",
            )
        })?;
        let summary = self
            .totals
            .check(&self.layout, &text, &values, self.lines.number)?;
        while let Some(rest) = self.lines.next()? {
            if !rest.is_empty() {
                return Err(BillError::line(
                    self.lines.number,
                    "something follows the summary",
                ));
            }
        }
        self.summary = Some(summary);
        Ok(None)
    }
}

impl<R: BufRead> Iterator for BillReader<R> {
    type Item = Result<BillRow, BillError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let item = self.step().transpose();
        if !matches!(item, Some(Ok(_))) {
            self.finished = true;
        }
        item
    }
}

#[derive(Debug)]
struct Lines<R> {
    source: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> Result<Option<String>, BillError> {
        let mut line = Vec::new();
        let number = self.number + 1;
        self.source
            .by_ref()
            .take(MAX_LINE_BYTES + 1)
            .read_until(b'\n', &mut line)
            .map_err(|error| BillError::line(number, format!("it cannot be read: {error}")))?;
        if line.is_empty() {
            return Ok(None);
        }
        self.number = number;
        if line.len() as u64 > MAX_LINE_BYTES {
            return Err(BillError::line(number, "the line is too long"));
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        String::from_utf8(line)
            .map(Some)
            .map_err(|_| BillError::line(number, "the line is not UTF-8"))
    }
}

fn read_row(fields: &Fields<'_>, scope: &BillScope) -> Result<BillRow, BillError> {
    let merchant_id = fields.text(MERCHANT)?;
    if merchant_id != scope.merchant_id {
        return Err(fields.error(
            MERCHANT,
            format!(
                "the row belongs to another merchant than {}",
                scope.merchant_id
            ),
        ));
    }
    if fields.text(CURRENCY)? != "CNY" {
        return Err(fields.error(CURRENCY, "only CNY is expected"));
    }
    let kind = match fields.text(STATE)? {
        "SUCCESS" => BillKind::Payment,
        "REFUND" | "REVOKED" => BillKind::Refund,
        _ => return Err(fields.error(STATE, "the state is not SUCCESS, REFUND or REVOKED")),
    };
    let traded_at = traded_at(fields, scope, kind)?;
    let settlement_amount = amount(fields, SETTLEMENT)?;
    let order_amount = match fields.get(ORDER) {
        Some(_) => amount(fields, ORDER)?,
        None => settlement_amount,
    };
    let fee_e5 = parse_e5(fields.text(FEE)?).ok_or_else(|| fields.error(FEE, "it is no amount"))?;
    let (refund, of_the_other_kind) = match kind {
        BillKind::Payment => (None, [REFUND, REQUESTED_REFUND]),
        BillKind::Refund => (Some(read_refund(fields)?), [SETTLEMENT, ORDER]),
    };
    for column in of_the_other_kind {
        is_nothing(fields, column, kind)?;
    }
    Ok(BillRow {
        line: fields.line,
        traded_at,
        merchant_id: merchant_id.to_owned(),
        channel_number: number(fields, CHANNEL_NUMBER)?,
        our_reference: number(fields, OUR_REFERENCE)?,
        kind,
        amount: order_amount,
        settlement_amount,
        refund,
        fee: rounded_fen(fee_e5),
        fee_e5,
        rate: fields.text(RATE)?.to_owned(),
    })
}

/// An amount of the other kind is in the file's sums, but in none of the two sides that are made of its rows.
fn is_nothing(fields: &Fields<'_>, column: &'static str, kind: BillKind) -> Result<(), BillError> {
    if fields.get(column).is_none() || amount(fields, column)?.is_zero() {
        return Ok(());
    }
    let row = match kind {
        BillKind::Payment => "payment",
        BillKind::Refund => "refund",
    };
    Err(fields.error(column, format!("the row of a {row} has an amount here")))
}

/// A payment lies on the bill's day. A refund row may carry the time of the earlier payment, so
/// it only must not be later than the day.
fn traded_at(
    fields: &Fields<'_>,
    scope: &BillScope,
    kind: BillKind,
) -> Result<Timestamp, BillError> {
    let instant = parse_spaced(fields.text(TRADED_AT)?)
        .map_err(|error| fields.error(TRADED_AT, error.to_string()))?;
    let date = shanghai_date(instant);
    let fits = match kind {
        BillKind::Payment => date == scope.date,
        BillKind::Refund => date <= scope.date,
    };
    if !fits {
        return Err(fields.error(
            TRADED_AT,
            format!("the row is of {date}, the bill of {}", scope.date),
        ));
    }
    Ok(instant)
}

fn read_refund(fields: &Fields<'_>) -> Result<BillRefund, BillError> {
    let settlement_amount = amount(fields, REFUND)?;
    let requested = match fields.get(REQUESTED_REFUND) {
        Some(_) => amount(fields, REQUESTED_REFUND)?,
        None => settlement_amount,
    };
    let status = match fields.text(REFUND_STATUS)? {
        "SUCCESS" => BillRefundStatus::Succeeded,
        "PROCESSING" => BillRefundStatus::Processing,
        "FAIL" => BillRefundStatus::Failed,
        "CHANGE" => BillRefundStatus::Change,
        other => BillRefundStatus::Other(other.to_owned()),
    };
    Ok(BillRefund {
        channel_number: number(fields, REFUND_CHANNEL_NUMBER)?,
        our_reference: number(fields, REFUND_REFERENCE)?,
        amount: requested,
        settlement_amount,
        status,
    })
}

/// A number of an object; the channel writes `0` where there is none.
fn number(fields: &Fields<'_>, column: &'static str) -> Result<String, BillError> {
    match fields.text(column)? {
        "" | "0" => Err(fields.error(column, "the number is missing")),
        text => Ok(text.to_owned()),
    }
}

fn amount(fields: &Fields<'_>, column: &'static str) -> Result<Money, BillError> {
    parse_e5(fields.text(column)?)
        .and_then(exact_fen)
        .filter(|amount| !amount.is_negative())
        .ok_or_else(|| fields.error(column, "it is no amount of yuan in whole fen"))
}
