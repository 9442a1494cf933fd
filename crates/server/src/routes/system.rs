//! Health, metrics, the API's description and the landing page. No credential needed; bind the
//! server to an inner address or filter `/metrics` at the proxy.

use crate::problem::Problem;
use crate::state::AppState;
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use ledger::AccountId;

const LANDING: &str = include_str!("landing.html");

/// Paths of this module.
pub const PATHS: [&str; 5] = ["/", "/livez", "/readyz", "/metrics", "/openapi.json"];

/// Routes of this module.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/", get(landing))
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(openapi))
}

async fn landing() -> Html<&'static str> {
    Html(LANDING)
}

async fn live() -> &'static str {
    "ok\n"
}

/// Ready when the shard's thread answers and the database can be read.
async fn ready(State(state): State<AppState>) -> Result<&'static str, Problem> {
    state
        .engine()
        .account(AccountId(0))
        .await
        .map_err(|_| Problem::unavailable("engine_unavailable", "the engine does not answer"))?;
    state.read(|queries| queries.head().map(|_| ())).await?;
    Ok("ok\n")
}

async fn metrics(State(state): State<AppState>) -> Result<Response, Problem> {
    let text = tokio::task::spawn_blocking(move || state.metrics().scrape(state.engine()))
        .await
        .map_err(|error| Problem::internal(&format!("the scrape did not end: {error}")))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text).into_response())
}

async fn openapi(State(state): State<AppState>) -> Response {
    ([(CONTENT_TYPE, "application/json")], state.openapi()).into_response()
}
