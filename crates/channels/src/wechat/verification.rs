//! Signature check of responses and notifications.

use super::signing::{PROBE_PREFIX, SCHEME, response_message};
use crate::connector::SignatureError;
use crate::crypto::RsaPublicKey;
use crate::http::header;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// First refused distance between the signing time and now, in seconds.
const WINDOW_S: u64 = 300;

/// The platform's keys by normalised id.
#[derive(Debug, Clone)]
pub(super) struct PlatformKeys(BTreeMap<String, RsaPublicKey>);

impl PlatformKeys {
    pub(super) fn new(keys: &BTreeMap<String, RsaPublicKey>) -> Self {
        Self(
            keys.iter()
                .map(|(id, key)| (normalise(id), key.clone()))
                .collect(),
        )
    }

    /// The newest public-key id, if the merchant uses the public-key mode.
    pub(super) fn public_key_id(&self) -> Option<&str> {
        self.0
            .keys()
            .rfind(|id| is_public_key_id(id))
            .map(String::as_str)
    }

    /// Checks the signature over `body` with the key that the serial number names.
    pub(super) fn verify(
        &self,
        headers: &[(String, String)],
        body: &[u8],
        at: Timestamp,
    ) -> Result<(), SignatureError> {
        let need = |name: &'static str| match header(headers, name) {
            Some(value) if !value.is_empty() => Ok(value),
            _ => Err(SignatureError::Missing { name }),
        };
        let timestamp = need("wechatpay-timestamp")?;
        let nonce = need("wechatpay-nonce")?;
        let serial = need("wechatpay-serial")?;
        let signature = need("wechatpay-signature")?;
        if let Some(scheme) = header(headers, "wechatpay-signature-type")
            && scheme != SCHEME
        {
            return Err(SignatureError::Scheme {
                scheme: scheme.chars().take(64).collect(),
            });
        }
        check_time(timestamp, at)?;
        if signature.starts_with(PROBE_PREFIX) {
            return Err(SignatureError::Probe);
        }
        let key = self
            .0
            .get(&normalise(serial))
            .ok_or_else(|| SignatureError::UnknownSerial {
                serial: serial.chars().take(64).collect(),
            })?;
        key.verify_sha256_base64(&response_message(timestamp, nonce, body), signature)
            .map_err(|_| SignatureError::Mismatch)
    }
}

fn check_time(timestamp: &str, at: Timestamp) -> Result<(), SignatureError> {
    const NAME: &str = "wechatpay-timestamp";
    let digits = timestamp.len() <= 12 && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let signed_at: i64 = match timestamp.parse() {
        Ok(seconds) if digits => seconds,
        _ => return Err(SignatureError::Malformed { name: NAME }),
    };
    let seconds = signed_at.abs_diff(at.as_second());
    if seconds >= WINDOW_S {
        return Err(SignatureError::Stale {
            seconds,
            limit: WINDOW_S,
        });
    }
    Ok(())
}

fn is_public_key_id(id: &str) -> bool {
    id.starts_with("PUB_KEY_ID_")
}

/// Serial numbers are numbers written in hex: case and leading zeros do not distinguish them.
fn normalise(id: &str) -> String {
    if is_public_key_id(id) {
        return id.to_owned();
    }
    id.trim_start_matches('0').to_ascii_uppercase()
}
