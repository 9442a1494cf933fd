//! WeChat Pay API v3 (微信支付), direct merchant, Native orders.
//!
//! Requests carry `WECHATPAY2-SHA256-RSA2048` signatures over exactly the bytes sent. Every answer
//! is verified with the key its `Wechatpay-Serial` names. An error that is signed yields at most "not
//! accepted" or "no such object", never an outcome of a payment; one that comes unsigned says nothing.

pub mod bill;
mod download;
mod errors;
mod notification;
mod parse;
mod request;
pub mod signing;
mod verification;
mod wire;

use crate::answer::{Notification, Report};
use crate::connector::{Connector, ConnectorError, NotificationError, check_url};
use crate::crypto::{AeadKey, RsaPrivateKey, RsaPublicKey};
use crate::http::{Request, Response};
use crate::operation::{Channel, Operation, PayeeAccount};
use jiff::Timestamp;
use std::collections::BTreeMap;
use url::Url;
use verification::PlatformKeys;

/// A merchant's access to WeChat Pay.
#[derive(Debug, Clone)]
pub struct WechatConfig {
    /// `mchid`.
    pub merchant_id: String,
    /// `appid`.
    pub app_id: String,
    /// Serial number of the merchant API certificate, upper-case hex.
    pub serial_no: String,
    /// Key of that certificate.
    pub private_key: RsaPrivateKey,
    /// APIv3 key, 32 ASCII characters.
    pub api_v3_key: AeadKey,
    /// Keys that may sign what we receive, by certificate serial number (hex) or `PUB_KEY_ID_…`.
    /// With a public-key id present, it is announced in each request (public-key mode).
    pub platform_keys: BTreeMap<String, RsaPublicKey>,
    /// `https://api.mch.weixin.qq.com`, or a sandbox.
    pub base_url: String,
    /// Where notifications arrive; no query string, at most 255 characters.
    pub notify_url: String,
}

/// The connector.
#[derive(Debug, Clone)]
pub struct WechatConnector {
    config: WechatConfig,
    base: Url,
    keys: PlatformKeys,
}

impl WechatConnector {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`ConnectorError::Configuration`] naming the setting.
    pub fn new(config: WechatConfig) -> Result<Self, ConnectorError> {
        let refuse = |setting, reason: &str| ConnectorError::Configuration {
            setting,
            reason: reason.to_owned(),
        };
        let token = |text: &str| {
            !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        if !token(&config.merchant_id) {
            return Err(refuse("merchant_id", "it must be letters and digits"));
        }
        if !token(&config.app_id) {
            return Err(refuse("app_id", "it must be letters and digits"));
        }
        if !token(&config.serial_no) {
            return Err(refuse("serial_no", "it must be the serial number in hex"));
        }
        if config.platform_keys.is_empty() {
            return Err(refuse(
                "platform_keys",
                "at least one platform certificate or public key is needed",
            ));
        }
        let base = check_url("base_url", &config.base_url)?;
        check_url("notify_url", &config.notify_url)?;
        if config.notify_url.len() > 255 {
            return Err(refuse("notify_url", "it is longer than 255 characters"));
        }
        let keys = PlatformKeys::new(&config.platform_keys);
        Ok(Self { config, base, keys })
    }
}

impl Connector for WechatConnector {
    fn channel(&self) -> Channel {
        Channel::Wechat
    }

    fn merchant_id(&self) -> &str {
        &self.config.merchant_id
    }

    fn request(
        &self,
        operation: &Operation,
        _payee: Option<&PayeeAccount>,
        at: Timestamp,
        nonce: &str,
    ) -> Result<Request, ConnectorError> {
        self.build_request(operation, at, nonce)
    }

    fn parse(&self, operation: &Operation, response: &Response, at: Timestamp) -> Report {
        self.parse_response(operation, response, at)
    }

    fn notification(
        &self,
        headers: &[(String, String)],
        body: &[u8],
        at: Timestamp,
    ) -> Result<Notification, NotificationError> {
        self.read_notification(headers, body, at)
    }
}
