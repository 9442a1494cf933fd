//! A sandbox on a simulated clock.

use super::{unionpay, wechat};
use calendar::{BusinessDate, instant_at};
use sandbox::{
    CertifiedKey, Clock, RunningSandbox, Sandbox, SandboxConfig, SandboxKeys, SerialMode, SimClock,
    UnionpayMerchant, WechatMerchant, generate_merchant,
};
use std::sync::{Arc, OnceLock};

/// Keys of the channels, made once for all tests of a binary.
pub fn keys() -> Arc<SandboxKeys> {
    static KEYS: OnceLock<Arc<SandboxKeys>> = OnceLock::new();
    KEYS.get_or_init(|| Arc::new(SandboxKeys::generate().unwrap()))
        .clone()
}

/// A merchant's key, made once for all tests of a binary.
pub fn merchant_key() -> &'static CertifiedKey {
    static KEY: OnceLock<CertifiedKey> = OnceLock::new();
    KEY.get_or_init(|| generate_merchant("merchant").unwrap())
}

/// Ten in the morning of 2 March 2026.
pub fn clock() -> SimClock {
    let day = BusinessDate::new(2026, 3, 2).unwrap();
    SimClock::new(instant_at(day, 10, 0, 0))
}

/// A sandbox on `clock` without merchants.
pub async fn start(clock: &SimClock) -> RunningSandbox {
    Sandbox::start(SandboxConfig {
        clock: Clock::Simulated(clock.clone()),
        keys: Some(keys()),
        ..SandboxConfig::default()
    })
    .await
    .unwrap()
}

/// A sandbox with WeChat's merchant, which knows the platform by `mode`.
pub async fn start_with_wechat(clock: &SimClock, mode: SerialMode) -> RunningSandbox {
    let sandbox = start(clock).await;
    let merchant = WechatMerchant {
        serial_mode: mode,
        ..wechat_merchant()
    };
    sandbox.register_wechat_merchant(&merchant).unwrap();
    sandbox
}

/// WeChat's merchant, to be registered.
pub fn wechat_merchant() -> WechatMerchant {
    let key = merchant_key();
    WechatMerchant::new(
        wechat::MERCHANT,
        wechat::APP,
        key.serial_hex(),
        key.certificate_pem(),
        wechat::API_V3_KEY,
    )
}

/// A sandbox with UnionPay's merchant.
pub async fn start_with_unionpay(clock: &SimClock) -> RunningSandbox {
    let sandbox = start(clock).await;
    let merchant = UnionpayMerchant {
        merchant_id: unionpay::MERCHANT.to_owned(),
        certificate_pem: merchant_key().certificate_pem().to_owned(),
    };
    sandbox.register_unionpay_merchant(&merchant).unwrap();
    sandbox
}

pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}
