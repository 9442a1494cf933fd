//! Sends what a connector built, byte for byte, and tells apart what was surely not sent.

use crate::config::{ChannelHttpConfig, ConfigError};
use channels::http::{Method, Request, Response};
use std::error::Error as _;
use std::time::Duration;

/// One HTTP client for all channels.
#[derive(Debug, Clone)]
pub struct HttpDriver {
    client: reqwest::Client,
    answer_bytes: usize,
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exchange {
    /// A complete response.
    Response(Response),
    /// No connection was made, so nothing was sent.
    NotSent {
        /// What went wrong.
        reason: String,
    },
    /// Something may have been sent: time-out, broken connection, answer too long.
    Unknown {
        /// What went wrong.
        reason: String,
    },
}

impl HttpDriver {
    /// A driver with its time limits. It follows no redirect (a signature covers the URL), decodes
    /// no content encoding (a signature covers the bytes) and uses no proxy of the environment.
    ///
    /// # Errors
    /// [`ConfigError::HttpClient`] when TLS cannot be set up.
    pub fn new(config: &ChannelHttpConfig) -> Result<HttpDriver, ConfigError> {
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_millis(config.connect_timeout_ms))
            .timeout(Duration::from_millis(config.timeout_ms))
            .redirect(reqwest::redirect::Policy::none())
            .no_gzip()
            .no_proxy()
            // The library's own repetition is for idempotent requests; whether a payment may be
            // sent again is decided by the effect's policy alone.
            .retry(reqwest::retry::never())
            .build()
            .map_err(|error| ConfigError::HttpClient(error.to_string()))?;
        Ok(HttpDriver {
            client,
            answer_bytes: config.answer_bytes,
        })
    }

    /// Sends a request and reads the whole answer.
    pub async fn exchange(&self, request: Request) -> Exchange {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let mut builder = self.client.request(method, &request.url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        match builder.body(request.body).send().await {
            Ok(response) => self.read(response).await,
            Err(error) if error.is_connect() || error.is_builder() => Exchange::NotSent {
                reason: describe(&error),
            },
            Err(error) => Exchange::Unknown {
                reason: describe(&error),
            },
        }
    }

    async fn read(&self, mut response: reqwest::Response) -> Exchange {
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > self.answer_bytes => {
                    return Exchange::Unknown {
                        reason: format!("the answer is longer than {} bytes", self.answer_bytes),
                    };
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => {
                    return Exchange::Unknown {
                        reason: describe(&error),
                    };
                }
            }
        }
        Exchange::Response(Response {
            status,
            headers,
            body,
        })
    }
}

/// Kind and innermost cause; never the URL, which may carry numbers of payments.
pub(crate) fn describe(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "timed out"
    } else if error.is_connect() {
        "no connection"
    } else if error.is_builder() {
        "the request cannot be expressed"
    } else {
        "the exchange broke off"
    };
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(|cause| cause.source()) {
        cause = Some(deeper);
    }
    match cause {
        Some(cause) => format!("{kind}: {cause:.160}"),
        None => kind.to_owned(),
    }
}
