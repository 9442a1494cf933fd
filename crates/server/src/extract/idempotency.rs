//! The `Idempotency-Key` header.

use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;

const HEADER: &str = "idempotency-key";

/// The key of a request that must have one: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(pub KeyInRequest);

/// The key of a request that may have one.
#[derive(Debug, Clone)]
pub struct OptionalIdempotencyKey(pub Option<KeyInRequest>);

/// A key and the request it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInRequest {
    /// The client's key.
    pub key: String,
    /// Method and path.
    pub route: String,
}

fn read(parts: &Parts) -> Result<Option<KeyInRequest>, Problem> {
    let mut values = parts.headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let refuse = || {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "idempotency_key_invalid",
            "Idempotency-Key must be one header of 1 to 255 visible ASCII characters",
        )
    };
    let bytes = value.as_bytes();
    let well_formed =
        (1..=255).contains(&bytes.len()) && bytes.iter().all(|byte| byte.is_ascii_graphic());
    let key = std::str::from_utf8(bytes).map_err(|_| refuse())?;
    if !well_formed || values.next().is_some() {
        return Err(refuse());
    }
    Ok(Some(KeyInRequest {
        key: key.to_owned(),
        route: format!("{} {}", parts.method, parts.uri.path()),
    }))
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        read(parts)?.map(IdempotencyKey).ok_or_else(|| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "idempotency_key_required",
                "this request moves money: send an Idempotency-Key header, and the same one when you retry",
            )
        })
    }
}

impl<S: Sync> FromRequestParts<S> for OptionalIdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        read(parts).map(OptionalIdempotencyKey)
    }
}
