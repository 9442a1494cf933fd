//! Reconciliations.

use crate::api::enums;
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::Body;
use crate::problem::Problem;
use crate::reconciliation::{ReconcileError, Reconciled};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use calendar::BusinessDate;
use channels::Channel;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(reconcile))
}

/// What to reconcile.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"channel": "wechat", "date": "2026-11-19", "take": true}))]
struct NewReconciliation {
    /// The channel whose bill is fetched.
    #[schema(schema_with = enums::channel)]
    channel: Channel,
    /// The channel's clearing date.
    #[schema(value_type = String, format = Date)]
    date: BusinessDate,
    /// Take what the bill proves into the books and open cases; otherwise only compare.
    #[serde(default)]
    take: bool,
}

/// Fetch a channel's bill and reconcile it
///
/// Repeating it is harmless: facts, cases and the clearing of a date are taken once.
#[utoipa::path(post, path = "/v1/reconciliations", tag = "reconciliations", request_body = NewReconciliation,
    responses((status = 200, description = "Totals of both sides and every difference by name.", body = serde_json::Value)))]
async fn reconcile(
    State(state): State<AppState>,
    caller: Caller,
    body: Body<NewReconciliation>,
) -> Result<Json<Reconciled>, Problem> {
    caller.require(&[Role::Operator, Role::Finance])?;
    let wanted = body.value;
    let done = state
        .reconciliations()
        .run(wanted.channel, wanted.date, wanted.take)
        .await;
    done.map(Json).map_err(problem)
}

fn problem(error: ReconcileError) -> Problem {
    match &error {
        ReconcileError::NotConfigured(_) | ReconcileError::Unsupported(_) => {
            Problem::parameter("channel", error.to_string())
        }
        ReconcileError::Fetch(_) | ReconcileError::Submit(_) => {
            Problem::unavailable("bill_unavailable", &error.to_string())
        }
        ReconcileError::Bill(_) | ReconcileError::Recon(_) => {
            Problem::unavailable("bill_refused", &error.to_string())
        }
        ReconcileError::Store(_) | ReconcileError::Refused(_) => {
            Problem::internal(&error.to_string())
        }
    }
}
