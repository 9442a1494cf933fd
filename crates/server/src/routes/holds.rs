//! Holds of clients on their own accounts.

use crate::api::transfers::{HoldView, NewHold, NewTransfer};
use crate::ask::Ask;
use crate::auth::Caller;
use crate::extract::{Body, IdempotencyKey, Ids};
use crate::problem::Problem;
use crate::state::AppState;
use axum::extract::State;
use axum::response::Response;
use domain::transfer::{CaptureHold, HeldTrade, PlaceHold, ReleaseHold};
use domain::{Reply, Request};
use engine::{HOLD_KIND, ShardCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(place_hold))
        .routes(routes!(capture_hold))
        .routes(routes!(release_hold))
}

fn view(reply: Reply) -> Option<(bool, HoldView)> {
    match reply {
        Reply::Hold { hold, repeated } => Some((repeated, hold.into())),
        _ => None,
    }
}

/// Reserve an amount on an account
#[utoipa::path(post, path = "/v1/holds", tag = "ledger", request_body = NewHold,
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 201, description = "Reserved.", body = HoldView)))]
async fn place_hold(
    State(state): State<AppState>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body<NewHold>,
) -> Result<Response, Problem> {
    let request = Request::PlaceHold(PlaceHold {
        account: body.value.account,
        side: body.value.side,
        amount: body.value.amount.0,
        reference: body.value.reference,
        trade: body.value.trade.map(HeldTrade::from),
    });
    Ask::new(&state, &caller, request)
        .keyed(&caller, key, &body.bytes)
        .create(view)
        .await
}

/// Post a transfer out of a hold, whole or in part
#[utoipa::path(post, path = "/v1/holds/{id}/capture", tag = "ledger", request_body = NewTransfer,
    params(("id" = String, Path, description = "The hold."),
           ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 201, description = "Posted.", body = HoldView),
              (status = 200, description = "Posted by the same transfer earlier.", body = HoldView)))]
async fn capture_hold(
    State(state): State<AppState>,
    caller: Caller,
    Ids(hold): Ids<String>,
    key: IdempotencyKey,
    body: Body<NewTransfer>,
) -> Result<Response, Problem> {
    let request = Request::CaptureHold(CaptureHold {
        hold: hold.clone(),
        currency: body.value.amount.0.currency(),
        transfer: body.value.compact(),
        reference: body.value.reference,
    });
    let shard = shard_of(&state, &hold).await?;
    Ask::new(&state, &caller, request)
        .at(shard)
        .keyed(&caller, key, &body.bytes)
        .create(view)
        .await
}

/// The shard of a hold, whose id does not name it.
async fn shard_of(state: &AppState, hold: &str) -> Result<ShardCode, Problem> {
    if state.book().shard_count() == 1 {
        return Ok(ShardCode::FIRST);
    }
    let key = hold.to_owned();
    let found = state
        .read_all(move |shards| {
            for (number, queries) in (0..).zip(shards) {
                if queries.record(HOLD_KIND, &key)?.is_some() {
                    return Ok(ShardCode::new(number));
                }
            }
            Ok(None)
        })
        .await?;
    found.ok_or_else(|| Problem::not_found("hold", hold))
}

/// Give up what is left of a hold
#[utoipa::path(post, path = "/v1/holds/{id}/release", tag = "ledger",
    params(("id" = String, Path, description = "The hold."),
           ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 200, description = "Released.", body = HoldView)))]
async fn release_hold(
    State(state): State<AppState>,
    caller: Caller,
    Ids(hold): Ids<String>,
    key: IdempotencyKey,
) -> Result<Response, Problem> {
    let shard = shard_of(&state, &hold).await?;
    Ask::new(&state, &caller, Request::ReleaseHold(ReleaseHold { hold }))
        .at(shard)
        .keyed(&caller, key, b"")
        .change(view)
        .await
}
