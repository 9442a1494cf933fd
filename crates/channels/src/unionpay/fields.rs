//! A message as a set of named fields, and its three written forms. The sandbox uses the same.

use crate::crypto::sha256_hex;
use std::collections::BTreeMap;
use thiserror::Error;
use url::form_urlencoded;

/// Fields of a message, sorted by name in byte order. `Debug` shows the names only: values may
/// be personal.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Fields(BTreeMap<String, String>);

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FieldsError {
    /// Not UTF-8.
    #[error("the message is not UTF-8")]
    Encoding,
    /// A part without `=`, or with an empty name.
    #[error("a part of the message is not of the form name=value")]
    Form,
    /// A name twice: which value was signed would be open.
    #[error("a field appears twice")]
    Duplicate,
}

impl Fields {
    /// A message without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a field; an empty value removes it, as empty fields are not part of a message.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        if value.is_empty() {
            self.0.remove(name);
        } else {
            self.0.insert(name.to_owned(), value);
        }
    }

    /// A field that is present and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// All fields, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// `k=v&k=v` over the raw values, without `signature` and empty fields.
    pub fn signing_text(&self) -> String {
        let parts: Vec<String> = self
            .iter()
            .filter(|(name, value)| *name != "signature" && !value.is_empty())
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        parts.join("&")
    }

    /// What version 5.1.0 signs: the 64 hex digits of the SHA-256 of [`Self::signing_text`],
    /// which RSA with SHA-256 then hashes again.
    pub fn digest_to_sign(&self) -> String {
        sha256_hex(self.signing_text().as_bytes())
    }

    /// The body of a request or notification, urlencoded.
    pub fn to_form(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(self.iter())
            .finish()
    }

    /// The body of a response, values raw.
    pub fn to_raw(&self) -> String {
        let parts: Vec<String> = self.iter().map(|(n, v)| format!("{n}={v}")).collect();
        parts.join("&")
    }

    /// Reads [`Self::to_form`].
    ///
    /// # Errors
    /// [`FieldsError`].
    pub fn from_form(body: &[u8]) -> Result<Self, FieldsError> {
        let text = std::str::from_utf8(body).map_err(|_| FieldsError::Encoding)?;
        let mut fields = Self::new();
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or(FieldsError::Form)?;
            fields.add(decode(name)?, decode(value)?)?;
        }
        Ok(fields)
    }

    /// Reads [`Self::to_raw`]: a part ends at an `&` outside of `{…}` and `[…]`, its name at the
    /// first `=`; the value is taken as it is, line breaks included.
    ///
    /// # Errors
    /// [`FieldsError`].
    pub fn from_raw(body: &[u8]) -> Result<Self, FieldsError> {
        let text = std::str::from_utf8(body).map_err(|_| FieldsError::Encoding)?;
        let mut fields = Self::new();
        let mut depth = 0_u32;
        let is_separator = |c: char| {
            match c {
                '{' | '[' => depth = depth.saturating_add(1),
                '}' | ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == '&' && depth == 0
        };
        for part in text.split(is_separator).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or(FieldsError::Form)?;
            fields.add(name.to_owned(), value.to_owned())?;
        }
        Ok(fields)
    }

    fn add(&mut self, name: String, value: String) -> Result<(), FieldsError> {
        if name.is_empty() {
            return Err(FieldsError::Form);
        }
        if self.0.insert(name, value).is_some() {
            return Err(FieldsError::Duplicate);
        }
        Ok(())
    }
}

/// Percent-decodes strictly: text that is not UTF-8 afterwards is refused, not repaired.
fn decode(text: &str) -> Result<String, FieldsError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (digits, tail) = rest.split_at_checked(2).ok_or(FieldsError::Form)?;
                let mut byte = [0];
                hex::decode_to_slice(digits, &mut byte).map_err(|_| FieldsError::Form)?;
                bytes.extend_from_slice(&byte);
                rest = tail;
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).map_err(|_| FieldsError::Encoding)
}

impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Fields")
            .field(&self.0.keys().collect::<Vec<_>>())
            .finish()
    }
}
