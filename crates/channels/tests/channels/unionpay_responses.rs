//! Payout and query answers: what they mean, and those that must not count.

use crate::support::*;
use channels::crypto::base64_decode;
use channels::unionpay::{Fields, PRODUCTION_SIGNER};
use channels::{
    Answer, Connector, ConnectorError, Operation, PayeeAccount, PayoutState, Report,
    UnionpayConfig, UnionpayConnector,
};
use jiff::Timestamp;
use money::{Currency, Money};

const ACCEPTED: &str = "unionpay/payout_accepted.txt";
const SUCCEEDED: &str = "unionpay/query_succeeded.txt";

fn parse(operation: &Operation, body: &[u8]) -> Report {
    unionpay().parse(operation, &unsigned(200, body), signed_at())
}

fn state(report: Report) -> PayoutState {
    match report {
        Report::Answered {
            answer: Answer::Payout { payout, state },
        } => {
            assert_eq!(payout, reference(PAYOUT));
            state
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn recorded_answers_are_read() {
    assert_eq!(
        state(parse(&payout(), &bytes(ACCEPTED))),
        PayoutState::Processing
    );
    assert_eq!(
        state(parse(&query_payout(), &bytes(SUCCEEDED))),
        PayoutState::Succeeded {
            channel_number: "202612010959000000001".to_owned(),
            amount: Money::cny(250_000),
            settle_date: Some("1201".to_owned()),
        }
    );
    match state(parse(&query_payout(), &bytes("unionpay/query_failed.txt"))) {
        PayoutState::Failed { refusal } => {
            assert_eq!(refusal.code, "61");
            assert!(refusal.message.starts_with("输入的卡号无效"));
            assert!(!refusal.later);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        parse(&query_payout(), &bytes("unionpay/query_unknown.txt")),
        Report::NotFound
    );
}

#[test]
fn each_code_to_a_payout_has_its_meaning() {
    let report = |code: &str| {
        let fields = acp_signed(ACCEPTED, &[("respCode", code)]);
        parse(&payout(), fields.to_raw().as_bytes())
    };
    for code in ["00", "A6"] {
        assert_eq!(state(report(code)), PayoutState::Processing, "{code}");
    }
    let unclear = [
        "03", "04", "05", "01", "12", "34", "60", "42", "69", "70", "74", "75", "83", "99", "37",
        "98", "A1", "B7", "0", "000",
    ];
    for code in unclear {
        assert!(
            matches!(report(code), Report::Unknown { .. }),
            "{code}: {:?}",
            report(code)
        );
    }
    for (code, later) in [("61", false), ("64", true), ("06", true), ("33", false)] {
        match report(code) {
            Report::Refused { refusal } => {
                assert_eq!((refusal.code.as_str(), refusal.later), (code, later));
            }
            other => panic!("{code}: {other:?}"),
        }
    }
    assert!(matches!(report(""), Report::Unknown { .. }));
}

#[test]
fn each_code_of_a_queried_payout_has_its_meaning() {
    let report = |code: &str| {
        let fields = acp_signed(SUCCEEDED, &[("origRespCode", code)]);
        parse(&query_payout(), fields.to_raw().as_bytes())
    };
    for code in ["00", "A6"] {
        assert!(matches!(state(report(code)), PayoutState::Succeeded { .. }));
    }
    for code in ["03", "04", "05", "01", "12", "34", "60"] {
        assert_eq!(state(report(code)), PayoutState::Processing, "{code}");
    }
    for code in ["61", "64", "30"] {
        assert!(
            matches!(state(report(code)), PayoutState::Failed { .. }),
            "{code}"
        );
    }
    // 02, 06 and 11 speak of a request that was turned away, not of a payout that ended.
    for code in ["", "42", "74", "75", "83", "99", "ZZ", "02", "06", "11"] {
        assert!(matches!(report(code), Report::Unknown { .. }), "{code}");
    }
}

#[test]
fn the_querys_own_code_never_fails_the_payout() {
    for code in ["03", "06", "11", "12", "37", "61", "99", "A6", ""] {
        let fields = acp_signed(SUCCEEDED, &[("respCode", code), ("origRespCode", "61")]);
        let report = parse(&query_payout(), fields.to_raw().as_bytes());
        assert!(matches!(report, Report::Unknown { .. }), "{code}");
    }
}

#[test]
fn signed_answers_about_something_else_are_unknown() {
    let changes = [
        ("merId", "777290058110049"),
        ("merId", ""),
        ("orderId", "01PAYOUT000000000000000000000002"),
        ("orderId", ""),
        ("txnTime", "20261201095901"),
        ("txnTime", ""),
        ("txnAmt", "250001"),
        ("txnAmt", "0250000"),
        ("txnAmt", "250000.0"),
        ("txnAmt", ""),
        ("currencyCode", "840"),
        ("txnType", "00"),
        ("txnType", "01"),
        ("txnSubType", "01"),
        ("bizType", "000000"),
    ];
    for change in changes {
        let fields = acp_signed(ACCEPTED, &[change]);
        let report = parse(&payout(), fields.to_raw().as_bytes());
        assert!(matches!(report, Report::Unknown { .. }), "{change:?}");
    }
    // An answer to a query is no answer to the payout, nor the reverse.
    unknown_reason(parse(&payout(), &bytes("unionpay/query_failed.txt")));
    unknown_reason(parse(&query_payout(), &bytes(ACCEPTED)));
    // Success without its evidence.
    for change in [("queryId", ""), ("txnAmt", ""), ("settleDate", "01-12")] {
        let fields = acp_signed(SUCCEEDED, &[change]);
        unknown_reason(parse(&query_payout(), fields.to_raw().as_bytes()));
    }
}

/// The recorded success under another certificate, signed with that certificate's key.
fn signed_by(certificate: &str, key: &str) -> Report {
    let mut fields = Fields::from_raw(&bytes(SUCCEEDED)).unwrap();
    fields.set(
        "signPubKeyCert",
        text(&format!("unionpay/{certificate}.cer")),
    );
    acp_resign(&mut fields, &format!("unionpay/{key}.key"));
    parse(&query_payout(), fields.to_raw().as_bytes())
}

#[test]
fn only_unionpays_certificate_counts() {
    assert!(matches!(
        signed_by("signer", "signer"),
        Report::Answered { .. }
    ));
    for (certificate, key, expected) in [
        // Issued by the same authority, but to a merchant.
        ("merchant", "merchant", "common name"),
        ("signer_expired", "signer", "valid from"),
        ("stranger_signer", "stranger", "signature does not match"),
        ("sub_signer", "stranger", "names differ"),
        ("root", "root", "names differ"),
        ("signer", "stranger", "does not match the message"),
    ] {
        let reason = unknown_reason(signed_by(certificate, key));
        assert!(reason.contains(expected), "{certificate}: {reason}");
    }
}

#[test]
fn the_accepted_name_is_a_setting() {
    let config = UnionpayConfig {
        accepted_signers: vec![PRODUCTION_SIGNER.to_owned()],
        ..unionpay_config()
    };
    let connector = UnionpayConnector::new(config).unwrap();
    let response = unsigned(200, text(SUCCEEDED));
    let reason = unknown_reason(connector.parse(&query_payout(), &response, signed_at()));
    assert!(reason.contains("common name"), "{reason}");
}

#[test]
fn answers_without_a_valid_signature_are_unknown() {
    type Change = fn(&mut Fields);
    let cases: [(&str, Change); 8] = [
        ("signature is missing", |f| f.set("signature", "")),
        ("signPubKeyCert is missing", |f| f.set("signPubKeyCert", "")),
        ("signPubKeyCert is malformed", |f| {
            f.set("signPubKeyCert", "x");
        }),
        ("not supported", |f| f.set("version", "5.0.0")),
        ("not supported", |f| f.set("signMethod", "11")),
        ("does not match", |f| f.set("origRespCode", "61")),
        ("does not match", |f| f.set("added", "1")),
        ("does not match", |f| f.set("signature", "AAAA")),
    ];
    for (expected, change) in cases {
        let mut fields = Fields::from_raw(&bytes(SUCCEEDED)).unwrap();
        change(&mut fields);
        let reason = unknown_reason(parse(&query_payout(), fields.to_raw().as_bytes()));
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
    let late: Timestamp = "2127-01-01T00:00:00Z".parse().unwrap();
    let response = unsigned(200, text(SUCCEEDED));
    unknown_reason(unionpay().parse(&query_payout(), &response, late));
}

#[test]
fn other_statuses_are_unknown_whatever_they_say() {
    for status in [201, 204, 302, 400, 404, 500, 502] {
        let response = unsigned(status, text("unionpay/query_failed.txt"));
        let report = unionpay().parse(&query_payout(), &response, signed_at());
        assert!(matches!(report, Report::Unknown { .. }), "{status}");
    }
}

#[test]
fn a_payout_carries_what_was_recorded_and_nothing_in_clear() {
    let request = unionpay()
        .request(&payout(), Some(&payee()), seconds_later(3_600), NONCE)
        .unwrap();
    assert_eq!(
        request.url,
        "https://gateway.test.95516.com/gateway/api/backTransReq.do"
    );
    let fields = Fields::from_form(&request.body).unwrap();
    let expected = [
        ("txnType", "12"),
        ("txnSubType", "00"),
        ("bizType", "000401"),
        ("merId", "777290058110048"),
        ("orderId", PAYOUT),
        ("txnTime", "20261201095900"),
        ("txnAmt", "250000"),
        ("currencyCode", "156"),
        ("accType", "01"),
        ("encryptCertId", "69026276696"),
        ("certId", "68759663125"),
        ("orderDesc", "货款"),
    ];
    for (name, value) in expected {
        assert_eq!(fields.get(name), Some(value), "{name}");
    }
    let sealed = base64_decode(fields.get("accNo").unwrap()).unwrap();
    let opened = private_key("unionpay/encryption.key")
        .decrypt_pkcs1(&sealed)
        .unwrap();
    assert_eq!(opened.as_slice(), b"6216261000000000018");
    let info = base64_decode(fields.get("customerInfo").unwrap()).unwrap();
    assert_eq!(String::from_utf8(info).unwrap(), "{customerNm=张三}");
    assert!(!String::from_utf8_lossy(&request.body).contains("6216261"));
}

#[test]
fn a_corporate_payee_is_marked() {
    let mut payee = payee();
    payee.corporate = true;
    payee.holder = "清源贸易有限公司".to_owned();
    let request = unionpay()
        .request(&payout(), Some(&payee), signed_at(), NONCE)
        .unwrap();
    let fields = Fields::from_form(&request.body).unwrap();
    assert_eq!(fields.get("accType"), Some("04"));
    assert_eq!(
        fields.get("reserved"),
        Some("{comDebitCardAccName=清源贸易有限公司}")
    );
}

#[test]
fn payouts_that_cannot_be_expressed_are_not_sent() {
    let with_payee = |change: fn(&mut PayeeAccount)| {
        let mut payee = payee();
        change(&mut payee);
        unionpay().request(&payout(), Some(&payee), signed_at(), NONCE)
    };
    let cases: [fn(&mut PayeeAccount); 5] = [
        |p| p.account_number = "62162610000000000x8".to_owned(),
        |p| p.account_number.clear(),
        |p| p.holder = "张&certifId=1".to_owned(),
        |p| p.holder.clear(),
        |p| p.holder = "张\n三".to_owned(),
    ];
    for change in cases {
        let error = with_payee(change).unwrap_err();
        assert!(matches!(error, ConnectorError::Field { .. }));
        assert!(!error.to_string().contains("6216"), "{error}");
    }
    let none = unionpay().request(&payout(), None, signed_at(), NONCE);
    assert!(matches!(
        none,
        Err(ConnectorError::Field { field: "payee", .. })
    ));
    let mut dollars = payout();
    if let Operation::Payout { amount, .. } = &mut dollars {
        *amount = Money::new(1, Currency::USD);
    }
    let refused = unionpay().request(&dollars, Some(&payee()), signed_at(), NONCE);
    assert!(matches!(
        refused,
        Err(ConnectorError::Field {
            field: "amount",
            ..
        })
    ));
    let after: Timestamp = "2127-01-01T00:00:00Z".parse().unwrap();
    let expired = unionpay().request(&payout(), Some(&payee()), after, NONCE);
    assert!(matches!(expired, Err(ConnectorError::Crypto(_))));
    let order = unionpay().request(&create_order(), None, signed_at(), NONCE);
    assert!(matches!(order, Err(ConnectorError::Unsupported { .. })));
}

#[test]
fn a_purpose_that_would_break_the_answer_is_not_sent() {
    for delimiter in ["&", "=", "{", "}", "[", "]"] {
        let mut operation = payout();
        if let Operation::Payout { purpose, .. } = &mut operation {
            purpose.push_str(delimiter);
        }
        let refused = unionpay()
            .request(&operation, Some(&payee()), signed_at(), NONCE)
            .unwrap_err();
        assert!(
            matches!(
                refused,
                ConnectorError::Field {
                    field: "purpose",
                    ..
                }
            ),
            "{delimiter}: {refused}"
        );
    }
}

#[test]
fn unusable_settings_are_named() {
    type Change = fn(&mut UnionpayConfig);
    let cases: [(&str, Change); 6] = [
        ("merchant_id", |c| c.merchant_id.push('1')),
        ("cert_id", |c| c.cert_id = "10ABCD".to_owned()),
        ("accepted_signers", |c| {
            c.accepted_signers = vec![String::new()]
        }),
        ("middle_certificate", |c| {
            c.middle_certificate = certificate("unionpay/stranger_middle.cer");
        }),
        ("base_url", |c| c.base_url = "ftp://gateway".to_owned()),
        ("back_url", |c| c.back_url.push_str("?x=1")),
    ];
    for (name, change) in cases {
        let mut config = unionpay_config();
        change(&mut config);
        match UnionpayConnector::new(config) {
            Err(ConnectorError::Configuration { setting, .. }) => assert_eq!(setting, name),
            other => panic!("{name}: {other:?}"),
        }
    }
}
