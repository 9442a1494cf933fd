//! The written forms of a message.

use crate::support::{acp_signed, bytes};
use channels::unionpay::Fields;
use proptest::prelude::*;

#[test]
fn groups_keep_their_ampersands_and_pem_its_line_breaks() {
    let body = "a=1&reserved={x=1&y=[2&3]}&respMsg=成功[0000000]&b64=ab+/c==&pem=A\r\nB\r\n&z=";
    let fields = Fields::from_raw(body.as_bytes()).unwrap();
    assert_eq!(fields.get("reserved"), Some("{x=1&y=[2&3]}"));
    assert_eq!(fields.get("respMsg"), Some("成功[0000000]"));
    assert_eq!(fields.get("b64"), Some("ab+/c=="));
    assert_eq!(fields.get("pem"), Some("A\r\nB\r\n"));
    assert_eq!(fields.get("z"), None);
    assert_eq!(
        fields.signing_text(),
        "a=1&b64=ab+/c==&pem=A\r\nB\r\n&reserved={x=1&y=[2&3]}&respMsg=成功[0000000]"
    );
}

#[test]
fn doubtful_messages_are_refused() {
    for body in ["a=1&a=1", "a=1&a=2", "=1", "abc", "a=1&bc"] {
        assert!(Fields::from_raw(body.as_bytes()).is_err(), "{body}");
        assert!(Fields::from_form(body.as_bytes()).is_err(), "{body}");
    }
    for body in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=%+1"] {
        assert!(Fields::from_form(body.as_bytes()).is_err(), "{body}");
    }
    assert!(Fields::from_raw(&[b'a', b'=', 0xff]).is_err());
    assert!(Fields::from_form(&[b'a', b'=', 0xff]).is_err());
}

#[test]
fn values_are_not_shown_in_debug() {
    let fields = Fields::from_raw(b"accNo=6216261000000000018").unwrap();
    assert_eq!(format!("{fields:?}"), r#"Fields(["accNo"])"#);
}

#[test]
fn a_recorded_message_survives_both_forms() {
    let fields = Fields::from_raw(&bytes("unionpay/query_succeeded.txt")).unwrap();
    assert_eq!(
        Fields::from_raw(fields.to_raw().as_bytes())
            .unwrap()
            .digest_to_sign(),
        fields.digest_to_sign()
    );
    let form = acp_signed("unionpay/query_succeeded.txt", &[]).to_form();
    assert_eq!(
        Fields::from_form(form.as_bytes()).unwrap().digest_to_sign(),
        fields.digest_to_sign()
    );
}

proptest! {
    #[test]
    fn forms_carry_any_text(pairs in proptest::collection::btree_map("[a-zA-Z]{1,8}", "\\PC{1,20}", 0..8)) {
        let mut fields = Fields::new();
        for (name, value) in &pairs {
            fields.set(name, value.as_str());
        }
        let form = fields.to_form();
        prop_assert_eq!(Fields::from_form(form.as_bytes()).unwrap(), fields);
        // A decoder written by others reads the same.
        let read: std::collections::BTreeMap<String, String> =
            url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        prop_assert_eq!(read, pairs);
    }

    #[test]
    fn no_bytes_make_the_parsers_panic(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Fields::from_raw(&data);
        let _ = Fields::from_form(&data);
    }

    #[test]
    fn no_brackets_make_the_parser_panic(text in "[a=&{}\\[\\]%+]{0,60}") {
        let _ = Fields::from_raw(text.as_bytes());
        let _ = Fields::from_form(text.as_bytes());
    }
}
