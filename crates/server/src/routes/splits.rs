//! Splits.

use crate::api::splits::{NewSplit, SplitView};
use crate::ask::Ask;
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::{Body, IdempotencyKey, Ids, Params};
use crate::pagination::{self, Page, PageRequest, Range};
use crate::problem::Problem;
use crate::routes::{decisions, listed_merchant};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::split::{ExecuteSplit, Split};
use domain::{Reply, Request};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(execute_split, list_splits))
        .routes(routes!(get_split))
}

fn view(reply: Reply) -> Option<(bool, SplitView)> {
    match reply {
        Reply::Split { split, repeated } => Some((repeated, Arc::unwrap_or_clone(split).into())),
        _ => None,
    }
}

/// Split a payment that succeeded without a plan
#[utoipa::path(post, path = "/v1/splits", tag = "splits", request_body = NewSplit,
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 201, description = "Split.", body = SplitView),
              (status = 200, description = "The payment was split so earlier.", body = SplitView)))]
async fn execute_split(
    State(state): State<AppState>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body<NewSplit>,
) -> Result<Response, Problem> {
    let new = body.value;
    let request = Request::ExecuteSplit(ExecuteSplit {
        merchant: caller.merchant(new.merchant)?,
        payment: new.payment,
        plan: new.plan.into(),
    });
    Ask::new(&state, &caller, request)
        .keyed(&caller, key, &body.bytes)
        .create(view)
        .await
}

/// Get a split
#[utoipa::path(get, path = "/v1/splits/{id}", tag = "splits",
    params(("id" = String, Path, description = "The split.")),
    responses((status = 200, description = "The split.", body = SplitView)))]
async fn get_split(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<String>,
) -> Result<Json<SplitView>, Problem> {
    caller.require(&[Role::Operator, Role::Finance, Role::Merchant])?;
    let split: Split = pagination::get(&state, "split", &id).await?;
    let receives = |own: &str| split.parts.iter().any(|part| part.merchant == own);
    if !caller.confined_to().is_some_and(receives) {
        caller.may_see(Some(&split.merchant), "split", &id)?;
    }
    let mut shown = shown_to(&caller, split);
    decisions::with_rules(&state, &mut shown.decision).await?;
    Ok(Json(shown))
}

/// A receiver sees its own part, the main merchant all of them.
fn shown_to(caller: &Caller, split: Split) -> SplitView {
    let mut shown = SplitView::from(split);
    if let Some(own) = caller.confined_to()
        && shown.merchant != own
    {
        shown.parts.retain(|part| part.merchant == own);
    }
    shown
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SplitQuery {
    /// Whose; a merchant's key may leave it out.
    merchant: Option<String>,
    /// True: splits in which the merchant receives; otherwise those of its own payments.
    received: Option<bool>,
    /// Items of the page, 1 to 200.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// List splits of a merchant
#[utoipa::path(get, path = "/v1/splits", tag = "splits", params(SplitQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<SplitView>)))]
async fn list_splits(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<SplitQuery>,
) -> Result<Json<Page<SplitView>>, Problem> {
    caller.require(&[Role::Operator, Role::Finance, Role::Merchant])?;
    let merchant = listed_merchant(&caller, query.merchant)?;
    let page = PageRequest::new(query.limit, query.after.as_deref())?;
    let index = if query.received.unwrap_or(false) {
        "receiver"
    } else {
        "merchant"
    };
    let range = Range::all(index).below(&merchant);
    let viewer = caller.clone();
    let show = move |split: Split| shown_to(&viewer, split);
    pagination::list(&state, range, page, |_: &Split| true, show).await
}
