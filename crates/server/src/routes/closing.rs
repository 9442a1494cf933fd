//! Business dates: the running one, the turn, the close reports, and the clearing with channels.

use crate::api::clearings::{ClearingConfirmation, ClearingView};
use crate::api::closing::{CurrentDay, DayCloseView, DayTurn, merge_figures};
use crate::ask::{Ask, Outcome, Proposed};
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::{Body, IdempotencyKey, Ids, Params};
use crate::pagination::{self, Page, PageRequest, Range, cursor};
use crate::problem::Problem;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use calendar::BusinessDate;
use domain::case::Case;
use domain::clearing::{Clearing, ConfirmClearing};
use domain::closing::{DayClose, DaySummary, ResumeSettlement, TurnDay};
use domain::merchant::Merchant;
use domain::payment::Payment;
use domain::payout::Payout;
use domain::refund::Refund;
use domain::{Reply, Request};
use engine::ShardCode;
use engine::batch::ShardHead;
use serde::Deserialize;
use std::collections::BTreeMap;
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
///
/// A book of several shards turns one after another; its date is closed when all have turned. Where
/// one could not, the same request again turns the rest.
#[utoipa::path(post, path = "/v1/days", tag = "days", request_body = DayTurn,
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 201, description = "The date that was closed.", body = DayCloseView)))]
async fn turn_day(
    State(state): State<AppState>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body<DayTurn>,
) -> Result<Response, Problem> {
    if state.book().shard_count() > 1 {
        return turn_all(&state, &caller, &key, &body).await;
    }
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

async fn turn_all(
    state: &AppState,
    caller: &Caller,
    key: &IdempotencyKey,
    body: &Body<DayTurn>,
) -> Result<Response, Problem> {
    let dates = business_dates(state).await?;
    // A shard that began later would never have had the date.
    if dates.len() < state.book().shard_count() {
        let detail = "a shard has not begun yet: try again when the server is ready";
        return Err(Problem::unavailable("not_set_up", detail));
    }
    let Some(running) = dates.iter().map(|(_, date)| *date).min() else {
        return Err(Problem::unavailable("not_set_up", "the book is empty"));
    };
    let to = body.value.to.unwrap_or_else(|| running.next());
    let mut last = None;
    for (shard, date) in dates {
        // Turned by an earlier request that did not get through; a repeat under its key is answered
        // from its record, whatever the date.
        if date >= to && date > running {
            continue;
        }
        let request = Request::TurnDay(TurnDay { to: Some(to) });
        let done = Ask::new(state, caller, request)
            .at(shard)
            .keyed(caller, key.clone(), &body.bytes)
            .submit()
            .await?;
        let Outcome::Reply(Reply::DayClose(close)) = &done.outcome else {
            return Err(Problem::internal("the reply is that of another command"));
        };
        let date = close.date.clone();
        last = Some((date, done));
    }
    let Some((date, done)) = last else {
        return Err(Problem::internal("no shard was turned"));
    };
    let closes = pagination::find_all::<DayClose>(state, &date).await?;
    let view = DayCloseView::of_shards(closes);
    done.answer(|_| view.map(|view| (StatusCode::CREATED, view)))
}

/// The running business date of each shard that has begun.
async fn business_dates(state: &AppState) -> Result<Vec<(ShardCode, BusinessDate)>, Problem> {
    let heads = state
        .read_all(|shards| shards.iter().map(|queries| queries.head()).collect())
        .await;
    let heads: Vec<Option<ShardHead>> = heads?;
    let shards = state.book().shards().zip(heads);
    Ok(shards
        .filter_map(|(shard, head)| Some((shard, head?.business_date)))
        .collect())
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
    let request = Request::ResumeSettlement(ResumeSettlement {});
    let done = Ask::new(&state, &caller, request)
        .keyed(&caller, key, b"")
        .submit_to_all()
        .await?;
    done.answer(|_| Some((StatusCode::OK, day)))
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

/// The running date: the earliest, while shards turn one after another.
async fn read_current(state: &AppState) -> Result<CurrentDay, Problem> {
    let dates = business_dates(state).await?;
    let Some(date) = dates.into_iter().map(|(_, date)| date).min() else {
        return Err(Problem::unavailable("not_set_up", "the book is empty"));
    };
    let mut figures = BTreeMap::new();
    for summary in pagination::find_all::<DaySummary>(state, &date.to_string()).await? {
        merge_figures(&mut figures, summary.figures);
    }
    Ok(CurrentDay { date, figures })
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
    let closes = pagination::find_all::<DayClose>(&state, &date).await?;
    // Closed when all shards have turned.
    let complete = closes.len() == state.book().shard_count();
    DayCloseView::of_shards(closes)
        .filter(|_| complete)
        .map(Json)
        .ok_or_else(|| Problem::not_found("closed day", &date))
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
    if state.book().shard_count() > 1 {
        return list_all_days(&state, &page).await.map(Json);
    }
    let keep = |_: &DayClose| true;
    pagination::list(&state, Range::all("date"), page, keep, DayCloseView::from).await
}

/// Closed dates of all shards; every shard has every date, so a page of dates is one of each.
async fn list_all_days(
    state: &AppState,
    page: &PageRequest,
) -> Result<Page<DayCloseView>, Problem> {
    let (limit, after) = (page.limit(), page.after().cloned());
    let shards = state.book().shard_count();
    let by_date = state
        .read_all(move |shards| {
            let mut by_date: BTreeMap<String, Vec<DayClose>> = BTreeMap::new();
            for queries in shards {
                let scan = pagination::scan::<DayClose>("date", after.clone(), limit + 1);
                for found in queries.list(&scan)? {
                    let close: DayClose = pagination::read_body(&found)?;
                    by_date.entry(close.date.clone()).or_default().push(close);
                }
            }
            Ok(by_date)
        })
        .await?;
    let mut dates: Vec<(String, Vec<DayClose>)> = by_date.into_iter().rev().collect();
    let next = page.cut(&mut dates, |(date, _)| cursor(date, date));
    let complete = dates
        .into_iter()
        .filter(|(_, closes)| closes.len() == shards);
    let items = complete.filter_map(|(_, closes)| DayCloseView::of_shards(closes));
    Ok(Page {
        items: items.collect(),
        next,
    })
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
///
/// A second person approves it: there is no bill that the books were compared with. The date is one of
/// the latest 400 days. In a book of several parts for one of them, which `for_object` names; a
/// reconciliation books each part's own.
#[utoipa::path(post, path = "/v1/clearings", tag = "clearings", request_body = ClearingConfirmation,
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 201, description = "Booked.", body = ClearingView),
              (status = 200, description = "The same clearing was booked earlier.", body = ClearingView),
              (status = 202, description = "Waits for a second person.", body = Proposed)))]
