//! Our side of a date: what the books say the channel took and gave back.

use crate::pagination::read_body;
use calendar::{BusinessDate, instant_at, shanghai_date};
use channels::operation::Channel;
use domain::payment::Payment;
use domain::reference_of;
use domain::refund::Refund;
use engine::store::{Queries, Scan, StoreError};
use engine::{Record, index_time};
use recon::{EntryKind, EntryStatus, OurEntry};
use std::sync::Arc;

/// Rows read at a time.
const PAGE: usize = 1_000;

/// Name of a channel in index values and results.
pub(super) fn channel_name(channel: Channel) -> &'static str {
    match channel {
        Channel::Wechat => "wechat",
        Channel::Unionpay => "unionpay",
    }
}

/// Successes of the date and of its neighbours, so that a shifted entry is recognised.
pub(super) fn entries(
    queries: &dyn Queries,
    channel: Channel,
    date: BusinessDate,
) -> Result<Vec<OurEntry>, StoreError> {
    let name: Arc<str> = Arc::from(channel_name(channel));
    let mut entries = Vec::new();
    each::<Payment>(queries, "paid", &name, date, |payment| {
        if let Some(paid) = payment.paid {
            entries.push(OurEntry {
                channel: name.clone(),
                kind: EntryKind::Payment,
                merchant_number: reference_of(&payment.id).0,
                channel_number: Some(paid.channel_number),
                amount: paid.amount,
                status: EntryStatus::Succeeded,
                clearing_date: shanghai_date(paid.paid_at),
            });
        }
    })?;
    each::<Refund>(queries, "done", &name, date, |refund| {
        if let Some(refunded_at) = refund.refunded_at {
            entries.push(OurEntry {
                channel: name.clone(),
                kind: EntryKind::Refund,
                merchant_number: reference_of(&refund.id).0,
                channel_number: refund.channel_number,
                // What was asked for, where it is another, has a case of its own.
                amount: refund.refunded_amount.unwrap_or(refund.amount),
                status: EntryStatus::Succeeded,
                clearing_date: shanghai_date(refunded_at),
            });
        }
    })?;
    Ok(entries)
}

fn each<R: Record>(
    queries: &dyn Queries,
    index: &str,
    channel: &str,
    date: BusinessDate,
    mut take: impl FnMut(R),
) -> Result<(), StoreError> {
    let from = instant_at(date.previous(), 0, 0, 0);
    let to = instant_at(date.plus_days(2), 0, 0, 0);
    let mut after = None;
    loop {
        let page = queries.list(&Scan {
            kind: R::KIND.to_owned(),
            index: index.to_owned(),
            from: format!("{channel}/{}", index_time(from)),
            to: format!("{channel}/{}", index_time(to)),
            after: after.take(),
            descending: false,
            limit: PAGE,
        })?;
        let full = page.len() == PAGE;
        for found in page {
            take(read_body(&found)?);
            after = Some((found.value, found.key));
        }
        if !full {
            return Ok(());
        }
    }
}
