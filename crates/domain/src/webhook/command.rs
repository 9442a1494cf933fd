//! Commands about webhooks.

use serde::{Deserialize, Serialize};

/// Sets where events of a merchant are delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetWebhook {
    /// The merchant.
    pub merchant: String,
    /// Absolute `https` URL (`http` only for a sandbox; the dispatcher decides).
    pub url: String,
    /// Vault id of the secret that signs deliveries.
    pub secret_vault_id: String,
    /// Whether events are delivered.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

/// Delivers an event again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResendWebhook {
    /// Whose.
    pub merchant: String,
    /// The event.
    pub event: String,
}
