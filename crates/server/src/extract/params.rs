//! Query and path parameters.

use crate::problem::Problem;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// Query parameters, strict.
#[derive(Debug, Clone)]
pub struct Params<T>(pub T);

/// Path parameters; what cannot be read names nothing that exists.
#[derive(Debug, Clone)]
pub struct Ids<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Query(params) = Query::<T>::try_from_uri(&parts.uri)
            .map_err(|rejection| explain(&rejection.body_text()))?;
        Ok(Params(params))
    }
}

fn explain(text: &str) -> Problem {
    let text = text
        .strip_prefix("Failed to deserialize query string: ")
        .unwrap_or(text);
    let quoted = |prefix: &str| {
        let (_, after) = text.split_once(prefix)?;
        after.strip_prefix('`')?.split('`').next()
    };
    if let Some(name) = quoted("unknown field ") {
        return Problem::new(
            StatusCode::BAD_REQUEST,
            "unknown_parameter",
            "the query parameter is not known here",
        )
        .at(name.chars().take(64).collect::<String>());
    }
    if let Some(name) = quoted("missing field ") {
        return Problem::parameter(name, "the query parameter is required");
    }
    match text.split_once(": ") {
        Some((name, detail)) if name.chars().all(|c| c.is_ascii_lowercase() || c == '_') => {
            Problem::parameter(name, detail.chars().take(200).collect::<String>())
        }
        _ => Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid_parameter",
            "the query string cannot be read",
        ),
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Ids<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(ids) = Path::<T>::from_request_parts(parts, state)
            .await
            .map_err(|_| {
                Problem::new(
                    StatusCode::NOT_FOUND,
                    "not_found",
                    "there is no such object",
                )
            })?;
        Ok(Ids(ids))
    }
}
