//! Query and path parameters.

use crate::problem::Problem;
use axum::extract::{FromRequestParts, Path, Query, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// Bytes of the longest id in a path: more than any id of the book or number of a client has. What is asked for
/// becomes part of keys, which a database bounds.
const ID_BYTES_MAX: usize = 200;

/// Query parameters, strict.
#[derive(Debug, Clone)]
pub struct Params<T>(pub T);

/// Path parameters; what cannot be read names nothing that exists.
#[derive(Debug, Clone)]
pub struct Ids<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        if parts.uri.query().is_some_and(has_control_character) {
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid_parameter",
                "the query string has a control character",
            ));
        }
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
        let missing = || {
            Problem::new(
                StatusCode::NOT_FOUND,
                "not_found",
                "there is no such object",
            )
        };
        // No key has one, and a database may refuse to be asked for one.
        if has_control_character(parts.uri.path()) {
            return Err(missing());
        }
        let raw = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| missing())?;
        if raw.iter().any(|(_, id)| id.len() > ID_BYTES_MAX) {
            return Err(missing());
        }
        let Path(ids) = Path::<T>::from_request_parts(parts, state)
            .await
            .map_err(|_| missing())?;
        Ok(Ids(ids))
    }
}

/// Whether percent-encoded text has a control character. URIs have none that are not encoded.
fn has_control_character(encoded: &str) -> bool {
    let bytes = encoded.as_bytes();
    let code = |at: &[u8]| {
        let digits = at.strip_prefix(b"%")?;
        let mut byte = [0];
        hex::decode_to_slice(digits, &mut byte).ok()?;
        byte.first().copied()
    };
    let escapes: Vec<(usize, u8)> = bytes
        .windows(3)
        .enumerate()
        .filter_map(|(at, window)| Some((at, code(window)?)))
        .collect();
    escapes.iter().enumerate().any(|(index, (at, byte))| {
        let next = escapes.get(index + 1);
        let next = next.filter(|(next, _)| *next == at + 3);
        match byte {
            0x00..=0x1f | 0x7f => true,
            // U+0080 to U+009F in UTF-8.
            0xc2 => next.is_some_and(|(_, next)| (0x80..=0x9f).contains(next)),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::has_control_character;

    #[test]
    fn encoded_control_characters_are_seen_and_other_text_is_not() {
        for text in ["%00", "pay_%00", "a%0Ab", "a%0ab", "%7F", "%C2%85"] {
            assert!(has_control_character(text), "{text}");
        }
        for text in [
            "",
            "pay_00",
            "%20",
            "%E6%B8%85",
            "%C2%A3",
            "%",
            "%0",
            "%zz",
            "100%25",
        ] {
            assert!(!has_control_character(text), "{text}");
        }
    }
}
