//! Results announced to merchants.

use super::core::WechatCore;
use crate::fault::Fault;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// Pauses between attempts of a notification: 15 s, 15 s, 30 s, 3 min, 10 min, 20 min, three
/// times 30 min, 60 min, three times 3 h, twice 6 h.
pub(crate) const REPEAT_MILLIS: &[u64] = &[
    15_000, 15_000, 30_000, 180_000, 600_000, 1_200_000, 1_800_000, 1_800_000, 1_800_000,
    3_600_000, 10_800_000, 10_800_000, 10_800_000, 21_600_000, 21_600_000,
];

/// A notification before encryption and signature.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Announcement {
    /// Equal for repeats.
    pub event_id: String,
    /// For whom.
    pub merchant_id: String,
    /// Where to.
    pub notify_url: String,
    /// E.g. `TRANSACTION.SUCCESS`.
    pub event_type: String,
    /// Text for people.
    pub summary: String,
    /// `transaction` or `refund`.
    pub original_type: &'static str,
    /// What will be encrypted.
    pub resource: Value,
    /// When it arose.
    pub created_at: Timestamp,
    /// The first attempt carries a probing signature.
    pub probe: bool,
}

impl WechatCore {
    pub(crate) fn announce(
        &mut self,
        merchant_id: &str,
        notify_url: String,
        (event_type, summary, original_type): (&str, &str, &'static str),
        resource: Value,
        at: Timestamp,
    ) {
        if !self.terms(merchant_id).is_some_and(|t| t.notifications) {
            return;
        }
        let fits = |fault: &Fault| fault.is_of_delivery() || *fault == Fault::ProbeNotification;
        let fault = self.strike(merchant_id, None, fits);
        let number = self.next_number();
        let announcement = Announcement {
            event_id: format!("EV-{}{number:010}", self.random.text(20)),
            merchant_id: merchant_id.to_owned(),
            notify_url,
            event_type: event_type.to_owned(),
            summary: summary.to_owned(),
            original_type,
            resource,
            created_at: at,
            probe: fault == Some(Fault::ProbeNotification),
        };
        self.outbox.push_struck(announcement, at, fault.as_ref());
    }
}
