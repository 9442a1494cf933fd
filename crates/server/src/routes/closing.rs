//! Business dates: the running one, the turn, the close reports, and the clearing with channels.

use crate::api::clearings::{ClearingConfirmation, ClearingView};
use crate::api::closing::{CurrentDay, DayCloseView, DayTurn, TallyView};
use crate::ask::Ask;
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::{Body, IdempotencyKey, Ids, Params};
use crate::pagination::{self, Page, PageRequest, Range};
use crate::problem::Problem;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::clearing::{Clearing, ConfirmClearing};
use domain::closing::{DayClose, DaySummary, ResumeSettlement, TurnDay};
use domain::{Reply, Request};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(turn_day, list_days))
        .routes(routes!(current_day))
        .routes(routes!(resume_settlement))
        .routes(routes!(get_day))
        .routes(routes!(confirm_clearing, list_clearings))
}

const READERS: [Role; 2] = [Role::Operator, Role::Finance];

/// Close the business date and start settlement
#[utoipa::path(post, path = "/v1/days", tag = "days", request_body = DayTurn,
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 201, description = "The date that was closed.", body = DayCloseView)))]
async fn turn_day(
    State(state): State<AppState>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body<DayTurn>,
) -> Result<Response, Problem> {
    let request = Request::TurnDay(TurnDay { to: body.value.to });
    let view = |reply| match reply {
        Reply::DayClose(close) => Some((false, DayCloseView::from(Arc::unwrap_or_clone(close)))),
        _ => None,
    };
    Ask::new(&state, &caller, request)
        .keyed(&caller, key, &body.bytes)
        .create(view)
        .await
}

/// Start the settlement of the running date again
#[utoipa::path(post, path = "/v1/days/current/settlement", tag = "days",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 200, description = "Started; merchants that are settled stay so.", body = CurrentDay)))]
async fn resume_settlement(
    State(state): State<AppState>,
    caller: Caller,
    key: IdempotencyKey,
) -> Result<Response, Problem> {
    let day = read_current(&state).await?;
    Ask::new(
        &state,
        &caller,
        Request::ResumeSettlement(ResumeSettlement {}),
    )
    .keyed(&caller, key, b"")
    .change(|_| Some((false, day)))
    .await
}

/// Get the running business date
#[utoipa::path(get, path = "/v1/days/current", tag = "days",
    responses((status = 200, description = "The running date.", body = CurrentDay)))]
async fn current_day(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<CurrentDay>, Problem> {
    caller.require(&[Role::Operator, Role::Finance, Role::Ledger])?;
    Ok(Json(read_current(&state).await?))
}

async fn read_current(state: &AppState) -> Result<CurrentDay, Problem> {
    let head = state.read(|queries| queries.head()).await?;
    let Some(head) = head else {
        return Err(Problem::unavailable("not_set_up", "the book is empty"));
    };
    let date = head.business_date;
    let summary = pagination::find::<DaySummary>(state, &date.to_string()).await?;
    let figures = summary.map(|summary| summary.figures).unwrap_or_default();
    Ok(CurrentDay {
        date,
        figures: figures
            .into_iter()
            .map(|(figure, tally)| (figure, TallyView::from(tally)))
            .collect(),
    })
}

/// Get the report of a closed date
#[utoipa::path(get, path = "/v1/days/{date}", tag = "days",
    params(("date" = String, Path, description = "The business date.")),
    responses((status = 200, description = "The report.", body = DayCloseView)))]
async fn get_day(
    State(state): State<AppState>,
    caller: Caller,
    Ids(date): Ids<String>,
) -> Result<Json<DayCloseView>, Problem> {
    caller.require(&READERS)?;
    let close: DayClose = pagination::get(&state, "closed day", &date).await?;
    Ok(Json(close.into()))
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// Items of the page, 1 to 200.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// List closed dates
#[utoipa::path(get, path = "/v1/days", tag = "days", params(PageQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<DayCloseView>)))]
async fn list_days(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<PageQuery>,
) -> Result<Json<Page<DayCloseView>>, Problem> {
    caller.require(&READERS)?;
    let page = PageRequest::new(query.limit, query.after.as_deref())?;
    let keep = |_: &DayClose| true;
    let found = pagination::list(&state, Range::all("date"), page, keep, DayCloseView::from);
    Ok(Json(found.await?))
}

fn clearing_view(reply: Reply) -> Option<(bool, ClearingView)> {
    match reply {
        Reply::Clearing { clearing, repeated } => {
            Some((repeated, Arc::unwrap_or_clone(clearing).into()))
        }
        _ => None,
    }
}

/// Book what a channel paid over for a clearing date
#[utoipa::path(post, path = "/v1/clearings", tag = "clearings", request_body = ClearingConfirmation,
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 201, description = "Booked.", body = ClearingView),
              (status = 200, description = "The same clearing was booked earlier.", body = ClearingView)))]
async fn confirm_clearing(
    State(state): State<AppState>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body<ClearingConfirmation>,
) -> Result<Response, Problem> {
    let confirmation = body.value;
    let request = Request::ConfirmClearing(ConfirmClearing {
        channel: confirmation.channel,
        clearing_date: confirmation.clearing_date,
        gross: confirmation.gross,
        refunds: confirmation.refunds,
        channel_fee: confirmation.channel_fee,
        bill_hash: confirmation.bill_hash,
    });
    Ask::new(&state, &caller, request)
        .keyed(&caller, key, &body.bytes)
        .create(clearing_view)
        .await
}

/// List clearings
#[utoipa::path(get, path = "/v1/clearings", tag = "clearings", params(PageQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<ClearingView>)))]
async fn list_clearings(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<PageQuery>,
) -> Result<Json<Page<ClearingView>>, Problem> {
    caller.require(&READERS)?;
    let page = PageRequest::new(query.limit, query.after.as_deref())?;
    let keep = |_: &Clearing| true;
    let found = pagination::list(&state, Range::all("date"), page, keep, ClearingView::from);
    Ok(Json(found.await?))
}
