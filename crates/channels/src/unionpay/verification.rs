//! Signature check of responses and notifications: the message brings the signer's certificate.

use super::message::{SIGN_METHOD, VERSION};
use super::{Fields, UnionpayConfig};
use crate::connector::SignatureError;
use crate::crypto::{Certificate, verify_chain};
use jiff::Timestamp;

/// Checks version, certificate (chain, validity, common name) and signature.
pub(super) fn verify(
    config: &UnionpayConfig,
    fields: &Fields,
    at: Timestamp,
) -> Result<(), SignatureError> {
    let need = |name| fields.get(name).ok_or(SignatureError::Missing { name });
    let (version, method) = (need("version")?, need("signMethod")?);
    if version != VERSION || method != SIGN_METHOD {
        return Err(SignatureError::Scheme {
            scheme: format!("{version:.16} {method:.16}"),
        });
    }
    let signature = need("signature")?;
    let certificate =
        Certificate::from_pem(need("signPubKeyCert")?).map_err(|_| SignatureError::Malformed {
            name: "signPubKeyCert",
        })?;
    check_signer(config, &certificate, at)?;
    certificate
        .public_key()
        .verify_sha256_base64(fields.digest_to_sign().as_bytes(), signature)
        .map_err(|_| SignatureError::Mismatch)
}

/// The same authority issues merchants' certificates too: the name tells UnionPay's apart.
fn check_signer(
    config: &UnionpayConfig,
    certificate: &Certificate,
    at: Timestamp,
) -> Result<(), SignatureError> {
    let chain = [
        certificate,
        &config.middle_certificate,
        &config.root_certificate,
    ];
    verify_chain(&chain, at).map_err(|error| SignatureError::Signer {
        reason: error.to_string(),
    })?;
    let organisation = certificate
        .common_name()
        .and_then(|name| name.split('@').nth(2))
        .unwrap_or_default();
    let accepted = !organisation.is_empty()
        && config
            .accepted_signers
            .iter()
            .any(|name| name == organisation);
    if accepted {
        return Ok(());
    }
    Err(SignatureError::Signer {
        reason: "its common name is not UnionPay's".to_owned(),
    })
}
