//! Transfers of the plain ledger.
//!
//! The path of a single transfer is the shortest of all: no look-up in the database, one submission.

use super::groups::{self, Among};
use crate::api::transfers::{
    BatchResult, NewReversal, NewTransfer, PostedTransfer, ReversalView, TransferBatch,
    TransferView,
};
use crate::ask::Ask;
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::{Body, IdempotencyKey, Ids, LargeBody, Params};
use crate::problem::Problem;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::transfer::{ClientAccount, CompactTransfer, PostTransfers, ReverseTransfer};
use domain::{Reply, Request};
use engine::ids::{id_text, parse_id_text};
use engine::store::Queries;
use ledger::{AccountId, Row, RowKind, TransferId};
use money::Currency;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(post_transfer))
        .routes(routes!(post_transfers))
        .routes(routes!(get_transfer))
        .routes(routes!(reverse_transfer))
}

impl NewTransfer {
    pub(super) fn compact(&self) -> CompactTransfer {
        CompactTransfer {
            id: self.id.0,
            debit: self.debit,
            credit: self.credit,
            amount: self.amount.0.amount(),
            code: self.code,
        }
    }
}

/// Post a transfer
#[utoipa::path(post, path = "/v1/transfers", tag = "ledger", request_body = NewTransfer,
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 201, description = "Posted.", body = PostedTransfer),
              (status = 200, description = "Posted earlier with the same content.", body = PostedTransfer)))]
async fn post_transfer(
    State(state): State<AppState>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body<NewTransfer>,
) -> Result<Response, Problem> {
    let id = body.value.id.0;
    groups::in_one_shard(&state, &[body.value.compact()], |_| String::new())?;
    let request = Request::PostTransfers(PostTransfers {
        currency: body.value.amount.0.currency(),
        linked: true,
        transfers: vec![body.value.compact()],
        reference: body.value.reference,
    });
    let view = |reply| match reply {
        Reply::Transfers(posted) => {
            let repeated = posted.repeated > 0;
            let id = id_text(id);
            Some((repeated, PostedTransfer { id, repeated }))
        }
        _ => None,
    };
    Ask::new(&state, &caller, request)
        .keyed(&caller, key, &body.bytes)
        .create(view)
        .await
}

/// Post up to 8,192 transfers
///
/// Linked: all or none, and a refusal names the index. Otherwise each for itself.
#[utoipa::path(post, path = "/v1/transfers/batch", tag = "ledger", request_body = TransferBatch,
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 200, description = "What became of them.", body = BatchResult)))]
async fn post_transfers(
    State(state): State<AppState>,
    caller: Caller,
    key: IdempotencyKey,
    LargeBody(body): LargeBody<TransferBatch>,
) -> Result<Response, Problem> {
    let batch = body.value;
    let most = state.limits().batch_transfers;
    if batch.transfers.is_empty() || batch.transfers.len() > most {
        let detail = format!("post 1 to {most} transfers at a time");
        return Err(Problem::invalid("transfers", detail));
    }
    let transfers: Vec<CompactTransfer> = batch.transfers.into_iter().map(|item| item.0).collect();
    groups::in_one_shard(&state, &transfers, |index| format!("transfers[{index}]."))?;
    let request = Request::PostTransfers(PostTransfers {
        currency: batch.currency,
        linked: batch.linked,
        reference: batch.reference,
        transfers,
    });
    let view = |reply| match reply {
        Reply::Transfers(posted) => Some((false, BatchResult::from(posted))),
        _ => None,
    };
    Ask::new(&state, &caller, request)
        .keyed(&caller, key, &body.bytes)
        .change(view)
        .await
}

fn read_id(text: &str) -> Result<TransferId, Problem> {
    parse_id_text(text)
        .map(TransferId)
        .ok_or_else(|| Problem::not_found("transfer", text))
}

/// A transfer that the caller may see, with its currency.
async fn visible(
    state: &AppState,
    caller: &Caller,
    text: &str,
    among: &Among,
) -> Result<(Row, Currency), Problem> {
    caller.require(&[Role::Operator, Role::Finance, Role::Ledger])?;
    let id = read_id(text)?;
    let look = move |queries: &dyn Queries| {
        let Some(row) = queries.transfer(id)? else {
            return Ok(None);
        };
        let account = match row.debit.account {
            0 => row.credit.account,
            account => account,
        };
        let account = queries.account(AccountId(account))?;
        Ok(account.map(|account| (row, account)))
    };
    let found = among.find(state, "transfer", look).await?;
    let clients_only = caller.credential().role == Role::Ledger;
    let prefix = ClientAccount::ledger_name("");
    match found {
        Some((_, (row, account))) if !clients_only || account.name.starts_with(&prefix) => {
            Ok((row, account.state.currency))
        }
        _ => Err(Problem::not_found("transfer", text)),
    }
}

/// Get a transfer
#[utoipa::path(get, path = "/v1/transfers/{id}", tag = "ledger",
    params(("id" = String, Path, description = "The transfer."), Among),
    responses((status = 200, description = "The transfer.", body = TransferView)))]
async fn get_transfer(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<String>,
    Params(among): Params<Among>,
) -> Result<Json<TransferView>, Problem> {
    let (row, currency) = visible(&state, &caller, &id, &among).await?;
    Ok(Json(TransferView::new(&row, currency)))
}

/// Reverse a transfer by its mirror image, once
#[utoipa::path(post, path = "/v1/transfers/{id}/reversal", tag = "ledger", request_body = NewReversal,
    params(("id" = String, Path, description = "The transfer."), Among,
           ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 201, description = "Reversed, or reversed so earlier.", body = ReversalView)))]
async fn reverse_transfer(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<String>,
    Params(among): Params<Among>,
    key: IdempotencyKey,
    body: Body<NewReversal>,
) -> Result<Response, Problem> {
    let (row, currency) = visible(&state, &caller, &id, &among).await?;
    let instead = match row.kind {
        RowKind::Transfer => None,
        RowKind::Capture => Some("what was captured is given back by a transfer of its own"),
        _ => Some("a hold is released, at /v1/holds/{id}/release"),
    };
    if let Some(instead) = instead {
        let detail = format!("{id} is no transfer that can be reversed: {instead}");
        return Err(Problem::new(StatusCode::CONFLICT, "state_conflict", detail));
    }
    let request = Request::ReverseTransfer(ReverseTransfer {
        currency,
        original: CompactTransfer {
            id: row.id,
            debit: row.debit.account,
            credit: row.credit.account,
            amount: row.amount,
            code: row.code,
        },
        reversal_id: id_text(body.value.reversal_id.0),
        reason: body.value.reason,
    });
    let view = |reply| match reply {
        Reply::Reversal(reversal) => {
            Some((false, ReversalView::from(Arc::unwrap_or_clone(reversal))))
        }
        _ => None,
    };
    Ask::new(&state, &caller, request)
        .keyed(&caller, key, &body.bytes)
        .create(view)
        .await
}
