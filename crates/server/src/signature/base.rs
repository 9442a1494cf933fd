//! The text that is signed: a line for each covered component, and one for the parameters.

use super::{SignatureProblem, malformed};
use axum::http::{HeaderMap, Method, Uri};

/// What can be covered of a request.
pub(crate) struct Message<'a> {
    pub method: &'a Method,
    pub uri: &'a Uri,
    pub headers: &'a HeaderMap,
    /// Scheme, host and port under which clients know this server: it does not see them itself behind
    /// a proxy.
    pub public_url: &'a str,
}

/// The value of a header: all its lines, trimmed and joined.
pub(super) fn field(
    headers: &HeaderMap,
    name: &'static str,
) -> Result<Option<String>, SignatureProblem> {
    joined(headers, name).map_err(|()| malformed(name, "it must be ASCII"))
}

fn joined(headers: &HeaderMap, name: &str) -> Result<Option<String>, ()> {
    let mut text: Option<String> = None;
    for value in headers.get_all(name) {
        let value = value.to_str().map_err(|_| ())?.trim();
        match &mut text {
            None => text = Some(value.to_owned()),
            Some(text) => {
                text.push_str(", ");
                text.push_str(value);
            }
        }
    }
    Ok(text)
}

impl Message<'_> {
    /// Value of a component, `None` where the request has none.
    fn component(&self, name: &str) -> Option<String> {
        let path_and_query = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let (scheme, authority) = self.public_url.split_once("://")?;
        let authority = authority.split('/').next().unwrap_or(authority);
        Some(match name {
            "@method" => self.method.as_str().to_owned(),
            "@target-uri" => format!("{}{path_and_query}", self.public_url),
            "@authority" => authority.to_ascii_lowercase(),
            "@scheme" => scheme.to_ascii_lowercase(),
            "@request-target" => path_and_query.to_owned(),
            "@path" => self.uri.path().to_owned(),
            // Present even where there is no query (RFC 9421, section 2.2.7).
            "@query" => format!("?{}", self.uri.query().unwrap_or_default()),
            field if field.starts_with('@') => return None,
            field => joined(self.headers, field).ok()??,
        })
    }

    /// The signature base (RFC 9421, section 2.5). `parameters` is the value of its last line.
    pub fn base(
        &self,
        components: &[String],
        parameters: &str,
    ) -> Result<String, SignatureProblem> {
        let mut base = String::with_capacity(512);
        for name in components {
            let value = self
                .component(name)
                .ok_or_else(|| SignatureProblem::NoSuchComponent(name.clone()))?;
            base.push_str(&format!("\"{name}\": {value}\n"));
        }
        base.push_str(&format!("\"@signature-params\": {parameters}"));
        Ok(base)
    }
}
