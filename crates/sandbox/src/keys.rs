//! Keys and certificates of the simulated channels, and of merchants for tests and demos.

use crate::error::SandboxError;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use channels::crypto::{Certificate, RsaPrivateKey};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, SerialNumber, date_time_ymd,
};
use std::fmt;
use std::path::Path;

/// Common name of UnionPay's signing certificate, as in its test environment: the third part
/// between `@` is what merchants check.
const UNIONPAY_SIGNER_NAME: &str = "041@Z12@00040000:SIGN@00000001";

/// A private key with its certificate, both as PEM.
#[derive(Clone)]
pub struct CertifiedKey {
    private_key_pem: String,
    certificate_pem: String,
    private_key: RsaPrivateKey,
    certificate: Certificate,
}

impl CertifiedKey {
    fn from_pem(private_key_pem: String, certificate_pem: String) -> Result<Self, SandboxError> {
        Ok(Self {
            private_key: RsaPrivateKey::from_text(&private_key_pem)?,
            certificate: Certificate::from_pem(&certificate_pem)?,
            private_key_pem,
            certificate_pem,
        })
    }

    /// PKCS#8 PEM of the private key. Secret.
    pub fn private_key_pem(&self) -> &str {
        &self.private_key_pem
    }

    /// PEM of the certificate.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The private key.
    pub fn private_key(&self) -> &RsaPrivateKey {
        &self.private_key
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Serial number in upper-case hex: WeChat's `serial_no`.
    pub fn serial_hex(&self) -> String {
        self.certificate.serial_hex()
    }

    /// Serial number in decimal: UnionPay's `certId`.
    pub fn serial_decimal(&self) -> &str {
        self.certificate.serial_decimal()
    }
}

impl fmt::Debug for CertifiedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertifiedKey({})", self.serial_hex())
    }
}

/// All keys of the channels' side. Generating them takes a second or two: make one set and
/// share it among sandboxes.
#[derive(Debug, Clone)]
pub struct SandboxKeys {
    /// WeChat's platform certificate and its key.
    pub wechat_platform: CertifiedKey,
    /// WeChat's key of the public-key mode; only the key half is used.
    pub wechat_public_key: CertifiedKey,
    /// UnionPay's root certificate.
    pub unionpay_root: CertifiedKey,
    /// UnionPay's middle certificate, issued by the root.
    pub unionpay_middle: CertifiedKey,
    /// UnionPay's signing certificate, issued by the middle one.
    pub unionpay_sign: CertifiedKey,
    /// UnionPay's certificate for the encryption of sensitive fields.
    pub unionpay_encryption: CertifiedKey,
}

impl SandboxKeys {
    /// Generates a new set.
    ///
    /// # Errors
    /// [`SandboxError::KeyGeneration`] if the cryptographic library fails.
    pub fn generate() -> Result<Self, SandboxError> {
        let root = issue("QINGYUAN SANDBOX ROOT", Role::Authority, None)?;
        let middle = issue("QINGYUAN SANDBOX OCA1", Role::Authority, Some(&root))?;
        Ok(Self {
            wechat_platform: issue("Qingyuan sandbox platform", Role::Leaf, None)?,
            wechat_public_key: issue("Qingyuan sandbox public key", Role::Leaf, None)?,
            unionpay_sign: issue(UNIONPAY_SIGNER_NAME, Role::Leaf, Some(&middle))?,
            unionpay_encryption: issue("QINGYUAN SANDBOX ENC", Role::Leaf, Some(&middle))?,
            unionpay_middle: middle,
            unionpay_root: root,
        })
    }

    /// Reads the set kept in `directory`, or generates one and keeps it there.
    ///
    /// # Errors
    /// [`SandboxError::KeyDirectory`] if a file cannot be read or written, and what
    /// [`Self::generate`] answers.
    pub fn load_or_generate(directory: &Path) -> Result<Self, SandboxError> {
        if directory.join("wechat_platform.key.pem").exists() {
            return Ok(Self {
                wechat_platform: load(directory, "wechat_platform")?,
                wechat_public_key: load(directory, "wechat_public_key")?,
                unionpay_root: load(directory, "unionpay_root")?,
                unionpay_middle: load(directory, "unionpay_middle")?,
                unionpay_sign: load(directory, "unionpay_sign")?,
                unionpay_encryption: load(directory, "unionpay_encryption")?,
            });
        }
        let keys = Self::generate()?;
        store(directory, "wechat_public_key", &keys.wechat_public_key)?;
        store(directory, "unionpay_root", &keys.unionpay_root)?;
        store(directory, "unionpay_middle", &keys.unionpay_middle)?;
        store(directory, "unionpay_sign", &keys.unionpay_sign)?;
        store(directory, "unionpay_encryption", &keys.unionpay_encryption)?;
        // Written last: its presence says that the set is complete.
        store(directory, "wechat_platform", &keys.wechat_platform)?;
        Ok(keys)
    }
}

