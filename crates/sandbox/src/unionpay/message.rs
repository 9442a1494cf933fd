//! ACP messages: fields by name, their signature, and the two ways they are written.

use channels::crypto::{CryptoError, RsaPrivateKey, RsaPublicKey, sha256_hex};
use std::collections::BTreeMap;

/// Fields of a message. The order of names is the byte order that the signature needs.
pub type Fields = BTreeMap<String, String>;

/// Reads an `application/x-www-form-urlencoded` body; of a repeated name the last value counts.
pub(crate) fn read_form(body: &[u8]) -> Fields {
    url::form_urlencoded::parse(body).into_owned().collect()
}

/// Writes a form body, as notifications to merchants are sent.
pub(crate) fn write_form(fields: &Fields) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

/// Writes an answer: names and values as they are, nothing escaped.
pub(crate) fn write_raw(fields: &Fields) -> String {
    joined(fields.iter())
}

/// Checks a message signed by method 01.
pub(crate) fn verify(fields: &Fields, key: &RsaPublicKey) -> Result<(), CryptoError> {
    let signature = fields.get("signature").map_or("", String::as_str);
    key.verify_sha256_base64(signed_bytes(fields).as_bytes(), signature)
}

/// Adds the signature of method 01.
pub(crate) fn sign(fields: &mut Fields, key: &RsaPrivateKey) -> Result<(), CryptoError> {
    let signature = key.sign_sha256_base64(signed_bytes(fields).as_bytes())?;
    fields.insert("signature".to_owned(), signature);
    Ok(())
}

/// What method 01 signs: the hex text of a SHA-256, which is then hashed once more.
fn signed_bytes(fields: &Fields) -> String {
    let text = joined(
        fields
            .iter()
            .filter(|(name, value)| *name != "signature" && !value.is_empty()),
    );
    sha256_hex(text.as_bytes())
}

fn joined<'a>(fields: impl Iterator<Item = (&'a String, &'a String)>) -> String {
    let pairs: Vec<String> = fields
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// Reads a group `{a=1&b=2}`.
pub(crate) fn read_group(text: &str) -> Option<Fields> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    inner
        .split('&')
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{read_form, read_group, signed_bytes};

    /// Published example of the protocol: text and its SHA-256.
    #[test]
    fn signed_text_is_the_hex_digest_of_the_sorted_fields() {
        let fields = read_form(
            b"version=5.1.0&encoding=UTF-8&txnType=00&txnSubType=00&bizType=000000&accessType=0\
              &merId=777290058110048&orderId=20260102030405001&txnTime=20260102030405\
              &signMethod=01&certId=68759663125&signature=ignored&empty=",
        );
        assert_eq!(
            signed_bytes(&fields),
            "bd163d0a744a4bb4454f9bb34c404a15cece1acb6c8e31cc039b7660c76bf278"
        );
    }

    #[test]
    fn groups_keep_equals_signs_in_values() {
        let group = read_group("{customerNm=A&encryptedInfo=YQ==}").unwrap();
        assert_eq!(group.get("encryptedInfo").unwrap(), "YQ==");
        assert_eq!(read_group("customerNm=A"), None);
    }
}
