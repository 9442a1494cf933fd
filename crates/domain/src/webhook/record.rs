//! Where events go, and what became of them.

use calendar::BusinessDate;
use engine::{Indexes, Record, index_time};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What merchants are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventType {
    /// A payment succeeded.
    #[serde(rename = "payment.succeeded")]
    PaymentSucceeded,
    /// An order was closed unpaid.
    #[serde(rename = "payment.closed")]
    PaymentClosed,
    /// A payment failed.
    #[serde(rename = "payment.failed")]
    PaymentFailed,
    /// The payer has the refund.
    #[serde(rename = "refund.succeeded")]
    RefundSucceeded,
    /// A refund came to nothing.
    #[serde(rename = "refund.failed")]
    RefundFailed,
    /// The payee has the payout.
    #[serde(rename = "payout.succeeded")]
    PayoutSucceeded,
    /// A payout failed or bounced.
    #[serde(rename = "payout.failed")]
    PayoutFailed,
    /// A payout waits until people have looked at the merchant.
    #[serde(rename = "payout.held")]
    PayoutHeld,
    /// A settlement was made.
    #[serde(rename = "settlement.completed")]
    SettlementCompleted,
}

impl EventType {
    /// All of them.
    pub const ALL: [EventType; 9] = [
        EventType::PaymentSucceeded,
        EventType::PaymentClosed,
        EventType::PaymentFailed,
        EventType::RefundSucceeded,
        EventType::RefundFailed,
        EventType::PayoutSucceeded,
        EventType::PayoutFailed,
        EventType::PayoutHeld,
        EventType::SettlementCompleted,
    ];

    /// Name in the payload.
    pub fn name(self) -> &'static str {
        match self {
            EventType::PaymentSucceeded => "payment.succeeded",
            EventType::PaymentClosed => "payment.closed",
            EventType::PaymentFailed => "payment.failed",
            EventType::RefundSucceeded => "refund.succeeded",
            EventType::RefundFailed => "refund.failed",
            EventType::PayoutSucceeded => "payout.succeeded",
            EventType::PayoutFailed => "payout.failed",
            EventType::PayoutHeld => "payout.held",
            EventType::SettlementCompleted => "settlement.completed",
        }
    }
}

/// Where events of a merchant go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEndpoint {
    /// The merchant; there is one endpoint each.
    pub merchant: String,
    /// URL.
    pub url: String,
    /// Vault id of the signing secret.
    pub secret_vault_id: String,
    /// Whether events are delivered.
    pub enabled: bool,
    /// Since when no delivery has arrived, while attempts fail.
    #[serde(default, with = "calendar::rfc3339::option")]
    pub failing_since: Option<Timestamp>,
    /// When an attempt failed last.
    #[serde(default, with = "calendar::rfc3339::option")]
    pub failed_at: Option<Timestamp>,
    /// When it was switched off because it had failed for too long. Events are kept then, undelivered.
    #[serde(default, with = "calendar::rfc3339::option")]
    pub disabled_at: Option<Timestamp>,
    /// Last changed at.
    #[serde(with = "calendar::rfc3339")]
    pub updated_at: Timestamp,
}

impl Record for WebhookEndpoint {
    const KIND: &'static str = "webhook_endpoint";
    fn key(&self) -> &str {
        &self.merchant
    }
}

/// Standing of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// Being tried.
    Pending,
    /// The merchant's server took it.
    Delivered,
    /// Given up; it can be sent again on request.
    Failed,
}

/// An event and its delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// `evt_…`, equal in every attempt so that the receiver can drop repeats.
    pub id: String,
    /// Whose.
    pub merchant: String,
    /// What happened.
    pub event_type: EventType,
    /// Id of the object it is about.
    pub object: String,
    /// The exact body that is signed and sent.
    pub payload: String,
    /// Effect of the latest delivery.
    pub effect: String,
    /// Standing.
    pub status: DeliveryStatus,
    /// Attempts with a recorded result.
    pub attempts: u32,
    /// What went wrong last.
    pub last_problem: Option<String>,
    /// HTTP status of the acceptance.
    pub http_status: Option<u16>,
    /// Happened at.
    #[serde(with = "calendar::rfc3339")]
    pub created_at: Timestamp,
    /// Last changed at.
    #[serde(with = "calendar::rfc3339")]
    pub updated_at: Timestamp,
    /// Business date.
    pub business_date: BusinessDate,
}

impl Record for Delivery {
    const KIND: &'static str = "webhook_delivery";
    fn key(&self) -> &str {
        &self.id
    }
    /// `merchant`: by merchant and time. `failed`: given up, by time.
    fn indexes(&self, out: &mut Indexes) {
        let time = index_time(self.created_at);
        if self.status == DeliveryStatus::Failed {
            out.add("failed", time.clone());
        }
        out.add("merchant", format!("{}/{time}", self.merchant));
    }
}
