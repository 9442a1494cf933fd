//! Signs of risk.

use crate::api::enums;
use crate::api::risk::{RiskSignalView, SignalDecisionBody};
use crate::ask::{Ask, Proposed};
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::{Body, Ids, OptionalIdempotencyKey, Params};
use crate::pagination::{self, Page, PageRequest, Range};
use crate::problem::Problem;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use compliance::risk::{Measure, Sign};
use domain::risk::{DecideSignal, RiskSignal, SignalStatus};
use domain::{Reply, Request};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_signals))
        .routes(routes!(get_signal))
        .routes(routes!(decide_signal))
}

/// Whoever is suspected is not told of what.
const LOOKING: [Role; 2] = [Role::Operator, Role::Finance];

fn view(reply: Reply) -> Option<(bool, RiskSignalView)> {
    match reply {
        Reply::RiskSignal(signal) => Some((false, Arc::unwrap_or_clone(signal).into())),
        _ => None,
    }
}

/// Decide on a sign of risk
///
/// Clearing one that holds payouts waits for a second person; then the held payouts go on, unless another
/// sign holds them. Confirming leaves them held: cancel them, or suspend the merchant.
#[utoipa::path(post, path = "/v1/risk/signals/{id}/decision", tag = "risk", request_body = SignalDecisionBody,
    params(("id" = String, Path, description = "The signal."),
           ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 200, description = "Decided.", body = RiskSignalView),
              (status = 202, description = "Waits for a second person.", body = Proposed)))]
async fn decide_signal(
    State(state): State<AppState>,
    caller: Caller,
    Ids(signal): Ids<String>,
    key: OptionalIdempotencyKey,
    body: Body<SignalDecisionBody>,
) -> Result<Response, Problem> {
    let request = Request::DecideSignal(DecideSignal {
        signal,
        decision: body.value.decision,
        reason: body.value.reason,
    });
    Ask::new(&state, &caller, request)
        .maybe_keyed(&caller, key, &body.bytes)
        .change(view)
        .await
}

/// Get a sign of risk
#[utoipa::path(get, path = "/v1/risk/signals/{id}", tag = "risk",
    params(("id" = String, Path, description = "The signal.")),
    responses((status = 200, description = "The signal.", body = RiskSignalView)))]
async fn get_signal(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<String>,
) -> Result<Json<RiskSignalView>, Problem> {
    caller.require(&LOOKING)?;
    let signal: RiskSignal = pagination::get(&state, "signal", &id).await?;
    Ok(Json(signal.into()))
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SignalQuery {
    /// Cleared ones too.
    all: Option<bool>,
    /// Only of this merchant.
    merchant: Option<String>,
    /// Only this sign.
    #[param(schema_with = enums::sign, required = false)]
    sign: Option<Sign>,
    /// Only those that do this.
    #[param(schema_with = enums::measure, required = false)]
    measure: Option<Measure>,
    /// Items of the page, 1 to 200.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// List signs of risk
#[utoipa::path(get, path = "/v1/risk/signals", tag = "risk", params(SignalQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<RiskSignalView>)))]
async fn list_signals(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<SignalQuery>,
) -> Result<Json<Page<RiskSignalView>>, Problem> {
    caller.require(&LOOKING)?;
    let page = PageRequest::new(query.limit, query.after.as_deref())?;
    let all = query.all.unwrap_or(false);
    let range = match &query.merchant {
        Some(merchant) => Range::all("merchant").below(merchant),
        None if all => Range::all("time"),
        None => Range::all("open"),
    };
    let keep = move |signal: &RiskSignal| {
        (all || signal.status != SignalStatus::Cleared)
            && query.sign.is_none_or(|sign| signal.sign == sign)
            && query
                .measure
                .is_none_or(|measure| signal.measure == measure)
    };
    pagination::list(&state, range, page, keep, RiskSignalView::from).await
}
