//! Checks of texts that come from outside.

use crate::rejection::Rejection;
use std::collections::BTreeMap;

/// A text for people: 1 to `limit` characters, no control characters.
pub(crate) fn plain(field: &str, text: &str, limit: usize) -> Result<(), Rejection> {
    let length = text.chars().count();
    if length == 0 || length > limit {
        return Err(Rejection::field(
            field,
            format!("{field} must have 1 to {limit} characters"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(Rejection::field(
            field,
            format!("{field} must not contain control characters"),
        ));
    }
    Ok(())
}

/// A number that a client gives to its object: 1 to 64 of letters, digits and `-_.:`. No slash:
/// numbers become parts of keys.
pub(crate) fn number(field: &str, text: &str) -> Result<(), Rejection> {
    let well_formed = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
    if well_formed {
        return Ok(());
    }
    Err(Rejection::field(
        field,
        format!("{field} must be 1 to 64 letters, digits or -_.: characters"),
    ))
}

/// At most 20 pairs of short texts.
pub(crate) fn metadata(metadata: &BTreeMap<String, String>) -> Result<(), Rejection> {
    if metadata.len() > 20 {
        return Err(Rejection::field(
            "metadata",
            "metadata may have at most 20 entries",
        ));
    }
    for (name, value) in metadata {
        plain("metadata", name, 40)?;
        if !value.is_empty() {
            plain("metadata", value, 200)?;
        }
    }
    Ok(())
}

/// A masked number must not carry the clear one: at most ten digits, the middle starred.
pub(crate) fn masked(field: &str, text: &str) -> Result<(), Rejection> {
    plain(field, text, 64)?;
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if digits > 10 || !text.contains('*') {
        return Err(Rejection::field(
            field,
            format!("{field} must be masked: at most ten digits and stars between"),
        ));
    }
    Ok(())
}

/// Name of a channel in keys and index values.
pub(crate) fn channel_name(channel: channels::operation::Channel) -> &'static str {
    match channel {
        channels::operation::Channel::Wechat => "wechat",
        channels::operation::Channel::Unionpay => "unionpay",
    }
}
