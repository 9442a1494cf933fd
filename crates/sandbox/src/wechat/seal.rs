//! Signing what leaves the channel, and encrypting what only the merchant may read.

use super::announcement::Announcement;
use super::merchant::{MerchantKeys, SerialMode};
use crate::exchange::Outgoing;
use crate::keys::{CertifiedKey, SandboxKeys};
use calendar::rfc3339_shanghai;
use channels::crypto::{AeadKey, CryptoError, aead_aes_256_gcm_encrypt, base64_encode};
use jiff::Timestamp;
use serde_json::{Value, json};

const SIGNATURE_TYPE: &str = "WECHATPAY2-SHA256-RSA2048";
/// Begins the signatures that must fail verification.
const PROBE_PREFIX: &str = "WECHATPAY/SIGNTEST/";

/// How the signature of an answer or notification is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signing {
    Honest,
    /// With the prefix of a probing signature.
    Probe,
    /// Over other bytes than those sent.
    Forged,
}

/// Chooses the signing key: the one a request names in `Wechatpay-Serial`, else the merchant's.
pub(crate) fn chosen_mode(
    requested_serial: &str,
    keys: &SandboxKeys,
    merchant: &MerchantKeys,
) -> SerialMode {
    if requested_serial == public_key_id(keys) {
        SerialMode::PublicKey
    } else if requested_serial == keys.wechat_platform.serial_hex() {
        SerialMode::PlatformCertificate
    } else {
        merchant.serial_mode
    }
}

/// Identity of the public-key mode's key: derived from its serial number, so that kept keys
/// keep their identity.
pub(crate) fn public_key_id(keys: &SandboxKeys) -> String {
    let serial = keys.wechat_public_key.serial_decimal();
    format!("PUB_KEY_ID_0119{serial:0>30}")
}

/// The five signature headers over `body`.
pub(crate) fn signature_headers(
    keys: &SandboxKeys,
    mode: SerialMode,
    signing: Signing,
    nonce: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<Vec<(&'static str, String)>, CryptoError> {
    let (key, serial): (&CertifiedKey, String) = match mode {
        SerialMode::PlatformCertificate => {
            (&keys.wechat_platform, keys.wechat_platform.serial_hex())
        }
        SerialMode::PublicKey => (&keys.wechat_public_key, public_key_id(keys)),
    };
    let timestamp = now.as_second().to_string();
    let mut message = format!("{timestamp}\n{nonce}\n").into_bytes();
    message.extend_from_slice(body);
    message.push(b'\n');
    if signing == Signing::Forged {
        message.extend_from_slice(b"forged");
    }
    let signature = key.private_key().sign_sha256_base64(&message)?;
    let signature = match signing {
        Signing::Probe => format!("{PROBE_PREFIX}{signature}"),
        Signing::Honest | Signing::Forged => signature,
    };
    Ok(vec![
        ("Wechatpay-Timestamp", timestamp),
        ("Wechatpay-Nonce", nonce.to_owned()),
        ("Wechatpay-Signature", signature),
        ("Wechatpay-Serial", serial),
        ("Wechatpay-Signature-Type", SIGNATURE_TYPE.to_owned()),
    ])
}

/// An encrypted text as WeChat writes it in JSON. `nonce` has 12 characters.
fn encrypted(
    key: &AeadKey,
    nonce: &str,
    associated_data: &str,
    plain: &[u8],
) -> Result<Value, CryptoError> {
    let sealed =
        aead_aes_256_gcm_encrypt(key, nonce.as_bytes(), associated_data.as_bytes(), plain)?;
    Ok(json!({
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64_encode(&sealed),
        "associated_data": associated_data,
        "nonce": nonce,
    }))
}

/// Answer to `GET /v3/certificates`.
pub(crate) fn certificates(
    keys: &SandboxKeys,
    merchant: &MerchantKeys,
    nonce: &str,
) -> Result<Value, CryptoError> {
    let platform = &keys.wechat_platform;
    let pem = platform.certificate_pem().as_bytes();
    Ok(json!({"data": [{
        "serial_no": platform.serial_hex(),
        "effective_time": rfc3339_shanghai(platform.certificate().not_before()),
        "expire_time": rfc3339_shanghai(platform.certificate().not_after()),
        "encrypt_certificate": encrypted(&merchant.api_v3_key, nonce, "certificate", pem)?,
    }]}))
}

/// Encrypts and signs a notification. `resource_nonce` has 12 characters.
pub(crate) fn notification(
    keys: &SandboxKeys,
    merchant: &MerchantKeys,
    announcement: &Announcement,
    signing: Signing,
    (resource_nonce, nonce): (&str, &str),
    now: Timestamp,
) -> Result<Outgoing, CryptoError> {
    let plain = announcement.resource.to_string();
    let mut resource = encrypted(
        &merchant.api_v3_key,
        resource_nonce,
        announcement.original_type,
        plain.as_bytes(),
    )?;
    if let Some(object) = resource.as_object_mut() {
        object.insert(
            "original_type".to_owned(),
            json!(announcement.original_type),
        );
    }
    let body = json!({
        "id": announcement.event_id,
        "create_time": rfc3339_shanghai(announcement.created_at),
        "resource_type": "encrypt-resource",
        "event_type": announcement.event_type,
        "summary": announcement.summary,
        "resource": resource,
    })
    .to_string()
    .into_bytes();
    let mut headers = vec![(
        "Content-Type".to_owned(),
        "application/json; charset=utf-8".to_owned(),
    )];
    let signed = signature_headers(keys, merchant.serial_mode, signing, nonce, &body, now)?;
    headers.extend(
        signed
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    Ok(Outgoing {
        url: announcement.notify_url.clone(),
        headers,
        body,
    })
}
