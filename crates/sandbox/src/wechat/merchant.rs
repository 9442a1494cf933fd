//! What a merchant deposits at WeChat Pay.

use super::core::{AutoPay, MerchantTerms};
use crate::error::SandboxError;
use channels::crypto::{AeadKey, Certificate, RsaPublicKey};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which key signs what the merchant receives when its request does not ask for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SerialMode {
    /// The platform certificate, which the merchant downloads.
    PlatformCertificate,
    /// The public key with a `PUB_KEY_ID_…`; such merchants have no certificates to download.
    #[default]
    PublicKey,
}

/// A merchant to be registered. `Debug` masks the APIv3 key.
#[derive(Clone, Serialize, Deserialize)]
pub struct WechatMerchant {
    /// Merchant number.
    pub merchant_id: String,
    /// Application number.
    pub app_id: String,
    /// Serial number of the merchant's API certificate, upper-case hex.
    pub serial_no: String,
    /// PEM of the merchant's API certificate or of its public key.
    pub key_pem: String,
    /// 32 ASCII characters that encrypt notifications. Secret.
    pub api_v3_key: String,
    /// Which key signs what it receives.
    #[serde(default)]
    pub serial_mode: SerialMode,
    /// Fee in parts per million; 6000 is 0.60 %.
    #[serde(default)]
    pub fee_rate_ppm: u32,
    /// Whether results are announced at all.
    #[serde(default = "yes")]
    pub notifications: bool,
    /// Payers that pay by themselves, if any.
    #[serde(default)]
    pub auto_pay: Option<AutoPay>,
}

fn yes() -> bool {
    true
}

impl WechatMerchant {
    /// A merchant in public-key mode with a fee of 0.60 %, announced results and payers that
    /// wait to be told.
    pub fn new(
        merchant_id: impl Into<String>,
        app_id: impl Into<String>,
        serial_no: impl Into<String>,
        key_pem: impl Into<String>,
        api_v3_key: impl Into<String>,
    ) -> Self {
        Self {
            merchant_id: merchant_id.into(),
            app_id: app_id.into(),
            serial_no: serial_no.into(),
            key_pem: key_pem.into(),
            api_v3_key: api_v3_key.into(),
            serial_mode: SerialMode::default(),
            fee_rate_ppm: 6_000,
            notifications: true,
            auto_pay: None,
        }
    }

    pub(crate) fn terms(&self) -> MerchantTerms {
        MerchantTerms {
            merchant_id: self.merchant_id.clone(),
            app_id: self.app_id.clone(),
            fee_rate_ppm: self.fee_rate_ppm,
            notifications: self.notifications,
            auto_pay: self.auto_pay,
        }
    }

    pub(crate) fn keys(&self) -> Result<MerchantKeys, SandboxError> {
        let unfit = |reason: &str| SandboxError::Merchant {
            merchant_id: self.merchant_id.clone(),
            reason: reason.to_owned(),
        };
        let public_key = if self.key_pem.contains("BEGIN CERTIFICATE") {
            let certificate = Certificate::from_pem(&self.key_pem)?;
            if certificate.serial_hex() != self.serial_no {
                return Err(unfit(
                    "serial_no is not the serial number of its certificate",
                ));
            }
            certificate.public_key().clone()
        } else {
            RsaPublicKey::from_text(&self.key_pem)?
        };
        if self.fee_rate_ppm > 1_000_000 {
            return Err(unfit("fee_rate_ppm is more than the whole amount"));
        }
        Ok(MerchantKeys {
            serial_no: self.serial_no.clone(),
            public_key,
            api_v3_key: AeadKey::new(self.api_v3_key.as_bytes())?,
            serial_mode: self.serial_mode,
        })
    }
}

impl fmt::Debug for WechatMerchant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WechatMerchant")
            .field("merchant_id", &self.merchant_id)
            .field("app_id", &self.app_id)
            .field("serial_no", &self.serial_no)
            .field("api_v3_key", &"***")
            .field("serial_mode", &self.serial_mode)
            .field("fee_rate_ppm", &self.fee_rate_ppm)
            .field("notifications", &self.notifications)
            .field("auto_pay", &self.auto_pay)
            .finish_non_exhaustive()
    }
}

/// Keys of a registered merchant.
#[derive(Debug)]
pub(crate) struct MerchantKeys {
    pub(crate) serial_no: String,
    pub(crate) public_key: RsaPublicKey,
    pub(crate) api_v3_key: AeadKey,
    pub(crate) serial_mode: SerialMode,
}
