//! What the channel's statement says.

use std::fmt;
use std::sync::Arc;

use calendar::BusinessDate;
use money::{Currency, Money};
use serde::{Deserialize, Serialize};

use crate::{EntryKind, EntryStatus, SideTotals};

/// One movement on a channel's statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementLine {
    /// Where the line stands in the file, counted from one; grows from line to line.
    pub line: usize,
    /// Code of the channel.
    pub channel: Arc<str>,
    /// Payment or refund.
    pub kind: EntryKind,
    /// Our order or refund number as the channel repeats it; empty if the line has none.
    pub our_reference: String,
    /// The channel's own number; empty if the line has none.
    pub channel_number: String,
    /// How far the movement has come, says the statement: some name movements that are under way or
    /// came to nothing.
    pub status: EntryStatus,
    /// The amount without sign, in minor units.
    pub amount: Money,
    /// What the channel charged for it; negative if it gave back.
    #[serde(default)]
    pub fee: Option<Money>,
    /// The clearing date that the line carries, or that of the file.
    pub clearing_date: BusinessDate,
}

/// The totals that the statement itself states, as far as it does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StatementSummary {
    /// Number of all lines.
    pub line_count: Option<u64>,
    /// Sum of payments.
    pub payment_amount: Option<Money>,
    /// Sum of refunds.
    pub refund_amount: Option<Money>,
}

/// One figure of a statement's summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SummaryField {
    /// [`StatementSummary::line_count`].
    LineCount,
    /// [`StatementSummary::payment_amount`], in minor units.
    PaymentAmount,
    /// [`StatementSummary::refund_amount`], in minor units.
    RefundAmount,
}

impl fmt::Display for SummaryField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SummaryField::LineCount => "number of lines",
            SummaryField::PaymentAmount => "sum of payments",
            SummaryField::RefundAmount => "sum of refunds",
        })
    }
}

/// The statement contradicts itself, so that its differences prove nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum StructuralError {
    /// The lines do not add up to the summary: the file is cut off, padded or altered.
    #[error(
        "the statement states a {field} of {stated}, its lines give {found}: fetch the file again"
    )]
    SummaryMismatch {
        /// Which figure.
        field: SummaryField,
        /// A count or minor units, from the summary.
        stated: i64,
        /// The same figure, from the lines.
        found: i64,
    },
    /// A line or the summary is in another currency than the statement.
    #[error(
        "{} is in {found}, the statement in {expected}: reconcile each currency by itself",
        place(*line)
    )]
    ForeignCurrency {
        /// The line; absent for the summary.
        line: Option<usize>,
        /// The currency of the reconciliation.
        expected: Currency,
        /// The currency met.
        found: Currency,
    },
    /// A line number is not above the one before it: a part of the file was read twice.
    #[error("line {line} follows line {after}: a part of the file was read twice")]
    LineOutOfOrder {
        /// The line.
        line: usize,
        /// The line read before it.
        after: usize,
    },
}

fn place(line: Option<usize>) -> String {
    line.map_or_else(
        || "the summary".to_owned(),
        |number| format!("line {number}"),
    )
}

impl StatementSummary {
    /// Every stated figure that the lines do not confirm.
    pub(crate) fn contradictions(&self, totals: &SideTotals) -> Vec<StructuralError> {
        let lines = totals.payments.count + totals.refunds.count;
        let wrong_count = self
            .line_count
            .and_then(|stated| count_contradiction(SummaryField::LineCount, stated, lines));
        let amounts = [
            (
                SummaryField::PaymentAmount,
                self.payment_amount,
                totals.payments.amount,
            ),
            (
                SummaryField::RefundAmount,
                self.refund_amount,
                totals.refunds.amount,
            ),
        ];
        let wrong_amounts = amounts
            .into_iter()
            .filter_map(|(field, stated, found)| amount_contradiction(field, stated?, found));
        wrong_count.into_iter().chain(wrong_amounts).collect()
    }
}

fn count_contradiction(field: SummaryField, stated: u64, found: u64) -> Option<StructuralError> {
    let shown = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    (stated != found).then(|| StructuralError::SummaryMismatch {
        field,
        stated: shown(stated),
        found: shown(found),
    })
}

fn amount_contradiction(
    field: SummaryField,
    stated: Money,
    found: Money,
) -> Option<StructuralError> {
    if stated.currency() != found.currency() {
        return Some(StructuralError::ForeignCurrency {
            line: None,
            expected: found.currency(),
            found: stated.currency(),
        });
    }
    (stated != found).then(|| StructuralError::SummaryMismatch {
        field,
        stated: stated.amount(),
        found: found.amount(),
    })
}
