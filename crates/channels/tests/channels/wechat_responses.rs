//! Successful answers, and those that must not count.

use crate::support::*;
use channels::crypto::sha1_hex;
use channels::http::Response;
use channels::{Answer, Connector, Instrument, Operation, OrderState, RefundState, Report};
use flate2::Compression;
use flate2::write::GzEncoder;
use money::Money;
use serde_json::{Value, json};
use std::io::Write as _;

fn parse(operation: &Operation, response: &Response) -> Report {
    wechat().parse(operation, response, signed_at())
}

fn answer(report: Report) -> Answer {
    match report {
        Report::Answered { answer } => answer,
        other => panic!("{other:?}"),
    }
}

fn order_state(report: Report) -> OrderState {
    match answer(report) {
        Answer::Order { state, .. } => state,
        other => panic!("{other:?}"),
    }
}

#[test]
fn recorded_answers_are_read() {
    let created = answer(parse(&create_order(), &recorded("wechat/create.http")));
    assert_eq!(
        created,
        Answer::OrderCreated {
            code_url: "weixin://wxpay/bizpayurl/up?pr=NwY5Mz9&groupid=00".to_owned()
        }
    );
    let found = answer(parse(&query_order(), &recorded("wechat/query_paid.http")));
    assert_eq!(found, paid());
    let unpaid = parse(&query_order(), &recorded("wechat/query_unpaid.http"));
    assert_eq!(order_state(unpaid), OrderState::AwaitingPayer);
    let closed = parse(&close_order(), &recorded("wechat/close.http"));
    assert_eq!(order_state(closed), OrderState::Closed);
    let accepted = answer(parse(&refund(), &recorded("wechat/refund_accepted.http")));
    assert_eq!(
        accepted,
        Answer::Refund {
            refund: reference(REFUND),
            state: RefundState::Processing
        }
    );
    let done = answer(parse(&query_refund(), &recorded("wechat/refund_done.http")));
    assert_eq!(
        done,
        Answer::Refund {
            refund: reference(REFUND),
            state: RefundState::Succeeded {
                channel_number: "50000000382026120100000000001".to_owned(),
                amount: Money::cny(345),
                refunded_at: "2026-12-01T01:59:52.120Z".parse().unwrap(),
            }
        }
    );
}

#[test]
fn public_key_mode_uses_the_named_key_only() {
    let response = recorded("wechat/query_paid_public_mode.http");
    let connector = wechat_public_mode();
    let report = connector.parse(&query_order(), &response, signed_at());
    assert_eq!(answer(report), paid());
    // During migration the certificate goes on to work beside the public key.
    let old = recorded("wechat/query_paid.http");
    assert_eq!(
        answer(connector.parse(&query_order(), &old, signed_at())),
        paid()
    );
    // The right signature under the other key's name is refused.
    let mut swapped = response.clone();
    let serial = certificate("wechat/platform.crt").serial_hex();
    set_header(&mut swapped, "wechatpay-serial", Some(&serial));
    let reason = unknown_reason(connector.parse(&query_order(), &swapped, signed_at()));
    assert!(reason.contains("does not match"), "{reason}");
}

#[test]
fn serial_numbers_compare_as_numbers() {
    let mut response = recorded("wechat/query_paid.http");
    let serial = certificate("wechat/platform.crt").serial_hex();
    let other_writing = format!("00{}", serial.to_ascii_lowercase());
    set_header(&mut response, "wechatpay-serial", Some(&other_writing));
    assert_eq!(answer(parse(&query_order(), &response)), paid());
}

