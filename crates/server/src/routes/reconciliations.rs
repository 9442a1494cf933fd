//! Reconciliations.

use crate::api::enums;
use crate::api::reconciliations::ReconciliationSchema;
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::{Body, Params, collect};
use crate::problem::Problem;
use crate::reconciliation::{ReconcileError, Reconciled};
use crate::state::AppState;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use calendar::BusinessDate;
use channels::Channel;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(reconcile))
        .routes(routes!(reconcile_upload))
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
    responses((status = 200, description = "Totals of both sides and every difference by name.", body = ReconciliationSchema)))]
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

/// Of what the uploaded bill is.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct BillQuery {
    /// The channel whose bill it is.
    #[param(schema_with = enums::channel)]
    channel: Channel,
    /// The channel's clearing date.
    #[param(value_type = String, format = Date)]
    date: BusinessDate,
}

/// Compare a bill that is uploaded
///
/// For bills that were fetched by hand. Nothing vouches for such a file, so it is only compared: the
/// books follow a bill that was fetched from the channel.
#[utoipa::path(post, path = "/v1/reconciliations/bill", tag = "reconciliations", params(BillQuery),
    request_body(content = String, content_type = "text/csv", description = "The channel's trade bill, byte for byte."),
    responses((status = 200, description = "Totals of both sides and every difference by name.", body = ReconciliationSchema)))]
async fn reconcile_upload(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<BillQuery>,
    request: Request,
) -> Result<Json<Reconciled>, Problem> {
    caller.require(&[Role::Finance])?;
    let connector = state.connectors().get(query.channel);
    let connector =
        connector.ok_or_else(|| problem(ReconcileError::NotConfigured(query.channel)))?;
    if query.channel != Channel::Wechat {
        return Err(problem(ReconcileError::Unsupported(query.channel)));
    }
    let merchant_id = connector.merchant_id().to_owned();
    let limits = state.limits();
    let bill = collect(request, limits.large_body_bytes, limits.body_timeout()).await?;
    let done = state
        .reconciliations()
        .reconcile(
            query.channel,
            query.date,
            merchant_id,
            Some(bill.to_vec()),
            false,
        )
        .await;
    done.map(Json).map_err(|error| match error {
        ReconcileError::Bill(error) => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "bill_refused",
            error.to_string(),
        ),
        ReconcileError::Recon(error) => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "bill_refused",
            error.to_string(),
        ),
        other => problem(other),
    })
}

fn problem(error: ReconcileError) -> Problem {
    match &error {
        ReconcileError::NotConfigured(_) | ReconcileError::Unsupported(_) => {
            Problem::parameter("channel", error.to_string())
        }
        ReconcileError::NotKept(_) => Problem::parameter("date", error.to_string()),
        ReconcileError::Fetch(_)
        | ReconcileError::NotPublished { .. }
        | ReconcileError::Submit(_) => Problem::unavailable("bill_unavailable", error.to_string()),
        ReconcileError::Bill(_) | ReconcileError::Recon(_) => {
            // Asking again gives the same bill.
            Problem::new(StatusCode::BAD_GATEWAY, "bill_refused", error.to_string())
        }
        ReconcileError::Store(_) | ReconcileError::Refused(_) => {
            Problem::internal(&error.to_string())
        }
    }
}
