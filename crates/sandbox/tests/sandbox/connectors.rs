//! The project's connectors against this crate's servers: two sides written apart from one
//! description of the protocol.

use crate::support::http::{client, clock, merchant_key, start_with_unionpay, start_with_wechat};
use crate::support::unionpay;
use crate::support::wechat::{API_V3_KEY, APP, MERCHANT};
use axum::http::{HeaderMap, StatusCode};
use calendar::BusinessDate;
use channels::connector::Connector;
use channels::crypto::{AeadKey, Certificate, RsaPublicKey};
use channels::http::{Method, Response};
use channels::operation::{ChannelReference, PayeeAccount};
use channels::unionpay::{TEST_SIGNER, UnionpayConfig, UnionpayConnector};
use channels::wechat::{WechatConfig, WechatConnector};
use channels::{Answer, Operation, OrderState, Payer, PayoutState, RefundState, Report};
use money::{Currency, Money};
use sandbox::{Fault, FaultSwitch, RunningSandbox, SandboxParameters, SerialMode, Trigger};
use std::collections::BTreeMap;
use testing::receiver::Receiver;

fn fen(amount: i64) -> Money {
    Money::new(amount, Currency::CNY)
}

fn reference(text: &str) -> ChannelReference {
    ChannelReference(text.to_owned())
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect()
}

/// Performs an operation as an HTTP driver would; a broken connection gives nothing.
async fn perform(
    sandbox: &RunningSandbox,
    connector: &dyn Connector,
    operation: &Operation,
    payee: Option<&PayeeAccount>,
) -> Option<Report> {
    let request = connector
        .request(operation, payee, sandbox.now(), "nonce1")
        .unwrap();
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
    };
    let mut http = client().request(method, &request.url).body(request.body);
    for (name, value) in &request.headers {
        http = http.header(name, value);
    }
    let answer = http.send().await.ok()?;
    let response = Response {
        status: answer.status().as_u16(),
        headers: pairs(answer.headers()),
        body: answer.bytes().await.ok()?.to_vec(),
    };
    Some(connector.parse(operation, &response, sandbox.now()))
}

fn wechat(parameters: &SandboxParameters, mode: SerialMode, notify_url: &str) -> WechatConnector {
    let given = &parameters.wechat;
    let (serial, key) = match mode {
        SerialMode::PublicKey => (
            given.platform_public_key_id.clone(),
            RsaPublicKey::from_text(&given.platform_public_key_pem).unwrap(),
        ),
        SerialMode::PlatformCertificate => (
            given.platform_certificate_serial_no.clone(),
            Certificate::from_pem(&given.platform_certificate_pem)
                .unwrap()
                .public_key()
                .clone(),
        ),
    };
    WechatConnector::new(WechatConfig {
        merchant_id: MERCHANT.to_owned(),
        app_id: APP.to_owned(),
        serial_no: merchant_key().serial_hex(),
        private_key: merchant_key().private_key().clone(),
        api_v3_key: AeadKey::new(API_V3_KEY.as_bytes()).unwrap(),
        platform_keys: BTreeMap::from([(serial, key)]),
        base_url: given.base_url.clone(),
        notify_url: notify_url.to_owned(),
    })
    .unwrap()
}

async fn wechat_flow(mode: SerialMode) {
    let clock = clock();
    let sandbox = start_with_wechat(&clock, mode).await;
    let (receiver, notify_url) = Receiver::start(StatusCode::NO_CONTENT).await;
    let connector = wechat(&sandbox.parameters(), mode, &notify_url);
    let ask = async |operation: Operation| perform(&sandbox, &connector, &operation, None).await;

    let create = Operation::CreateOrder {
        order: reference("00order1"),
        description: "茶".to_owned(),
        amount: fen(1_000),
        expires_at: clock.now() + jiff::SignedDuration::from_hours(2),
    };
    let query = || Operation::QueryOrder {
        order: reference("00order1"),
    };
    assert_eq!(ask(query()).await, Some(Report::NotFound));
    let created = ask(create).await;
    let Some(Report::Answered {
        answer: Answer::OrderCreated { code_url },
    }) = created
    else {
        panic!("{created:?}")
    };
    let order = |state| Answer::Order {
        order: reference("00order1"),
        state,
    };
    let answered = |answer| Some(Report::Answered { answer });
    assert_eq!(
        ask(query()).await,
        answered(order(OrderState::AwaitingPayer))
    );

    let (owner, number) = sandbox
        .with_wechat(|core| core.order_of_code(&code_url))
        .unwrap();
    let now = sandbox.now();
    let payment = sandbox
        .with_wechat(|core| core.pay(&owner, &number, now))
        .unwrap();
    let paid = order(OrderState::Paid {
        channel_number: payment.transaction_id,
        amount: fen(1_000),
        paid_at: payment.paid_at,
        instrument: None,
        payer: Some(Payer::of(&payment.openid)),
    });
    assert_eq!(ask(query()).await, answered(paid.clone()));
    sandbox.tick().await;
    let received = receiver.take();
    let notice = connector
        .notification(&pairs(&received[0].0), &received[0].1, sandbox.now())
        .unwrap();
    assert_eq!(notice.answer, paid);

    let refund = Operation::Refund {
        order: reference("00order1"),
        refund: reference("00refund1"),
        amount: fen(400),
        order_total: fen(1_000),
        reason: None,
    };
    let processing = Answer::Refund {
        refund: reference("00refund1"),
        state: RefundState::Processing,
    };
    assert_eq!(ask(refund).await, answered(processing));
    clock.advance(3_000);
    sandbox.tick().await;
    let done = ask(Operation::QueryRefund {
        refund: reference("00refund1"),
    })
    .await;
    assert!(
        matches!(
            &done,
            Some(Report::Answered { answer: Answer::Refund { state: RefundState::Succeeded { amount, .. }, .. } })
                if *amount == fen(400)
        ),
        "{done:?}"
    );

    clock.advance(24 * 3_600_000);
    let date = BusinessDate::new(2026, 3, 2).unwrap();
    let location = ask(Operation::TradeBill { date }).await;
    let Some(Report::Answered {
        answer: Answer::BillLocation { url, sha1 },
    }) = location
    else {
        panic!("{location:?}")
    };
    let bill = ask(Operation::DownloadBill { url, sha1 }).await;
    let Some(Report::Answered {
        answer: Answer::Bill { bytes },
    }) = bill
    else {
        panic!("{bill:?}")
    };
    let written = sandbox
        .with_wechat(|core| core.bill_text(MERCHANT, date))
        .unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), written);
    let none = ask(Operation::TradeBill {
        date: date.previous(),
    })
    .await;
    assert_eq!(none, answered(Answer::NoBill));
    sandbox.stop().await;
}

