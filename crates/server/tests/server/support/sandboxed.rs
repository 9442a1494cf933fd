//! Connectors to a sandbox with its own merchants, on one clock.

use super::start_time;
use channels::Connector;
use channels::crypto::{AeadKey, Certificate, RsaPrivateKey, RsaPublicKey};
use channels::unionpay::{TEST_SIGNER, UnionpayConfig, UnionpayConnector};
use channels::wechat::{WechatConfig, WechatConnector};
use sandbox::wechat::WechatSettings;
use sandbox::{Clock, RunningSandbox, Sandbox, SandboxConfig, SimClock};
use server::Connectors;
use std::collections::BTreeMap;
use std::sync::Arc;

pub async fn sandbox(wechat: WechatSettings) -> (SimClock, RunningSandbox) {
    let clock = SimClock::new(start_time());
    let sandbox = Sandbox::start(SandboxConfig {
        clock: Clock::Simulated(clock.clone()),
        demo_merchants: true,
        wechat,
        ..SandboxConfig::default()
    });
    (clock, sandbox.await.unwrap())
}

/// Connectors for the sandbox's own merchants.
pub fn connectors(
    sandbox: &RunningSandbox,
    wechat_notify: &str,
    unionpay_notify: &str,
) -> Connectors {
    let given = sandbox.parameters();
    let own = given.demo_merchants.as_ref().unwrap();
    let (shop, bank) = (&own.wechat[0], &own.unionpay[0]);
    let platform = RsaPublicKey::from_text(&given.wechat.platform_public_key_pem).unwrap();
    let wechat = WechatConnector::new(WechatConfig {
        merchant_id: shop.merchant_id.clone(),
        app_id: shop.app_id.clone(),
        serial_no: shop.serial_no.clone(),
        private_key: RsaPrivateKey::from_text(&shop.private_key_pem).unwrap(),
        api_v3_key: AeadKey::new(shop.api_v3_key.as_bytes()).unwrap(),
        platform_keys: BTreeMap::from([(given.wechat.platform_public_key_id.clone(), platform)]),
        base_url: given.wechat.base_url.clone(),
        notify_url: wechat_notify.to_owned(),
    })
    .unwrap();
    let certificate = |pem: &str| Certificate::from_pem(pem).unwrap();
    let unionpay = UnionpayConnector::new(UnionpayConfig {
        merchant_id: bank.merchant_id.clone(),
        cert_id: bank.certificate_id.clone(),
        private_key: RsaPrivateKey::from_text(&bank.private_key_pem).unwrap(),
        root_certificate: certificate(&given.unionpay.root_certificate_pem),
        middle_certificate: certificate(&given.unionpay.middle_certificate_pem),
        encryption_certificate: certificate(&given.unionpay.encryption_certificate_pem),
        base_url: given.unionpay.base_url.clone(),
        back_url: unionpay_notify.to_owned(),
        accepted_signers: vec![TEST_SIGNER.to_owned()],
    })
    .unwrap();
    Connectors::new([Arc::new(wechat) as Arc<dyn Connector>, Arc::new(unionpay)])
}
