//! Control characters are refused at the door, wherever in a body they are.

use serde_json::Value;

/// Whether a body can contain a control character once its escapes are read. Raw ones below U+0020
/// are no JSON in the first place.
fn suspicious(body: &[u8]) -> bool {
    body.iter().any(|byte| matches!(byte, b'\\' | 0x7f | 0xc2))
}

/// Field with a control character in its text, if it is one of those refused, or in its name. `body` is valid
/// JSON.
pub(super) fn field_with_control_character(
    body: &[u8],
    refused: fn(char) -> bool,
) -> Option<String> {
    if !suspicious(body) {
        return None;
    }
    let value: Value = serde_json::from_slice(body).ok()?;
    find(&value, refused, &mut String::new())
}

fn find(value: &Value, refused: fn(char) -> bool, path: &mut String) -> Option<String> {
    match value {
        Value::String(text)
            if text
                .chars()
                .any(|letter| letter.is_control() && refused(letter)) =>
        {
            Some(path.clone())
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| descend(item, &format!("[{index}]"), refused, path)),
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            if name.chars().any(char::is_control) {
                return Some(path.clone());
            }
            descend(member, name, refused, path)
        }),
        _ => None,
    }
}

fn descend(
    value: &Value,
    name: &str,
    refused: fn(char) -> bool,
    path: &mut String,
) -> Option<String> {
    let length = path.len();
    if length > 0 && !name.starts_with('[') {
        path.push('.');
    }
    path.push_str(name);
    let found = find(value, refused, path);
    path.truncate(length);
    found
}

#[cfg(test)]
mod tests {
    use super::field_with_control_character;

    fn found(body: &[u8]) -> Option<String> {
        field_with_control_character(body, |_| true)
    }

    #[test]
    fn line_breaks_may_be_allowed() {
        let lines = |body| field_with_control_character(body, |letter| letter != '\n');
        assert_eq!(lines(br#"{"a":"line\nbreak"}"#), None);
        assert_eq!(lines(br#"{"a":"line\n\u0000"}"#).as_deref(), Some("a"));
        assert_eq!(lines(br#"{"a\n":"text"}"#).as_deref(), Some(""));
    }

    #[test]
    fn escaped_control_characters_are_found_with_their_field() {
        assert_eq!(
            found(br#"{"a":"x","b":{"c":["ok","\u0000"]}}"#).as_deref(),
            Some("b.c[1]")
        );
        assert_eq!(found(br#"{"a":"line\nbreak"}"#).as_deref(), Some("a"));
        assert_eq!(found(b"{\"a\":\"\x7f\"}").as_deref(), Some("a"));
        assert_eq!(found("{\"a\":\"\u{85}\"}".as_bytes()).as_deref(), Some("a"));
    }

    #[test]
    fn ordinary_text_passes() {
        assert_eq!(
            found("{\"a\":\"清源 \\\"quoted\\\" é £\"}".as_bytes()),
            None
        );
        assert_eq!(found(br#"{"a":"plain"}"#), None);
    }
}
