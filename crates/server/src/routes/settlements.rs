//! Settlements.

use crate::api::settlements::SettlementView;
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::{Ids, Params};
use crate::pagination::{self, Page, PageRequest, Range};
use crate::problem::Problem;
use crate::routes::{listed_merchant_if_any, visible};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use calendar::BusinessDate;
use domain::settlement::Settlement;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_settlements))
        .routes(routes!(get_settlement))
}

/// Get a settlement
#[utoipa::path(get, path = "/v1/settlements/{id}", tag = "settlements",
    params(("id" = String, Path, description = "The settlement.")),
    responses((status = 200, description = "The settlement.", body = SettlementView)))]
async fn get_settlement(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<String>,
) -> Result<Json<SettlementView>, Problem> {
    let settlement =
        visible::<Settlement>(&state, &caller, "settlement", &id, |found| &found.merchant).await?;
    Ok(Json(settlement.into()))
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SettlementQuery {
    /// Whose; a merchant's key may leave it out. Others who leave it out get all merchants.
    merchant: Option<String>,
    /// Made on this business date.
    #[param(value_type = Option<String>, format = Date)]
    date: Option<BusinessDate>,
    /// Items of the page, 1 to 200.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// List settlements
#[utoipa::path(get, path = "/v1/settlements", tag = "settlements", params(SettlementQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<SettlementView>)))]
async fn list_settlements(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<SettlementQuery>,
) -> Result<Json<Page<SettlementView>>, Problem> {
    caller.require(&[Role::Operator, Role::Finance, Role::Merchant])?;
    let page = PageRequest::new(query.limit, query.after.as_deref())?;
    let date = query.date;
    let range = match (listed_merchant_if_any(&caller, query.merchant)?, date) {
        (Some(merchant), _) => Range::all("merchant").below(&merchant),
        (None, Some(date)) => Range::all("date").below(&date.to_string()),
        (None, None) => Range::all("date"),
    };
    let keep =
        move |settlement: &Settlement| date.is_none_or(|date| settlement.business_date == date);
    pagination::list(&state, range, page, keep, SettlementView::from).await
}
