//! Signed requests: HTTP Message Signatures (RFC 9421) with keys that merchants manage, and
//! `Content-Digest` (RFC 9530) for what the signature covers of a body.
//!
//! Strict: one signature a request, known parameters and components only, and what has to be covered
//! is covered or the request is refused. Everything here is public (keys, signatures, digests), so
//! that no comparison can leak a secret through its time.

mod base;
mod digest;
mod input;
mod key;
#[cfg(test)]
mod vectors;
mod verify;

pub(crate) use base::Message;
pub use digest::ContentDigest;
pub(crate) use input::Input;
pub use key::{KeyProblem, read_public_key};
pub(crate) use verify::verify;

use crate::problem::Problem;
use axum::http::StatusCode;

/// Why a signed request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureProblem {
    /// A header is not in its form.
    #[error("{header} cannot be read: {reason}")]
    Malformed {
        /// The header.
        header: &'static str,
        /// Why.
        reason: String,
    },
    /// Something that must be covered is not.
    #[error("the signature must cover {0}")]
    NotCovered(String),
    /// Something is covered that this request does not have, or that cannot be covered here.
    #[error("the signature covers {0}, which is not in the request or cannot be covered here")]
    NoSuchComponent(String),
    /// Created too long ago, in the future, or expired.
    #[error(
        "the signature is not valid now: created must lie within the last {window} seconds and expires, if given, ahead; the server's time is {now}"
    )]
    Time {
        /// Seconds for which a signature is good.
        window: i64,
        /// The server's time, seconds since 1970.
        now: i64,
    },
    /// Nothing says that the request is not a copy of an earlier one.
    #[error(
        "a request that changes something carries an Idempotency-Key that the signature covers, or the signature a nonce"
    )]
    NoNonce,
    /// No key of this id that is in force.
    #[error("keyid names no key that is known and not revoked")]
    UnknownKey,
    /// The `alg` parameter names another algorithm than the key's.
    #[error("alg must be {0}, the algorithm of the key, or be left out")]
    Algorithm(&'static str),
    /// The signature is not of this key over this request.
    #[error(
        "the signature does not verify: what was signed is not this request as it arrived, or the key is another"
    )]
    Wrong,
    /// The body is not the one that was digested.
    #[error("the body is not the one whose digest Content-Digest gives")]
    Digest,
}

impl SignatureProblem {
    fn header(&self) -> &'static str {
        match self {
            SignatureProblem::Malformed { header, .. } => header,
            SignatureProblem::Wrong => "Signature",
            SignatureProblem::Digest => "Content-Digest",
            _ => "Signature-Input",
        }
    }
}

impl From<SignatureProblem> for Problem {
    fn from(problem: SignatureProblem) -> Problem {
        let code = match problem {
            SignatureProblem::Digest => "content_digest_mismatch",
            _ => "signature_refused",
        };
        Problem::new(StatusCode::UNAUTHORIZED, code, problem.to_string()).at(problem.header())
    }
}

fn malformed(header: &'static str, reason: impl Into<String>) -> SignatureProblem {
    SignatureProblem::Malformed {
        header,
        reason: reason.into(),
    }
}
