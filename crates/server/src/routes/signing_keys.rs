//! Keys with which merchants sign their requests.

use crate::api::signing_keys::{NewSigningKey, SigningKeyView};
use crate::ask::{Ask, Proposed};
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::{Body, Ids, OptionalIdempotencyKey, Params};
use crate::pagination::{self, Page, PageRequest, Range};
use crate::problem::Problem;
use crate::signature::read_public_key;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::merchant::Merchant;
use domain::signing_key::{AddSigningKey, RevokeSigningKey, SigningKey};
use domain::{Reply, Request};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(add_key, list_keys))
        .routes(routes!(revoke_key))
}

const KEEPERS: [Role; 2] = [Role::Operator, Role::Merchant];

fn view(reply: Reply) -> Option<(bool, SigningKeyView)> {
    match reply {
        Reply::SigningKey { key, repeated } => Some((repeated, Arc::unwrap_or_clone(key).into())),
        _ => None,
    }
}

/// Add a key with which a merchant signs its requests
///
/// The first is added by an operator, who has it from the merchant, and a second person; further ones the
/// merchant adds itself. At most ten are in force at a time.
#[utoipa::path(post, path = "/v1/merchants/{id}/keys", tag = "merchants", request_body = NewSigningKey,
    params(("id" = String, Path, description = "The merchant."),
           ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 201, description = "In force.", body = SigningKeyView),
              (status = 200, description = "The same key was in force already.", body = SigningKeyView),
              (status = 202, description = "An operator's waits for a second person.", body = Proposed)))]
async fn add_key(
    State(state): State<AppState>,
    caller: Caller,
    Ids(merchant): Ids<String>,
    key: OptionalIdempotencyKey,
    body: Body<NewSigningKey>,
) -> Result<Response, Problem> {
    caller.require(&KEEPERS)?;
    caller.may_see(Some(&merchant), "merchant", &merchant)?;
    let new = body.value;
    read_public_key(new.algorithm, &new.public_key)
        .map_err(|problem| Problem::invalid("public_key", problem.to_string()))?;
    let request = Request::AddSigningKey(AddSigningKey {
        merchant,
        name: new.name,
        algorithm: new.algorithm,
        public_key: new.public_key,
    });
    Ask::new(&state, &caller, request)
        .maybe_keyed(&caller, key, &body.bytes)
        .create(view)
        .await
}

/// Revoke a key
///
/// It signs nothing more from the answer on, and never again.
#[utoipa::path(delete, path = "/v1/merchants/{id}/keys/{key}", tag = "merchants",
    params(("id" = String, Path, description = "The merchant."),
           ("key" = String, Path, description = "The key.")),
    responses((status = 200, description = "Revoked.", body = SigningKeyView)))]
async fn revoke_key(
    State(state): State<AppState>,
    caller: Caller,
    Ids((merchant, key)): Ids<(String, String)>,
) -> Result<Response, Problem> {
    caller.require(&KEEPERS)?;
    caller.may_see(Some(&merchant), "merchant", &merchant)?;
    let request = Request::RevokeSigningKey(RevokeSigningKey { merchant, key });
    Ask::new(&state, &caller, request).change(view).await
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct KeyQuery {
    /// Items of the page, 1 to 200.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// List a merchant's keys, revoked ones included
#[utoipa::path(get, path = "/v1/merchants/{id}/keys", tag = "merchants",
    params(("id" = String, Path, description = "The merchant."), KeyQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<SigningKeyView>)))]
async fn list_keys(
    State(state): State<AppState>,
    caller: Caller,
    Ids(merchant): Ids<String>,
    Params(query): Params<KeyQuery>,
) -> Result<Json<Page<SigningKeyView>>, Problem> {
    caller.require(&KEEPERS)?;
    caller.may_see(Some(&merchant), "merchant", &merchant)?;
    let _: Merchant = pagination::get(&state, "merchant", &merchant).await?;
    let page = PageRequest::new(query.limit, query.after.as_deref())?;
    let range = Range::between("merchant", None, None).below(&merchant);
    let keep = |_: &SigningKey| true;
    pagination::list(&state, range, page, keep, SigningKeyView::from).await
}
