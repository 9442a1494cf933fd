//! Payouts.

use crate::api::enums;
use crate::api::payouts::{
    NewPayout, PayoutCancellation, PayoutResolution, PayoutReturn, PayoutView,
};
use crate::ask::{Ask, Proposed};
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::{Body, IdempotencyKey, Ids, Params};
use crate::pagination::{self, Page, PageRequest, Range};
use crate::problem::Problem;
use crate::routes::{creation_times, decisions, listed_merchant_if_any, visible};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::payout::{
    CancelPayout, CreatePayout, Payout, PayoutStatus, ResolvePayout, ReturnPayout,
};
use domain::{Reply, Request};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_payout, list_payouts))
        .routes(routes!(get_payout))
        .routes(routes!(cancel_payout))
        .routes(routes!(resolve_payout))
        .routes(routes!(return_payout))
}

fn view(reply: Reply) -> Option<(bool, PayoutView)> {
    match reply {
        Reply::Payout { payout, repeated } => Some((repeated, Arc::unwrap_or_clone(payout).into())),
        _ => None,
    }
}

/// Pay out settled money
#[utoipa::path(post, path = "/v1/payouts", tag = "payouts", request_body = NewPayout,
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 201, description = "Recorded; the money is in transit.", body = PayoutView),
              (status = 200, description = "The same payout was recorded earlier.", body = PayoutView),
              (status = 202, description = "Waits for a second person.", body = Proposed)))]
async fn create_payout(
    State(state): State<AppState>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body<NewPayout>,
) -> Result<Response, Problem> {
    let new = body.value;
    let now = state.book().clock().now();
    let sealed = new
        .payee
        .map(|payee| payee.seal("payee", now))
        .transpose()?;
    let (payee, secret) = sealed.unzip();
    let request = Request::CreatePayout(CreatePayout {
        merchant: caller.merchant(new.merchant)?,
        payout_number: new.payout_number,
        amount: new.amount.0,
        purpose: new.purpose,
        payee,
    });
    Ask::new(&state, &caller, request)
        .keyed(&caller, key, &body.bytes)
        .sealing(secret)
        .create(view)
        .await
}

/// Stop a payout that does not come to its end
///
/// One that waits for the reserve fails at once. Any other is not sent any more: it fails when the channel
/// does not know it although nothing can be on its way any more, or by a resolution after that time.
#[utoipa::path(post, path = "/v1/payouts/{id}/cancellation", tag = "payouts", request_body = PayoutCancellation,
    params(("id" = String, Path, description = "The payout."),
           ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 202, description = "Waits for a second person.", body = Proposed)))]
async fn cancel_payout(
    State(state): State<AppState>,
    caller: Caller,
    Ids(payout): Ids<String>,
    key: IdempotencyKey,
    body: Body<PayoutCancellation>,
) -> Result<Response, Problem> {
    let request = Request::CancelPayout(CancelPayout {
        payout,
        reason: body.value.reason,
    });
    Ask::new(&state, &caller, request)
        .keyed(&caller, key, &body.bytes)
        .change(view)
        .await
}

/// State what became of a payout for which no automatic step is left
#[utoipa::path(post, path = "/v1/payouts/{id}/resolution", tag = "payouts", request_body = PayoutResolution,
    params(("id" = String, Path, description = "The payout."),
           ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 202, description = "Waits for a second person.", body = Proposed)))]
async fn resolve_payout(
    State(state): State<AppState>,
    caller: Caller,
    Ids(payout): Ids<String>,
    key: IdempotencyKey,
    body: Body<PayoutResolution>,
) -> Result<Response, Problem> {
    let request = Request::ResolvePayout(ResolvePayout {
        payout,
        outcome: body.value.outcome,
        evidence: body.value.evidence,
    });
    Ask::new(&state, &caller, request)
        .keyed(&caller, key, &body.bytes)
        .change(view)
        .await
}

/// Take back a paid payout that the payee's bank returned
#[utoipa::path(post, path = "/v1/payouts/{id}/return", tag = "payouts", request_body = PayoutReturn,
    params(("id" = String, Path, description = "The payout."),
           ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 202, description = "Waits for a second person.", body = Proposed)))]
async fn return_payout(
    State(state): State<AppState>,
    caller: Caller,
    Ids(payout): Ids<String>,
    key: IdempotencyKey,
    body: Body<PayoutReturn>,
) -> Result<Response, Problem> {
    let request = Request::ReturnPayout(ReturnPayout {
        payout,
        evidence: body.value.evidence,
    });
    Ask::new(&state, &caller, request)
        .keyed(&caller, key, &body.bytes)
        .change(view)
        .await
}

/// Get a payout
#[utoipa::path(get, path = "/v1/payouts/{id}", tag = "payouts",
    params(("id" = String, Path, description = "The payout.")),
    responses((status = 200, description = "The payout.", body = PayoutView)))]
async fn get_payout(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<String>,
) -> Result<Json<PayoutView>, Problem> {
    let payout = visible::<Payout>(&state, &caller, "payout", &id, |found| &found.merchant).await?;
    let mut shown = PayoutView::from(payout);
    decisions::with_rules(&state, &mut shown.decision).await?;
    Ok(Json(shown))
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PayoutQuery {
    /// Whose; a merchant's key may leave it out. Others who leave it out get every payout whose
    /// money is in transit.
    merchant: Option<String>,
    /// Only with this standing.
    #[param(schema_with = enums::payout_status, required = false)]
    status: Option<PayoutStatus>,
    /// Created at or after: a date or an RFC 3339 time.
    created_from: Option<String>,
    /// Created before.
    created_to: Option<String>,
    /// Items of the page, 1 to 200.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// List payouts
#[utoipa::path(get, path = "/v1/payouts", tag = "payouts", params(PayoutQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<PayoutView>)))]
async fn list_payouts(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<PayoutQuery>,
) -> Result<Json<Page<PayoutView>>, Problem> {
    caller.require(&[Role::Operator, Role::Finance, Role::Merchant])?;
    let page = PageRequest::new(query.limit, query.after.as_deref())?;
    let (from, to) = creation_times(query.created_from.as_deref(), query.created_to.as_deref())?;
    let range = match listed_merchant_if_any(&caller, query.merchant)? {
        Some(merchant) => Range::between("merchant", from, to).below(&merchant),
        None => Range::between("open", from, to),
    };
    let keep = move |payout: &Payout| query.status.is_none_or(|status| payout.status == status);
    pagination::list(&state, range, page, keep, PayoutView::from).await
}
