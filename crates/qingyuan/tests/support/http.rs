//! A client of the API that knows the difference between "refused" and "not answered".

use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Longest time until a request is answered, restarts of the server included.
pub const ANSWER_MAX: Duration = Duration::from_secs(120);
/// Pause before a request is sent again.
pub const ASK_AGAIN: Duration = Duration::from_millis(25);

/// A POST with its idempotency key: what has to stay the same when it is sent again.
#[derive(Debug, Clone)]
pub struct Call {
    pub token: &'static str,
    pub path: String,
    pub key: String,
    pub body: Value,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub replayed: bool,
    pub body: Value,
}

impl Answer {
    pub fn accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }

    #[track_caller]
    pub fn text(&self, field: &str) -> &str {
        self.body[field]
            .as_str()
            .unwrap_or_else(|| panic!("{field} of {self:?}"))
    }
}

/// A client.
#[derive(Debug, Clone)]
pub struct Client {
    /// Servers that may be asked, in turn.
    bases: Vec<String>,
    next: Arc<AtomicUsize>,
    http: reqwest::Client,
}

impl Client {
    pub fn new(base: &str) -> Client {
        Client::of_many(&[base.to_owned()])
    }

    /// A client that asks one server after another.
    pub fn of_many(bases: &[String]) -> Client {
        let http = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(40))
            .build()
            .expect("a client");
        Client {
            bases: bases.to_vec(),
            next: Arc::default(),
            http,
        }
    }

    fn base(&self) -> &str {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        &self.bases[next % self.bases.len()]
    }

    /// Sends a request. An error means that it is not known whether it took effect: the connection
    /// ended, or the server could not say (503).
    pub async fn post(&self, call: &Call) -> Result<Answer, String> {
        let request = self
            .http
            .post(format!("{}{}", self.base(), call.path))
            .bearer_auth(call.token)
            .header("idempotency-key", &call.key)
            .header("content-type", "application/json")
            .body(serde_json::to_vec(&call.body).expect("JSON"));
        exchange(request).await
    }

    /// Sends a request, with the same key and body each time, until it is answered; and how often it was not.
    pub async fn post_until_answered(&self, call: &Call) -> (Answer, u64) {
        let deadline = Instant::now() + ANSWER_MAX;
        let mut unanswered = 0;
        loop {
            match self.post(call).await {
                Ok(answer) => return (answer, unanswered),
                Err(problem) => assert!(
                    Instant::now() < deadline,
                    "{call:?} is not answered: {problem}"
                ),
            }
            unanswered += 1;
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// Reads. An error means, as with [`Client::post`], that there was no answer.
    pub async fn get(&self, token: &str, path: &str) -> Result<Answer, String> {
        let url = format!("{}{path}", self.base());
        exchange(self.http.get(url).bearer_auth(token)).await
    }

    /// Reads until there is an answer.
    pub async fn get_until_answered(&self, token: &str, path: &str) -> Answer {
        let deadline = Instant::now() + ANSWER_MAX;
        loop {
            match self.get(token, path).await {
                Ok(answer) => return answer,
                Err(problem) => assert!(Instant::now() < deadline, "{path}: {problem}"),
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// Every item of a list.
    pub async fn list(&self, token: &str, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let first = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{first}limit=200");
        let mut page = path.clone();
        loop {
            let answer = self.get_until_answered(token, &page).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            items.extend(
                answer.body["items"]
                    .as_array()
                    .expect("items")
                    .iter()
                    .cloned(),
            );
            match answer.body["next"].as_str() {
                Some(next) => page = format!("{path}&after={next}"),
                None => return items,
            }
        }
    }
}

async fn exchange(request: reqwest::RequestBuilder) -> Result<Answer, String> {
    let response = request.send().await.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let replayed = response.headers().contains_key("idempotency-replayed");
    let bytes = response.bytes().await.map_err(|error| error.to_string())?;
    let body = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
    match status {
        503 => Err(format!("{body:?}")),
        _ => Ok(Answer {
            status,
            replayed,
            body,
        }),
    }
}
