//! JSON bodies: bounded, strict, with the name of the field that is wrong.

use super::control::field_with_control_character;
use crate::auth::SignedBody;
use crate::problem::Problem;
use crate::state::AppState;
use axum::body::{Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use std::time::Duration;

/// A JSON body and the bytes it was read from.
#[derive(Debug)]
pub struct Body<T> {
    /// What was sent.
    pub value: T,
    /// As it was sent; hashed for the idempotency record.
    pub bytes: Bytes,
}

/// The same under the larger limit, for batches.
#[derive(Debug)]
pub struct LargeBody<T>(pub Body<T>);

impl<T: DeserializeOwned> FromRequest<AppState> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        read(request, state.limits().body_bytes, state, parse).await
    }
}

impl<T: DeserializeOwned> FromRequest<AppState> for LargeBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let body = read(request, state.limits().large_body_bytes, state, parse);
        body.await.map(LargeBody)
    }
}

/// The same with texts of several lines: line breaks and tabs are no control characters in it.
#[derive(Debug)]
pub struct TextBody<T>(pub Body<T>);

impl<T: DeserializeOwned> FromRequest<AppState> for TextBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let body = read(request, state.limits().body_bytes, state, parse_text);
        body.await.map(TextBody)
    }
}

async fn read<T: DeserializeOwned>(
    request: Request,
    limit: usize,
    state: &AppState,
    parse: fn(&[u8]) -> Result<T, Problem>,
) -> Result<Body<T>, Problem> {
    check_media_type(&request)?;
    let bytes = collect(request, limit, state.limits().body_timeout()).await?;
    let value = parse(&bytes)?;
    Ok(Body { value, bytes })
}

fn check_media_type(request: &Request) -> Result<(), Problem> {
    let media_type = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(str::trim)
        .unwrap_or_default();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "send the body as application/json",
    ))
}

/// Reads the whole body of a request, at most `limit` bytes, in at most the time `longest`; that of a
/// signed request must be the one that was signed.
pub(crate) async fn collect(
    request: Request,
    limit: usize,
    longest: Duration,
) -> Result<Bytes, Problem> {
    let signed = request.extensions().get::<SignedBody>().cloned();
    let body = request.into_body();
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |announced| announced > limit) {
        return Err(too_large(limit));
    }
    let whole = tokio::time::timeout(longest, axum::body::to_bytes(body, limit));
    let whole = whole.await.map_err(|_| too_slow(longest))?;
    let bytes = whole.map_err(|error| {
        let over = std::error::Error::source(&error)
            .is_some_and(|source| source.to_string().contains("limit"));
        if over {
            return too_large(limit);
        }
        Problem::new(
            StatusCode::BAD_REQUEST,
            "incomplete_body",
            "the body broke off before its end",
        )
    })?;
    if let Some(signed) = signed {
        signed.check(&bytes)?;
    }
    Ok(bytes)
}

fn too_slow(longest: Duration) -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "body_timeout",
        format!(
            "the body did not arrive within {} ms; nothing was done",
            longest.as_millis()
        ),
    )
}

fn too_large(limit: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        format!("the body may have at most {limit} bytes"),
    )
}

/// Reads JSON strictly. The quick way says nothing about where an error is, so that is found out
/// in a second reading, which only bad requests pay for.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    parse_with(bytes, |_| true)
}

/// The same for texts of several lines.
fn parse_text<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    parse_with(bytes, |letter| !matches!(letter, '\n' | '\r' | '\t'))
}

/// The same; control characters are refused where `refused` says so.
fn parse_with<T: DeserializeOwned>(bytes: &[u8], refused: fn(char) -> bool) -> Result<T, Problem> {
    // Serde would take a list for an object whose fields are in the right order.
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok() {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_field",
            "the body must be a JSON object",
        ));
    }
    match serde_json::from_slice(bytes) {
        Ok(value) => match field_with_control_character(bytes, refused) {
            None => Ok(value),
            Some(field) => Err(Problem::invalid(
                field,
                "texts must not contain control characters",
            )),
        },
        Err(_) => Err(explain::<T>(bytes)),
    }
}