async fn confirm_clearing(
    State(state): State<AppState>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body<ClearingConfirmation>,
) -> Result<Response, Problem> {
    let confirmation = body.value;
    let shard = part_of(&state, &confirmation).await?;
    let request = Request::ConfirmClearing(ConfirmClearing {
        channel: confirmation.channel,
        clearing_date: confirmation.clearing_date,
        gross: confirmation.gross,
        refunds: confirmation.refunds,
        channel_fee: confirmation.channel_fee,
        unsettled: None,
        bill_hash: confirmation.bill_hash,
    });
    Ask::new(&state, &caller, request)
        .at(shard)
        .keyed(&caller, key, &body.bytes)
        .create(clearing_view)
        .await
}

/// The shard that a clearing by hand is booked in. What the channel owes stands in the shards of its
/// payments: one that nobody names would be any, and a second bill of a date would be booked beside
/// the first one's parts.
async fn part_of(
    state: &AppState,
    confirmation: &ClearingConfirmation,
) -> Result<ShardCode, Problem> {
    let book = state.book();
    let object = confirmation.for_object.as_deref();
    if let Some(object) = object
        && !is_object(state, object).await?
    {
        let detail = "there is no merchant, payment, refund, payout or case of this id";
        return Err(Problem::invalid("for_object", detail));
    }
    if book.shard_count() == 1 {
        return Ok(ShardCode::FIRST);
    }
    let shard = object.and_then(|object| book.shard_of(object));
    let shard = shard.ok_or_else(|| {
        let detail = "this book has several parts: name a merchant, or another object, of the one that the money is for";
        Problem::invalid("for_object", detail)
    })?;
    let key = Clearing::key_of(confirmation.channel, confirmation.clearing_date);
    let known = pagination::find_all::<Clearing>(state, &key).await?;
    if known
        .iter()
        .any(|clearing| clearing.bill_hash != confirmation.bill_hash)
    {
        let detail =
            "this channel and date were cleared by another bill in another part of the book";
        let conflict = Problem::new(StatusCode::CONFLICT, "already_exists", detail);
        return Err(conflict.at("bill_hash"));
    }
    Ok(shard)
}

/// Whether an id is that of an object whose part of the book money may be for.
async fn is_object(state: &AppState, id: &str) -> Result<bool, Problem> {
    Ok(match id.split_once('_') {
        Some(("mch", _)) => pagination::find::<Merchant>(state, id).await?.is_some(),
        Some(("pay", _)) => pagination::find::<Payment>(state, id).await?.is_some(),
        Some(("ref", _)) => pagination::find::<Refund>(state, id).await?.is_some(),
        Some(("pot", _)) => pagination::find::<Payout>(state, id).await?.is_some(),
        Some(("cas", _)) => pagination::find::<Case>(state, id).await?.is_some(),
        _ => false,
    })
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
    pagination::list(&state, Range::all("date"), page, keep, ClearingView::from).await
}
