//! The database's address: a URL as PostgreSQL's own clients take it, with TLS that is either off or checked.

use crate::store::StoreError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Silence after which the other side is asked whether it is there, and until it counts as gone.
const KEEPALIVE: Duration = Duration::from_secs(5);

/// Where the database is and how it is reached.
#[derive(Clone)]
pub(super) struct Address {
    config: Config,
    pub tls: Option<MakeRustlsConnect>,
}

impl Address {
    /// Reads `postgres://user@host/database?sslmode=…`.
    pub fn parse(url: &str) -> Result<Address, StoreError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(refused(
                "it must begin with postgres:// or postgresql://, like postgres://user@host/database",
            ));
        }
        let (rest, ours) = split(url)?;
        let mut config: Config = rest.parse().map_err(|error: tokio_postgres::Error| {
            // The driver names the parameter and never repeats the URL, which may hold a password.
            let source = std::error::Error::source(&error).map(ToString::to_string);
            refused(&source.unwrap_or_else(|| error.to_string()))
        })?;
        if config.get_dbname().is_none() {
            return Err(refused("it names no database"));
        }
        let tls = match ours.mode.as_deref() {
            Some("disable") => None,
            Some("verify-full") => Some(checked_tls(ours.roots.as_deref())?),
            None if is_local(&config) => None,
            None => Some(checked_tls(ours.roots.as_deref())?),
            Some(other) => {
                return Err(refused(&format!(
                    "sslmode={other} encrypts without knowing with whom; use sslmode=verify-full, with sslrootcert=FILE \
                     where the certificate is not from a public authority, or sslmode=disable"
                )));
            }
        };
        config
            .ssl_mode(if tls.is_some() {
                SslMode::Require
            } else {
                SslMode::Disable
            })
            .connect_timeout(CONNECT_MAX)
            .keepalives(true)
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(KEEPALIVE / 5)
            .keepalives_retries(5)
            .tcp_user_timeout(KEEPALIVE * 2);
        Ok(Address { config, tls })
    }

    /// Settings of one connection. Of several hosts the one that takes writes is meant; a single one may be read
    /// also while it takes none.
    pub fn config(&self, application_name: &str, writes: bool) -> Config {
        let mut config = self.config.clone();
        config.application_name(application_name);
        if writes || config.get_hosts().len() > 1 {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        config
    }

    /// For messages: everything but secrets.
    pub fn shown(&self) -> String {
        let hosts: Vec<String> = self
            .config
            .get_hosts()
            .iter()
            .map(|host| match host {
                Host::Tcp(name) => name.clone(),
                Host::Unix(path) => path.display().to_string(),
            })
            .collect();
        let database = self.config.get_dbname().unwrap_or_default();
        format!("database {database} on {}", hosts.join(","))
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

/// The parameters that the driver does not know.
#[derive(Default)]
struct Ours {
    mode: Option<String>,
    roots: Option<String>,
}

fn split(url: &str) -> Result<(String, Ours), StoreError> {
    let mut ours = Ours::default();
    let Some((head, query)) = url.split_once('?') else {
        return Ok((url.to_owned(), ours));
    };
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslmode", value)) => ours.mode = Some(value.to_owned()),
            Some(("sslrootcert", value)) => ours.roots = Some(decoded(value)?),
            _ => rest.push(pair),
        }
    }
    Ok((format!("{head}?{}", rest.join("&")), ours))
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> Result<String, StoreError> {
    let wrong = || refused(&format!("sslrootcert={text} is not percent-encoded UTF-8"));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let pair = [
            rest.next().ok_or_else(wrong)?,
            rest.next().ok_or_else(wrong)?,
        ];
        let [value] = hex::decode(pair)
            .ok()
            .and_then(|value| <[u8; 1]>::try_from(value).ok())
            .ok_or_else(wrong)?;
        bytes.push(value);
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

fn is_local(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
    })
}

fn checked_tls(roots_file: Option<&str>) -> Result<MakeRustlsConnect, StoreError> {
    let roots = match roots_file {
        Some(file) => roots_of(Path::new(file))?,
        None => system_roots()?,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Refused(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn roots_of(file: &Path) -> Result<RootCertStore, StoreError> {
    let wrong = |problem: &dyn std::fmt::Display| {
        refused(&format!("sslrootcert={}: {problem}", file.display()))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))? {
        let certificate = certificate.map_err(|error| wrong(&error))?;
        roots.add(certificate).map_err(|error| wrong(&error))?;
    }
    if roots.is_empty() {
        return Err(wrong(&"it holds no certificate"));
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, StoreError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(refused(
            "this system has no root certificates; name the database's own with sslrootcert=FILE, or say sslmode=disable",
        ));
    }
    Ok(roots)
}

fn refused(problem: &str) -> StoreError {
    StoreError::Refused(format!("the database's URL cannot be used: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::Address;

    fn refusal(url: &str) -> String {
        Address::parse(url).map_or_else(|error| error.to_string(), |address| address.shown())
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let cases = [
            ("mysql://host/book", "must begin with postgres://"),
            ("postgres://user@host", "names no database"),
            (
                "postgres://user@host/book?sslmode=require",
                "sslmode=require encrypts without",
            ),
            (
                "postgres://user@host/book?sslmode=verify-full&sslrootcert=/no/such%2Efile",
                "sslrootcert=/no/such.file",
            ),
            (
                "postgres://user@host/book?sslrootcert=%zz",
                "not percent-encoded",
            ),
            ("postgres://user@host/book?colour=red", "colour"),
            ("postgres://user@host:port/book", "port"),
        ];
        for (url, expected) in cases {
            let text = refusal(url);
            assert!(text.contains(expected), "{url}: {text}");
        }
    }

    #[test]
    fn passwords_are_never_shown() {
        let parsed = refusal("postgres://user:hunter2@localhost/book");
        assert_eq!(parsed, "database book on localhost");
        let wrong = refusal("postgres://user:hunter2@host:port/book");
        assert!(!wrong.contains("hunter2"), "{wrong}");
    }

    #[test]
    fn only_this_machine_is_reached_without_encryption_unless_told() {
        let encrypted = |url: &str| Address::parse(url).is_ok_and(|address| address.tls.is_some());
        assert!(!encrypted("postgres://user@127.0.0.1/book"));
        assert!(!encrypted("postgres://user@%2Frun%2Fpostgresql/book"));
        assert!(!encrypted(
            "postgres://user@db.example/book?sslmode=disable"
        ));
    }
}
