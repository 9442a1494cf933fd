//! Cases.

use crate::api::cases::{CaseAssignment, CaseExplanation, CaseResolution, CaseView};
use crate::api::clearings::Adjustment;
use crate::api::enums;
use crate::ask::{Ask, Proposed};
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::{Body, IdempotencyKey, Ids, Params};
use crate::pagination::{self, Page, PageRequest, Range};
use crate::problem::Problem;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::case::{AssignCase, Case, CaseKind, CloseCase, ExplainCase};
use domain::clearing::AdjustDifference;
use domain::{Reply, Request};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_cases))
        .routes(routes!(get_case))
        .routes(routes!(assign_case))
        .routes(routes!(explain_case))
        .routes(routes!(close_case))
        .routes(routes!(adjust_case))
}

fn view(reply: Reply) -> Option<(bool, CaseView)> {
    match reply {
        Reply::Case(case) => Some((false, Arc::unwrap_or_clone(case).into())),
        _ => None,
    }
}

/// Give a case to a person
#[utoipa::path(post, path = "/v1/cases/{id}/owner", tag = "cases", request_body = CaseAssignment,
    params(("id" = String, Path, description = "The case.")),
    responses((status = 200, description = "Given.", body = CaseView)))]
async fn assign_case(
    State(state): State<AppState>,
    caller: Caller,
    Ids(case): Ids<String>,
    body: Body<CaseAssignment>,
) -> Result<Response, Problem> {
    let owner = body.value.owner;
    let request = Request::AssignCase(AssignCase { case, owner });
    Ask::new(&state, &caller, request).change(view).await
}

/// Write down why it happened
#[utoipa::path(post, path = "/v1/cases/{id}/explanation", tag = "cases", request_body = CaseExplanation,
    params(("id" = String, Path, description = "The case.")),
    responses((status = 200, description = "Written down.", body = CaseView)))]
async fn explain_case(
    State(state): State<AppState>,
    caller: Caller,
    Ids(case): Ids<String>,
    body: Body<CaseExplanation>,
) -> Result<Response, Problem> {
    let explanation = body.value.explanation;
    let request = Request::ExplainCase(ExplainCase { case, explanation });
    Ask::new(&state, &caller, request).change(view).await
}

/// Close an explained case
#[utoipa::path(post, path = "/v1/cases/{id}/close", tag = "cases", request_body = CaseResolution,
    params(("id" = String, Path, description = "The case.")),
    responses((status = 200, description = "Closed.", body = CaseView)))]
async fn close_case(
    State(state): State<AppState>,
    caller: Caller,
    Ids(case): Ids<String>,
    body: Body<CaseResolution>,
) -> Result<Response, Problem> {
    let resolution = body.value.resolution;
    let request = Request::CloseCase(CloseCase { case, resolution });
    Ask::new(&state, &caller, request).change(view).await
}

/// Take a difference to where it belongs
#[utoipa::path(post, path = "/v1/cases/{id}/adjustments", tag = "cases", request_body = Adjustment,
    params(("id" = String, Path, description = "The case, explained."),
           ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 202, description = "Waits for a second person.", body = Proposed),
              (status = 200, description = "Adjusted under this number before.", body = CaseView)))]
async fn adjust_case(
    State(state): State<AppState>,
    caller: Caller,
    Ids(case): Ids<String>,
    key: IdempotencyKey,
    body: Body<Adjustment>,
) -> Result<Response, Problem> {
    let request = Request::AdjustDifference(AdjustDifference {
        case,
        adjustment_number: body.value.adjustment_number,
        debit: body.value.debit,
        credit: body.value.credit,
        amount: body.value.amount.0,
    });
    Ask::new(&state, &caller, request)
        .keyed(&caller, key, &body.bytes)
        .change(view)
        .await
}

/// Get a case
#[utoipa::path(get, path = "/v1/cases/{id}", tag = "cases",
    params(("id" = String, Path, description = "The case.")),
    responses((status = 200, description = "The case.", body = CaseView)))]
async fn get_case(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<String>,
) -> Result<Json<CaseView>, Problem> {
    caller.require(&[Role::Operator, Role::Finance])?;
    let case: Case = pagination::get(&state, "case", &id).await?;
    Ok(Json(case.into()))
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CaseQuery {
    /// Closed ones too.
    all: Option<bool>,
    /// About this object.
    object: Option<String>,
    /// Only of this kind.
    #[param(schema_with = enums::case_kind, required = false)]
    kind: Option<CaseKind>,
    /// Items of the page, 1 to 200.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// List cases
#[utoipa::path(get, path = "/v1/cases", tag = "cases", params(CaseQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<CaseView>)))]
async fn list_cases(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<CaseQuery>,
) -> Result<Json<Page<CaseView>>, Problem> {
    caller.require(&[Role::Operator, Role::Finance])?;
    let page = PageRequest::new(query.limit, query.after.as_deref())?;
    let range = match &query.object {
        Some(object) => Range::all("object").below(object),
        None if query.all.unwrap_or(false) => Range::all("time"),
        None => Range::all("open"),
    };
    let keep = move |case: &Case| query.kind.is_none_or(|kind| case.kind == kind);
    pagination::list(&state, range, page, keep, CaseView::from).await
}
