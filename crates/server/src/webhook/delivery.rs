//! One delivery of a webhook.

use super::address::{PublicOnly, check_url};
use super::secret::WebhookSecret;
use crate::channel::describe;
use crate::config::{ConfigError, WebhookConfig};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// Delivers webhooks.
#[derive(Debug, Clone)]
pub struct WebhookSender {
    client: reqwest::Client,
    allow_private: bool,
}

/// How a delivery ended. Only 2xx means that the merchant has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Answered 2xx.
    Delivered {
        /// The status.
        status: u16,
    },
    /// Answered otherwise.
    Declined {
        /// The status.
        status: u16,
    },
    /// No answer in time, or not sent at all.
    Failed {
        /// What went wrong.
        reason: String,
    },
}

/// A message to deliver; id and body are the same at each attempt.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// `webhook-id`; receivers remove duplicates by it.
    pub id: &'a str,
    /// Where to.
    pub url: &'a str,
    /// JSON.
    pub body: &'a [u8],
}

impl WebhookSender {
    /// A sender with its time limit; follows no redirect.
    ///
    /// # Errors
    /// [`ConfigError::HttpClient`] when TLS cannot be set up.
    pub fn new(config: &WebhookConfig) -> Result<WebhookSender, ConfigError> {
        let mut builder = reqwest::Client::builder()
            .timeout(Duration::from_millis(config.timeout_ms))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .retry(reqwest::retry::never())
            .user_agent(concat!("qingyuan/", env!("CARGO_PKG_VERSION")));
        if !config.allow_private {
            builder = builder.dns_resolver(Arc::new(PublicOnly));
        }
        let client = builder
            .build()
            .map_err(|error| ConfigError::HttpClient(error.to_string()))?;
        Ok(WebhookSender {
            client,
            allow_private: config.allow_private,
        })
    }

    /// Makes one attempt, signed at `at`.
    pub async fn deliver(
        &self,
        message: Message<'_>,
        secret: &WebhookSecret,
        at: Timestamp,
    ) -> Delivery {
        let failed = |reason: String| Delivery::Failed { reason };
        let url = match check_url(message.url, self.allow_private) {
            Ok(url) => url,
            Err(problem) => return failed(problem.to_string()),
        };
        let timestamp = at.as_second();
        let signature = match secret.sign(message.id, timestamp, message.body) {
            Ok(signature) => signature,
            Err(problem) => return failed(problem.to_string()),
        };
        let sent = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", message.id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signature)
            .body(message.body.to_vec())
            .send()
            .await;
        match sent {
            Ok(response) if response.status().is_success() => Delivery::Delivered {
                status: response.status().as_u16(),
            },
            Ok(response) => Delivery::Declined {
                status: response.status().as_u16(),
            },
            Err(error) => failed(describe(&error)),
        }
    }
}
