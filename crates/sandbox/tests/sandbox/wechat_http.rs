//! The WeChat side over HTTP, with requests signed by the tests themselves.

use crate::support::http::{
    client, clock, keys, merchant_key, start, start_with_wechat, wechat_merchant,
};
use crate::support::wechat::{API_V3_KEY, APP, MERCHANT};
use axum::http::{HeaderMap, StatusCode};
use channels::crypto::{
    AeadKey, Certificate, RsaPrivateKey, RsaPublicKey, aead_aes_256_gcm_decrypt, base64_decode,
};
use sandbox::{
    ApiOperation, Clock, Fault, FaultSwitch, RunningSandbox, Sandbox, SandboxConfig, SerialMode,
    SimClock, Trigger, WechatMerchant,
};
use serde_json::{Value, json};
use testing::receiver::Receiver;

const NATIVE: &str = "/v3/pay/transactions/native";

/// A merchant's hand-made requests.
struct Merchant {
    base_url: String,
    key: RsaPrivateKey,
    serial_no: String,
    /// Seconds by which its clock is ahead.
    ahead: i64,
    clock: SimClock,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn status_and_code(&self) -> (u16, String) {
        (
            self.status,
            self.json()["code"].as_str().unwrap().to_owned(),
        )
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    fn is_signed_by(&self, key: &RsaPublicKey) -> bool {
        is_signed(&self.headers, &self.body, key)
    }
}

fn is_signed(headers: &HeaderMap, body: &[u8], key: &RsaPublicKey) -> bool {
    let header = |name: &str| headers.get(name).map_or("", |v| v.to_str().unwrap());
    assert_eq!(
        header("wechatpay-signature-type"),
        "WECHATPAY2-SHA256-RSA2048"
    );
    let mut message = format!(
        "{}\n{}\n",
        header("wechatpay-timestamp"),
        header("wechatpay-nonce")
    )
    .into_bytes();
    message.extend_from_slice(body);
    message.push(b'\n');
    key.verify_sha256_base64(&message, header("wechatpay-signature"))
        .is_ok()
}

impl Merchant {
    fn new(sandbox: &RunningSandbox, clock: &SimClock) -> Self {
        Self {
            base_url: sandbox.parameters().wechat.base_url,
            key: merchant_key().private_key().clone(),
            serial_no: merchant_key().serial_hex(),
            ahead: 0,
            clock: clock.clone(),
        }
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        signed: &str,
        sent: &str,
        serial: Option<&str>,
    ) -> reqwest::Result<Answer> {
        let timestamp = self.clock.now().as_second() + self.ahead;
        let message = format!("{method}\n{path}\n{timestamp}\nnonce\n{signed}\n");
        let signature = self.key.sign_sha256_base64(message.as_bytes()).unwrap();
        let authorization = format!(
            "WECHATPAY2-SHA256-RSA2048 signature=\"{signature}\",mchid=\"{MERCHANT}\",\
             nonce_str=\"nonce\",timestamp=\"{timestamp}\",serial_no=\"{}\"",
            self.serial_no
        );
        let mut request = client()
            .request(method.parse().unwrap(), format!("{}{path}", self.base_url))
            .header("Accept", "application/json")
            .header("User-Agent", "test")
            .header("Authorization", authorization)
            .body(sent.to_owned());
        if let Some(serial) = serial {
            request = request.header("Wechatpay-Serial", serial);
        }
        let response = request.send().await?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await?.to_vec(),
        })
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", "", None).await.unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> reqwest::Result<Answer> {
        let body = body.to_string();
        self.send("POST", path, &body, &body, None).await
    }

    async fn order(&self, number: &str, notify_url: &str) -> reqwest::Result<Answer> {
        self.post(NATIVE, &order(number, notify_url)).await
    }

    async fn query(&self, number: &str) -> Answer {
        let path = format!("/v3/pay/transactions/out-trade-no/{number}?mchid={MERCHANT}");
        self.get(&path).await
    }
}

