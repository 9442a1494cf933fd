//! Error answers: what a signed body may say, and that an unsigned one says nothing.

use crate::support::*;
use channels::{Answer, Connector, Operation, Report};

#[derive(Debug, PartialEq)]
enum Verdict {
    NotFound,
    Declined,
    Later,
    NoBill,
    Unknown,
}

fn verdict(operation: &Operation, status: u16, code: &str) -> Verdict {
    let body = format!(r#"{{"code":"{code}","message":"说明","detail":{{"field":"x"}}}}"#);
    match wechat().parse(
        operation,
        &wechat_signed(status, &body, signed_at()),
        signed_at(),
    ) {
        Report::NotFound => Verdict::NotFound,
        Report::Refused { refusal } => {
            assert_eq!(refusal.code, code);
            assert_eq!(refusal.message, "说明");
            if refusal.later {
                Verdict::Later
            } else {
                Verdict::Declined
            }
        }
        Report::Answered {
            answer: Answer::NoBill,
        } => Verdict::NoBill,
        Report::Unknown { .. } => Verdict::Unknown,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_code_has_its_meaning_for_each_operation() {
    use Verdict::{Declined, Later, NoBill, NotFound, Unknown};
    let cases = [
        (create_order(), 400, "PARAM_ERROR", Declined),
        (create_order(), 400, "INVALID_REQUEST", Declined),
        (create_order(), 403, "NO_AUTH", Declined),
        (create_order(), 401, "SIGN_ERROR", Later),
        (create_order(), 429, "FREQUENCY_LIMITED", Later),
        (create_order(), 429, "SOMETHING_NEW", Later),
        (create_order(), 400, "ORDERPAID", Unknown),
        (create_order(), 403, "OUT_TRADE_NO_USED", Unknown),
        (create_order(), 403, "BANK_ERROR", Unknown),
        (create_order(), 400, "SOMETHING_NEW", Unknown),
        (create_order(), 404, "ORDER_NOT_EXIST", Unknown),
        (create_order(), 500, "SYSTEM_ERROR", Unknown),
        (create_order(), 500, "PARAM_ERROR", Unknown),
        (create_order(), 302, "PARAM_ERROR", Unknown),
        (query_order(), 404, "ORDER_NOT_EXIST", NotFound),
        (query_order(), 404, "RESOURCE_NOT_EXISTS", NotFound),
        (query_order(), 400, "ORDER_NOT_EXIST", Unknown),
        (query_order(), 404, "MCH_NOT_EXISTS", Unknown),
        (query_order(), 400, "PARAM_ERROR", Unknown),
        (query_order(), 401, "SIGN_ERROR", Unknown),
        (query_order(), 429, "FREQUENCY_LIMITED", Unknown),
        (query_refund(), 404, "RESOURCE_NOT_EXISTS", NotFound),
        (query_refund(), 503, "RESOURCE_NOT_EXISTS", Unknown),
        (close_order(), 400, "ORDERPAID", Unknown),
        (close_order(), 400, "ORDER_CLOSED", Unknown),
        (close_order(), 404, "ORDER_NOT_EXIST", Unknown),
        (close_order(), 400, "PARAM_ERROR", Declined),
        (refund(), 403, "NOT_ENOUGH", Later),
        (refund(), 404, "RESOURCE_NOT_EXISTS", Declined),
        (refund(), 403, "USER_ACCOUNT_ABNORMAL", Declined),
        (refund(), 502, "SYSTEM_ERROR", Unknown),
        (trade_bill(), 400, "NO_STATEMENT_EXIST", NoBill),
        (trade_bill(), 400, "STATEMENT_CREATING", Later),
        (trade_bill(), 403, "NO_AUTH", Declined),
    ];
    for (operation, status, code, expected) in cases {
        assert_eq!(
            verdict(&operation, status, code),
            expected,
            "{operation:?} {status} {code}"
        );
        let body = format!(r#"{{"code":"{code}","message":"说明"}}"#);
        let report = wechat().parse(&operation, &unsigned(status, &body), signed_at());
        let reason = unknown_reason(report);
        assert!(
            reason.contains("wechatpay-") && !reason.contains(code) && !reason.contains("说明"),
            "{reason}"
        );
    }
}

#[test]
fn bodies_that_are_not_the_channels_are_unknown() {
    let bodies = [
        "",
        "not found",
        "<html>404</html>",
        "{}",
        "[]",
        r#"{"code":7}"#,
        r#"{"message":"ORDER_NOT_EXIST"}"#,
        r#"{"code":"ORDER_NOT_EXIST","#,
    ];
    for body in bodies {
        let report = wechat().parse(
            &query_order(),
            &wechat_signed(404, body, signed_at()),
            signed_at(),
        );
        assert!(matches!(report, Report::Unknown { .. }), "{body}");
    }
}

#[test]
fn a_signed_error_must_be_signed_rightly() {
    let body = r#"{"code":"ORDER_NOT_EXIST","message":""}"#;
    let mut response = wechat_signed(404, body, signed_at());
    let parse = |response: &_| wechat().parse(&query_order(), response, signed_at());
    assert_eq!(parse(&response), Report::NotFound);
    set_header(&mut response, "wechatpay-nonce", Some("other"));
    unknown_reason(parse(&response));
}

#[test]
fn an_error_status_never_carries_a_payment() {
    let paid = String::from_utf8(recorded("wechat/query_paid.http").body).unwrap();
    for status in [400, 404, 429, 500] {
        let response = wechat_signed(status, &paid, signed_at());
        let report = wechat().parse(&query_order(), &response, signed_at());
        assert!(matches!(report, Report::Unknown { .. }), "{status}");
    }
}
