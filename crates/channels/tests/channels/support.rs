//! Fixtures, connectors and a hand that signs as the channels do.

use channels::crypto::{AeadKey, Certificate, RsaPrivateKey, RsaPublicKey};
use channels::http::Response;
use channels::unionpay::{Fields, TEST_SIGNER};
use channels::wechat::signing::response_message;
use channels::{
    Answer, ChannelReference, Operation, OrderState, PayeeAccount, Payer, Report, UnionpayConfig,
    UnionpayConnector, WechatConfig, WechatConnector,
};
use jiff::Timestamp;
use money::Money;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub const ORDER: &str = "01ORDER0000000000000000000000001";
pub const REFUND: &str = "01REFUND000000000000000000000001";
pub const PAYOUT: &str = "01PAYOUT000000000000000000000001";
pub const PUBLIC_KEY_ID: &str = "PUB_KEY_ID_0119000000012026120100000000001";
pub const NONCE: &str = "5K8264ILTKCH16CQ2502SI8ZNMTM67VS";

/// When the recorded messages were signed: 2026-12-01T10:00:00+08:00.
pub fn signed_at() -> Timestamp {
    Timestamp::from_second(1_796_090_400).unwrap()
}

pub fn seconds_later(seconds: i64) -> Timestamp {
    Timestamp::from_second(signed_at().as_second() + seconds).unwrap()
}

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

pub fn bytes(path: &str) -> Vec<u8> {
    std::fs::read(fixtures().join(path)).unwrap()
}

pub fn text(path: &str) -> String {
    String::from_utf8(bytes(path)).unwrap()
}

pub fn private_key(path: &str) -> RsaPrivateKey {
    RsaPrivateKey::from_text(&text(path)).unwrap()
}

pub fn certificate(path: &str) -> Certificate {
    Certificate::from_pem(&text(path)).unwrap()
}

pub fn wechat_config() -> WechatConfig {
    let platform = certificate("wechat/platform.crt");
    WechatConfig {
        merchant_id: "1900000001".to_owned(),
        app_id: "wx8888888888888888".to_owned(),
        serial_no: certificate("wechat/merchant.crt").serial_hex(),
        private_key: private_key("wechat/merchant.key"),
        api_v3_key: AeadKey::new(b"0123456789abcdef0123456789ABCDEF").unwrap(),
        platform_keys: BTreeMap::from([(platform.serial_hex(), platform.public_key().clone())]),
        base_url: "https://api.mch.weixin.qq.com".to_owned(),
        notify_url: "https://pay.example.com/v1/notifications/wechat".to_owned(),
    }
}

pub fn wechat() -> WechatConnector {
    WechatConnector::new(wechat_config()).unwrap()
}

pub fn wechat_public_mode() -> WechatConnector {
    let key = RsaPublicKey::from_text(&text("wechat/public_mode.pub")).unwrap();
    let mut config = wechat_config();
    config.platform_keys.insert(PUBLIC_KEY_ID.to_owned(), key);
    WechatConnector::new(config).unwrap()
}

pub fn unionpay_config() -> UnionpayConfig {
    UnionpayConfig {
        merchant_id: "777290058110048".to_owned(),
        cert_id: certificate("unionpay/merchant.cer")
            .serial_decimal()
            .to_owned(),
        private_key: private_key("unionpay/merchant.key"),
        root_certificate: certificate("unionpay/root.cer"),
        middle_certificate: certificate("unionpay/middle.cer"),
        encryption_certificate: certificate("unionpay/encryption.cer"),
        base_url: "https://gateway.test.95516.com/gateway/api".to_owned(),
        back_url: "https://pay.example.com/v1/notifications/unionpay".to_owned(),
        accepted_signers: vec![TEST_SIGNER.to_owned()],
    }
}

pub fn unionpay() -> UnionpayConnector {
    UnionpayConnector::new(unionpay_config()).unwrap()
}

/// A recorded message: status line, headers, empty line, body.
pub fn recorded(path: &str) -> Response {
    let all = bytes(path);
    let end = all.windows(2).position(|pair| pair == b"\n\n").unwrap();
    let head = std::str::from_utf8(&all[..end]).unwrap();
    let mut lines = head.lines();
    Response {
        status: lines.next().unwrap().parse().unwrap(),
        headers: lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: all[end + 2..].to_vec(),
    }
}

