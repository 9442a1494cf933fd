//! The route of messages among servers. It lies on the same listener as the API, so nothing of a
//! stranger's message is read but its head.

use super::forward::{PEER_PATH, perform};
use crate::problem::Problem;
use crate::state::AppState;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;

/// The route, where the book has other servers.
pub(crate) fn router(state: &AppState) -> Router<AppState> {
    match state.book().peers() {
        Some(_) => Router::new().route(PEER_PATH, post(take)),
        None => Router::new(),
    }
}

async fn take(State(state): State<AppState>, request: Request) -> Response {
    let Some(peers) = state.book().peers() else {
        return Problem::not_found("path", PEER_PATH).into_response();
    };
    // Without a word on what is wrong: whoever may know has the key.
    let refused = || {
        tracing::debug!("a message that is not of a server of this book was refused");
        StatusCode::UNAUTHORIZED.into_response()
    };
    let Some(head) = peers.admit(request.headers()) else {
        return refused();
    };
    // A command is hardly longer than the body it was made of.
    if head.length > state.limits().large_body_bytes.saturating_mul(2) {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    let Ok(body) = axum::body::to_bytes(request.into_body(), head.length).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Some(message) = peers.read(&head, &body) else {
        return refused();
    };
    let answer = perform(state.book(), peers, message).await;
    let sealed = peers.answer(head.nonce, &answer);
    sealed.unwrap_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
