//! Notifications from channels. A channel is told that we have it only after the commit; anything
//! else makes it try again, which is harmless.

use crate::ask::submit_problem;
use crate::book::route;
use crate::extract::collect;
use crate::problem::Problem;
use crate::state::AppState;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use channels::{Channel, Notification, NotificationError, SignatureError};
use domain::{Command, Fact};
use engine::{Actor, Envelope, Verdict};
use serde::Serialize;

/// Longest notification.
const BODY_MAX: usize = 256 << 10;

/// Paths of this module.
pub(crate) const PATHS: [&str; 3] = [
    "/notify/wechat",
    "/notify/wechat/{merchant_channel_id}",
    "/notify/unionpay",
];

/// Routes of this module. A path may carry the id of the channel's merchant, so that two of them
/// can be told apart in a proxy's log; the signature decides, not the path.
pub fn router() -> Router<AppState> {
    let [wechat, wechat_with_id, unionpay] = PATHS;
    Router::new()
        .route(wechat, post(wechat_notification))
        .route(wechat_with_id, post(wechat_notification))
        .route(unionpay, post(unionpay_notification))
}

/// What WeChat Pay reads of a refusal.
#[derive(Serialize)]
struct Failure<'a> {
    code: &'static str,
    message: &'a str,
}

fn failure(status: StatusCode, message: &str) -> Response {
    let body = Failure {
        code: "FAIL",
        message,
    };
    (status, axum::Json(body)).into_response()
}

async fn wechat_notification(State(state): State<AppState>, request: Request) -> Response {
    match take(&state, Channel::Wechat, request).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(response) => response,
    }
}

async fn unionpay_notification(State(state): State<AppState>, request: Request) -> Response {
    match take(&state, Channel::Unionpay, request).await {
        Ok(()) => (StatusCode::OK, "ok").into_response(),
        Err(response) => response,
    }
}

/// Verifies and submits; comes back when it is in the books.
async fn take(state: &AppState, channel: Channel, request: Request) -> Result<(), Response> {
    let connector = state
        .connectors()
        .get(channel)
        .cloned()
        .ok_or_else(|| failure(StatusCode::NOT_FOUND, "this channel is not configured here"))?;
    let headers = readable(request.headers());
    let body = collect(request, BODY_MAX, state.limits().body_timeout())
        .await
        .map_err(|problem| failure(problem.status, &problem.detail))?;
    let now = state.book().clock().now();
    let notification = connector
        .notification(&headers, &body, now)
        .map_err(|error| refuse(channel, &error))?;
    submit(state, channel, notification)
        .await
        .map_err(|problem| failure(problem.status, &problem.detail))
}

async fn submit(
    state: &AppState,
    channel: Channel,
    notification: Notification,
) -> Result<(), Problem> {
    let fact = Fact::Notified {
        channel,
        notification,
    };
    let command = Command::Fact(fact);
    let shard = state.book().shard_for(&route(&command));
    let envelope = Envelope::new(Actor::system(), command);
    let submitted = state.book().submit(shard, envelope).await;
    let outcome = submitted.map_err(|error| submit_problem(&error))?;
    match outcome.result {
        Verdict::Done(_) => Ok(()),
        // A fact is not refused; what ends here is a defect, and the channel must send it again.
        other => Err(Problem::internal(&format!(
            "a notification was not taken: {other:?}"
        ))),
    }
}

fn readable(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter_map(|(name, value)| {
            let value = value.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        })
        .collect()
}

/// The reason goes to our log only: it would help whoever forges.
fn refuse(channel: Channel, error: &NotificationError) -> Response {
    let (status, message) = match error {
        NotificationError::Signature(SignatureError::Probe) => {
            tracing::info!(?channel, "signature probe refused");
            return failure(StatusCode::UNAUTHORIZED, "signature error");
        }
        NotificationError::Signature(_) => (StatusCode::UNAUTHORIZED, "signature error"),
        NotificationError::ForeignMerchant { .. } => {
            (StatusCode::UNAUTHORIZED, "meant for another merchant")
        }
        NotificationError::CannotDecrypt => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "cannot be decrypted here",
        ),
        NotificationError::Malformed { .. } => (StatusCode::BAD_REQUEST, "malformed"),
        NotificationError::UnknownEvent { .. } => {
            (StatusCode::UNPROCESSABLE_ENTITY, "event is not handled")
        }
    };
    tracing::warn!(?channel, %error, "notification refused");
    failure(status, message)
}
