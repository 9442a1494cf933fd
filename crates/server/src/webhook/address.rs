//! Where webhooks may go. Whoever registers an endpoint must not reach the institution's own
//! network through it: HTTPS only, public addresses only, checked again at each delivery because
//! a name may point elsewhere by then.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::{Host, Url};

/// Why a URL is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlProblem {
    /// No absolute URL, or too long.
    #[error("url must be an absolute https URL of at most 500 characters")]
    Malformed,
    /// Another scheme.
    #[error("url must begin with https://")]
    NotHttps,
    /// User name or password in it.
    #[error("url must not contain a user name or password")]
    Credentials,
    /// An address that is not public.
    #[error("url must lead to a public address")]
    Private,
}

/// Checks the URL of an endpoint.
///
/// # Errors
/// [`UrlProblem`].
pub fn check_url(text: &str, allow_private: bool) -> Result<Url, UrlProblem> {
    if text.len() > 500 {
        return Err(UrlProblem::Malformed);
    }
    let url = Url::parse(text).map_err(|_| UrlProblem::Malformed)?;
    let host = url.host().ok_or(UrlProblem::Malformed)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlProblem::Credentials);
    }
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        _ => return Err(UrlProblem::NotHttps),
    }
    let public = match host {
        Host::Ipv4(address) => is_public(IpAddr::V4(address)),
        Host::Ipv6(address) => is_public(IpAddr::V6(address)),
        Host::Domain(name) => !is_local_name(name),
    };
    if !public && !allow_private {
        return Err(UrlProblem::Private);
    }
    Ok(url)
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || !name.contains('.')
        || [".localhost", ".local", ".internal", ".home.arpa"]
            .iter()
            .any(|suffix| name.ends_with(suffix))
}

/// Whether an address is reachable by everybody.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4() {
            // Mapped and compatible forms lead to the IPv4 address inside.
            Some(inner) if !address.is_loopback() && !address.is_unspecified() => {
                is_public_v4(inner)
            }
            _ => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let benchmark = a == 198 && (18..20).contains(&b);
    let protocol = a == 192 && b == 0 && address.octets().get(2) == Some(&0);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || shared
        || benchmark
        || protocol)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Only 2000::/3 is given out; of that, 64:ff9b-like and 6to4 forms would hide an IPv4 address.
    let [first, second, ..] = address.segments();
    (0x2000..0x4000).contains(&first)
        && first != 0x2002
        && !(first == 0x2001 && (second == 0 || second == 0xdb8))
}

/// Resolves names to public addresses only.
#[derive(Debug, Clone, Copy)]
pub(super) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0))
                .await?
                .filter(|address| is_public(address.ip()))
                .collect();
            if found.is_empty() {
                return Err("the name has no public address".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{UrlProblem, check_url, is_public};

    #[test]
    fn only_public_https_urls_pass() {
        let cases = [
            ("https://merchant.example.com/hooks", None),
            ("https://93.184.216.34/hooks", None),
            (
                "http://merchant.example.com/hooks",
                Some(UrlProblem::NotHttps),
            ),
            ("ftp://merchant.example.com/", Some(UrlProblem::NotHttps)),
            (
                "https://user:pw@example.com/",
                Some(UrlProblem::Credentials),
            ),
            ("https://localhost/", Some(UrlProblem::Private)),
            ("https://intranet/", Some(UrlProblem::Private)),
            ("https://db.internal/", Some(UrlProblem::Private)),
            ("https://127.0.0.1/", Some(UrlProblem::Private)),
            ("https://2130706433/", Some(UrlProblem::Private)),
            ("https://169.254.169.254/latest", Some(UrlProblem::Private)),
            ("https://[::1]/", Some(UrlProblem::Private)),
            ("https://[::ffff:10.0.0.1]/", Some(UrlProblem::Private)),
            ("https://[fd00::1]/", Some(UrlProblem::Private)),
            ("nonsense", Some(UrlProblem::Malformed)),
        ];
        for (url, expected) in cases {
            assert_eq!(check_url(url, false).err(), expected, "{url}");
        }
        assert!(check_url("http://127.0.0.1:9000/x", true).is_ok());
    }

    #[test]
    fn addresses_of_inner_networks_are_not_public() {
        let cases = [
            ("8.8.8.8", true),
            ("10.1.2.3", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("255.255.255.255", false),
            ("2606:4700::1111", true),
            ("fe80::1", false),
            ("::", false),
            ("64:ff9b::a00:1", false),
            ("2002:a00:1::", false),
        ];
        for (address, public) in cases {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }
}
