//! Connectors to a sandbox with its own merchants, on one clock.

use super::start_time;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use channels::Connector;
use channels::crypto::{AeadKey, Certificate, RsaPrivateKey, RsaPublicKey};
use channels::unionpay::{TEST_SIGNER, UnionpayConfig, UnionpayConnector};
use channels::wechat::{WechatConfig, WechatConnector};
use sandbox::wechat::WechatSettings;
use sandbox::{Clock, RunningSandbox, Sandbox, SandboxConfig, SimClock};
use server::Connectors;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

pub async fn sandbox(wechat: WechatSettings) -> (SimClock, RunningSandbox) {
    let clock = SimClock::new(start_time());
    let sandbox = Sandbox::start(SandboxConfig {
        clock: Clock::Simulated(clock.clone()),
        demo_merchants: true,
        wechat,
        ..SandboxConfig::default()
    });
    (clock, sandbox.await.unwrap())
}

/// Connectors for the sandbox's own merchants.
pub fn connectors(
    sandbox: &RunningSandbox,
    wechat_notify: &str,
    unionpay_notify: &str,
) -> Connectors {
    let given = sandbox.parameters();
    let own = given.demo_merchants.as_ref().unwrap();
    let (shop, bank) = (&own.wechat[0], &own.unionpay[0]);
    let platform = RsaPublicKey::from_text(&given.wechat.platform_public_key_pem).unwrap();
    let wechat = WechatConnector::new(WechatConfig {
        merchant_id: shop.merchant_id.clone(),
        app_id: shop.app_id.clone(),
        serial_no: shop.serial_no.clone(),
        private_key: RsaPrivateKey::from_text(&shop.private_key_pem).unwrap(),
        api_v3_key: AeadKey::new(shop.api_v3_key.as_bytes()).unwrap(),
        platform_keys: BTreeMap::from([(given.wechat.platform_public_key_id.clone(), platform)]),
        base_url: given.wechat.base_url.clone(),
        notify_url: wechat_notify.to_owned(),
    })
    .unwrap();
    let certificate = |pem: &str| Certificate::from_pem(pem).unwrap();
    let unionpay = UnionpayConnector::new(UnionpayConfig {
        merchant_id: bank.merchant_id.clone(),
        cert_id: bank.certificate_id.clone(),
        private_key: RsaPrivateKey::from_text(&bank.private_key_pem).unwrap(),
        root_certificate: certificate(&given.unionpay.root_certificate_pem),
        middle_certificate: certificate(&given.unionpay.middle_certificate_pem),
        encryption_certificate: certificate(&given.unionpay.encryption_certificate_pem),
        base_url: given.unionpay.base_url.clone(),
        back_url: unionpay_notify.to_owned(),
        accepted_signers: vec![TEST_SIGNER.to_owned()],
    })
    .unwrap();
    Connectors::new([Arc::new(wechat) as Arc<dyn Connector>, Arc::new(unionpay)])
}

/// Headers and body of a message.
pub type Message = (HeaderMap, Vec<u8>);

/// A server that keeps what it receives and answers as told, 200 when told nothing.
#[derive(Clone, Default)]
pub struct Receiver {
    received: Arc<Mutex<Vec<Message>>>,
    answers: Arc<Mutex<VecDeque<StatusCode>>>,
}

impl Receiver {
    /// Starts it; answers the URL too.
    pub async fn start() -> (Receiver, String) {
        let receiver = Receiver::default();
        let router = Router::new()
            .route("/", post(receive))
            .with_state(receiver.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (receiver, url)
    }

    pub fn answer_next(&self, status: StatusCode) {
        self.answers.lock().unwrap().push_back(status);
    }

    /// What came since the last call.
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut self.received.lock().unwrap())
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    receiver
        .received
        .lock()
        .unwrap()
        .push((headers, body.to_vec()));
    let answer = receiver.answers.lock().unwrap().pop_front();
    answer.unwrap_or(StatusCode::OK)
}
