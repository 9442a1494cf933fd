//! Reconciliation of one channel and date: fetch the bill, match it with the books, take what it
//! proves into the books and give what it contradicts to a person.
//!
//! The matching is [`recon`]; this module is its I/O. Nothing is taken from a bill that is not
//! complete: a file that was cut off would make a difference of every entry behind the cut.

mod apply;
mod compare;
mod fetch;
mod ours;
mod text;
mod totals;

pub use apply::Taken;
pub use totals::PaysOver;

use crate::book::Book;
use crate::channel::ChannelPerformer;
use crate::state::Connectors;
use calendar::{BusinessDate, rfc3339_shanghai};
use channels::operation::Channel;
use channels::wechat::bill::BillError;
use jiff::Timestamp;
use recon::{ReconError, Reconciliation};
use serde::Serialize;
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
    /// What the bill says the channel pays over.
    pub pays_over: PaysOver,
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
    /// The channel has no bill, and cannot have one yet: that says nothing about the date.
    #[error(
        "the channel has no bill of {date} yet: ask again from {} on, when it is published",
        rfc3339_shanghai(*.published_at)
    )]
    NotPublished {
        /// The date.
        date: BusinessDate,
        /// From when on it can be had.
        published_at: Timestamp,
    },
    /// The channel has no bill, and no longer would have: that says nothing about the date.
    #[error(
        "the channel has no bill of {0}: it keeps bills of three months. One that was fetched before can be compared"
    )]
    NotKept(BusinessDate),
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
        let now = self.book.clock().now();
        let bill = fetch::bill(&self.performer, channel, date, now).await?;
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
            compare::compare(&book, channel, date, merchant_id, bill.as_deref())
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
