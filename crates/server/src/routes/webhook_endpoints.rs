//! Where events of a merchant are delivered.

use crate::api::bank_account::new_vault_id;
use crate::api::webhooks::{NewWebhookEndpoint, WebhookEndpointView};
use crate::ask::{Ask, Outcome};
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::{Body, Ids, OptionalIdempotencyKey, Params};
use crate::pagination::{self, Page, PageRequest, cursor};
use crate::problem::Problem;
use crate::state::AppState;
use crate::webhook::{WebhookSecret, check_url};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::webhook::{SetWebhook, WebhookEndpoint};
use domain::{Reply, Request};
use engine::store::{StoreError, checked};
use engine::{Record, VaultEntry};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_endpoint, list_endpoints))
        .routes(routes!(delete_endpoint))
}

/// Set where events are delivered
///
/// The answer holds the secret that signs deliveries; it is shown this once, and not in the answer to a repeat.
/// Who lost it sets the endpoint again under another key, which gives it a new secret.
#[utoipa::path(post, path = "/v1/webhook-endpoints", tag = "webhooks", request_body = NewWebhookEndpoint,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 201, description = "Set.", body = WebhookEndpointView)))]
async fn create_endpoint(
    State(state): State<AppState>,
    caller: Caller,
    key: OptionalIdempotencyKey,
    body: Body<NewWebhookEndpoint>,
) -> Result<Response, Problem> {
    let new = body.value;
    check_url(&new.url, state.webhooks().allow_private)
        .map_err(|problem| Problem::invalid("url", problem.to_string()))?;
    let secret =
        WebhookSecret::generate().map_err(|error| Problem::internal(&error.to_string()))?;
    let id = new_vault_id(state.book().clock().now())?;
    let entry = VaultEntry {
        id: id.clone(),
        clear_text: Zeroizing::new(secret.reveal().as_bytes().to_vec()),
    };
    let request = Request::SetWebhook(SetWebhook {
        merchant: caller.merchant(new.merchant)?,
        url: new.url,
        secret_vault_id: id,
        enabled: true,
    });
    let done = Ask::new(&state, &caller, request)
        .maybe_keyed(&caller, key, &body.bytes)
        .sealing([entry])
        .submit()
        .await?;
    let Outcome::Reply(Reply::WebhookEndpoint(endpoint)) = &done.outcome else {
        return Err(Problem::internal("the reply is that of another command"));
    };
    let mut shown = WebhookEndpointView::from(WebhookEndpoint::clone(endpoint));
    // Whoever repeats a request need not be who sent it: a copy of a signed one is answered as well.
    shown.secret = (!done.is_replay()).then(|| secret.reveal().to_owned());
    done.answer(|_| Some((StatusCode::CREATED, shown)))
}

/// Stop deliveries
#[utoipa::path(delete, path = "/v1/webhook-endpoints/{merchant}", tag = "webhooks",
    params(("merchant" = String, Path, description = "Whose endpoint.")),
    responses((status = 200, description = "No event is delivered any more.", body = WebhookEndpointView)))]
async fn delete_endpoint(
    State(state): State<AppState>,
    caller: Caller,
    Ids(merchant): Ids<String>,
) -> Result<Response, Problem> {
    caller.require(&[Role::Operator, Role::Merchant])?;
    caller.may_see(Some(&merchant), "webhook endpoint", &merchant)?;
    let endpoint: WebhookEndpoint = pagination::get(&state, "webhook endpoint", &merchant).await?;
    let request = Request::SetWebhook(SetWebhook {
        merchant: endpoint.merchant,
        url: endpoint.url,
        secret_vault_id: endpoint.secret_vault_id,
        enabled: false,
    });
    let view = |reply| match reply {
        Reply::WebhookEndpoint(endpoint) => {
            let shown = WebhookEndpointView::from(Arc::unwrap_or_clone(endpoint));
            Some((false, shown))
        }
        _ => None,
    };
    Ask::new(&state, &caller, request).change(view).await
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EndpointQuery {
    /// Items of the page, 1 to 200.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// List webhook endpoints
#[utoipa::path(get, path = "/v1/webhook-endpoints", tag = "webhooks", params(EndpointQuery),
    responses((status = 200, description = "A page, by merchant.", body = Page<WebhookEndpointView>)))]
async fn list_endpoints(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<EndpointQuery>,
) -> Result<Json<Page<WebhookEndpointView>>, Problem> {
    caller.require(&[Role::Operator, Role::Finance, Role::Merchant])?;
    if let Some(own) = caller.confined_to() {
        let found = pagination::find::<WebhookEndpoint>(&state, own).await?;
        let items = found.into_iter().map(WebhookEndpointView::from).collect();
        return Ok(Json(Page { items, next: None }));
    }
    let page = PageRequest::new(query.limit, query.after.as_deref())?;
    let after = page.after().map(|(_, key)| key.clone()).unwrap_or_default();
    let limit = page.limit();
    let mut endpoints: Vec<WebhookEndpoint> = state
        .read_all(move |shards| {
            let mut rows = Vec::new();
            for queries in shards {
                rows.extend(queries.records_after(WebhookEndpoint::KIND, &after, limit + 1)?);
            }
            rows.sort_by(|one, other| one.0.cmp(&other.0));
            rows.truncate(limit + 1);
            rows.into_iter()
                .map(|(key, body, check)| {
                    let place = || format!("table record, {} {key}", WebhookEndpoint::KIND);
                    checked::record((WebhookEndpoint::KIND, &key), &body, check, place)?;
                    serde_json::from_slice(&body).map_err(|error| StoreError::Damaged {
                        place: format!("webhook endpoint {key}"),
                        problem: error.to_string(),
                    })
                })
                .collect()
        })
        .await?;
    let next = page.cut(&mut endpoints, |last| cursor("", &last.merchant));
    let items = endpoints.into_iter().map(WebhookEndpointView::from);
    Ok(Json(Page {
        items: items.collect(),
        next,
    }))
}
