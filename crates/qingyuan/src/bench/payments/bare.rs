//! The yardstick: axum without anything behind it, answering the same bytes.

use super::wire;
use crate::failure::Failure;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use std::net::SocketAddr;

/// An answer of the real server, to be given again.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Path of the request.
    pub path: &'static str,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Recorded {
    /// Sends a request to the real server and keeps its answer.
    pub fn of(
        address: SocketAddr,
        path: &'static str,
        request: &[u8],
    ) -> Result<Recorded, Failure> {
        wire::exchange(address, request, |answer| {
            answer.expect_success(path)?;
            let mut headers = HeaderMap::new();
            for (name, value) in answer.own_headers() {
                let name = HeaderName::try_from(name).map_err(Failure::other)?;
                let value = HeaderValue::try_from(value).map_err(Failure::other)?;
                headers.insert(name, value);
            }
            Ok(Recorded {
                path,
                status: StatusCode::from_u16(answer.status).map_err(Failure::other)?,
                headers,
                body: Bytes::copy_from_slice(answer.body),
            })
        })
    }

    fn repeat(self) -> Response {
        (self.status, self.headers, self.body).into_response()
    }

    /// Body of the answer.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// Starts it on a free port and says where.
pub async fn start(answers: &[Recorded]) -> Result<SocketAddr, Failure> {
    let mut router = Router::new();
    for recorded in answers {
        let path = recorded.path;
        let recorded = recorded.clone();
        // The body is read, as every handler has to, and not looked at.
        let handler = move |_body: Bytes| async move { recorded.repeat() };
        router = router.route(path, post(handler));
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(Failure::other)?;
    let address = listener.local_addr().map_err(Failure::other)?;
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}
