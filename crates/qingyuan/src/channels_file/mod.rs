//! `serve --channels FILE`: the institution's access to its channels, in TOML.
//!
//! Keys and certificates are text or `{ file = "…" }`. Numbers of certificates are read from the
//! certificates, and each private key is checked against its certificate, so that a mix-up is found
//! at the start and not at the first payment.

mod error;
mod source;

pub use error::ChannelsFileError;

use channels::crypto::{AeadKey, Certificate, CryptoError, RsaPrivateKey, RsaPublicKey};
use channels::{Connector, ConnectorError};
use channels::{UnionpayConfig, UnionpayConnector, WechatConfig, WechatConnector};
use serde::Deserialize;
use server::Connectors;
use source::Source;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Shown by `serve --help`.
pub const HELP: &str = r#"Access to channels (TOML): merchant numbers, keys, certificates.

A key or certificate is a PEM text or { file = "…" }, looked for beside this file. Channels reach
the server under public_url of the settings, at /notify/wechat and /notify/unionpay.

  [wechat]
  merchant_id = "1900000109"
  app_id = "wx8888888888888888"
  certificate = { file = "apiclient_cert.pem" }
  private_key = { file = "apiclient_key.pem" }
  api_v3_key = { file = "api_v3_key" }
  # base_url = "https://api.mch.weixin.qq.com"
  [wechat.platform_keys]                # by PUB_KEY_ID_… or the certificate's serial number
  PUB_KEY_ID_0119000001092024 = { file = "pub_key.pem" }

  [unionpay]
  merchant_id = "777290058110097"
  certificate = { file = "sign.crt" }   # openssl pkcs12 -in sign.pfx -nokeys -clcerts
  private_key = { file = "sign.key" }   # openssl pkcs12 -in sign.pfx -nocerts -nodes
  root_certificate = { file = "acp_prod_root.cer" }
  middle_certificate = { file = "acp_prod_middle.cer" }
  encryption_certificate = { file = "acp_prod_enc.cer" }
  # base_url = "https://gateway.95516.com/gateway/api"
  # accepted_signers = ["中国银联股份有限公司"]"#;

/// The institution's access to its channels.
#[derive(Debug)]
pub struct ChannelsFile {
    path: PathBuf,
    content: Content,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    wechat: Option<WechatAccess>,
    unionpay: Option<UnionpayAccess>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WechatAccess {
    merchant_id: String,
    app_id: String,
    certificate: Source,
    private_key: Source,
    api_v3_key: Source,
    /// Public keys or platform certificates, by number.
    platform_keys: BTreeMap<String, Source>,
    #[serde(default = "wechat_production")]
    base_url: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnionpayAccess {
    merchant_id: String,
    certificate: Source,
    private_key: Source,
    root_certificate: Source,
    middle_certificate: Source,
    encryption_certificate: Source,
    #[serde(default = "unionpay_production")]
    base_url: String,
    #[serde(default = "unionpay_signers")]
    accepted_signers: Vec<String>,
}

fn wechat_production() -> String {
    "https://api.mch.weixin.qq.com".into()
}

fn unionpay_production() -> String {
    "https://gateway.95516.com/gateway/api".into()
}

fn unionpay_signers() -> Vec<String> {
    vec![channels::unionpay::PRODUCTION_SIGNER.into()]
}

impl ChannelsFile {
    /// Reads a file; the keys it names are read by [`Self::connectors`].
    ///
    /// # Errors
    /// [`ChannelsFileError`] naming file, line and field.
    pub fn read(path: &Path) -> Result<ChannelsFile, ChannelsFileError> {
        let unreadable = |error| ChannelsFileError::Unreadable {
            path: path.to_owned(),
            error,
        };
        let text = zeroize::Zeroizing::new(std::fs::read_to_string(path).map_err(unreadable)?);
        let content = parse(&text).map_err(|(line, problem)| ChannelsFileError::Form {
            path: path.to_owned(),
            line,
            problem,
        })?;
        if content.wechat.is_none() && content.unionpay.is_none() {
            return Err(ChannelsFileError::Empty {
                path: path.to_owned(),
            });
        }
        Ok(ChannelsFile {
            path: path.to_owned(),
            content,
        })
    }

    /// Names of the channels described.
    pub fn names(&self) -> Vec<&'static str> {
        let wechat = self.content.wechat.as_ref().map(|_| "WeChat Pay");
        let unionpay = self.content.unionpay.as_ref().map(|_| "UnionPay");
        wechat.into_iter().chain(unionpay).collect()
    }

    /// Connectors whose channels reach this server at `public_url`.
    ///
    /// # Errors
    /// [`ChannelsFileError`] naming the field.
    pub fn connectors(&self, public_url: &str) -> Result<Connectors, ChannelsFileError> {
        let mut all: Vec<Arc<dyn Connector>> = Vec::new();
        if let Some(access) = &self.content.wechat {
            let keys = Keys::of(self, "wechat");
            let connector = access.connector(&keys, format!("{public_url}/notify/wechat"))?;
            all.push(Arc::new(connector));
        }
        if let Some(access) = &self.content.unionpay {
            let keys = Keys::of(self, "unionpay");
            let connector = access.connector(&keys, format!("{public_url}/notify/unionpay"))?;
            all.push(Arc::new(connector));
        }
        Ok(Connectors::new(all))
    }
}

/// The content, or the line and what is wrong with it. The lines themselves are not repeated, as
/// TOML's own messages do: they may hold secrets.
fn parse(text: &str) -> Result<Content, (usize, String)> {
    let line = |error: &toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        before.map_or(1, |before| before.matches('\n').count() + 1)
    };
    let reader = toml::Deserializer::parse(text)
        .map_err(|error| (line(&error), error.message().to_owned()))?;
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let problem = format!("{}: {}", error.path(), error.inner().message());
        (line(error.inner()), problem)
    })
}

