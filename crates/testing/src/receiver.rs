//! A merchant's server: takes in what is sent to it.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Headers and body of a message.
pub type Received = (HeaderMap, Vec<u8>);

/// Keeps what it receives and answers as told, or as usual when told nothing.
#[derive(Clone)]
pub struct Receiver {
    usual: StatusCode,
    received: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<VecDeque<StatusCode>>>,
}

impl Receiver {
    /// Starts it on a free port; answers the URL too.
    pub async fn start(usual: StatusCode) -> (Receiver, String) {
        let receiver = Receiver {
            usual,
            received: Arc::default(),
            answers: Arc::default(),
        };
        let router = Router::new()
            .route("/notify", post(receive))
            .with_state(receiver.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/notify", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (receiver, url)
    }

    /// Answers the next message so; of several calls each counts for one message.
    pub fn answer_next(&self, status: StatusCode) {
        self.answers.lock().unwrap().push_back(status);
    }

    /// What was received since the last call.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.received.lock().unwrap())
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let message = (headers, body.to_vec());
    receiver.received.lock().unwrap().push(message);
    let told = receiver.answers.lock().unwrap().pop_front();
    told.unwrap_or(receiver.usual)
}
