//! Fetching a bill: ask where it is, download it, check its hash.

use super::ReconcileError;
use crate::channel::{Exchange, HttpDriver};
use calendar::BusinessDate;
use channels::answer::{Answer, Report};
use channels::operation::Operation;
use channels::Connector;
use engine::runtime::Clock;
use std::sync::Arc;

/// The bytes of a bill, or `None` when the channel says that there is none for the date.
pub(super) async fn bill(
    connector: &Arc<dyn Connector>,
    driver: &HttpDriver,
    clock: &dyn Clock,
    date: BusinessDate,
) -> Result<Option<Vec<u8>>, ReconcileError> {
    let (url, sha1) = match ask(connector, driver, clock, &Operation::TradeBill { date }).await? {
        Answer::BillLocation { url, sha1 } => (url, sha1),
        Answer::NoBill => return Ok(None),
        other => return Err(ReconcileError::Fetch(format!("the channel answered {other:?}"))),
    };
    match ask(connector, driver, clock, &Operation::DownloadBill { url, sha1 }).await? {
        Answer::Bill { bytes } => Ok(Some(bytes)),
        other => Err(ReconcileError::Fetch(format!("the channel answered {other:?}"))),
    }
}

async fn ask(
    connector: &Arc<dyn Connector>,
    driver: &HttpDriver,
    clock: &dyn Clock,
    operation: &Operation,
) -> Result<Answer, ReconcileError> {
    let fetch = |reason: String| ReconcileError::Fetch(reason);
    let nonce = crate::channel::nonce().map_err(fetch)?;
    let request = connector
        .request(operation, None, clock.now(), &nonce)
        .map_err(|error| ReconcileError::Fetch(error.to_string()))?;
    let response = match driver.exchange(request).await {
        Exchange::Response(response) => response,
        Exchange::NotSent { reason } | Exchange::Unknown { reason } => return Err(fetch(reason)),
    };
    match connector.parse(operation, &response, clock.now()) {
        Report::Answered { answer } => Ok(answer),
        Report::Refused { refusal } => Err(fetch(format!("{}: {}", refusal.code, refusal.message))),
        Report::NotFound => Err(fetch("the channel knows of no such bill".into())),
        Report::NotSent { reason } | Report::Unknown { reason } => Err(fetch(reason)),
    }
}
