//! UnionPay ACP 5.1.0 (银联全渠道): pay-out (代付) and its query.
//!
//! `merId`, `orderId` and `txnTime` together identify a payout, so all three come from the
//! recorded intent. The synchronous answer only says "accepted"; the outcome comes from a query
//! or a notification. Responses are `k=v` text with raw values and carry the signer's
//! certificate, which is trusted only through its chain, validity and common name.

mod codes;
mod fields;
mod message;
mod notification;
mod parse;
mod request;
mod verification;

pub use fields::Fields;

use crate::answer::{Notification, Report};
use crate::connector::{Connector, ConnectorError, NotificationError, check_url};
use crate::crypto::{Certificate, RsaPrivateKey};
use crate::http::{Request, Response};
use crate::operation::{Channel, Operation, PayeeAccount};
use jiff::Timestamp;
use url::Url;

/// Third part of the common name of UnionPay's signing certificates.
pub const PRODUCTION_SIGNER: &str = "中国银联股份有限公司";

/// The same in UnionPay's test environment.
pub const TEST_SIGNER: &str = "00040000:SIGN";

/// A merchant's access to UnionPay.
#[derive(Debug, Clone)]
pub struct UnionpayConfig {
    /// `merId`, 15 letters and digits.
    pub merchant_id: String,
    /// `certId`: serial number of the merchant's signing certificate, decimal.
    pub cert_id: String,
    /// Key of that certificate.
    pub private_key: RsaPrivateKey,
    /// Trusted as given.
    pub root_certificate: Certificate,
    /// Issued by the root; issues the signing certificates.
    pub middle_certificate: Certificate,
    /// UnionPay's certificate for account numbers.
    pub encryption_certificate: Certificate,
    /// `https://gateway.95516.com/gateway/api`, the test environment, or a sandbox.
    pub base_url: String,
    /// Where notifications arrive; no query string, at most 256 characters.
    pub back_url: String,
    /// Accepted third part of the signer's common name: [`PRODUCTION_SIGNER`], in the test
    /// environment also [`TEST_SIGNER`].
    pub accepted_signers: Vec<String>,
}

/// The connector.
#[derive(Debug, Clone)]
pub struct UnionpayConnector {
    config: UnionpayConfig,
    base: Url,
}

impl UnionpayConnector {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`ConnectorError::Configuration`] naming the setting.
    pub fn new(config: UnionpayConfig) -> Result<Self, ConnectorError> {
        let refuse = |setting, reason: &str| ConnectorError::Configuration {
            setting,
            reason: reason.to_owned(),
        };
        let merchant = config.merchant_id.as_str();
        if merchant.len() != 15 || !merchant.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(refuse("merchant_id", "it must be 15 letters and digits"));
        }
        if config.cert_id.is_empty() || !config.cert_id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(refuse(
                "cert_id",
                "it must be the certificate's serial number in decimal",
            ));
        }
        if config.accepted_signers.iter().all(String::is_empty) {
            return Err(refuse("accepted_signers", "at least one name is needed"));
        }
        config
            .middle_certificate
            .check_issued_by(&config.root_certificate)
            .map_err(|error| refuse("middle_certificate", &error.to_string()))?;
        let base = check_url("base_url", &config.base_url)?;
        check_url("back_url", &config.back_url)?;
        if config.back_url.len() > 256 {
            return Err(refuse("back_url", "it is longer than 256 characters"));
        }
        Ok(Self { config, base })
    }
}

impl Connector for UnionpayConnector {
    fn channel(&self) -> Channel {
        Channel::Unionpay
    }

    fn merchant_id(&self) -> &str {
        &self.config.merchant_id
    }

    fn request(
        &self,
        operation: &Operation,
        payee: Option<&PayeeAccount>,
        at: Timestamp,
        _nonce: &str,
    ) -> Result<Request, ConnectorError> {
        self.build_request(operation, payee, at)
    }

    fn parse(&self, operation: &Operation, response: &Response, at: Timestamp) -> Report {
        self.parse_response(operation, response, at)
    }

    fn notification(
        &self,
        _headers: &[(String, String)],
        body: &[u8],
        at: Timestamp,
    ) -> Result<Notification, NotificationError> {
        self.read_notification(body, at)
    }
}
