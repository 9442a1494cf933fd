//! The outermost layer: request id, time limit, problems, metrics and one log line.

use crate::problem::{PendingProblem, Problem};
use crate::state::AppState;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Header with the id of a request, in both directions.
pub const REQUEST_ID: &str = "x-request-id";

/// Id of the request, for handlers and logs.
#[derive(Debug, Clone)]
pub struct RequestId(pub HeaderValue);

impl RequestId {
    /// As text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// Takes over the client's id where it is 1 to 64 letters, digits, `-`, `_` or `.`.
fn request_id(request: &Request) -> RequestId {
    let given = request.headers().get(REQUEST_ID).filter(|value| {
        (1..=64).contains(&value.len())
            && value
                .as_bytes()
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    });
    RequestId(given.cloned().unwrap_or_else(new_request_id))
}

/// A random start per process and a counter: unique enough to find a log line.
fn new_request_id() -> HeaderValue {
    static START: OnceLock<u64> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let start =
        START.get_or_init(|| getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id())));
    // An odd factor makes ids of one process differ in all digits and never repeat.
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let id = start.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    HeaderValue::try_from(format!("req_{id:016x}"))
        .unwrap_or_else(|_| HeaderValue::from_static("req_0"))
}

/// Wraps every request.
pub async fn edge(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(&request);
    let method = method_name(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let uri = request.uri().clone();
    request.extensions_mut().insert(id.clone());
    let answered = tokio::time::timeout(state.limits().request_timeout(), next.run(request)).await;
    let response = answered.unwrap_or_else(|_| {
        Problem::unavailable(
            "timeout",
            "the request took too long; its outcome is not known. Send it again with the same Idempotency-Key",
        )
        .into_response()
    });
    let mut response = finish(response, &id, uri.path());
    response.headers_mut().insert(REQUEST_ID, id.0.clone());
    let route = route.as_ref().map(MatchedPath::as_str);
    let took = started.elapsed();
    state
        .metrics()
        .request(method, route, response.status().as_u16(), took);
    log(&id, method, route, response.status(), took);
    response
}

fn finish(response: Response, id: &RequestId, path: &str) -> Response {
    let pending = response.extensions().get::<PendingProblem>().cloned();
    match pending {
        Some(PendingProblem(problem)) => problem.render(response, id.as_str(), path),
        None => response,
    }
}

/// Never a body, a query string or a path with ids: the pattern says enough.
fn log(
    id: &RequestId,
    method: &str,
    route: Option<&str>,
    status: StatusCode,
    took: std::time::Duration,
) {
    let (request_id, route) = (id.as_str(), route.unwrap_or("unknown"));
    let (status, took_us) = (status.as_u16(), took.as_micros());
    if status >= 500 {
        tracing::warn!(request_id, method, route, status, took_us, "request failed");
    } else {
        tracing::debug!(request_id, method, route, status, took_us, "request");
    }
}

fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// What a panic in a handler becomes.
pub fn caught_panic(_panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    Problem::internal("a handler panicked").into_response()
}

/// 404 for unknown paths.
pub async fn unknown_route() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_route",
        "there is nothing at this path; /openapi.json lists what there is",
    )
}

/// 405 for known paths.
pub async fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this path does not take this method; see the Allow header",
    )
}
