//! Merchants that the sandbox registers by itself.

use crate::error::SandboxError;
use crate::keys::{CertifiedKey, generate_merchant, load_or_generate_merchant};
use crate::parameters::{DemoMerchants, DemoUnionpayMerchant, DemoWechatMerchant};
use crate::wechat::SerialMode;
use std::path::PathBuf;

/// Not a secret of anybody: the demo merchants' APIv3 key.
const API_V3_KEY: &str = "0123456789abcdef0123456789ABCDEF";

pub(crate) fn merchants(directory: Option<PathBuf>) -> Result<DemoMerchants, SandboxError> {
    let key = |name: &str| match &directory {
        Some(directory) => load_or_generate_merchant(directory, name),
        None => generate_merchant(name),
    };
    let modern = key("demo_wechat_public_key_mode")?;
    let classic = key("demo_wechat_certificate_mode")?;
    let unionpay = key("demo_unionpay")?;
    Ok(DemoMerchants {
        wechat: vec![
            wechat("1900000001", SerialMode::PublicKey, &modern),
            wechat("1900000002", SerialMode::PlatformCertificate, &classic),
        ],
        unionpay: vec![DemoUnionpayMerchant {
            merchant_id: "777290058110048".to_owned(),
            certificate_id: unionpay.serial_decimal().to_owned(),
            certificate_pem: unionpay.certificate_pem().to_owned(),
            private_key_pem: unionpay.private_key_pem().to_owned(),
        }],
    })
}

fn wechat(merchant_id: &str, serial_mode: SerialMode, key: &CertifiedKey) -> DemoWechatMerchant {
    DemoWechatMerchant {
        merchant_id: merchant_id.to_owned(),
        app_id: "wx0000000000000001".to_owned(),
        serial_no: key.serial_hex(),
        certificate_pem: key.certificate_pem().to_owned(),
        private_key_pem: key.private_key_pem().to_owned(),
        api_v3_key: API_V3_KEY.to_owned(),
        serial_mode,
        fee_rate_ppm: 6_000,
    }
}
