//! Request bytes as once recorded and read by a person; signatures are deterministic.
//! `UPDATE_GOLDEN=1` writes them anew.

use crate::support::*;
use channels::http::{Method, Request};
use channels::{Connector, Operation};

fn written(request: &Request) -> String {
    let method = match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
    };
    let mut text = format!("{method} {}\n", request.url);
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {value}\n"));
    }
    text.push('\n');
    text.push_str(std::str::from_utf8(&request.body).unwrap());
    text
}

fn check(name: &str, connector: &dyn Connector, operation: &Operation) {
    let request = connector
        .request(operation, None, signed_at(), NONCE)
        .unwrap();
    let path = fixtures().join("golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, written(&request)).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(written(&request), expected, "{name}");
}

#[test]
fn wechat_requests() {
    let connector = wechat();
    let cases = [
        ("wechat_create_order.http", create_order()),
        ("wechat_query_order.http", query_order()),
        ("wechat_close_order.http", close_order()),
        ("wechat_refund.http", refund()),
        ("wechat_query_refund.http", query_refund()),
        ("wechat_trade_bill.http", trade_bill()),
        ("wechat_download_bill.http", download_bill(&"0".repeat(40))),
    ];
    for (name, operation) in cases {
        check(name, &connector, &operation);
    }
    check(
        "wechat_query_order_public_mode.http",
        &wechat_public_mode(),
        &query_order(),
    );
}

#[test]
fn unionpay_query() {
    check("unionpay_query_payout.http", &unionpay(), &query_payout());
}
