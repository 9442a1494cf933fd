//! Texts of a bill, as cases take them.

use domain::case::{OBJECT_MAX, REASON_MAX};
use sha2::{Digest, Sha256};

/// What a bill says may be of any length and of any characters, and must not be refused for it.
pub(super) fn fitting_reason(reason: &str) -> String {
    printable(reason).take(REASON_MAX).collect()
}

/// As with reasons, but two objects stay two.
pub(super) fn fitting_object(object: &str) -> String {
    if object.chars().count() <= OBJECT_MAX && !object.chars().any(char::is_control) {
        return object.to_owned();
    }
    let mark = format!("#{}", hex::encode(Sha256::digest(object)));
    let kept = printable(object).take(OBJECT_MAX - mark.len());
    kept.chain(mark.chars()).collect()
}

fn printable(text: &str) -> impl Iterator<Item = char> {
    let shown = |letter: char| match letter.is_control() {
        true => char::REPLACEMENT_CHARACTER,
        false => letter,
    };
    text.chars().map(shown)
}
