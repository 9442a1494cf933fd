//! A client of the API that knows the difference between "refused" and "not answered".

use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

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
        let answer = exchange(request).await?;
        match answer.status {
            503 => Err(format!("{:?}", answer.body)),
            _ => Ok(answer),
        }
    }

    pub async fn get(&self, token: &str, path: &str) -> Result<Answer, String> {
        exchange(
            self.http
                .get(format!("{}{path}", self.base()))
                .bearer_auth(token),
        )
        .await
    }

    /// Every item of a list.
    pub async fn list(&self, token: &str, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let first = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{first}limit=200");
        let mut page = path.clone();
        loop {
            let answer = self.get(token, &page).await.expect("a page");
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
    Ok(Answer {
        status,
        replayed,
        body,
    })
}
