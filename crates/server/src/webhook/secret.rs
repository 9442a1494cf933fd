//! The secret that an endpoint shares with us.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use standardwebhooks::Webhook;
use zeroize::Zeroizing;

const PREFIX: &str = "whsec_";

/// `whsec_` and 24 random bytes in base64.
#[derive(Clone)]
pub struct WebhookSecret(Zeroizing<String>);

/// A secret that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretProblem {
    /// Not in its form.
    #[error("a webhook secret is whsec_ and base64")]
    Malformed,
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness,
    /// The body is not text.
    #[error("a webhook body is UTF-8 text")]
    BodyNotText,
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret")
    }
}

impl WebhookSecret {
    /// A new random secret.
    ///
    /// # Errors
    /// [`SecretProblem::NoRandomness`].
    pub fn generate() -> Result<WebhookSecret, SecretProblem> {
        let mut bytes = Zeroizing::new([0u8; 24]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| SecretProblem::NoRandomness)?;
        let text = format!("{PREFIX}{}", STANDARD.encode(bytes.as_slice()));
        Ok(WebhookSecret(Zeroizing::new(text)))
    }

    /// A secret out of the vault.
    ///
    /// # Errors
    /// [`SecretProblem::Malformed`].
    pub fn from_vault(bytes: &[u8]) -> Result<WebhookSecret, SecretProblem> {
        let text = std::str::from_utf8(bytes).map_err(|_| SecretProblem::Malformed)?;
        if !text.starts_with(PREFIX) || Webhook::new(text).is_err() {
            return Err(SecretProblem::Malformed);
        }
        Ok(WebhookSecret(Zeroizing::new(text.to_owned())))
    }

    /// The secret itself: for the vault, and once for whoever registered the endpoint.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// `webhook-signature` of a message: HMAC-SHA256 over `id.timestamp.body`, version `v1`.
    ///
    /// # Errors
    /// [`SecretProblem`] when secret or body are not usable.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> Result<String, SecretProblem> {
        let webhook = Webhook::new(&self.0).map_err(|_| SecretProblem::Malformed)?;
        webhook
            .sign(id, timestamp, body)
            .map_err(|_| SecretProblem::BodyNotText)
    }
}
