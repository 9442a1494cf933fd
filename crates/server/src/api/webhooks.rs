//! Webhook endpoints and deliveries.

use super::enums;
use crate::webhook;
use domain::webhook::{Delivery, DeliveryStatus, EventType, WebhookEndpoint};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Where events of a merchant go.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"merchant": "mch_0001KABCDEFGHJKMNPQRSTVWXY", "url": "https://shop.example.com/hooks"}))]
pub struct NewWebhookEndpoint {
    /// The merchant; a merchant's key may leave it out. There is one endpoint each: a new one
    /// replaces the old one and its secret.
    #[serde(default)]
    pub merchant: Option<String>,
    /// HTTPS URL with a public address.
    pub url: String,
}

/// An endpoint.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WebhookEndpoint)]
pub struct WebhookEndpointView {
    /// The merchant.
    pub merchant: String,
    /// URL.
    pub url: String,
    /// Whether events are delivered.
    pub enabled: bool,
    /// Since when no delivery has arrived, while attempts fail. After five days it is switched off.
    #[serde(with = "calendar::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub failing_since: Option<Timestamp>,
    /// When it was switched off for that reason. Events are kept as `failed`; set the endpoint again and
    /// have them delivered.
    #[serde(with = "calendar::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub disabled_at: Option<Timestamp>,
    /// Last changed at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Secret that signs deliveries (Standard Webhooks); shown at creation only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub secret: Option<String>,
}

impl From<WebhookEndpoint> for WebhookEndpointView {
    fn from(endpoint: WebhookEndpoint) -> WebhookEndpointView {
        WebhookEndpointView {
            merchant: endpoint.merchant,
            url: endpoint.url,
            enabled: endpoint.enabled,
            failing_since: endpoint.failing_since,
            disabled_at: endpoint.disabled_at,
            updated_at: endpoint.updated_at,
            secret: None,
        }
    }
}

/// An event and what became of its delivery.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    /// `evt_…`; the `webhook-id` of each attempt.
    #[schema(example = "evt_0001KABCDEFGHJKMNPQRSTVWXY")]
    pub id: String,
    /// Whose.
    pub merchant: String,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(schema_with = enums::event_type)]
    pub event_type: EventType,
    /// Id of the object it is about.
    pub object: String,
    /// Standing of the delivery.
    #[schema(schema_with = enums::delivery_status)]
    pub status: DeliveryStatus,
    /// Attempts with a recorded result.
    pub attempts: u32,
    /// What went wrong last.
    pub last_problem: Option<String>,
    /// HTTP status of the acceptance.
    pub http_status: Option<u16>,
    /// The body that is sent: `id`, `type`, `timestamp` and, as `data`, the object as it was then.
    #[schema(value_type = Object)]
    pub payload: Option<Box<RawValue>>,
    /// Happened at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Last changed at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl From<Delivery> for EventView {
    fn from(delivery: Delivery) -> EventView {
        EventView {
            id: delivery.id,
            merchant: delivery.merchant,
            event_type: delivery.event_type,
            object: delivery.object,
            status: delivery.status,
            attempts: delivery.attempts,
            last_problem: delivery.last_problem,
            http_status: delivery.http_status,
            payload: webhook::body(&delivery.payload).ok(),
            created_at: delivery.created_at,
            updated_at: delivery.updated_at,
        }
    }
}
