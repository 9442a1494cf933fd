//! The UnionPay side over HTTP, with messages signed and encrypted by the tests themselves.

use crate::support::http::{client, clock, keys, merchant_key, start, start_with_unionpay};
use crate::support::unionpay::MERCHANT;
use axum::http::StatusCode;
use channels::crypto::{Certificate, base64_encode, sha256_hex, verify_chain};
use sandbox::{ApiOperation, Fault, FaultSwitch, RunningSandbox, Trigger, UnionpayMerchant};
use std::collections::BTreeMap;
use testing::receiver::Receiver;

type Fields = BTreeMap<String, String>;

/// Sorted, joined, empty fields and the signature left out, hashed to hex.
fn digest(fields: &Fields) -> String {
    let text: Vec<String> = fields
        .iter()
        .filter(|(name, value)| *name != "signature" && !value.is_empty())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    sha256_hex(text.join("&").as_bytes())
}

fn signed(mut fields: Fields) -> Fields {
    let key = merchant_key();
    fields.insert("certId".to_owned(), key.serial_decimal().to_owned());
    let signature = key
        .private_key()
        .sign_sha256_base64(digest(&fields).as_bytes())
        .unwrap();
    fields.insert("signature".to_owned(), signature);
    fields
}

/// Checks chain, name and signature as a merchant must.
fn assert_genuine(fields: &Fields, sandbox: &RunningSandbox) {
    let parameters = sandbox.parameters().unionpay;
    let signer = Certificate::from_pem(&fields["signPubKeyCert"]).unwrap();
    let middle = Certificate::from_pem(&parameters.middle_certificate_pem).unwrap();
    let root = Certificate::from_pem(&parameters.root_certificate_pem).unwrap();
    verify_chain(&[&signer, &middle, &root], sandbox.now()).unwrap();
    let name = signer.common_name().unwrap().split('@').nth(2).unwrap();
    assert_eq!(name, "00040000:SIGN");
    signer
        .public_key()
        .verify_sha256_base64(digest(fields).as_bytes(), &fields["signature"])
        .unwrap();
}