/// Generates a merchant's key pair with a self-signed certificate that bears `name`.
///
/// # Errors
/// [`SandboxError::KeyGeneration`] if the cryptographic library fails.
pub fn generate_merchant(name: &str) -> Result<CertifiedKey, SandboxError> {
    issue(name, Role::Leaf, None)
}

/// Reads the merchant key kept in `directory` under `name`, or generates and keeps it.
///
/// # Errors
/// As [`SandboxKeys::load_or_generate`].
pub fn load_or_generate_merchant(
    directory: &Path,
    name: &str,
) -> Result<CertifiedKey, SandboxError> {
    if directory.join(format!("{name}.crt.pem")).exists() {
        return load(directory, name);
    }
    let key = generate_merchant(name)?;
    store(directory, name, &key)?;
    Ok(key)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Authority,
    Leaf,
}

fn issue(
    common_name: &str,
    role: Role,
    issuer: Option<&CertifiedKey>,
) -> Result<CertifiedKey, SandboxError> {
    let pkcs8: Pkcs8V1Der<'static> = RsaKeyPair::generate(KeySize::Rsa2048)
        .and_then(|pair| pair.as_der())
        .map_err(|_| failed("RSA key generation"))?;
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.as_ref().into(), &PKCS_RSA_SHA256)
        .map_err(|_| failed("reading the RSA key back"))?;
    let params = parameters(common_name, role)?;
    let certificate = match issuer {
        None => params.self_signed(&key),
        Some(parent) => {
            let parent_key =
                KeyPair::from_pkcs8_pem_and_sign_algo(parent.private_key_pem(), &PKCS_RSA_SHA256)
                    .map_err(|_| failed("reading the issuer's key"))?;
            let parent_name = parent.certificate().common_name().unwrap_or_default();
            let parent_params = parameters(parent_name, Role::Authority)?;
            params.signed_by(&key, &Issuer::new(parent_params, parent_key))
        }
    }
    .map_err(|_| failed("signing a certificate"))?;
    CertifiedKey::from_pem(key.serialize_pem(), certificate.pem())
}

fn parameters(common_name: &str, role: Role) -> Result<CertificateParams, SandboxError> {
    let mut params = CertificateParams::default();
    // Wide enough for every simulated day.
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
    params.serial_number = Some(serial_number()?);
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    params.distinguished_name = name;
    if role == Role::Authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    }
    Ok(params)
}

/// Eight bytes whose first is 0x40 to 0x7f: the same length in hex everywhere, and never negative.
fn serial_number() -> Result<SerialNumber, SandboxError> {
    let mut bytes = [0_u8; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| failed("drawing a serial number"))?;
    if let Some(first) = bytes.first_mut() {
        *first = (*first & 0x3f) | 0x40;
    }
    Ok(SerialNumber::from_slice(&bytes))
}

fn failed(step: &'static str) -> SandboxError {
    SandboxError::KeyGeneration { step }
}

fn load(directory: &Path, name: &str) -> Result<CertifiedKey, SandboxError> {
    let read = |suffix: &str| {
        let path = directory.join(format!("{name}.{suffix}.pem"));
        std::fs::read_to_string(&path).map_err(|source| SandboxError::KeyDirectory { path, source })
    };
    CertifiedKey::from_pem(read("key")?, read("crt")?)
}

fn store(directory: &Path, name: &str, key: &CertifiedKey) -> Result<(), SandboxError> {
    let write = |suffix: &str, text: &str| {
        let path = directory.join(format!("{name}.{suffix}.pem"));
        write_private(&path, text).map_err(|source| SandboxError::KeyDirectory { path, source })
    };
    std::fs::create_dir_all(directory).map_err(|source| SandboxError::KeyDirectory {
        path: directory.to_owned(),
        source,
    })?;
    write("key", key.private_key_pem())?;
    write("crt", key.certificate_pem())
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)?.write_all(text.as_bytes())
}
