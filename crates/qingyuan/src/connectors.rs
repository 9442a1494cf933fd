//! Connectors to the sandbox: the institution's keys registered there, the sandbox's keys known here.

use crate::failure::Failure;
use channels::crypto::{AeadKey, Certificate, RsaPublicKey};
use channels::{Connector, UnionpayConfig, UnionpayConnector, WechatConfig, WechatConnector};
use sandbox::keys::CertifiedKey;
use sandbox::{RunningSandbox, UnionpayMerchant, WechatMerchant};
use server::Connectors;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The institution's number at WeChat Pay.
pub const WECHAT_MERCHANT: &str = "1900000109";
/// The institution's number at UnionPay.
pub const UNIONPAY_MERCHANT: &str = "777290058110097";
const APP_ID: &str = "wx8888888888888888";
const API_V3_KEY: &str = "demonstration-api-v3-key-32bytes";

/// Keys of the institution at its channels.
pub struct InstitutionKeys {
    /// At WeChat Pay.
    pub wechat: CertifiedKey,
    /// At UnionPay.
    pub unionpay: CertifiedKey,
}

impl InstitutionKeys {
    /// New keys; takes a second or two.
    pub fn generate() -> Result<InstitutionKeys, Failure> {
        Ok(InstitutionKeys {
            wechat: sandbox::keys::generate_merchant(WECHAT_MERCHANT)?,
            unionpay: sandbox::keys::generate_merchant(UNIONPAY_MERCHANT)?,
        })
    }

    /// Keys kept in a directory.
    pub fn load_or_generate(directory: &std::path::Path) -> Result<InstitutionKeys, Failure> {
        Ok(InstitutionKeys {
            wechat: sandbox::keys::load_or_generate_merchant(directory, WECHAT_MERCHANT)?,
            unionpay: sandbox::keys::load_or_generate_merchant(directory, UNIONPAY_MERCHANT)?,
        })
    }
}

/// Registers the institution at the sandbox, with `adjust` applied to its WeChat terms.
pub fn register(
    sandbox: &RunningSandbox,
    keys: &InstitutionKeys,
    adjust: impl FnOnce(&mut WechatMerchant),
) -> Result<(), Failure> {
    let mut wechat = WechatMerchant::new(
        WECHAT_MERCHANT,
        APP_ID,
        keys.wechat.serial_hex(),
        keys.wechat.certificate_pem(),
        API_V3_KEY,
    );
    adjust(&mut wechat);
    sandbox.register_wechat_merchant(&wechat)?;
    sandbox.register_unionpay_merchant(&UnionpayMerchant {
        merchant_id: UNIONPAY_MERCHANT.into(),
        certificate_pem: keys.unionpay.certificate_pem().into(),
    })?;
    Ok(())
}

/// Connectors that reach the sandbox and are reached at `public_url`.
pub fn connectors(
    sandbox: &RunningSandbox,
    keys: &InstitutionKeys,
    public_url: &str,
) -> Result<Connectors, Failure> {
    let parameters = sandbox.parameters();
    let wechat = &parameters.wechat;
    let platform_key =
        RsaPublicKey::from_text(&wechat.platform_public_key_pem).map_err(Failure::other)?;
    let platform_keys = BTreeMap::from([
        (wechat.platform_public_key_id.clone(), platform_key.clone()),
        (wechat.platform_certificate_serial_no.clone(), platform_key),
    ]);
    let wechat = WechatConnector::new(WechatConfig {
        merchant_id: WECHAT_MERCHANT.into(),
        app_id: APP_ID.into(),
        serial_no: keys.wechat.serial_hex(),
        private_key: keys.wechat.private_key().clone(),
        api_v3_key: AeadKey::new(API_V3_KEY.as_bytes()).map_err(Failure::other)?,
        platform_keys,
        base_url: wechat.base_url.clone(),
        notify_url: format!("{public_url}/notify/wechat"),
    })
    .map_err(Failure::other)?;
    let unionpay = &parameters.unionpay;
    let certificate = |pem: &str| Certificate::from_pem(pem).map_err(Failure::other);
    let unionpay = UnionpayConnector::new(UnionpayConfig {
        merchant_id: UNIONPAY_MERCHANT.into(),
        cert_id: keys.unionpay.serial_decimal().into(),
        private_key: keys.unionpay.private_key().clone(),
        root_certificate: certificate(&unionpay.root_certificate_pem)?,
        middle_certificate: certificate(&unionpay.middle_certificate_pem)?,
        encryption_certificate: certificate(&unionpay.encryption_certificate_pem)?,
        base_url: unionpay.base_url.clone(),
        back_url: format!("{public_url}/notify/unionpay"),
        accepted_signers: vec![channels::unionpay::TEST_SIGNER.into()],
    })
    .map_err(Failure::other)?;
    let all: [Arc<dyn Connector>; 2] = [Arc::new(wechat), Arc::new(unionpay)];
    Ok(Connectors::new(all))
}
