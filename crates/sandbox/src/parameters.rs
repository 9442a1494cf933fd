//! What merchants need to connect to a sandbox, as one JSON value.

use crate::unionpay::UnionpayMerchant;
use crate::wechat::{SerialMode, WechatMerchant};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Everything a merchant needs to connect.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SandboxParameters {
    /// Where the control endpoints are, without a trailing slash.
    pub control_url: String,
    /// WeChat Pay.
    pub wechat: WechatParameters,
    /// UnionPay.
    pub unionpay: UnionpayParameters,
    /// Merchants that the sandbox registered by itself, private keys included.
    #[serde(default)]
    pub demo_merchants: Option<DemoMerchants>,
}

/// How to reach the WeChat side.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WechatParameters {
    /// In place of `https://api.mch.weixin.qq.com`, without a trailing slash.
    pub base_url: String,
    /// `PUB_KEY_ID_…` of the public-key mode.
    pub platform_public_key_id: String,
    /// Key of the public-key mode.
    pub platform_public_key_pem: String,
    /// Serial number of the platform certificate, upper-case hex.
    pub platform_certificate_serial_no: String,
    /// Platform certificate.
    pub platform_certificate_pem: String,
}

/// How to reach the UnionPay side.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UnionpayParameters {
    /// In place of `https://gateway.95516.com/gateway/api`, without a trailing slash.
    pub base_url: String,
    /// Back transactions.
    pub back_trans_url: String,
    /// Queries.
    pub query_trans_url: String,
    /// Root of the chain of signing certificates.
    pub root_certificate_pem: String,
    /// Middle of the chain.
    pub middle_certificate_pem: String,
    /// For the encryption of sensitive fields.
    pub encryption_certificate_pem: String,
}

/// Merchants that the sandbox registered by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DemoMerchants {
    /// At WeChat: one in public-key mode, one in platform-certificate mode.
    pub wechat: Vec<DemoWechatMerchant>,
    /// At UnionPay.
    pub unionpay: Vec<DemoUnionpayMerchant>,
}

/// A WeChat merchant with its secrets, which `Debug` masks.
#[derive(Clone, Serialize, Deserialize)]
pub struct DemoWechatMerchant {
    /// Merchant number.
    pub merchant_id: String,
    /// Application number.
    pub app_id: String,
    /// Serial number of its certificate, upper-case hex.
    pub serial_no: String,
    /// Its certificate.
    pub certificate_pem: String,
    /// PKCS#8 PEM. Secret.
    pub private_key_pem: String,
    /// APIv3 key. Secret.
    pub api_v3_key: String,
    /// Which of the channel's keys signs for it.
    pub serial_mode: SerialMode,
    /// Fee in parts per million.
    pub fee_rate_ppm: u32,
}

/// A UnionPay merchant with its secrets, which `Debug` masks.
#[derive(Clone, Serialize, Deserialize)]
pub struct DemoUnionpayMerchant {
    /// Merchant number.
    pub merchant_id: String,
    /// `certId`: serial number of its certificate, decimal.
    pub certificate_id: String,
    /// Its certificate.
    pub certificate_pem: String,
    /// PKCS#8 PEM. Secret.
    pub private_key_pem: String,
}

impl DemoWechatMerchant {
    pub(crate) fn registration(&self) -> WechatMerchant {
        WechatMerchant {
            serial_mode: self.serial_mode,
            fee_rate_ppm: self.fee_rate_ppm,
            ..WechatMerchant::new(
                &self.merchant_id,
                &self.app_id,
                &self.serial_no,
                &self.certificate_pem,
                &self.api_v3_key,
            )
        }
    }
}

impl DemoUnionpayMerchant {
    pub(crate) fn registration(&self) -> UnionpayMerchant {
        UnionpayMerchant {
            merchant_id: self.merchant_id.clone(),
            certificate_pem: self.certificate_pem.clone(),
        }
    }
}

impl fmt::Debug for DemoWechatMerchant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DemoWechatMerchant({}, ***)", self.merchant_id)
    }
}

impl fmt::Debug for DemoUnionpayMerchant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DemoUnionpayMerchant({}, ***)", self.merchant_id)
    }
}
