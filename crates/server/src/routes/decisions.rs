//! Decisions of the rules.

use crate::api::decisions::DecisionView;
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::Ids;
use crate::pagination;
use crate::problem::Problem;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use domain::regulation::Decision;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_decision))
}

/// Get a decision of the rules
///
/// Says nothing about who asked: all objects that were decided alike share it.
#[utoipa::path(get, path = "/v1/decisions/{id}", tag = "decisions",
    params(("id" = String, Path, description = "The decision.")),
    responses((status = 200, description = "The decision with its rules.", body = DecisionView)))]
async fn get_decision(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<String>,
) -> Result<Json<DecisionView>, Problem> {
    caller.require(&[Role::Operator, Role::Finance, Role::Merchant])?;
    let decision: Decision = pagination::get(&state, "decision", &id).await?;
    Ok(Json(decision.into()))
}

/// Adds its rules to the decision of a single object.
pub(super) async fn with_rules(
    state: &AppState,
    shown: &mut Option<DecisionView>,
) -> Result<(), Problem> {
    if let Some(shown) = shown
        && let Some(decision) = pagination::find::<Decision>(state, &shown.id).await?
    {
        shown.rules = DecisionView::from(decision).rules;
    }
    Ok(())
}