#[test]
fn answers_without_a_valid_signature_are_unknown() {
    type Change = fn(&mut Response);
    let cases: [(&str, Change); 13] = [
        ("signature is missing", |r| {
            set_header(r, "wechatpay-signature", None);
        }),
        ("serial is missing", |r| {
            set_header(r, "wechatpay-serial", None)
        }),
        ("nonce is missing", |r| {
            set_header(r, "wechatpay-nonce", None)
        }),
        ("timestamp is missing", |r| {
            set_header(r, "wechatpay-timestamp", None);
        }),
        ("timestamp is malformed", |r| {
            set_header(r, "wechatpay-timestamp", Some("+1796090400"));
        }),
        ("does not match", |r| {
            set_header(r, "wechatpay-timestamp", Some("1796090401"));
        }),
        ("does not match", |r| {
            set_header(r, "wechatpay-nonce", Some("other"));
        }),
        ("does not match", |r| {
            set_header(r, "wechatpay-signature", Some("AAAA"));
        }),
        ("does not match", |r| {
            set_header(r, "wechatpay-signature", Some("***"));
        }),
        ("no platform key", |r| {
            set_header(r, "wechatpay-serial", Some("1234ABCD"));
        }),
        ("not supported", |r| {
            set_header(
                r,
                "wechatpay-signature-type",
                Some("WECHATPAY2-SM2-WITH-SM3"),
            );
        }),
        ("probe", |r| {
            let value = r.header("wechatpay-signature").unwrap().to_owned();
            let probe = format!("WECHATPAY/SIGNTEST/{value}");
            set_header(r, "wechatpay-signature", Some(&probe));
        }),
        ("does not match", |r| r.body.push(b' ')),
    ];
    for (expected, change) in cases {
        let mut response = recorded("wechat/query_paid.http");
        change(&mut response);
        let reason = unknown_reason(parse(&query_order(), &response));
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
}

#[test]
fn the_clock_window_is_five_minutes_each_way() {
    let response = recorded("wechat/query_paid.http");
    for (seconds, accepted) in [
        (0, true),
        (299, true),
        (-299, true),
        (300, false),
        (-300, false),
        (86_400, false),
    ] {
        let report = wechat().parse(&query_order(), &response, seconds_later(seconds));
        assert_eq!(
            matches!(report, Report::Answered { .. }),
            accepted,
            "{seconds}"
        );
    }
}

#[test]
fn a_missing_signature_type_is_no_obstacle() {
    let mut response = recorded("wechat/query_paid.http");
    set_header(&mut response, "wechatpay-signature-type", None);
    assert_eq!(answer(parse(&query_order(), &response)), paid());
}

/// A signed body with one JSON field replaced.
fn altered(path: &str, pointer: &str, value: Value) -> Response {
    let mut body: Value = serde_json::from_slice(&recorded(path).body).unwrap();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let object = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        object.remove(name);
    } else {
        object.insert(name.to_owned(), value);
    }
    wechat_signed(200, &body.to_string(), signed_at())
}

#[test]
fn signed_answers_about_something_else_are_unknown() {
    let cases: [(Operation, &str, &str, Value); 22] = [
        (query_order(), "query_paid", "/mchid", json!("1900000002")),
        (query_order(), "query_paid", "/appid", json!("wx1")),
        (
            query_order(),
            "query_paid",
            "/out_trade_no",
            json!("other1"),
        ),
        (query_order(), "query_paid", "/out_trade_no", Value::Null),
        (
            query_order(),
            "query_paid",
            "/amount/currency",
            json!("USD"),
        ),
        (query_order(), "query_paid", "/amount/total", json!(0)),
        (query_order(), "query_paid", "/amount/total", json!(-5)),
        (query_order(), "query_paid", "/amount/total", json!(1.5)),
        (query_order(), "query_paid", "/amount", Value::Null),
        (query_order(), "query_paid", "/success_time", Value::Null),
        (query_order(), "query_paid", "/success_time", json!("soon")),
        (query_order(), "query_paid", "/transaction_id", Value::Null),
        (
            query_order(),
            "query_paid",
            "/trade_state",
            json!("WHATEVER"),
        ),
        (
            query_order(),
            "query_unpaid",
            "/amount/currency",
            json!("HKD"),
        ),
        (create_order(), "create", "/code_url", Value::Null),
        (create_order(), "create", "/code_url", json!("")),
        (
            refund(),
            "refund_accepted",
            "/out_refund_no",
            json!("other1"),
        ),
        (
            refund(),
            "refund_accepted",
            "/out_trade_no",
            json!("other1"),
        ),
        (refund(), "refund_accepted", "/amount/refund", json!(346)),
        (refund(), "refund_accepted", "/amount/total", json!(12344)),
        (
            refund(),
            "refund_accepted",
            "/amount/currency",
            json!("USD"),
        ),
        (
            query_refund(),
            "refund_done",
            "/out_refund_no",
            json!("other1"),
        ),
    ];
    for (operation, path, pointer, value) in cases {
        let label = format!("{path} {pointer} {value}");
        let response = altered(&format!("wechat/{path}.http"), pointer, value);
        let report = parse(&operation, &response);
        assert!(
            matches!(report, Report::Unknown { .. }),
            "{label}: {report:?}"
        );
    }
}

