//! Reconciliation (对账): our books against a channel's statement, line by line and in total.
//!
//! A [`Reconciler`] first takes what our books say about a clearing date and the dates beside it,
//! then the statement's lines one at a time, and then tells what does not agree. Each line is looked
//! up once in a hash map of our entries and, unless it differs, forgotten, so memory grows with our entries and with
//! the differences, both of which are limited, and never with the length of the statement.
//!
//! What comes out does not depend on the order of either side, except that of two lines with the
//! same reference the later one is the duplicate, unless it alone has our number of the channel, and
//! that of several lines of a movement that are no success the first that does not agree is told of.
//!
//! What people do about a difference is not its business: each one that is taken into the books has
//! a case there. This crate does no I/O, reads no clock and posts nothing; it knows money and dates
//! only.

mod awaited;
mod difference;
mod entry;
mod key;
mod reconciler;
mod result;
mod statement;
mod totals;

pub use difference::{Difference, DifferenceId, Finding};
pub use entry::{EntryKind, EntryStatus, OurEntry};
pub use reconciler::Reconciler;
pub use result::{Limits, LineOutcome, ReconError, Reconciliation};
pub use statement::{StatementLine, StatementSummary, StructuralError, SummaryField};
pub use totals::{SideTotals, Subtotal};
