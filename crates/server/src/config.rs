//! Settings of the server.

use crate::auth::ApiKeyError;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Settings of the HTTP server; every field but the keys has a usable default.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Where to listen; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Base URL under which channels and merchants reach this server, without a slash at its end;
    /// `@target-uri` and `@authority` of signed requests are of it.
    pub public_url: String,
    /// Credentials of the API.
    pub api_keys: Vec<ApiKeyConfig>,
    /// Whether merchants may use API keys; otherwise they sign their requests. For the sandbox.
    pub merchant_bearer: bool,
    /// Bounds of requests.
    pub limits: Limits,
    /// Webhook delivery.
    pub webhooks: WebhookConfig,
    /// Requests to channels.
    pub channels: ChannelHttpConfig,
}

impl Default for ServerConfig {
    fn default() -> ServerConfig {
        ServerConfig {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: "http://127.0.0.1:8080".to_owned(),
            api_keys: Vec::new(),
            merchant_bearer: false,
            limits: Limits::default(),
            webhooks: WebhookConfig::default(),
            channels: ChannelHttpConfig::default(),
        }
    }
}

/// What the holder of a key may do; [`crate::auth`] has the whole table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The institution's operations: merchants, day turn, everything that is read.
    Operator,
    /// One merchant's own system.
    Merchant,
    /// The institution's finance department: cases, payouts, approvals.
    Finance,
    /// A system that keeps plain accounts in this ledger.
    Ledger,
}

impl Role {
    /// Name as the engine and the journal know it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Operator => "operator",
            Role::Merchant => "merchant",
            Role::Finance => "finance",
            Role::Ledger => "ledger",
        }
    }
}

/// One bearer key. The key itself is nowhere; its SHA-256 is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyConfig {
    /// Name of the key, for logs and as scope of idempotency keys.
    pub id: String,
    /// SHA-256 of the key, 64 hexadecimal digits.
    pub sha256: String,
    /// The person or system that holds it; goes into the journal.
    pub principal: String,
    /// What it may do.
    pub role: Role,
    /// Merchant to which a merchant key is bound (`mch_…`).
    #[serde(default)]
    pub merchant: Option<String>,
}

impl ApiKeyConfig {
    /// Settings for a key in clear, which is not kept.
    pub fn of_token(id: &str, token: &str, principal: &str, role: Role) -> ApiKeyConfig {
        ApiKeyConfig {
            id: id.to_owned(),
            sha256: hex::encode(Sha256::digest(token.as_bytes())),
            principal: principal.to_owned(),
            role,
            merchant: None,
        }
    }

    /// Binds a merchant key to its merchant.
    pub fn for_merchant(mut self, merchant: &str) -> ApiKeyConfig {
        self.merchant = Some(merchant.to_owned());
        self
    }
}

/// Bounds of requests; each protects memory or the shard's queue.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Longest body in bytes.
    pub body_bytes: usize,
    /// Longest body of a batch of transfers or a statement file in bytes.
    pub large_body_bytes: usize,
    /// Transfers in one batch.
    pub batch_transfers: usize,
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
    /// Longest time for the head of a request, in milliseconds; it counts from the end of the
    /// request before, so that it is also how long an idle connection is kept.
    pub header_timeout_ms: u64,
    /// Longest time for the body of a request, in milliseconds.
    pub body_timeout_ms: u64,
    /// Longest time until a request is answered 503, in milliseconds.
    pub request_timeout_ms: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body_bytes: 1 << 20,
            large_body_bytes: 8 << 20,
            batch_transfers: 8_192,
            connections: 8_192,
            header_timeout_ms: 30_000,
            body_timeout_ms: 15_000,
            request_timeout_ms: 30_000,
        }
    }
}

impl Limits {
    /// Longest time for the head of a request.
    pub fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_timeout_ms)
    }

    /// Longest time for the body of a request.
    pub fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout_ms)
    }

    /// Longest time until a request is answered.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }
}

/// Webhook delivery.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookConfig {
    /// Permits plain HTTP and private addresses; for development and tests only, because it lets
    /// whoever registers an endpoint reach machines of the internal network.
    pub allow_private: bool,
    /// Longest time for an endpoint's answer, in milliseconds.
    pub timeout_ms: u64,
}

impl Default for WebhookConfig {
    fn default() -> WebhookConfig {
        WebhookConfig {
            allow_private: false,
            timeout_ms: 15_000,
        }
    }
}

/// Requests to channels.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChannelHttpConfig {
    /// Longest time until a connection stands, in milliseconds.
    pub connect_timeout_ms: u64,
    /// Longest time for a whole request, in milliseconds; afterwards its outcome is unknown.
    pub timeout_ms: u64,
    /// Longest answer in bytes; bills are the long ones.
    pub answer_bytes: usize,
}

impl Default for ChannelHttpConfig {
    fn default() -> ChannelHttpConfig {
        ChannelHttpConfig {
            connect_timeout_ms: 5_000,
            timeout_ms: 15_000,
            answer_bytes: 256 << 20,
        }
    }
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key.
    #[error("api_keys: {0}")]
    ApiKey(#[from] ApiKeyError),
    /// The public URL.
    #[error(
        "public_url must be an absolute http(s) URL without query and without a slash at its end"
    )]
    PublicUrl,
    /// The HTTP client could not be made.
    #[error("the HTTP client cannot be started: {0}")]
    HttpClient(String),
}

/// Checks the public URL.
pub(crate) fn check_public_url(text: &str) -> Result<(), ConfigError> {
    let url = url::Url::parse(text).map_err(|_| ConfigError::PublicUrl)?;
    let fits = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some()
        && url.query().is_none()
        && url.fragment().is_none()
        && !text.ends_with('/');
    fits.then_some(()).ok_or(ConfigError::PublicUrl)
}
