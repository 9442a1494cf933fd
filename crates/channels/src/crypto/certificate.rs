//! X.509 certificates: what the channels read out of them, and the chain check.

use super::{CryptoError, RsaPublicKey, pem};
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RsaParameters, UnparsedPublicKey,
};
use jiff::Timestamp;
use x509_parser::oid_registry::{
    OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A certificate with an RSA key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    serial: Vec<u8>,
    serial_decimal: String,
    subject: Vec<u8>,
    issuer: Vec<u8>,
    common_name: Option<String>,
    not_before: Timestamp,
    not_after: Timestamp,
    may_issue: bool,
    public_key: RsaPublicKey,
}

impl Certificate {
    /// Reads the first PEM block, or bare base64.
    ///
    /// # Errors
    /// [`CryptoError::Key`] for text that is no PEM, else as [`Self::from_der`].
    pub fn from_pem(text: &str) -> Result<Self, CryptoError> {
        let block = pem::decode(text, "certificate")?;
        match block.label {
            None | Some("CERTIFICATE") => Self::from_der(&block.der),
            Some(_) => Err(unreadable("the PEM block holds something else")),
        }
    }

    /// Reads DER.
    ///
    /// # Errors
    /// [`CryptoError::Certificate`] for damaged DER, trailing bytes, or a key that is not RSA.
    pub fn from_der(der: &[u8]) -> Result<Self, CryptoError> {
        let (rest, cert) =
            X509Certificate::from_der(der).map_err(|_| unreadable("it is no X.509 DER"))?;
        if !rest.is_empty() {
            return Err(unreadable("bytes follow its end"));
        }
        let serial = match cert.raw_serial() {
            [0, tail @ ..] if !tail.is_empty() => tail.to_vec(),
            whole => whole.to_vec(),
        };
        let instant = |seconds| {
            Timestamp::from_second(seconds).map_err(|_| unreadable("its validity is out of range"))
        };
        let signs_certificates = match cert.key_usage() {
            Ok(Some(usage)) => usage.value.key_cert_sign(),
            Ok(None) => true,
            Err(_) => return Err(unreadable("its key usage is damaged")),
        };
        let common_name = cert
            .subject()
            .iter_common_name()
            .next()
            .and_then(|name| name.as_str().ok())
            .map(str::to_owned);
        Ok(Self {
            serial,
            serial_decimal: cert.serial.to_string(),
            subject: cert.subject().as_raw().to_vec(),
            issuer: cert.issuer().as_raw().to_vec(),
            common_name,
            not_before: instant(cert.validity().not_before.timestamp())?,
            not_after: instant(cert.validity().not_after.timestamp())?,
            may_issue: cert.is_ca() && signs_certificates,
            public_key: RsaPublicKey::from_der(cert.public_key().raw)
                .map_err(|_| unreadable("its public key is not RSA of 2048 to 8192 bits"))?,
            der: der.to_vec(),
        })
    }

    /// Serial number in upper-case hex as OpenSSL prints it: WeChat's `serial_no`.
    pub fn serial_hex(&self) -> String {
        hex::encode_upper(&self.serial)
    }

    /// Serial number in decimal: UnionPay's `certId`.
    pub fn serial_decimal(&self) -> &str {
        &self.serial_decimal
    }

    /// First common name of the subject.
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// First valid instant.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Last valid instant.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The subject's key.
    pub fn public_key(&self) -> &RsaPublicKey {
        &self.public_key
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate in PEM with line feeds.
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.der)
    }

    /// Checks that `at` lies within the validity.
    ///
    /// # Errors
    /// [`CryptoError::OutsideValidity`].
    pub fn check_validity(&self, at: Timestamp) -> Result<(), CryptoError> {
        if self.not_before <= at && at <= self.not_after {
            return Ok(());
        }
        Err(CryptoError::OutsideValidity {
            serial: self.serial_hex(),
            not_before: self.not_before,
            not_after: self.not_after,
            at,
        })
    }

    /// Checks name, right to issue and signature of the supposed issuer.
    ///
    /// # Errors
    /// [`CryptoError::NotIssuedBy`].
    pub fn check_issued_by(&self, issuer: &Self) -> Result<(), CryptoError> {
        let refuse = |reason| CryptoError::NotIssuedBy {
            serial: self.serial_hex(),
            issuer: issuer.serial_hex(),
            reason,
        };
        if self.issuer != issuer.subject {
            return Err(refuse("the names differ"));
        }
        if !issuer.may_issue {
            return Err(refuse("the issuer is no certification authority"));
        }
        let (_, cert) =
            X509Certificate::from_der(&self.der).map_err(|_| refuse("it cannot be read"))?;
        // RFC 5280, 4.1.1.2: both algorithm fields are the same.
        if cert.signature_algorithm != cert.tbs_certificate.signature {
            return Err(refuse("its two algorithm fields differ"));
        }
        let algorithm = &cert.signature_algorithm.algorithm;
        let parameters: &'static RsaParameters = if *algorithm == OID_PKCS1_SHA256WITHRSA {
            &RSA_PKCS1_2048_8192_SHA256
        } else if *algorithm == OID_PKCS1_SHA384WITHRSA {
            &RSA_PKCS1_2048_8192_SHA384
        } else if *algorithm == OID_PKCS1_SHA512WITHRSA {
            &RSA_PKCS1_2048_8192_SHA512
        } else {
            return Err(refuse("its signature is not RSA with SHA-256 or longer"));
        };
        UnparsedPublicKey::new(parameters, issuer.public_key.spki_der())
            .verify(cert.tbs_certificate.as_ref(), &cert.signature_value.data)
            .map_err(|_| refuse("the signature does not match"))
    }
}

/// Checks `chain[0]` against `chain[1]` and so on up to the last, which is trusted as given;
/// every certificate must be valid at `at`.
///
/// # Errors
/// [`CryptoError::OutsideValidity`] or [`CryptoError::NotIssuedBy`] of the first bad link.
pub fn verify_chain(chain: &[&Certificate], at: Timestamp) -> Result<(), CryptoError> {
    for certificate in chain {
        certificate.check_validity(at)?;
    }
    chain
        .windows(2)
        .filter_map(|link| link.first().zip(link.last()))
        .try_for_each(|(child, issuer)| child.check_issued_by(issuer))
}

fn unreadable(reason: &'static str) -> CryptoError {
    CryptoError::Certificate { reason }
}
