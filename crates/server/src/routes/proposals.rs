//! Requests that wait for a second person.

use crate::ask::Ask;
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::{IdempotencyKey, Ids, Params};
use crate::pagination::{self, Page, PageRequest, Range};
use crate::problem::Problem;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use engine::{Proposal, ProposalStatus};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_proposals))
        .routes(routes!(get_proposal))
        .routes(routes!(approve_proposal))
        .routes(routes!(decline_proposal))
}

/// Who acts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct PersonView {
    /// Person or system.
    principal: String,
    /// Role it acts in.
    role: String,
}

impl From<engine::Actor> for PersonView {
    fn from(actor: engine::Actor) -> PersonView {
        PersonView {
            principal: actor.principal.to_string(),
            role: actor.role.to_string(),
        }
    }
}

/// A request that waits for a second person, or waited.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Proposal)]
pub(crate) struct ProposalView {
    /// Number.
    id: String,
    /// Who asked.
    maker: PersonView,
    /// Role that decides; never the maker itself.
    approver_role: String,
    /// Why a second person is needed.
    reason: String,
    /// The request as it will be carried out; accounts are masked.
    #[schema(value_type = Object)]
    command: serde_json::Value,
    /// Who decided.
    decided_by: Option<PersonView>,
    /// `open`, `approved` or `declined`.
    #[schema(value_type = String, example = "open")]
    status: ProposalStatus,
}

impl From<Proposal> for ProposalView {
    fn from(proposal: Proposal) -> ProposalView {
        ProposalView {
            id: proposal.id,
            maker: proposal.maker.into(),
            approver_role: proposal.approver_role,
            reason: proposal.reason,
            command: proposal.command,
            decided_by: proposal.decided_by.map(PersonView::from),
            status: proposal.status,
        }
    }
}

/// What came of a decision.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Decision {
    /// The proposal.
    proposal: String,
    /// `approved` or `declined`.
    #[schema(value_type = String, example = "approved")]
    status: ProposalStatus,
}

async fn decide(
    state: &AppState,
    caller: &Caller,
    key: IdempotencyKey,
    proposal: String,
    approve: bool,
) -> Result<Response, Problem> {
    let status = if approve {
        ProposalStatus::Approved
    } else {
        ProposalStatus::Declined
    };
    let decision = Decision {
        proposal: proposal.clone(),
        status,
    };
    Ask::decide(state, caller, proposal, approve)
        .keyed(caller, key, b"")
        .submit()
        .await?
        .answer(|_| Some((StatusCode::OK, decision)))
}

/// Approve a proposal
///
/// Its request is carried out, or refused as it would be now.
#[utoipa::path(post, path = "/v1/proposals/{id}/approve", tag = "proposals",
    params(("id" = String, Path, description = "The proposal."),
           ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 200, description = "Approved and carried out.", body = Decision)))]
async fn approve_proposal(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<String>,
    key: IdempotencyKey,
) -> Result<Response, Problem> {
    decide(&state, &caller, key, id, true).await
}

/// Decline a proposal
#[utoipa::path(post, path = "/v1/proposals/{id}/decline", tag = "proposals",
    params(("id" = String, Path, description = "The proposal."),
           ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 204, description = "Declined; it is never carried out.")))]
async fn decline_proposal(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<String>,
    key: IdempotencyKey,
) -> Result<Response, Problem> {
    decide(&state, &caller, key, id, false).await
}

/// Get a proposal
#[utoipa::path(get, path = "/v1/proposals/{id}", tag = "proposals",
    params(("id" = String, Path, description = "The proposal.")),
    responses((status = 200, description = "The proposal.", body = ProposalView)))]
async fn get_proposal(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<String>,
) -> Result<Json<ProposalView>, Problem> {
    caller.require(&[Role::Operator, Role::Finance])?;
    let proposal: Proposal = pagination::get(&state, "proposal", &id).await?;
    Ok(Json(proposal.into()))
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ProposalQuery {
    /// Items of the page, 1 to 200.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// List open proposals
#[utoipa::path(get, path = "/v1/proposals", tag = "proposals", params(ProposalQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<ProposalView>)))]
async fn list_proposals(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<ProposalQuery>,
) -> Result<Json<Page<ProposalView>>, Problem> {
    caller.require(&[Role::Operator, Role::Finance])?;
    let page = PageRequest::new(query.limit, query.after.as_deref())?;
    let keep = |_: &Proposal| true;
    pagination::list(&state, Range::all("open"), page, keep, ProposalView::from).await
}
