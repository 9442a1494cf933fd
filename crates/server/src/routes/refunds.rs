//! Refunds.

use crate::api::enums;
use crate::api::refunds::{NewRefund, RefundResolution, RefundView};
use crate::ask::{Ask, Proposed};
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::{Body, IdempotencyKey, Ids, Params};
use crate::pagination::{self, Page, PageRequest, Range};
use crate::problem::Problem;
use crate::routes::{creation_times, decisions, listed_merchant, payments, visible};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::refund::{CreateRefund, Refund, RefundStatus, ResolveRefund};
use domain::{Reply, Request};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_refund))
        .routes(routes!(list_refunds))
        .routes(routes!(get_refund))
        .routes(routes!(resolve_refund))
}

fn view(reply: Reply) -> Option<(bool, RefundView)> {
    match reply {
        Reply::Refund { refund, repeated } => Some((repeated, Arc::unwrap_or_clone(refund).into())),
        _ => None,
    }
}

/// Give part or all of a payment back
#[utoipa::path(post, path = "/v1/payments/{id}/refunds", tag = "refunds", request_body = NewRefund,
    params(("id" = String, Path, description = "The payment."),
           ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 201, description = "Requested; the money is in transit.", body = RefundView),
              (status = 200, description = "The same refund was requested earlier.", body = RefundView)))]
async fn create_refund(
    State(state): State<AppState>,
    caller: Caller,
    Ids(payment): Ids<String>,
    key: IdempotencyKey,
    body: Body<NewRefund>,
) -> Result<Response, Problem> {
    let new = body.value;
    let merchant = match new.merchant {
        Some(named) => caller.merchant(Some(named))?,
        None => payments::owner(&state, &caller, &payment).await?,
    };
    let request = Request::CreateRefund(CreateRefund {
        merchant,
        payment,
        refund_number: new.refund_number,
        amount: new.amount.0,
        reason: new.reason,
    });
    Ask::new(&state, &caller, request)
        .keyed(&caller, key, &body.bytes)
        .create(view)
        .await
}

/// State how a refund ended for which the channel has no way left
#[utoipa::path(post, path = "/v1/refunds/{id}/resolution", tag = "refunds", request_body = RefundResolution,
    params(("id" = String, Path, description = "The refund."),
           ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 202, description = "Waits for a second person.", body = Proposed)))]
async fn resolve_refund(
    State(state): State<AppState>,
    caller: Caller,
    Ids(refund): Ids<String>,
    key: IdempotencyKey,
    body: Body<RefundResolution>,
) -> Result<Response, Problem> {
    let request = Request::ResolveRefund(ResolveRefund {
        refund,
        outcome: body.value.outcome,
        evidence: body.value.evidence,
    });
    Ask::new(&state, &caller, request)
        .keyed(&caller, key, &body.bytes)
        .change(view)
        .await
}

/// Get a refund
#[utoipa::path(get, path = "/v1/refunds/{id}", tag = "refunds",
    params(("id" = String, Path, description = "The refund.")),
    responses((status = 200, description = "The refund.", body = RefundView)))]
async fn get_refund(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<String>,
) -> Result<Json<RefundView>, Problem> {
    let refund = visible::<Refund>(&state, &caller, "refund", &id, |found| &found.merchant).await?;
    let mut shown = RefundView::from(refund);
    decisions::with_rules(&state, &mut shown.decision).await?;
    Ok(Json(shown))
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RefundQuery {
    /// Of this payment; otherwise of the merchant.
    payment: Option<String>,
    /// Whose; a merchant's key may leave it out.
    merchant: Option<String>,
    /// Only with this standing.
    #[param(schema_with = enums::refund_status, required = false)]
    status: Option<RefundStatus>,
    /// Created at or after: a date or an RFC 3339 time.
    created_from: Option<String>,
    /// Created before.
    created_to: Option<String>,
    /// Items of the page, 1 to 200.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// List refunds of a merchant or a payment
#[utoipa::path(get, path = "/v1/refunds", tag = "refunds", params(RefundQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<RefundView>)))]
async fn list_refunds(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<RefundQuery>,
) -> Result<Json<Page<RefundView>>, Problem> {
    caller.require(&[Role::Operator, Role::Finance, Role::Merchant])?;
    let page = PageRequest::new(query.limit, query.after.as_deref())?;
    let (from, to) = creation_times(query.created_from.as_deref(), query.created_to.as_deref())?;
    let range = match &query.payment {
        Some(payment) => {
            let paid = payments::visible(&state, &caller, payment).await?;
            if query
                .merchant
                .is_some_and(|merchant| merchant != paid.merchant)
            {
                let detail = "the payment is not this merchant's: leave one of them out";
                return Err(Problem::parameter("merchant", detail));
            }
            Range::between("payment", from, to).below(payment)
        }
        None => {
            let merchant = listed_merchant(&caller, query.merchant)?;
            Range::between("merchant", from, to).below(&merchant)
        }
    };
    let keep = move |refund: &Refund| query.status.is_none_or(|status| refund.status == status);
    pagination::list(&state, range, page, keep, RefundView::from).await
}
