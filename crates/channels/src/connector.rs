//! What every connector can do, and how it refuses.

use crate::answer::{Notification, Report};
use crate::crypto::CryptoError;
use crate::http::{Request, Response};
use crate::operation::{Channel, ChannelReference, Operation, PayeeAccount};
use jiff::Timestamp;
use thiserror::Error;

/// One channel's protocol. All methods are pure but for the random padding that RSA encryption
/// demands.
pub trait Connector: Send + Sync {
    /// Which channel.
    fn channel(&self) -> Channel;

    /// The institution's number at the channel.
    fn merchant_id(&self) -> &str;

    /// Builds the request that performs `operation`, signed at `at`. `payee` is the clear text
    /// for [`Operation::Payout`] and ignored elsewhere; `nonce` is at most 32 ASCII
    /// alphanumerics, fresh for each attempt (a channel without nonces ignores it).
    ///
    /// # Errors
    /// [`ConnectorError`] when the operation cannot be expressed; nothing may be sent then.
    fn request(
        &self,
        operation: &Operation,
        payee: Option<&PayeeAccount>,
        at: Timestamp,
        nonce: &str,
    ) -> Result<Request, ConnectorError>;

    /// Reads the response to `operation`, received at `at`. Never fails: whatever is not a
    /// verified statement about that very operation is [`Report::Unknown`].
    fn parse(&self, operation: &Operation, response: &Response, at: Timestamp) -> Report;

    /// Reads a notification that the channel pushed, received at `at`.
    ///
    /// # Errors
    /// [`NotificationError`]; answer the channel with a failure so that it tries again.
    fn notification(
        &self,
        headers: &[(String, String)],
        body: &[u8],
        at: Timestamp,
    ) -> Result<Notification, NotificationError>;
}

/// Why no request was built. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConnectorError {
    /// A setting of the connector is unusable.
    #[error("setting {setting} is unusable: {reason}")]
    Configuration {
        /// Name of the setting.
        setting: &'static str,
        /// What to change.
        reason: String,
    },
    /// The channel has no such operation.
    #[error("{channel:?} cannot perform {operation}")]
    Unsupported {
        /// The channel.
        channel: Channel,
        /// Name of the operation.
        operation: &'static str,
    },
    /// A field of the operation breaks the channel's rules.
    #[error("{field} cannot be sent: {reason}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// The rule; never the value, which may be personal.
        reason: &'static str,
    },
    /// Signing or encrypting failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Why a message was not accepted as the channel's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// A part of the signature is missing.
    #[error("{name} is missing")]
    Missing {
        /// Header or form field.
        name: &'static str,
    },
    /// A part of the signature is not in its form.
    #[error("{name} is malformed")]
    Malformed {
        /// Header or form field.
        name: &'static str,
    },
    /// The message is too old or too far in the future.
    #[error("signed {seconds} s away from now, at most {limit} s are allowed")]
    Stale {
        /// Distance in seconds.
        seconds: u64,
        /// First refused distance.
        limit: u64,
    },
    /// No key is configured for the serial number; another key is never tried.
    #[error("no platform key is configured for serial number {serial}")]
    UnknownSerial {
        /// As sent.
        serial: String,
    },
    /// A signature probe: deliberately wrong, to be refused without an alarm.
    #[error("signature probe of the channel")]
    Probe,
    /// Another signature scheme than the configured one.
    #[error("signature scheme {scheme} is not supported")]
    Scheme {
        /// As sent.
        scheme: String,
    },
    /// The signer's certificate is not the channel's.
    #[error("the signer's certificate is not accepted: {reason}")]
    Signer {
        /// Which check failed.
        reason: String,
    },
    /// The signature does not belong to these bytes.
    #[error("the signature does not match the message")]
    Mismatch,
}

/// Why a notification was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotificationError {
    /// Not signed by the channel.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Signed, but its resource cannot be decrypted: the configured key is not the one in use.
    #[error("the resource cannot be decrypted: check the configured APIv3 key")]
    CannotDecrypt,
    /// Signed, but not of the documented form.
    #[error("malformed notification: {reason}")]
    Malformed {
        /// What was wrong.
        reason: String,
    },
    /// Meant for another merchant or application.
    #[error("meant for another merchant: {field} is {found}")]
    ForeignMerchant {
        /// The field that differs.
        field: &'static str,
        /// Its content.
        found: String,
    },
    /// An event this connector does not handle.
    #[error("event {event} is not handled")]
    UnknownEvent {
        /// The channel's name of the event.
        event: String,
    },
}

/// Name of an operation, for messages.
pub(crate) fn operation_name(operation: &Operation) -> &'static str {
    match operation {
        Operation::CreateOrder { .. } => "create_order",
        Operation::QueryOrder { .. } => "query_order",
        Operation::CloseOrder { .. } => "close_order",
        Operation::Refund { .. } => "refund",
        Operation::QueryRefund { .. } => "query_refund",
        Operation::Payout { .. } => "payout",
        Operation::QueryPayout { .. } => "query_payout",
        Operation::TradeBill { .. } => "trade_bill",
        Operation::DownloadBill { .. } => "download_bill",
    }
}

/// Checks a reference against the form all channels accept: `minimum` to 32 alphanumerics.
pub(crate) fn check_reference<'a>(
    field: &'static str,
    minimum: usize,
    reference: &'a ChannelReference,
) -> Result<&'a str, ConnectorError> {
    let text = reference.0.as_str();
    let well_formed = (minimum..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if well_formed {
        return Ok(text);
    }
    Err(ConnectorError::Field {
        field,
        reason: "it must be 6 (WeChat) or 8 (UnionPay) to 32 ASCII letters and digits",
    })
}

/// Checks a text shown to people: `1..=limit` characters, none of them a control character.
pub(crate) fn check_text<'a>(
    field: &'static str,
    limit: usize,
    text: &'a str,
) -> Result<&'a str, ConnectorError> {
    let length = text.chars().count();
    if length == 0 || length > limit {
        return Err(ConnectorError::Field {
            field,
            reason: "it is empty or longer than the channel allows",
        });
    }
    if text.chars().any(char::is_control) {
        return Err(ConnectorError::Field {
            field,
            reason: "it contains control characters",
        });
    }
    Ok(text)
}

/// Checks an amount to be sent: renminbi, more than nothing. Returns fen.
pub(crate) fn check_amount(
    field: &'static str,
    amount: money::Money,
) -> Result<i64, ConnectorError> {
    if amount.currency() != money::Currency::CNY {
        return Err(ConnectorError::Field {
            field,
            reason: "the channel takes only CNY",
        });
    }
    if !amount.is_positive() {
        return Err(ConnectorError::Field {
            field,
            reason: "it must be more than nothing",
        });
    }
    Ok(amount.amount())
}

/// Checks a configured URL: absolute, http or https, without credentials, query or fragment.
pub(crate) fn check_url(setting: &'static str, text: &str) -> Result<url::Url, ConnectorError> {
    let refuse = |reason: &str| ConnectorError::Configuration {
        setting,
        reason: reason.to_owned(),
    };
    let url = url::Url::parse(text).map_err(|_| refuse("it is no absolute URL"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(refuse(
            "it must begin with https:// (or http:// for a sandbox)",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("it must have no query and no fragment"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("it must carry no user name and password"));
    }
    Ok(url)
}
