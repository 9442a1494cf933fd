//! Who signed a request, and whether the signature holds for all of it.

use super::base::Message;
use super::digest::{self, ContentDigest};
use super::input::Input;
use super::key::read_public_key;
use super::{SignatureProblem, malformed};
use axum::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use axum::http::{HeaderMap, Method};
use domain::signing_key::SigningKey;

/// Seconds for which a signature is good, and for which a copy of it is worth something.
pub(crate) const WINDOW: i64 = 300;
/// Seconds by which a client's clock may be ahead.
const AHEAD_MAX: i64 = 60;
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What a signature that holds says.
#[derive(Debug)]
pub(crate) struct Signer {
    /// Digest of the body, where there is one.
    pub digest: Option<ContentDigest>,
    /// Told apart from copies by this, where the request has no `Idempotency-Key`.
    pub nonce: Option<String>,
}

/// Checks a request against the key that it names; `now` is in seconds since 1970.
pub(crate) fn verify(
    message: &Message<'_>,
    input: &Input,
    key: &SigningKey,
    now: i64,
) -> Result<Signer, SignatureProblem> {
    check_time(input, now)?;
    let digest = check_coverage(message, input)?;
    if input
        .alg
        .as_deref()
        .is_some_and(|alg| alg != key.algorithm.name())
    {
        return Err(SignatureProblem::Algorithm(key.algorithm.name()));
    }
    let base = message.base(&input.components, &input.line)?;
    read_public_key(key.algorithm, &key.public_key)
        .map_err(|_| SignatureProblem::UnknownKey)?
        .verify_sig(base.as_bytes(), &input.signature)
        .map_err(|_| SignatureProblem::Wrong)?;
    Ok(Signer {
        digest,
        nonce: input.nonce.clone(),
    })
}

fn check_time(input: &Input, now: i64) -> Result<(), SignatureProblem> {
    let age = now.saturating_sub(input.created);
    let expired = input.expires.is_some_and(|expires| expires <= now);
    if (-AHEAD_MAX..=WINDOW).contains(&age) && !expired {
        return Ok(());
    }
    Err(SignatureProblem::Time {
        window: WINDOW,
        now,
    })
}

/// What has to be covered: the method, the whole target, the body, and what makes a copy of the
/// request harmless.
fn check_coverage(
    message: &Message<'_>,
    input: &Input,
) -> Result<Option<ContentDigest>, SignatureProblem> {
    let missing = |name: &str| Err(SignatureProblem::NotCovered(name.to_owned()));
    if !input.covers("@method") {
        return missing("@method");
    }
    if !input.covers("@target-uri") && !input.covers("@request-target") {
        if !input.covers("@path") {
            return missing("@target-uri, or @path and @query");
        }
        if message.uri.query().is_some() && !input.covers("@query") {
            return missing("@query");
        }
    }
    let digest = ContentDigest::read(message.headers)?;
    if has_body(message.headers) && digest.is_none() {
        let reason = "a signed request with a body needs it";
        return Err(malformed("Content-Digest", reason));
    }
    if digest.is_some() && !input.covers(digest::NAME) {
        return missing(digest::NAME);
    }
    let keyed = message.headers.contains_key(IDEMPOTENCY_KEY);
    if keyed && !input.covers(IDEMPOTENCY_KEY) {
        return missing(IDEMPOTENCY_KEY);
    }
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(message.method);
    if !reads && !keyed && input.nonce.is_none() {
        return Err(SignatureProblem::NoNonce);
    }
    Ok(digest)
}

fn has_body(headers: &HeaderMap) -> bool {
    let empty = |value: &axum::http::HeaderValue| value.as_bytes() == b"0";
    headers.contains_key(TRANSFER_ENCODING)
        || headers
            .get(CONTENT_LENGTH)
            .is_some_and(|length| !empty(length))
}
