//! The `Authorization` header of a request: reading and checking it.

use super::merchant::MerchantKeys;
use super::refusal::Refusal;
use jiff::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;

/// The only scheme of RSA merchants.
const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";
/// A request older or younger than this is refused.
const SKEW_SECONDS_MAX: u64 = 300;
/// How much of the text to be signed an error shows.
const SHOWN_CHARACTERS: usize = 128;

/// The five values of the header. Their order is free.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Authorization {
    pub(crate) merchant_id: String,
    pub(crate) nonce: String,
    pub(crate) timestamp: i64,
    pub(crate) serial_no: String,
    pub(crate) signature: String,
}

impl Authorization {
    pub(crate) fn read(header: &str) -> Result<Self, Refusal> {
        let values = header
            .trim()
            .strip_prefix(SCHEME)
            .and_then(|rest| rest.strip_prefix(' '))
            .and_then(pairs)
            .ok_or_else(|| sign_error("Authorization", "scheme or form is wrong"))?;
        let value = |name: &str| {
            values
                .get(name)
                .map(|text| (*text).to_owned())
                .ok_or_else(|| sign_error(name, "is missing"))
        };
        Ok(Self {
            merchant_id: value("mchid")?,
            nonce: value("nonce_str")?,
            timestamp: value("timestamp")?
                .parse()
                .map_err(|_| sign_error("timestamp", "is no number of seconds"))?,
            serial_no: value("serial_no")?,
            signature: value("signature")?,
        })
    }

    /// Checks time, serial number and signature of a request.
    pub(crate) fn check(
        &self,
        keys: &MerchantKeys,
        method: &str,
        path_and_query: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if now.as_second().abs_diff(self.timestamp) > SKEW_SECONDS_MAX {
            return Err(sign_error("timestamp", "is more than 5 minutes off"));
        }
        if self.serial_no != keys.serial_no {
            return Err(sign_error("serial_no", "is not the merchant's certificate"));
        }
        let mut message = format!(
            "{method}\n{path_and_query}\n{}\n{}\n",
            self.timestamp, self.nonce
        )
        .into_bytes();
        message.extend_from_slice(body);
        message.push(b'\n');
        keys.public_key
            .verify_sha256_base64(&message, &self.signature)
            .map_err(|_| mismatch(method, path_and_query, &message))
    }
}

/// Splits `a="1",b="2"`; blanks around the commas are allowed.
fn pairs(text: &str) -> Option<BTreeMap<&str, &str>> {
    text.split(',')
        .map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            let value = value.strip_prefix('"')?.strip_suffix('"')?;
            Some((name, value))
        })
        .collect()
}

pub(crate) fn sign_error(field: &str, issue: &str) -> Refusal {
    Refusal {
        detail: Some(json!({"field": field, "issue": issue, "location": "authorization"})),
        ..Refusal::new(
            401,
            "SIGN_ERROR",
            268_443_699,
            "签名错误，请检查Authorization头",
        )
    }
}

fn mismatch(method: &str, path_and_query: &str, message: &[u8]) -> Refusal {
    let text = String::from_utf8_lossy(message);
    let shown: String = text.chars().take(SHOWN_CHARACTERS).collect();
    Refusal {
        detail: Some(json!({
            "field": "signature",
            "issue": "sign not match",
            "location": "authorization",
            "sign_information": {
                "method": method,
                "url": path_and_query,
                "truncated_sign_message": shown,
                "sign_message_length": message.len(),
            },
        })),
        ..sign_error("signature", "sign not match")
    }
}
