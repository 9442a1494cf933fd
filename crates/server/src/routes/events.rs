//! Events and the log of their deliveries.

use crate::api::enums;
use crate::api::webhooks::EventView;
use crate::ask::Ask;
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::{Ids, OptionalIdempotencyKey, Params};
use crate::pagination::{self, Page, PageRequest, Range};
use crate::problem::Problem;
use crate::routes::{self, creation_times, listed_merchant_if_any};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::webhook::{Delivery, DeliveryStatus, EventType, ResendWebhook};
use domain::{Reply, Request};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_events))
        .routes(routes!(get_event))
        .routes(routes!(redeliver_event))
}

async fn visible(state: &AppState, caller: &Caller, id: &str) -> Result<Delivery, Problem> {
    routes::visible::<Delivery>(state, caller, "event", id, |found| &found.merchant).await
}

/// Get an event and the log of its delivery
#[utoipa::path(get, path = "/v1/events/{id}", tag = "webhooks",
    params(("id" = String, Path, description = "The event.")),
    responses((status = 200, description = "The event.", body = EventView)))]
async fn get_event(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<String>,
) -> Result<Json<EventView>, Problem> {
    Ok(Json(visible(&state, &caller, &id).await?.into()))
}

/// Deliver an event again, under the same id and with the same body
#[utoipa::path(post, path = "/v1/events/{id}/redeliver", tag = "webhooks",
    params(("id" = String, Path, description = "The event."),
           ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 200, description = "Being delivered.", body = EventView)))]
async fn redeliver_event(
    State(state): State<AppState>,
    caller: Caller,
    Ids(event): Ids<String>,
    key: OptionalIdempotencyKey,
) -> Result<Response, Problem> {
    let merchant = visible(&state, &caller, &event).await?.merchant;
    let request = Request::ResendWebhook(ResendWebhook { merchant, event });
    let view = |reply| match reply {
        Reply::Delivery(delivery) => Some((false, EventView::from(Arc::unwrap_or_clone(delivery)))),
        _ => None,
    };
    Ask::new(&state, &caller, request)
        .maybe_keyed(&caller, key, b"")
        .change(view)
        .await
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventQuery {
    /// Whose; a merchant's key may leave it out. Others who leave it out get every event whose
    /// delivery was given up.
    merchant: Option<String>,
    /// Only of this type.
    #[serde(rename = "type")]
    #[param(schema_with = enums::event_type, required = false)]
    event_type: Option<EventType>,
    /// Only with this standing.
    #[param(schema_with = enums::delivery_status, required = false)]
    status: Option<DeliveryStatus>,
    /// Happened at or after: a date or an RFC 3339 time.
    created_from: Option<String>,
    /// Happened before.
    created_to: Option<String>,
    /// Items of the page, 1 to 200.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// List events
#[utoipa::path(get, path = "/v1/events", tag = "webhooks", params(EventQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<EventView>)))]
async fn list_events(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<EventQuery>,
) -> Result<Json<Page<EventView>>, Problem> {
    caller.require(&[Role::Operator, Role::Finance, Role::Merchant])?;
    let page = PageRequest::new(query.limit, query.after.as_deref())?;
    let (from, to) = creation_times(query.created_from.as_deref(), query.created_to.as_deref())?;
    let range = match listed_merchant_if_any(&caller, query.merchant)? {
        Some(merchant) => Range::between("merchant", from, to).below(&merchant),
        None => Range::between("failed", from, to),
    };
    let keep = move |delivery: &Delivery| {
        query.status.is_none_or(|status| delivery.status == status)
            && query
                .event_type
                .is_none_or(|kind| delivery.event_type == kind)
    };
    pagination::list(&state, range, page, keep, EventView::from).await
}