fn explain<T: DeserializeOwned>(bytes: &[u8]) -> Problem {
    if std::str::from_utf8(bytes).is_err() {
        return malformed("the body is not UTF-8");
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let error = match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(error) => error,
        // What is wrong then comes after the value.
        Ok(_) => return malformed("there is more after the end of the JSON value"),
    };
    let path = error.path().to_string();
    let inner = error.into_inner();
    // A later syntax error makes the whole text no JSON, whatever field came first; and what Serde calls
    // a syntax error may be a list where it expected one of several words.
    if serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok() {
        return data_problem(&path, &inner.to_string());
    }
    if matches!(inner.classify(), Category::Data) {
        return malformed("the body is not valid JSON");
    }
    malformed(&format!("the body is not valid JSON: {inner}"))
}

fn malformed(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail)
}

/// Sorts a complaint of the deserializer by what the client has to change.
fn data_problem(path: &str, message: &str) -> Problem {
    let text = message
        .rsplit_once(" at line ")
        .map_or(message, |(text, _)| text);
    let path = if path == "." { "" } else { path };
    if let Some(name) = quoted_after(text, "missing field ") {
        return Problem::missing_field(&join(path, name));
    }
    if let Some(name) = quoted_after(text, "duplicate field ") {
        return Problem::invalid(join(path, name), "the field is there twice");
    }
    if let Some(name) = quoted_after(text, "unknown field ") {
        let field = if path.rsplit('.').next() == Some(name) {
            path.to_owned()
        } else {
            join(path, name)
        };
        return Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "unknown_field",
            format!("the field {field} is not known here"),
        )
        .at(field);
    }
    let problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_field",
        redact(text),
    );
    if path.is_empty() {
        problem
    } else {
        problem.at(path)
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn quoted_after<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    text.strip_prefix(prefix)?
        .strip_prefix('`')?
        .split('`')
        .next()
}

/// Serde repeats the offending value ("invalid type: string \"6222…\", expected …"), which may be
/// an account number: only what was expected is passed on.
fn redact(text: &str) -> String {
    let wrong = ["invalid type: ", "invalid value: ", "invalid length "];
    if wrong.iter().any(|prefix| text.starts_with(prefix))
        && let Some((_, expected)) = text.rsplit_once(", expected ")
    {
        return format!("the value is not acceptable: expected {expected}");
    }
    if let Some((_, known)) = text.split_once("unknown variant ")
        && let Some((_, known)) = known.split_once("expected ")
    {
        return format!("the value is not acceptable: expected {known}");
    }
    text.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::parse;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Outer {
        name: String,
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Inner {
        count: u8,
    }

    fn refused(body: &str) -> (String, Option<String>, String) {
        let problem = parse::<Outer>(body.as_bytes()).expect_err("must be refused");
        (problem.code.into_owned(), problem.field, problem.detail)
    }

    #[test]
    fn the_field_is_named() {
        let cases = [
            (r#"{"name":"a"}"#, "missing_field", Some("inner")),
            (
                r#"{"name":"a","inner":[{}]}"#,
                "missing_field",
                Some("inner[0].count"),
            ),
            (
                r#"{"name":"a","inner":[],"x":1}"#,
                "unknown_field",
                Some("x"),
            ),
            (
                r#"{"name":"a","inner":[{"count":1,"y":1}]}"#,
                "unknown_field",
                Some("inner[0].y"),
            ),
            (r#"{"name":7,"inner":[]}"#, "invalid_field", Some("name")),
            (
                r#"{"name":"a","inner":[{"count":300}]}"#,
                "invalid_field",
                Some("inner[0].count"),
            ),
            (
                r#"{"name":"a","name":"b","inner":[]}"#,
                "invalid_field",
                Some("name"),
            ),
            (r#"[]"#, "invalid_field", None),
            (r#"{"name":"a","inner":"#, "malformed_json", None),
            (r#"{"name":7,"inner":["#, "malformed_json", None),
            ("", "malformed_json", None),
            (r#"{"name":"a","inner":[]} x"#, "malformed_json", None),
        ];
        for (body, code, field) in cases {
            let found = refused(body);
            assert_eq!(
                (found.0.as_str(), found.1.as_deref()),
                (code, field),
                "{body}"
            );
        }
    }

    #[test]
    fn the_offending_value_is_not_repeated() {
        let (_, _, detail) = refused(r#"{"name":"a","inner":[{"count":"6222021234567890"}]}"#);
        assert!(!detail.contains("6222"), "{detail}");
    }
}
