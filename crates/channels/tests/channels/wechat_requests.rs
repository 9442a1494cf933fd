//! What cannot be expressed is refused before anything is sent.

use crate::support::*;
use channels::{Connector, ConnectorError, Operation, WechatConfig, WechatConnector};
use jiff::Timestamp;
use money::{Currency, Money};
use proptest::prelude::*;

fn field_of(operation: &Operation) -> &'static str {
    match wechat().request(operation, None, signed_at(), NONCE) {
        Err(ConnectorError::Field { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

fn order_with(change: impl FnOnce(&mut String, &mut String, &mut Money)) -> Operation {
    let mut number = ORDER.to_owned();
    let mut text = "咖啡".to_owned();
    let mut sum = Money::cny(1);
    change(&mut number, &mut text, &mut sum);
    Operation::CreateOrder {
        order: reference(&number),
        description: text,
        amount: sum,
        expires_at: signed_at(),
    }
}

#[test]
fn fields_that_break_the_rules_are_named() {
    let cases = [
        (order_with(|n, _, _| *n = "01A".to_owned()), "order"),
        (order_with(|n, _, _| n.push('x')), "order"),
        (
            order_with(|n, _, _| *n = "01ORDER/../x".to_owned()),
            "order",
        ),
        (order_with(|_, t, _| t.clear()), "description"),
        (order_with(|_, t, _| *t = "咖".repeat(128)), "description"),
        (order_with(|_, t, _| t.push('\n')), "description"),
        (order_with(|_, _, s| *s = Money::cny(0)), "amount"),
        (order_with(|_, _, s| *s = Money::cny(-1)), "amount"),
        (
            order_with(|_, _, s| *s = Money::new(1, Currency::USD)),
            "amount",
        ),
    ];
    for (operation, field) in cases {
        assert_eq!(field_of(&operation), field, "{operation:?}");
    }
}

#[test]
fn a_refund_above_the_order_is_refused() {
    let operation = Operation::Refund {
        order: reference(ORDER),
        refund: reference(REFUND),
        amount: Money::cny(12_346),
        order_total: Money::cny(12_345),
        reason: None,
    };
    assert_eq!(field_of(&operation), "amount");
}

#[test]
fn our_signature_goes_to_the_channel_only() {
    let hosts = [
        "https://evil.example/v3/billdownload/file?token=x",
        "http://api.mch.weixin.qq.com/v3/billdownload/file?token=x",
        "https://api.mch.weixin.qq.com.evil.example/file",
        "https://user@api.mch.weixin.qq.com/file",
        "/v3/billdownload/file?token=x",
    ];
    for url in hosts {
        let operation = Operation::DownloadBill {
            url: url.to_owned(),
            sha1: "0".repeat(40),
        };
        assert_eq!(field_of(&operation), "url", "{url}");
    }
    let recovery = Operation::DownloadBill {
        url: "https://api2.mch.weixin.qq.com/v3/billdownload/file?token=x".to_owned(),
        sha1: "0".repeat(40),
    };
    assert!(
        wechat()
            .request(&recovery, None, signed_at(), NONCE)
            .is_ok()
    );
}

#[test]
fn a_sandbox_address_is_used_as_given() {
    let config = WechatConfig {
        base_url: "http://127.0.0.1:8443/wechat/".to_owned(),
        ..wechat_config()
    };
    let connector = WechatConnector::new(config).unwrap();
    let request = connector
        .request(&query_order(), None, signed_at(), NONCE)
        .unwrap();
    assert_eq!(
        request.url,
        format!(
            "http://127.0.0.1:8443/wechat/v3/pay/transactions/out-trade-no/{ORDER}?mchid=1900000001"
        )
    );
}

#[test]
fn unusable_settings_are_named() {
    type Change = fn(&mut WechatConfig);
    let cases: [(&str, Change); 6] = [
        ("merchant_id", |c| c.merchant_id = "19\"0".to_owned()),
        ("app_id", |c| c.app_id.clear()),
        ("serial_no", |c| c.serial_no = "a,b".to_owned()),
        ("platform_keys", |c| c.platform_keys.clear()),
        ("base_url", |c| c.base_url = "api.mch".to_owned()),
        ("notify_url", |c| c.notify_url.push_str("?x=1")),
    ];
    for (name, change) in cases {
        let mut config = wechat_config();
        change(&mut config);
        match WechatConnector::new(config) {
            Err(ConnectorError::Configuration { setting, .. }) => assert_eq!(setting, name),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn payouts_are_not_wechats() {
    let error = wechat()
        .request(&payout(), Some(&payee()), signed_at(), NONCE)
        .unwrap_err();
    assert!(matches!(error, ConnectorError::Unsupported { .. }));
}

#[test]
fn nonces_cannot_break_out_of_the_header() {
    for nonce in ["", "a\"b", "a\nb", "a b", &"x".repeat(33)] {
        assert!(
            wechat()
                .request(&query_order(), None, signed_at(), nonce)
                .is_err()
        );
    }
}

proptest! {
    /// Repeating a request later changes the signature, never what is asked.
    #[test]
    fn a_repetition_asks_for_the_same(seconds in 0i64..4_000_000_000, nonce in "[A-Za-z0-9]{1,32}") {
        let at = Timestamp::from_second(seconds).unwrap();
        for operation in [create_order(), refund(), close_order(), query_order()] {
            let first = wechat().request(&operation, None, signed_at(), NONCE).unwrap();
            let again = wechat().request(&operation, None, at, &nonce).unwrap();
            prop_assert_eq!(&first.url, &again.url);
            prop_assert_eq!(&first.body, &again.body);
            prop_assert_eq!(first.method, again.method);
        }
    }

    #[test]
    fn any_description_that_is_sent_arrives_as_it_was(text in "\\PC{1,127}", fen in 1i64..i64::MAX) {
        let operation = order_with(|_, t, s| {
            *t = text.clone();
            *s = Money::cny(fen);
        });
        if let Ok(request) = wechat().request(&operation, None, signed_at(), NONCE) {
            let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
            prop_assert_eq!(body["description"].as_str().unwrap(), text);
            prop_assert_eq!(body["amount"]["total"].as_i64().unwrap(), fen);
        }
    }
}
