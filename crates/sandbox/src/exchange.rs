//! What comes of one HTTP request at a simulated channel, as values.

use axum::http::{HeaderMap, Request, Response};

/// A request with its whole body.
pub type WholeRequest = Request<Vec<u8>>;

/// The outcome of a request.
#[derive(Debug)]
pub enum Exchange {
    /// An answer.
    Answer(Response<Vec<u8>>),
    /// No answer: the connection is broken off.
    Break {
        /// How long the caller is kept waiting before, on a real clock, in milliseconds.
        hang_millis: u64,
    },
}

/// A notification ready to be sent.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Where to.
    pub url: String,
    /// Headers, the content type included.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// First value of a header, empty if absent or not text.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Makes an answer. A header that cannot be written is left out, so that the caller's own check
/// fails rather than this side.
pub(crate) fn answer(status: u16, headers: &[(&str, String)], body: Vec<u8>) -> Exchange {
    let mut response = Response::new(body);
    *response.status_mut() = axum::http::StatusCode::from_u16(status)
        .unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        let name = axum::http::HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value.parse()) {
            response.headers_mut().insert(name, value);
        }
    }
    Exchange::Answer(response)
}

/// Undoes percent-encoding; an incomplete or non-UTF-8 sequence gives nothing.
pub(crate) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}
