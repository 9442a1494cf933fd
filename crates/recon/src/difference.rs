//! A place where the two sides do not agree.

use std::fmt;
use std::sync::Arc;

use calendar::BusinessDate;
use money::{Money, MoneyError};
use serde::{Deserialize, Serialize};

use crate::{EntryKind, EntryStatus};

/// Names a difference for ever: reconciling the same two sides again gives the same ids.
///
/// Built from the statement's date, channel, kind, finding and reference, in that order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DifferenceId(String);

impl DifferenceId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn build(
        date: BusinessDate,
        channel: &str,
        kind: EntryKind,
        finding: &str,
        tagged_reference: &str,
    ) -> DifferenceId {
        // The reference comes last: whatever characters it has, ids cannot run into each other.
        DifferenceId(format!(
            "{:08}/{channel}/{kind}/{finding}/{tagged_reference}",
            date.to_yyyymmdd()
        ))
    }
}

impl fmt::Display for DifferenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Marks a reference as our number; the channel's numbers are another name space.
pub(crate) fn ours_reference(merchant_number: &str) -> String {
    format!("our:{merchant_number}")
}

/// What does not agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// Both sides know the movement, with different amounts.
    AmountDiffers {
        /// The amount in our books.
        ours: Money,
        /// The amount on the statement.
        theirs: Money,
    },
    /// Both sides know the movement, under different numbers of the channel: it may be another one.
    NumberDiffers {
        /// The amount on the statement.
        amount: Money,
    },
    /// Our books have a success that the statement lacks.
    OursOnly {
        /// The amount in our books.
        amount: Money,
    },
    /// The statement has a success that our books lack.
    TheirsOnly {
        /// The amount on the statement.
        amount: Money,
        /// What our record says instead of success; absent if we have no record.
        our_status: Option<EntryStatus>,
    },
    /// The statement says that a movement has not succeeded, which is not what our books say.
    StatusDiffers {
        /// The amount on the statement.
        amount: Money,
        /// What our record says; absent if we have no record.
        ours: Option<EntryStatus>,
        /// What the statement says: under way, refused by the payer's account, or without success.
        theirs: EntryStatus,
        /// What our books count for the statement's date: the amount of a success, or nothing.
        counted: Money,
    },
    /// The statement has the same reference once more.
    Duplicate {
        /// The amount of this line.
        amount: Money,
        /// The line on which the reference stood first, or that has our number of the channel.
        first_line: usize,
        /// Which appearance this is: 2 for the second line, and so on.
        appearance: u32,
        /// The channel's number is neither ours nor that of a line before: it is another movement under
        /// the same reference, and not the same line again.
        other_number: bool,
    },
    /// Both sides know the movement, on different clearing dates.
    DateShift {
        /// The amount in our books.
        amount: Money,
        /// The clearing date in our books.
        ours: BusinessDate,
        /// The clearing date on the statement's line.
        theirs: BusinessDate,
    },
}

impl Finding {
    /// The stable name of the finding, as in ids and JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Finding::AmountDiffers { .. } => "amount_differs",
            Finding::NumberDiffers { .. } => "number_differs",
            Finding::OursOnly { .. } => "ours_only",
            Finding::TheirsOnly { .. } => "theirs_only",
            Finding::StatusDiffers { .. } => "status_differs",
            Finding::Duplicate { .. } => "duplicate",
            Finding::DateShift { .. } => "date_shift",
        }
    }
}

/// One finding with everything needed to look into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Stable name.
    pub id: DifferenceId,
    /// Clearing date of the statement.
    pub statement_date: BusinessDate,
    /// Code of the channel.
    pub channel: Arc<str>,
    /// Payment or refund.
    pub kind: EntryKind,
    /// The statement's line; absent if the statement has none.
    pub line: Option<usize>,
    /// Our order or refund number, if either side has it.
    pub our_reference: Option<String>,
    /// The channel's number, if either side has it.
    pub channel_number: Option<String>,
    /// What does not agree.
    #[serde(flatten)]
    pub finding: Finding,
}

impl Difference {
    /// By how much the statement's payments less refunds of the day exceed ours because of this finding.
    ///
    /// Payments count up, refunds down. Over all differences the effects sum to the difference of
    /// payments less refunds between the two sides.
    pub fn effect(&self) -> Result<Money, MoneyError> {
        let (excess, counts_down) = match self.finding {
            Finding::AmountDiffers { ours, theirs } => {
                (theirs.checked_sub(ours)?, self.is_refund())
            }
            Finding::OursOnly { amount }
            | Finding::StatusDiffers {
                counted: amount, ..
            } => (amount.checked_neg()?, self.is_refund()),
            Finding::TheirsOnly { amount, .. } | Finding::Duplicate { amount, .. } => {
                (amount, self.is_refund())
            }
            Finding::NumberDiffers { amount } => (Money::zero(amount.currency()), false),
            Finding::DateShift { amount, ours, .. } if ours == self.statement_date => {
                (Money::zero(amount.currency()), false)
            }
            Finding::DateShift { amount, .. } => (amount, self.is_refund()),
        };
        if counts_down {
            excess.checked_neg()
        } else {
            Ok(excess)
        }
    }

    fn is_refund(&self) -> bool {
        self.kind == EntryKind::Refund
    }
}