/// Raw `k=v&k=v`; no value here contains an ampersand.
fn read_raw(text: &str) -> Fields {
    text.split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

async fn send(sandbox: &RunningSandbox, path: &str, fields: &Fields) -> reqwest::Result<Fields> {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let base = sandbox.parameters().unionpay.base_url;
    let response = client()
        .post(format!("{base}/{path}"))
        .header(
            "Content-Type",
            "application/x-www-form-urlencoded;charset=UTF-8",
        )
        .body(body)
        .send()
        .await?
        .error_for_status()?;
    let answer = read_raw(&response.text().await?);
    assert_genuine(&answer, sandbox);
    Ok(answer)
}

async fn pay_out(sandbox: &RunningSandbox, fields: Fields) -> reqwest::Result<Fields> {
    send(sandbox, "backTransReq.do", &signed(fields)).await
}

async fn query(sandbox: &RunningSandbox, order_id: &str) -> Fields {
    let mut fields = common(order_id);
    fields.extend(named([("txnType", "00"), ("txnSubType", "00")]));
    send(sandbox, "queryTrans.do", &signed(fields))
        .await
        .unwrap()
}

fn named<const N: usize>(pairs: [(&str, &str); N]) -> Fields {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn common(order_id: &str) -> Fields {
    named([
        ("version", "5.1.0"),
        ("encoding", "UTF-8"),
        ("signMethod", "01"),
        ("bizType", "000401"),
        ("accessType", "0"),
        ("merId", MERCHANT),
        ("orderId", order_id),
        ("txnTime", "20260302100000"),
    ])
}

fn sealed(text: &str) -> String {
    let parameters_key = keys()
        .unionpay_encryption
        .certificate()
        .public_key()
        .clone();
    base64_encode(&parameters_key.encrypt_pkcs1(text.as_bytes()).unwrap())
}

fn payout(order_id: &str, back_url: &str) -> Fields {
    let customer = format!(
        "{{customerNm=张三&encryptedInfo={}}}",
        sealed("phoneNo=13552535506")
    );
    let encryption = keys();
    let mut fields = common(order_id);
    fields.extend(named([
        ("txnType", "12"),
        ("txnSubType", "00"),
        ("channelType", "07"),
        ("currencyCode", "156"),
        ("txnAmt", "12345"),
        ("accType", "01"),
        ("accNo", &sealed("6216261000000000018")),
        ("customerInfo", &base64_encode(customer.as_bytes())),
        (
            "encryptCertId",
            encryption.unionpay_encryption.serial_decimal(),
        ),
        ("backUrl", back_url),
        ("reqReserved", "mine"),
    ]));
    fields
}

fn fault(sandbox: &RunningSandbox, fault: Fault, operation: Option<ApiOperation>) {
    sandbox.with_unionpay(|core| {
        core.faults_mut().switch_on(FaultSwitch {
            merchant_id: Some(MERCHANT.to_owned()),
            operation,
            fault,
            trigger: Trigger::Next(1),
        });
    });
}

const UNHEARD: &str = "http://127.0.0.1:9/notify";

#[tokio::test]
async fn a_payout_is_accepted_queried_and_announced() {
    let clock = clock();
    let sandbox = start_with_unionpay(&clock).await;
    let (receiver, back_url) = Receiver::start(StatusCode::OK).await;
    // A merchant's answer other than 200 is no acknowledgement here.
    receiver.answer_next(StatusCode::NO_CONTENT);
    let accepted = pay_out(&sandbox, payout("order0001", &back_url))
        .await
        .unwrap();
    assert_eq!(accepted["respCode"], "00");
    assert_eq!(accepted["reqReserved"], "mine");
    assert!(!accepted.contains_key("accNo"));
    let early = query(&sandbox, "order0001").await;
    assert_eq!(
        (early["respCode"].as_str(), early["origRespCode"].as_str()),
        ("00", "05")
    );

    clock.advance(3_000);
    assert_eq!(sandbox.tick().await, 1);
    clock.advance(60_000);
    assert_eq!(sandbox.tick().await, 1);
    let received = receiver.take();
    assert_eq!(received.len(), 2);
    let notice: Fields = url::form_urlencoded::parse(&received[1].1)
        .into_owned()
        .collect();
    assert_genuine(&notice, &sandbox);
    assert_eq!(notice["respCode"], "00");
    assert_eq!(
        (notice["txnType"].as_str(), notice["orderId"].as_str()),
        ("12", "order0001")
    );
    assert_eq!(notice["queryId"], accepted["queryId"]);

    let done = query(&sandbox, "order0001").await;
    assert_eq!(done["origRespCode"], "00");
    assert_eq!(
        (done["txnAmt"].as_str(), done["settleDate"].as_str()),
        ("12345", "0302")
    );
    assert_eq!(
        pay_out(&sandbox, payout("order0001", &back_url))
            .await
            .unwrap()["respCode"],
        "12"
    );
    assert_eq!(query(&sandbox, "order0002").await["respCode"], "34");
    sandbox.stop().await;
}

#[tokio::test]
async fn messages_with_a_wrong_signature_are_answered_signed() {
    let sandbox = start_with_unionpay(&clock()).await;
    let mut altered = signed(payout("order0001", UNHEARD));
    altered.insert("txnAmt".to_owned(), "99999".to_owned());
    let answer = send(&sandbox, "backTransReq.do", &altered).await.unwrap();
    assert_eq!(answer["respCode"], "11");
    let mut stranger = signed(payout("order0001", UNHEARD));
    stranger.insert("certId".to_owned(), "1".to_owned());
    let answer = send(&sandbox, "backTransReq.do", &stranger).await.unwrap();
    assert_eq!(answer["respCode"], "11");
    let mut unknown = payout("order0001", UNHEARD);
    unknown.insert("merId".to_owned(), "777290058110000".to_owned());
    assert_eq!(pay_out(&sandbox, unknown).await.unwrap()["respCode"], "31");
    assert_eq!(query(&sandbox, "order0001").await["respCode"], "34");
    sandbox.stop().await;
}

#[tokio::test]
async fn unfit_payouts_are_declined_by_code() {
    let sandbox = start_with_unionpay(&clock()).await;
    for (name, value, resp_code) in [
        ("txnAmt", "0123", "10"),
        ("txnAmt", "1.00", "10"),
        ("txnAmt", "", "13"),
        ("orderId", "with-dash", "10"),
        ("txnTime", "20260230000000", "10"),
        ("currencyCode", "840", "10"),
        ("bizType", "000000", "32"),
        ("txnType", "01", "32"),
        ("accType", "99", "10"),
        ("encryptCertId", "1", "10"),
        ("accNo", "6216261000000000018", "10"),
        ("accNo", &sealed("12ab"), "61"),
        ("customerInfo", &base64_encode(b"{certifTp=01}"), "13"),
        ("customerInfo", "e30", "10"),
    ] {
        let mut fields = payout("order0001", UNHEARD);
        fields.insert(name.to_owned(), value.to_owned());
        let answer = pay_out(&sandbox, fields).await.unwrap();
        assert_eq!(answer["respCode"], resp_code, "{name}={value}");
    }
    assert_eq!(
        sandbox.with_unionpay(|core| core.payouts(MERCHANT).count()),
        0
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn a_broken_connection_leaves_the_outcome_open() {
    let sandbox = start_with_unionpay(&clock()).await;
    let operation = Some(ApiOperation::Payout);
    fault(
        &sandbox,
        Fault::DropBeforeProcessing { hang_millis: 0 },
        operation,
    );
    assert!(
        pay_out(&sandbox, payout("order0001", UNHEARD))
            .await
            .is_err()
    );
    assert_eq!(query(&sandbox, "order0001").await["respCode"], "34");
    for (order_id, kind) in [
        ("order0001", Fault::DropAfterProcessing { hang_millis: 0 }),
        ("order0002", Fault::SystemErrorAfterProcessing),
    ] {
        fault(&sandbox, kind, operation);
        assert!(pay_out(&sandbox, payout(order_id, UNHEARD)).await.is_err());
        assert_eq!(query(&sandbox, order_id).await["origRespCode"], "05");
    }
    fault(&sandbox, Fault::RateLimited, operation);
    let busy = pay_out(&sandbox, payout("order0003", UNHEARD))
        .await
        .unwrap();
    assert_eq!(busy["respCode"], "06");
    assert_eq!(query(&sandbox, "order0003").await["respCode"], "34");
    sandbox.stop().await;
}

#[tokio::test]
async fn unfit_merchants_are_not_registered() {
    let sandbox = start(&clock()).await;
    let register = |merchant_id: &str, certificate_pem: &str| {
        sandbox.register_unionpay_merchant(&UnionpayMerchant {
            merchant_id: merchant_id.to_owned(),
            certificate_pem: certificate_pem.to_owned(),
        })
    };
    assert!(register("short", merchant_key().certificate_pem()).is_err());
    assert!(register(MERCHANT, "no certificate").is_err());
    assert!(register(MERCHANT, merchant_key().certificate_pem()).is_ok());
    sandbox.stop().await;
}