fn order(number: &str, notify_url: &str) -> Value {
    json!({
        "appid": APP,
        "mchid": MERCHANT,
        "description": "茶",
        "out_trade_no": number,
        "notify_url": notify_url,
        "amount": {"total": 1_000, "currency": "CNY"},
    })
}

async fn set_up(clock: &SimClock, mode: SerialMode) -> (RunningSandbox, Merchant) {
    let sandbox = start_with_wechat(clock, mode).await;
    let merchant = Merchant::new(&sandbox, clock);
    (sandbox, merchant)
}

fn fault(sandbox: &RunningSandbox, fault: Fault, operation: Option<ApiOperation>) {
    sandbox.with_wechat(|core| {
        core.faults_mut().switch_on(FaultSwitch {
            merchant_id: None,
            operation,
            fault,
            trigger: Trigger::Next(1),
        });
    });
}

fn opened(resource: &Value) -> Vec<u8> {
    let text = |name: &str| resource[name].as_str().unwrap();
    aead_aes_256_gcm_decrypt(
        &AeadKey::new(API_V3_KEY.as_bytes()).unwrap(),
        text("nonce").as_bytes(),
        text("associated_data").as_bytes(),
        &base64_decode(text("ciphertext")).unwrap(),
    )
    .unwrap()
}

const UNHEARD: &str = "http://127.0.0.1:9/notify";

#[tokio::test]
async fn answers_are_signed_by_the_key_that_the_merchant_asked_for() {
    let clock = clock();
    let (sandbox, merchant) = set_up(&clock, SerialMode::PublicKey).await;
    let parameters = sandbox.parameters().wechat;
    let public = RsaPublicKey::from_text(&parameters.platform_public_key_pem).unwrap();
    let platform = Certificate::from_pem(&parameters.platform_certificate_pem).unwrap();

    let answer = merchant.order("order1", UNHEARD).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("wechatpay-serial"),
        parameters.platform_public_key_id
    );
    assert!(answer.is_signed_by(&public));
    assert!(!answer.is_signed_by(platform.public_key()));

    let body = order("order1", UNHEARD).to_string();
    let serial = &parameters.platform_certificate_serial_no;
    let answer = merchant
        .send("POST", NATIVE, &body, &body, Some(serial))
        .await
        .unwrap();
    assert_eq!(answer.header("wechatpay-serial"), serial);
    assert!(answer.is_signed_by(platform.public_key()));

    let path = "/v3/pay/transactions/out-trade-no/order1/close";
    let closed = merchant
        .post(path, &json!({"mchid": MERCHANT}))
        .await
        .unwrap();
    assert_eq!((closed.status, closed.body.len()), (204, 0));
    assert!(closed.is_signed_by(&public));

    let unknown = merchant.query("never1").await;
    assert_eq!(
        unknown.status_and_code(),
        (404, "ORDER_NOT_EXIST".to_owned())
    );
    assert!(unknown.is_signed_by(&public));
    assert!(unknown.header("request-id").ends_with("-268512771"));
    sandbox.stop().await;
}

