//! Notifications, genuine and not.

use crate::support::*;
use channels::crypto::{AeadKey, aead_aes_256_gcm_encrypt, base64_encode};
use channels::http::Response;
use channels::{
    Answer, Connector, Notification, NotificationError, RefundState, SignatureError, WechatConfig,
    WechatConnector,
};
use money::Money;
use serde_json::{Value, json};

fn read(message: &Response) -> Result<Notification, NotificationError> {
    wechat().notification(&message.headers, &message.body, signed_at())
}

#[test]
fn recorded_notifications_are_read() {
    let notified = read(&recorded("wechat/notify_paid.http")).unwrap();
    assert!(notified.id.starts_with("EV-2026120109593100001"));
    assert_eq!(notified.answer, paid());
    let refunded = read(&recorded("wechat/notify_refund.http")).unwrap();
    assert_eq!(
        refunded.answer,
        Answer::Refund {
            refund: reference(REFUND),
            state: RefundState::Succeeded {
                channel_number: "50000000382026120100000000001".to_owned(),
                amount: Money::cny(345),
                refunded_at: "2026-12-01T01:59:52Z".parse().unwrap(),
            },
        }
    );
}

#[test]
fn header_names_are_taken_in_any_case() {
    let mut message = recorded("wechat/notify_paid.http");
    for (name, _) in &mut message.headers {
        *name = name.to_ascii_uppercase();
    }
    assert!(read(&message).is_ok());
}

#[test]
fn the_signature_is_checked_before_anything_is_read() {
    let genuine = recorded("wechat/notify_paid.http");
    let refused = |change: &dyn Fn(&mut Response)| {
        let mut message = genuine.clone();
        change(&mut message);
        match read(&message) {
            Err(NotificationError::Signature(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    let missing = refused(&|m| set_header(m, "wechatpay-signature", None));
    assert!(matches!(missing, SignatureError::Missing { .. }));
    let foreign = refused(&|m| set_header(m, "wechatpay-serial", Some("0BAD")));
    assert!(matches!(foreign, SignatureError::UnknownSerial { .. }));
    let probe = refused(&|m| {
        set_header(m, "wechatpay-signature", Some("WECHATPAY/SIGNTEST/abc"));
    });
    assert_eq!(probe, SignatureError::Probe);
    let altered = refused(&|m| m.body.extend_from_slice(b"\n"));
    assert_eq!(altered, SignatureError::Mismatch);
    let late = wechat().notification(&genuine.headers, &genuine.body, seconds_later(300));
    assert_eq!(
        late,
        Err(NotificationError::Signature(SignatureError::Stale {
            seconds: 300,
            limit: 300
        }))
    );
}

/// A signed notification of the given event with the given resource.
fn message(event: &str, resource: &Value) -> Response {
    let key = AeadKey::new(b"0123456789abcdef0123456789ABCDEF").unwrap();
    let sealed =
        aead_aes_256_gcm_encrypt(&key, b"abcdef012345", b"x", resource.to_string().as_bytes())
            .unwrap();
    let body = json!({
        "id": "EV-1",
        "create_time": "2026-12-01T10:00:00+08:00",
        "resource_type": "encrypt-resource",
        "event_type": event,
        "summary": "",
        "resource": {
            "original_type": "transaction",
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64_encode(&sealed),
            "associated_data": "x",
            "nonce": "abcdef012345",
        },
    });
    wechat_signed(200, &body.to_string(), signed_at())
}

fn transaction() -> Value {
    serde_json::from_slice(&recorded("wechat/query_paid.http").body).unwrap()
}

fn with(mut value: Value, name: &str, new: Value) -> Value {
    value[name] = new;
    value
}

#[test]
fn signed_notifications_for_others_are_refused() {
    for (field, other) in [("mchid", "1900000002"), ("appid", "wx1")] {
        let resource = with(transaction(), field, json!(other));
        assert_eq!(
            read(&message("TRANSACTION.SUCCESS", &resource)),
            Err(NotificationError::ForeignMerchant {
                field,
                found: other.to_owned()
            })
        );
    }
    // A refund without any merchant is nobody's.
    let refund = json!({
        "refund_id": "5", "out_refund_no": REFUND, "out_trade_no": ORDER,
        "refund_status": "CLOSED", "amount": {"total": 1, "refund": 1},
    });
    assert!(matches!(
        read(&message("REFUND.CLOSED", &refund)),
        Err(NotificationError::ForeignMerchant { field: "mchid", .. })
    ));
    let own = with(refund, "mchid", json!("1900000001"));
    assert!(matches!(
        read(&message("REFUND.CLOSED", &own)).unwrap().answer,
        Answer::Refund {
            state: RefundState::Closed,
            ..
        }
    ));
    assert!(matches!(
        read(&message("REFUND.SUCCESS", &own)),
        Err(NotificationError::Malformed { .. })
    ));
}

#[test]
fn contradictions_and_gaps_are_malformed() {
    let cases = [
        with(transaction(), "trade_state", json!("NOTPAY")),
        with(transaction(), "trade_state", json!("NEW")),
        with(transaction(), "success_time", Value::Null),
        with(transaction(), "transaction_id", json!("")),
        with(
            transaction(),
            "amount",
            json!({"total": 1, "currency": "USD"}),
        ),
        with(transaction(), "amount", json!({"total": 0})),
        json!([]),
    ];
    for resource in cases {
        let result = read(&message("TRANSACTION.SUCCESS", &resource));
        assert!(
            matches!(result, Err(NotificationError::Malformed { .. })),
            "{resource}: {result:?}"
        );
    }
}

#[test]
fn other_events_are_told_apart() {
    assert_eq!(
        read(&message("PROFITSHARING", &json!({}))),
        Err(NotificationError::UnknownEvent {
            event: "PROFITSHARING".to_owned()
        })
    );
}

#[test]
fn a_wrong_api_key_is_told_apart() {
    let config = WechatConfig {
        api_v3_key: AeadKey::new(&[7; 32]).unwrap(),
        ..wechat_config()
    };
    let connector = WechatConnector::new(config).unwrap();
    let genuine = recorded("wechat/notify_paid.http");
    assert_eq!(
        connector.notification(&genuine.headers, &genuine.body, signed_at()),
        Err(NotificationError::CannotDecrypt)
    );
}