#[tokio::test]
async fn wechat_connector_in_public_key_mode() {
    wechat_flow(SerialMode::PublicKey).await;
}

#[tokio::test]
async fn wechat_connector_in_certificate_mode() {
    wechat_flow(SerialMode::PlatformCertificate).await;
}

#[tokio::test]
async fn unionpay_connector() {
    let clock = clock();
    let sandbox = start_with_unionpay(&clock).await;
    let key = merchant_key();
    let (receiver, back_url) = Receiver::start(StatusCode::OK).await;
    let given = sandbox.parameters().unionpay;
    let connector = UnionpayConnector::new(UnionpayConfig {
        merchant_id: unionpay::MERCHANT.to_owned(),
        cert_id: key.serial_decimal().to_owned(),
        private_key: key.private_key().clone(),
        root_certificate: Certificate::from_pem(&given.root_certificate_pem).unwrap(),
        middle_certificate: Certificate::from_pem(&given.middle_certificate_pem).unwrap(),
        encryption_certificate: Certificate::from_pem(&given.encryption_certificate_pem).unwrap(),
        base_url: given.base_url,
        back_url,
        accepted_signers: vec![TEST_SIGNER.to_owned()],
    })
    .unwrap();
    let payee = PayeeAccount {
        account_number: "6216261000000000018".to_owned(),
        holder: "张三".to_owned(),
        corporate: false,
    };
    let submitted_at = sandbox.now();
    let payout = |number: &str| Operation::Payout {
        payout: reference(number),
        submitted_at,
        amount: fen(12_345),
        payee: "vault1".to_owned(),
        purpose: "结算款".to_owned(),
    };
    let query = |number: &str| Operation::QueryPayout {
        payout: reference(number),
        submitted_at,
    };
    let ask =
        async |operation: Operation| perform(&sandbox, &connector, &operation, Some(&payee)).await;
    let state = |report: Option<Report>| match report {
        Some(Report::Answered {
            answer: Answer::Payout { state, .. },
        }) => state,
        other => panic!("{other:?}"),
    };

    assert_eq!(ask(query("00payout1")).await, Some(Report::NotFound));
    assert_eq!(
        state(ask(payout("00payout1")).await),
        PayoutState::Processing
    );
    assert_eq!(
        state(ask(query("00payout1")).await),
        PayoutState::Processing
    );
    clock.advance(3_000);
    sandbox.tick().await;
    let done = state(ask(query("00payout1")).await);
    assert!(
        matches!(&done, PayoutState::Succeeded { amount, .. } if *amount == fen(12_345)),
        "{done:?}"
    );
    let received = receiver.take();
    let notice = connector
        .notification(&pairs(&received[0].0), &received[0].1, sandbox.now())
        .unwrap();
    assert_eq!(
        notice.answer,
        Answer::Payout {
            payout: reference("00payout1"),
            state: done
        }
    );
    let duplicate = ask(payout("00payout1")).await;
    assert!(
        matches!(duplicate, Some(Report::Unknown { .. })),
        "{duplicate:?}"
    );

    sandbox.with_unionpay(|core| {
        core.faults_mut().switch_on(FaultSwitch {
            merchant_id: None,
            operation: None,
            fault: Fault::PayoutFails {
                resp_code: "64".to_owned(),
            },
            trigger: Trigger::Next(1),
        });
    });
    assert_eq!(
        state(ask(payout("00payout2")).await),
        PayoutState::Processing
    );
    clock.advance(3_000);
    let failed = state(ask(query("00payout2")).await);
    assert!(
        matches!(&failed, PayoutState::Failed { refusal } if refusal.code == "64"),
        "{failed:?}"
    );
    sandbox.stop().await;
}
