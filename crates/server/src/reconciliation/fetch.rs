//! Fetching a bill: ask where it is, download it, check its hash.

use super::ReconcileError;
use crate::channel::ChannelPerformer;
use calendar::{BusinessDate, shanghai_date};
use channels::answer::{Answer, Report};
use channels::operation::{Channel, Operation};
use channels::wechat::bill::{KEPT_DAYS, published_at};
use jiff::Timestamp;

/// The bytes of a bill, or `None` when the channel says that there is none for the date. It says the
/// same of a date whose bill is not there yet or no longer: then the answer proves nothing, and every
/// entry of ours would look as if it were missing on a bill.
pub(super) async fn bill(
    performer: &ChannelPerformer,
    channel: Channel,
    date: BusinessDate,
    now: Timestamp,
) -> Result<Option<Vec<u8>>, ReconcileError> {
    let (url, sha1) = match ask(performer, channel, &Operation::TradeBill { date }).await? {
        Answer::BillLocation { url, sha1 } => (url, sha1),
        Answer::NoBill if now < published_at(date) => {
            return Err(ReconcileError::NotPublished {
                date,
                published_at: published_at(date),
            });
        }
        Answer::NoBill if date.days_until(shanghai_date(now)) > KEPT_DAYS => {
            return Err(ReconcileError::NotKept(date));
        }
        Answer::NoBill => return Ok(None),
        other => return Err(unexpected(&other)),
    };
    match ask(performer, channel, &Operation::DownloadBill { url, sha1 }).await? {
        Answer::Bill { bytes } => Ok(Some(bytes)),
        other => Err(unexpected(&other)),
    }
}

fn unexpected(answer: &Answer) -> ReconcileError {
    ReconcileError::Fetch(format!("the channel answered {answer:?}"))
}

async fn ask(
    performer: &ChannelPerformer,
    channel: Channel,
    operation: &Operation,
) -> Result<Answer, ReconcileError> {
    let fetch = |reason: String| Err(ReconcileError::Fetch(reason));
    match performer.exchange(channel, operation).await {
        Report::Answered { answer } => Ok(answer),
        Report::Refused { refusal } => fetch(format!("{}: {}", refusal.code, refusal.message)),
        Report::NotFound => fetch("the channel knows of no such bill".into()),
        Report::NotSent { reason } | Report::Unknown { reason } => fetch(reason),
    }
}
