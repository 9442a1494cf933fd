//! Merchants.

use super::{decisions, groups};
use crate::api::bank_account::BankAccountBody;
use crate::api::merchants::{MerchantChanges, MerchantStanding, MerchantView, NewMerchant};
use crate::ask::Ask;
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::{Body, Ids, OptionalIdempotencyKey, Params};
use crate::pagination::{self, Page, PageRequest, Range};
use crate::problem::Problem;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::merchant::{
    BankAccount, CreateMerchant, ExternalNumber, Merchant, MerchantStatus, Profile,
    SetMerchantStatus, UpdateMerchant,
};
use domain::risk::MerchantRisk;
use domain::{Reply, Request};
use engine::VaultEntry;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_merchant, list_merchants))
        .routes(routes!(get_merchant, update_merchant))
        .routes(routes!(set_merchant_status))
}

fn view(reply: Reply) -> Option<(bool, MerchantView)> {
    match reply {
        Reply::Merchant { merchant, repeated } => {
            Some((repeated, Arc::unwrap_or_clone(merchant).into()))
        }
        _ => None,
    }
}

fn seal(
    state: &AppState,
    account: Option<BankAccountBody>,
) -> Result<(Option<BankAccount>, Option<VaultEntry>), Problem> {
    let now = state.book().clock().now();
    let sealed = account
        .map(|account| account.seal("settlement_account", now))
        .transpose()?;
    Ok(sealed.unzip())
}

/// Open a merchant
#[utoipa::path(post, path = "/v1/merchants", tag = "merchants", request_body = NewMerchant,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 201, description = "Opened.", body = MerchantView),
              (status = 200, description = "The same merchant was opened earlier.", body = MerchantView)))]
async fn create_merchant(
    State(state): State<AppState>,
    caller: Caller,
    key: OptionalIdempotencyKey,
    body: Body<NewMerchant>,
) -> Result<Response, Problem> {
    let new = body.value;
    let group = new.group.as_deref().unwrap_or(&new.external_number);
    let shard = state.book().shard_of_group(group);
    let number = [new.external_number.clone()];
    groups::only_here::<ExternalNumber>(&state, shard, number, "merchant").await?;
    let (settlement_account, secret) = seal(&state, new.settlement_account)?;
    let request = Request::CreateMerchant(CreateMerchant {
        external_number: new.external_number,
        name: new.name,
        group: new.group,
        fee_schedule: new.fee_schedule,
        refund_returns_fee: new.refund_returns_fee,
        settlement_cycle: new.settlement_cycle,
        automatic_payout: new.automatic_payout,
        settlement_account,
        late_success: new.late_success,
        split_share_max: new.split_share_max,
        split_days_max: new.split_days_max,
        profile: new.profile.into(),
    });
    Ask::new(&state, &caller, request)
        .at(shard)
        .maybe_keyed(&caller, key, &body.bytes)
        .sealing(secret)
        .create(view)
        .await
}

/// Change a merchant's terms
#[utoipa::path(patch, path = "/v1/merchants/{id}", tag = "merchants", request_body = MerchantChanges,
    params(("id" = String, Path, description = "The merchant."),
           ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 200, description = "Changed.", body = MerchantView)))]
async fn update_merchant(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<String>,
    key: OptionalIdempotencyKey,
    body: Body<MerchantChanges>,
) -> Result<Response, Problem> {
    let changes = body.value;
    let (settlement_account, secret) = seal(&state, changes.settlement_account)?;
    let request = Request::UpdateMerchant(UpdateMerchant {
        merchant: id,
        name: changes.name,
        fee_schedule: changes.fee_schedule,
        refund_returns_fee: changes.refund_returns_fee,
        settlement_cycle: changes.settlement_cycle,
        automatic_payout: changes.automatic_payout,
        settlement_account,
        late_success: changes.late_success,
        split_share_max: changes.split_share_max,
        split_days_max: changes.split_days_max,
        profile: changes.profile.map(Profile::from),
    });
    Ask::new(&state, &caller, request)
        .maybe_keyed(&caller, key, &body.bytes)
        .sealing(secret)
        .change(view)
        .await
}

/// Suspend, reactivate or close a merchant
#[utoipa::path(post, path = "/v1/merchants/{id}/status", tag = "merchants", request_body = MerchantStanding,
    params(("id" = String, Path, description = "The merchant."),
           ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 200, description = "Changed.", body = MerchantView)))]
async fn set_merchant_status(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<String>,
    key: OptionalIdempotencyKey,
    body: Body<MerchantStanding>,
) -> Result<Response, Problem> {
    let request = Request::SetMerchantStatus(SetMerchantStatus {
        merchant: id,
        status: body.value.status,
        reason: body.value.reason,
    });
    Ask::new(&state, &caller, request)
        .maybe_keyed(&caller, key, &body.bytes)
        .change(view)
        .await
}

/// Get a merchant
#[utoipa::path(get, path = "/v1/merchants/{id}", tag = "merchants",
    params(("id" = String, Path, description = "The merchant.")),
    responses((status = 200, description = "The merchant.", body = MerchantView)))]
async fn get_merchant(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<String>,
) -> Result<Json<MerchantView>, Problem> {
    caller.require(&[Role::Operator, Role::Finance, Role::Merchant])?;
    caller.may_see(Some(&id), "merchant", &id)?;
    let merchant: Merchant = pagination::get(&state, "merchant", &id).await?;
    let mut shown = MerchantView::from(merchant);
    decisions::with_rules(&state, &mut shown.decision).await?;
    decisions::with_rules(&state, &mut shown.settlement_decision).await?;
    let risk = pagination::find::<MerchantRisk>(&state, &id).await?;
    shown.payouts_held = Some(risk.as_ref().is_some_and(MerchantRisk::holds));
    let open = risk.iter().flat_map(MerchantRisk::open);
    shown.risk_signals = Some(open.map(|raised| raised.signal.clone()).collect());
    if caller.confined_to().is_some() {
        shown.profile = None;
        shown.risk_signals = None;
    }
    Ok(Json(shown))
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MerchantQuery {
    /// Only with this standing.
    #[param(schema_with = crate::api::enums::merchant_status, required = false)]
    status: Option<MerchantStatus>,
    /// Items of the page, 1 to 200.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// List merchants
#[utoipa::path(get, path = "/v1/merchants", tag = "merchants", params(MerchantQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<MerchantView>)))]
async fn list_merchants(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<MerchantQuery>,
) -> Result<Json<Page<MerchantView>>, Problem> {
    caller.require(&[Role::Operator, Role::Finance])?;
    let page = PageRequest::new(query.limit, query.after.as_deref())?;
    let keep =
        move |merchant: &Merchant| query.status.is_none_or(|status| merchant.status == status);
    pagination::list(&state, Range::all("time"), page, keep, MerchantView::from).await
}