/// A response as WeChat's platform certificate signs it.
pub fn wechat_signed(status: u16, body: &str, at: Timestamp) -> Response {
    let timestamp = at.as_second().to_string();
    let message = response_message(&timestamp, NONCE, body.as_bytes());
    let signature = private_key("wechat/platform.key")
        .sign_sha256_base64(&message)
        .unwrap();
    let serial = certificate("wechat/platform.crt").serial_hex();
    let headers = [
        ("wechatpay-timestamp", timestamp.as_str()),
        ("wechatpay-nonce", NONCE),
        ("wechatpay-serial", serial.as_str()),
        ("wechatpay-signature", signature.as_str()),
        ("wechatpay-signature-type", "WECHATPAY2-SHA256-RSA2048"),
    ];
    Response {
        status,
        headers: headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
        body: body.as_bytes().to_vec(),
    }
}

pub fn unsigned(status: u16, body: impl AsRef<[u8]>) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: body.as_ref().to_vec(),
    }
}

pub fn set_header(response: &mut Response, name: &str, value: Option<&str>) {
    response.headers.retain(|(known, _)| known != name);
    if let Some(value) = value {
        response.headers.push((name.to_owned(), value.to_owned()));
    }
}

/// Fields of a recorded UnionPay message, changed and signed anew.
pub fn acp_signed(path: &str, changes: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::from_raw(&bytes(path)).unwrap();
    for (name, value) in changes {
        fields.set(name, *value);
    }
    acp_resign(&mut fields, "unionpay/signer.key");
    fields
}

pub fn acp_resign(fields: &mut Fields, key: &str) {
    let signature = private_key(key)
        .sign_sha256_base64(fields.digest_to_sign().as_bytes())
        .unwrap();
    fields.set("signature", signature);
}

pub fn reference(text: &str) -> ChannelReference {
    ChannelReference(text.to_owned())
}

pub fn create_order() -> Operation {
    Operation::CreateOrder {
        order: reference(ORDER),
        description: "清源咖啡 大杯".to_owned(),
        amount: Money::cny(12345),
        expires_at: seconds_later(900),
    }
}

pub fn query_order() -> Operation {
    Operation::QueryOrder {
        order: reference(ORDER),
    }
}

pub fn close_order() -> Operation {
    Operation::CloseOrder {
        order: reference(ORDER),
    }
}

pub fn refund() -> Operation {
    Operation::Refund {
        order: reference(ORDER),
        refund: reference(REFUND),
        amount: Money::cny(345),
        order_total: Money::cny(12345),
        reason: Some("退一杯".to_owned()),
    }
}

pub fn query_refund() -> Operation {
    Operation::QueryRefund {
        refund: reference(REFUND),
    }
}

pub fn trade_bill() -> Operation {
    Operation::TradeBill {
        date: "2026-11-30".parse().unwrap(),
    }
}

pub fn download_bill(sha1: &str) -> Operation {
    Operation::DownloadBill {
        url: "https://api.mch.weixin.qq.com/v3/billdownload/file?token=kPzSZ-6X".to_owned(),
        sha1: sha1.to_owned(),
    }
}

/// `txnTime` of the recorded payout: 2026-12-01T09:59:00+08:00.
pub fn submitted_at() -> Timestamp {
    seconds_later(-60)
}

pub fn payout() -> Operation {
    Operation::Payout {
        payout: reference(PAYOUT),
        submitted_at: submitted_at(),
        amount: Money::cny(250_000),
        payee: "vlt_01".to_owned(),
        purpose: "货款".to_owned(),
    }
}

pub fn query_payout() -> Operation {
    Operation::QueryPayout {
        payout: reference(PAYOUT),
        submitted_at: submitted_at(),
    }
}

pub fn payee() -> PayeeAccount {
    PayeeAccount {
        account_number: "6216261000000000018".to_owned(),
        holder: "张三".to_owned(),
        corporate: false,
    }
}

/// What the recorded messages about a paid order say.
pub fn paid() -> Answer {
    Answer::Order {
        order: reference(ORDER),
        state: OrderState::Paid {
            channel_number: "4200001234202612010000000001".to_owned(),
            amount: Money::cny(12345),
            paid_at: "2026-12-01T01:59:31Z".parse().unwrap(),
            instrument: None,
            payer: Some(Payer::of("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o")),
        },
    }
}

pub fn unknown_reason(report: Report) -> String {
    match report {
        Report::Unknown { reason } => reason,
        other => panic!("expected unknown, got {other:?}"),
    }
}
