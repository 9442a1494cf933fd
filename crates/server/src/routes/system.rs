//! Health, metrics, the API's description and the landing page. No credential needed; bind the
//! server to an inner address or filter `/metrics` at the proxy.

use crate::book::Place;
use crate::problem::Problem;
use crate::state::AppState;
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use engine::ShardCode;
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

/// Ready when the database can be read and every shard has a writer: this server, whose thread must
/// answer, or another one that has told this one a moment ago that it writes the shard. A server that
/// can only pass requests on is of use too, one whose clock is wrong for example, and says so.
async fn ready(State(state): State<AppState>) -> Result<String, Problem> {
    let book = state.book();
    let clock = book.clock_ahead_ms().map(|ahead| {
        format!("this server's clock is {ahead} ms ahead of the database's: it has no shards until the clock is right")
    });
    let (mut orphans, mut silent) = (Vec::new(), Vec::new());
    for shard in book.shards() {
        let place = book.place(shard);
        match place.as_ref() {
            Place::Here(engine, tenure) if tenure.holds() => {
                let account = AccountId(shard.account_base());
                engine.account(account).await.map_err(|_| {
                    Problem::unavailable("engine_unavailable", "the engine does not answer")
                })?;
            }
            Place::There(holder) => {
                let writes = book
                    .peers()
                    .is_some_and(|peers| peers.writes(holder, shard));
                if !writes {
                    silent.push(format!("{shard} ({})", holder.address));
                }
            }
            Place::Here(..) | Place::Nobody => orphans.push(shard.to_string()),
        }
    }
    if !orphans.is_empty() {
        let mut detail = format!("no server writes the shards {}", orphans.join(", "));
        if let Some(clock) = clock {
            detail = format!("{detail}; {clock}");
        }
        return Err(Problem::unavailable("shards_without_writer", detail));
    }
    if !silent.is_empty() {
        let detail = format!(
            "servers that have shards do not say to this one that they write them: {}",
            silent.join(", ")
        );
        return Err(Problem::unavailable("shards_not_answering", detail));
    }
    state
        .read(ShardCode::FIRST, |queries| queries.head().map(|_| ()))
        .await?;
    let clock = clock.map_or(String::new(), |clock| format!("{clock}\n"));
    Ok(format!("ok\n{clock}"))
}

async fn metrics(State(state): State<AppState>) -> Result<Response, Problem> {
    let text = tokio::task::spawn_blocking(move || state.metrics().scrape(state.book()))
        .await
        .map_err(|error| Problem::internal(&format!("the scrape did not end: {error}")))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text).into_response())
}

async fn openapi(State(state): State<AppState>) -> Response {
    ([(CONTENT_TYPE, "application/json")], state.openapi()).into_response()
}