#[tokio::test]
async fn requests_that_are_not_the_merchant_s_are_refused() {
    let clock = clock();
    let (sandbox, mut merchant) = set_up(&clock, SerialMode::PublicKey).await;
    let refused = (401, "SIGN_ERROR".to_owned());
    let path = format!("/v3/pay/transactions/out-trade-no/order1?mchid={MERCHANT}");

    let altered = merchant
        .send("POST", NATIVE, "{}", "{ }", None)
        .await
        .unwrap();
    assert_eq!(altered.status_and_code(), refused);
    let detail = &altered.json()["detail"];
    assert_eq!(detail["sign_information"]["method"], "POST");
    assert_eq!(detail["sign_information"]["url"], NATIVE);
    assert_eq!(altered.header("wechatpay-signature"), "");

    for (ahead, accepted) in [(300, true), (301, false), (-300, true), (-301, false)] {
        merchant.ahead = ahead;
        let answer = merchant.get(&path).await;
        assert_eq!(answer.status == 404, accepted, "{ahead} s");
    }
    merchant.ahead = 0;
    let serial_no = std::mem::replace(&mut merchant.serial_no, "00AA".to_owned());
    assert_eq!(merchant.get(&path).await.status_and_code(), refused);
    merchant.serial_no = serial_no;
    merchant.key = keys().wechat_platform.private_key().clone();
    assert_eq!(merchant.get(&path).await.status_and_code(), refused);

    let bare = client().get(format!("{}{path}", merchant.base_url));
    let bare = bare.header("User-Agent", "test").send().await.unwrap();
    assert_eq!(bare.status(), 401);
    sandbox.stop().await;
}