/// Reads the keys of one table.
struct Keys<'a> {
    path: &'a Path,
    directory: &'a Path,
    table: &'static str,
}

impl<'a> Keys<'a> {
    fn of(file: &'a ChannelsFile, table: &'static str) -> Keys<'a> {
        Keys {
            path: &file.path,
            directory: file.path.parent().unwrap_or(Path::new("")),
            table,
        }
    }

    fn wrong(&self, field: &str, problem: impl ToString) -> ChannelsFileError {
        ChannelsFileError::field(self.path, format!("{}.{field}", self.table), problem)
    }

    fn read<T>(
        &self,
        field: &str,
        source: &Source,
        parse: impl FnOnce(&str) -> Result<T, CryptoError>,
    ) -> Result<T, ChannelsFileError> {
        let text = source
            .text(self.directory)
            .map_err(|problem| self.wrong(field, problem))?;
        parse(&text).map_err(|error| self.wrong(field, error))
    }

    fn certificate(&self, field: &str, source: &Source) -> Result<Certificate, ChannelsFileError> {
        self.read(field, source, Certificate::from_pem)
    }

    /// The institution's own certificate and the key that belongs to it.
    fn pair(
        &self,
        certificate: &Source,
        private_key: &Source,
    ) -> Result<(Certificate, RsaPrivateKey), ChannelsFileError> {
        let certificate = self.certificate("certificate", certificate)?;
        let key = self.read("private_key", private_key, RsaPrivateKey::from_text)?;
        if key.public_key() != certificate.public_key() {
            let problem = format!(
                "it is not the key of certificate {}",
                certificate.serial_hex()
            );
            return Err(self.wrong("private_key", problem));
        }
        Ok((certificate, key))
    }

    fn connector_error(&self, error: ConnectorError) -> ChannelsFileError {
        match error {
            ConnectorError::Configuration {
                setting: "notify_url" | "back_url",
                reason,
            } => ChannelsFileError::field(
                self.path,
                self.table,
                format!("it cannot notify us under public_url of the settings: {reason}"),
            ),
            ConnectorError::Configuration { setting, reason } => self.wrong(setting, reason),
            other => ChannelsFileError::field(self.path, self.table, other),
        }
    }
}

impl WechatAccess {
    fn connector(
        &self,
        keys: &Keys<'_>,
        notify_url: String,
    ) -> Result<WechatConnector, ChannelsFileError> {
        let (certificate, private_key) = keys.pair(&self.certificate, &self.private_key)?;
        let config = WechatConfig {
            merchant_id: self.merchant_id.clone(),
            app_id: self.app_id.clone(),
            serial_no: certificate.serial_hex(),
            private_key,
            api_v3_key: keys.read("api_v3_key", &self.api_v3_key, |text| {
                AeadKey::new(text.as_bytes())
            })?,
            platform_keys: self.platform_keys(keys)?,
            base_url: self.base_url.clone(),
            notify_url,
        };
        WechatConnector::new(config).map_err(|error| keys.connector_error(error))
    }

    fn platform_keys(
        &self,
        keys: &Keys<'_>,
    ) -> Result<BTreeMap<String, RsaPublicKey>, ChannelsFileError> {
        let mut known = BTreeMap::new();
        for (number, source) in &self.platform_keys {
            let field = format!("platform_keys.{number}");
            let key = keys.read(&field, source, RsaPublicKey::from_text)?;
            // A certificate under another's number would refuse everything the channel sends.
            if let Ok(certificate) = keys.certificate(&field, source)
                && certificate.serial_hex() != *number
            {
                let problem = format!("the certificate's number is {}", certificate.serial_hex());
                return Err(keys.wrong(&field, problem));
            }
            known.insert(number.clone(), key);
        }
        Ok(known)
    }
}

impl UnionpayAccess {
    fn connector(
        &self,
        keys: &Keys<'_>,
        back_url: String,
    ) -> Result<UnionpayConnector, ChannelsFileError> {
        let (certificate, private_key) = keys.pair(&self.certificate, &self.private_key)?;
        let config = UnionpayConfig {
            merchant_id: self.merchant_id.clone(),
            cert_id: certificate.serial_decimal().to_owned(),
            private_key,
            root_certificate: keys.certificate("root_certificate", &self.root_certificate)?,
            middle_certificate: keys.certificate("middle_certificate", &self.middle_certificate)?,
            encryption_certificate: keys
                .certificate("encryption_certificate", &self.encryption_certificate)?,
            base_url: self.base_url.clone(),
            back_url,
            accepted_signers: self.accepted_signers.clone(),
        };
        UnionpayConnector::new(config).map_err(|error| keys.connector_error(error))
    }
}
