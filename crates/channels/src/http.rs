//! HTTP messages as plain values, so that connectors stay free of any HTTP client.

/// Request method; the channels use no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
}

/// A request ready to be sent byte for byte: what was signed is what is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Absolute URL, percent-encoded exactly as signed.
    pub url: String,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body bytes; empty for `GET`.
    pub body: Vec<u8>,
}

/// A complete response; a connection that broke before its end is no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    /// Raw body.
    pub body: Vec<u8>,
}

impl Response {
    /// First value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

/// First value of a header in a list, ASCII case ignored.
pub fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.as_str())
}