#[test]
fn the_card_that_paid_is_told_where_the_channel_names_one() {
    for (bank_type, expected) in [
        ("ICBC_CREDIT", Some(Instrument::CreditCard)),
        ("CMB_DEBIT", Some(Instrument::DebitCard)),
        ("OTHERS", None),
        ("CREDIT", None),
        ("ICBC_CREDITED", None),
    ] {
        let response = altered("wechat/query_paid.http", "/bank_type", json!(bank_type));
        let state = order_state(parse(&query_order(), &response));
        let OrderState::Paid { instrument, .. } = state else {
            panic!("{bank_type}: {state:?}")
        };
        assert_eq!(instrument, expected, "{bank_type}");
    }
}

#[test]
fn every_state_of_an_order_has_its_meaning() {
    let state = |word: &str| {
        let response = altered("wechat/query_paid.http", "/trade_state", json!(word));
        order_state(parse(&query_order(), &response))
    };
    assert!(matches!(state("SUCCESS"), OrderState::Paid { .. }));
    assert!(matches!(state("REFUND"), OrderState::Paid { .. }));
    assert_eq!(state("NOTPAY"), OrderState::AwaitingPayer);
    assert_eq!(state("USERPAYING"), OrderState::AwaitingPayer);
    assert_eq!(state("CLOSED"), OrderState::Closed);
    assert_eq!(state("REVOKED"), OrderState::Closed);
    assert!(matches!(state("PAYERROR"), OrderState::Failed { .. }));
}

#[test]
fn every_state_of_a_refund_has_its_meaning() {
    let state = |word: &str| {
        let response = altered("wechat/refund_done.http", "/status", json!(word));
        match answer(parse(&query_refund(), &response)) {
            Answer::Refund { state, .. } => state,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(state("PROCESSING"), RefundState::Processing);
    assert_eq!(state("CLOSED"), RefundState::Closed);
    assert_eq!(state("ABNORMAL"), RefundState::Abnormal);
    assert!(matches!(state("SUCCESS"), RefundState::Succeeded { .. }));
}

#[test]
fn other_success_statuses_are_unknown() {
    let body = String::from_utf8(recorded("wechat/query_paid.http").body).unwrap();
    for status in [201, 202, 204, 206, 301, 304] {
        let response = wechat_signed(status, &body, signed_at());
        unknown_reason(parse(&query_order(), &response));
    }
    unknown_reason(parse(
        &close_order(),
        &wechat_signed(200, "{}", signed_at()),
    ));
}

#[test]
fn bill_locations_need_a_sha1() {
    let body = |kind: &str, hash: &str| {
        format!(r#"{{"hash_type":"{kind}","hash_value":"{hash}","download_url":"https://x/y"}}"#)
    };
    let hash = "A9993E364706816ABA3E25717850C26C9CD0D89D";
    let read = |text: &str| parse(&trade_bill(), &wechat_signed(200, text, signed_at()));
    assert_eq!(
        answer(read(&body("SHA1", hash))),
        Answer::BillLocation {
            url: "https://x/y".to_owned(),
            sha1: hash.to_ascii_lowercase(),
        }
    );
    unknown_reason(read(&body("SHA256", hash)));
    unknown_reason(read(&body("SHA1", "abc")));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn bills_are_accepted_by_the_hash_of_either_form() {
    let plain = bytes("wechat/trade_bill.csv");
    let packed = gzip(&plain);
    let expected = Answer::Bill {
        bytes: plain.clone(),
    };
    let cases = [
        (&plain, sha1_hex(&plain)),
        (&packed, sha1_hex(&plain)),
        (&packed, sha1_hex(&packed)),
        (&packed, sha1_hex(&plain).to_ascii_uppercase()),
    ];
    for (body, hash) in cases {
        let read = parse(&download_bill(&hash), &unsigned(200, body));
        assert_eq!(answer(read), expected);
    }
}

#[test]
fn altered_bills_are_unknown() {
    let plain = bytes("wechat/trade_bill.csv");
    let hash = sha1_hex(&plain);
    let mut packed = gzip(&plain);
    let mut changed = plain.clone();
    changed[500] ^= 1;
    let cut = packed.split_off(packed.len() / 2);
    for body in [changed, packed, cut, plain[..100].to_vec(), Vec::new()] {
        unknown_reason(parse(&download_bill(&hash), &unsigned(200, body)));
    }
    let refused = unsigned(404, r#"{"code":"RESOURCE_NOT_EXISTS"}"#);
    unknown_reason(parse(&download_bill(&hash), &refused));
}