#[tokio::test]
async fn notifications_are_encrypted_signed_and_repeated_until_acknowledged() {
    let clock = clock();
    let (sandbox, merchant) = set_up(&clock, SerialMode::PlatformCertificate).await;
    let (receiver, notify_url) = Receiver::start(StatusCode::NO_CONTENT).await;
    receiver.answer_next(StatusCode::INTERNAL_SERVER_ERROR);
    receiver.answer_next(StatusCode::FOUND);
    merchant.order("order1", &notify_url).await.unwrap();
    let now = sandbox.now();
    sandbox
        .with_wechat(|core| core.pay(MERCHANT, "order1", now))
        .unwrap();

    assert_eq!(sandbox.tick().await, 1);
    assert_eq!(sandbox.tick().await, 0);
    let first = receiver.take();
    clock.advance(14_999);
    assert_eq!(sandbox.tick().await, 0);
    clock.advance(1);
    assert_eq!(sandbox.tick().await, 1);
    clock.advance(15_000);
    assert_eq!(sandbox.tick().await, 1);
    clock.advance(24 * 3_600_000);
    assert_eq!(
        sandbox.tick().await,
        0,
        "the third attempt was acknowledged"
    );

    let (headers, body) = &first[0];
    let platform = keys().wechat_platform.certificate().public_key().clone();
    assert!(is_signed(headers, body, &platform));
    let notice: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(notice["event_type"], "TRANSACTION.SUCCESS");
    let content: Value = serde_json::from_slice(&opened(&notice["resource"])).unwrap();
    assert_eq!(content, merchant.query("order1").await.json());
    let repeats = receiver.take();
    let repeated: Value = serde_json::from_slice(&repeats[0].1).unwrap();
    assert_eq!(repeated["id"], notice["id"]);
    assert_ne!(repeated["resource"]["nonce"], notice["resource"]["nonce"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn probing_notifications_do_not_verify_and_are_repeated_honestly() {
    let clock = clock();
    let (sandbox, merchant) = set_up(&clock, SerialMode::PlatformCertificate).await;
    let (receiver, notify_url) = Receiver::start(StatusCode::BAD_REQUEST).await;
    fault(&sandbox, Fault::ProbeNotification, None);
    merchant.order("order1", &notify_url).await.unwrap();
    let now = sandbox.now();
    sandbox
        .with_wechat(|core| core.pay(MERCHANT, "order1", now))
        .unwrap();
    sandbox.tick().await;
    clock.advance(15_000);
    sandbox.tick().await;
    let received = receiver.take();
    let platform = keys().wechat_platform.certificate().public_key().clone();
    let signature = received[0].0["wechatpay-signature"].to_str().unwrap();
    assert!(signature.starts_with("WECHATPAY/SIGNTEST/"));
    let verdicts: Vec<bool> = received
        .iter()
        .map(|(headers, body)| is_signed(headers, body, &platform))
        .collect();
    assert_eq!(verdicts, [false, true]);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_broken_connection_leaves_the_outcome_open() {
    let clock = clock();
    let (sandbox, merchant) = set_up(&clock, SerialMode::PublicKey).await;
    let create = Some(ApiOperation::CreateOrder);
    fault(
        &sandbox,
        Fault::DropBeforeProcessing { hang_millis: 0 },
        create,
    );
    assert!(merchant.order("order1", UNHEARD).await.is_err());
    assert_eq!(merchant.query("order1").await.status, 404);
    fault(
        &sandbox,
        Fault::DropAfterProcessing {
            hang_millis: 60_000,
        },
        create,
    );
    assert!(merchant.order("order1", UNHEARD).await.is_err());
    assert_eq!(
        merchant.query("order1").await.json()["trade_state"],
        "NOTPAY"
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn errors_of_the_gateway_are_unsigned() {
    let clock = clock();
    let (sandbox, merchant) = set_up(&clock, SerialMode::PublicKey).await;
    for (kind, status, done) in [
        (Fault::RateLimited, 429, false),
        (Fault::SystemErrorBeforeProcessing, 500, false),
        (Fault::SystemErrorAfterProcessing, 500, true),
    ] {
        fault(&sandbox, kind, Some(ApiOperation::CreateOrder));
        let answer = merchant.order("order1", UNHEARD).await.unwrap();
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("wechatpay-signature"), "");
        assert_eq!(merchant.query("order1").await.status == 200, done);
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn certificates_are_for_merchants_in_certificate_mode() {
    let clock = clock();
    let (sandbox, merchant) = set_up(&clock, SerialMode::PlatformCertificate).await;
    let answer = merchant.get("/v3/certificates").await;
    let data = answer.json()["data"].clone();
    let pem = String::from_utf8(opened(&data[0]["encrypt_certificate"])).unwrap();
    let parameters = sandbox.parameters().wechat;
    assert_eq!(pem, parameters.platform_certificate_pem);
    assert_eq!(
        data[0]["serial_no"],
        parameters.platform_certificate_serial_no
    );
    assert!(answer.is_signed_by(Certificate::from_pem(&pem).unwrap().public_key()));
    sandbox.stop().await;

    let (sandbox, merchant) = set_up(&clock, SerialMode::PublicKey).await;
    let answer = merchant.get("/v3/certificates").await;
    assert_eq!(
        answer.status_and_code(),
        (404, "RESOURCE_NOT_EXISTS".to_owned())
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn a_bill_is_fetched_from_the_address_it_was_announced_at() {
    let clock = clock();
    let (sandbox, merchant) = set_up(&clock, SerialMode::PublicKey).await;
    merchant.order("order1", UNHEARD).await.unwrap();
    let now = sandbox.now();
    sandbox
        .with_wechat(|core| core.pay(MERCHANT, "order1", now))
        .unwrap();
    clock.advance(24 * 3_600_000);
    let location = merchant
        .get("/v3/bill/tradebill?bill_date=2026-03-02")
        .await
        .json();
    let url = location["download_url"].as_str().unwrap();
    let path = url.strip_prefix(&merchant.base_url).unwrap();
    let file = merchant.get(path).await;
    assert_eq!(file.header("wechatpay-signature"), "");
    assert_eq!(
        location["hash_value"],
        channels::crypto::sha1_hex(&file.body)
    );
    assert!(String::from_utf8(file.body).unwrap().contains("`order1,`"));
    sandbox.stop().await;
}

#[tokio::test]
async fn the_control_endpoints_pay_break_plant_and_advance() {
    let clock = clock();
    let (sandbox, merchant) = set_up(&clock, SerialMode::PublicKey).await;
    let control = sandbox.parameters().control_url;
    let call = async |method: &str, path: &str, body: Value| {
        let response = client()
            .request(method.parse().unwrap(), format!("{control}/sandbox/{path}"))
            .header("Content-Type", "application/json")
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (
            status,
            serde_json::from_str::<Value>(&text).unwrap_or_default(),
        )
    };
    let created = merchant.order("order1", UNHEARD).await.unwrap().json();
    let code = json!({"code_url": created["code_url"]});
    assert_eq!(call("POST", "wechat/pay", code.clone()).await.0, 200);
    assert_eq!(call("POST", "wechat/pay", code).await.0, 409);
    let unknown = json!({"out_trade_no": "never1"});
    assert_eq!(call("POST", "wechat/pay", unknown).await.0, 404);

    let books = call(
        "GET",
        &format!("wechat/books?merchant_id={MERCHANT}"),
        Value::Null,
    )
    .await
    .1;
    assert_eq!(books["entries"]["2026-03-02"][0]["amount_fen"], 1_000);
    let order = json!({"merchant_id": MERCHANT, "bill_date": "2026-03-02", "difference": {"kind": "drop_line"}});
    assert_eq!(call("POST", "wechat/differences", order).await.0, 200);
    assert_eq!(sandbox.with_wechat(|core| core.planted().len()), 1);

    let switch = json!({"fault": {"kind": "rate_limited"}, "trigger": {"next": 1}});
    assert_eq!(call("POST", "wechat/faults", switch).await.0, 204);
    assert_eq!(merchant.query("order1").await.status, 429);
    let faults = call("GET", "wechat/faults", Value::Null).await.1;
    assert_eq!(
        faults,
        json!({"switches": [], "struck": {"rate_limited": 1}})
    );

    let before = sandbox.now();
    assert_eq!(
        call("POST", "advance", json!({"millis": 1_500})).await.0,
        200
    );
    assert_eq!(
        sandbox.now().as_millisecond() - before.as_millisecond(),
        1_500
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn demo_merchants_and_keys_survive_a_restart_and_a_stopped_port_is_free() {
    let directory = tempfile::tempdir().unwrap();
    let config = SandboxConfig {
        clock: Clock::Simulated(clock()),
        key_directory: Some(directory.path().to_owned()),
        demo_merchants: true,
        ..SandboxConfig::default()
    };
    let sandbox = Sandbox::start(config.clone()).await.unwrap();
    let first = sandbox.parameters();
    sandbox.stop().await;
    let port = first
        .wechat
        .base_url
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let sandbox = Sandbox::start(SandboxConfig {
        wechat_port: port,
        ..config.clone()
    })
    .await
    .unwrap();
    let second = sandbox.parameters();
    assert_eq!(first.wechat.base_url, second.wechat.base_url);
    assert_eq!(
        first.wechat.platform_public_key_id,
        second.wechat.platform_public_key_id
    );
    let serials = |p: &sandbox::SandboxParameters| {
        let demo = p.demo_merchants.clone().unwrap();
        demo.wechat
            .into_iter()
            .map(|m| m.serial_no)
            .collect::<Vec<_>>()
    };
    assert_eq!(serials(&first), serials(&second));
    assert!(!format!("{second:?}").contains(API_V3_KEY));
    let taken = Sandbox::start(SandboxConfig {
        wechat_port: port,
        ..config
    })
    .await;
    assert!(taken.is_err());
    sandbox.stop().await;
}

#[tokio::test]
async fn unfit_merchants_are_not_registered() {
    let sandbox = start(&clock()).await;
    let fit = wechat_merchant();
    assert!(!format!("{fit:?}").contains(API_V3_KEY));
    let unfit = |change: fn(&mut WechatMerchant)| {
        let mut merchant = fit.clone();
        change(&mut merchant);
        sandbox.register_wechat_merchant(&merchant).is_err()
    };
    assert!(unfit(|m| m.serial_no = "00".to_owned()));
    assert!(unfit(|m| m.api_v3_key = "short".to_owned()));
    assert!(unfit(|m| m.key_pem = "no key".to_owned()));
    assert!(unfit(|m| m.fee_rate_ppm = 1_000_001));
    sandbox.register_wechat_merchant(&fit).unwrap();
    sandbox.stop().await;
}
