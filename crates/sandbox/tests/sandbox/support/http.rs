//! A sandbox on a simulated clock, and a merchant's server that receives notifications.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use calendar::{BusinessDate, instant_at};
use sandbox::{
    CertifiedKey, Clock, RunningSandbox, Sandbox, SandboxConfig, SandboxKeys, SimClock,
    generate_merchant,
};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock};

/// Keys of the channels, made once for all tests of a binary.
pub fn keys() -> Arc<SandboxKeys> {
    static KEYS: OnceLock<Arc<SandboxKeys>> = OnceLock::new();
    KEYS.get_or_init(|| Arc::new(SandboxKeys::generate().unwrap()))
        .clone()
}

/// A merchant's key, made once for all tests of a binary.
pub fn merchant_key() -> &'static CertifiedKey {
    static KEY: OnceLock<CertifiedKey> = OnceLock::new();
    KEY.get_or_init(|| generate_merchant("merchant").unwrap())
}

/// Ten in the morning of 2 March 2026.
pub fn clock() -> SimClock {
    let day = BusinessDate::new(2026, 3, 2).unwrap();
    SimClock::new(instant_at(day, 10, 0, 0))
}

/// A sandbox on `clock` without merchants.
pub async fn start(clock: &SimClock) -> RunningSandbox {
    Sandbox::start(SandboxConfig {
        clock: Clock::Simulated(clock.clone()),
        keys: Some(keys()),
        ..SandboxConfig::default()
    })
    .await
    .unwrap()
}

pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Headers and body of a notification.
pub type Received = (HeaderMap, Vec<u8>);

/// A merchant's server: keeps what it receives, answers as told, 204 when told nothing.
#[derive(Clone, Default)]
pub struct Receiver {
    received: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<VecDeque<StatusCode>>>,
    usual: Arc<Mutex<Option<StatusCode>>>,
}

impl Receiver {
    /// Starts it; answers the URL too.
    pub async fn start(usual: StatusCode) -> (Self, String) {
        let receiver = Self::default();
        *receiver.usual.lock().unwrap() = Some(usual);
        let router = Router::new()
            .route("/notify", post(receive))
            .with_state(receiver.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/notify", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (receiver, url)
    }

    pub fn answer_next(&self, status: StatusCode) {
        self.answers.lock().unwrap().push_back(status);
    }

    /// What was received since the last call.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.received.lock().unwrap())
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    receiver
        .received
        .lock()
        .unwrap()
        .push((headers, body.to_vec()));
    let told = receiver.answers.lock().unwrap().pop_front();
    told.or(*receiver.usual.lock().unwrap()).unwrap()
}
