//! The `Prefer` header (RFC 7240): how long an answer may wait for more.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use std::convert::Infallible;
use std::time::Duration;

/// Longest wait that is granted, in seconds.
const WAIT_MAX: u64 = 10;

/// `Prefer: wait=…`. A preference is no demand: what cannot be read is passed over, and more than ten
/// seconds are granted as ten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreferWait(pub Option<Duration>);

impl<S: Sync> FromRequestParts<S> for PreferWait {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(PreferWait(wait(&parts.headers)))
    }
}

fn wait(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|preference| {
            let main = preference.split(';').next()?;
            let (name, value) = main.split_once('=')?;
            // Of several the first counts.
            let named = name.trim().eq_ignore_ascii_case("wait");
            named.then(|| value.trim().trim_matches('"').to_owned())
        })?;
    // Digits only: `parse` would take a sign.
    let digits = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = digits.then(|| seconds.parse().unwrap_or(WAIT_MAX))?;
    Some(Duration::from_secs(seconds.min(WAIT_MAX)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::wait;
    use axum::http::{HeaderMap, HeaderValue};

    #[test]
    fn only_whole_seconds_are_read_and_ten_are_the_most() {
        let cases: [(&[&str], Option<u64>); 10] = [
            (&["wait=5"], Some(5)),
            (&["respond-async, Wait = \"3\" ; x=1"], Some(3)),
            (&["return=minimal", "wait=2"], Some(2)),
            (&["wait=2, wait=4"], Some(2)),
            (&["wait=0"], Some(0)),
            (&["wait=99999999999999999999"], Some(10)),
            (&["wait=-1"], None),
            (&["wait=soon"], None),
            (&["wait"], None),
            (&[], None),
        ];
        for (values, seconds) in cases {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("prefer", HeaderValue::from_static(value));
            }
            assert_eq!(
                wait(&headers).map(|found| found.as_secs()),
                seconds,
                "{values:?}"
            );
        }
    }
}
